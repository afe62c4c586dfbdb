"""Makes the embedded sample of duologue from nothing: audio, words, truth and manifest.

    apt-get install flite festival festlex-cmu festlex-poslex festvox-us-slt-hts festvox-kallpc16k festvox-kdlpc16k
    python scripts/make_demo_sample.py [--out DIR]

The same versions (made_with.json) give the same bytes. What is said, and when, stands in
demo_screenplays.yaml; who says it, in demo_voices.py. Every time in the truth is measured on the clean synthetic
speech, before noise and bleed are added.
"""

import argparse
import hashlib
import json
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.signal
import soundfile
import soxr
import yaml
from demo_voices import Voice, speak

SPEAKERS: Final = ("a", "b")
PACKAGES: Final = (
    "flite",
    "libflite1",
    "festival",
    "festlex-cmu",
    "festlex-poslex",
    "festvox-us-slt-hts",
    "festvox-kallpc16k",
    "festvox-kdlpc16k",
)
DEMO: Final = Path(__file__).resolve().parents[1] / "pipeline" / "duologue_pipeline" / "demo"

SPEECH_DBFS: Final = -27.0
LISTENER_GAIN_DB: Final = -3.0  # backchannels are softer than turns
ACTIVE_DBFS: Final = -54.0  # what is louder, over 5 ms, is activity
EDGE_DBFS: Final = -50.0  # a phrase is cut where it is louder, so that the edges stand clear of noise and threshold
ACTIVE_WINDOW_MS: Final = 5
BRIDGED_MS: Final = 200  # a shorter silence is inside an inter-pausal unit
PHRASE_SILENCE_MS: Final = 160  # no phrase may hold a longer one, so that none is near BRIDGED_MS
LINES_APART_MS: Final = 240
FADE_MS: Final = 3
LEAD_MS: Final = 600
TAIL_MS: Final = 500

Pcm = npt.NDArray[np.float64]
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Utterance:
    """Holds one line as it is spoken.

    ``pcm`` is float64 [T] in [-1, 1]. ``words`` are (word, start_ms, end_ms), ``marks`` are (kind, first word, last
    word), both counted from its beginning.
    """

    pcm: Pcm
    words: Sequence[tuple[str, int, int]]
    marks: Sequence[tuple[str, int, int]]


@dataclass(frozen=True)
class Line:
    """Puts an utterance in its place on the conversation's clock; ``kind`` is turn, backchannel or interruption."""

    speaker: str
    kind: str
    takes_floor: bool
    start_ms: int
    spoken: Utterance

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.spoken.words[-1][2]

    def words(self) -> list[tuple[str, int, int]]:
        return [(word, self.start_ms + start, self.start_ms + end) for word, start, end in self.spoken.words]


# --- speak ----------------------------------------------------------------------------------------------------------


def active_spans(pcm: Pcm, rate_hz: int, *, above_dbfs: float = ACTIVE_DBFS, bridged_ms: int = BRIDGED_MS) -> Spans:
    """Finds stretches louder than ``above_dbfs``, across silences under ``bridged_ms``: float64 [T] in [-1, 1]."""
    per_ms = rate_hz // 1000
    power = np.add.reduceat(pcm**2, np.arange(0, len(pcm), per_ms)) / per_ms
    power = np.convolve(power, np.ones(ACTIVE_WINDOW_MS) / ACTIVE_WINDOW_MS, mode="same")
    spans: Spans = []
    for ms in np.flatnonzero(power > 10 ** (above_dbfs / 10)).tolist():
        if spans and ms - spans[-1][1] < bridged_ms:
            spans[-1] = (spans[-1][0], ms + 1)
        else:
            spans.append((ms, ms + 1))
    return spans


def parse(text: str) -> tuple[list[tuple[int, list[str]]], list[tuple[str, int, int]]]:
    """Splits a line into phrases, each with the pause before it in ms, and marked stretches of words."""
    phrases: list[tuple[int, list[str]]] = [(0, [])]
    marks: list[tuple[str, int, int]] = []
    count, opened = 0, ("", 0)
    for token in re.findall(r"\[\d+\]|\(\w+|\)|[^\s()]+", text):
        if token[0] == "[":
            phrases.append((int(token[1:-1]), []))
        elif token[0] == "(":
            opened = (token[1:], count)
        elif token == ")":
            marks.append((*opened, count - 1))
        else:
            phrases[-1][1].append(token)
            count += 1
    return phrases, marks


def utter(text: str, voice: Voice, rate_hz: int, band_hz: tuple[float, float], gain_db: float) -> Utterance:
    """Speaks a line phrase by phrase; it cuts each phrase to its speech, so that the pauses are exactly as written."""
    phrases, marks = parse(text)
    band = scipy.signal.butter(4, band_hz, "bandpass", fs=rate_hz, output="sos")
    per_ms = rate_hz // 1000
    pieces: list[Pcm] = []
    words: list[tuple[str, int, int]] = []
    at_ms = 0
    for pause_ms, phrase in phrases:
        said = speak(tuple(phrase), voice, rate_hz)
        pcm = scipy.signal.sosfilt(band, said.pcm)
        loud = np.abs(pcm) > np.abs(pcm).max() / 20
        pcm = pcm * 10 ** ((SPEECH_DBFS + gain_db) / 20) / np.sqrt(np.mean(pcm[loud] ** 2))
        spans = active_spans(pcm, rate_hz, above_dbfs=EDGE_DBFS, bridged_ms=PHRASE_SILENCE_MS)
        if len(spans) != 1:
            raise RuntimeError(f"{voice.name} pauses within {' '.join(phrase)!r} ({spans}); write the pause as [ms]")
        ((start_ms, end_ms),) = spans
        at_ms += pause_ms
        pieces += [np.zeros(pause_ms * per_ms), _faded(pcm[start_ms * per_ms : end_ms * per_ms], rate_hz)]
        # The engine's outer word bounds hold silences of stops; inner ones are kept.
        bounds_ms = [round(start_s * 1000) - start_ms for start_s, _ in said.word_times_s]
        ends_ms = [round(end_s * 1000) - start_ms for _, end_s in said.word_times_s]
        bounds_ms[0], ends_ms[-1] = 0, end_ms - start_ms
        for word, word_start_ms, word_end_ms in zip(phrase, bounds_ms, ends_ms, strict=True):
            if word_end_ms - word_start_ms < 20:
                raise RuntimeError(f"{word!r} in {' '.join(phrase)!r} lasts {word_end_ms - word_start_ms} ms")
            words.append((word, at_ms + word_start_ms, at_ms + word_end_ms))
        at_ms += end_ms - start_ms
    return Utterance(np.concatenate(pieces), words, marks)


def _faded(pcm: Pcm, rate_hz: int) -> Pcm:
    ramp = np.linspace(0, 1, FADE_MS * rate_hz // 1000 + 1)[1:]
    faded = pcm.copy()
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded


# --- place ----------------------------------------------------------------------------------------------------------


def place(play: Mapping[str, Any]) -> list[Line]:
    """Puts the lines of a screenplay on the conversation's clock, in the order of the screenplay."""
    lines: list[Line] = []
    floor: Line | None = None
    for entry in play["lines"]:
        (speaker,) = (key for key in SPEAKERS if key in entry)
        cast = play["speakers"][speaker]
        voice = Voice(cast["voice"], cast["stretch"], cast["tract"])
        gain_db = 0.0 if "during" not in entry else LISTENER_GAIN_DB
        spoken = utter(entry[speaker], voice, play["rate_hz"], tuple(play["band_hz"]), gain_db)
        if floor is None:
            start_ms = LEAD_MS
        elif "during" in entry:
            anchor_ms = next(end_ms for word, _, end_ms in floor.words() if word == entry["during"])
            start_ms = anchor_ms + entry["delay_ms"]
        else:
            start_ms = floor.end_ms + entry["fto_ms"]
        line = Line(speaker, entry.get("kind", "turn"), "during" not in entry, start_ms, spoken)
        if line.takes_floor:
            if floor is not None and floor.speaker == speaker:
                raise RuntimeError(f"{entry[speaker]!r}: two turns of {speaker} in a row; join them with [ms]")
            floor = line
        lines.append(line)
    return lines


def clean_tracks(lines: Sequence[Line], rate_hz: int) -> dict[str, Pcm]:
    """Puts both speakers' clean speech on the conversation's clock: float64 [T] in [-1, 1] each, of equal T."""
    per_ms = rate_hz // 1000
    end_ms = max(line.end_ms for line in lines) + TAIL_MS
    tracks = {speaker: np.zeros(end_ms * per_ms) for speaker in SPEAKERS}
    for speaker, track in tracks.items():
        own = sorted((line for line in lines if line.speaker == speaker), key=lambda line: line.start_ms)
        for before, after in pairwise(own):
            if after.start_ms - before.end_ms < LINES_APART_MS:
                text = " ".join(word for word, _, _ in after.spoken.words)
                raise RuntimeError(f"{text!r} comes {after.start_ms - before.end_ms} ms after {speaker}'s line before")
        for line in own:
            start = line.start_ms * per_ms
            track[start : start + len(line.spoken.pcm)] = line.spoken.pcm
    return tracks


# --- truth ----------------------------------------------------------------------------------------------------------


def events_of(lines: Sequence[Line], activity: Mapping[str, Spans]) -> list[dict[str, Any]]:
    """Lists every event that the screenplay plans, at the times at which it came out."""
    events: list[dict[str, Any]] = []

    def add(kind: str, speaker: str, start_ms: int, end_ms: int, **more: Any) -> None:
        events.append({"kind": kind, "speaker": speaker, **_seconds(start_ms, end_ms), **more})

    turns = [line for line in lines if line.takes_floor]
    for before, after in pairwise(turns):
        fto_ms = after.start_ms - before.end_ms
        bounds = sorted((before.end_ms, after.start_ms))
        kind = "gap" if fto_ms >= 0 else "overlap_between"
        add(kind, after.speaker, *bounds, fto_s=fto_ms / 1000)
        if after.kind == "interruption":
            add(
                "interruption",
                after.speaker,
                after.start_ms,
                after.end_ms,
                floor_taking=True,
                stop_latency_s=-fto_ms / 1000,
            )
    for line in lines:
        words = line.words()
        text = " ".join(word for word, _, _ in words)
        if line.takes_floor:
            add("turn", line.speaker, line.start_ms, line.end_ms, text=text)
        else:
            other = activity["b" if line.speaker == "a" else "a"]
            shared = [(max(line.start_ms, start), min(line.end_ms, end)) for start, end in other]
            shared = [(start, end) for start, end in shared if start < end]
            more: dict[str, Any] = {"floor_taking": False} if line.kind == "interruption" else {}
            add(line.kind, line.speaker, line.start_ms, line.end_ms, text=text, in_overlap=bool(shared), **more)
            for start, end in shared:
                add("overlap_within", line.speaker, start, end)
        for (_, _, end), (_, start, _) in pairwise(words):
            if start - end >= BRIDGED_MS:
                add("pause", line.speaker, end, start)
        for kind, first, last in line.spoken.marks:
            text = " ".join(word for word, _, _ in words[first : last + 1])
            add(kind, line.speaker, words[first][1], words[last][2], text=text)
    return sorted(events, key=lambda event: (event["start_s"], event["end_s"], event["kind"]))


def words_of(lines: Sequence[Line], speaker: str, *, shift_ms: int) -> list[dict[str, Any]]:
    """Gives a speaker's words as schemas/words.schema.json has them, ``shift_ms`` off the conversation's clock."""
    own = sorted((line for line in lines if line.speaker == speaker), key=lambda line: line.start_ms)
    return [
        {"word": word, **_seconds(start_ms + shift_ms, end_ms + shift_ms)}
        for line in own
        for word, start_ms, end_ms in line.words()
    ]


def _seconds(start_ms: int, end_ms: int) -> dict[str, float]:
    return {"start_s": start_ms / 1000, "end_s": end_ms / 1000}


# --- degrade --------------------------------------------------------------------------------------------------------


def noise(identity: str, samples: int, rate_hz: int, level_dbfs: float) -> Pcm:
    """Makes the hiss of a room, 6 dB an octave softer above 100 Hz, from its identity: float64 [samples]."""
    seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4])
    white = np.random.RandomState(seed).standard_normal(samples)  # RandomState's streams are frozen by NumPy
    room = scipy.signal.lfilter([1.0], [1.0, -np.exp(-2 * np.pi * 100 / rate_hz)], white)
    return room * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(room**2))


def bleed_of(source: Pcm, rate_hz: int, bleed: Mapping[str, Any]) -> Pcm:
    """Makes the copy of a speaker in the partner's track: low-passed, late, ``level_db`` louder; float64 [T]."""
    lowpass = scipy.signal.butter(2, bleed["lowpass_hz"], fs=rate_hz, output="sos")
    lag = bleed["lag_ms"] * rate_hz // 1000
    copy = np.concatenate([np.zeros(lag), scipy.signal.sosfilt(lowpass, source)[:-lag]])
    return copy * 10 ** (bleed["level_db"] / 20) * np.sqrt(np.sum(source**2) / np.sum(copy**2))


# --- write ----------------------------------------------------------------------------------------------------------


def make(play: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Writes one conversation.

    Returns:
        Its line of the manifest.
    """
    name, rate_hz = play["recording_id"], play["rate_hz"]
    lines = place(play)
    clean = clean_tracks(lines, rate_hz)
    activity = {speaker: active_spans(clean[speaker], rate_hz) for speaker in SPEAKERS}
    pcm = {}
    for speaker in SPEAKERS:
        pcm[speaker] = clean[speaker] + noise(
            f"{name}.{speaker}", len(clean[speaker]), rate_hz, play["noise_dbfs"][speaker]
        )
    if play["bleed"]:
        pcm[play["bleed"]["into"]] += bleed_of(clean[play["bleed"]["from"]], rate_hz, play["bleed"])

    tracks, words = [], {}
    for channel, speaker in enumerate(SPEAKERS):
        offset_s, cast = play["offset_s"][speaker], play["speakers"][speaker]
        words[speaker] = words_of(lines, speaker, shift_ms=0)
        on_track = words_of(lines, speaker, shift_ms=-round(offset_s * 1000))
        _write_json(out / "words" / f"{name}.{speaker}.json", on_track)
        stereo = play["layout"] == "stereo"
        tracks.append(
            {
                "speaker_id": cast["speaker_id"],
                "uri": f"audio/{name}.flac" if stereo else f"audio/{name}.{speaker}.flac",
                "channel": channel if stereo else 0,
                "offset_s": offset_s,
                "jurisdiction": cast["jurisdiction"],
                "words_uri": f"words/{name}.{speaker}.json",
            }
        )
        if not stereo:
            _write_flac(out / tracks[-1]["uri"], pcm[speaker][round(offset_s * rate_hz) :], rate_hz)
    if play["layout"] == "stereo":
        _write_flac(out / tracks[0]["uri"], np.stack([pcm["a"], pcm["b"]], axis=1), rate_hz)

    truth = {
        "recording_id": name,
        "duration_s": len(clean["a"]) / rate_hz,
        "activity": {who: [[start / 1000, end / 1000] for start, end in spans] for who, spans in activity.items()},
        "words": words,
        "events": events_of(lines, activity),
        "bleed": play["bleed"],
        "noise_dbfs": play["noise_dbfs"],
        "voices": {who: {key: play["speakers"][who][key] for key in ("voice", "stretch", "tract")} for who in SPEAKERS},
    }
    _write_json(out / "truth" / f"{name}.json", truth)
    return {
        **{key: play[key] for key in ("recording_id", "language", "started_at", "setting", "topic", "register")},
        "source": {"corpus": "duologue-demo", "license": "CC0-1.0", "route": "synthetic"},
        "tracks": tracks,
    }


def _write_flac(path: Path, pcm: Pcm, rate_hz: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.round(pcm * 32767).astype(np.int16)
    soundfile.write(path, samples, rate_hz, subtype="PCM_16", compression_level=1.0)


def _write_json(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def made_with() -> dict[str, str]:
    """Lists the versions on which the bytes depend."""
    query = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\\n", *PACKAGES]
    shown = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    return {
        "machine": platform.machine(),
        **dict(line.split() for line in shown.splitlines()),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "soxr": soxr.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
    }


def main() -> None:
    """Writes the sample's audio, words, truth, manifest and what made it."""
    parser = argparse.ArgumentParser(description="Makes the embedded sample of duologue.")
    parser.add_argument("--out", type=Path, default=DEMO, help="writes here (default: the package's demo folder)")
    out = parser.parse_args().out
    plays = yaml.safe_load(Path(__file__).with_name("demo_screenplays.yaml").read_text(encoding="utf-8"))
    _write_json(out / "made_with.json", made_with())
    rows = [make(play, out) for play in plays]
    (out / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
