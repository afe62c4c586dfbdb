"""The totals of facts.json are the sums of the shards, added up without the code of the cards, before and after a withdrawal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cards import totals
from benchmarks.shard_sums import differences, shard_sums

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sums") / "demo"
    command = "from duologue_pipeline.cli.app import main; main()"
    subprocess.run([sys.executable, "-c", command, "demo", "--out", str(out)], check=True, capture_output=True)
    return out


def test_the_totals_of_the_demo_are_the_sums_of_its_shards(demo: Path) -> None:
    sums = shard_sums(demo)
    assert (sums["samples"], sums["words"], sums["floor_transfers"]) == (6, 483, 47)
    assert differences(demo, sums) == {}


def test_a_total_that_is_off_by_a_little_is_told(demo: Path) -> None:
    sums = shard_sums(demo)
    card = demo / "cards" / "facts.json"
    facts = json.loads(card.read_text())
    facts["facts"]["words"]["value"] += 1
    facts["facts"]["overlap_s"]["value"] += 0.01
    card.write_text(json.dumps(facts))
    assert differences(demo, sums).keys() == {"words", "overlap_s"}


def test_so_they_are_after_a_withdrawal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert totals(tmp_path, 6, voices="noise") == 0
    told = capsys.readouterr().out
    assert "before: 20 of 20 totals are the sums of the shards" in told
    assert "after: 20 of 20 totals are the sums of the shards" in told
