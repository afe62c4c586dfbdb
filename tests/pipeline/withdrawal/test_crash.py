"""Killed at every step, and run again: the same bytes of the release, no leaf twice, and readers never see what is withdrawn."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from duologue_consent import verify
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.kills import Kills
from tests.pipeline.withdrawal.world import World, make_world

WITHDRAWN = {"call-2-00000", "call-2-00001", "call-5-00000", "call-5-00001"}  # carl, hugo, ines
OF_THE_RELEASE = (
    "dataset.json",
    "README.md",
    "croissant.json",
    "index.parquet",
    "recordings.parquet",
    "events.parquet",
)


@pytest.fixture(scope="module")
def withdrawn(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A release of which two speakers have withdrawn, nothing carried out yet."""
    world = make_world(tmp_path_factory.mktemp("crash"))
    for speaker in ("carl", "hugo", "ines"):
        world.withdraw(speaker)
    return world


def copy(world: World, folder: Path) -> World:
    shutil.copytree(world.out.parent, folder)
    return World(folder / "out", folder / "consent.db")


def seen(world: World) -> set[str]:
    return {sample.key for split in ("train", "validation") for sample in open_dataset(str(world.out), split=split)}


def check_finished(world: World, expected: dict[str, bytes]) -> None:
    files = world.files()
    shards = {path for path in files if path.startswith("shards/")}
    assert shards == {path for path in expected if path.startswith("shards/")}
    for path in (*OF_THE_RELEASE, *shards):
        if path == "dataset.json":  # what was appended to revocations.jsonl when has its own clock
            mine, theirs = (json.loads(data[path]) for data in (files, expected))
            assert mine | {"revocations": 0} == theirs | {"revocations": 0}
        else:
            assert files[path] == expected[path], path
    assert not [path for path in files if path.startswith(".") or path.endswith(".tmp")]
    revoked = [record.fields for record in world.ledger.records("shard.revoked")]
    assert len(revoked) == 3  # carl's, hugo's and ines's shard
    assert sorted(path for path in files if path.startswith("receipts/")) == ["receipts/0001.json", "receipts/0001.md"]
    assert verify.main([str(world.out / "receipts" / "0001.json")]) == 0
    assert verify_release(str(world.out)).faults == ()


@pytest.mark.slow
def test_killed_at_every_change_it_is_finished_by_running_it_again(
    withdrawn: World, kills: Kills, tmp_path: Path
) -> None:
    whole = copy(withdrawn, tmp_path / "whole")
    propagate_release(str(whole.out), whole.ledger)
    expected = whole.files()
    world = copy(withdrawn, tmp_path / "world")
    moments = kills.moments(world, tmp_path / "moments")
    for left in moments:
        shutil.rmtree(world.out.parent)
        left.rename(world.out.parent)
        if (world.out / "revocations.jsonl").exists():
            assert not seen(world) & WITHDRAWN, left.name
        else:
            assert seen(world) & WITHDRAWN
        propagate_release(str(world.out), world.ledger)
        check_finished(world, expected)
    assert len(moments) > 60  # as many changes as a withdrawal makes


def test_what_is_kept_of_a_moment_is_what_a_killed_process_leaves(
    withdrawn: World, kills: Kills, tmp_path: Path
) -> None:
    moments = kills.moments(copy(withdrawn, tmp_path / "world"), tmp_path / "moments")
    for moment in (0, 17, len(moments) - 1):
        world = copy(withdrawn, tmp_path / f"killed-{moment}")
        assert not kills.run(world, moment)
        left = World(moments[moment] / "out", moments[moment] / "consent.db")
        assert left.files().keys() == world.files().keys()
        assert len(left.ledger.records("shard.revoked")) == len(world.ledger.records("shard.revoked"))
    assert kills.run(copy(withdrawn, tmp_path / "whole"), len(moments))


@pytest.mark.parametrize("moment", [9, 21])
def test_killed_and_run_again_after_a_further_withdrawal(
    withdrawn: World, kills: Kills, tmp_path: Path, moment: int
) -> None:
    world = copy(withdrawn, tmp_path / "world")
    assert not kills.run(world, moment)
    world.withdraw("fred")
    outcomes = propagate_release(str(world.out), world.ledger)
    assert [outcome.new_version for outcome in outcomes][-1] in ("2.0.0", "3.0.0")
    assert "fred" not in str(seen(world))
    assert not seen(world) & WITHDRAWN
    for receipt in sorted((world.out / "receipts").glob("*.json")):
        assert verify.main([str(receipt)]) == 0
    assert verify_release(str(world.out)).faults == ()


def test_what_a_killed_process_leaves_of_its_locks_goes(withdrawn: World, tmp_path: Path) -> None:
    world = copy(withdrawn, tmp_path / "world")
    (world.out / ".revocations.jsonl.lock").touch()
    propagate_release(str(world.out), world.ledger)
    (world.out / ".release.lock").touch()
    (world.out / ".propagate.lock").touch()  # of an earlier version
    assert propagate_release(str(world.out), world.ledger)[0].new_version is None
    assert [path for path in world.files() if path.startswith(".")] == []


def test_two_at_once_do_it_once(withdrawn: World, tmp_path: Path) -> None:
    world = copy(withdrawn, tmp_path / "world")
    command = [sys.executable, "-m", "duologue_pipeline", "consent", "propagate", str(world.out), "--ledger"]
    both = [
        subprocess.Popen([*command, str(world.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("is now 2.0.0" in out for out, _ in said) == [False, True]
    assert len(world.ledger.records("shard.revoked")) == 3
    assert verify.main([str(world.out / "receipts" / "0001.json")]) == 0
    assert os.listdir(world.out / "receipts") == ["0001.json"]
