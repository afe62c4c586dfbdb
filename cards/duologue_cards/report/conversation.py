"""Describes one conversation for the player of the page: who is heard when, what is said, what happens, and its sound.

Nothing in it names a speaker or a recording: the page calls it by its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["LONGEST_S", "SHOWN_EVENTS", "Conversation", "player_document"]

LONGEST_S: Final = 240.0
"""A conversation is shown for so long."""

SHOWN_EVENTS: Final = {
    "overlap_within": "overlap",
    "overlap_between": "overlap",
    "interruption": "interruption",
    "backchannel": "backchannel",
    "filler": "disfluency",
    "hesitation": "disfluency",
    "repetition": "disfluency",
    "self_correction": "disfluency",
    "false_start": "disfluency",
    "floor_transfer": "transfer",
    "turn": "turn",
    "ipu": "ipu",
}
"""Kind of an event -> what the player shows it as; others are not shown."""

_PEAKS_PER_S: Final = 25
_LATENCIES: Final = ("response_latency_s", "stop_latency_s", "success_latency_s", "penalty_latency_s")


@dataclass(frozen=True)
class Conversation:
    """Holds what the player shows of a conversation; times in seconds from its beginning.

    Attributes:
        why: the rule that it was chosen by.
        about: what is known of it, in some words each.
        duration_s: of what is shown; ``whole_s`` of all of it.
        activity: speaker -> the stretches in which they are heard.
        words: in their order, each with ``speaker``, ``word``, ``start_s``, ``end_s`` and ``tags``.
        events: in their order, with the fields that apply (``event_document`` of the pipeline).
        audio: float32 [2, T] in [-1, 1] and the sample rate in Hz; None where there is none.
    """

    why: str
    about: tuple[str, ...]
    duration_s: float
    whole_s: float
    activity: Mapping[str, Sequence[tuple[float, float]]]
    words: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    audio: tuple[npt.NDArray[np.float32], int] | None = field(default=None, compare=False)


def player_document(conversation: Conversation, number: int, sound: str | None, *, no_sound: str) -> dict[str, Any]:
    """Describes a conversation for the player.

    Args:
        conversation: to show.
        number: what it is called by, from 1.
        sound: its audio as an address of the scheme ``data``; None without.
        no_sound: why there is none.
    """
    shown = [
        {
            "kind": SHOWN_EVENTS[event["kind"]],
            "name": event["kind"].replace("_", " "),
            **_timed(event),
            "told": _told(event),
        }
        for event in conversation.events
        if event["kind"] in SHOWN_EVENTS
    ]
    disfluent = [(each["speaker"], each["start_s"], each["end_s"]) for each in shown if each["kind"] == "disfluency"]
    words = [
        {
            "speaker": word["speaker"],
            "word": word["word"],
            "start_s": _s(word["start_s"]),
            "end_s": _s(word["end_s"]),
            **({"disfluent": 1} if _lies_in(word, disfluent) else {}),
        }
        for word in conversation.words
    ]
    return {
        "label": f"conversation {number}",
        "why": conversation.why,
        "about": " · ".join(each for each in conversation.about if each),
        "duration_s": _s(conversation.duration_s),
        "whole_s": _s(conversation.whole_s),
        "activity": {side: [[_s(a), _s(b)] for a, b in spans] for side, spans in conversation.activity.items()},
        "words": words,
        "events": shown,
        "peaks": _peaks(conversation),
        "sound": sound,
        "no_sound": None if sound else no_sound,
    }


def _timed(event: Mapping[str, Any]) -> dict[str, Any]:
    timed = {"speaker": event["speaker"], "start_s": _s(event["start_s"]), "end_s": _s(event["end_s"])}
    if event["kind"] == "floor_transfer" and event.get("fto_s") is not None:
        timed["fto_ms"] = round(1000 * event["fto_s"])
    return timed


def _told(event: Mapping[str, Any]) -> list[str]:
    """Says what is known of an event, in some words each; nothing of what the lanes show by themselves."""
    if event["kind"] in ("turn", "ipu"):
        return []
    told = [str(event["subtype"]).replace("_", " ")] if event.get("subtype") else []
    if event.get("addressee"):
        told.append(f"other is {event['addressee']}")
    if event.get("floor_taking") is not None:
        told.append(f"takes the floor {'yes' if event['floor_taking'] else 'no'}")
    if event.get("fto_s") is not None:
        told.append(f"FTO {round(1000 * event['fto_s']):+d} ms")
    for name in _LATENCIES:
        if event.get(name) is not None:
            told.append(f"{name.removesuffix('_s').replace('_', ' ')} {round(1000 * event[name])} ms")
    told += [f"evidence {event['source']}", f"confidence {event['confidence']:g}", f"rules {event['rules']}"]
    return told


def _lies_in(word: Mapping[str, Any], stretches: Sequence[tuple[str, float, float]]) -> bool:
    middle_s = (word["start_s"] + word["end_s"]) / 2
    return any(speaker == word["speaker"] and start_s <= middle_s <= end_s for speaker, start_s, end_s in stretches)


def _peaks(conversation: Conversation) -> list[list[int]]:
    """Gives the height of both tracks in percent of the loudest, 25 a second; without sound a block where somebody is heard."""
    places = max(round(conversation.duration_s * _PEAKS_PER_S), 1)
    if conversation.audio is None:
        rows = []
        for side in ("a", "b"):
            row = np.zeros(places, np.int64)
            for start_s, end_s in conversation.activity[side]:
                row[round(start_s * _PEAKS_PER_S) : round(end_s * _PEAKS_PER_S)] = 50
            rows.append(row.tolist())
        return rows
    pcm, rate_hz = conversation.audio
    loudest = max(float(np.abs(pcm).max(initial=0.0)), 1e-4)
    edges = np.minimum(np.arange(places) * rate_hz // _PEAKS_PER_S, max(pcm.shape[1] - 1, 0))
    if not pcm.shape[1]:
        return [[0] * places, [0] * places]
    heights = np.maximum.reduceat(np.abs(pcm), edges, axis=1)
    return [np.rint(100 * row / loudest).astype(np.int64).tolist() for row in heights]


def _s(time_s: float) -> float:
    return round(time_s, 3)
