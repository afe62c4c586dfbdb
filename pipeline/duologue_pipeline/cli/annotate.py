"""``duologue annotate``: one conversation, from its tracks or from a transcript alone, with no manifest."""

import json
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from duologue_pipeline.cli.isolation import check_tracks
from duologue_pipeline.cli.support import quiet, usage_errors
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.records import SPEAKERS, Recording, Speaker, Track, Word, WordsCheck
from duologue_pipeline.words.lexicon import LANGUAGES, NO_LEXICON

if TYPE_CHECKING:
    from duologue_pipeline.events.annotation import Annotation

__all__ = ["EXAMPLE", "Asr", "annotate"]

EXAMPLE: Final = (
    "Example: duologue annotate agent.wav caller.wav --language en-US --format textgrid --out call.TextGrid"
)

Asr = Annotated[
    str | None,
    typer.Option(
        help="Recognise the words of tracks without a transcript: a checkpoint of transformers with word times (Whisper, "
        "CTC), a folder or hub id.",
        metavar="CHECKPOINT",
        show_default=False,
    ),
]


class _Format(StrEnum):
    json = "json"
    csv = "csv"
    textgrid = "textgrid"
    rttm = "rttm"
    audacity = "audacity"
    elan = "elan"


def annotate(
    a: Annotated[
        str | None,
        typer.Argument(help="Speaker a's track, or a stereo file with both.", metavar="A", show_default=False),
    ] = None,
    b: Annotated[str | None, typer.Argument(help="Speaker b's track.", metavar="B", show_default=False)] = None,
    words: Annotated[
        Path | None,
        typer.Option(
            help='A transcript alone, no audio: {"a": [{"word", "start_s", "end_s"}, ...], "b": [...]}.',
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    words_a: Annotated[
        str | None,
        typer.Option(help="Words of A: [{word, start_s, end_s}, ...].", metavar="FILE", show_default=False),
    ] = None,
    words_b: Annotated[str | None, typer.Option(help="Words of B.", metavar="FILE", show_default=False)] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="BCP 47 tag, e.g. en-US; chooses the lexicon.", metavar="TAG", show_default="und: timing only"
        ),
    ] = None,
    format: Annotated[
        _Format, typer.Option(help="JSON has everything; the others are for other programs.")
    ] = _Format.json,
    out: Annotated[
        Path | None, typer.Option(help="Write into a file.", metavar="FILE", show_default="standard output")
    ] = None,
    asr: Asr = None,
    allow_network: Annotated[bool, typer.Option("--allow-network", help="Let the checkpoint be downloaded.")] = False,
    offset_a: Annotated[float, typer.Option("--offset-a", help="Seconds by which a's file began late.")] = 0.0,
    offset_b: Annotated[float, typer.Option("--offset-b", help="Seconds by which b's file began late.")] = 0.0,
    channel_a: Annotated[int, typer.Option(help="Channel of A, counted from 0.")] = 0,
    channel_b: Annotated[
        int | None, typer.Option(help="Channel of B, counted from 0.", show_default="0, or 1 of a stereo file")
    ] = None,
) -> None:
    """Label one conversation: speech, turns, gaps, overlaps, backchannels, interruptions, disfluencies, statistics.

    Words that do not fit the audio (wrong track, shifted by more than .3 s) are reported and not used.
    Exit status: 0 done; 2 wrong usage, or files that cannot be read.
    """
    quiet()
    with usage_errors():
        if words is not None:
            if a or b or words_a or words_b or asr:
                raise UsageError("--words is a transcript alone; with audio give --words-a and --words-b")
            annotation, checks, isolation = _of_words(words, language), None, None
            name = words.stem
        elif a is None:
            raise UsageError("nothing to annotate: give A and B, one stereo file, or --words FILE")
        else:
            check_tracks(offset_a, offset_b, channel_a, channel_b or 0)
            recording = Recording(
                recording_id="conversation",
                a=Track("a", absolute_uri(a), channel_a, offset_a, words_uri=words_a and absolute_uri(words_a)),
                b=Track(
                    "b",
                    absolute_uri(b or a),
                    (0 if b else 1) if channel_b is None else channel_b,
                    offset_b,
                    words_uri=words_b and absolute_uri(words_b),
                ),
                language=language,
            )
            try:
                annotation, checks, isolation = _of_audio(recording, asr, allow_network=allow_network)
            except RejectError as error:
                raise UsageError(_explained(error, a, b)) from None
            name = Path(a).stem
        if (annotation.words_a or annotation.words_b) and annotation.lexicon == NO_LEXICON.name:
            fault = f"no lexicon for {language}" if language else "no --language"
            _warn(f"{fault}: hardly anything is read from the words; there are lexicons for {', '.join(LANGUAGES)}")
        text = _formatted(annotation, format, name=name, checks=checks, isolation=isolation)
        if out is None:
            typer.echo(text, nl=False)
        else:
            try:
                out.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
            typer.echo(f"{out}: {_summary(annotation)}", err=True)


def _of_words(path: Path, language: str | None) -> "Annotation":
    from duologue_pipeline.events.annotation import annotate_conversation
    from duologue_pipeline.words.files import parse_words, read_json

    try:
        document = read_json(str(path))
        if not isinstance(document, dict) or not {"a", "b"} & document.keys() or document.keys() - {"a", "b"}:
            found = (
                f"an object with {', '.join(map(repr, document)) or 'nothing'}"
                if isinstance(document, dict)
                else (f"a {type(document).__name__}")
            )
            raise UsageError(f'{path}: expected {{"a": [words], "b": [words]}}, found {found}')
        said = {s: parse_words(document[s], name=f"{path}: {s}") for s in ("a", "b") if s in document}
    except RejectError as error:
        raise UsageError(error.detail) from None
    return annotate_conversation(
        activity=None, words_a=said.get("a"), words_b=said.get("b"), duration_ms=None, language=language
    )


def _of_audio(
    recording: Recording, asr: str | None, *, allow_network: bool
) -> tuple["Annotation", dict[Speaker, WordsCheck], str]:
    from duologue_pipeline.activity.vad import load_vad
    from duologue_pipeline.analysis import ISOLATION_RATE_HZ, find_activity, label
    from duologue_pipeline.ingest.audio import conversation_blocks
    from duologue_pipeline.ingest.measure import measure_audio
    from duologue_pipeline.isolation.meter import measure_isolation
    from duologue_pipeline.words.asr import AsrModel, with_heard_words
    from duologue_pipeline.words.check import MISFITS, explain_check, fitting_words
    from duologue_pipeline.words.files import parse_words, read_json

    say = _Progress()
    given: dict[Speaker, tuple[Word, ...] | None] = {
        s: parse_words(read_json(t.words_uri), name=t.words_uri, offset_s=t.offset_s) if t.words_uri else None
        for s, t in zip(SPEAKERS, recording.tracks, strict=True)
    }
    recognizer = AsrModel(asr, allow_network).open() if asr else None
    say("reading the audio")
    duration_ms = measure_audio(recording).duration_ms
    say("measuring the isolation of the tracks")
    isolation = measure_isolation(
        conversation_blocks(recording, rate_hz=ISOLATION_RATE_HZ), sample_rate_hz=ISOLATION_RATE_HZ
    )
    if isolation.verdict == "fail":
        _warn("the tracks are not isolated (see `duologue isolation`): labels of one speaker may be the other's speech")
    say("finding speech")
    activity = find_activity(recording, isolation=isolation, duration_ms=duration_ms, model=load_vad())
    given, checks = fitting_words(given, activity, duration_ms=duration_ms)
    for speaker, check in checks.items():
        if explanation := explain_check(check, speaker=speaker):
            _warn(explanation + ("; they are not used" if check.verdict in MISFITS else ""))
    if recognizer is not None and None in given.values():
        say("recognising words")
        given = with_heard_words(recording, activity, given, recognizer)
    say("labelling")
    annotation = label(recording, activity, given, duration_ms=duration_ms)
    say("")
    return annotation, checks, isolation.verdict


def _formatted(
    annotation: "Annotation",
    format: _Format,
    *,
    name: str,
    checks: dict[Speaker, WordsCheck] | None,
    isolation: str | None,
) -> str:
    from duologue_pipeline.labels.document import annotation_document
    from duologue_pipeline.labels.formats import LABEL_FORMATS

    if format is _Format.json:
        document = annotation_document(annotation, words_check=checks, isolation=isolation)
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write: Callable[..., str] = LABEL_FORMATS[format]
    return write(annotation, name=name)


def _summary(annotation: "Annotation") -> str:
    counts = {k: annotation.statistics.events(k) for k in ("turn", "floor_transfer", "backchannel", "interruption")}
    told = ", ".join(f"{n} {k.replace('_', ' ')}{'' if n == 1 else 's'}" for k, n in counts.items())
    return f"{annotation.statistics.duration_ms / 1000:.1f} s, {told}"


def _explained(error: RejectError, a: str, b: str | None) -> str:
    if error.reason == "audio_missing_channel" and b is None:
        return f"{a}: does not have the channels of two speakers; give a stereo file, or two files A B"
    return error.detail


def _warn(message: str) -> None:
    typer.echo(f"duologue: warning: {message}", err=True)


class _Progress:
    """Says on a terminal what is being done; says nothing where nobody looks."""

    def __init__(self) -> None:
        self._stream: Any = typer.get_text_stream("stderr")
        self._began = time.monotonic()

    def __call__(self, doing: str) -> None:
        if self._stream.isatty():
            line = f"[{time.monotonic() - self._began:6.1f} s] {doing}" if doing else ""
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
