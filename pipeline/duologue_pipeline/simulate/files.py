"""Writes a simulated corpus: audio, words, truth, manifest and consent, ready for ``duologue run``."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from duologue_consent import ALL_FORMS, Ledger, Notice, Purpose, Terms
from duologue_consent.ledger.seeded import seeded_entropy
from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.simulate.conversation import Simulated, simulate_conversation
from duologue_pipeline.simulate.seeds import generator
from duologue_pipeline.simulate.spec import ConversationSpec
from duologue_pipeline.simulate.voices import VoiceBank

__all__ = ["track_words", "write_corpus"]

_NOTICE: Final = "A simulated conversation: its voices are nobody's."
_OPENED_AT: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_FIRST_AT: Final = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
_SETTINGS: Final = {
    "telephone": "telephone",
    "mobile": "telephone",
    "wideband": "voip",
    "voip": "voip",
    "studio": "headsets",
}


def write_corpus(
    out: Path,
    specs: Sequence[ConversationSpec],
    voices: VoiceBank,
    *,
    seed: int,
    audio_format: str = "flac",
    progress: Callable[[int, float], None] = lambda done, seconds: None,
) -> None:
    """Writes the conversations and everything that ``duologue run`` wants to know of them.

    The same arguments give the same bytes.

    Args:
        out: a folder that is empty or does not exist.
        specs: the conversations, each with a ``recording_id`` of its own.
        voices: who speaks.
        seed: of the ledger's keys and salts.
        audio_format: ``flac`` or ``wav``; 16 bits, stereo, speaker a left.
        progress: is told how many conversations, and how many seconds of them, there are so far.

    Raises:
        UsageError: the folder is not empty or cannot be written.
    """
    try:
        if out.exists() and any(out.iterdir()):
            raise UsageError(f"{out}: is not empty, and nothing is overwritten; name a new folder")
        for folder in ("audio", "words", "truth"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        rows, seconds = [], 0.0
        for number, spec in enumerate(specs):
            simulated = simulate_conversation(spec, voices)
            rows.append(_write_conversation(out, spec, simulated, number, audio_format))
            seconds += spec.duration_s
            progress(number + 1, seconds)
        people = dict.fromkeys(track["speaker_id"] for row in rows for track in row["tracks"])
        _write_ledger(out / "consent.db", people, seed)
        # The manifest last: where it is, the corpus is whole.
        (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error}); name a folder that is writable and has space") from None


def _write_conversation(
    out: Path, spec: ConversationSpec, simulated: Simulated, number: int, audio_format: str
) -> dict[str, Any]:
    """Writes the files of a conversation; gives its line of the manifest."""
    name = spec.recording_id
    audio = f"audio/{name}.{audio_format}"
    stereo = np.stack([simulated.a, simulated.b], axis=1)
    soundfile.write(out / audio, stereo, simulated.sample_rate_hz, subtype="PCM_16")
    _write_json(out / "truth" / f"{name}.json", simulated.truth)
    words = track_words(simulated.truth)
    tracks: list[dict[str, Any]] = []
    people = spec.people or tuple(f"{name}-{speaker}" for speaker in SPEAKERS)
    for channel, (speaker, person) in enumerate(zip(SPEAKERS, people, strict=True)):
        track: dict[str, Any] = {"speaker_id": person, "uri": audio, "channel": channel}
        if words is not None:
            track["words_uri"] = f"words/{name}.{speaker}.json"
            _write_json(out / track["words_uri"], words[speaker])
        tracks.append(track)
    started_at = _FIRST_AT + timedelta(hours=number)
    return {
        "recording_id": name,
        "language": spec.language,
        "started_at": started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "setting": _SETTINGS[spec.line],
        "synthetic": True,
        "source": {"corpus": "duologue-simulated", "route": "synthetic"},
        "tracks": tracks,
    }


def track_words(truth: dict[str, Any]) -> dict[Speaker, list[dict[str, Any]]] | None:
    """Gives what a perfect transcriber of each track writes, by the track's own clock; None if words are not known.

    A swap moves the words to the other track and a wrong clock moves their times, as both happen to real transcripts of
    such tracks. Words whose time lies outside of the track are left out.
    """
    words: dict[Speaker, list[dict[str, Any]] | None] = truth["words"]
    a, b = words["a"], words["b"]
    if a is None or b is None:
        return None
    swap_s = next((fault["at_s"] for fault in truth["faults"] if fault["kind"] == "swap"), float("inf"))
    mine = {
        "a": [*_before(a, swap_s), *_after(b, swap_s)],
        "b": [*_before(b, swap_s), *_after(a, swap_s)],
    }
    return {s: _by_clock(mine[s], truth["tracks"][s]["clock"], truth["duration_s"]) for s in SPEAKERS}


def _before(words: Iterable[dict[str, Any]], time_s: float) -> list[dict[str, Any]]:
    return [word for word in words if word["start_s"] < time_s]


def _after(words: Iterable[dict[str, Any]], time_s: float) -> list[dict[str, Any]]:
    return [word for word in words if word["start_s"] >= time_s]


def _by_clock(words: Iterable[dict[str, Any]], clock: dict[str, float], duration_s: float) -> list[dict[str, Any]]:
    def at(time_s: float) -> float:
        return round(time_s * (1 + clock["fast_ppm"] * 1e-6) + clock["late_s"], 3)

    moved = [{**word, "start_s": at(word["start_s"]), "end_s": at(word["end_s"])} for word in words]
    return [word for word in moved if word["start_s"] >= 0 and word["end_s"] <= duration_s]


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_ledger(path: Path, speaker_ids: Iterable[str], seed: int) -> None:
    """Writes a ledger in which everyone grants recording, in-house training and redistribution.

    They do so a week before the first conversation.
    """
    rng = generator("ledger 1.1", seed)
    ledger_id = f"{rng.bytes(4).hex()}-0000-4000-8000-{rng.bytes(6).hex()}"
    ledger = Ledger.create(path, ledger_id=ledger_id, created_at=_OPENED_AT, entropy=seeded_entropy(rng.bytes(32)))
    purposes = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.REDISTRIBUTION]
    at = _OPENED_AT + timedelta(hours=1)
    terms = Terms(forms=ALL_FORMS, notice=Notice(hashlib.sha256(_NOTICE.encode()).hexdigest(), "1", "en"))
    for speaker_id in speaker_ids:
        ledger.grant(speaker_id, purposes, at=at, terms=terms, entered_at=at)
