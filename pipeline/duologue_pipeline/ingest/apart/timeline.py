"""Puts decoded sound where its times say that it lies: what was never sent becomes silence, and nothing is squeezed.

A browser stamps packets with a clock of its own and sends none while somebody is muted or the network is down. Sound that is
only put together comes too early by all of that.
"""

__all__ = ["Timeline", "TimelineError"]

_BACK_S = 0.5  # times that run back by more are those of another recording, or of a damaged one


class TimelineError(Exception):
    """Reports that times cannot be those of one recording; the message says how."""


class Timeline:
    """Follows the times of one stream against the samples that come out of it.

    Args:
        rate_hz: its sampling rate.
        gap_s: times that leap by more leave a gap; less is the jitter of a recorder.
        drift_ppm: by how much the clock of the times may be slower than that of the samples.
        most_s: a longer gap, or a later beginning, is not believed.

    Attributes:
        start_s: when the first sample lies on the file's clock, in seconds.
        samples: that lie behind it, silence among them.
        filled: samples of silence that were put into gaps.
        gaps: how many gaps there were.
    """

    def __init__(self, rate_hz: int, *, gap_s: float, drift_ppm: float, most_s: float) -> None:
        self._rate_hz, self._gap_s, self._drift, self._most_s = rate_hz, gap_s, drift_ppm / 1e6, most_s
        self._ends_s: float | None = None
        self.start_s = 0.0
        self.samples = self.filled = self.gaps = 0

    def place(self, begins_s: float | None, count: int) -> int:
        """Takes the next block of samples and gives how many samples of silence come before it.

        Args:
            begins_s: its time on the file's clock; None where it has none and follows the one before.
            count: samples per channel in it.

        Raises:
            TimelineError: the time cannot be.
        """
        silence = 0
        if self._ends_s is None:
            self._ends_s = self.start_s = begins_s or 0.0
            if not -self._most_s <= self.start_s <= self._most_s:
                raise TimelineError(f"begins at {self.start_s:.0f} s of its own clock")
        elif begins_s is not None:
            due_s = begins_s - self.start_s
            late_s = due_s - self.samples / self._rate_hz
            leap_s = begins_s - self._ends_s
            if leap_s > self._most_s:
                raise TimelineError(f"has a gap of {leap_s:.0f} s after {self.samples / self._rate_hz:.2f} s")
            if leap_s < -_BACK_S or late_s < -_BACK_S - self._drift * abs(due_s):
                back_s = -min(leap_s, late_s)
                raise TimelineError(
                    f"has times that run back by {back_s:.2f} s at {self.samples / self._rate_hz:.2f} s"
                )
            if leap_s > self._gap_s and late_s > 0:
                silence = round(late_s * self._rate_hz)
                self.filled += silence
                self.gaps += 1
            self._ends_s = begins_s
        self._ends_s += count / self._rate_hz
        self.samples += silence + count
        return silence
