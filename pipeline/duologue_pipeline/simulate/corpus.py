"""Draws many conversations that differ, from seeds: voices, rooms, levels, lines and faults."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np

from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.simulate import SimulateRules
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

__all__ = ["random_specs"]

_MIX: Final = (
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


def random_specs(
    n: int,
    seed: int,
    *,
    voices: Sequence[str] | None = None,
    duration_s: float = 300.0,
    language: str = "en-US",
    line: str | None = None,
    faults: Sequence[Fault] | None = None,
    people: int | None = None,
) -> list[ConversationSpec]:
    """Draws conversations that differ in everything in which recordings differ.

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
        people: so many people have all the conversations, each with a voice and speed that stay; two a conversation if None.

    Raises:
        ValueError: fewer than two voices or people, or faults that do not go together.
    """
    voices = NoiseBank().voices() if voices is None else voices
    if len(voices) < 2:
        raise ValueError(f"{len(voices)} voices; a conversation needs two")
    if people is not None and people < 2:
        raise ValueError(f"{people} people; a conversation needs two")
    rules = load_rules(SimulateRules)
    specs = []
    for i in range(n):
        rng = generator("corpus 1.0", seed, i)
        kind = _MIX[int(generator("mix 1.0", seed, i // len(_MIX)).permutation(len(_MIX))[i % len(_MIX)])]
        found = _draw_faults(rng, kind, duration_s) if faults is None else tuple(faults)
        heard = {fault.into for fault in found if isinstance(fault, Bleed)}
        pair = rng.choice(len(voices), 2, replace=False).tolist()
        a, b = (
            _draw_side(rng, voices[number], may_be_silent=speaker not in heard)
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
                line=line or str(rng.choice(list(rules.drawn_lines), p=list(rules.drawn_lines.values()))),
                hum_dbfs=_round(rng.uniform(*rules.drawn_hum_dbfs)) if rng.random() < rules.drawn_hum_share else None,
                hum_hz=float(rng.choice([50.0, 60.0])),
                faults=found,
            )
        )
    return specs if people is None else [_had_by(spec, number, people, voices) for number, spec in enumerate(specs)]


def _had_by(spec: ConversationSpec, number: int, people: int, voices: Sequence[str]) -> ConversationSpec:
    """Gives a conversation to two of so many people, who speak with the same voice and speed in each."""
    speeds = load_rules(SimulateRules).drawn_speed
    pair = generator("people 1.0", spec.seed, number).choice(people, 2, replace=False).tolist()
    a, b = (
        replace(
            side,
            voice=voices[person % len(voices)],
            speed=_round(generator("person 1.0", spec.seed, person).uniform(*speeds), 3),
        )
        for side, person in zip((spec.a, spec.b), pair, strict=True)
    )
    return replace(spec, a=a, b=b, people=(f"person-{pair[0]:04d}", f"person-{pair[1]:04d}"))


def _draw_side(rng: np.random.Generator, voice: str, *, may_be_silent: bool = True) -> Side:
    """Draws how somebody is recorded; without ``may_be_silent``, noise is never replaced between the utterances."""
    rules = load_rules(SimulateRules)
    level_dbfs = rng.uniform(*rules.drawn_level_dbfs)
    silences = list(rules.drawn_silences)
    silence = silences[rng.choice(len(silences), p=list(rules.drawn_silences.values()))]
    return Side(
        voice=voice,
        speed=_round(rng.uniform(*rules.drawn_speed), 3),
        level_dbfs=_round(level_dbfs),
        noise_dbfs=_round(min(rng.uniform(*rules.drawn_noise_dbfs), level_dbfs - rules.drawn_noise_below_speech_db)),
        noise=("white", "pink", "room")[rng.integers(3)],
        t60_s=_round(rng.uniform(*rules.drawn_room_t60_s), 2) if rng.random() < rules.drawn_room_share else 0.0,
        silence=silence if may_be_silent else "noise",
    )


def _draw_faults(rng: np.random.Generator, kind: str, duration_s: float) -> tuple[Fault, ...]:
    rules = load_rules(SimulateRules)
    side: Speaker = SPEAKERS[rng.integers(2)]
    sign = 1 if rng.random() < 0.5 else -1
    match kind:
        case "bleed":
            both = rng.random() < rules.drawn_bleed_both_share
            return tuple(_draw_bleed(rng, into, duration_s) for into in (SPEAKERS if both else (side,)))
        case "duplicate":
            source: Literal["a", "b", "mix"] = "mix" if rng.random() < rules.drawn_duplicate_mix_share else side
            gain_db = _round(rng.uniform(*rules.drawn_duplicate_gain_db))
            delay_ms = _round(rng.choice(rules.drawn_duplicate_delays_ms))
            return (Duplicate(source, gain_db, delay_ms, _round(rng.uniform(*rules.drawn_duplicate_noise_db))),)
        case "mono_mix":
            return (MonoMix(noise_db=_round(rng.uniform(*rules.drawn_mono_mix_noise_db))),)
        case "over_suppression":
            depth_db = _round(rng.uniform(*rules.drawn_suppression_depth_db))
            attack_ms = _round(rng.uniform(*rules.drawn_suppression_attack_ms))
            release_ms = _round(rng.uniform(*rules.drawn_suppression_release_ms))
            return (OverSuppression(side, depth_db, attack_ms, release_ms),)
        case "swap":
            return (Swap(_round(duration_s * rng.uniform(*rules.drawn_swap_at_share), 3)),)
        case "offset":
            offset = Offset(side, sign * _round(rng.uniform(*rules.drawn_offset_s), 3))
            weak = _draw_bleed(rng, side, duration_s, level_db=rules.drawn_offset_bleed_db, changing=False)
            return (weak, offset) if rng.random() < rules.drawn_offset_bleed_share else (offset,)
        case "drift":
            weak = _draw_bleed(rng, side, duration_s, level_db=rules.drawn_drift_bleed_db, changing=False)
            return (weak, Drift(side, sign * _round(rng.uniform(*rules.drawn_drift_ppm))))
        case "separated":
            return (Separated(_round(rng.uniform(*rules.drawn_separated_leak_db))),)
        case "damaged":
            other: Speaker = "b" if side == "a" else "a"
            share = _round(10 ** rng.uniform(*rules.drawn_clipping_log10_share), 4)
            return (Clipping(side, share), Dropouts(other, _round(rng.uniform(*rules.drawn_dropouts_per_minute))))
        case _:
            return ()


def _draw_bleed(
    rng: np.random.Generator,
    into: Speaker,
    duration_s: float,
    *,
    level_db: tuple[float, float] | None = None,
    changing: bool = True,
) -> Bleed:
    rules = load_rules(SimulateRules)
    level = _round(rng.uniform(*(level_db or rules.drawn_bleed_db)))
    lags_ms = 0, rng.uniform(*rules.drawn_bleed_short_lag_ms), rng.uniform(*rules.drawn_bleed_lag_ms)
    lag = _round(rng.choice(lags_ms))
    levels: Curve = constant(level)
    if changing and rng.random() < rules.drawn_bleed_changing_share:
        change_db = rng.choice([-1, 1]) * rng.uniform(*rules.drawn_bleed_change_db)
        later = _round(np.clip(level + change_db, *rules.drawn_bleed_db))
        from_share, to_share = rules.drawn_bleed_change_at_share
        levels = ((_round(duration_s * from_share), level), (_round(duration_s * to_share), later))
    has_room = rng.random() < rules.drawn_bleed_room_share
    t60_s = _round(rng.uniform(*rules.drawn_bleed_room_t60_s), 2) if has_room else 0.0
    return Bleed(into, levels, constant(lag), t60_s=t60_s)


def _round(value: float, digits: int = 1) -> float:
    """Rounds a figure, so that people can read it in the truth."""
    return round(float(value), digits)
