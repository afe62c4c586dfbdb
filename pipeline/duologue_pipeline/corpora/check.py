"""Looks at a few recordings of a corpus as a run would, before hours are spent on all: files, isolation, words, same audio.

Each is asked by the functions of a run: what `duologue validate --files` says (:func:`duologue_pipeline.validate.look.look_at`), and what
isolation, activity and the check of words find (:func:`duologue_pipeline.conversation.annotate_recording`).
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from duologue_pipeline.activity.network import VadModel, load_vad
from duologue_pipeline.conversation import annotate_recording
from duologue_pipeline.errors import REMEDIES, RejectError, UsageError
from duologue_pipeline.files.names import absolute_uri
from duologue_pipeline.ingest.same_audio import Holder, sharing
from duologue_pipeline.isolation.report import findings
from duologue_pipeline.isolation.second_opinion import Listener
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import SPEAKERS, Annotated, Recording, Rejected
from duologue_pipeline.validate.finding import Finding, finding_of, split_told, warning_of
from duologue_pipeline.validate.look import look_at
from duologue_pipeline.words.check import explain_check, explain_outside

__all__ = ["CorpusCheck", "sample_of"]

_SPEECH_MS = 1000
"""Who is heard for less than this is not heard: the track may be the wrong one."""


def sample_of(manifest: str, count: int) -> tuple[list[Recording], int]:
    """Chooses recordings of a manifest by the hash of their ids: the same ones every time, from all over the corpus.

    Args:
        manifest: its path or address.
        count: how many.

    Returns:
        Them in the order of their ids, and how many lines the manifest has.

    Raises:
        UsageError: there is no recording in it.
    """
    whole = load_manifest(absolute_uri(manifest))
    found = [each for each in whole if not isinstance(each, Rejected)]
    if not found:
        raise UsageError(f"{manifest}: holds no recording that can be read; `duologue validate {manifest}` says why")
    found.sort(key=lambda each: hashlib.sha256(each.recording_id.encode()).digest())
    return sorted(found[:count], key=lambda each: each.recording_id), whole.lines


@dataclass
class CorpusCheck:
    """Looks at recordings one after the other.

    Attributes:
        listener: pyannote.audio's models, where a second opinion on the isolation is wanted.
        verdicts: of isolation and of words -> how many, complete when all was looked at.
    """

    listener: Listener | None = None
    vad: Callable[[], VadModel] = load_vad
    verdicts: dict[str, dict[str, int]] = field(default_factory=lambda: {"isolation": {}, "words": {}})
    _hashes: dict[str, set[Holder]] = field(default_factory=dict)

    def findings(self, recordings: Sequence[Recording]) -> Iterator[Finding]:
        """Finds what is wrong, of each recording by itself and then what several share.

        Raises:
            UsageError: a store cannot be asked.
        """
        for recording in recordings:
            looked = look_at(recording, policy="optional", asr=False)
            for digest, holder in looked.hashes:
                self._hashes.setdefault(digest, set()).add(holder)
            yield from looked.findings
            if looked.refused is not None:
                continue
            try:
                annotated = annotate_recording(
                    recording, vad=self.vad, listener=None if self.listener is None else self._listener
                )
            except RejectError as error:
                yield finding_of(
                    Rejected(recording.recording_id, "isolation", error.reason, error.detail, error.values), recording
                )
                continue
            yield from self._heard(annotated)
        yield from self._same_audio()

    def _listener(self) -> Listener:
        assert self.listener is not None
        return self.listener

    def _heard(self, annotated: Annotated) -> Iterator[Finding]:
        recording_id, report = annotated.recording.recording_id, annotated.isolation
        self._count("isolation", report.verdict)
        for told in findings(report) if report.verdict != "pass" else ():
            remedy = "see it with `duologue isolation A B --plot FILE`"
            yield warning_of(recording_id, None, "isolation", f"isolation_{report.verdict}", told, remedy)
        for speaker, spans in zip(SPEAKERS, (annotated.activity.a, annotated.activity.b), strict=True):
            heard_ms = sum(span.end_ms - span.start_ms for span in spans)
            if heard_ms < _SPEECH_MS:
                fault, remedy = (
                    f"is heard for {heard_ms / 1000:g} s",
                    "see that the channel is the right one, and the audio not silent",
                )
                yield warning_of(recording_id, speaker, "audio", "not_heard", fault, remedy)
        for speaker, check in zip(SPEAKERS, (annotated.words_check_a, annotated.words_check_b), strict=True):
            if check is None:
                continue
            self._count("words", check.verdict)
            told = explain_check(check, speaker=speaker) or explain_outside(check, speaker=speaker)
            if told and check.verdict not in ("invalid", "outside"):  # these were told by the look at the files
                fault, _, remedy = told.partition(": ")
                yield warning_of(
                    recording_id, speaker, "words", check.verdict, fault, remedy or REMEDIES["words_mismatch"]
                )

    def _count(self, what: str, verdict: str) -> None:
        self.verdicts[what][verdict] = self.verdicts[what].get(verdict, 0) + 1

    def _same_audio(self) -> Iterator[Finding]:
        others: dict[str, set[str]] = {}
        for holders in self._hashes.values():
            for recording_id, own in sharing(holders):
                others.setdefault(recording_id, set()).update(other for other, _ in own)
        for recording_id in sorted(others):
            fault, remedy = (
                f"a track of it holds the same samples as one of {', '.join(sorted(others[recording_id])[:10])}",
                "keep one",
            )
            yield warning_of(recording_id, None, "audio", "audio_same_as_other", *split_told(f"{fault}; {remedy}"))
