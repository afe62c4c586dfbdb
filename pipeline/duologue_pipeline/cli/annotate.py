"""Defines ``duologue annotate``: labels one conversation, from its audio or from a transcript alone."""

import json
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from duologue_pipeline.cli.options import (
    AllowNetwork,
    Asr,
    ChannelA,
    ChannelB,
    Laughter,
    OffsetA,
    OffsetB,
    TrackB,
    check_tracks,
    explain_refusal,
)
from duologue_pipeline.cli.support import quiet, usage_errors
from duologue_pipeline.errors import RejectError, UsageError

if TYPE_CHECKING:
    from duologue_pipeline.cli.annotate_words import Labels
    from duologue_pipeline.events.annotation import Annotation
    from duologue_pipeline.ingest.audio import Pcm
    from duologue_pipeline.records import Annotated as Conversation
    from duologue_pipeline.records import Recording, Speaker, WordsCheck

__all__ = ["EXAMPLE", "ReportAudio", "annotate"]

EXAMPLE: Final = (
    "Example: duologue annotate agent.wav caller.wav --language en-US --format textgrid --out call.TextGrid"
)


class ReportAudio(StrEnum):
    """Lists how the audio of a page is encoded."""

    opus = "opus"
    mp3 = "mp3"
    none = "none"


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
        typer.Argument(
            help="Read speaker a's track from this file, or both tracks from a stereo file.",
            metavar="A",
            show_default=False,
        ),
    ] = None,
    b: TrackB = None,
    words: Annotated[
        Path | None,
        typer.Option(
            help="Use the words of both speakers in this transcript; without A it is labelled alone. Of Deepgram, AWS, AssemblyAI, "
            'Google, Azure, Praat, ELAN and others, or JSON: {"a": [{"word", "start_s", "end_s"}, ...], "b": [...]}.',
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    words_a: Annotated[
        str | None,
        typer.Option(
            help="Use the words of speaker a in this file: a transcript of Whisper, WhisperX, Deepgram, AWS and others, or JSON: "
            "[{word, start_s, end_s}, ...].",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    words_b: Annotated[
        str | None,
        typer.Option(help="Use the words of speaker b in this file, likewise.", metavar="FILE", show_default=False),
    ] = None,
    words_channel_a: Annotated[
        str | None,
        typer.Option(
            help="Take the words of speaker a from this stream of the transcript: a channel counted from 0, or the name of a tier "
            "or a speaker.",
            metavar="CHANNEL|NAME",
            show_default="channel 0, or that of the track",
        ),
    ] = None,
    words_channel_b: Annotated[
        str | None,
        typer.Option(
            help="Take the words of speaker b from this stream.",
            metavar="CHANNEL|NAME",
            show_default="channel 1, or that of the track",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Choose the lexicon by this BCP 47 tag, e.g. en-US.", metavar="TAG", show_default="und: timing only"
        ),
    ] = None,
    format: Annotated[
        _Format,
        typer.Option(
            help="Write the labels in this format. json: everything; csv: a table of the events; textgrid: Praat; "
            "rttm: diarization tools; audacity: Audacity labels; elan: ELAN."
        ),
    ] = _Format.json,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the labels into this file.", metavar="FILE", show_default="standard output"),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write a page as well, to look at and to listen to: one HTML file with the audio in it, which needs no network.",
            metavar="FILE.HTML",
            show_default=False,
        ),
    ] = None,
    report_audio: Annotated[
        ReportAudio,
        typer.Option(
            help="Encode the audio of the page so. opus: smaller; mp3: plays in old browsers too; none: no audio."
        ),
    ] = ReportAudio.opus,
    asr: Asr = None,
    laughter: Laughter = None,
    allow_network: AllowNetwork = False,
    offset_a: OffsetA = 0.0,
    offset_b: OffsetB = 0.0,
    channel_a: ChannelA = 0,
    channel_b: ChannelB = None,
) -> None:
    """Label one conversation: speech, turns, gaps, overlaps, backchannels, interruptions, disfluencies, statistics.

    Words that do not fit the audio (on the wrong track, shifted in time, or outside of it) are reported and not used.
    Exit status: 0 done; 2 wrong usage, or files that cannot be read.
    """
    quiet()
    from duologue_pipeline.cli.annotate_words import labels_of_both
    from duologue_pipeline.read.files import recording_of_files
    from duologue_pipeline.words.lexicon import LANGUAGES, NO_LEXICON

    with usage_errors():
        labels = (words_channel_a, words_channel_b)
        if words is not None and (words_a or words_b):
            raise UsageError("--words is a transcript of both speakers; give it, or --words-a and --words-b")
        if words is not None and a is None:
            if b or asr or laughter:
                raise UsageError("there is no audio: give A and B or one stereo file, or --words FILE alone")
            annotation, checks, found = _of_words(words, language, labels), None, None
            name = words.stem
        elif a is None:
            raise UsageError("nothing to annotate: give A and B, one stereo file, or --words FILE")
        else:
            check_tracks(offset_a, offset_b, channel_a, channel_b or 0)
            if words is not None:
                labels = labels_of_both(str(words), labels, shared_audio=b is None or b == a)
                words_a = words_b = str(words)
            recording = recording_of_files(
                a,
                b,
                language=language,
                words_a=words_a,
                words_b=words_b,
                offsets_s=(offset_a, offset_b),
                channels=(channel_a, channel_b),
                words_channels=labels,
            )
            try:
                annotation, checks, found = _of_audio(recording, asr, laughter, allow_network=allow_network)
            except RejectError as error:
                raise UsageError(explain_refusal(error, a, b)) from None
            name = Path(a).stem
        if (annotation.words_a or annotation.words_b) and annotation.lexicon == NO_LEXICON.name:
            fault = f"no lexicon for {language}" if language else "no --language"
            _warn(f"{fault}: hardly anything is read from the words; there are lexicons for {', '.join(LANGUAGES)}")
        verdict = found.isolation.verdict if found else None
        if report is not None:
            _write_page(report, annotation, found, name=name, sound=report_audio)
        text = _formatted(annotation, format, name=name, checks=checks, isolation=verdict)
        if out is None:
            typer.echo(text, nl=False)
        else:
            try:
                out.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(f"{out}: cannot be written ({error.strerror}); choose another --out") from None
            typer.echo(f"{out}: {_summary(annotation)}", err=True)


def _of_words(path: Path, language: str | None, labels: "Labels") -> "Annotation":
    from duologue_pipeline.cli.annotate_words import transcript_alone
    from duologue_pipeline.events.annotation import annotate_conversation

    written = transcript_alone(path, labels)
    untimed = [s for s, said in written.words.items() if said and all(word.timing != "word" for word in said)]
    if untimed and all(s in untimed or not said for s, said in written.words.items()):
        raise UsageError(
            f"{path}: no word has a time of its own, so it cannot be told who speaks when; give the audio as well: "
            f"duologue annotate A B --words {path}"
        )
    for speaker in untimed:
        _warn(f"no word of {speaker} has a time of its own: they are tagged, and no event is made of them")
    return annotate_conversation(
        activity=None,
        words_a=written.words["a"],
        words_b=written.words["b"],
        duration_ms=None,
        language=language,
        transcribed=written.transcribed,
    )


def _of_audio(
    recording: "Recording", asr: str | None, laughter: str | None, *, allow_network: bool
) -> tuple["Annotation", "dict[Speaker, WordsCheck]", "Conversation"]:
    from duologue_pipeline.activity.yamnet import LaughterModel
    from duologue_pipeline.conversation import annotate_recording
    from duologue_pipeline.events.annotation import annotation_of
    from duologue_pipeline.ingest.usable import left_out_s, shared_span
    from duologue_pipeline.isolation.report import why_not_apart
    from duologue_pipeline.records import SPEAKERS
    from duologue_pipeline.words.asr_checkpoint import AsrModel
    from duologue_pipeline.words.check import MISFITS, explain_check, explain_outside

    recognizer = (
        AsrModel(asr, allow_network).open() if asr else None
    )  # a faulty checkpoint is told before the long work
    scorer = LaughterModel(laughter).open() if laughter else None
    report = annotate_recording(
        recording,
        recognizer=(lambda: recognizer) if recognizer else None,
        laughter=(lambda: scorer) if scorer else None,
        tell=_Progress(),
    )
    if why := why_not_apart(report.isolation):
        _warn(f"{why} (see `duologue isolation`): labels of one speaker may be the other's speech")
    for speaker, track, measured in zip(SPEAKERS, recording.tracks, (report.audio.a, report.audio.b), strict=True):
        if early_s := left_out_s(track, measured):
            _warn(
                f"the first {early_s:g} s of {speaker} lie before the conversation (--offset-{speaker}) and are left out"
            )
    shared = shared_span(report.recording, report.audio)
    if shared.duration_ms < report.audio.duration_ms:
        _warn(
            f"both tracks are there from {shared.start_ms / 1000:g} s to {shared.end_ms / 1000:g} s only; outside of it nobody "
            "can answer, and events between two are not looked for"
        )
    for speaker, measured in zip(SPEAKERS, (report.audio.a, report.audio.b), strict=True):
        if measured.filled_s:
            _warn(f"{measured.filled_s:g} s of {speaker} were never sent, and are silence in their place")
    if report.audio.gain_db:
        _warn(f"the tracks go over full scale: both are turned down by {-report.audio.gain_db:g} dB")
    found = zip(SPEAKERS, (report.words_check_a, report.words_check_b), strict=True)
    checks = {speaker: check for speaker, check in found if check is not None}
    for speaker, check in checks.items():
        if explanation := explain_check(check, speaker=speaker):
            _warn(explanation + ("; they are not used" if check.verdict in MISFITS else ""))
        if told := explain_outside(check, speaker=speaker):
            _warn(told)
    if recognizer is not None and not recognizer.knows(recording.language):
        _warn(f"--asr does not know the language {recording.language}: nothing is listened to")
    for speaker, heard, invented in (
        ("a", report.heard_a, report.invented_a),
        ("b", report.heard_b, report.invented_b),
    ):
        if invented:
            _warn(
                f"{invented} of the {heard} words that --asr heard on {speaker} are left out: nobody speaks there, or the model is not sure"
            )
    return annotation_of(report), checks, report


def _write_page(
    path: Path, annotation: "Annotation", found: "Conversation | None", *, name: str, sound: ReportAudio
) -> None:
    from duologue_pipeline.isolation.report import why_not_apart
    from duologue_pipeline.labels.page import write_page_of

    warnings = []
    if found is not None and (why := why_not_apart(found.isolation)):
        warnings.append(f"{why[0].upper()}{why[1:]}: labels of one speaker may be the other's speech.")
    page = write_page_of(
        annotation,
        name=name,
        isolation=found.isolation if found else None,
        audio=None if found is None or sound is ReportAudio.none else _heard(found),
        warnings=warnings,
        sound="mp3" if sound is ReportAudio.mp3 else "opus",
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another --report") from None
    typer.echo(
        f"{path}: open it in a browser; it holds {'no audio' if sound is ReportAudio.none or not found else 'the audio'}",
        err=True,
    )


def _heard(found: "Conversation") -> "tuple[Pcm, int]":
    """Decodes what the page plays: float32 [2, T] in [-1, 1], and its rate in Hz."""
    import numpy as np

    from duologue_pipeline.ingest.audio import conversation_blocks
    from duologue_pipeline.labels.page import LONGEST_PAGE_S

    rate_hz = 8000 if max(found.audio.a.sample_rate_hz, found.audio.b.sample_rate_hz) <= 8000 else 24000
    blocks, samples = [np.zeros((2, 0), np.float32)], 0
    for a, b in conversation_blocks(found.recording, rate_hz=rate_hz):
        blocks.append(np.stack([a, b]))
        samples += len(a)
        if samples >= LONGEST_PAGE_S * rate_hz:
            break
    return np.clip(np.concatenate(blocks, axis=1), -1, 1), rate_hz


def _formatted(
    annotation: "Annotation",
    format: _Format,
    *,
    name: str,
    checks: "dict[Speaker, WordsCheck] | None",
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


def _warn(message: str) -> None:
    typer.echo(f"duologue: warning: {message}", err=True)


class _Progress:
    """Writes on a terminal what is being done, and nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._stream: Any = typer.get_text_stream("stderr")
        self._began = time.monotonic()

    def __call__(self, doing: str) -> None:
        if self._stream.isatty():
            line = f"[{time.monotonic() - self._began:6.1f} s] {doing}" if doing else ""
            self._stream.write(f"\r\x1b[K{line}")
            self._stream.flush()
