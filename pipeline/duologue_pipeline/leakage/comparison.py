"""Compares speakers by each way of linking, duration by duration, and gives the figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from duologue_pipeline.leakage.figures import F64, Compared, figure, linked_speakers, unknown_figure
from duologue_pipeline.leakage.histogram import F32, gram
from duologue_pipeline.leakage.pairs import Pairs, make_pairs, make_segments
from duologue_pipeline.leakage.scores import FOLDS, by_histogram, by_network, by_voice, networks, within_normalised
from duologue_pipeline.leakage.sides import Side
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["AUDIO", "Comparison", "unknown_figures"]

AUDIO: Final = ("decoded", "original")
"""What is heard of audio: the decoded tokens, and the recording itself."""

Figures = list[dict[str, Any]]


def unknown_figures(rules: LeakageRules, why: str) -> Figures:
    """Makes the figures of a release of which nothing can be known."""
    ways = (("tokens", "histogram"), ("tokens", "network"), *((of, "voice") for of in AUDIO))
    return [
        unknown_figure({"of": of, "by": by, "speech_s": seconds}, why)
        for seconds in rules.durations_s
        for of, by in ways
    ]


@dataclass(frozen=True)
class _Best:
    """Holds the lowest error rate of all codebooks at a duration, and what it was found from."""

    eer: float
    by: str
    speech_s: int
    scores: F64


class Comparison:
    """Compares what was read.

    Args:
        sides: all of them.
        codec: ``codec`` of ``dataset.json``.
        rules: how.
        seed: of what is drawn and trained.
        within: whether halves of conversations stand for conversations.
        alone: whether each codebook is taken alone as well.
    """

    def __init__(
        self,
        sides: Sequence[Side],
        codec: Mapping[str, Any],
        rules: LeakageRules,
        *,
        seed: int,
        within: bool,
        alone: bool,
    ) -> None:
        self._sides, self._rules, self._seed, self._within = sides, rules, seed, within
        self._cardinalities: list[int] = codec["cardinalities"]
        self._rate_hz: float = codec["frame_rate_hz"]
        self.codebooks = tuple(range(codec["codebooks"]))
        self._alone = alone and len(self.codebooks) > 1
        self._compared = {seconds: self._compare(sides, seconds) for seconds in rules.durations_s}
        self._best: _Best | None = None

    def by_network(self, codebooks: tuple[int, ...]) -> Figures:
        """Trains networks that hear these codebooks, and gives the figures of all durations."""
        if all(self._why_unknown(each, each.pairs, seconds) for seconds, each in self._compared.items()):
            return [
                self._figure(self._tokens(codebooks, "network", seconds), np.zeros(0)) for seconds in self._compared
            ]
        trained = networks(
            self._sides,
            codebooks,
            self._cardinalities,
            frame_rate_hz=self._rate_hz,
            rules=self._rules,
            seed=self._seed,
        )
        found = []
        for seconds, each in self._compared.items():
            about = self._tokens(codebooks, "network", seconds)
            scores = None
            if self._why_unknown(each, each.pairs, seconds) is None:
                scores = by_network(each, each.pairs, trained, codebooks)
            found.append(self._figure(about, scores))
        return found

    def by_histogram(self, seconds: int) -> Figures:
        """Compares histograms of one duration, of all codebooks together and of each alone."""
        each, every = self._compared[seconds], self.codebooks
        if self._why_unknown(each, each.pairs, seconds) is not None:
            return [self._figure(self._tokens(every, by, seconds), None) for by in ("histogram", "histogram_within")]
        alone: Figures = []
        together: list[F32] = [np.zeros((len(each.segments.side),) * 2, np.float32) for _ in FOLDS]
        fused: F64 | None = np.zeros(len(each.pairs.first))
        for codebook in every:
            tables = self._tables(each, (codebook,))
            together = [whole + table / np.float32(len(every)) for whole, table in zip(together, tables, strict=True)]
            evened = within_normalised(each, each.pairs, tables, self._rules)
            fused = None if fused is None or evened is None else fused + evened
            if self._alone:
                plain = by_histogram(each, each.pairs, tables)
                alone += self._of_histograms(seconds, plain, evened, (codebook,))
        return self._of_histograms(seconds, by_histogram(each, each.pairs, together), fused, every) + alone

    def by_voice(self, seconds: int, why_not: Mapping[str, str]) -> Figures:
        """Compares embedded audio of one duration.

        Args:
            seconds: of the segments.
            why_not: ``decoded`` or ``original`` -> why it was not heard.
        """
        each, found = self._compared[seconds], []
        for of in AUDIO:
            about = {"of": of, "by": "voice", "speech_s": seconds}
            if of in why_not:
                found.append(unknown_figure(about, why_not[of]))
                continue
            scores, pairs = by_voice(each, each.pairs, of, seconds)
            found.append(self._figure(about, scores, pairs))
        return found

    def controls(self) -> Figures:
        """Asks whether lines and rooms were linked instead of voices."""
        return [self._across_channels(), self._of_background()]

    def _across_channels(self) -> dict[str, Any]:
        """Holds pairs of one speaker on two channels against pairs of two speakers on one."""
        best = self._best
        about: dict[str, Any] = {"of": "tokens", "control": "channels"}
        if best is None:
            return unknown_figure({**about, "by": "histogram", "speech_s": 1}, "no figure of all codebooks is known")
        about |= {"by": best.by, "speech_s": best.speech_s}
        each = self._compared[best.speech_s]
        numbers: dict[Any, int] = {}
        channel = np.array([numbers.setdefault(side.channel, len(numbers)) for side in each.sides])
        if len(numbers) < 2:
            why = "all tracks are of one setting, device, sample rate and bandwidth, as far as is known"
            return unknown_figure(about, why)
        first, second = (channel[each.segments.side[at]] for at in (each.pairs.first, each.pairs.second))
        kept = (first == second) != each.pairs.same
        return self._made(about, best.scores[kept], each, each.pairs.of(kept))

    def _of_background(self) -> dict[str, Any]:
        """Links by what is heard while nobody speaks."""
        about: dict[str, Any] = {"of": "background", "by": "histogram", "control": "background"}
        silent = [replace(side, codes=side.unheard) for side in self._sides]
        for seconds in sorted(self._rules.durations_s, reverse=True):
            each = self._compare(silent, seconds)
            if linked_speakers(each, each.pairs) >= self._rules.fewest_speakers:
                scores = by_histogram(each, each.pairs, self._tables(each, self.codebooks))
                return self._made({**about, "speech_s": seconds}, scores, each, each.pairs)
        least = self._rules.fewest_speakers
        why = f"fewer than {least} speakers have a second in two conversations in which nobody speaks"
        return unknown_figure({**about, "speech_s": min(self._rules.durations_s)}, why)

    # --- the parts ------------------------------------------------------------------------------------------------

    def _compare(self, sides: Sequence[Side], seconds: int) -> Compared:
        segments = make_segments(sides, seconds, self._rate_hz, self._rules.most_segments)
        rng = np.random.default_rng([self._seed, seconds])
        return Compared(sides, segments, make_pairs(segments, most=self._rules.most_impostors, rng=rng))

    def _tables(self, each: Compared, codebooks: Sequence[int]) -> list[F32]:
        """Compares the histograms of segments, for each half of the speakers: float32 [S, S] each."""
        segments = each.segments
        codes = [each.sides[place].codes[:, cut] for place, cut in zip(segments.side, segments.cut, strict=True)]
        tables: list[F32] = []
        for fold in FOLDS:
            known = segments.fold != fold
            table: F32 = np.zeros((len(codes), len(codes)), np.float32)
            for codebook in codebooks:
                table += gram([one[codebook] for one in codes], self._cardinalities[codebook], known)
            tables.append(table / np.float32(len(codebooks)))
        return tables

    def _of_histograms(self, seconds: int, plain: F64, evened: F64 | None, codebooks: tuple[int, ...]) -> Figures:
        return [
            self._figure(self._tokens(codebooks, "histogram", seconds), plain),
            self._figure(self._tokens(codebooks, "histogram_within", seconds), evened),
        ]

    def _tokens(self, codebooks: tuple[int, ...], by: str, seconds: int) -> dict[str, Any]:
        about = {"of": "tokens", "by": by, "speech_s": seconds}
        return about if codebooks == self.codebooks else {**about, "codebook": codebooks[0]}

    def _why_unknown(self, each: Compared, pairs: Pairs, seconds: int) -> str | None:
        least = self._rules.fewest_speakers
        if linked_speakers(each, pairs) >= least:
            return None
        where = "both halves of a conversation" if self._within else "two conversations"
        return f"fewer than {least} speakers have {seconds} s of speech in {where}"

    def _figure(self, about: dict[str, Any], scores: F64 | None, pairs: Pairs | None = None) -> dict[str, Any]:
        each = self._compared[about["speech_s"]]
        pairs = each.pairs if pairs is None else pairs
        why = self._why_unknown(each, pairs, about["speech_s"])
        if why is not None:
            return unknown_figure(about, why)
        if scores is None:
            return unknown_figure(about, "there are too few other speakers to learn from")
        found = self._made(about, scores, each, pairs)
        if about["of"] == "tokens" and "codebook" not in about and found["eer"] is not None:
            self._note(_Best(found["eer"], about["by"], about["speech_s"], scores))
        return found

    def _note(self, new: _Best) -> None:
        old = self._best
        if old is None or (-new.speech_s, new.eer) < (-old.speech_s, old.eer):
            self._best = new

    def _made(self, about: dict[str, Any], scores: F64, each: Compared, pairs: Pairs) -> dict[str, Any]:
        with_chance = "codebook" not in about
        return figure(about, scores, each, pairs, self._rules, seed=self._seed, with_chance=with_chance)
