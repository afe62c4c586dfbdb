"""Who owns what crosses a cut is held against the times, and both sides of a cut against each other."""

from typing import Any

import pyarrow as pa
import pytest

from duologue_pipeline.release.verify.owners import ADJOINING, CutCheck, adjoining_faults, owner_faults
from duologue_schemas.tables import INDEX


def sample(segment: int, *words: tuple[str, float, float, bool], **fields: Any) -> dict[str, Any]:
    """A sample of 2 s with words (word, start_s, end_s, owned) of speaker a."""
    listed = [{"speaker": "a", "word": w, "start_s": s, "end_s": e, "owned": o} for w, s, e, o in words]
    made: dict[str, Any] = {"recording_id": "call-1", "segment": segment, "words": listed, "events": []}
    return made | {"start_s": 2.0 * segment, "end_s": 2.0 * segment + 2.0} | fields


def cut_faults(*documents: dict[str, Any]) -> list[str]:
    check = CutCheck()
    return [fault for document in documents for fault in check.faults(document)]


BEFORE = sample(0, ("early", -0.1, 0.2, True), ("over", 1.9, 2.1, True))
AFTER = sample(1, ("over", -0.1, 0.1, False), ("late", 1.9, 2.5, True))


def test_a_whole_recording_has_no_fault_in_any_order() -> None:
    for document in (BEFORE, AFTER):
        assert list(owner_faults(document)) == []
    assert cut_faults(BEFORE, AFTER) == cut_faults(AFTER, BEFORE) == []


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ([("over", -0.1, 0.1, True)], "json: words[0].owned is true, and it begins at -0.1 s of sample 1"),
        ([("in", 0.5, 0.6, False)], "json: words[0].owned is false, and it begins at 0.5 s of sample 1"),
    ],
)
def test_an_owner_that_the_times_deny_is_found(words: Any, fault: str) -> None:
    assert list(owner_faults(sample(1, *words))) == [fault]


def test_a_sample_that_does_not_say_who_owns_is_found_where_the_index_counts_by_it() -> None:
    document = sample(0, ("in", 0.5, 0.6, True), ("on", 0.7, 0.8, True))
    for word in document["words"]:
        del word["owned"]
    assert list(owner_faults(document)) == ["json: words[0].owned is missing, and index.parquet counts by it"]


def test_what_one_side_of_a_cut_lacks_is_found() -> None:
    fault = "json: words that cross the cut before sample 1 are not the same on both sides ('over' of a)"
    assert cut_faults(BEFORE, sample(1)) == [fault]
    assert cut_faults(sample(0), AFTER) == [fault]
    assert cut_faults(sample(1, ("over", -0.2, 0.1, False)), BEFORE) == [fault]  # it began at another time


def test_recordings_are_kept_apart_and_a_neighbour_that_is_not_there_is_no_fault() -> None:
    assert cut_faults(BEFORE, sample(1, recording_id="call-2"), sample(3)) == []


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"segment": 2}, ["index.parquet: k1 is segment 2 and begins at 2.0 s, expected 1 and 2.0 s"]),
        ({"start_s": 2.5}, ["index.parquet: k1 is segment 1 and begins at 2.5 s, expected 1 and 2.0 s"]),
        ({"recording_id": "d"}, ["index.parquet: k1 is segment 1 and begins at 2.0 s, expected 0 and 0.0 s"]),
    ],
)
def test_samples_that_do_not_adjoin_are_found(changes: dict[str, Any], faults: list[str]) -> None:
    rows = [
        {"recording_id": "c", "segment": n, "key": f"k{n}", "start_s": 2.0 * n, "end_s": 2.0 * n + 2} for n in (0, 1)
    ]
    rows[1] |= changes
    index = pa.Table.from_pylist(rows[::-1], pa.schema([INDEX.field(name) for name in ADJOINING]))
    assert list(adjoining_faults(index)) == faults
    assert list(adjoining_faults(pa.concat_tables([index[1:], index[:1]]))) == faults
