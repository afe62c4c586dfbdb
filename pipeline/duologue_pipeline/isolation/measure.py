"""Measures the isolation of a recording from its files, and asks pyannote.audio too where that is wanted."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.audio import PairDecoder, SharedPart, conversation_blocks
from duologue_pipeline.ingest.delay import most_delay_ms
from duologue_pipeline.isolation.meter import measure_isolation
from duologue_pipeline.isolation.moved import moved
from duologue_pipeline.isolation.second_opinion import Listener, with_second_opinion
from duologue_pipeline.isolation.unknown_delay import with_unknown_delay
from duologue_pipeline.records import SPEAKERS, IsolationReport, Recording, Speaker

__all__ = ["ISOLATION_RATE_HZ", "measure_recording"]

ISOLATION_RATE_HZ: Final = 8000
"""Bleed is measured on the telephone band, which every recording has."""

Blocks = Iterable[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]


def measure_recording(
    recording: Recording,
    listener: Listener | None = None,
    *,
    duration_ms: Callable[[], int],
    tap: Callable[[Blocks], Blocks] = iter,
) -> IsolationReport:
    """Measures how well the two tracks of a recording are kept apart, while both of them are there.

    Of the time in which one of them is not, nothing is known: its zeros are no proof that nobody is heard in it.

    Args:
        recording: whose tracks are decoded.
        listener: pyannote.audio's models, where a second opinion is wanted.
        duration_ms: gives the length of the conversation once it has been decoded, for the listener.
        tap: sees the decoded blocks on their way, pairs (a, b) of float32 [T] in [-1, 1] at
            :data:`ISOLATION_RATE_HZ`, and hands them on.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    delays_ms: dict[Speaker, int] = {}

    def note_delays(decoder: PairDecoder) -> None:
        for speaker, rate_hz, known in zip(SPEAKERS, decoder.sample_rates_hz, decoder.delays_known, strict=True):
            delays_ms[speaker] = most_delay_ms(rate_hz, known=known)

    shared = SharedPart()
    blocks = tap(conversation_blocks(recording, rate_hz=ISOLATION_RATE_HZ, opened=note_delays, shared=shared))
    report = measure_isolation(shared.of(blocks), sample_rate_hz=ISOLATION_RATE_HZ)
    report = with_unknown_delay(moved(report, shared.first * 1000 // ISOLATION_RATE_HZ), recording, delays_ms)
    if listener is None:
        return report
    return with_second_opinion(report, listener.ask(recording, report, duration_ms=duration_ms()))
