"""Choosing samples by the columns of the tables, before a shard is read."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.tables import read_table, write_table
from duologue_pipeline.reader import DamagedReleaseError, open_dataset
from duologue_pipeline.reader.where import chosen_recordings, chosen_samples, parse_where
from duologue_schemas.tables import INDEX, RECORDINGS

KEYS = ["call-1-00000", "call-1-00001", "call-1-00002", "call-2-00000", "call-2-00001"]


def put_table(release: Path, path: str, table: pa.Table, *, instead_of: str | None = None) -> None:
    """Puts a table into a release, and its hash into dataset.json."""
    write_table(str(release / path), table)
    data = (release / path).read_bytes()
    entry = {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    document = json.loads((release / "dataset.json").read_text())
    document["files"] = [each for each in document["files"] if each["path"] not in (path, instead_of)] + [entry]
    (release / "dataset.json").write_text(json.dumps(document))


@pytest.mark.filterwarnings("ignore:.*fulfils all conditions of where")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ([], KEYS),
        ([("recording_id", "==", "call-2")], KEYS[3:]),
        ([("recording_id", "!=", "call-2")], KEYS[:3]),
        ([("key", "in", ["call-1-00001", "call-2-00000", "no-such"])], [KEYS[1], KEYS[3]]),
        ([("key", "not in", ("call-1-00001", "call-2-00000"))], [KEYS[0], KEYS[2], KEYS[4]]),
        ([("segment", ">=", 1), ("segment", "<", 2)], [KEYS[1], KEYS[4]]),
        ([("segment", "<=", 0.5)], [KEYS[0], KEYS[3]]),
        ([("start_s", ">", 2)], [KEYS[2]]),
        ([("frames", "in", [])], []),
        ([("isolation", "==", "pass")], KEYS),
        ([("duration_s", ">", 4.6)], KEYS[:3]),  # a column of recordings
        ([("duration_s", "<=", 5), ("segment", "==", 1)], [KEYS[1], KEYS[4]]),
        ([("words_a", "==", True)], []),
        ([("bleed_db_a_from_b", "<", 0)], []),  # null everywhere, and null matches nothing
        ([("bleed_db_a_from_b", "!=", 0)], []),
        ([("bleed_db_a_from_b", "not in", [0.0])], []),
    ],
)
def test_conditions_choose_samples(release: Path, where: list[Any], expected: list[str]) -> None:
    dataset = open_dataset(str(release), where=where)
    assert [sample.key for sample in dataset] == dataset.keys() == expected
    assert len(dataset) == len(expected)
    assert sorted(sample.key for sample in open_dataset(str(release), where=where, shuffle=1)) == sorted(expected)


def test_only_what_is_chosen_is_read(release: Path) -> None:
    """A damaged sample that is not chosen does not matter."""
    (shard,) = (release / "shards").glob("train-*.tar")
    content = bytearray(shard.read_bytes())
    content[content.index(b"call-2-00000.json") + 3] ^= 1
    shard.write_bytes(content)
    assert len(list(open_dataset(str(release), where=[("recording_id", "==", "call-1")]))) == 3
    with pytest.raises(DamagedReleaseError):
        list(open_dataset(str(release)))
    with pytest.raises(
        KeyError, match=r"call-2-00000: no such sample is read from the split train, or it was withdrawn"
    ):
        open_dataset(str(release), where=[("recording_id", "==", "call-1")])["call-2-00000"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            [("tongue", "==", "en")],
            r"^where \('tongue', '==', 'en'\): there is no column 'tongue'; the columns are key, shard, ",
        ),
        ([("lang", "==", "en")], r"there is no column 'lang'; did you mean language\?; the columns are key, shard, "),
        ([("language", "=", "en")], r"there is no operator '='; expected one of ==, !=, <, <=, >, >=, in, not in$"),
        ([("language", "==", 3)], r"^where \('language', '==', 3\): the column language holds text, and 3 is none$"),
        ([("segment", "<", "3")], r"the column segment holds a number, and '3' is none$"),
        ([("segment", "==", True)], r"the column segment holds a number, and True is none$"),
        ([("segment", "==", None)], r"the column segment holds a number, and None is none$"),
        ([("words_a", "==", 1)], r"the column words_a holds true or false, and 1 is none$"),
        ([("words_a", "<", True)], r"the column words_a is true or false; compare it with == or !=$"),
        ([("language", "in", "en-US")], r"in needs a list of values$"),
        ([("language", "in", ["en-US", 3])], r"the column language holds text, and 3 is none$"),
        (
            [("purposes", "==", "training_inhouse")],
            r"the column purposes holds lists \(list<.*\), which are not compared$",
        ),
        ([("language", "==")], r"^where \('language', '=='\): expected \(column, operator, value\) such as"),
        ("language", r"^where 'language': expected a list of conditions such as"),
        (
            [("start_s", "==", 2**55 + 1)],
            r"36028797018963969 lies between two doubles, as which it is compared; give 3",
        ),
        ([("segment", "in", [2**55 + 1, 1.5])], r"36028797018963969 lies between two doubles"),
        ([("segment", {}, 1)], r"there is no operator {}; expected one of"),
        ([("key", "==", "\ud800")], r"the column key holds text, and '\\ud800' is none$"),
        (3, r"^where 3: expected a list of conditions such as"),
        (None, r"^where None: expected a list of conditions such as"),
        ([("segment", "<", 2**70)], r"the column segment holds a number, and 1180591620717411303424 is none$"),
    ],
)
def test_what_is_no_condition_is_refused(release: Path, where: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_dataset(str(release), where=where)


def test_a_column_that_the_release_lacks_is_named() -> None:
    index = pa.Table.from_pylist([], schema=INDEX).drop_columns(["words"])
    recordings = pa.Table.from_pylist([], schema=RECORDINGS).drop_columns(["gain_db"])
    with pytest.raises(
        UsageError, match=r"^where \('words', '==', True\): the release has no column words: it was made before"
    ):
        chosen_samples(parse_where([("words", "==", True)]), index)
    with pytest.raises(UsageError) as raised:
        chosen_recordings(parse_where([("gain_db", "<", 0)]), [recordings])
    assert str(raised.value) == (
        "where ('gain_db', '<', 0): the release has no column gain_db: it was made before there was one; make the release "
        "again, or leave the condition out"
    )


# --- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["index", "recordings"])
def test_a_table_may_be_a_folder_of_files(release: Path, table: str) -> None:
    options: dict[str, Any] = {"where": [("duration_s", ">", 4.6)]}
    whole = read_table(str(release / f"{table}.parquet"))
    (release / f"{table}.parquet").unlink()
    (release / table).mkdir()
    for number, start in enumerate(range(0, len(whole), 2)):
        put_table(release, f"{table}/part-{number:05d}.parquet", whole.slice(start, 2), instead_of=f"{table}.parquet")
    assert [sample.key for sample in open_dataset(str(release))] == KEYS
    assert [sample.key for sample in open_dataset(str(release), **options)] == KEYS[:3]


def test_a_table_that_is_not_of_the_release_is_refused(release: Path) -> None:
    index = read_table(str(release / "index.parquet"))
    write_table(str(release / "index.parquet"), index.slice(1))
    with pytest.raises(
        DamagedReleaseError, match=r"index\.parquet: is not the file that dataset\.json names; it was changed"
    ):
        open_dataset(str(release))
    put_table(release, "index.parquet", index.slice(1))
    with pytest.raises(
        DamagedReleaseError, match=r"index\.parquet: says that 'call-1-00001' takes \d+ bytes of shards/"
    ):
        open_dataset(str(release))
    put_table(release, "index.parquet", pa.concat_tables([index, index]))
    with pytest.raises(DamagedReleaseError, match=r"index\.parquet: has 12 rows, and dataset\.json allows for 6"):
        open_dataset(str(release))


def test_an_index_that_names_another_sample_is_found(release: Path) -> None:
    index = read_table(str(release / "index.parquet"))
    keys = index["key"].to_pylist()
    keys[0], keys[1] = keys[1], keys[0]
    put_table(release, "index.parquet", index.set_column(0, index.schema.field("key"), pa.array(keys)))
    with pytest.raises(
        DamagedReleaseError, match=r"holds call-1-00000 where the index names the sample call-1-00001: fetch it"
    ):
        list(open_dataset(str(release)))


def test_a_choice_of_nothing_is_told(release: Path) -> None:
    with pytest.warns(UserWarning, match=r"no sample of the split train fulfils all conditions of where"):
        dataset = open_dataset(str(release), where=[("segment", ">", 99)])
    assert len(dataset) == 0
