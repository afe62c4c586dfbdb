"""Keeps account of what of a shard goes into an export: each word that a sample lists is written, or left out for a reason."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from duologue_pipeline.export.reasons import REASONS
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.views.sides import end_of_frames_ms, milliseconds
from duologue_pipeline.views.words import SpokenWord, own_words

__all__ = ["Account", "PartResult"]


@dataclass
class PartResult:
    """Says what a part holds.

    Attributes:
        samples: how many samples of the release are in it, however many entries they make.
        words: how many of their words.
        words_left_out: reason -> how many words are not.
        samples_left_out: reason -> how many samples are not.
        index: what :meth:`Format.finish` wants to know of the part, as JSON values, in order.
    """

    samples: int
    words: int
    words_left_out: dict[str, int]
    samples_left_out: dict[str, int]
    index: list[Any]


@dataclass
class Account:
    """Counts for one part; make a new one in each :meth:`Format.part`."""

    samples: int = 0
    written: int = 0
    words_left_out: Counter[str] = field(default_factory=Counter)
    samples_left_out: Counter[str] = field(default_factory=Counter)

    def take(self, sample: Sample, *, durationless: bool = True) -> dict[Speaker, list[SpokenWord]]:
        """Counts a sample as written, and gives the words that it owns, of each speaker by their start.

        Args:
            sample: what is written.
            durationless: whether the format can hold words without a duration; else they are left out.

        Returns:
            Speaker -> words; they count as written until :meth:`leave_words` says otherwise.
        """
        self.samples += 1
        found: dict[Speaker, list[SpokenWord]] = {}
        for speaker in SPEAKERS:
            own = own_words(sample, speaker)
            kept = [word for word in own if word.text and (durationless or word.start_s < word.end_s)]
            self._count("empty", sum(not word.text for word in own))
            self._count("zero_duration", sum(bool(word.text) for word in own) - len(kept))
            found[speaker] = kept
            self.written += len(kept)
        for reason in _not_owned(sample):
            self.words_left_out[reason] += 1
        return found

    def leave_words(self, reason: str, count: int) -> None:
        """Counts words that :meth:`take` gave, and that were not written after all."""
        self._count(reason, count)
        self.written -= count

    def leave(self, sample: Sample, reason: str) -> None:
        """Counts a sample that is left out, with all the words that it lists."""
        self._count(reason, len(sample.metadata["words"]))
        self.samples_left_out[_known(reason)] += 1

    def result(self, index: list[Any]) -> PartResult:
        """Gives what was counted, with the index of the part."""
        return PartResult(
            samples=self.samples,
            words=self.written,
            words_left_out=_sorted(self.words_left_out),
            samples_left_out=_sorted(self.samples_left_out),
            index=index,
        )

    def _count(self, reason: str, count: int) -> None:
        if count:
            self.words_left_out[_known(reason)] += count


def _not_owned(sample: Sample) -> Iterator[str]:
    """Gives the reason for each word that the sample lists and that :func:`own_words` does not."""
    end_ms = end_of_frames_ms(sample)
    told = {speaker: bool(own_words(sample, speaker)) for speaker in SPEAKERS}
    for word in sample.metadata["words"]:
        start_ms = milliseconds(word["start_s"])
        if start_ms < 0:
            yield "before_the_recording" if sample.metadata["segment"] == 0 else "owned_by_neighbour"
        elif start_ms >= end_ms:
            yield "after_the_last_frame"
        elif not told[word["speaker"]]:
            yield "no_transcript"


def _known(reason: str) -> str:
    assert reason in REASONS, f"{reason}: add it to export/reasons.py"
    return reason


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {reason: counts[reason] for reason in sorted(counts) if counts[reason]}
