"""Specifies a simulated conversation: speakers, line, room, and faults with their exact strength.

Times in a specification are seconds on the clock of the undamaged conversation, levels dB, lags milliseconds.
"""

from dataclasses import dataclass
from typing import Final, Literal

from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = [
    "LINE_RATES_HZ",
    "Bleed",
    "Clipping",
    "ConversationSpec",
    "Curve",
    "Drift",
    "Dropouts",
    "Duplicate",
    "Fault",
    "MonoMix",
    "Offset",
    "OverSuppression",
    "Separated",
    "Side",
    "Swap",
    "constant",
]

LINE_RATES_HZ: Final = {"telephone": 8000, "mobile": 8000, "wideband": 16000, "voip": 16000, "studio": 24000}
"""Sample rate of each kind of line: telephone is coded in mu-law (ITU-T G.711), mobile in GSM 06.10, voip in Opus."""

Curve = tuple[tuple[float, float], ...]
"""A value over time, linear between points ``(time_s, value)`` and constant before the first and after the last."""


def constant(value: float) -> Curve:
    """Makes a curve that does not change."""
    return ((0.0, value),)


@dataclass(frozen=True)
class Bleed:
    """Copies the partner of ``into`` to the track of ``into``, through a filter and ``lag_ms`` later.

    ``level_db`` is the RMS of the copy over the partner's speech, relative to the partner's speech in its own track.
    ``t60_s`` is the reverberation of the way between them, 0 for a short direct path.
    """

    into: Speaker
    level_db: Curve
    lag_ms: Curve
    t60_s: float = 0.0

    def __post_init__(self) -> None:
        _check_speaker("bleed", self.into)
        for name, curve, low, high in (
            ("level_db", self.level_db, -80, 6),
            ("lag_ms", self.lag_ms, 0, 500),
        ):
            if not curve or list(curve) != sorted(curve, key=lambda point: point[0]):
                raise ValueError(f"bleed: {name} needs at least one point, in order of time; found {curve}")
            for _, value in curve:
                _check_range("bleed", name, value, low, high)


@dataclass(frozen=True)
class Duplicate:
    """Puts the signal of ``source`` on both tracks (``mix``: the sum of both); b gets it with this gain and delay.

    ``noise_db`` is the level of the noise of its own on each, relative to the signal.
    """

    source: Literal["a", "b", "mix"] = "a"
    gain_db: float = 0.0
    delay_ms: float = 0.0
    noise_db: float = -50.0

    def __post_init__(self) -> None:
        if self.source not in (*SPEAKERS, "mix"):
            raise ValueError(f"duplicate: source is {self.source!r}; one of a, b, mix")
        _check_range("duplicate", "delay_ms", self.delay_ms, 0, 500)


@dataclass(frozen=True)
class MonoMix:
    """Puts the sum of both speakers on both tracks, each with noise of its own at ``noise_db`` relative to it."""

    noise_db: float = -60.0


@dataclass(frozen=True)
class OverSuppression:
    """Turns the track of ``side`` down by ``depth_db`` while the partner talks, as an echo canceller or gate does.

    It takes ``attack_ms`` to get to 63 % of the way down and ``release_ms`` to come up again.
    """

    side: Speaker
    depth_db: float
    attack_ms: float = 10.0
    release_ms: float = 150.0

    def __post_init__(self) -> None:
        _check_speaker("over_suppression", self.side)
        _check_range("over_suppression", "depth_db", self.depth_db, 1, 120)


@dataclass(frozen=True)
class Swap:
    """Puts each speaker on the other track from ``at_s`` on."""

    at_s: float


@dataclass(frozen=True)
class Offset:
    """Makes the track of ``side`` late by ``late_s`` (early where negative)."""

    side: Speaker
    late_s: float

    def __post_init__(self) -> None:
        _check_speaker("offset", self.side)
        _check_range("offset", "late_s", self.late_s, -30, 30)


@dataclass(frozen=True)
class Drift:
    """Makes the clock of ``side`` fast by ``ppm``: what happens at t is found at ``t * (1 + ppm / 1e6)``."""

    side: Speaker
    ppm: float

    def __post_init__(self) -> None:
        _check_speaker("drift", self.side)
        _check_range("drift", "ppm", self.ppm, -2000, 2000)


@dataclass(frozen=True)
class Clipping:
    """Cuts the track of ``side`` off at the level that a ``share`` of the samples of its speech exceeds."""

    side: Speaker
    share: float = 0.01

    def __post_init__(self) -> None:
        _check_speaker("clipping", self.side)
        _check_range("clipping", "share", self.share, 1e-5, 0.5)


@dataclass(frozen=True)
class Dropouts:
    """Loses packets of the track of ``side``: stretches of zeros (``dropout_s``), ``per_minute`` on average."""

    side: Speaker
    per_minute: float = 6.0

    def __post_init__(self) -> None:
        _check_speaker("dropouts", self.side)
        _check_range("dropouts", "per_minute", self.per_minute, 0.01, 200)


@dataclass(frozen=True)
class Separated:
    """Pulls a mono mix apart by masks: each track is the mix times the ideal ratio mask of its speaker.

    ``leak_db`` is how far down the mask goes where only the other one is heard.
    """

    leak_db: float = -25.0

    def __post_init__(self) -> None:
        _check_range("separated", "leak_db", self.leak_db, -80, -3)


Fault = Bleed | Duplicate | MonoMix | OverSuppression | Swap | Offset | Drift | Clipping | Dropouts | Separated


@dataclass(frozen=True)
class Side:
    """Describes one speaker and how they are recorded.

    ``voice`` is a name of the voice bank. ``speed`` plays it faster and, as much, higher: from few voices it makes many
    people. ``level_dbfs`` is the RMS of the speech, ``noise_dbfs`` that of the noise (white, pink or room). ``t60_s``
    is the reverberation of the room, 0 for a microphone close to the mouth. ``silence`` is what is sent between the
    speaker's utterances: ``noise`` (the room's), ``digital`` (zeros) or ``comfort`` (white noise of the same level).
    """

    voice: str
    speed: float = 1.0
    level_dbfs: float = -26.0
    noise_dbfs: float = -65.0
    noise: Literal["white", "pink", "room"] = "room"
    t60_s: float = 0.0
    silence: Literal["noise", "digital", "comfort"] = "noise"

    def __post_init__(self) -> None:
        _check_range("side", "speed", self.speed, 0.7, 1.4)
        _check_range("side", "level_dbfs", self.level_dbfs, -60, -10)
        _check_range("side", "noise_dbfs", self.noise_dbfs, -120, -20)
        _check_range("side", "t60_s", self.t60_s, 0, 2)
        if self.noise not in ("white", "pink", "room") or self.silence not in ("noise", "digital", "comfort"):
            raise ValueError(
                f"side: noise is {self.noise!r} and silence {self.silence!r}; see Side for what they may be"
            )


@dataclass(frozen=True)
class ConversationSpec:
    """Describes a conversation to simulate; the same specification always gives the same samples.

    ``seed`` and ``recording_id`` decide who says what when; faults change nothing of that, so the same conversation can
    be had with and without. ``hum_dbfs`` is the RMS of a mains hum common to both tracks, None for none.
    """

    recording_id: str
    seed: int
    a: Side
    b: Side
    duration_s: float = 300.0
    language: str = "en-US"
    line: str = "telephone"
    hum_dbfs: float | None = None
    hum_hz: float = 50.0
    faults: tuple[Fault, ...] = ()
    people: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        _check_range("conversation", "duration_s", self.duration_s, 10, 2 * 3600)
        if self.line not in LINE_RATES_HZ:
            raise ValueError(f"line is {self.line!r}; one of {', '.join(LINE_RATES_HZ)}")
        kinds = [type(fault) for fault in self.faults if not isinstance(fault, Bleed)]
        for kind in {Duplicate, MonoMix, Separated, Swap}:
            if kinds.count(kind) > 1:
                raise ValueError(f"{kind.__name__} is given more than once; it concerns both tracks")
        if sum(kind in (Duplicate, MonoMix, Separated) for kind in kinds) > 1:
            raise ValueError("duplicate, mono_mix and separated exclude each other: give one of them")
        for fault in self.faults:
            if isinstance(fault, Swap) and not 0 < fault.at_s < self.duration_s:
                raise ValueError(
                    f"swap at {fault.at_s:g} s is not within the {self.duration_s:g} s of the conversation"
                )
            if isinstance(fault, Bleed) and self.side(fault.into).silence != "noise":
                raise ValueError(f"bleed into {fault.into}: its silence is not sent, so the bleed would not be either")

    def side(self, speaker: Speaker) -> Side:
        """Gives the side of a speaker."""
        return self.a if speaker == "a" else self.b

    @property
    def sample_rate_hz(self) -> int:
        """Gives the sample rate of both tracks."""
        return LINE_RATES_HZ[self.line]


def _check_speaker(what: str, speaker: str) -> None:
    if speaker not in SPEAKERS:
        raise ValueError(f"{what}: {speaker!r} is not a speaker; a or b")


def _check_range(what: str, name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what}: {name} is {value:g}; it lies between {low:g} and {high:g}")
