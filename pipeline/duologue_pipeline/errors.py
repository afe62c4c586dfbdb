"""Defines what can go wrong with an input: stable reason codes and the two errors of the package.

A *recording* that cannot be used raises :class:`RejectError` in the pure function that finds out; one guard in the
Beam shell turns it into a :class:`~duologue_pipeline.records.Rejected` row of ``rejected.jsonl``. A *call* that cannot
be carried out (usage, an unwritable output) raises :class:`UsageError`, which the CLI prints as one line and exit 2.
Everything else is a programming error and stops the run.
"""

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["HEALING", "REASONS", "REMEDIES", "RejectError", "UsageError", "Value"]

Value = int | float | str
"""What a refusal may publish beside its reason: a number, or a word of small letters, digits, ``_``, ``.`` and ``-``."""

_WORD: Final = re.compile(r"[a-z0-9_.-]{1,32}")

REASONS: Final[dict[str, str]] = {
    # stage "read"
    "manifest_invalid": "The manifest line is not valid JSON or does not follow the recording schema.",
    "manifest_duplicate_id": "More than one manifest line has this recording_id, so none of them is used.",
    "manifest_look_alike_id": "More than one manifest line has a recording_id that looks like this one, so none is used.",
    # stage "consent"
    "consent_no_ledger": "No consent ledger was given, or the file does not exist; name one with --ledger.",
    "consent_unknown_speaker": "The ledger has no event of this speaker.",
    "consent_not_given": "The speaker has not been asked for this purpose, or has not answered.",
    "consent_refused": "The speaker was asked for this purpose and said no.",
    "consent_withdrawn": "The speaker gave consent for this purpose and has withdrawn it.",
    "consent_revoked": "Somebody else than the speaker (the controller, an authority) has ended the consent.",
    "consent_invalidated": "The consent was found never to have been valid.",
    "consent_expired": "The consent for this purpose has expired.",
    "consent_minor": "The speaker was a minor, and the record names no guardian.",
    "consent_retention_over": "The consent limits how long the recording may be kept, and that time is over.",
    "consent_form_not_covered": "The consent does not cover a form of the data (audio, transcript, ...) that the run writes.",
    "consent_jurisdiction_requirement": "A rule of the place where the speaker was requires what the record does not have.",
    "consent_after_recording": "The consent was given after the recording was made.",
    "consent_recording_time_unknown": "The manifest does not say when the recording was made (started_at).",
    "consent_look_alike": "The speaker's id looks like another one, and it is not on record that they are two people.",
    "consent_audio_of_refused": "The same audio stands under another recording_id, and was refused there.",
    # stage "ingest"
    "audio_missing": "The audio file does not exist or may not be read.",
    "audio_not_allowed": "The uri of the audio is none that duologue reads, or leads into a private network.",
    "audio_unreachable": "The audio could not be fetched from where it lies; it may work another time.",
    "audio_over_limit": "The audio file, or what its header declares, is beyond a limit of size, rate or channels.",
    "audio_changed": "The audio file was changed while it was read.",
    "audio_unreadable": "The file is not audio in a supported format, or its data is damaged.",
    "audio_truncated": "The file ends before the length that its header declares.",
    "audio_missing_channel": "The file has fewer channels than the manifest asks for.",
    "audio_empty": "The track holds no samples.",
    "audio_not_finite": "The track holds NaN or infinite samples.",
    "audio_all_zero": "The track is digital zero, or another constant value, from beginning to end.",
    "audio_over_scale": "The samples lie far over full scale, as integers do that were stored as floating-point numbers.",
    "audio_too_quiet": "The track stays so far below full scale that 16 bits hold next to nothing of it.",
    "audio_duplicate_samples": "Both tracks hold exactly the same samples.",
    "audio_no_common_time": "With their offsets, the two tracks have no time in common.",
    "audio_too_short": "The recording is shorter than the minimum duration.",
    "audio_too_long": "The recording is longer than the maximum duration.",
    "audio_length_mismatch": "The two tracks differ in length by more than the tolerance.",
    "audio_same_as_other": "The same audio stands under another recording_id as well, so none of them is used.",
    # stage "isolation"
    "isolation_duplicate_signal": "Both tracks carry the same signal (up to gain and delay), as in a mono recording.",
    "isolation_fail": "The tracks are not kept apart (verdict fail), and the run's isolation policy refuses that.",
    "isolation_warn": "The tracks are not quite kept apart (verdict warn), and the run's isolation policy refuses that.",
    "isolation_undetermined": "It cannot be told whether the tracks are kept apart, and the run's policy requires it.",
    # stage "words"
    "words_missing": "A word file is named and does not exist, or words are required and none is named.",
    "words_unreachable": "The word file could not be fetched from where it lies; it may work another time.",
    "words_outside": "Words are required, and most of those named lie outside of the audio of their track.",
    "words_mismatch": "Words are required, and those named lie on the wrong track or are shifted.",
    "words_invalid": "The word file is not valid JSON or does not follow the words schema.",
    # any stage of a recording
    "internal_error": "duologue failed on this recording for a reason that nobody foresaw.",
}

_LEDGER = "`duologue consent explain RECORDING` says what would cure it"
_EXPORT = "export the file again"
_WORDS = "`duologue words import FILE` says what is wrong with it"

REMEDIES: Final[dict[str, str]] = {
    "manifest_invalid": "`duologue validate MANIFEST` lists every fault by line",
    "manifest_duplicate_id": "give each recording its own recording_id",
    "manifest_look_alike_id": "give each recording an id that cannot be mistaken for another one",
    "consent_no_ledger": "make one with `duologue consent init`, enter consent, and name it with --ledger",
    "consent_unknown_speaker": "enter the speaker's decision with `duologue consent grant` or refuse",
    "consent_not_given": _LEDGER,
    "consent_refused": "leave the recording out",
    "consent_withdrawn": "leave the recording out",
    "consent_revoked": _LEDGER,
    "consent_invalidated": "leave the recording out",
    "consent_expired": _LEDGER,
    "consent_minor": _LEDGER,
    "consent_retention_over": _LEDGER,
    "consent_form_not_covered": _LEDGER,
    "consent_jurisdiction_requirement": _LEDGER,
    "consent_after_recording": _LEDGER,
    "consent_recording_time_unknown": "give started_at in the manifest",
    "consent_look_alike": "write one id one way, or enter the decisions of two people with --new-person",
    "consent_audio_of_refused": "correct the manifest: whoever is heard must be asked, under whatever id",
    "audio_missing": "correct the uri, which is relative to the manifest's folder, or the rights of the file",
    "audio_not_allowed": "copy the file here, or allow private networks with --allow-private-addresses",
    "audio_unreachable": "run again into another --out with --retry-rejected",
    "audio_over_limit": "cut the recording into conversations, or convert it",
    "audio_changed": "run again when nobody writes the file any more",
    "audio_unreadable": _EXPORT,
    "audio_truncated": "copy or export the whole file again",
    "audio_missing_channel": "correct channel in the manifest, which counts from 0, or the file",
    "audio_empty": _EXPORT,
    "audio_not_finite": "export the track again as PCM",
    "audio_all_zero": "find the channel that was recorded, or leave the recording out",
    "audio_over_scale": "divide the samples by full scale, and write the track again",
    "audio_too_quiet": "find the channel that was recorded, or leave the recording out",
    "audio_duplicate_samples": "give each speaker's own track",
    "audio_no_common_time": "correct offset_s",
    "audio_too_short": "leave the recording out",
    "audio_too_long": "cut it into conversations",
    "audio_length_mismatch": "see that the tracks belong together, and set offset_s",
    "audio_same_as_other": "keep one of them in the manifest, or all with --same-audio mark",
    "isolation_duplicate_signal": "give each speaker's own track; `duologue isolation A B` shows what was found",
    "isolation_fail": "`duologue isolation A B` shows what was found",
    "isolation_warn": "`duologue isolation A B` shows what was found",
    "isolation_undetermined": "`duologue isolation A B` shows what was found",
    "words_missing": "correct words_uri, or run with --words optional",
    "words_unreachable": "run again into another --out with --retry-rejected",
    "words_outside": "correct the times of the transcript or offset_s, or run with --words optional",
    "words_mismatch": "give the transcripts to the right tracks, or correct their times",
    "words_invalid": _WORDS,
    "internal_error": "report it with its trace, which the private file holds",
}
"""What is to be done about each reason, where the sentence of the refusal itself, which names the file, may not be told."""

HEALING: Final[dict[str, str]] = {
    # by itself, with time
    "audio_unreachable": "time",
    "words_unreachable": "time",
    "audio_changed": "time",
    # when somebody puts right what lies at the same place, or allows it
    "audio_missing": "mended",
    "audio_not_allowed": "mended",
    "words_missing": "mended",
    # by another version of duologue, or on another machine
    "internal_error": "elsewhere",
}
"""The reasons that may no longer hold when the very same run is tried again, and what heals them.

All others are of what the manifest, the audio, the ledger or the options say: for another answer they have to be others.
"""


class RejectError(Exception):
    """Reports that a recording cannot be used.

    Args:
        reason: a key of :data:`REASONS`.
        detail: one sentence that names the file, the fault (found and expected) and the remedy. It is for the one who
            runs the pipeline: it is not published, so it may hold names, paths and what libraries say.
        values: what of it may be published, e.g. ``{"track": "a", "found_s": 3.2, "limit_s": 0.5}``.

    Raises:
        ValueError: the reason is unknown, or a value is a text that could be somebody's.
    """

    def __init__(self, reason: str, detail: str, values: Mapping[str, Value] | None = None) -> None:
        if reason not in REASONS:
            raise ValueError(f"unknown reject reason {reason!r}; add it to duologue_pipeline.errors.REASONS")
        values = dict(values or {})
        for text in (*values, *(value for value in values.values() if isinstance(value, str))):
            if not _WORD.fullmatch(text):
                raise ValueError(f"{text!r} may not be published; name a number or a word of small letters")
        super().__init__(reason, detail, values)
        self.reason = reason
        self.detail = detail
        self.values = values

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class UsageError(Exception):
    """Reports that a command cannot be carried out; the message names what, where, and what to do next."""
