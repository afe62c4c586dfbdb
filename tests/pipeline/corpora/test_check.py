"""``duologue corpus check``: a few recordings of a Switchboard folder made of the sample's conversations, one with its sides exchanged."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_pipeline.corpora.check import sample_of
from duologue_pipeline.demo import demo_files
from tests.pipeline.corpora.conftest import Prepare
from tests.pipeline.corpora.support import text

DEMO = demo_files().manifest.parent


def switchboard(root: Path, number: int, name: str, *, exchanged: bool = False, seconds: float | None = None) -> None:
    """Writes a conversation of the sample as Switchboard has its calls: mu-law SPHERE, and a word file a side."""
    pcm, rate_hz = soundfile.read(DEMO / f"audio/{name}.flac", dtype="float32")
    pcm = soxr.resample(pcm, rate_hz, 8000)
    pcm = pcm if seconds is None else pcm[: int(seconds * 8000)]
    path = root / f"swb1_d1/data/sw0{number}.sph"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.clip(pcm, -1, 1), 8000, format="NIST", subtype="ULAW")
    for side, letter in zip("ba" if exchanged else "ab", "AB", strict=True):
        words = json.loads((DEMO / f"words/{name}.{side}.json").read_text())
        rows = [
            f"sw{number}{letter}-ms98-a-0001 {each['start_s']:.6f} {each['end_s']:.6f} {each['word'].replace(' ', '')}"
            for each in words
        ]
        where = root / f"swb_ms98_transcriptions/{number // 100}/{number}"
        text(where / f"sw{number}{letter}-ms98-a-word.text", "\n".join(rows) + "\n")


@pytest.fixture
def corpus(tmp_path: Path, prepare: Prepare) -> Path:
    root = tmp_path / "swb1"
    switchboard(root, 2001, "demo-friends")
    switchboard(root, 2005, "demo-garden", exchanged=True)
    text(root / "doc/conv.tab", "2001,x,1001,1002\n2005,x,1003,1004\n")
    found = prepare("switchboard", root)
    assert found.exit_code == 0, found.said
    return found.out


def test_check_finds_transcripts_on_the_wrong_track_and_the_same_audio_twice(corpus: Path) -> None:
    copied = corpus / "manifest.jsonl"
    first, second = copied.read_text().splitlines()
    copied.write_text("\n".join([first, second, first.replace('"sw2001"', '"sw2999"')]) + "\n")
    result = CliRunner().invoke(app, ["corpus", "check", str(corpus), "--json"])
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert found["looked_at"] == ["sw2001", "sw2005", "sw2999"]
    assert found["words"] == {"fits": 4, "wrong_track": 2}
    assert {(each["recording_id"], each["reason"]) for each in found["findings"]} == {
        ("sw2005", "wrong_track"),
        ("sw2001", "audio_same_as_other"),
        ("sw2999", "audio_same_as_other"),
    }
    assert sum(found["isolation"].values()) == 3


def test_the_sample_is_the_same_every_time_and_reaches_all_over(corpus: Path) -> None:
    line = (corpus / "manifest.jsonl").read_text().splitlines()[0]
    many = [line.replace('"sw2001"', f'"sw{number}"') for number in range(3000, 3100)]
    (corpus / "manifest.jsonl").write_text("\n".join(many) + "\n")
    chosen, lines = sample_of(str(corpus / "manifest.jsonl"), 20)
    (corpus / "manifest.jsonl").write_text("\n".join(reversed(many)) + "\n")
    assert [each.recording_id for each in chosen] == [
        each.recording_id for each in sample_of(str(corpus / "manifest.jsonl"), 20)[0]
    ]
    assert (len(chosen), lines) == (20, 100)
    assert chosen[0].recording_id < "sw3050" < chosen[-1].recording_id


def test_check_of_a_folder_without_a_manifest_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["corpus", "check", str(tmp_path)])
    assert result.exit_code == 2
    assert "manifest.jsonl" in result.output
