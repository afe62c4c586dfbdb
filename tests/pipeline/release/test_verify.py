"""Every kind of damage to a release is found, with a sentence that names the file."""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duologue_cards import add_tallies, tally_speakers, tally_tables
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.release.document import cards
from duologue_pipeline.release.verify import verify_release
from duologue_schemas.tables import LATER_COLUMNS, TABLES


def faults(release: Path) -> tuple[str, ...]:
    return verify_release(str(release)).faults


def train_shard(release: Path) -> Path:
    (path,) = (release / "shards").glob("train-*.tar")
    return path


def edit_manifest(release: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads((release / "dataset.json").read_text())
    edit(document)
    (release / "dataset.json").write_text(json.dumps(document))


def sealed(path: Path) -> dict[str, Any]:
    """What dataset.json would say of the file as it is now."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def edit_rows(release: Path, table: str, edit: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Changes rows of a table and makes dataset.json agree with the new file, as one who forges would."""
    path = release / f"{table}.parquet"
    schema = TABLES[table]
    rows = pq.read_table(path).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    seal_file(release, path)


def seal_file(release: Path, path: Path) -> None:
    """Puts hash and size of a file as it is now into dataset.json."""

    def seal(document: dict[str, Any]) -> None:
        for entry in document["files"]:
            if entry["path"] == path.name:
                entry |= sealed(path)

    edit_manifest(release, seal)


def swap(rows: list[dict[str, Any]], column: str) -> None:
    """Exchanges the values of the first two rows in a column."""
    rows[0][column], rows[1][column] = rows[1][column], rows[0][column]


def edit_shard(release: Path, edit: Callable[[dict[str, bytes]], Any]) -> None:
    """Changes members of the first sample without changing their size, and renames the shard after its new hash."""
    old = train_shard(release)
    with tarfile.open(old) as archive:
        names = [info.name for info in archive][:2]
        members = {name: archive.extractfile(name).read() for name in names}  # type: ignore[union-attr]
    content = old.read_bytes()
    changed = dict(members)
    edit(changed)
    for name, before in members.items():
        assert len(changed[name]) == len(before)
        content = content.replace(before, changed[name], 1)
    new = old.with_name(f"train-00000-{hashlib.sha256(content).hexdigest()[:12]}.tar")
    old.unlink()
    new.write_bytes(content)

    def seal(document: dict[str, Any]) -> None:
        for entry in document["shards"]:
            if entry["path"] == f"shards/{old.name}":
                entry |= {"path": f"shards/{new.name}", **sealed(new)}

    edit_manifest(release, seal)
    for table in ("index", "recordings"):
        edit_rows(
            release,
            table,
            lambda rows: [row.update(shard=row["shard"].replace(old.name, new.name)) for row in rows],
        )


# --- whole ----------------------------------------------------------------------------------------------------------


def test_a_whole_release_has_no_faults_and_is_counted(release: Path) -> None:
    report = verify_release(str(release))
    size = sum(path.stat().st_size for path in release.glob("shards/*.tar"))
    assert (report.shards, report.samples, report.frames, report.bytes, report.faults) == (2, 6, 155, size, ())


def test_without_a_release_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"dataset\.json: no such file"):
        verify_release(str(tmp_path))


# --- files that are not what they were ------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 600, -1])
def test_a_flipped_bit_in_a_shard_is_found(position: int, release: Path) -> None:
    shard = train_shard(release)
    said = hashlib.sha256(shard.read_bytes()).hexdigest()
    content = bytearray(shard.read_bytes())
    content[position] ^= 1
    shard.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    assert faults(release) == (f"shards/{shard.name}: has SHA-256 {found}, dataset.json says {said}",)


def test_a_truncated_shard_is_found(release: Path) -> None:
    shard = train_shard(release)
    content = shard.read_bytes()
    shard.write_bytes(content[:-512])
    size, digest = faults(release)
    assert size == f"shards/{shard.name}: has {len(content) - 512} bytes, dataset.json says {len(content)}"
    assert digest.startswith(f"shards/{shard.name}: has SHA-256 ")


def test_a_missing_shard_is_found(release: Path) -> None:
    shard = train_shard(release)
    shard.unlink()
    assert faults(release) == (f"shards/{shard.name}: is in dataset.json and not in the folder",)


@pytest.mark.parametrize("name", ["train-00007-0123456789ab.tar", "notes.txt"])
def test_a_file_too_many_among_the_shards_is_found(name: str, release: Path) -> None:
    (release / "shards" / name).write_bytes(b"")
    assert faults(release) == (f"shards/{name}: is not in dataset.json; it belongs to no release: remove it",)


@pytest.mark.parametrize(
    "name", ["index.parquet", "recordings.parquet", "events.parquet", "rejected.jsonl", "README.md", "croissant.json"]
)
def test_any_other_file_that_was_edited_or_removed_is_found(name: str, release: Path) -> None:
    content = (release / name).read_bytes()
    (release / name).write_bytes(content + b"\n")
    size, digest = faults(release)
    assert size == f"{name}: has {len(content) + 1} bytes, dataset.json says {len(content)}"
    assert digest.startswith(f"{name}: has SHA-256 ")
    (release / name).unlink()
    assert faults(release) == (f"{name}: is in dataset.json and not in the folder",)


def test_a_shard_under_a_name_that_is_not_its_hash_is_found(release: Path) -> None:
    old, new = train_shard(release), train_shard(release).with_name("train-00000-000000000000.tar")
    old.rename(new)
    edit_manifest(release, lambda document: document["shards"][0].update(path=f"shards/{new.name}"))
    digits = old.stem.rpartition("-")[2]
    assert faults(release) == (
        f"shards/{new.name}: the name does not end in the first 12 digits of its SHA-256, {digits}",
    )


# --- a manifest that does not add up --------------------------------------------------------------------------------


def test_a_manifest_that_does_not_follow_its_schema_is_found(release: Path) -> None:
    edit_manifest(release, lambda document: document["totals"].update(samples="six"))
    assert faults(release) == (
        'dataset.json: totals.samples: found "six", expected a whole number; write it without quotes',
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"read": 9}, r"dataset\.json: totals\.read: found 9, expected written \+ rejected \+ withdrawn = 4"),
        ({"samples": 7}, r"dataset\.json: totals\.samples: found 7, expected the sum over the shards, 6"),
        ({"bytes": 1}, r"dataset\.json: totals\.bytes is 1, the files hold \d+"),
        ({"duration_s": 99.0}, r"dataset\.json: totals\.duration_s is 99\.0, the samples have 12\.300"),
        ({"read": 5, "written": 4}, r"dataset\.json: totals\.(read|written) is [45], the files hold [34]"),
        ({"read": 5, "rejected": 2}, r"dataset\.json: totals\.(read|rejected) is [52], the files hold [41]"),
    ],
)
def test_edited_totals_are_found(edit: dict[str, Any], message: str, release: Path) -> None:
    edit_manifest(release, lambda document: document["totals"].update(edit))
    found = faults(release)
    assert found
    assert all(re.fullmatch(message, fault) for fault in found), found


def test_members_that_the_manifest_does_not_promise_are_found(release: Path) -> None:
    edit_manifest(release, lambda document: document.update(include_audio=False))
    found = faults(release)
    assert len(found) == 6
    assert found[0].endswith(": call-1-00000: has the members json, codes.npy, flac, expected json, codes.npy")


# --- contents that disagree although all hashes agree ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows[1].update(frames=24), r"shards/.*: call-1-00001: json: codec\.frames is 25, .* says 24"),
        (lambda rows: rows[1].update(end_s=3.5), r"shards/.*: call-1-00001: json: end_s is 4\.0, .* says 3\.5"),
        (lambda rows: rows[1].update(purposes=["x"]), r"shards/.*: call-1-00001: json: purposes is .*training_inhouse"),
        (lambda rows: rows[1].update(split="validation"), r"shards/.*: call-1-00001: json: split is 'train'"),
        (lambda rows: rows[1].update(offset=512), r"shards/.*: call-1-00001: begins at byte \d+, .* says 512"),
        (lambda rows: swap(rows, "key"), r"shards/.*: call-1-00001: its members do not begin at byte 0"),
        (lambda rows: rows.pop(1), r"shards/.*: index\.parquet has 4 of its samples, dataset\.json says 5"),
        (lambda rows: rows[1].update(key="call-1-00009"), r"shards/.*: call-1-00001: is not in index\.parquet"),
        (lambda rows: rows[1].update(key="call-1-00009"), r"shards/.*: call-1-00009: is in index\.parquet and not in"),
        (lambda rows: rows[1].update(shard="shards/x.tar"), r"index\.parquet: 1 rows name shards/x\.tar, which is not"),
        (lambda rows: rows[1].update(recording_id="call-8"), r".* other tables differ on recording call-8"),
        (
            lambda rows: rows[1].update(segment=5),
            r"index\.parquet: call-1-00002 is segment 2 and begins at 4\.0 s, exp",
        ),
        (
            lambda rows: rows[1].update(backchannels=3),
            r"shards/.*: call-1-00001: json: its backchannels is 0, .* says 3",
        ),
        (
            lambda rows: rows[1].update(interruptions=1),
            r"shards/.*: call-1-00001: json: its interruptions is 0, .* says 1",
        ),
        (lambda rows: rows[1].update(words=True), r"shards/.*: call-1-00001: json: its words is False, .* says True"),
        (
            lambda rows: rows[1].update(overlap_share_of_speech=0.5),
            r"shards/.*: call-1-00001: json: its overlap_share_of_speech is 0\.0, .* says 0\.5",
        ),
        (
            lambda rows: rows[1].update(overlap_share_of_speech=None),
            r"shards/.*: call-1-00001: json: its overlap_share_of_speech is 0\.0, .* says None",
        ),
    ],
)
def test_an_index_that_disagrees_with_the_shards_is_found(
    edit: Callable[[list[dict[str, Any]]], Any], message: str, release: Path
) -> None:
    edit_rows(release, "index", edit)
    found = faults(release)
    assert any(re.match(message, fault) for fault in found), found


def test_a_table_with_another_column_is_found(release: Path) -> None:
    path = release / "index.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("speaker_id", pa.array(["anna"] * len(table))), path)
    seal_file(release, path)
    (fault,) = faults(release)
    assert re.fullmatch(r"index\.parquet: has the columns key, .*, speaker_id, expected key, .*, words", fault)


def test_the_release_of_an_earlier_version_is_well_with_a_note_of_what_it_lacks(release: Path) -> None:
    for name, later in LATER_COLUMNS.items():
        path = release / f"{name}.parquet"
        pq.write_table(pq.read_table(path).drop_columns(sorted(later)), path)
        seal_file(release, path)
    report = verify_release(str(release))
    assert report.faults == ()
    told = "an earlier version wrote it, without the columns"
    assert report.notes == (
        f"index.parquet: {told} overlap_share_of_speech, backchannels, interruptions, words",
        f"recordings.parquet: {told} synthetic, started_before, role_a, role_b, age_band_a, age_band_b, sex_a, sex_b, "
        + "dialect_a, dialect_b, device_a, device_b, delay_known_a, delay_known_b, left_out_a_s, left_out_b_s, "
        + "from_a_s, from_b_s, to_a_s, to_b_s, filled_a_s, filled_b_s, gain_db, same_audio, "
        + "words_given_a, words_given_b, words_outside_a, words_outside_b, words_heard_a, words_heard_b, words_invented_a, "
        + "words_invented_b",
    )


def test_a_column_that_every_version_has_must_be_there(release: Path) -> None:
    path = release / "index.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["frames"]), path)
    seal_file(release, path)
    (fault,) = faults(release)
    assert fault.startswith("index.parquet: has the columns key, ")


def test_a_time_beyond_all_clocks_is_a_fault_and_no_crash(release: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        name = "call-1-00000.json"
        document = {**json.loads(members[name]), "made_by": "x"}
        document["activity"][0]["end_s"] = 9e307
        members[name] = canonical_json(document).ljust(len(members[name]))

    edit_shard(release, edit)
    assert any("holds a time of more than any clock shows" in fault for fault in faults(release))


def test_a_duration_that_the_frames_do_not_fill_is_found(release: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        document = json.loads(members["call-1-00000.json"])
        members["call-1-00000.json"] = canonical_json({**document, "end_s": 9.0})

    edit_shard(release, edit)
    edit_rows(release, "index", lambda rows: rows[0].update(end_s=9.0))
    assert faults(release) == (
        f"shards/{train_shard(release).name}: call-1-00000: 25 frames do not fit its 9.000 s at 12.5 frames a second",
        "index.parquet: call-1-00001 is segment 1 and begins at 2.0 s, expected 1 and 9.0 s",
        "dataset.json: totals.duration_s is 12.3, the samples have 19.300",
    )


def test_a_speaker_in_both_splits_is_found(release: Path) -> None:
    rows = pq.read_table(release / "recordings.parquet").to_pylist()
    speaker = next(row["speaker_a"] for row in rows if row["split"] == "validation")
    edit_rows(release, "recordings", lambda rows: rows[0].update(speaker_a=speaker))
    found = faults(release)
    assert found[0] == f"recordings.parquet: speaker {speaker[:12]} is in train and in validation"
    assert {fault.partition(": ")[0] for fault in found[1:]} == {"speakers.parquet"}  # it no longer adds up


def test_codes_outside_of_their_codebook_are_found(release: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        codes = np.load(io.BytesIO(members["call-1-00000.codes.npy"]))
        codes[1, 1, 3] = 640
        buffer = io.BytesIO()
        np.save(buffer, codes)
        members["call-1-00000.codes.npy"] = buffer.getvalue()

    edit_shard(release, edit)
    (fault,) = faults(release)
    assert fault == f"shards/{train_shard(release).name}: call-1-00000: codes.npy: a code lies outside its codebook"


def test_codes_that_cannot_be_read_are_found(release: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        name = "call-1-00000.codes.npy"
        members[name] = b"x" * len(members[name])

    edit_shard(release, edit)
    (fault,) = faults(release)
    assert re.fullmatch(r"shards/train-.*\.tar: call-1-00000: json or codes\.npy cannot be read \(.*\)", fault)


def test_metadata_that_says_something_else_is_found(release: Path) -> None:
    def edit(members: dict[str, bytes]) -> None:
        name = "call-1-00000.json"
        members[name] = members[name].replace(b'"split":"train"', b'"split":"tra1n"')

    edit_shard(release, edit)
    (fault,) = faults(release)
    assert re.fullmatch(
        r'shards/train-.*\.tar: call-1-00000: json: split: found "tra1n", expected "train" or "validation".*', fault
    )


def test_every_card_must_be_listed(release: Path) -> None:
    document = json.loads((release / "dataset.json").read_text())
    index, recordings = (pq.read_table(release / f"{table}.parquet") for table in ("index", "recordings"))
    tally = add_tallies((tally_tables(index, recordings), tally_speakers([recordings])))
    tables = {"index": [index], "recordings": [recordings]}
    told = cards(document, tally, {"audio_missing": 1}, root=str(release), tables=tables.__getitem__)
    made = [
        path
        for path, _ in told
        if "/" not in path and path != "report.html"  # an earlier version has no others
    ]
    edit_manifest(release, lambda document: document["files"].clear())
    found = faults(release)
    assert made
    assert [name for name in made if f"{name}: is not in the files of dataset.json" not in found] == []


# --- the folder, and whoever made it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("notes.txt", "is not in dataset.json; it belongs to no release: remove it"),
        ("shards/.hidden", "is not in dataset.json; it belongs to no release: remove it"),
        (".index.parquet.0f.tmp", "is half of a file that was being written when a process ended: remove it"),
        (".x.lock", "is the lock of a process that works on the release, or was killed; if none does, remove it"),
        ("receipts/notes.txt", "is not in dataset.json; it belongs to no release: remove it"),
    ],
)
def test_a_file_that_does_not_belong_there_is_named(name: str, message: str, release: Path) -> None:
    (release / name).parent.mkdir(exist_ok=True)
    (release / name).write_bytes(b"")
    assert faults(release) == (f"{name}: {message}",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (".staging", "is what an unfinished run has left; run it again with the same --out, or remove it"),
        (".propagate", "is of a withdrawal that is not finished; run `duologue consent propagate` again"),
        ("shards/more", "is a folder that belongs to no release: remove it"),
    ],
)
def test_a_folder_that_does_not_belong_there_is_named(name: str, message: str, release: Path) -> None:
    (release / name).mkdir()
    assert faults(release) == (f"{name}: {message}",)


def test_a_name_cannot_write_lines_or_colours(release: Path) -> None:
    (release / "x\nall well\x1b[31m").write_bytes(b"")
    (fault,) = faults(release)
    assert fault.startswith("x\\u000aall well\\u001b[31m: is not in dataset.json")


def test_a_pipe_a_folder_and_a_link_in_place_of_a_file_are_found(release: Path) -> None:
    for name in ("index.parquet", "rejected.jsonl", "README.md"):
        (release / name).unlink()
    os.mkfifo(release / "index.parquet")
    (release / "rejected.jsonl").mkdir()
    (release / "README.md").symlink_to("/etc/passwd")
    found = faults(release)
    assert "index.parquet: cannot be read (it is a pipe and not a file; remove it and fetch the release again)" in found
    assert "README.md: cannot be read (it is a link that leads out of the folder; put the file itself there)" in found
    assert any(fault.startswith("rejected.jsonl: cannot be read (it is a folder") for fault in found)


def test_of_very_many_faults_the_rest_is_counted(release: Path) -> None:
    for number in range(250):
        (release / f"x{number:03d}").write_bytes(b"")
    report = verify_release(str(release))
    assert (len(report.faults), report.fault_count) == (201, 250)
    assert report.faults[-1] == "and 50 more faults"


def test_a_manifest_that_cannot_be_read_is_a_fault(release: Path) -> None:
    (release / "dataset.json").write_bytes(b'{"schema": "release/1.0", "schema": "release/1.0"}')
    assert faults(release) == (
        'dataset.json: cannot be read (gives the field "schema" twice in one object; keep one of them)',
    )


@pytest.mark.parametrize("path", ["../index.parquet", "/etc/passwd", "a\\b", "shards/../x", ".x", "a//b"])
def test_a_manifest_names_no_file_outside_of_its_folder(path: str, release: Path) -> None:
    edit_manifest(release, lambda document: document["files"][0].update(path=path))
    assert faults(release)[0].startswith("dataset.json: files[0].path: found ")


def test_a_manifest_names_no_file_twice_and_counts_in_whole_numbers(release: Path) -> None:
    edit_manifest(release, lambda document: document["files"].append(document["files"][0]))
    last = len(json.loads((release / "dataset.json").read_text())["files"]) - 1
    assert faults(release) == (f'dataset.json: files[{last}].path: names "index.parquet" again; keep one of them',)
    edit_manifest(release, lambda document: document["files"].pop())
    edit_manifest(release, lambda document: document["files"][0].update(bytes=5.0))
    assert faults(release) == ("dataset.json: files[0].bytes: found 5.0, expected a whole number",)


@pytest.mark.parametrize("at_once", [1 << 16, 1])
def test_a_table_of_speakers_that_does_not_add_up_is_found(
    release: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue_pipeline.release.verify.speakers._RECORDINGS", at_once)  # one set, and four
    names = [row["speaker"][:12] for row in pq.read_table(release / "speakers.parquet").to_pylist()]

    def edit(rows: list[dict[str, Any]]) -> None:
        rows[0]["speech_s"] += 1.0
        del rows[1]

    edit_rows(release, "speakers", edit)
    assert faults(release) == (
        "dataset.json: tables.speakers.rows is 6, the files hold 5",
        f"speakers.parquet: the row of {names[0]} is not what recordings.parquet adds up to",
        f"speakers.parquet: {names[1]} is not in it",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_times_in_the_tables_that_are_none_are_faults_and_no_crash(release: Path, value: float) -> None:
    edit_rows(release, "recordings", lambda rows: rows[0].update(duration_s=value))
    assert faults(release) == ("recordings.parquet: holds a time of more than any clock shows, or none",)
    edit_rows(release, "index", lambda rows: rows[0].update(start_s=value, end_s=value))
    assert "dataset.json: totals.duration_s is 12.3, the samples have nan" in "\n".join(faults(release))
