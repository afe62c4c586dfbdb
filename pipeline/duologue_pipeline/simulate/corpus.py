"""Many conversations that differ: voices, rooms, levels, lines and faults drawn from seeds."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.simulate.seeds import generator
from duologue_pipeline.simulate.spec import (
    Bleed,
    Clipping,
    ConversationSpec,
    Curve,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    Offset,
    OverSuppression,
    Separated,
    Side,
    Swap,
    constant,
)
from duologue_pipeline.simulate.voices import NoiseBank

__all__ = ["MIX", "draw_side", "random_specs"]

MIX: Final = (
    *("none",) * 8,
    *("bleed",) * 4,
    "duplicate",
    "mono_mix",
    "over_suppression",
    "swap",
    "offset",
    "drift",
    "separated",
    "damaged",
)
"""What is wrong with the conversations of a corpus, in every twenty of them: two fifths have no fault."""

_BLEED_DB: Final = (-60.0, -10.0)
_SILENCES: Final[tuple[Literal["noise", "digital", "comfort"], ...]] = ("noise", "digital", "comfort")


def random_specs(
    n: int,
    seed: int,
    *,
    voices: Sequence[str] | None = None,
    duration_s: float = 300.0,
    language: str = "en-US",
    line: str | None = None,
    faults: Sequence[Fault] | None = None,
) -> list[ConversationSpec]:
    """Draws conversations that differ in everything a recording can differ in.

    Each depends on ``seed`` and its own number alone, so that more of them begin with the same ones. In every twenty,
    eight have no fault, four bleed, and one each is a duplicate, a mono mix, over-suppressed, swapped, offset, drifting
    (with weak bleed, by which drift can be seen), separated after the fact, and clipped with lost packets.

    Args:
        n: how many.
        seed: decides everything.
        voices: names of the bank's voices, at least two; those of :class:`NoiseBank` if None.
        duration_s: of each.
        language: of all.
        line: of all; drawn if None (five of ten telephone, four wideband, one studio).
        faults: what is wrong with all of them; drawn if None.

    Raises:
        ValueError: fewer than two voices, or faults that do not go together.
    """
    voices = NoiseBank().voices() if voices is None else voices
    if len(voices) < 2:
        raise ValueError(f"{len(voices)} voices; a conversation needs two")
    specs = []
    for i in range(n):
        rng = generator("corpus 1.0", seed, i)
        kind = MIX[int(generator("mix 1.0", seed, i // len(MIX)).permutation(len(MIX))[i % len(MIX)])]
        found = _draw_faults(rng, kind, duration_s) if faults is None else tuple(faults)
        heard = {fault.into for fault in found if isinstance(fault, Bleed)}
        pair = rng.choice(len(voices), 2, replace=False).tolist()
        a, b = (
            draw_side(rng, voices[number], may_be_silent=speaker not in heard)
            for speaker, number in zip(SPEAKERS, pair, strict=True)
        )
        specs.append(
            ConversationSpec(
                recording_id=f"sim-{i:05d}",
                seed=seed,
                a=a,
                b=b,
                duration_s=duration_s,
                language=language,
                line=line or str(rng.choice(["telephone", "wideband", "studio"], p=[0.5, 0.4, 0.1])),
                hum_dbfs=_round(rng.uniform(-75, -50)) if rng.random() < 0.2 else None,
                hum_hz=float(rng.choice([50.0, 60.0])),
                faults=found,
            )
        )
    return specs


def draw_side(rng: np.random.Generator, voice: str, *, may_be_silent: bool = True) -> Side:
    """Draws how somebody is recorded; without ``may_be_silent``, noise is never replaced between the utterances."""
    level_dbfs = rng.uniform(-34, -20)
    silence = _SILENCES[rng.choice(3, p=[0.76, 0.12, 0.12])]
    return Side(
        voice=voice,
        speed=_round(rng.uniform(0.88, 1.14), 3),
        level_dbfs=_round(level_dbfs),
        noise_dbfs=_round(min(rng.uniform(-78, -45), level_dbfs - 18)),
        noise=("white", "pink", "room")[rng.integers(3)],
        t60_s=_round(rng.uniform(0.1, 0.6), 2) if rng.random() < 0.5 else 0.0,
        silence=silence if may_be_silent else "noise",
    )


def _draw_faults(rng: np.random.Generator, kind: str, duration_s: float) -> tuple[Fault, ...]:
    side: Speaker = SPEAKERS[rng.integers(2)]
    sign = 1 if rng.random() < 0.5 else -1
    match kind:
        case "bleed":
            both = rng.random() < 0.4
            return tuple(_draw_bleed(rng, into, duration_s) for into in (SPEAKERS if both else (side,)))
        case "duplicate":
            source: Literal["a", "b", "mix"] = "mix" if rng.random() < 0.3 else side
            gain_db, delay_ms = _round(rng.uniform(-12, 12)), _round(rng.choice([0, 0, 5, 60, 200]))
            return (Duplicate(source, gain_db, delay_ms, noise_db=_round(rng.uniform(-60, -30))),)
        case "mono_mix":
            return (MonoMix(noise_db=_round(rng.uniform(-70, -30))),)
        case "over_suppression":
            depth_db = _round(rng.uniform(12, 45))
            return (OverSuppression(side, depth_db, _round(rng.uniform(2, 30)), _round(rng.uniform(60, 250))),)
        case "swap":
            return (Swap(_round(duration_s * rng.uniform(0.2, 0.8), 3)),)
        case "offset":
            offset = Offset(side, sign * _round(rng.uniform(0.5, 3), 3))
            weak = _draw_bleed(rng, side, duration_s, level_db=(-50, -25), changing=False)
            return (weak, offset) if rng.random() < 0.5 else (offset,)
        case "drift":
            weak = _draw_bleed(rng, side, duration_s, level_db=(-45, -20), changing=False)
            return (weak, Drift(side, sign * _round(rng.uniform(50, 300))))
        case "separated":
            return (Separated(_round(rng.uniform(-40, -15))),)
        case "damaged":
            other: Speaker = "b" if side == "a" else "a"
            return (Clipping(side, _round(10 ** rng.uniform(-3, -1.3), 4)), Dropouts(other, _round(rng.uniform(2, 20))))
        case _:
            return ()


def _draw_bleed(
    rng: np.random.Generator,
    into: Speaker,
    duration_s: float,
    *,
    level_db: tuple[float, float] = _BLEED_DB,
    changing: bool = True,
) -> Bleed:
    level, lag = _round(rng.uniform(*level_db)), _round(rng.choice([0, rng.uniform(0, 20), rng.uniform(0, 200)]))
    levels: Curve = constant(level)
    if changing and rng.random() < 0.25:
        later = _round(np.clip(level + rng.choice([-1, 1]) * rng.uniform(5, 15), *_BLEED_DB))
        levels = ((_round(duration_s * 0.4), level), (_round(duration_s * 0.6), later))
    return Bleed(into, levels, constant(lag), t60_s=_round(rng.uniform(0.1, 0.4), 2) if rng.random() < 0.3 else 0.0)


def _round(value: float, digits: int = 1) -> float:
    """Figures that people can read in the truth."""
    return round(float(value), digits)
