"""VAP, MultiTalk and DualTurn: windows, inputs and labels are what their readers take."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.views import activity_labels, dualturn_labels, vap_labels
from tests.pipeline.export.formats.samples import conversation, export


def vap_rows(folder: Path) -> list[dict[str, str]]:
    """The rows as pandas reads them."""
    with (folder / "train.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_vap_windows_speak_of_two_seconds_more_than_they_hold(tmp_path: Path) -> None:
    sample = conversation()[0]
    export("vap", [sample], tmp_path)
    rows = vap_rows(tmp_path)
    assert list(rows[0]) == ["audio_path", "start", "end", "vad_list", "session", "dataset"]
    assert [(row["start"], row["end"]) for row in rows] == [("0.0", "5.0"), ("3.24", "8.24")]  # of 10.24 s
    active = activity_labels(sample, frame_ms=10)
    for row in rows:
        first, found = round(float(row["start"]) * 100), np.zeros((2, 700), np.uint8)
        for channel, spans in enumerate(json.loads(row["vad_list"])):
            for start_s, end_s in spans:
                assert 0 <= start_s < end_s <= 7
                found[channel, round(start_s * 100 - 0.5 + 1e-9) : round(end_s * 100 - 0.5 + 1e-9)] = 1
        differ = found != active[:, first : first + 700]
        assert differ.mean() < 0.02  # edges of 10 ms
    assert soundfile.info(tmp_path / rows[0]["audio_path"]).channels == 2


def test_all_classes_that_a_sample_has_lie_in_windows(tmp_path: Path) -> None:
    sample = conversation()[0]
    export("vap", [sample], tmp_path)
    covered = max(float(row["end"]) for row in vap_rows(tmp_path))
    assert len(vap_labels(sample)) / 50 == pytest.approx(covered, abs=0.02)


def test_samples_too_short_for_a_window_are_left_out(tmp_path: Path) -> None:
    samples = conversation()
    result = export("vap", samples, tmp_path, options={"window_s": 20})
    assert result.samples_left_out == {"too_short": len(samples)}
    assert vap_rows(tmp_path) == []
    with pytest.raises(UsageError, match="window_s 0: expected 1 to 600 seconds"):
        export("vap", samples, tmp_path / "x", options={"window_s": 0})


def multitalk_faults(document: dict[str, Any], folder: Path) -> list[str]:
    """What generate_multitalk.py needs of its input, in our words."""
    found = [name for name in ("prompt", "cond_image", "audio_type", "cond_audio") if name not in document]
    if document.get("audio_type") not in ("para", "add"):
        found.append("audio_type")
    driven = document.get("cond_audio", {})
    if list(driven) != ["person1", "person2"] or set(driven.values()) == {"None"}:
        found.append("cond_audio")
    there = [folder / path for path in driven.values() if path != "None"]
    if not all(path.is_file() for path in there):
        found.append("no file")
    elif document.get("audio_type") == "para" and len({soundfile.info(path).frames for path in there}) > 1:
        found.append("lengths")
    return found


def test_multitalk_gets_two_tracks_of_one_length_on_one_clock(tmp_path: Path) -> None:
    samples = conversation()
    export("multitalk", samples, tmp_path)
    documents = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [multitalk_faults(document, tmp_path) for document in documents] == [[]] * len(samples)
    assert json.loads((tmp_path / "train-00000" / f"{samples[0].key}.json").read_text()) == documents[0]
    for side, person in enumerate(("person1", "person2")):
        pcm, _ = soundfile.read(tmp_path / documents[0]["cond_audio"][person], dtype="float32")
        assert samples[0].audio is not None
        assert np.array_equal(pcm, samples[0].audio[0][side])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"audio_type": "parallel"}, "audio_type"),
        ({"cond_audio": {"person1": "None", "person2": "None"}}, "cond_audio"),
        ({"cond_audio": {"a": "None", "b": "None"}}, "cond_audio"),
        ({"cond_audio": {"person1": "nowhere.flac", "person2": "None"}}, "no file"),
    ],
)
def test_each_wrong_input_of_multitalk_is_seen(change: dict[str, Any], fault: str, tmp_path: Path) -> None:
    export("multitalk", conversation(), tmp_path)
    document = json.loads((tmp_path / "train.jsonl").read_text().splitlines()[0])
    assert fault in multitalk_faults({**document, **change}, tmp_path)


def test_a_silenced_person_of_multitalk_is_none(tmp_path: Path) -> None:
    sample = conversation()[0]
    sample.metadata["speakers"]["b"]["commitment"] = "withdrawn"
    export("multitalk", [sample], tmp_path, options={"root": "/data"})
    driven = json.loads((tmp_path / "train.jsonl").read_text())["cond_audio"]
    assert driven == {"person1": f"/data/train-00000/{sample.key}-a.flac", "person2": "None"}


def test_numpy_reads_the_labels_of_dualturn(tmp_path: Path) -> None:
    samples = conversation()
    export("dualturn", samples, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    for row, sample in zip(rows, samples, strict=True):
        with np.load(tmp_path / row["labels"]) as found:
            wanted = dualturn_labels(sample)
            assert set(found.files) == set(wanted)
            assert all(np.array_equal(found[name], array) for name, array in wanted.items())
            assert found["vad"].shape == (2, row["frames"])
        assert (tmp_path / row["audio"]).read_bytes() == sample.flac
