"""Makes and judges files of audio for :mod:`benchmarks.fuzz`: damaged, joined, with stale sizes, over the limits."""

import io
import random
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks.fuzz_changes import mutate
from benchmarks.fuzz_headers import aiff, au, limits, rf64, wav
from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.records import Recording, Track

RATE_HZ: Final = 8000
FORMATS: Final = (
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("AU", "ALAW"),
    ("CAF", "PCM_16"),
    ("NIST", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)
SIZED: Final = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC")
"""Formats whose header says how much audio there is, so that a file that was cut off can be known."""


@cache
def pcm() -> np.ndarray[Any, Any]:
    """Two seconds of two voices, as far as a file needs them: float64 [T, 2]."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    slow = np.sin(2 * np.pi * np.array([0.7, 1.1]) * time_s[:, None])
    return np.clip(0.2 * slow * rng.normal(size=(len(time_s), 2)), -0.9, 0.9)


@cache
def audio_file(form: str, subtype: str) -> bytes:
    """A good file of a format."""
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm(), RATE_HZ, format=form, subtype=subtype)
    return buffer.getvalue()


@cache
def decoded(form: str, subtype: str) -> np.ndarray[Any, Any]:
    """What a good file holds: float32 [T, 2]."""
    samples, _ = soundfile.read(io.BytesIO(audio_file(form, subtype)), dtype="float32")
    return np.asarray(samples)


JOINED: Final = (
    ("MP3", "MPEG_LAYER_III"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "OPUS"),
    ("OGG", "VORBIS"),
    ("FLAC", "PCM_16"),
    ("WAV", "PCM_16"),
    ("AU", "PCM_16"),
)
PART_SAMPLES: Final = (6000, 9001, 16000)


@cache
def part(form: str, subtype: str, number: int) -> bytes:
    """One of the files that are joined: sound that no other one holds."""
    noise = np.random.default_rng(100 + number).normal(size=(PART_SAMPLES[number], 2))
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(0.2 * noise, -0.9, 0.9), RATE_HZ, format=form, subtype=subtype)
    return buffer.getvalue()


@cache
def part_decoded(form: str, subtype: str, number: int) -> np.ndarray[Any, Any]:
    """What such a file holds by itself: float32 [T, 2]."""
    samples, _ = soundfile.read(io.BytesIO(part(form, subtype, number)), dtype="float32")
    return np.asarray(samples)


def taken(path: Path) -> tuple[int, int, np.ndarray[Any, Any]] | str:
    """Gives samples, rate in Hz and the decoded audio, float32 [T, 2], that duologue takes of a file; else its reason."""
    recording = Recording("call", Track("a", str(path), 0), Track("b", str(path), 1), language="en")
    try:
        report = measure_audio(recording)
        rate_hz = report.b.sample_rate_hz
        blocks = [np.stack(pair, axis=1) for pair in conversation_blocks(recording, rate_hz=rate_hz)]
    except RejectError as error:
        return error.reason
    return report.b.samples, rate_hz, np.concatenate(blocks)


def judge_audio(name: str, folder: Path) -> str:
    """Makes and judges a file of audio."""
    rng = random.Random(f"audio {name}")
    judge = rng.choice((_judge_damaged, _judge_damaged, _judge_joined, _judge_stale, _judge_limits))
    return judge(rng, folder)


def _judge_joined(rng: random.Random, folder: Path) -> str:
    """Joins files byte by byte: the sound of each has to be there, or the file is refused."""
    form, subtype = rng.choice(JOINED)
    numbers = [rng.randrange(len(PART_SAMPLES)) for _ in range(rng.choice((2, 2, 3, 5)))]
    between = rng.choice((b"", b"", b"", bytes(100), b"TAG" + bytes(125), b"ID3\3\0\0\0\0\0\x0a" + bytes(10)))
    path = folder / f"call.{form.lower()}"
    path.write_bytes(between.join(part(form, subtype, number) for number in numbers))
    what = f"{form} {subtype}, parts {numbers} joined by {len(between)} bytes"
    found = taken(path)
    if isinstance(found, str):
        return f"refused: {found}"
    samples, _, audio = found
    whole = [part_decoded(form, subtype, number) for number in numbers]
    expected = sum(len(each) for each in whole)
    if form in ("FLAC", "WAV", "AU"):
        same = samples == expected and np.allclose(audio, np.concatenate(whole), atol=2e-5)
        return "accepted" if same else f"wrong accept: {what}: {samples} samples of {expected}"
    at = 0
    for place, each in enumerate(whole):
        # Only what lies around its place is looked at; coders add up to 3,000 samples to a part.
        near = audio[max(0, at - 3000 * (place + 1)) : at + len(each) + 3000 * (place + 1), 0]
        middle = each[1500:-1500, 0]
        if len(near) < len(middle) or _likeness(near, middle) < 0.7:
            return f"wrong accept: {what}: part {place} is missing, {samples} samples of {expected}"
        at += len(each)
    if abs(samples - expected) > 3000 * len(whole):
        return f"wrong accept: {what}: {samples} samples of {expected}"
    return "accepted"


def _likeness(sound: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """Gives how well ``wanted`` is found in ``sound``: the highest normalised correlation of any place, up to 1."""
    size = len(sound) + len(wanted)
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(wanted, size)), size)
    at = int(np.argmax(product[: len(sound) - len(wanted) + 1]))
    power = float(np.linalg.norm(sound[at : at + len(wanted)]) * np.linalg.norm(wanted))
    return float(product[at]) / power if power else 0.0


def _judge_stale(rng: random.Random, folder: Path) -> str:
    """Writes a header by bytes whose sizes may be those of another take: every sample comes out, or it is refused."""
    made = rng.choice((wav, wav, rf64, au, aiff))(pcm(), rng)
    path = folder / "call.wav"
    path.write_bytes(made.data)
    found = taken(path)
    if isinstance(found, str):
        return f"refused: {found}"
    samples, rate_hz, audio = found
    if (samples, rate_hz) != (made.samples, made.rate_hz) or not np.allclose(audio, pcm(), atol=1e-4):
        return f"wrong accept: {made.what}: {samples} samples of {made.samples}"
    return "accepted"


def _judge_limits(rng: random.Random, folder: Path) -> str:
    """Writes any rate and any number of channels into a header: 4 to 384 kHz and up to 64 channels may be taken."""
    made = limits(pcm(), rng)
    path = folder / "call.wav"
    path.write_bytes(made.data)
    found = taken(path)
    if isinstance(found, str):
        return f"refused: {found}"
    samples, rate_hz, _ = found
    right = 4000 <= made.rate_hz <= 384_000 and 2 <= made.channels <= 64
    if not right or (samples, rate_hz) != (made.samples, made.rate_hz):
        return f"wrong accept: {made.what}: {samples} samples of {made.samples} at {rate_hz} Hz"
    return "accepted"


def _judge_damaged(rng: random.Random, folder: Path) -> str:
    """Damages the bytes of a good file."""
    form, subtype = rng.choice(FORMATS)
    good = audio_file(form, subtype)
    way, data = mutate(good, rng, head=rng.choice((64, 128, 512)))
    path = folder / f"call.{rng.choice(('wav', 'mp3', 'flac', 'x'))}"
    path.write_bytes(data)
    tracks = (Track("a", str(path), 0, rng.choice((0.0, 0.0, 0.25, -0.5))), Track("b", str(path), 1))
    recording = Recording("call", *tracks, language="en")
    try:
        report = measure_audio(recording)
        frames = sum(len(a) for a, _ in conversation_blocks(recording, rate_hz=16000))
    except RejectError as error:
        return f"refused: {error.reason}"
    seconds = report.duration_ms / 1000
    if abs(frames / 16000 - seconds) > 0.1:
        return f"wrong accept: {form} {subtype} {way}: measured {seconds} s, decoded {frames / 16000:.3f} s"
    return _audio_verdict(form, subtype, way, data, good, report.b.samples, report.b.sample_rate_hz)


def _audio_verdict(form: str, subtype: str, way: str, data: bytes, good: bytes, samples: int, rate_hz: int) -> str:
    """Tells whether an accepted file may be accepted: no audio may be missing without a word."""
    whole = len(decoded(form, subtype))
    what = f"{form} {subtype} {way}: {samples} samples of {whole}"
    if data == good:
        return "accepted" if samples == whole else f"wrong accept: {what}"
    same = next((at for at, (one, other) in enumerate(zip(data, good, strict=False)) if one != other), len(data))
    if way in ("cut", "hole") and form in SIZED and same > 2048 and len(data) < len(good) - 900:
        return f"wrong accept: {what}, of {len(data)} bytes of {len(good)}"
    if way == "double" and rate_hz == RATE_HZ and abs(samples - 2 * whole) > 0.05 * whole:
        return f"wrong accept: {what}, the file twice"
    if way in ("zeros", "grow") and rate_hz == RATE_HZ and samples < whole:
        return f"wrong accept: {what}, and something after it"
    return "accepted"


def prepare_audio() -> None:
    """Makes the good files of all formats, and what they hold."""
    for form, subtype in FORMATS:
        decoded(form, subtype)
    for form, subtype in JOINED:
        for number in range(len(PART_SAMPLES)):
            part_decoded(form, subtype, number)
