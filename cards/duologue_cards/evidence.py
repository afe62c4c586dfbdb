"""Takes out of a tally what the requirements are judged by, with intervals where it is an estimate.

Turn-taking and isolation are over the conversations with both voices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from duologue_cards.draws import Estimate, estimated_median, estimated_ratio
from duologue_cards.facts import Facts
from duologue_cards.reference import fto_counts
from duologue_cards.tally import Tally

__all__ = ["Evidence", "measure"]


@dataclass(frozen=True)
class Evidence:
    """Holds what was measured over all conversations of a release.

    Attributes:
        conversations: those with both voices; ``hours`` of them.
        languages: primary language subtags, None where one is not stated.
        overlap_s, speech_s: seconds in which both speak, and in which anybody does.
        overlap_share, overlapped_share, fto_median_s: estimates.
        transfers: floor transfers.
        fto_counts: floor transfers in the bins of the human reference.
        words: of all tracks with a transcript; None where no track has one. ``transcribed_words`` those that
            people wrote, of conversations with both voices, ``recognised_words`` those that a recogniser heard in these.
        disfluencies_per_100_words: of the same tracks; None without words.
        disfluencies, backchannels, interruptions: events of both speakers.
        quieter_share: mean share of the speech of who speaks less; ``balanced_share`` of conversations in which it is .10 at least.
        isolation: verdict -> conversations; ``isolation_hours`` -> hours; ``bleeding_hours`` of conversations in which a direction
            bleeds above the limit of ``warn``.
        broken: fault -> conversations, of one signal on both tracks, both voices on both, and a swap.
        effective_speakers: (sum of s) squared over the sum of s squared, s the recorded seconds of a speaker.
        top_speaker_share: of the recorded seconds of all speakers.
        registers: register, else setting, else topic -> hours; None where none is stated.
        transcribed_share: of the tracks.
    """

    conversations: int
    hours: float
    languages: tuple[str | None, ...]
    overlap_s: float
    speech_s: float
    overlap_share: Estimate
    overlapped_share: Estimate
    fto_median_s: Estimate
    transfers: int
    fto_counts: tuple[int, ...]
    words: int | None
    transcribed_words: int
    recognised_words: int
    disfluencies_per_100_words: float | None
    disfluencies: int
    backchannels: int
    interruptions: int
    quieter_share: float | None
    balanced_share: float | None
    isolation: Mapping[str, int]
    isolation_hours: Mapping[str, float]
    bleeding_hours: float
    broken: Mapping[str, int]
    effective_speakers: float | None
    top_speaker_share: float | None
    registers: Mapping[str | None, float]
    transcribed_share: float | None


def measure(facts: Facts, tally: Tally, *, fto_edges_s: Sequence[float], bleeding_db: float) -> Evidence:
    """Takes the evidence out of what was counted.

    Args:
        facts: made of the same tally.
        tally: of all tables and people.
        fto_edges_s: edges of the bins of the human reference, in seconds; what lies outside counts in the outermost bins.
        bleeding_db: above it the other voice counts as bleeding; a whole number.
    """
    named = _named(tally)
    n, turns, words = tally["conversations",], facts.turn_taking, tally["transcribed_words",]
    overlap_ms, own_ms, judged = tally["overlap_ms",], tally["speech_ms",], tally["judged_balance",]
    tracks = 2 * facts.recordings - facts.one_voice
    top_ms = max(named.get("top_speaker_ms", {}), default=0)
    bleeding = named.get("bleeding_ms", {})
    return Evidence(
        conversations=n,
        hours=tally["duration_ms",] / 3.6e6,
        languages=tuple(sorted(named.get("primary_language", {}), key=str)),
        overlap_s=overlap_ms / 1000,
        speech_s=(own_ms - overlap_ms) / 1000,
        overlap_share=estimated_ratio(tally, turns.overlap_share_of_speech, n, part="overlap_ms", whole="anybody_ms"),
        overlapped_share=estimated_ratio(
            tally, turns.overlapped_transfers_share, n, part="overlapped", whole="transfers"
        ),
        fto_median_s=estimated_median(tally, turns.fto_median_s, n),
        transfers=turns.floor_transfers,
        fto_counts=fto_counts(named.get("fto_ms", {}), fto_edges_s),
        words=tally["said_words",] if tally["said_tracks",] else None,
        transcribed_words=words,
        recognised_words=tally["recognised_words",],
        disfluencies_per_100_words=100 * tally["worded_disfluencies",] / words if words else None,
        disfluencies=tally["disfluencies",],
        backchannels=tally["backchannels",],
        interruptions=tally["interruptions",],
        quieter_share=tally["quieter_ppm",] / judged / 1e6 if judged else None,
        balanced_share=tally["balanced",] / judged if judged else None,
        isolation=dict(named.get("isolation", {})),
        isolation_hours=_hours(named.get("isolation_ms", {})),
        bleeding_hours=sum(ms for level_db, ms in bleeding.items() if level_db > bleeding_db) / 3.6e6,
        broken={fault: tally["fault", fault, True] for fault in ("duplicate", "mono_mix", "swap")},
        effective_speakers=tally["speaker_ms",] ** 2 / tally["speaker_ms_squared",] if tally["speaker_ms",] else None,
        top_speaker_share=top_ms / tally["speaker_ms",] if tally["speaker_ms",] else None,
        registers=_hours(named.get("register_ms", {})),
        transcribed_share=facts.transcribed_tracks / tracks if tracks else None,
    )


def _named(tally: Tally) -> dict[str, dict[Any, int]]:
    """Reads names of two parts: the first -> the second -> how many."""
    found: dict[str, dict[Any, int]] = {}
    for name, count in tally.items():
        if len(name) == 2 and count:
            found.setdefault(name[0], {})[name[1]] = count
    return found


def _hours(by_name: Mapping[Any, int]) -> dict[Any, float]:
    """Turns milliseconds into hours, in the order of the names."""
    return {name: by_name[name] / 3.6e6 for name in sorted(by_name, key=lambda name: (name is None, str(name)))}
