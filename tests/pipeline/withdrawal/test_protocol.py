"""A withdrawal from the ledger to the receipt: what changes, what stays, what readers see, and what is said."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_consent import Purpose, verify
from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.tables import read_table, write_table
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.release.document import manifest_bytes
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import Outcome, propagate_release
from duologue_schemas.tables import LATER_COLUMNS, WITHDRAWN
from tests.pipeline.withdrawal.support import release_of
from tests.pipeline.withdrawal.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def propagate(world: World, **options: object) -> list[Outcome]:
    return propagate_release(str(world.out), world.ledger, **options)  # type: ignore[arg-type]


def keys(world: World, split: str = "train") -> list[str]:
    return [sample.key for sample in open_dataset(str(world.out), split=split)]


def receipt_status(world: World, name: str = "0001.json") -> int:
    return verify.main([str(world.out / "receipts" / name)])


def levels(world: World, name: str = "0001.json") -> set[str]:
    envelope = json.loads((world.out / "receipts" / name).read_bytes())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    return {file["level"] for file in statement["predicate"]["files"]}


def consent(*arguments: object) -> None:
    result = CliRunner().invoke(app, ["consent", *map(str, arguments)], prog_name="duologue")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("told", "level"), [(False, "PHYSICAL"), (True, "NOTIFIED")])
def test_who_holds_the_words_is_told_of_a_withdrawal_of_the_transcript_alone(
    told: bool, level: str, world: World, tmp_path: Path
) -> None:
    consent("lineage", "add", "moshi-1", "--dataset", world.out, "--ledger", world.path)
    consent("withdraw", "carl", "--form", "transcript", "--ledger", world.path)
    if told:
        consent("lineage", "notices", "--out", tmp_path / "notices", "--ledger", world.path)
        carl = world.ledger.snapshot().commitment("carl")
        (notice,) = (tmp_path / "notices").glob("*.json")
        assert json.loads(notice.read_text())["withdrawn"] == [
            {"speaker": carl, "purpose": "recording", "state": "withdrawn"}
        ]
    propagate(world)
    assert levels(world) == {level}
    assert receipt_status(world) == 0


@pytest.mark.parametrize(("told", "level"), [(False, "PHYSICAL"), (True, "NOTIFIED")])
def test_the_receipt_says_whether_those_on_record_were_told(
    told: bool, level: str, world: World, tmp_path: Path
) -> None:
    consent("lineage", "add", "moshi-1", "--dataset", world.out, "--ledger", world.path)
    world.withdraw("carl")
    if told:
        consent("lineage", "notices", "--out", tmp_path / "notices", "--ledger", world.path)
    propagate(world)
    assert levels(world) == {level}
    assert receipt_status(world) == 0


def test_where_nobody_is_on_record_nobody_was_told(world: World) -> None:
    world.withdraw("carl")
    propagate(world)
    assert levels(world) == {"PHYSICAL"}


# --- what changes ---------------------------------------------------------------------------------------------------


def test_a_withdrawal_makes_a_new_version_and_a_receipt_that_holds(world: World) -> None:
    before = world.files()
    world.withdraw("carl")
    (outcome,) = propagate(world)
    assert (outcome.old_version, outcome.new_version, outcome.receipt) == ("1.0.0", "2.0.0", "receipts/0001.json")
    assert outcome.refusals == {"consent_withdrawn": 1}
    assert (outcome.counts["samples_dropped"], outcome.counts["removed_s"]) == (2, 8.0)
    assert 0 < outcome.written_bytes <= outcome.touched_bytes
    assert receipt_status(world) == 0
    assert verify_release(str(world.out)).faults == ()
    after = world.files()
    (old,) = before.keys() - after.keys()
    assert old.startswith("shards/train-00000-")
    assert sorted(path for path in before.keys() & after.keys() if before[path] == after[path]) == [
        "cards/content-usage.txt",
        "cards/rsl.xml",  # what may be done with it, of any version
        "ledger.pub",
        "rejected.jsonl",
        *(path for path in sorted(before) if path.startswith("shards/") and path != old),
    ]
    assert [path for path in after if path.startswith(".")] == []
    assert release_of(world.out)["previous"]["version"] == "1.0.0"
    assert not any(b"call-2-0000" in data for path, data in after.items() if path != "revocations.jsonl")


def test_a_speaker_alone_is_silenced_and_the_sample_is_read_again(world: World) -> None:
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert (outcome.counts["samples_dropped"], outcome.counts["samples_silenced"]) == (0, 5)
    assert outcome.counts["removed_s"] == outcome.counts["withdrawn_s"] == 9.0
    samples = {sample.key: sample for sample in open_dataset(str(world.out))}
    assert samples["call-1-00000"].metadata["speakers"]["a"]["commitment"] == "withdrawn"
    assert receipt_status(world) == 0


def test_withdrawing_redistribution_leaves_an_in_house_release_as_it_is(world: World) -> None:
    world.withdraw("anna", Purpose.REDISTRIBUTION)
    before = world.files()
    (outcome,) = propagate(world)
    assert (outcome.new_version, outcome.receipt, outcome.refusals) == (None, None, {})
    assert world.files() == before


def test_withdrawing_redistribution_changes_a_release_made_for_it(tmp_path: Path) -> None:
    world = make_world(tmp_path, purpose="redistribution")
    world.withdraw("carl", Purpose.REDISTRIBUTION)
    (outcome,) = propagate(world)
    assert outcome.new_version == "2.0.0"
    found = [sample.key for sample in open_dataset(str(world.out), purpose="redistribution")]
    assert "call-2-00000" not in found
    assert "call-3-00000" in found
    assert receipt_status(world) == 0


def test_a_grant_that_expired_is_carried_out_too_and_logged_once(tmp_path: Path) -> None:
    soon = datetime(2026, 6, 1, tzinfo=UTC)
    world = make_world(tmp_path, expires={"carl": soon})
    assert propagate(world, as_of=soon - timedelta(seconds=1))[0].new_version is None
    (outcome,) = propagate(world, as_of=soon)
    assert outcome.refusals == {"consent_expired": 1}
    (record,) = world.ledger.records("grant.lapsed")
    assert record.fields is not None
    assert record.fields["at"] == "2026-06-01T00:00:00Z"
    assert receipt_status(world) == 0


def test_a_speaker_whom_the_ledger_has_forgotten_allows_nothing(world: World) -> None:
    world.ledger.forget("gina")
    (outcome,) = propagate(world)
    assert outcome.refusals == {"consent_unknown_speaker": 1}
    assert outcome.counts["samples_silenced"] == 2  # fred, who talked with her, stays
    assert receipt_status(world) == 0


def test_nothing_is_left_to_do_the_second_time(world: World) -> None:
    world.withdraw("anna")
    propagate(world)
    before = world.files()
    (outcome,) = propagate(world)
    assert outcome.new_version is None
    assert world.files() == before


def test_everything_may_be_withdrawn(world: World) -> None:
    for speaker in world.ledger.snapshot().speakers:
        world.withdraw(speaker)
    (outcome,) = propagate(world)
    assert outcome.written_bytes == 0
    assert keys(world) == keys(world, "validation") == []
    assert receipt_status(world) == 0


def test_older_receipts_hold_after_the_next_withdrawal(world: World) -> None:
    for speaker in ("carl", "anna", "hugo"):
        world.withdraw(speaker)
        propagate(world)
    assert [receipt_status(world, f"000{number}.json") for number in (1, 2, 3)] == [0, 0, 0]
    assert release_of(world.out)["version"] == "4.0.0"


def test_what_an_older_receipt_removed_must_not_come_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    old = world.files()
    for speaker in ("carl", "hugo"):
        world.withdraw(speaker)
        propagate(world)
    (gone,) = (path for path in old if path.startswith("shards/train-00000") and not (world.out / path).exists())
    (world.out / "shards" / "innocent.tar").write_bytes(old[gone])
    assert receipt_status(world) == 1
    assert "fault: shards/innocent.tar holds what is said to be removed" in capsys.readouterr().out


def test_a_chain_of_receipts_that_was_edited_is_found(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for speaker in ("carl", "hugo", "fred"):
        world.withdraw(speaker)
        propagate(world)
    first, second = (world.out / "receipts" / f"000{number}.json" for number in (1, 2))
    data = second.read_bytes()
    second.write_bytes(data.replace(b'"sig":"', b'"sig":"A', 1))
    assert receipt_status(world, "0001.json") == 1
    assert "(version 4.0.0) is not that of the receipt (version 2.0.0)" in capsys.readouterr().out
    second.unlink()
    assert receipt_status(world, "0001.json") == 1
    assert receipt_status(world, "0003.json") == 0
    second.write_bytes(first.read_bytes())
    capsys.readouterr()
    assert receipt_status(world, "0003.json") == 1
    assert "receipts/0002.json is not the receipt that this one follows" in capsys.readouterr().out


def test_revocations_are_pinned_by_the_receipt(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.withdraw("carl")
    propagate(world)
    (world.out / "revocations.jsonl").write_bytes(b"")
    assert receipt_status(world) == 1
    assert "revocations.jsonl does not begin with what the receipt says" in capsys.readouterr().out


# --- what is refused ------------------------------------------------------------------------------------------------


def test_another_ledger_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make_world(tmp_path / "other")
    with pytest.raises(UsageError, match=r"was made with the ledger .*, and --ledger is .*; give the ledger"):
        propagate_release(str(world.out), other.ledger)


def test_a_damaged_shard_stops_before_anything_is_switched_and_readers_skip_already(world: World) -> None:
    world.withdraw("gina")
    (shard,) = (world.out / "shards").glob("train-00001-*.tar")
    good = shard.read_bytes()
    shard.write_bytes(good[:600] + bytes([good[600] ^ 1]) + good[601:])
    with pytest.raises(UsageError, match=r"put back the one that dataset\.json names; then run the command again"):
        propagate(world)
    assert release_of(world.out)["version"] == "1.0.0"
    shard.write_bytes(good)
    assert "call-7-00000" not in keys(world)
    assert propagate(world)[0].new_version == "2.0.0"
    assert receipt_status(world) == 0


def test_a_copy_of_the_old_shard_in_the_folder_keeps_the_receipt_back(world: World) -> None:
    world.withdraw("carl")
    (shard,) = (world.out / "shards").glob("train-00000-*.tar")
    (world.out / "backup.tar").write_bytes(shard.read_bytes())
    with pytest.raises(UsageError, match=r"traces of what was removed are left, the first: backup\.tar"):
        propagate(world)
    assert not (world.out / "receipts").exists()
    (world.out / "backup.tar").unlink()
    assert propagate(world)[0].receipt == "receipts/0001.json"
    assert receipt_status(world) == 0


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_plans_does_and_says(world: World) -> None:
    run = CliRunner()
    world.withdraw("carl")
    before = world.files()
    arguments = ["consent", "propagate", str(world.out), "--ledger", str(world.path)]
    planned = run.invoke(app, [*arguments, "--dry-run"])
    assert planned.exit_code == 0, planned.output
    assert "tiny-dataset 1.0.0 would become 2.0.0" in planned.stdout
    assert world.files() == before
    done = run.invoke(app, [*arguments, "--format", "json"])
    assert done.exit_code == 0, done.output
    (outcome,) = json.loads(done.stdout)
    assert outcome["new_version"] == "2.0.0"
    assert "publishing revocations.jsonl" in done.stderr
    again = run.invoke(app, arguments)
    assert (
        again.stdout == f"{world.out}: tiny-dataset 2.0.0: nothing to do, every speaker in it allows what it is for\n"
    )
    missing = run.invoke(app, ["consent", "propagate", str(world.out / "no"), "--ledger", str(world.path)])
    assert (missing.exit_code, missing.stdout) == (2, "")


@pytest.mark.parametrize("step", ["deciding", "rewriting shard", "switching", "looking through", "holding the receipt"])
def test_who_withdraws_while_it_is_under_way_is_out_when_it_says_that_it_is_done(step: str, world: World) -> None:
    world.withdraw("anna")
    waiting = ["fred"]

    def tell(text: str) -> None:
        if text.startswith(step) and waiting:
            world.withdraw(waiting.pop())

    outcomes = propagate(world, tell=tell)
    assert sum(outcome.refusals["consent_withdrawn"] for outcome in outcomes) == 2 + 1
    rows = read_table(str(world.out / "recordings.parquet")).to_pylist()
    assert {row["speaker_a"] for row in rows if row["recording_id"] in ("call-1", "call-7")} <= {WITHDRAWN}
    assert propagate(world)[0].refusals == {}
    assert [receipt_status(world, path.name) for path in (world.out / "receipts").glob("*.json")] == [0] * len(outcomes)
    assert verify_release(str(world.out)).faults == ()


def test_a_release_that_an_earlier_version_has_written_can_be_withdrawn_from(world: World) -> None:
    release = release_of(world.out)
    columns = {}
    for name, later in LATER_COLUMNS.items():
        path = world.out / f"{name}.parquet"
        table = read_table(str(path))
        columns[path] = [column for column in table.column_names if column not in later]
        write_table(str(path), table.select(columns[path]))
        (entry,) = (entry for entry in release["files"] if entry["path"] == path.name)
        entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (world.out / "dataset.json").write_bytes(manifest_bytes(release))
    before = verify_release(str(world.out))
    assert before.faults == ()
    assert [note.partition(":")[0] for note in before.notes] == ["index.parquet", "recordings.parquet"]
    world.withdraw("anna")
    (outcome,) = propagate(world)
    assert outcome.refusals == {"consent_withdrawn": 2}
    assert outcome.counts["samples_silenced"] + outcome.counts["samples_dropped"] == 3 + 2
    assert receipt_status(world) == 0
    assert {path: read_table(str(path)).column_names for path in columns} == columns
    assert propagate(world)[0].refusals == {}
    assert verify_release(str(world.out)).faults == ()
