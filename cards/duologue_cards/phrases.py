"""Writes figures and facts in words, the same on every card."""

import re
from collections.abc import Sequence
from typing import Final

from duologue_cards.facts import Count, Facts

__all__ = [
    "FAULT_WORDS",
    "PURPOSE_WORDS",
    "UNKNOWN",
    "count",
    "decibels",
    "duration",
    "escaped",
    "is_said_of_people",
    "limitations",
    "named",
    "number",
    "of_voices",
    "people_said",
    "percent",
    "seconds",
    "speaker",
    "summary",
]

UNKNOWN = "unknown"

PURPOSE_WORDS: Final = {
    "recording": "being recorded",
    "training_inhouse": "training models in-house",
    "redistribution": "passing the data on to others",
    "speaker_identification": "identifying the speaker",
    "likeness": "imitating the speaker's voice",
}
"""Purpose of consent -> what both speakers allow."""

FAULT_WORDS: Final = {
    "duplicate": "both tracks are one signal",
    "mono_mix": "both voices mixed on both tracks",
    "over_suppression": "one side is muted while the other talks",
    "swap": "the speakers change tracks",
    "offset": "the tracks are not aligned: one lies late",
    "drift": "the clocks of the tracks differ",
    "other_voice_a": "more than one voice in track a (pyannote.audio)",
    "other_voice_b": "more than one voice in track b (pyannote.audio)",
    "same_voice": "one voice in both tracks (pyannote.audio)",
}
"""Fault of the isolation -> what it is."""

_OF_PEOPLE: Final = {"age_band": "age", "sex": "gender", "dialect": "accent"}
"""Field of a manifest -> what the cards call it."""


def count(amount: int, noun: str) -> str:
    """Writes an amount with its noun: ``1 sample``, ``1,234 samples``."""
    return f"{amount:,} {noun}" if amount == 1 else f"{amount:,} {noun}s"


def duration(duration_s: float) -> str:
    """Writes a duration in hours, or in minutes below one hour."""
    return f"{duration_s / 3600:,.1f} hours" if duration_s >= 3600 else f"{duration_s / 60:.1f} minutes"


def percent(share: float | None) -> str:
    """Writes a share, 0 to 1, as a percentage with one decimal, and None as unknown."""
    return UNKNOWN if share is None else f"{100 * share:.1f} %"


def seconds(time_s: float | None) -> str:
    """Writes a time in seconds with two decimals, and None as unknown."""
    return UNKNOWN if time_s is None else f"{time_s:.2f} s"


def decibels(level_db: float | None) -> str:
    """Writes a level in dB with one decimal, and None as an empty text."""
    return "" if level_db is None else f"{level_db:.1f} dB"


def number(value: float | None) -> str:
    """Writes a number with one decimal, and None as unknown."""
    return UNKNOWN if value is None else f"{value:,.1f}"


def named(counts: Sequence[Count]) -> str:
    """Writes values with how often they occur, ``en-US (3), unknown (1)``, and no values as unknown."""
    return ", ".join(f"{item.value or UNKNOWN} ({item.count:,})" for item in counts) or UNKNOWN


def summary(facts: Facts) -> str:
    """Describes a release in two sentences."""
    who, voices = "Conversations of two people, one track per speaker", ""
    if facts.only_synthetic:
        who, voices = (
            "Synthetic conversations of two voices, one track per voice",
            ", all of them synthetic voices that are nobody's",
        )
    elif facts.synthetic:
        voices = f"; {facts.synthetic:,} of the conversations are of synthetic voices, which are nobody's"
    return (
        f"{who}, as audio tokens for speech models that listen while they "
        f"speak. {count(facts.samples, 'sample')} ({duration(facts.duration_s)}) from "
        f"{count(facts.recordings, 'conversation')} of {count(facts.speakers, 'speaker')}{voices}."
    )


def is_said_of_people(facts: Facts) -> bool:
    """Tells whether age, gender or accent is recorded of any speaker."""
    return any(each.value is not None for name in _OF_PEOPLE for each in facts.speakers_by[name])


def people_said(facts: Facts) -> str:
    """Says, as a clause, which of age, gender and accent are recorded of speakers; none where the manifest says none."""
    known = [
        word for name, word in _OF_PEOPLE.items() if any(each.value is not None for each in facts.speakers_by[name])
    ]
    missing = [word for word in _OF_PEOPLE.values() if word not in known]
    if not known:
        return "age, gender and accent are not recorded"
    told = f"{_joined(known)} {'is' if len(known) == 1 else 'are'} recorded where the manifest says so"
    return told + (f", {_joined(missing)} {'is' if len(missing) == 1 else 'are'} not" if missing else "")


def limitations(facts: Facts) -> list[str]:
    """Lists what is not known about a release, a sentence for each gap that it has."""
    of = f"of {count(facts.recordings, 'conversation')}"
    gaps = [
        ("has no language stated", "have no language stated", _unknown(facts.languages)),
        ("has no licence stated", "have no licence stated", _unknown(facts.licenses)),
        ("names no corpus", "name no corpus", _unknown(facts.corpora)),
        ("has no date", "have no date", facts.undated),
        ("names no setting", "name no setting", _unknown(facts.settings)),
    ]
    sentences = [f"{missing:,} {of} {one if missing == 1 else more}." for one, more, missing in gaps if missing]
    tracks = 2 * facts.recordings - facts.one_voice
    if facts.transcribed_tracks < tracks:
        sentences.append(
            f"{tracks - facts.transcribed_tracks:,} of {count(tracks, 'track')} have no transcript: their events come "
            "from voice activity alone."
        )
    undetermined = sum(item.count for item in facts.isolation.verdicts if item.value == "undetermined")
    if undetermined:
        sentences.append(
            f"Isolation could not be determined for {undetermined:,} {of}: too little speech of one alone."
        )
    if facts.delay_unknown:
        sentences.append(
            f"In {facts.delay_unknown:,} {of} it is not known where a track begins: an MP3 does not name the delay of its "
            "encoder, and may lie late by up to some tenths of a second (`delay_known_a`, `delay_known_b`)."
        )
    unsaid = facts.recordings - facts.synthetic - facts.not_synthetic
    if unsaid:
        sentences.append(f"Whether the voices are made by a program is not stated of {unsaid:,} {of}.")
    sentences.append(f"Of the {speaker(facts)}s, {people_said(facts)}.")
    sentences.append("Events and activity were found by program; nobody has checked them by ear.")
    unstated = [
        name
        for name, value in (
            ("creator", facts.publication.creator),
            ("web address", facts.publication.url),
            ("date of publication", facts.publication.date_published),
        )
        if value is None
    ]
    if unstated:
        sentences.append(f"Not stated: {', '.join(unstated)}.")
    return sentences


def speaker(facts: Facts) -> str:
    """Names who speaks: a speaker, or a voice where it is known that all voices are made by a program."""
    return "voice" if facts.only_synthetic else "speaker"


def of_voices(facts: Facts, text: str) -> str:
    """Writes a text on speakers as one on voices, where it is known that all voices are made by a program."""
    return text.replace("speaker's voice", "voice").replace("speaker", "voice") if facts.only_synthetic else text


def escaped(text: str) -> str:
    """Escapes text from outside, so that it is not read as Markdown or HTML and ends no line of a table."""
    return re.sub(r"([\\`|<>\[\]*_&])", r"\\\1", " ".join(text.split()))


def _unknown(counts: Sequence[Count]) -> int:
    return sum(item.count for item in counts if item.value is None)


def _joined(words: Sequence[str]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]
