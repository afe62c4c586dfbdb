"""Builders that the tests share, one an element. pytest imports tests one by one, so they come as fixtures."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from hypothesis import settings

from duologue_consent import ALL_FORMS
from duologue_pipeline.codec.document import codec_document
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.records import (
    FAULTS,
    Activity,
    Annotated,
    BleedReport,
    ConsentBasis,
    Consented,
    Event,
    FaultReport,
    GrantRef,
    IsolationReport,
    KindTotal,
    Recording,
    Rejected,
    Span,
    SpeakerConsent,
    Statistics,
    Tokenized,
    Track,
)
from duologue_pipeline.release.write import ReleaseOptions, write_release
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.shards.write import STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation

Pcm = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


# A run of the tests says the same twice, and on a busy machine too. To look for new examples, which are then kept in
# .hypothesis: HYPOTHESIS_PROFILE=explore pytest ...
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

REFUSED = Rejected("call-4", "ingest", "audio_missing", "/calls/call-4.wav: no such file")


class _TinyEncoder:
    """Mean level and number of sign changes of each frame."""

    def __init__(self, codec: "TinyCodec") -> None:
        self._codec = codec
        self._rest: Pcm = np.zeros(0, np.float32)

    def push(self, pcm: Pcm) -> Codes:
        held = np.concatenate([self._rest, pcm])
        whole = len(held) // self._codec.samples_per_frame * self._codec.samples_per_frame
        self._rest = held[whole:]
        frames = held[:whole].reshape(-1, self._codec.samples_per_frame)
        level = np.minimum(np.abs(frames).mean(axis=1) * 256, 255)
        changes = np.count_nonzero(np.diff(np.signbit(frames), axis=1), axis=1)
        return np.stack([level, changes]).astype(np.uint16)

    def finish(self) -> Codes:
        return self.push(np.zeros(-len(self._rest) % self._codec.samples_per_frame, np.float32))


class TinyCodec:
    """A codec of two codebooks at 8 kHz and 12.5 frames a second that depends on nothing but numpy."""

    name = "tiny"
    sample_rate_hz = 8000
    frame_rate_hz = 12.5
    samples_per_frame = 640
    codebooks = 2
    cardinalities: tuple[int, ...] = (256, 640)
    weights_sha256 = hashlib.sha256(b"tiny").hexdigest()
    quality = "fit for tests only"

    def encoder(self) -> _TinyEncoder:
        return _TinyEncoder(self)

    def decode(self, codes: Codes) -> Pcm:
        return np.repeat(codes[0].astype(np.float32) / 256, self.samples_per_frame)


def make_noise(seconds: float, rate_hz: int = 8000, *, channels: int = 2, seed: int = 1) -> Pcm:
    """White noise around -20 dBFS: float32 [T, channels]. The seed decides it."""
    return np.random.default_rng(seed).normal(0, 0.1, (round(seconds * rate_hz), channels)).astype(np.float32)


def make_recording(a: str | Path = "a.wav", b: str | Path | None = None, **fields: Any) -> Recording:
    """A conversation: one stereo file, or two mono files. ``speakers`` and ``offsets_s`` are those of a and b."""
    speaker_a, speaker_b = fields.pop("speakers", ("s-anna", "s-ben"))
    offset_a, offset_b = fields.pop("offsets_s", (0.0, 0.0))
    tracks = {
        "a": Track(speaker_a, str(a), 0, offset_a),
        "b": Track(speaker_b, str(a if b is None else b), 1 if b is None else 0, offset_b),
    }
    return Recording(**{"recording_id": "call-1", "started_at": "2026-03-01T10:00:00Z", **tracks, **fields})


def make_consent(recording: Recording, purpose: str = "training_inhouse") -> ConsentBasis:
    """Both speakers allow the purpose; a commitment is the hash of the speaker's id."""
    speakers = [
        SpeakerConsent(
            commitment=hashlib.sha256(track.speaker_id.encode()).hexdigest(),
            grants=tuple(
                GrantRef(granted, hashlib.sha256(granted.encode()).hexdigest(), "2026-01-01T00:00:00Z")
                for granted in ("recording", purpose)
            ),
        )
        for track in recording.tracks
    ]
    return ConsentBasis(purpose, "ledger-1", ALL_FORMS, *speakers)


def make_annotated(recording: Recording, **fields: Any) -> Annotated:
    """A conversation whose audio has been measured and whose events are written down here: one transfer, one laugh.

    a speaks from 0.2 to 1.0 s, b from 1.1 s to the end.
    """
    audio = measure_audio(recording)
    end_ms = audio.duration_ms
    bleed = BleedReport(bleed_db=None, floor_db=-60.0, lag_ms=None, coherence=0.01, solo_s=0.8)
    conversation = Annotated(
        recording=Consented(**vars(recording), consent=make_consent(recording)),
        audio=audio,
        isolation=IsolationReport(
            "pass", bleed, bleed, {name: FaultReport(found=False) for name in FAULTS}, rules="1.0"
        ),
        activity=Activity(a=(Span(200, 1000),), b=(Span(1100, end_ms),), rules="1.0"),
        events=(Event("gap", "b", 1000, 1100, fto_ms=100),),
        statistics=Statistics(
            duration_ms=end_ms,
            speech_a_ms=800,
            speech_b_ms=end_ms - 1100,
            overlap_ms=0,
            ftos_b_ms=(100,),
            kinds=(
                KindTotal("gap", "b", 1, 100),
                KindTotal("turn", "a", 1, 800),
                KindTotal("turn", "b", 1, end_ms - 1100),
            ),
        ),
        events_rules="1.0",
        words_a=None,
        words_b=None,
        words_check_a=None,
        words_check_b=None,
    )
    return replace(conversation, **fields)


def make_release_options(**fields: Any) -> ReleaseOptions:
    """Options of a release made with the tiny codec."""
    defaults: dict[str, Any] = {
        "name": "tiny-dataset",
        "purpose": "training_inhouse",
        "codec": {**codec_document(TinyCodec()), "quality": TinyCodec.quality},
        "segment_s": 2.0,
        "include_audio": True,
        "words": "optional",
        "isolation_policy": "refuse-fail",
        "second_opinion": None,
        "asr": None,
        "laughter": None,
        "rules": rule_versions(),
        "ledger": {
            "ledger_id": "ledger-1",
            "events": 8,
            "checkpoint": f"duologue/ledger-1\n8\n{'A' * 43}=\n\n\u2014 duologue/ledger-1 {'A' * 91}=\n",
        },
        "fingerprint": "f" * 64,
        "manifest_sha256": "e" * 64,
    }
    return ReleaseOptions(**(defaults | fields))


def make_release(folder: Path, *, backwards: bool = False) -> Path:
    """A small whole release: two conversations in train, one in validation, one refused; with audio.

    Samples are of 2 s: 5.0 s give 3, 4.5 s give 2 and 2.8 s give 1, as a rest below a second joins the sample before.
    ``backwards`` hands everything on in the opposite order.
    """
    order = -1 if backwards else 1
    out = folder / "out"
    parts: dict[str, list[Tokenized]] = {}
    for number, (shard, seconds) in enumerate(
        [("train-00000", 5.0), ("train-00000", 4.5), ("validation-00000", 2.8)], start=1
    ):
        audio = folder / f"call-{number}.wav"
        soundfile.write(audio, make_noise(seconds, seed=number), 8000)
        recording = make_recording(audio, recording_id=f"call-{number}", speakers=(f"s-{number}-a", f"s-{number}-b"))
        tokenized = tokenize_conversation(
            make_annotated(recording),
            codec=TinyCodec(),
            options=TokenizeOptions(segment_s=2.0, include_audio=True),
            staging=str(out / STAGING),
        )
        parts.setdefault(shard, []).append(tokenized)
    shards = [write_shard(shard, own[::order], out=str(out)) for shard, own in parts.items()]
    write_release(shards[::order], [REFUSED], out=str(out), options=make_release_options())
    return out


@pytest.fixture
def tiny_codec() -> TinyCodec:
    """A small deterministic codec."""
    return TinyCodec()


@pytest.fixture
def noise() -> Callable[..., Pcm]:
    """:func:`make_noise`."""
    return make_noise


@pytest.fixture
def write_audio(tmp_path: Path) -> Callable[..., Path]:
    """Writes samples, float [T] or [T, channels], to a file of the test's folder; format and subtype as soundfile's."""

    def write(name: str, pcm: npt.NDArray[Any], rate_hz: int = 8000, **kind: Any) -> Path:
        soundfile.write(tmp_path / name, pcm, rate_hz, **kind)
        return tmp_path / name

    return write


@pytest.fixture(name="make_recording")
def _make_recording() -> Callable[..., Recording]:
    """:func:`make_recording`."""
    return make_recording


@pytest.fixture(name="make_annotated")
def _make_annotated() -> Callable[..., Annotated]:
    """:func:`make_annotated`."""
    return make_annotated


@pytest.fixture(name="make_release")
def _make_release() -> Callable[..., Path]:
    """:func:`make_release`."""
    return make_release


@pytest.fixture(name="make_release_options")
def _make_release_options() -> Callable[..., ReleaseOptions]:
    """:func:`make_release_options`."""
    return make_release_options


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The folder of :func:`make_release`, fresh for each test."""
    return make_release(tmp_path)
