"""The new version of a release is a whole release, and says what became of the old one in numbers only."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duologue_pipeline.events.figures import statistics_file
from duologue_pipeline.events.totals import totals_of_rows
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.records import SPLITS
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.new_release import new_release
from tests.pipeline.release.test_verify import edit_manifest, seal_file
from tests.pipeline.withdrawal.support import (
    CALLS,
    Call,
    commitment,
    contents,
    make_calls,
    plan_for,
    release_of,
    rewrite_all,
    samples_of,
    withdraw,
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_calls(tmp_path)


def rows(out: Path, table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = read_table(str(out / f"{table}.parquet")).to_pylist()
    return found


@pytest.mark.parametrize(
    "speakers", [["anna"], ["carl"], ["ben", "dora"], ["gina"], ["hugo", "ines"], ["anna", "carl", "fred", "hugo"]]
)
def test_the_new_version_holds_together(out: Path, speakers: list[str]) -> None:
    withdraw(out, *speakers)
    assert verify_release(str(out)).faults == ()


def test_what_dataset_json_says(out: Path) -> None:
    old = (out / "dataset.json").read_bytes()
    before = json.loads(old)
    done = withdraw(out, "anna", "gina", standing=["ben", "carl", "dora", "emil"])
    after = release_of(out)
    assert after["version"] == "2.0.0"
    assert after["previous"] == {"version": "1.0.0", "sha256": hashlib.sha256(old).hexdigest()}
    assert after["withdrawal"] == {
        "speakers": 2,
        "recordings_dropped": 1,
        "recordings_silenced": 2,
        "samples_dropped": 2,
        "samples_silenced": 5,
        "withdrawn_s": 13.0,
        "removed_s": 17.0,
    }
    assert after["rules"]["withdrawal"] == "1.5"
    assert after["totals"] == {
        "read": 6,
        "written": 4,
        "rejected": 1,
        "withdrawn": 1,
        "samples": 8,
        "duration_s": 15.8,
        "bytes": sum(shard["bytes"] for shard in after["shards"]),
    }
    assert after["splits"]["train"] == {"shards": 1, "samples": 7, "recordings": 3, "speakers": 4, "duration_s": 13.0}
    assert after["splits"]["validation"] == before["splits"]["validation"]
    assert [shard["path"] for shard in after["shards"]] == [done.rewritten[0].path, before["shards"][2]["path"]]
    assert {name for name in after if after[name] == before.get(name)} >= {"name", "purposes", "codec", "run", "ledger"}


def test_untouched_shards_stay_byte_for_byte(out: Path) -> None:
    before = contents(out)
    withdraw(out, "gina")
    after = contents(out)
    untouched = [name for name in before if name.startswith("shards/") and "train-00001" not in name]
    assert len(untouched) == 2
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    assert after["rejected.jsonl"] == before["rejected.jsonl"]


def test_a_withdrawal_of_nobody_changes_no_table(out: Path) -> None:
    plan = plan_for(out)
    new = new_release(str(out), (out / "dataset.json").read_bytes(), plan, [])
    assert [file.path for file in new.files if file.path.endswith(".parquet")] == []
    listed = {entry["path"]: entry for entry in new.document["files"]}
    for name in ("index", "recordings", "events", "speakers"):
        assert listed[f"{name}.parquet"] in release_of(out)["files"]
    assert new.document["tables"] == release_of(out)["tables"]
    assert new.obsolete == ()


def test_the_one_who_stays_is_read_as_before(out: Path) -> None:
    before = dict(samples_of(out))
    withdraw(out, "anna")
    samples = {sample.key: sample for sample in open_dataset(str(out), split="train")}
    sample = samples["call-1-00000"]
    old = json.loads(before["call-1-00000"]["json"])
    assert sample.codes[0].tolist() == [[0] * 25, [0] * 25]
    assert sample.codes[1].tobytes() == before["call-1-00000"]["codes.npy"][128 + 100 :]
    assert sample.metadata["speakers"]["b"] == old["speakers"]["b"]
    assert sample.audio is not None
    assert not sample.audio[0][0].any()
    assert sample.audio[0][1].any()
    assert before["call-3-00000"] == dict(samples_of(out))["call-3-00000"]


def test_nobody_crosses_from_one_split_to_the_other_also_when_both_have_withdrawn_speakers(out: Path) -> None:
    split_of = {row["key"]: row["split"] for row in rows(out, "index")}
    withdraw(out, "anna", "hugo")
    assert {row["speaker_a"] for row in rows(out, "recordings")} >= {"withdrawn"}
    assert all(split_of[row["key"]] == row["split"] for row in rows(out, "index"))
    assert verify_release(str(out)).faults == ()


BRIDGED = (
    *CALLS,
    Call("call-6", "bridge-00000", "anna", "hugo", 4.0),
    Call("call-8", "bridge-00000", "ben", "ines", 4.0),
)
"""Calls between speakers of train and of validation."""


def test_a_bridge_is_given_by_its_name_alone_and_by_no_other_split(tmp_path: Path) -> None:
    out = make_calls(tmp_path, BRIDGED)
    assert verify_release(str(out)).faults == ()
    given = {split: {sample.key[:6] for sample in open_dataset(str(out), split)} for split in SPLITS}
    assert given == {
        "train": {"call-1", "call-2", "call-3", "call-7"},
        "validation": {"call-5"},
        "bridge": {"call-6", "call-8"},
    }


@pytest.mark.parametrize("speakers", [["anna"], ["hugo"], ["anna", "hugo"], ["ben", "anna"]])
def test_whoever_withdraws_is_gone_from_the_bridge_as_well(speakers: list[str], tmp_path: Path) -> None:
    out = make_calls(tmp_path, BRIDGED)
    withdraw(out, *speakers)
    assert verify_release(str(out)).faults == ()
    named = {row[side] for row in rows(out, "index") for side in ("speaker_a", "speaker_b")}
    assert not named & {commitment(speaker) for speaker in speakers}
    bridge = [sample for sample in open_dataset(str(out), "bridge") if sample.key.startswith("call-6")]
    assert bool(bridge) is (len({"anna", "hugo"} & {*speakers}) < 2)
    said = release_of(out)["splits"]["bridge"]
    assert said["speakers"] == len({"anna", "hugo", "ben", "ines"} - {*speakers})


def test_a_bridge_of_which_nothing_is_left_is_not_named(tmp_path: Path) -> None:
    out = make_calls(tmp_path, BRIDGED)
    withdraw(out, "anna", "hugo", "ben", "ines")
    assert verify_release(str(out)).faults == ()
    assert release_of(out)["splits"].keys() == {"train", "validation"}
    assert list(open_dataset(str(out), "bridge")) == []


def test_events_of_a_silenced_recording_are_those_of_the_other_alone(out: Path) -> None:
    withdraw(out, "anna", "carl")
    found = [(row["recording_id"], row["kind"], row["speaker"]) for row in rows(out, "events")]
    assert [event for event in found if event[0] == "call-1"] == [("call-1", "ipu", "b")]
    assert [event for event in found if event[0] == "call-2"] == []
    assert len([event for event in found if event[0] == "call-3"]) == 9


def test_the_index_counts_silenced_samples_anew(out: Path) -> None:
    before = {str(row["key"]): row for row in rows(out, "index")}
    withdraw(out, "anna", "carl")
    after = {str(row["key"]): row for row in rows(out, "index")}
    figures = ("overlap_share_of_speech", "backchannels", "interruptions", "words")
    assert [before["call-1-00000"][name] for name in figures] == [0.0, 1, 1, True]
    assert [after["call-1-00000"][name] for name in figures] == [0.0, 0, 0, True]  # ben goes on talking, alone
    assert not any(key.startswith("call-2") for key in after)
    assert {key: row for key, row in after.items() if "call-3" not in key and "call-1" not in key} == {
        key: row for key, row in before.items() if key.startswith(("call-5", "call-7"))
    }
    assert [[row[name] for name in figures] for key, row in after.items() if "call-3" in key] == [
        [row[name] for name in figures] for key, row in before.items() if "call-3" in key
    ]


def test_one_after_the_other_leaves_what_both_at_once_leave(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = make_calls(tmp_path / "one"), make_calls(tmp_path / "two")
    withdraw(one, "anna", "ben", "gina")
    withdraw(two, "gina")
    withdraw(two, "anna")  # silenced: ben stays
    withdraw(two, "ben")  # and now he goes too
    same = {f"{name}.parquet" for name in ("index", "recordings", "events", "speakers")}
    same |= {"rejected.jsonl", "statistics.json"}
    first, second = contents(one), contents(two)
    assert [name for name in first if name.startswith("shards/")] == [
        name for name in second if name.startswith("shards/")
    ]
    assert {name for name in first if name.startswith("shards/") or name in same} == {
        name for name in first if not name.startswith("cards/") and first[name] == second[name]
    }
    assert (release_of(one)["version"], release_of(two)["version"]) == ("2.0.0", "4.0.0")
    assert release_of(two)["totals"] == release_of(one)["totals"]


def test_a_release_of_which_nothing_is_left_is_still_a_release(out: Path) -> None:
    withdraw(out, *(speaker for call in CALLS for speaker in (call.a, call.b)))
    after = release_of(out)
    assert (after["shards"], after["totals"]["written"], after["totals"]["withdrawn"]) == ([], 0, 5)
    assert [path.name for path in out.rglob("*.tar")] == []
    assert verify_release(str(out)).faults == ()
    assert list(open_dataset(str(out), split="train")) == []


def test_what_was_stated_stays_and_every_card_is_that_of_the_new_version(out: Path) -> None:
    build_cards(str(out), {"publisher": "Example Lab"}, tell=lambda _: None)
    withdraw(out, "anna")
    assert card_faults(str(out)) == []
    facts = json.loads((out / "cards" / "facts.json").read_text())["facts"]
    assert facts["stated.publisher"]["value"] == "Example Lab"
    assert json.loads((out / "cards" / "changes.json").read_text())["withdrawal"] == release_of(out)["withdrawal"]


def test_a_card_that_nobody_can_renew_is_not_carried_on(out: Path) -> None:
    release = release_of(out)
    release["files"].append({"path": "cards/later.json", "sha256": "0" * 64, "bytes": 7})
    plan = plan_for(out, "anna")
    new = new_release(str(out), json.dumps(release).encode(), plan, rewrite_all(out, plan))
    assert new.obsolete == ("cards/later.json",)
    assert "cards/later.json" not in {entry["path"] for entry in new.document["files"]}


def test_columns_and_their_descriptions_are_kept_also_those_of_a_later_version(out: Path) -> None:
    names = ("index", "recordings", "events", "speakers")
    for name in names:
        table = read_table(str(out / f"{name}.parquet"))
        extra = pa.field("later", pa.string(), nullable=False, metadata={"description": "Of a later version."})
        table = table.append_column(extra, pa.array(["something"] * table.num_rows, pa.string()))
        pq.write_table(table, out / f"{name}.parquet")
        seal_file(out, out / f"{name}.parquet")
    withdraw(out, "anna")
    for name in names:
        schema = pq.read_schema(out / f"{name}.parquet")
        assert schema.field("later").metadata == {b"description": b"Of a later version."}
        assert all(field.metadata for field in schema)
    assert [row["later"] for row in rows(out, "recordings")] == ["", "", *["something"] * 3]
    assert [row["later"] for row in rows(out, "events")][:2] == ["", ""]
    assert {row["later"] for row in rows(out, "speakers")} == {
        "something"
    }  # nobody of theirs is left but by withdrawal
    assert [row["later"] for row in rows(out, "index")] == [*[""] * 5, *["something"] * 5]


def test_shards_of_another_plan_are_refused(out: Path) -> None:
    plan = plan_for(out, "anna")
    with pytest.raises(ValueError, match="the rewritten shards are not those of the plan"):
        new_release(str(out), (out / "dataset.json").read_bytes(), replace(plan, shards=()), rewrite_all(out, plan))


def test_cards_name_nobody_and_count_only_who_is_there(out: Path) -> None:
    withdraw(out, "anna", "hugo")
    card = (out / "README.md").read_text()
    assert commitment("anna") not in card + (out / "croissant.json").read_text()
    assert "In 3 conversations one speaker has withdrawn since: that track is silence" in card
    assert "| together | 0.3 minutes | 10 | 5 | 7 |" in card
    assert "tiny-dataset 2.0.0" in card
    withdraw(out, "fred", "gina")
    assert "6 recordings read, 4 written, 1 refused, 1 withdrawn since." in (out / "README.md").read_text()


def test_speakers_are_added_up_anew_and_who_went_has_no_row(out: Path) -> None:
    before = {row["speaker"]: row for row in rows(out, "speakers")}
    withdraw(out, "carl")  # call-2 goes, or only his side of it: anna keeps call-1
    after = {row["speaker"]: row for row in rows(out, "speakers")}
    assert before.keys() - after.keys() == {commitment("carl")}
    assert (before[commitment("anna")]["conversations"], after[commitment("anna")]["conversations"]) == (2, 1)
    others = after.keys() - {commitment("anna")}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert release_of(out)["tables"]["speakers"]["rows"] == len(after)
    assert json.loads((out / "statistics.json").read_bytes())["counts"]["speakers"] == len(after)
    assert verify_release(str(out)).faults == ()


def test_a_release_of_an_earlier_version_keeps_its_speakers_in_the_statistics(out: Path) -> None:
    totals = totals_of_rows(rows(out, "recordings"))
    (out / "statistics.json").write_bytes(statistics_file(totals))
    (out / "speakers.parquet").unlink()

    def earlier(document: dict[str, Any]) -> None:
        document["files"] = [entry for entry in document["files"] if entry["path"] != "speakers.parquet"]
        del document["tables"]

    edit_manifest(out, earlier)
    seal_file(out, out / "statistics.json")
    assert verify_release(str(out)).faults == ()
    withdraw(out, "carl")
    assert verify_release(str(out)).faults == ()
    left = json.loads((out / "statistics.json").read_bytes())["speakers"]
    assert {name for scope, name in totals if scope == "speaker"} - left.keys() == {commitment("carl")}
    assert not (out / "speakers.parquet").exists()
