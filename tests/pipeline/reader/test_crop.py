"""Crops: what a conversation was before it was cut into segments, cut anew to one length."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import DamagedReleaseError, Sample, open_dataset
from duologue_pipeline.reader.crop import crop_sample
from duologue_pipeline.reader.runs import crop_frames, find_runs
from duologue_pipeline.reader.version import Version
from duologue_schemas import iter_faults

RATE_HZ = 12.5


def make_segments(bounds: list[int], words: list[tuple[int, int]], spans: list[tuple[int, int]]) -> list[Sample]:
    """Segments of a conversation that end at frames, as the pipeline cuts them: words and spans of speaker a, in ms."""
    segments = []
    for number, (first, last) in enumerate(zip([0, *bounds], bounds, strict=False)):
        low, high = 80 * first, 80 * last
        metadata: dict[str, Any] = {
            "key": f"call-{number:05d}",
            "segment": number,
            "start_s": low / 1000,
            "end_s": high / 1000,
            "codec": {"frame_rate_hz": RATE_HZ, "frames": last - first},
            "words": [
                {"speaker": "a", "word": f"w{place}", "start_s": (start - low) / 1000, "end_s": (end - low) / 1000}
                for place, (start, end) in enumerate(words)
                if touches(start, end, low, high)
            ],
            "events": [
                {
                    "speaker": "a",
                    "kind": f"e{place}",
                    "start_s": (start - low) / 1000,
                    "end_s": (end - low) / 1000,
                    "repair": {"start_s": (start - low) / 1000, "end_s": (start - low) / 1000},
                    "owned": start >= low or number == 0,
                }
                for place, (start, end) in enumerate(words)
                if touches(start, end, low, high)
            ],
            "activity": [
                {"speaker": "a", "start_s": (max(start, low) - low) / 1000, "end_s": (min(end, high) - low) / 1000}
                for start, end in spans
                if touches(start, end, low, high)
            ],
        }
        codes = np.broadcast_to(np.arange(first, last, dtype=np.uint16), (2, 3, last - first)).copy()
        segments.append(Sample(f"call-{number:05d}", metadata, codes, None))
    return segments


def touches(start: int, end: int, low: int, high: int) -> bool:
    return start < high and (end > low or start == end == low)


def in_ms(seconds: float) -> int:
    return round(1000 * seconds)


times = st.lists(st.integers(0, 8000), min_size=0, max_size=12)


@settings(max_examples=150, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    starts=times,
    long=st.integers(0, 3000),
    edges=st.lists(st.integers(0, 8000), max_size=10, unique=True).map(sorted),
    data=st.data(),
)
def test_a_crop_is_what_the_pipeline_would_have_cut(
    lengths: list[int], starts: list[int], long: int, edges: list[int], data: st.DataObject
) -> None:
    bounds = np.cumsum(lengths).tolist()
    words = sorted((start, start + (long if place % 3 else 0)) for place, start in enumerate(starts))
    spans = [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=False)]
    start = data.draw(st.integers(0, bounds[0] - 1))
    stop = data.draw(st.integers(start + 1, bounds[-1]))
    segments = make_segments(bounds, words, spans)
    while len(segments) > 1 and round(segments[-1].metadata["start_s"] * RATE_HZ) >= stop:
        segments.pop()  # a crop gets what it touches
    (whole,) = make_segments([bounds[-1]], words, spans)
    crop = crop_sample(segments, start, stop)
    low, high = 80 * start, 80 * stop
    assert (crop.metadata["start_s"], crop.metadata["end_s"]) == (low / 1000, high / 1000)
    assert crop.codes[0, 0].tolist() == list(range(start, stop))
    assert crop.codes.flags["C_CONTIGUOUS"]
    assert crop.metadata["codec"]["frames"] == crop.codes.shape[2]
    for name, mark in (("words", "word"), ("events", "kind")):
        found = [(each[mark], in_ms(each["start_s"]) + low, in_ms(each["end_s"]) + low) for each in crop.metadata[name]]
        expected = [
            (each[mark], in_ms(each["start_s"]), in_ms(each["end_s"]))
            for each in whole.metadata[name]
            if touches(in_ms(each["start_s"]), in_ms(each["end_s"]), low, high)
        ]
        assert sorted(found) == sorted(expected)
    assert all(each["owned"] == (start == 0 or each["start_s"] >= 0) for each in crop.metadata["events"])
    assert all(each["repair"]["start_s"] == each["start_s"] for each in crop.metadata["events"])
    assert [(in_ms(each["start_s"]) + low, in_ms(each["end_s"]) + low) for each in crop.metadata["activity"]] == [
        (max(begin, low), min(end, high)) for begin, end in spans if touches(begin, end, low, high)
    ]


@settings(max_examples=150, deadline=None)
@given(
    frames=st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), min_size=1, max_size=4),
    length=st.integers(1, 45),
    left_out=st.sets(st.integers(0, 19)),
    seed=st.integers(0, 100),
)
def test_every_frame_lies_in_exactly_one_crop(
    frames: list[list[int]], length: int, left_out: set[int], seed: int
) -> None:
    rows = [(number, segment, own) for number, each in enumerate(frames) for segment, own in enumerate(each)]
    rows = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    recording, segment, count = (np.array(column) for column in zip(*rows, strict=True))
    chosen = np.array([place not in left_out for place in range(len(rows))])
    runs = find_runs(recording, segment, count, chosen, length)
    found = []
    for row in range(len(rows)):
        for part in range(runs.units[row]):
            own, start, stop = runs.crop(row, part)
            assert start == runs.starts(np.array([row]), np.array([part]))[0] < count[row]
            assert 0 < stop - start <= length
            assert chosen[own].all()
            assert [recording[row] == recording[each] for each in own] == [True] * len(own)
            assert segment[own].tolist() == list(range(segment[row], segment[row] + len(own)))
            clock = [(int(each), frame) for each in own for frame in range(count[each])]
            found += clock[start:stop]
            assert len(clock) - stop < max(count[own[-1]], 1) or len(own) == 1
    assert sorted(found) == [(row, frame) for row in range(len(rows)) if chosen[row] for frame in range(count[row])]


@pytest.mark.parametrize("crop_s", [0.4, 1.0, 2.0, 3.2, 60.0])
def test_crops_of_a_release_hold_all_codes_once_and_follow_the_schema(release: Path, crop_s: float) -> None:
    whole = list(open_dataset(str(release)))
    crops = list(open_dataset(str(release), crop_s=crop_s))
    for recording, seconds in (("call-1", 5.0), ("call-2", 4.5)):
        own = [crop for crop in crops if crop.metadata["recording_id"] == recording]
        parts = [sample for sample in whole if sample.metadata["recording_id"] == recording]
        joined = np.concatenate([crop.codes for crop in own], axis=2)
        assert (joined == np.concatenate([sample.codes for sample in parts], axis=2)).all()
        assert own[0].metadata["start_s"] == 0
        assert own[-1].metadata["end_s"] == seconds
        assert all(before.metadata["end_s"] == after.metadata["start_s"] for before, after in pairwise(own))
        assert {crop.codes.shape[2] for crop in own[:-1]} <= {round(crop_s * 12.5)}
        pcm = np.concatenate([crop.audio[0] for crop in own if crop.audio], axis=1)
        assert (pcm == np.concatenate([sample.audio[0] for sample in parts if sample.audio], axis=1)).all()
    for crop in crops:
        assert [str(fault) for fault in iter_faults("sample", crop.metadata)] == []
        assert crop.metadata["key"] == crop.key
    shuffled = open_dataset(str(release), crop_s=crop_s, shuffle=3)
    assert sorted(crop.key for crop in shuffled) == sorted(crop.key for crop in crops) == sorted(shuffled.keys())
    assert len(shuffled) == len(crops)
    again = shuffled[crops[-1].key]
    assert (again.codes == crops[-1].codes).all()
    with pytest.raises(KeyError):
        shuffled["call-1-00000"]


def test_samples_are_left_as_they_are(release: Path) -> None:
    before = open_dataset(str(release))["call-1-00001"]
    sample = replace(before, metadata={**before.metadata})
    crop_sample([sample], 3, 9)
    assert sample.metadata == before.metadata


@pytest.mark.parametrize("crop_s", [0, -1, 0.03, float("nan"), float("inf"), True, "2"])
def test_what_is_no_length_is_refused(release: Path, crop_s: Any) -> None:
    with pytest.raises(
        UsageError, match=r"^crop_s .*: expected a length in seconds, at least one frame of 0\.08 s; or None"
    ):
        open_dataset(str(release), crop_s=crop_s)


def test_a_length_is_the_nearest_number_of_frames() -> None:
    assert [crop_frames(seconds, 12.5) for seconds in (0.05, 10, 0.5, 20.03)] == [1, 125, 6, 250]


def test_a_sample_whose_words_have_no_times_is_damaged(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.reader.crop._ms", lambda seconds: seconds["no number"])
    with pytest.raises(
        DamagedReleaseError, match=r"no crop can be cut of call-1-00000 .*; the shard is damaged: fetch it"
    ):
        next(iter(open_dataset(str(release), crop_s=1.0)))


@settings(max_examples=100, deadline=None)
@given(
    frames=st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=5), min_size=1, max_size=4),
    length=st.integers(1, 45),
    struck=st.sets(st.integers(0, 19)),
)
def test_a_crop_is_known_to_touch_what_it_is_made_of(frames: list[list[int]], length: int, struck: set[int]) -> None:
    rows = [(number, segment, own) for number, each in enumerate(frames) for segment, own in enumerate(each)]
    recording, segment, count = (np.array(column) for column in zip(*rows, strict=True))
    runs = find_runs(recording, segment, count, np.ones(len(rows), bool), length)
    marked = np.array([place in struck for place in range(len(rows))])
    units = [(row, part) for row in range(len(rows)) for part in range(runs.units[row])]
    expected = [any(marked[runs.crop(row, part)[0]]) for row, part in units]
    row, part = np.array(units, np.int64).reshape(-1, 2).T
    assert runs.touching(row, part, marked).tolist() == expected


def test_a_key_of_a_crop_is_written_in_one_way(release: Path) -> None:
    dataset = open_dataset(str(release), crop_s=1.0)
    assert "call-1-00000-f00000" in dataset
    for key in ("call-1-00000-f0", "call-1-00000-f000000", "call-1-00000-f\u0660", "call-1-00000", "\ud800"):
        assert key not in dataset
        with pytest.raises(KeyError, match="no such sample"):
            dataset[key]


def test_of_a_recording_that_lost_its_beginning_nothing_is_cut_anew(release: Path) -> None:
    """Crops of 30 frames over samples of 25, 25 and 13: as many begin in each of the last two as before, at other frames."""
    dataset = open_dataset(str(release), crop_s=2.4)
    index, plan = dataset._reading._version.index, dataset._reading.plan
    left = pc.not_equal(index.keys, "call-1-00000")
    kept = np.asarray(left)
    later = replace(
        index,
        keys=index.keys.filter(left),
        recording=index.recording.filter(left),
        **{name: getattr(index, name)[kept] for name in ("shard", "offset", "size", "segment", "frames", "chosen")},
    )
    version = Version(str(release), later, plan, 30)
    units = np.arange(len(plan))
    of_call_1 = [key.startswith("call-1") for key in plan.keys.take(pa.array(plan.sample)).to_pylist()]
    assert [version.find(unit) is None for unit in range(len(plan))] == version.gone(units).tolist() == of_call_1
