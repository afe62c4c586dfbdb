"""Says which forms of a recording a run writes, in the terms of consent: what is asked for follows from what will be written.

The question is put three times, and the answers are held against each other: what the options of a run will put into the samples
(the gate asks for that), what a sample holds that is about to be written (the writer lets nothing else through), and what a release
holds (a withdrawal asks for that again).
"""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from duologue_consent import Form
from duologue_consent.decisions.in_force import RUN_WITHOUT
from duologue_pipeline.records import SPEAKERS, Recording

__all__ = [
    "FormNotGrantedError",
    "forms_of_row",
    "forms_of_run",
    "forms_of_sample",
    "how_to_leave_out",
    "require_granted",
]

_ALWAYS: Final = (Form.TOKENS, Form.ANNOTATIONS)


class FormNotGrantedError(Exception):
    """Reports that a sample holds what its speakers were not asked for: a mistake in a program, which must stop the run."""


def forms_of_run(recording: Recording, *, include_audio: bool, words: str, asr: bool) -> tuple[Form, ...]:
    """Lists the forms that a run with these options writes of a recording.

    Args:
        recording: whose tracks may name words.
        include_audio: whether the samples carry their audio.
        words: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`; with ``none`` there is no transcript.
        asr: whether a recogniser hears the words of tracks that have none: then there is a transcript of every recording.

    Returns:
        In the order of :class:`~duologue_consent.Form`; both speakers are asked for a form that either's track makes.
    """
    transcript = words != "none" and (asr or _names_words(recording))
    return _forms(audio=include_audio, transcript=transcript)


def forms_of_sample(members: Collection[str], document: Mapping[str, Any]) -> tuple[Form, ...]:
    """Lists the forms that a sample holds, by the sample itself.

    Args:
        members: the extensions of its files, e.g. ``codes.npy``.
        document: of its ``KEY.json``.
    """
    transcript = bool(document["words"]) or any(document["transcripts"].values())
    held = {
        Form.AUDIO: not set(members)
        <= {"json", "codes.npy"},  # whatever else a sample carries can only be the recording
        Form.TRANSCRIPT: transcript,
        Form.TOKENS: "codes.npy" in members,
        Form.ANNOTATIONS: True,
    }
    return tuple(form for form in Form if held[form])


def forms_of_row(row: Mapping[str, Any], *, include_audio: bool) -> tuple[Form, ...]:
    """Lists the forms that a release holds of a recording, wherever its words come from.

    Args:
        row: of ``recordings.parquet``.
        include_audio: what ``dataset.json`` says.
    """
    return _forms(audio=include_audio, transcript=any(row[f"words_{side}"] for side in SPEAKERS))


def require_granted(held: Iterable[str], granted: Iterable[str], *, key: str) -> None:
    """Checks that all that a sample holds was granted by its speakers.

    Args:
        held: from :func:`forms_of_sample`.
        granted: the forms of the recording's consent.
        key: of the sample.

    Raises:
        FormNotGrantedError: it holds more. No recording is refused for that: the gate has asked for too little.
    """
    allowed = set(granted)
    excess = [form for form in held if form not in allowed]
    if excess:
        raise FormNotGrantedError(
            f"sample {key} holds {' and '.join(excess)}, and its speakers were asked for {', '.join(sorted(allowed)) or 'nothing'} "
            "only; nothing was published. This is a fault of the program: please report it"
        )


def how_to_leave_out(recording: Recording, *, asr: bool) -> Mapping[Form, str]:
    """Says for each form how a run does without it, where the speakers have not granted it.

    Args:
        recording: whose tracks may name words.
        asr: whether a recogniser hears the words of tracks that have none.
    """
    if not asr:
        return RUN_WITHOUT
    without = f"{RUN_WITHOUT[Form.TRANSCRIPT]}" if _names_words(recording) else "without --asr"
    return {**RUN_WITHOUT, Form.TRANSCRIPT: without}


def _names_words(recording: Recording) -> bool:
    return recording.a.words_uri is not None or recording.b.words_uri is not None


@lru_cache
def _forms(*, audio: bool, transcript: bool) -> tuple[Form, ...]:
    held = {*_ALWAYS, *([Form.AUDIO] if audio else []), *([Form.TRANSCRIPT] if transcript else [])}
    return tuple(form for form in Form if form in held)
