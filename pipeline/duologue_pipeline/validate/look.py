"""Looks at the audio and the words of one recording as the stages ``ingest`` and ``words`` do."""

from dataclasses import dataclass

from duologue_pipeline.errors import REMEDIES
from duologue_pipeline.files.kept import keeping
from duologue_pipeline.ingest.measure import ingest_recording
from duologue_pipeline.ingest.same_audio import Holder, track_hashes
from duologue_pipeline.ingest.usable import left_out_s, track_span
from duologue_pipeline.records import SPEAKERS, Ingested, Recording, Rejected, Speaker, WordsCheck
from duologue_pipeline.stages.tried import tried
from duologue_pipeline.validate.finding import Finding, finding_of, split_told, warning_of
from duologue_pipeline.words.check import explain_check, explain_outside, words_inside
from duologue_pipeline.words.files import Transcripts
from duologue_pipeline.words.find import require_fitting, written_words

__all__ = ["Looked", "look_at"]


@dataclass(frozen=True)
class Looked:
    """Holds what was found of one recording.

    Attributes:
        findings: what a run would say, a refusal last.
        duration_ms: of the conversation; None where the audio is refused.
        hashes: of its tracks (:func:`duologue_pipeline.ingest.same_audio.track_hashes`); none where the audio is refused.
        words: speaker -> format of the words, of who has some that can be used.
    """

    findings: tuple[Finding, ...]
    duration_ms: int | None = None
    hashes: tuple[tuple[str, Holder], ...] = ()
    words: tuple[tuple[Speaker, str], ...] = ()

    @property
    def refused(self) -> str | None:
        """Tells what refuses the recording; None where it is taken."""
        return next((each.what for each in self.findings if each.level == "refused"), None)


def look_at(recording: Recording, *, policy: str, asr: bool) -> Looked:
    """Reads both tracks of a recording to their end, and its words.

    Args:
        recording: which the consent gate lets through, or of which nobody was asked.
        policy: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        asr: whether the run has a recogniser for tracks without words.

    Raises:
        UsageError: a store could not be asked, or the system is at its end.
    """
    with keeping():
        ingested = tried("ingest", ingest_recording, recording)
        if isinstance(ingested, Rejected):
            return Looked((finding_of(ingested, recording),))
        found = _of_audio(ingested)
        duration_ms, hashes = ingested.audio.duration_ms, track_hashes(ingested)
        read = tried("words", _words, ingested, policy, asr)
    if isinstance(read, Rejected):
        return Looked((*found, finding_of(read, recording)), duration_ms, hashes)
    given, checks = read
    for speaker, check in checks.items():
        if told := _of_words(check, speaker):
            found.append(warning_of(recording.recording_id, speaker, "words", *told))
    used = [speaker for speaker in SPEAKERS if speaker in checks and checks[speaker].verdict == "undetermined"]
    return Looked(tuple(found), duration_ms, hashes, tuple((speaker, given.formats[speaker]) for speaker in used))


def _of_audio(ingested: Ingested) -> list[Finding]:
    """Tells what of the audio is not as in its files."""
    recording, audio = ingested.recording, ingested.audio
    found = []
    for speaker, track, report in zip(SPEAKERS, recording.tracks, (audio.a, audio.b), strict=True):
        if early_s := left_out_s(track, report):
            fault, remedy = (
                f"{early_s:g} s lie before the conversation and are left out",
                "correct offset_s if they belong to it",
            )
            found.append(warning_of(recording.recording_id, speaker, "audio", "left_out", fault, remedy))
    if audio.gain_db:
        fault = f"the tracks go over full scale, and both are turned down by {-audio.gain_db:g} dB"
        found.append(warning_of(recording.recording_id, None, "audio", "over_scale", fault, "nothing need be done"))
    return found


def _of_words(check: WordsCheck, speaker: Speaker) -> tuple[str, str, str] | None:
    """Tells what is wrong with words, and what becomes of them: reason, fault, remedy."""
    if check.verdict == "invalid":
        fault, remedy = split_told(check.detail)
        return "invalid", f"{fault}: the words are not used", remedy or REMEDIES["words_invalid"]
    told = (
        explain_check(check, speaker=speaker) if check.verdict == "outside" else explain_outside(check, speaker=speaker)
    )
    if not told:
        return None
    fault, _, remedy = told.partition(": ")
    return "outside", fault + (": they are not used" if check.verdict == "outside" else ""), remedy


def _words(ingested: Ingested, policy: str, asr: bool) -> tuple[Transcripts, dict[Speaker, WordsCheck]]:
    """Reads the words of both speakers and holds them against the length of the audio, not against what is heard.

    Raises:
        RejectError: a ``words_*`` reason.
    """
    recording, audio = ingested.recording, ingested.audio
    given = written_words(recording, policy=policy, will_be_heard=asr, bear_faults=True)
    checks: dict[Speaker, WordsCheck] = {}
    for speaker, track, report in zip(SPEAKERS, recording.tracks, (audio.a, audio.b), strict=True):
        words = given.words[speaker]
        if words is not None:
            checks[speaker] = words_inside(words, track_span(track, report))[1]
    checks |= {speaker: WordsCheck("invalid", detail=fault) for speaker, fault in given.faults.items()}
    require_fitting(checks, policy=policy)
    return given, checks
