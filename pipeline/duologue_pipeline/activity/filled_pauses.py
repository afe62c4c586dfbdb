"""Finds filled pauses ("uh", "um") by their sound alone, for a speaker whose words are not known.

They are candidates with a low confidence; where words are known, words tell. What they are worth stands in
docs/annotation.md.

In a filled pause the articulators stand still: a lengthened vowel (or "m") in which the fundamental frequency and the
spectral envelope hardly change (Goto, Itou & Hayamizu 1999, *A real-time filled pause detection system for spontaneous
speech recognition*, Eurospeech; Audhkhasi et al. 2009, *Formant-based technique for automatic filled-pause detection in
spontaneous spoken English*, ICASSP). The vowel of fillers is open or mid in most languages ("uh", "euh", "eh"), which
tells it from "you" and "we"; a hummed "mm" is not found. One at the beginning of a stretch of speech is told with more
confidence than one elsewhere, where words are drawn out too.

Only the band of the telephone is listened to, so that every recording is judged alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

from duologue_pipeline.activity.runs import runs_of
from duologue_pipeline.ingest.pieces import heard_pieces
from duologue_pipeline.records import Activity, Recording, Span, Speaker, Vocalisation
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.vocalisations import VocalisationsRules

__all__ = ["RATE_HZ", "filled_pauses", "with_filled_pauses"]

RATE_HZ: Final = 8000

_HOP_MS: Final = 10
_HOP: Final = RATE_HZ * _HOP_MS // 1000
_WINDOW: Final = 320  # 40 ms: three periods of the lowest voice, 75 Hz
_FFT: Final = 512  # no lag of interest wraps around
_EDGES_HZ: Final = (200, 400, 600, 800, 1000, 1250, 1550, 1900, 2350, 2850, 3400)
_BINS: Final = [round(hz * _FFT / RATE_HZ) for hz in _EDGES_HZ]
_WIDTHS: Final = np.diff(_BINS).astype(np.float32)
_HOPS_AT_ONCE: Final = 200  # what is computed of so many stays in the processor's cache
_HANN: Final = np.hanning(_WINDOW + 1)[:_WINDOW].astype(np.float32)

_Floats = npt.NDArray[np.float32]


def with_filled_pauses(recording: Recording, activity: Activity, speakers: Sequence[Speaker]) -> Activity:
    """Listens to a recording once more for the filled pauses of some speakers.

    Args:
        recording: whose tracks are decoded; not at all if there are no ``speakers``.
        activity: when each speaker is heard; nothing else is listened to.
        speakers: those whose words are not known.

    Returns:
        The activity with the candidates as vocalisations.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    if not speakers:
        return activity
    rules = load_rules(VocalisationsRules)
    spans = {s: getattr(activity, s) for s in speakers}
    found: dict[Speaker, list[Vocalisation]] = {s: [] for s in speakers}
    for s, piece, pcm in heard_pieces(recording, spans, rate_hz=RATE_HZ):
        found[s] += filled_pauses(pcm, piece, spans[s], rules)
    return replace(
        activity,
        vocalisations_a=tuple(found.get("a", activity.vocalisations_a)),
        vocalisations_b=tuple(found.get("b", activity.vocalisations_b)),
    )


def filled_pauses(
    pcm: _Floats, piece: Span, spans: Sequence[Span], rules: VocalisationsRules | None = None
) -> list[Vocalisation]:
    """Finds the filled pauses in a piece of speech.

    Args:
        pcm: float32 [T] in [-1, 1] at :data:`RATE_HZ`.
        piece: where it lies on the conversation's clock.
        spans: when the speaker speaks; what lies outside of the piece is ignored.
        rules: the rule set ``vocalisations``, the packaged one if None.

    Returns:
        In order of time, disjoint; the confidence is that of the rules.
    """
    rules = load_rules(VocalisationsRules) if rules is None else rules
    sound = _listen(pcm, rules)
    steady = (sound.correlation >= rules.voiced_correlation) & (sound.f0_semitones <= rules.f0_max_semitones)
    inside = [span for span in spans if span.start_ms < piece.end_ms and piece.start_ms < span.end_ms]
    found: list[Vocalisation] = []
    for own, begins in ((rules.first, True), (rules.other, False)):
        still = steady & (sound.envelope_db <= own.envelope_max_db)
        runs = list(_runs(still, sound.open_db, rules, piece, min_ms=own.min_ms))
        for span in inside if runs else ():
            for run in runs:
                held = Span(max(run.start_ms, span.start_ms), min(run.end_ms, span.end_ms))
                is_first = held.start_ms - span.start_ms <= rules.edge_ms
                if held.duration_ms < own.min_ms or is_first != begins:
                    continue
                if all(held.end_ms <= known.start_ms or known.end_ms <= held.start_ms for known in found):
                    start_ms = span.start_ms if is_first else held.start_ms
                    end_ms = span.end_ms if span.end_ms - held.end_ms <= rules.edge_ms else held.end_ms
                    found.append(Vocalisation("filler", start_ms, end_ms, own.confidence))
    return sorted(found, key=lambda each: each.start_ms)


@dataclass(frozen=True)
class _Sound:
    """Holds what is measured in a piece every 10 ms, each float32 [H].

    ``correlation`` is the autocorrelation at the period: how much of the sound is voice. ``f0_semitones`` and
    ``envelope_db`` say how far pitch and envelope move. ``open_db`` is how far the first formant's region (400 to 1000
    Hz) lies over what is below it: more than 0 for open and mid vowels.
    """

    correlation: _Floats
    f0_semitones: _Floats
    envelope_db: _Floats
    open_db: _Floats


def _listen(pcm: _Floats, rules: VocalisationsRules) -> _Sound:
    """Measures every 10 ms of a piece: its voice, and how far pitch and envelope move.

    Pitch costs most, so it is measured only where the envelope rests; elsewhere it is NaN.
    """
    power = _power(pcm)
    hops = len(power)
    bands = np.add.reduceat(power, _BINS, axis=1)[:, :-1] / _WIDTHS
    levels_db = 10 * np.log10(np.maximum(bands, 1e-10))
    levels_db = np.maximum(levels_db, levels_db.max(axis=1, keepdims=True) - rules.band_range_db)
    over = rules.steady_over_ms // _HOP_MS
    envelope_db = np.sqrt(np.mean(np.square(_moves(levels_db - levels_db.mean(axis=1, keepdims=True), over)), axis=1))
    rests = envelope_db <= max(rules.first.envelope_max_db, rules.other.envelope_max_db)
    near = np.convolve(rests, np.ones(over + 1), "same")[:hops] > 0 if hops > over else np.zeros(hops, np.bool_)
    correlation, period = np.full((2, hops), np.nan, np.float32)
    correlation[near], period[near] = _period(power[near], rules)
    open_db = levels_db[:, 1:4].max(axis=1) - levels_db[:, 0]
    return _Sound(correlation, np.abs(_moves(12 * np.log2(period), over)), envelope_db, open_db)


def _power(pcm: _Floats) -> _Floats:
    """Gives the power spectrum of a piece every 10 ms: float32 [H, F]."""
    hops = -(-pcm.size // _HOP)
    before = (_WINDOW - _HOP) // 2
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, (before, _WINDOW)), _WINDOW)[::_HOP][:hops]
    power = np.empty((hops, _FFT // 2 + 1), np.float32)
    padded = np.zeros((_HOPS_AT_ONCE, _FFT), np.float32)
    for start in range(0, hops, _HOPS_AT_ONCE):
        some = frames[start : start + _HOPS_AT_ONCE]
        np.multiply(some, _HANN, out=padded[: len(some), :_WINDOW])
        squares = rfft(padded[: len(some)], axis=1).view(np.float32)  # of the real and the imaginary part, in turn
        np.square(squares, out=squares)
        np.add(squares[:, ::2], squares[:, 1::2], out=power[start : start + _HOPS_AT_ONCE])
    return power


def _moves(values: _Floats, over: int) -> _Floats:
    """Measures how much values [H, ...] change over ``over`` hops around each; NaN near the beginning and the end."""
    moves = np.full_like(values, np.nan)
    if len(values) > over:
        moves[over // 2 : len(values) - (over - over // 2)] = values[over:] - values[:-over]
    return moves


def _period(power: _Floats, rules: VocalisationsRules) -> tuple[_Floats, _Floats]:
    """Finds the period of the voice in each hop (Boersma 1993), from power spectra [H, F].

    Gives the autocorrelation at the period and the period in samples, float32 [H] each.
    """
    shortest, longest = RATE_HZ // rules.f0_max_hz, RATE_HZ // rules.f0_min_hz
    raw = irfft(power, _FFT, axis=1)[:, : longest + 2]
    correlation = raw / (np.maximum(raw[:, :1], 1e-10) * _window_correlation()[: longest + 2])
    cost = (rules.octave_cost * np.log2(np.arange(shortest, longest + 1) / shortest)).astype(np.float32)
    best = shortest + (correlation[:, shortest : longest + 1] - cost).argmax(axis=1)
    left, peak, right = (correlation[np.arange(len(best)), best + side] for side in (-1, 0, 1))
    bend = np.minimum(left - 2 * peak + right, -1e-6)
    period = best + np.clip((left - right) / (2 * bend), -0.5, 0.5)
    return peak, period.astype(np.float32)


@cache
def _window_correlation() -> _Floats:
    spectrum = rfft(_HANN, _FFT)
    own = irfft(np.square(np.abs(spectrum)), _FFT)[: _FFT // 2]
    relative: _Floats = (own / own[0]).astype(np.float32)
    return relative


def _runs(
    steady: npt.NDArray[np.bool_], open_db: _Floats, rules: VocalisationsRules, piece: Span, *, min_ms: int
) -> Iterator[Span]:
    """Finds the stretches of a piece that are ``steady`` and open on average, with what each hop was measured over.

    Those shorter than ``min_ms`` are left out.
    """
    half_ms = rules.steady_over_ms // 2
    for start, end in runs_of(steady):
        if (end - start) * _HOP_MS + 2 * half_ms >= min_ms and open_db[start:end].mean() >= rules.open_min_db:
            yield Span(piece.start_ms + start * _HOP_MS - half_ms, piece.start_ms + end * _HOP_MS + half_ms)
