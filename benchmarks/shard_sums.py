"""Adds up a release from its shards alone, with tarfile and json and without the code that writes the cards, to hold facts.json against.

A second opinion: what is counted here is what whoever opens the tars would count. Turn-taking is counted over the conversations in
which no voice was taken out, as the cards say.
"""

import itertools
import json
import math
import statistics
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["differences", "shard_sums"]

_WITHDRAWN: Final = "withdrawn"
_Spans = list[tuple[float, float]]


def shard_sums(release: Path) -> dict[str, float | None]:
    """Adds up what is in the shards of a release, under the ids of facts.json; what is refused comes from ``rejected.jsonl``.

    Args:
        release: its folder.

    Returns:
        id -> value, seconds in s and shares 0 to 1; None where there is nothing to divide by.
    """
    shards = sorted((release / "shards").glob("*.tar"))
    samples = [document for shard in shards for document in _documents(shard)]
    conversations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for sample in samples:
        conversations[sample["recording_id"]].append(sample)
    both = [own for own in conversations.values() if _WITHDRAWN not in _commitments(own[0])]
    speech = [_speech(own) for own in both]
    overlap_s, any_s = (math.fsum(each[place] for each in speech) for place in (0, 1))
    events = [event for own in both for sample in own for event in sample["events"] if event["owned"]]
    kinds = Counter(event["kind"] for event in events)
    ftos_s = [event["fto_s"] for event in events if event["kind"] == "floor_transfer"]
    minutes = math.fsum(map(_length_s, itertools.chain.from_iterable(both))) / 60
    recorded_s: defaultdict[str, float] = defaultdict(float)
    for sample in samples:
        for commitment in _commitments(sample):
            recorded_s[commitment] += _length_s(sample)
    recorded_s.pop(_WITHDRAWN, None)
    words = [word for sample in samples for word in sample["words"] if word["owned"]]
    return {
        "samples": len(samples),
        "recordings": len(conversations),
        "speakers": len(recorded_s),
        "shards": len(shards),
        "shard_bytes": sum(shard.stat().st_size for shard in shards),
        "duration_s": math.fsum(map(_length_s, samples)),
        "words": len(words) if any(any(sample["transcripts"].values()) for sample in samples) else None,
        "rejected": len((release / "rejected.jsonl").read_text(encoding="utf-8").splitlines()),
        "floor_transfers": len(ftos_s),
        "overlap_s": overlap_s,
        "overlap_share_of_speech": overlap_s / any_s if any_s else None,
        "fto_median_s": statistics.median(ftos_s) if ftos_s else None,
        "overlapped_transfers_share": sum(fto < 0 for fto in ftos_s) / len(ftos_s) if ftos_s else None,
        "backchannels_per_minute": kinds["backchannel"] / minutes if minutes else None,
        "interruptions_per_minute": kinds["interruption"] / minutes if minutes else None,
        **{
            f"isolation_{verdict}": sum(own[0]["isolation"]["verdict"] == verdict for own in both)
            for verdict in ("pass", "warn", "fail", "undetermined")
        },
        "effective_speakers": sum(recorded_s.values()) ** 2 / math.fsum(each**2 for each in recorded_s.values())
        if recorded_s
        else None,
    }


def differences(release: Path, sums: Mapping[str, float | None]) -> dict[str, tuple[Any, Any]]:
    """Lists the facts of a release that are not its sums: counts have to be equal, others within 1e-3, or 1e-6 of their size.

    Returns:
        id -> (fact, sum).
    """
    facts = json.loads((release / "cards" / "facts.json").read_text(encoding="utf-8"))["facts"]
    found = {name: (facts[name]["value"], value) for name, value in sums.items()}
    return {name: pair for name, pair in found.items() if not _same(*pair)}


def _same(fact: float | None, value: float | None) -> bool:
    if fact is None or value is None or (isinstance(fact, int) and isinstance(value, int)):
        return fact == value
    return math.isclose(fact, value, rel_tol=1e-6, abs_tol=1e-3)


def _documents(shard: Path) -> list[dict[str, Any]]:
    found = []
    with tarfile.open(shard) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if member.name.endswith(".json") and stream is not None:
                found.append(json.load(stream))
    return found


def _commitments(sample: Mapping[str, Any]) -> tuple[str, str]:
    return sample["speakers"]["a"]["commitment"], sample["speakers"]["b"]["commitment"]


def _length_s(sample: Mapping[str, Any]) -> float:
    length_s: float = sample["end_s"] - sample["start_s"]
    return length_s


def _speech(samples: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Gives the seconds in which both speak, and those in which anybody does."""
    both_s = any_s = 0.0
    for sample in samples:
        spans: dict[str, _Spans] = {"a": [], "b": []}
        for span in sample["activity"]:
            spans[span["speaker"]].append((span["start_s"], span["end_s"]))
        together_s = math.fsum(
            max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a, b in itertools.product(spans["a"], spans["b"])
        )
        both_s += together_s
        any_s += math.fsum(end - start for own in spans.values() for start, end in own) - together_s
    return both_s, any_s
