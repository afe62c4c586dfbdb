import subprocess
import sys
from typing import Any

import pytest

from duologue_schemas import Fault, iter_faults, load_schema


def make_recording(**fields: Any) -> dict[str, Any]:
    tracks = [{"speaker_id": "ann", "uri": "a.flac"}, {"speaker_id": "ben", "uri": "b.flac"}]
    return {"recording_id": "call-1", "tracks": tracks, **fields}


def fields_of(document: object, name: str = "recording") -> list[str]:
    return [fault.field for fault in iter_faults(name, document)]


def test_unknown_schema_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="there is no schema 'recordings'; choose one of recording, words, sample"):
        load_schema("recordings")
    with pytest.raises(ValueError, match="there is no schema"):
        list(iter_faults("nonsense", {}))


@pytest.mark.parametrize("recording_id", ["a", "7", "call-0001", "A_b-9", "x" * 128])
def test_recording_id_allowed(recording_id: str) -> None:
    assert fields_of(make_recording(recording_id=recording_id)) == []


@pytest.mark.parametrize("recording_id", ["", "-a", "_a", "a b", "a.b", "a/b", "..", "é", "a\n", "x" * 129, 7, None])
def test_recording_id_refused(recording_id: object) -> None:
    assert fields_of(make_recording(recording_id=recording_id)) == ["recording_id"]


@pytest.mark.parametrize(
    "tag", ["en", "en-US", "zh-Hant-TW", "es-419", "gsw-CH", "sl-rozaj", "de-CH-1996", "en-x-call"]
)
def test_language_allowed(tag: str) -> None:
    assert fields_of(make_recording(language=tag)) == []


@pytest.mark.parametrize("tag", ["", "english", "e", "en_US", "en-", "en US"])
def test_language_refused(tag: str) -> None:
    assert set(fields_of(make_recording(language=tag))) == {"language"}


@pytest.mark.parametrize(
    "time", ["2026-03-01T10:00:00Z", "2024-02-29T23:59:59.123456789-05:30", "2026-03-01T10:00:00+00:00", "2026-03-01"]
)
def test_started_at_allowed(time: str) -> None:
    assert fields_of(make_recording(started_at=time)) == []


@pytest.mark.parametrize(
    "time",
    [
        "2026",
        "2026-03",
        "20260301",
        "2026-02-29",
        "2026-W10-1",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:00:00+25:00",
        "0001-01-01T00:00:00+14:00",
        "2026-03-01T10:00:00Z\n",
    ],
)
def test_started_at_refused(time: str) -> None:
    assert fields_of(make_recording(started_at=time)) == ["started_at"]


def test_one_file_with_two_channels_is_two_tracks() -> None:
    tracks = [{"speaker_id": "ann", "uri": "c.wav"}, {"speaker_id": "ben", "uri": "c.wav", "channel": 1}]
    assert fields_of(make_recording(tracks=tracks)) == []


def test_default_channel_counts_as_channel_0() -> None:
    tracks = [{"speaker_id": "ann", "uri": "c.wav", "channel": 0}, {"speaker_id": "ben", "uri": "c.wav"}]
    assert fields_of(make_recording(tracks=tracks)) == ["tracks[1].uri"]


@pytest.mark.parametrize(
    ("value", "name"), [(float("nan"), "NaN"), (float("inf"), "Infinity"), (float("-inf"), "-Infinity")]
)
def test_numbers_that_json_cannot_hold_are_refused(value: float, name: str) -> None:
    recording = make_recording()
    recording["tracks"][0]["offset_s"] = value
    message = f"found {name}, expected a finite number; correct it"
    assert list(iter_faults("recording", recording)) == [Fault("tracks[0].offset_s", message)]


def test_deep_nesting_in_an_own_field_is_no_fault() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    assert fields_of(make_recording(x_tree=nested)) == []


def test_order_of_faults_does_not_depend_on_the_order_of_fields() -> None:
    document = {"zz": 1, "aa": 2, **make_recording(language="?", setting=3)}
    backwards = dict(reversed(document.items()))
    assert list(iter_faults("recording", document)) == list(iter_faults("recording", backwards))
    assert fields_of(document) == ["aa", "language", "setting", "zz"]


def test_list_places_are_ordered_as_numbers() -> None:
    words = [{"word": "", "start_s": 0, "end_s": 1} for _ in range(11)]
    assert fields_of(words, "words") == [f"[{place}].word" for place in range(11)]


def test_odd_field_names_are_quoted() -> None:
    assert fields_of(make_recording(**{"a b\n": 1})) == ['["a b\\n"]']


@pytest.mark.parametrize(
    "document",
    [
        *(None, True, 0, "text", [], {}, [[]]),
        {"tracks": [None, 3]},
        {"tracks": {"a": 1}},
        {"isolation": {"measurements": [None, {}, {"direction": [], "name": {}}]}, "activity": [1]},
        {"isolation": [], "activity": {}, "words": [None, {"speaker": []}], "transcripts": {"a": False}},
        {"activity": [{"start_s": "0", "end_s": 1, "speaker": "a"}, {}], "words": 3, "transcripts": []},
    ],
)
@pytest.mark.parametrize("name", ["recording", "sample", "release", "rejected"])
def test_documents_of_any_shape_are_judged_without_an_error(name: str, document: object) -> None:
    assert all(fault.message for fault in iter_faults(name, document))
    assert fields_of(document, name)


def test_schemas_load_without_pyarrow() -> None:
    code = "import duologue_schemas, sys; duologue_schemas.load_schema('sample'); print('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout == "False\n"
