"""What ``dataset.json`` says of shards and splits, whoever builds it."""

from collections import Counter

import pyarrow as pa
import pytest

from duologue_cards import Tally, add_tallies, tally_speakers
from duologue_pipeline.release.document import manifest_bytes, next_version, shard_entry, shard_totals, split_entries
from duologue_schemas.tables import WITHDRAWN

SHARDS = [
    shard_entry("shards/train-00000-a.tar", split="train", sha256="a", size=10240, samples=2, duration_s=0.1),
    shard_entry("shards/train-00001-b.tar", split="train", sha256="b", size=20480, samples=3, duration_s=0.2),
    shard_entry("shards/validation-00000-c.tar", split="validation", sha256="c", size=10240, samples=1, duration_s=0.7),
]
NOBODY = pa.nulls(3, pa.string())
RECORDINGS = pa.table(
    {
        "split": ["train", "train", "validation"],
        "speaker_a": ["anna", "anna", "gwen"],
        "speaker_b": ["bert", WITHDRAWN, WITHDRAWN],
        "jurisdiction_a": NOBODY,
        "jurisdiction_b": NOBODY,
        "duration_s": [60.0, 60.0, 60.0],
    }
)


def tally_of(recordings: pa.Table) -> Tally:
    counts = Counter(recordings["split"].to_pylist())
    return add_tallies(
        (tally_speakers([recordings]), Counter({("recordings", split): n for split, n in counts.items()}))
    )


def test_seconds_are_summed_in_milliseconds() -> None:
    assert shard_totals(SHARDS) == {"samples": 6, "duration_s": 1.0, "bytes": 40960}
    assert shard_totals(SHARDS[:2])["duration_s"] == 0.3  # 0.1 + 0.2 is 0.30000000000000004


def test_a_split_counts_each_speaker_once_and_nobody_who_withdrew() -> None:
    assert split_entries(SHARDS, tally_of(RECORDINGS)) == {
        "train": {"shards": 2, "samples": 5, "recordings": 2, "speakers": 2, "duration_s": 0.3},
        "validation": {"shards": 1, "samples": 1, "recordings": 1, "speakers": 1, "duration_s": 0.7},
    }


def test_a_bridge_is_named_where_it_holds_anything() -> None:
    bridge = shard_entry("shards/bridge-00000-d.tar", split="bridge", sha256="d", size=10240, samples=4, duration_s=8.0)
    rows = pa.table(
        {
            "split": ["train", "bridge"],
            "speaker_a": ["anna", "anna"],
            "speaker_b": ["bert", "gwen"],
            "jurisdiction_a": NOBODY[:2],
            "jurisdiction_b": NOBODY[:2],
            "duration_s": [4.0, 8.0],
        }
    )
    assert split_entries([*SHARDS, bridge], tally_of(rows))["bridge"] == {
        "shards": 1,
        "samples": 4,
        "recordings": 1,
        "speakers": 2,
        "duration_s": 8.0,
    }


@pytest.mark.parametrize(("version", "expected"), [("1.0.0", "2.0.0"), ("9.3.1", "10.0.0")])
def test_a_new_version_is_the_next_major_one(version: str, expected: str) -> None:
    assert next_version(version) == expected


def test_the_manifest_is_written_in_one_way() -> None:
    assert manifest_bytes({"b": 1, "a": ["ü"]}) == b'{\n "a": [\n  "\\u00fc"\n ],\n "b": 1\n}\n'
