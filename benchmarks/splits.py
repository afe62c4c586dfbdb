"""Measures what a validation set costs in corpora in which everybody is connected: hours of train, validation and bridge.

Run with ``python -m benchmarks.splits``. The corpora are drawn: so many calls between so many people as the real ones have.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import typer

from duologue_pipeline.records import SPLITS
from duologue_pipeline.shards.splits import PlanEntry, plan_splits

__all__ = ["CORPORA", "Corpus", "draw", "main", "minutes_by_split"]


@dataclass(frozen=True)
class Corpus:
    """Describes a corpus: each call is between one of ``agents`` and one of ``people``, or two of ``people``."""

    name: str
    calls: int
    people: int
    agents: int = 0


CORPORA = (
    Corpus("like Switchboard", 2438, 543),
    Corpus("like Open Yap", 1602, 300),
    Corpus("like CANDOR", 1656, 1456),
    Corpus("like Fisher", 11_699, 11_971),
    Corpus("call centre", 20_000, 20_000, agents=20),
    Corpus("call centre, three calls each", 60_000, 20_000, agents=20),
)


def draw(corpus: Corpus, *, seed: int = 0) -> Iterator[PlanEntry]:
    """Draws the calls of a corpus, each of 3 to 12 minutes."""
    chance = random.Random(seed)
    for number in range(corpus.calls):
        if corpus.agents:
            a, b = f"agent-{chance.randrange(corpus.agents)}", f"person-{chance.randrange(corpus.people)}"
        else:
            a, b = (f"person-{person}" for person in chance.sample(range(corpus.people), 2))
        yield PlanEntry(f"call-{number}", a, b, chance.randrange(3 * 60_000, 12 * 60_000))


def minutes_by_split(entries: list[PlanEntry], splits: dict[str, str]) -> dict[str, float]:
    """Sums up the conversation time of each split, in minutes."""
    totals_ms = Counter(dict.fromkeys(SPLITS, 0))
    for entry in entries:
        totals_ms[splits[entry.recording_id]] += entry.duration_ms
    return {split: duration_ms / 60_000 for split, duration_ms in totals_ms.items()}


def main(validation_share: float = 0.05, bridge_share: float = 0.15, seed: int = 0) -> None:
    """Prints a row a corpus: without bridge the share of validation, with it the hours of all splits and the seconds it took."""
    print(f"| corpus | hours | validation without | {' | '.join(SPLITS)} | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for corpus in CORPORA:
        entries = list(draw(corpus, seed=seed))
        without = minutes_by_split(entries, plan_splits(entries, validation_share=validation_share, bridge_share=0))
        start = time.perf_counter()
        splits = plan_splits(entries, validation_share=validation_share, bridge_share=bridge_share)
        took_s = time.perf_counter() - start
        minutes = minutes_by_split(entries, splits)
        total = sum(minutes.values())
        cells = [f"{each / 60:.1f} h ({100 * each / total:.1f} %)" for each in minutes.values()]
        print(
            f"| {corpus.name}: {corpus.calls:,} calls, {corpus.people + corpus.agents:,} people | {total / 60:.0f} | "
            f"{100 * without['validation'] / total:.1f} % | {' | '.join(cells)} | {took_s:.1f} |"
        )


if __name__ == "__main__":
    typer.run(main)
