"""A table may be a folder of files: read, verified, described and withdrawn from as one file is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import datasets
import mlcroissant
import pandas
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from duologue_consent.lineage.release_facts import ReleaseError, read_release_facts
from duologue_pipeline.decode import find_sample
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.reader.index import shard_stem
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.release.folders import TABLES, in_folders, table_of
from tests.pipeline.release.test_verify import edit_manifest, sealed
from tests.pipeline.release.test_write import contents
from tests.pipeline.withdrawal.world import World, make_world

ORDER: Final = {
    "index": [("shard", "ascending"), ("offset", "ascending")],
    "recordings": [("recording_id", "ascending")],
    "events": [(name, "ascending") for name in ("recording_id", "start_s", "end_s", "kind", "speaker")],
    "speakers": [("speaker", "ascending")],
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    with in_folders():
        return make_world(tmp_path)


def test_it_is_read_and_verified(world: World) -> None:
    keys = [sample.key for split in ("train", "validation") for sample in open_dataset(str(world.out), split)]
    assert sorted(keys) == sorted(table_of(world.out, "index")["key"].to_pylist())
    assert find_sample(str(world.out), "call-5-00000", purpose="training_inhouse")[1].key == "call-5-00000"
    assert verify_release(str(world.out)).faults == ()


def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["dataset.json"])
    return found


def test_a_withdrawal_renews_its_files_and_leaves_those_that_do_not_change(world: World) -> None:
    before = world.files()
    world.withdraw("fred")
    (outcome,) = propagate_release(str(world.out), world.ledger)
    assert outcome.refusals == {"consent_withdrawn": 1}
    assert verify_release(str(world.out)).faults == ()
    after = world.files()
    paths = {path for path in before if path.endswith(".parquet")}
    assert {path for path in after if path.endswith(".parquet")} == paths
    (shard,) = {entry["path"] for entry in manifest(before)["shards"]} - {
        entry["path"] for entry in manifest(after)["shards"]
    }
    speakers = [world.ledger.snapshot().commitment(speaker) for speaker in ("fred", "gina")]
    assert {path for path in paths if after[path] != before[path]} == {
        *(f"{name}/{shard_stem(shard)}.parquet" for name in ("index", "recordings", "events")),
        *(f"speakers/{speaker[:2]}.parquet" for speaker in speakers),
    }
    assert not set(speakers) & set(table_of(world.out, "speakers")["speaker"].to_pylist())
    rows = {row["key"]: row for row in table_of(world.out, "index").to_pylist()}
    assert rows["call-7-00000"]["speaker_a"] == "withdrawn"
    assert propagate_release(str(world.out), world.ledger)[0].refusals == {}


def test_what_is_left_of_nobody_is_an_empty_file(world: World) -> None:
    for speaker in ("fred", "gina", "hugo", "ines"):
        world.withdraw(speaker)
    propagate_release(str(world.out), world.ledger)
    assert verify_release(str(world.out)).faults == ()
    assert {row["recording_id"] for row in table_of(world.out, "index").to_pylist()} == {"call-1", "call-2", "call-3"}


def test_a_file_that_is_not_like_the_others_is_found(world: World) -> None:
    path = sorted((world.out / "index").iterdir())[1]
    pq.write_table(pq.read_table(path).drop_columns(["words"]), path)
    edit_manifest(
        world.out,
        lambda document: [
            entry.update(sealed(path)) for entry in document["files"] if entry["path"] == f"index/{path.name}"
        ],
    )
    assert verify_release(str(world.out)).faults == (f"index/{path.name}: has other columns than the files before it",)


def test_a_table_is_one_file_or_a_folder(world: World) -> None:
    edit_manifest(
        world.out,
        lambda document: document["files"].append({**document["files"][0], "path": "index.parquet"}),
    )
    assert (
        "index.parquet: is in dataset.json beside the folder index; a table is one of both"
        in verify_release(str(world.out)).faults
    )
    edit_manifest(
        world.out,
        lambda document: document.update(
            files=[entry for entry in document["files"] if not entry["path"].startswith("index")]
        ),
    )
    assert "index.parquet: is not in the files of dataset.json" in verify_release(str(world.out)).faults


def test_croissant_describes_the_folders_and_their_records_are_read(world: World) -> None:
    dataset = mlcroissant.Dataset(jsonld=world.out / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    distribution = {each["@id"] for each in json.loads((world.out / "croissant.json").read_text())["distribution"]}
    shards = {each["path"] for each in json.loads((world.out / "dataset.json").read_text())["shards"]}
    assert distribution == {
        "shards",
        "token-files",
        "cards/files.sha256",
        *shards,
        *(f"{name}-files" for name in TABLES),
    }
    for name in TABLES:
        assert len(list(dataset.records(record_set=name))) == len(table_of(world.out, name))


def test_both_forms_hold_the_same_rows_and_a_folder_does_not_depend_on_the_order_of_arrival(
    tmp_path: Path, make_release: Callable[..., Path]
) -> None:
    for name in ("one", "two", "joined"):
        (tmp_path / name).mkdir()
    with in_folders():
        one, two = make_release(tmp_path / "one"), make_release(tmp_path / "two", backwards=True)
    joined = make_release(tmp_path / "joined")
    assert contents(one) == contents(two)
    for name in TABLES:
        assert (
            table_of(one, name)
            .sort_by(ORDER[name])
            .equals(pq.read_table(joined / f"{name}.parquet").sort_by(ORDER[name]))
        )
    said, of_joined = manifest(contents(one))["tables"], manifest(contents(joined))["tables"]
    assert {name: entry["files"] for name, entry in said.items()} == {name: f"{name}/*.parquet" for name in TABLES}
    assert {name: entry["files"] for name, entry in of_joined.items()} == {name: f"{name}.parquet" for name in TABLES}
    assert {name: entry["rows"] for name, entry in said.items()} == {
        name: entry["rows"] for name, entry in of_joined.items()
    }
    assert (one / "statistics.json").read_bytes() == (joined / "statistics.json").read_bytes()


def test_other_programs_read_a_folder_as_one_table(world: World, tmp_path: Path) -> None:
    for name in TABLES:
        expected = table_of(world.out, name)
        assert pyarrow.dataset.dataset(world.out / name).to_table().num_rows == len(expected)
        assert len(pandas.read_parquet(world.out / name)) == len(expected)
    files = f"{world.out}/index/*.parquet"
    found = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert found["key"] == table_of(world.out, "index")["key"].to_pylist()


def test_stewards_read_who_is_recorded_from_a_folder(world: World, tmp_path: Path) -> None:
    (tmp_path / "joined").mkdir()
    joined = make_world(tmp_path / "joined")
    facts = [read_release_facts(str(each.out)) for each in (world, joined)]
    assert sorted(facts[0].recorded_ms.values()) == sorted(facts[1].recorded_ms.values())
    assert facts[0].forms == facts[1].forms
    (world.out / "recordings" / "train-00001.parquet").write_bytes(b"")
    with pytest.raises(
        ReleaseError, match=r"recordings/train-00001\.parquet: is not the file that dataset\.json names"
    ):
        read_release_facts(str(world.out))
