"""Defines ``duologue simulate``: makes two-track conversations with ground truth, ready to run."""

import sys
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from duologue_pipeline.cli.support import usage_errors
from duologue_pipeline.errors import UsageError

if TYPE_CHECKING:
    from duologue_pipeline.simulate import ConversationSpec

__all__ = ["EXAMPLE", "simulate"]

EXAMPLE = "Example: duologue simulate sim --conversations 20 --minutes 5 --seed 7 --fault bleed:a_from_b:-30dB:60ms"

_PROGRESS_S = 5.0


class _Line(StrEnum):
    telephone = "telephone"
    mobile = "mobile"
    wideband = "wideband"
    voip = "voip"
    studio = "studio"
    mixed = "mixed"


class _Mix(StrEnum):
    default = "default"
    none = "none"


class _Audio(StrEnum):
    flac = "flac"
    wav = "wav"


def simulate(
    out: Annotated[str, typer.Argument(help="Write the conversations into this folder, new or empty.", metavar="OUT")],
    conversations: Annotated[int, typer.Option(help="Make this many conversations.", min=1, max=1_000_000)] = 20,
    minutes: Annotated[
        float, typer.Option(help="Make each conversation this many minutes long.", min=0.2, max=120)
    ] = 5.0,
    seed: Annotated[
        int, typer.Option(help="Draw everything from this seed: the same seed and options give the same files.")
    ] = 0,
    voices: Annotated[
        str,
        typer.Option(
            help="Choose the voices. auto: every speech synthesiser that is installed; or some of espeak-ng, flite, "
            "festival, separated by commas; noise: babble without words, for which nothing is installed; or a folder "
            "with your own mono clips, SPEAKER/*.wav."
        ),
    ] = "auto",
    language: Annotated[
        str,
        typer.Option(
            help="Let the speakers speak this language (en, de, es, fr or ja), which also sets how often they backchannel."
        ),
    ] = "en-US",
    line: Annotated[
        _Line,
        typer.Option(
            help="Choose the line. telephone: 8 kHz mu-law; mobile: 8 kHz GSM; wideband: 16 kHz; voip: 16 kHz Opus; "
            "studio: 24 kHz; mixed: drawn from telephone, wideband and studio."
        ),
    ] = _Line.mixed,
    people: Annotated[
        int | None,
        typer.Option(
            help="Let this many people have all the conversations, each with a voice of their own: `duologue audit leakage` asks "
            "whether they are known again.",
            min=2,
            max=1_000_000,
            show_default="two in each conversation",
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Give every conversation this fault, instead of the mix; may be repeated: bleed:a_from_b:-30dB:60ms, "
            "duplicate, mono_mix, over_suppression:a:strong, swap:120s, offset:b:0.8s, drift:b:80ppm, clipping, "
            "dropouts, separated. docs/simulate.md lists their other forms.",
            metavar="SPEC",
            show_default=False,
        ),
    ] = None,
    mix: Annotated[
        _Mix | None,
        typer.Option(
            help="Choose the mix of faults. default: two fifths of the conversations have none, the others one of any "
            "kind; none: no conversation has one.",
            show_default="default, or none with --fault",
        ),
    ] = None,
    audio: Annotated[
        _Audio, typer.Option(help="Write 16-bit stereo files of this format, speaker a on the left.")
    ] = _Audio.flac,
    voices_cache: Annotated[
        Path | None,
        typer.Option(
            help="Keep the synthesised voices in this folder for the next time.",
            show_default="~/.cache/duologue/voices",
        ),
    ] = None,
) -> None:
    """Make two-track conversations whose truth is known, with a manifest and consent for `duologue run`.

    OUT/truth holds who speaks when, every word and event, and what is wrong with each recording.
    """
    with usage_errors():
        from duologue_pipeline.files.names import local_only
        from duologue_pipeline.simulate.bank import open_bank
        from duologue_pipeline.simulate.files import write_corpus

        folder = local_only(out)
        bank = open_bank(voices, language=language, cache=voices_cache, progress=_say)
        specs = _specs(
            conversations,
            seed,
            bank.voices(),
            minutes,
            language,
            None if line == "mixed" else line.value,
            fault or [],
            mix,
            people,
        )
        began_s = said_s = time.monotonic()

        def progress(done: int, seconds: float) -> None:
            nonlocal said_s
            now_s = time.monotonic()
            if now_s - said_s >= _PROGRESS_S:
                said_s = now_s
                _say(f"{done} of {conversations} conversations, {seconds / (now_s - began_s):.0f} times real time")

        write_corpus(folder, specs, bank, seed=seed, audio_format=audio.value, progress=progress)
    faulty = sum(bool(spec.faults) for spec in specs)
    typer.echo(f"{out}: {conversations} conversations of {minutes:g} min, {faulty} with faults")
    typer.echo(f"next: duologue run {out}/manifest.jsonl --ledger {out}/consent.db --out {out}-release")


def _specs(
    conversations: int,
    seed: int,
    voices: Sequence[str],
    minutes: float,
    language: str,
    line: str | None,
    faults: list[str],
    mix: _Mix | None,
    people: int | None,
) -> "list[ConversationSpec]":
    from duologue_pipeline.simulate import random_specs
    from duologue_pipeline.simulate.fault_text import parse_fault

    if faults and mix == _Mix.default:
        raise UsageError("--fault and --mix default exclude each other: give the faults that all have, or the mix")
    given = tuple(one for text in faults for one in parse_fault(text))
    try:
        return random_specs(
            conversations,
            seed,
            voices=voices,
            duration_s=60 * minutes,
            language=language,
            line=line,
            faults=given if faults or mix == _Mix.none else None,
            people=people,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _say(message: str) -> None:
    print(f"duologue: {message}", file=sys.stderr, flush=True)
