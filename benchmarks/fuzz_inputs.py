"""Lists the kinds of inputs of :mod:`benchmarks.fuzz`.

A judge gives ``accepted`` or ``refused: why``, or ``wrong accept: why``; whatever it raises is a traceback of duologue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.fuzz_audio import judge_audio, prepare_audio
from benchmarks.fuzz_commands import judge_options, prepare_options
from benchmarks.fuzz_documents import judge_manifest, judge_words
from benchmarks.fuzz_proofs import allowed, judge_ledger, judge_receipt, release_base
from benchmarks.fuzz_releases import judge_release, prepare_release

__all__ = ["KINDS", "Kind"]

Judge = Callable[[str, Path], str]


@dataclass(frozen=True)
class Kind:
    """Says how inputs of one kind are made and judged.

    Attributes:
        name: of the kind.
        weight: its share of the inputs.
        judge: makes the input of a name in a folder and judges what duologue says to it.
        prepare: makes what all inputs have in common, before the processes are forked.
    """

    name: str
    weight: int
    judge: Judge
    prepare: Callable[[], object]


def nothing() -> None:
    """Has nothing to prepare."""


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("audio", 40, judge_audio, prepare_audio),
        Kind("manifest", 18, judge_manifest, nothing),
        Kind("words", 10, judge_words, nothing),
        Kind("release", 13, judge_release, prepare_release),
        Kind("ledger", 10, judge_ledger, allowed),
        Kind("receipt", 6, judge_receipt, release_base),
        Kind("options", 7, judge_options, prepare_options),
    )
}
