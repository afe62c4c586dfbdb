"""The same audio under two ids: who is taken out of the one is taken out of the other, the withdrawal ends, and its receipt holds."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from duologue_consent import verify
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.revocations import parse_revocations, trusted_keys
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.withdrawal.protocol import Outcome, propagate_release
from tests.pipeline.withdrawal.kills import Kills
from tests.pipeline.withdrawal.support import CALLS, HEARD, Call, release_of
from tests.pipeline.withdrawal.world import World, make_world

ANNA_BEN = CALLS[0]
COPY = Call("copy-1", "train-00003", "xena", "yuri", 5.0, audio=1)
CUT = replace(COPY, seconds=4.0)  # its first two samples are those of call-1, but the tracks as a whole are not


def world_with(folder: Path, *more: Call, calls: tuple[Call, ...] = CALLS) -> World:
    return make_world(folder, calls=(*calls, *more))


def propagate(world: World, **options: object) -> list[Outcome]:
    return propagate_release(str(world.out), world.ledger, **options)  # type: ignore[arg-type]


def who(world: World, name: str) -> tuple[str, ...]:
    """How the speakers of a recording stand in its samples; nothing where it has none."""
    index = read_table(str(world.out / "index.parquet")).to_pylist()
    rows = [row for row in index if row["recording_id"] == name]
    seen = {tuple("gone" if row[f"speaker_{side}"] == "withdrawn" else "there" for side in SPEAKERS) for row in rows}
    assert len(seen) <= 1
    return next(iter(seen), ())


def check_holds(world: World) -> None:
    assert verify_release(str(world.out)).faults == ()
    receipts = sorted((world.out / "receipts").glob("*.json"))
    assert [verify.main([str(receipt)]) for receipt in receipts] == [0] * len(receipts)
    assert not (world.out / ".propagate").exists()


def revoked_keys(world: World) -> set[str]:
    release = release_of(world.out)
    keys = trusted_keys((world.out / "ledger.pub").read_text(), release["ledger"]["checkpoint"])
    data = (world.out / "revocations.jsonl").read_bytes()
    return {entry.key for entry in parse_revocations(data, keys=keys, ledger_id=release["ledger"]["ledger_id"]).entries}


@pytest.mark.parametrize(("swapped", "left"), [(False, ("gone", "there")), (True, ("there", "gone"))])
def test_the_same_track_elsewhere_is_silenced_too(swapped: bool, left: tuple[str, ...], tmp_path: Path) -> None:
    world = world_with(tmp_path, replace(COPY, swapped=swapped))
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert (who(world, "call-1"), who(world, "copy-1")) == (("gone", "there"), left)
    assert outcome.new_version == "2.0.0"
    assert outcome.refusals == {"consent_withdrawn": 2, "consent_audio_of_refused": 1}
    assert outcome.counts["samples_silenced"] == 3 + 2 + 3  # of call-1, call-2, which anna is in as well, and the copy
    assert {"copy-1-00000", "copy-1-00001", "copy-1-00002"} <= revoked_keys(world)
    check_holds(world)


def test_a_dry_run_says_it_too(tmp_path: Path) -> None:
    world = world_with(tmp_path, COPY)
    world.withdraw("anna")
    before = world.files()
    (outcome,) = propagate(world, dry_run=True)
    assert outcome.refusals["consent_audio_of_refused"] == 1
    assert world.files() == before


def test_where_a_recording_is_dropped_so_is_whatever_holds_a_track_of_it(tmp_path: Path) -> None:
    """Both tracks of a dropped recording go, so both go elsewhere; and what that drops has other copies in turn."""
    calls = tuple(replace(call, a_from_b=HEARD) if call is ANNA_BEN else call for call in CALLS)
    world = world_with(
        tmp_path, COPY, replace(COPY, name="copy-2", shard="train-00004", a="zoe", b="will"), calls=calls
    )
    world.withdraw("ben")
    (outcome,) = propagate(world)
    assert [who(world, name) for name in ("call-1", "copy-1", "copy-2")] == [(), (), ()]
    assert outcome.refusals == {"consent_withdrawn": 1, "consent_audio_of_refused": 4}
    assert who(world, "call-3") == ("there", "there")
    check_holds(world)


def test_what_was_cut_from_the_same_audio_is_found_by_its_tokens(tmp_path: Path) -> None:
    world = world_with(tmp_path, CUT)
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert (outcome.old_version, outcome.new_version) == ("1.0.0", "3.0.0")
    assert (who(world, "call-1"), who(world, "copy-1")) == (("gone", "there"), ("gone", "there"))
    assert outcome.receipt == "receipts/0001.json"
    assert {"copy-1-00000", "copy-1-00001"} <= revoked_keys(world)
    statement = json.loads((world.out / "dataset.json").read_bytes())
    assert statement["previous"]["version"] == "2.0.0"
    revoked = [record.fields for record in world.ledger.records("shard.revoked")]
    assert {fields["speaker"] for fields in revoked if fields} == {
        world.ledger.snapshot().commitment(speaker) for speaker in ("anna", "xena")
    }
    check_holds(world)


def test_who_only_said_the_same_words_stays(tmp_path: Path) -> None:
    """xena reads out what anna said, on other audio: her words are hers."""
    world = world_with(tmp_path, Call("call-8", "train-00003", "anna2", "yuri", 4.0))
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert who(world, "call-8") == ("there", "there")
    assert outcome.new_version == "2.0.0"
    check_holds(world)


def test_the_next_withdrawal_finds_its_way(tmp_path: Path) -> None:
    world = world_with(tmp_path, CUT)
    for speaker in ("anna", "yuri", "fred"):
        world.withdraw(speaker)
        propagate(world)
    assert who(world, "call-1") == who(world, "copy-1") == ()
    check_holds(world)


def test_a_foreign_file_that_holds_the_removed_stops_no_later_withdrawal(tmp_path: Path) -> None:
    world = world_with(tmp_path)
    (shard,) = (path for path in (world.out / "shards").iterdir() if path.name.startswith("train-00000"))
    shutil.copy(shard, world.out / "backup.tar")
    world.withdraw("carl")
    with pytest.raises(UsageError, match=r"traces of what was removed are left, the first: backup.tar"):
        propagate(world)
    world.withdraw("fred")
    with pytest.raises(UsageError, match=r"traces of what was removed are left, the first: backup.tar"):
        propagate(world)
    assert who(world, "call-2") == ()
    assert who(world, "call-7") == ("gone", "there")  # carried out, although there can be no receipt yet
    assert not (world.out / "receipts").exists()
    (world.out / "backup.tar").unlink()
    (outcome,) = propagate(world)
    assert (outcome.old_version, outcome.new_version) == ("1.0.0", "3.0.0")
    assert outcome.refusals == {"consent_withdrawn": 2}
    check_holds(world)


def test_what_is_decided_before_the_switch_is_taken_in(kills: Kills, tmp_path: Path) -> None:
    world = world_with(tmp_path, COPY)
    world.withdraw("anna")
    assert not kills.run(world, 6)
    assert release_of(world.out)["version"] == "1.0.0"
    world.withdraw("ben")
    (outcome,) = propagate(world)
    assert outcome.new_version == "2.0.0"
    assert who(world, "call-1") == who(world, "copy-1") == ()
    check_holds(world)


@pytest.mark.slow
@pytest.mark.parametrize("later", [None, "ben"])
def test_killed_at_every_change_it_is_finished_whatever_was_decided_since(
    later: str | None, kills: Kills, tmp_path: Path
) -> None:
    (tmp_path / "begun").mkdir()
    begun = world_with(tmp_path / "begun", CUT, calls=CALLS[:3])
    begun.withdraw("anna")
    moments = kills.moments(begun, tmp_path / "moments")
    for left in moments:
        shutil.rmtree(begun.out.parent)
        left.rename(begun.out.parent)
        if later:
            begun.withdraw(later)
        propagate(begun)
        assert who(begun, "call-1") == who(begun, "copy-1") == (() if later else ("gone", "there")), left.name
        assert "anna" not in {sample.metadata["speakers"]["a"]["commitment"] for sample in open_dataset(str(begun.out))}
        check_holds(begun)
    assert len(moments) > 60  # two parts, and the changes of one receipt


def odd_codes(shape: tuple[int, ...]) -> bytes:
    return npy_bytes(np.arange(np.prod(shape), dtype=np.uint16).reshape(shape))


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("json", b'{"recording_id": "\x87"}'),
        ("json", b'{"recording_id": "nobody"}'),
        ("json", b"[]"),
        ("json", b"[" * 100_000),
        ("codes.npy", b"\x93NUMPY\1\0\xff\xff"),
        ("codes.npy", odd_codes((3, 4, 20))),
        ("codes.npy", odd_codes((50,))),
        ("flac", b"fLaC" + bytes(40)),
    ],
)
def test_a_damaged_sample_is_named_and_the_withdrawal_goes_on_afterwards(
    member: str, content: bytes, tmp_path: Path
) -> None:
    world = world_with(tmp_path)
    world.withdraw("anna")
    hers = {call.name for call in CALLS if "anna" in (call.a, call.b)}
    index = read_table(str(world.out / "index.parquet")).to_pylist()
    kept = min({row["shard"] for row in index} - {row["shard"] for row in index if row["recording_id"] in hers})
    path = world.out / kept
    whole = path.read_bytes()
    with path.open("wb") as stream:
        path.with_suffix(".old").write_bytes(whole)
        for number, (key, members) in enumerate(read_members(str(path.with_suffix(".old")))):
            write_members(stream, key, {**members, member: content} if number == 0 else members)
        stream.write(bytes(1024))
    path.with_suffix(".old").unlink()
    with pytest.raises(
        UsageError, match=r"put back the shard that dataset.json names|was changed or exchanged"
    ) as refused:
        propagate(world)
    assert kept in str(refused.value)
    path.write_bytes(whole)
    propagate(world)
    check_holds(world)
