"""The scan finds what was removed, wherever somebody left it, and finds nothing where nothing is."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_pipeline.withdrawal.scan.removed import Finding, Removed, removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from tests.pipeline.withdrawal.support import commitment, contents, make_calls, release_of, samples_of, withdraw


class World:
    """A release from which anna (silenced in two calls) and gina (dropped with fred) were taken, and what it was."""

    def __init__(self, folder: Path) -> None:
        self.out = make_calls(folder)
        self.before = contents(self.out)
        self.old_release = release_of(self.out)
        self.samples = dict(samples_of(self.out))
        done = withdraw(self.out, "anna", "gina", standing=["ben", "carl"])
        self.removed = removed_by(done.plan, done.rewritten)

    def old_shard(self, number: int) -> str:
        path: str = self.old_release["shards"][number]["path"]
        return path

    def new_shard(self) -> Path:
        return self.out / release_of(self.out)["shards"][0]["path"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("scan"))


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """A copy that a test may spoil."""
    copy = World.__new__(World)
    copy.__dict__ = {**made.__dict__, "out": tmp_path / "out"}
    shutil.copytree(made.out, copy.out)
    return copy


def findings(world: World) -> list[Finding]:
    return list(scan(str(world.out), world.removed))


def test_nothing_is_left(world: World) -> None:
    assert findings(world) == []


def test_what_is_looked_for(made: World) -> None:
    assert made.removed.names >= {
        commitment("anna"),
        commitment("gina"),
        "call-7",
        "call-7-00000",
        "call-7-00001",
        made.old_shard(0)[7:-4],
        made.old_release["shards"][0]["sha256"],
    }
    assert not made.removed.names & {commitment("fred"), commitment("ben"), "call-1", "call-1-00000"}


def test_the_whole_release_as_it_was_is_full_of_it(made: World, tmp_path: Path) -> None:
    for name, data in made.before.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    found = list(scan(str(tmp_path), made.removed))
    touched = {"dataset.json", "index.parquet", "recordings.parquet", "events.parquet"}
    assert {finding.path for finding in found if ":" not in finding.path} >= touched
    faults = {(finding.path.partition(": ")[2], finding.fault) for finding in found}
    assert ("call-1-00000.codes.npy", "holds tokens that were removed") in faults
    assert ("call-1-00000.flac", "holds audio that was removed") in faults
    assert ("call-1-00000.json", "holds words that were removed") in faults


# --- leaks of every kind --------------------------------------------------------------------------------------------


def sample(world: World, key: str) -> dict[str, bytes]:
    return world.samples[key]


def track(flac: bytes, channel: int) -> Any:
    pcm, rate_hz = soundfile.read(io.BytesIO(flac), dtype="int16")
    return pcm[:, channel], rate_hz


def plant_wav(world: World) -> None:
    pcm, rate_hz = track(sample(world, "call-1-00000")["flac"], 0)
    soundfile.write(world.out / "x.wav", pcm, rate_hz, subtype="PCM_16")


def plant_swapped_flac(world: World) -> None:
    pcm, rate_hz = soundfile.read(io.BytesIO(sample(world, "call-7-00001")["flac"]), dtype="int16")
    soundfile.write(world.out / "x.flac", pcm[:, ::-1], rate_hz)


def plant_codes(world: World) -> None:
    codes = np.load(io.BytesIO(sample(world, "call-2-00001")["codes.npy"]))
    np.save(world.out / "x.npy", codes[0].astype(np.int64))


def plant_words(world: World) -> None:
    words = json.loads(sample(world, "call-1-00000")["json"])["words"]
    mine = [{"word": w["word"], "start_s": w["start_s"] + 30.5} for w in words if w["speaker"] == "a"]
    (world.out / "words").mkdir()
    (world.out / "words" / "x.json").write_text(json.dumps(mine))


def plant_words_in_a_line(world: World) -> None:
    document = json.loads(sample(world, "call-7-00000")["json"])
    (world.out / "x.jsonl").write_text('{"a": 1}\n' + json.dumps({"deep": [{"words": document["words"]}]}))


def plant_in_card(world: World) -> None:
    with (world.out / "README.md").open("a") as file:
        file.write(f"\nThanks to speaker {commitment('gina')}.\n")


def plant_in_croissant(world: World) -> None:
    card = json.loads((world.out / "croissant.json").read_text())
    card["description"] += " See call-7-00001."
    escaped = json.dumps(card).replace("call-7", "\\u0063all-7")
    (world.out / "croissant.json").write_text(escaped)


def plant_in_rejected(world: World) -> None:
    with (world.out / "rejected.jsonl").open("a") as file:
        file.write(json.dumps({"recording_id": "call-7", "stage": "x", "reason": "x", "detail": ""}) + "\n")


def plant_in_dataset_json(world: World) -> None:
    release = release_of(world.out)
    release["shards"].append(world.old_release["shards"][1])
    (world.out / "dataset.json").write_text(json.dumps(release))


def plant_file_name(world: World) -> None:
    (world.out / "call-7.txt").write_text("nothing in here")


def plant_folder_name(world: World) -> None:
    (world.out / "call-7-00000").mkdir()
    (world.out / "call-7-00000" / "x.txt").write_text("nothing in here")


def plant_old_shard(world: World) -> None:
    (world.out / world.old_shard(1)).write_bytes(world.before[world.old_shard(1)])


def plant_old_shard_elsewhere(world: World) -> None:
    (world.out / "x").mkdir()
    (world.out / "x" / "backup").write_bytes(world.before[world.old_shard(0)])


def plant_sample_in_shard(world: World) -> None:
    append(world, "call-9-00000", sample(world, "call-7-00000"))


def plant_old_table(world: World) -> None:
    (world.out / "backup.parquet").write_bytes(world.before["index.parquet"])


def plant_row_in_index(world: World) -> None:
    old = pq.read_table(io.BytesIO(world.before["index.parquet"]))
    new = pq.read_table(world.out / "index.parquet")
    row = old.filter(pa.compute.equal(old["key"], "call-7-00000")).cast(new.schema)
    pq.write_table(pa.concat_tables([new, row]), world.out / "index.parquet")


def plant_in_nested_column(world: World) -> None:
    column = pa.array([[{"who": "call-7-00000"}]])
    pq.write_table(pa.table({"x": column}), world.out / "x.parquet")


def plant_in_parquet_metadata(world: World) -> None:
    table = pa.table({"x": [1]}).replace_schema_metadata({"note": f"speaker {commitment('anna')}"})
    pq.write_table(table, world.out / "x.parquet")


def plant_bytes_in_parquet(world: World) -> None:
    table = pa.table({"x": pa.array([sample(world, "call-2-00000")["codes.npy"]], pa.binary())})
    pq.write_table(table, world.out / "x.parquet")


def plant_events_of_the_silenced(world: World) -> None:
    table = pq.read_table(io.BytesIO(world.before["events.parquet"]))
    mine = table.filter(pa.compute.equal(table["recording_id"], "call-1"))
    pq.write_table(mine, world.out / "events.parquet")


def plant_figures_of_the_silenced(world: World) -> None:
    rows = pq.read_table(world.out / "recordings.parquet")
    place = rows.schema.get_field_index("speech_a_s")
    values = pa.array([7.5] * rows.num_rows, pa.float64())
    pq.write_table(rows.set_column(place, rows.schema.field(place), values), world.out / "recordings.parquet")


def silenced_member(world: World, extension: str, change: Callable[[bytes], bytes]) -> None:
    members = dict(samples_of(world.out))["call-1-00001"]
    append(world, "call-1-00001", {**members, extension: change(members[extension])})


def plant_sound_of_the_silenced(world: World) -> None:
    def change(flac: bytes) -> bytes:
        pcm, rate_hz = soundfile.read(io.BytesIO(flac), dtype="int16")
        pcm[500:600, 0] = 3
        buffer = io.BytesIO()
        soundfile.write(buffer, pcm, rate_hz, format="FLAC")
        return buffer.getvalue()

    silenced_member(world, "flac", change)


def plant_token_of_the_silenced(world: World) -> None:
    def change(npy: bytes) -> bytes:
        codes = np.load(io.BytesIO(npy))
        codes[0, 1, 7] += 1
        return npy_bytes(codes)

    silenced_member(world, "codes.npy", change)


def plant_activity_of_the_silenced(world: World) -> None:
    def change(text: bytes) -> bytes:
        document = json.loads(text)
        document["activity"].insert(0, {"speaker": "a", "start_s": 0.0, "end_s": 0.5})
        return json.dumps(document).encode()

    silenced_member(world, "json", change)


def plant_grant_of_the_silenced(world: World) -> None:
    def change(text: bytes) -> bytes:
        document = json.loads(text)
        document["consent"]["a"]["grants"] = document["consent"]["b"]["grants"]
        return json.dumps(document).encode()

    silenced_member(world, "json", change)


def plant_unknown_format(world: World) -> None:
    (world.out / "x.zip").write_bytes(b"PK\x03\x04\x00\x00\xff\xfe")


def plant_damaged_shard(world: World) -> None:
    shard = world.new_shard()
    shard.write_bytes(shard.read_bytes()[:3000])


def plant_across_a_block(world: World) -> None:
    name = "call-7-00001"
    (world.out / "x.txt").write_text("x" + " " * ((1 << 20) - 5) + name + " and so on")


def append(world: World, key: str, members: dict[str, bytes]) -> None:
    """Puts a sample at the end of a shard."""
    shard = world.new_shard()
    data = shard.read_bytes()
    buffer = io.BytesIO()
    write_members(buffer, key, members)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        end = max(info.offset_data + -(-info.size // 512) * 512 for info in archive)
    shard.write_bytes(data[:end] + buffer.getvalue() + bytes(1024))


PLANTS: dict[Callable[[World], None], tuple[str, str]] = {
    plant_wav: ("x.wav", "holds audio that was removed"),
    plant_swapped_flac: ("x.flac", "holds audio that was removed"),
    plant_codes: ("x.npy", "holds tokens that were removed"),
    plant_words: ("words/x.json", "holds words that were removed"),
    plant_words_in_a_line: ("x.jsonl", "holds words that were removed"),
    plant_in_card: ("README.md", f"its text holds {commitment('gina')}, which was removed"),
    plant_in_croissant: ("croissant.json", "its text holds call-7-00001, which was removed"),
    plant_in_rejected: ("rejected.jsonl", "its text holds call-7, which was removed"),
    plant_in_dataset_json: ("dataset.json", "which was removed"),
    plant_file_name: ("call-7.txt", "its name holds call-7, which was removed"),
    plant_folder_name: ("call-7-00000/x.txt", "its name holds call-7-00000, which was removed"),
    plant_old_shard: ("shards/train-00001-", "its name holds train-00001-"),
    plant_old_shard_elsewhere: ("x/backup: call-1-00000.json", f"its text holds {commitment('anna')}"),
    plant_sample_in_shard: ("call-9-00000.codes.npy", "holds tokens that were removed"),
    plant_old_table: ("backup.parquet", "column key holds call-7-00000, which was removed"),
    plant_row_in_index: ("index.parquet", "column key holds call-7-00000, which was removed"),
    plant_in_nested_column: ("x.parquet", "column x holds call-7-00000, which was removed"),
    plant_in_parquet_metadata: ("x.parquet", f"its schema holds {commitment('anna')}, which was removed"),
    plant_bytes_in_parquet: ("x.parquet: column x", "holds tokens that were removed"),
    plant_events_of_the_silenced: ("events.parquet", "a row of call-1 still tells about speaker a, who is withdrawn"),
    plant_figures_of_the_silenced: (
        "recordings.parquet",
        "a row of call-1 still tells about speaker a, who is withdrawn",
    ),
    plant_sound_of_the_silenced: (
        "call-1-00001.flac",
        "the track of speaker a, who is withdrawn, is not silence",
    ),
    plant_token_of_the_silenced: (
        "call-1-00001.codes.npy",
        "the track of speaker a, who is withdrawn, is not silence",
    ),
    plant_activity_of_the_silenced: ("call-1-00001.json", "still tells about speaker a, who is withdrawn"),
    plant_grant_of_the_silenced: ("call-1-00001.json", "still tells about speaker a, who is withdrawn"),
    plant_unknown_format: ("x.zip", "is of a format that is not known; nothing is proved of it: remove it"),
    plant_damaged_shard: ("shards/train-00000-", "cannot be looked into"),
    plant_across_a_block: ("x.txt", "its text holds call-7-00001, which was removed"),
}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__.removeprefix("plant_"))
def test_a_leak_is_found(world: World, plant: Callable[[World], None]) -> None:
    plant(world)
    path, fault = PLANTS[plant]
    found = findings(world)
    assert [finding for finding in found if path in finding.path and fault in finding.fault], found


def test_receipts_and_revocations_may_name_what_is_gone(world: World) -> None:
    (world.out / "receipts").mkdir()
    (world.out / "receipts" / "0001.json").write_text(json.dumps({"gone": commitment("anna")}))
    (world.out / "revocations.jsonl").write_text(json.dumps({"key": "call-7-00000"}))
    assert findings(world) == []
    assert {finding.path for finding in scan(str(world.out), world.removed, skip=())} == {
        "receipts/0001.json",
        "revocations.jsonl",
    }


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("call-1", ["call-1"]),
        ("s3://x/call-1.words.json", ["call-1"]),
        ("call-1-a.json", ["call-1"]),
        ("old_call-1", ["call-1"]),
        ("call-10 and recall-1", []),
        ("call-1-b", []),
        ("call-1-b-00003", []),
        ("call-1-b and call-1-c", ["call-1"]),
        ("42 casual words", []),
    ],
)
def test_where_a_name_begins_and_ends(text: str, found: list[str]) -> None:
    names = Names({"call-1", "42", "casual"}, live={"call-1-b", "call-1-b-00003", "call-10"})
    assert list(names.in_text(text)) == found


def test_names_that_any_text_may_hold_count_where_a_name_is_expected(tmp_path: Path, made: World) -> None:
    shutil.copytree(made.out, tmp_path / "out")
    (tmp_path / "out" / "x.json").write_text('{"recording_id": "42", "n": 42, "text": "42"}')
    removed = Removed(frozenset({"42"}), frozenset())
    assert [str(finding) for finding in scan(str(tmp_path / "out"), removed)] == [
        "x.json: its text holds 42, which was removed"
    ]


def test_the_hash_in_the_name_of_a_shard_is_that_of_its_bytes(made: World) -> None:
    shard = made.new_shard()
    assert hashlib.sha256(shard.read_bytes()).hexdigest()[:12] == shard.stem[-12:]
