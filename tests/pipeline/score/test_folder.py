"""A folder of items: what is found, refused and scored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.score.folder import score_folder
from duologue_pipeline.score.text import score_text
from duologue_schemas import iter_faults
from tests.pipeline.score.support import demo_items

Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_items(tmp_path_factory.mktemp("items"))


def test_the_human_second_speaker_gets_the_figures_of_the_events(items: Path) -> None:
    told: list[tuple[int, int]] = []
    document = score_folder(items, tell=lambda done, count, hours: told.append((done, count)))
    assert list(iter_faults("duplex_score", document)) == []
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert list(document["languages"]) == ["en"]
    assert document["languages"]["en"] == document["all"]
    # the figures that the demo's release publishes for speaker b (tests/end_to_end/test_score.py makes it)
    scored = document["all"]
    assert (scored["backchannels"]["per_minute"]["part"], scored["floor"]["floor_transfer_offset_s"]["count"]) == (
        1,
        23,
    )
    assert document["rules"]["events"] in score_text(document)


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    return demo_items(tmp_path, names=("demo-garden",))


def test_a_model_that_says_nothing_is_scored_and_takes_no_turn(garden: Path) -> None:
    wav = garden / "demo-garden" / "output.wav"
    length, rate_hz = soundfile.info(wav).frames, soundfile.info(wav).samplerate
    soundfile.write(wav, np.zeros(length, np.int16), rate_hz)
    (garden / "demo-garden" / "output.json").unlink()
    document = score_folder(garden)
    assert document["isolation"] == {"silent": 1}
    scored = document["all"]
    assert (scored["take_over"]["answered"]["part"], scored["speech"]["model_share_of_time"]["value"]) == (0, 0)
    assert list(iter_faults("duplex_score", document)) == []


def test_a_pack_that_no_model_has_answered_says_what_to_do_next(garden: Path) -> None:
    (garden / "demo-garden" / "output.wav").unlink()
    with pytest.raises(UsageError, match=r"no item has output.wav, .*let the model answer each input.wav"):
        score_folder(garden)
    with pytest.raises(UsageError, match=r"no item has my.wav"):
        score_folder(garden, output="my.wav")


def test_a_model_that_never_stops_talking_takes_over_in_the_pauses(garden: Path) -> None:
    folder = garden / "demo-garden"
    (folder / "output.json").unlink()
    rate_hz, length = soundfile.info(folder / "output.wav").samplerate, soundfile.info(folder / "output.wav").frames
    speech, _ = soundfile.read(folder / "output.wav", dtype="int16")
    soundfile.write(folder / "output.wav", np.resize(speech[np.abs(speech) > 300], length), rate_hz)
    (folder / "pause.json").write_text('[{"timestamp": [10.0, 10.6]}]')
    assert score_folder(garden)["tasks"]["pause_handling"]["take_over"]["part"] == 1


def test_other_rates_of_the_two_files_change_little(garden: Path) -> None:
    before = score_folder(garden, with_words=False)["all"]
    wav = garden / "demo-garden" / "output.wav"
    pcm, rate_hz = soundfile.read(wav, dtype="float32")
    assert rate_hz == 16_000
    soundfile.write(wav, np.repeat(pcm, 3), 48_000)
    after = score_folder(garden, with_words=False)["all"]
    assert after["take_over"]["after_user_turns"]["whole"] == before["take_over"]["after_user_turns"]["whole"]
    assert after["hours"] == pytest.approx(before["hours"], abs=1e-6)


def cut(item: Path) -> None:
    pcm, rate_hz = soundfile.read(item / "output.wav", dtype="int16")
    soundfile.write(item / "output.wav", pcm[: -2 * rate_hz], rate_hz)


def truncate(item: Path) -> None:
    data = (item / "output.wav").read_bytes()
    (item / "output.wav").write_bytes(data[: len(data) // 2])


def stereo(item: Path) -> None:
    pcm, rate_hz = soundfile.read(item / "output.wav")
    soundfile.write(item / "output.wav", np.stack([pcm, pcm], axis=1), rate_hz)


def not_finite(item: Path) -> None:
    pcm, rate_hz = soundfile.read(item / "output.wav", dtype="float32")
    pcm[100] = np.nan
    soundfile.write(item / "output.wav", pcm, rate_hz, subtype="FLOAT")


def echo(item: Path) -> None:
    (item / "output.wav").write_bytes((item / "input.wav").read_bytes())


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [
        (lambda item: (item / "input.wav").unlink(), "demo-garden/input.wav: is not there"),
        (cut, r"demo-garden: input.wav lasts 4\d.\d\d s and output.wav 4\d.\d\d s"),
        (truncate, "demo-garden"),
        (echo, "demo-garden: .*hold the same samples"),
        (
            lambda item: (item / "output.wav").write_bytes(b"RIFF"),
            "demo-garden/output.wav: is no audio that can be read",
        ),
        (lambda item: (item / "item.json").write_text("[1]"), "demo-garden/item.json: expected"),
        (
            lambda item: (item / "pause.json").write_text('[{"timestamp": [3, 2]}]'),
            "demo-garden/pause.json: expected times",
        ),
        (
            lambda item: (item / "item.json").write_text('{"language": "../en"}'),
            "language '../en': expected a BCP 47 tag",
        ),
        (stereo, "demo-garden/output.wav: has 2 channels, expected one"),
        (not_finite, "demo-garden: output.wav channel 0: the samples hold NaN"),
        (lambda item: (item / "pause.json").write_text("[]"), "demo-garden/pause.json: expected times"),
        (lambda item: (item / "turn_taking.json").write_text("nonsense"), "demo-garden/turn_taking.json: is no JSON"),
    ],
    ids=[
        "missing",
        "unequal",
        "truncated",
        "echo",
        "no audio",
        "item",
        "order",
        "language",
        "stereo",
        "nan",
        "no moment",
        "no json",
    ],
)
def test_an_item_that_cannot_be_scored_is_refused_by_its_name(garden: Path, break_it: Change, fault: str) -> None:
    break_it(garden / "demo-garden")
    with pytest.raises(UsageError, match=fault):
        score_folder(garden)


def test_all_faults_are_told_at_once_and_nothing_is_scored(tmp_path: Path) -> None:
    for name in ("1", "2", "10"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "input.wav", np.zeros(8000, np.int16), 8000)
    (tmp_path / "10" / "output.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError) as raised:
        score_folder(tmp_path)
    assert "3 items cannot be scored, so nothing is: 1/output.wav: is not there" in str(raised.value)
    assert str(raised.value).index("2/output.wav") < str(raised.value).index("10/output.wav")


def test_several_processes_give_the_same_figures(items: Path) -> None:
    assert score_folder(items, jobs=2) == score_folder(items)


def test_a_folder_without_items_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no item"):
        score_folder(tmp_path)
    with pytest.raises(UsageError, match="no such folder"):
        score_folder(tmp_path / "none")


# --- tasks ----------------------------------------------------------------------------------------------------------


def test_what_an_item_is_about_is_scored_beside_the_formula_of_the_benchmark(tmp_path: Path) -> None:
    root = demo_items(tmp_path / "pack" / "smooth_turn_taking", names=("demo-garden",)).parent
    item = root / "smooth_turn_taking" / "demo-garden"
    (item / "turn_taking.json").write_text('[{"text": "[TURN-TAKING]", "timestamp": [3.0, 3.2]}]')
    task = score_folder(root)["tasks"]["smooth_turn_taking"]
    assert (task["items"], task["take_over"]["value"], task["full_duplex_bench"]["take_over"]) == (1, 1.0, 1.0)
    assert task["latency_s"]["count"] == 1


def test_the_backchannel_task_compares_with_the_ground_truth(tmp_path: Path) -> None:
    root = demo_items(tmp_path / "pack" / "backchannel", names=("demo-garden",)).parent
    truth: dict[str, Any] = {"demo-garden": [0.25] * 4}
    (root / "icc_gt_distribution.json").write_text(json.dumps(truth))
    task = score_folder(root)["tasks"]["backchannel"]
    assert task["jsd"]["items"] == 1
    assert 0 < task["jsd"]["mean"] <= 1
    (root / "icc_gt_distribution.json").write_text("{}")
    with pytest.raises(UsageError, match="has no list of shares for the item 'demo-garden'"):
        score_folder(root)


def test_a_silent_model_with_an_empty_transcript_takes_no_turn_by_either_rule(tmp_path: Path) -> None:
    root = demo_items(tmp_path / "pack" / "smooth_turn_taking", names=("demo-garden",)).parent
    item = root / "smooth_turn_taking" / "demo-garden"
    (item / "turn_taking.json").write_text('[{"text": "[TURN-TAKING]", "timestamp": [3.0, 3.2]}]')
    info = soundfile.info(item / "output.wav")
    soundfile.write(item / "output.wav", np.zeros(info.frames, np.int16), info.samplerate)
    (item / "output.json").write_text('{"text": "", "chunks": []}')
    task = score_folder(root)["tasks"]["smooth_turn_taking"]
    assert (task["take_over"]["part"], task["full_duplex_bench"]["items"], task["full_duplex_bench"]["take_over"]) == (
        0,
        1,
        0,
    )
