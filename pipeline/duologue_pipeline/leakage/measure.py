"""Measures the leakage of a release: reads speakers, links them by each way there is, and gives figures.

Nothing else leaves this module: no embedding, no name of a speaker or conversation, no audio is written or handed on.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_cards import shards_sha256
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.decode import release_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.leakage.comparison import AUDIO, Comparison, unknown_figures
from duologue_pipeline.leakage.heard import Heard
from duologue_pipeline.leakage.sides import Side, choose, read_sides
from duologue_pipeline.leakage.voice import VoiceEncoder
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["LeakageRequest", "measure_leakage"]

_NOT_INSTALLED: Final = 'Resemblyzer is not installed (`pip install "duologue[leakage]"`)'

Show = Callable[[float, str], None]


@dataclass(frozen=True)
class LeakageRequest:
    """Says what is measured.

    Attributes:
        root: the folder of the release.
        purpose: what it is read for.
        seed: of everything that is drawn or trained.
        within: whether halves of a conversation stand for two conversations.
        codec: where the codec's weights are, as ``--codec`` of a run; as the release names it if None.
        audio: whether decoded and original audio are compared too.
        codebooks: whether each codebook is measured alone too.
        limit_s: what has not begun by then is unknown; no limit if None.
    """

    root: str
    purpose: str = "training_inhouse"
    seed: int = 0
    within: bool = False
    codec: str | None = None
    audio: bool = True
    codebooks: bool = True
    limit_s: float | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: expected 0 or more")
        if self.limit_s is not None and not self.limit_s > 0:
            raise UsageError("--limit-minutes: expected more than 0")


def measure_leakage(
    request: LeakageRequest,
    *,
    rules: LeakageRules | None = None,
    show: Show = lambda share, told: None,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Measures how well speakers are linked.

    Args:
        request: what is measured.
        rules: how; the packaged rules if None.
        show: is told how far it has come: a share, and what is done in words.
        clock: gives seconds.

    Returns:
        The document of ``cards/leakage.json`` (schemas/leakage.schema.json).

    Raises:
        PurposeError: the release was not made for this purpose.
        UsageError: there is no release, it is damaged, or the codec that was named is not its own.
    """
    rules = rules or load_rules(LeakageRules)
    ends_s = None if request.limit_s is None else clock() + request.limit_s
    splits, choice = choose(absolute_uri(request.root), request.purpose, rules, seed=request.seed)
    release = next(iter(splits.values())).release
    codec = None if request.codec is None else release_codec(release, request.codec)
    left_out: list[str] = []

    def late(what: str) -> bool:
        if ends_s is None or clock() < ends_s:
            return False
        left_out.append(f"the time limit was reached before {what}")
        return True

    why = choice.too_few(rules.fewest_speakers, within=request.within)
    if why is not None:
        figures = unknown_figures(rules, why)
    else:
        heard, why_not = _hearing(request, release, rules, codec)
        sides: list[Side] = []
        many = len(choice.keys)
        reading = read_sides(choice, splits, rules, within=request.within, hear=_hear(heard, rules))
        for number, found in enumerate(reading, 1):
            if heard is not None:
                heard.embed(found)
            sides += found
            show(number / many / 2, f"{number} of {many} conversations read")
            if number < many and late("all conversations were read"):
                break
        figures = _compared(request, release, rules, sides, why_not, show, late)
    show(1.0, "compared")
    return {
        "schema": "leakage/1.0",
        "made_by": MADE_BY,
        "rules": rules.version,
        "release": {"name": release["name"], "version": release["version"], "shards_sha256": shards_sha256(release)},
        "codec": {name: release["codec"][name] for name in ("name", "codebooks", "weights_sha256")},
        "purpose": request.purpose,
        "seed": request.seed,
        "conversations": "within" if request.within else "across",
        "left_out": left_out,
        "figures": figures,
    }


def _compared(
    request: LeakageRequest,
    release: Mapping[str, Any],
    rules: LeakageRules,
    sides: list[Side],
    why_not: Mapping[str, str],
    show: Show,
    late: Callable[[str], bool],
) -> list[dict[str, Any]]:
    """Gives the figures, those that matter most first, until the time is over."""
    comparison = Comparison(
        sides, release["codec"], rules, seed=request.seed, within=request.within, alone=request.codebooks
    )
    every, seconds = comparison.codebooks, rules.durations_s
    jobs: list[tuple[str, Callable[[], list[dict[str, Any]]]]] = [
        ("a network of all codebooks", partial(comparison.by_network, every)),
        *((f"histograms of {each} s", partial(comparison.by_histogram, each)) for each in seconds),
        *((f"voices of {each} s", partial(comparison.by_voice, each, why_not)) for each in seconds),
        ("controls", comparison.controls),
    ]
    if request.codebooks and len(every) > 1:
        jobs += [(f"a network of codebook {each}", partial(comparison.by_network, (each,))) for each in every]
    figures: list[dict[str, Any]] = []
    for number, (name, job) in enumerate(jobs):
        if not late(name):
            show(0.5 + number / len(jobs) / 2, name)
            figures += job()
    return figures


def _hearing(
    request: LeakageRequest, release: Mapping[str, Any], rules: LeakageRules, codec: Codec | None
) -> tuple[Heard | None, dict[str, str]]:
    """Gives what embeds audio, and what is not embedded with the reason."""
    if not request.audio:
        return None, dict.fromkeys(AUDIO, "audio was left out (--no-audio)")
    encoder = VoiceEncoder.installed()
    if encoder is None:
        return None, dict.fromkeys(AUDIO, _NOT_INSTALLED)
    decoded, original = AUDIO
    why_not = {} if release["include_audio"] else {original: "the release holds no audio"}
    if codec is None:
        try:
            codec = release_codec(release)
        except UsageError:
            why_not[decoded] = "the weights of its codec were not at hand (--codec names them)"
    most_s = 2 * rules.most_speech_s if request.within else rules.most_audio_speech_s
    heard = Heard(encoder, codec, frame_rate_hz=release["codec"]["frame_rate_hz"], most_s=most_s, rules=rules)
    return heard, why_not


def _hear(heard: Heard | None, rules: LeakageRules) -> Callable[[int, Sample, int, npt.NDArray[np.bool_]], None] | None:
    if heard is None:
        return None

    def hear(speaker: int, sample: Sample, track: int, speaks: npt.NDArray[np.bool_]) -> None:
        if speaker < rules.most_audio_speakers:
            heard.add(sample, track, speaks)

    return hear
