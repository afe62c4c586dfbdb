"""The Parquet files of TurnBench."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import soundfile

from duologue_pipeline.export.account import PartResult
from duologue_pipeline.export.formats.turnbench import TurnBench, annotation_of_sample
from duologue_pipeline.export.request import ExportRequest
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.export.scenes import scene
from tests.pipeline.export.support import bytes_of, export
from tests.pipeline.withdrawal.world import make_world

SCENE = scene(
    [(1000, 3000), (6000, 9000), (13_000, 18_000)],
    [(3300, 6600), (9400, 12_500), (15_000, 15_400), (16_000, 17_500)],
)


def made(out: Path, *samples: Sample) -> PartResult:
    request = ExportRequest(format="turnbench", splits=("validation",))
    context = replace(request.context({}, None), part="validation-00002")
    out.mkdir(exist_ok=True)
    result = TurnBench().part(iter(samples), out, context)
    part: Any = type("P", (), {"index": result.index})
    TurnBench().finish(out, [part], context)
    return result


def test_a_row_has_both_channels_and_three_annotators_who_agree(tmp_path: Path) -> None:
    result = made(tmp_path, SCENE, replace(SCENE, key="call-00001"))
    rows = pq.read_table(tmp_path / "validation-00002.parquet").to_pylist()
    assert [row["conversation_id"] for row in rows] == ["20000200001", "20000200002"] == result.index
    row = rows[0]
    for number in (1, 2):
        info = soundfile.info(io.BytesIO(row[f"speaker_{number}_audio"]["bytes"]))
        assert (info.frames, info.samplerate, info.channels) == (320_000, 8000, 1)
        first, *others = (row[f"speaker_{number}_annotation_{who}"] for who in "abc")
        assert others == [first, first]
    assert "2 conversations" in (tmp_path / "README.md").read_text()


def labels(sample: Sample, speaker: Any) -> list[tuple[float, float, str]]:
    return [(e["start_s"], e["end_s"], e["label"]) for e in annotation_of_sample(sample, speaker, [])]


def test_every_unit_has_the_label_of_its_role() -> None:
    assert labels(SCENE, "a") == [
        (1.0, 3.0, "Normal Turn"),
        (6.0, 9.0, "Floor-taking Competitive Interruption"),
        (13.0, 18.0, "Normal Turn"),
    ]
    assert labels(SCENE, "b") == [
        (3.3, 6.6, "Normal Turn"),
        (9.4, 12.5, "Normal Turn"),
        (15.0, 15.4, "Continuer Backchannel"),
        (16.0, 17.5, "Non-floor Taking Competitive Interruption"),
    ]


@pytest.mark.parametrize(
    ("subtype", "label"), [("acknowledgement", "Acknowledgement Backchannel"), ("reaction", "Reaction Backchannel")]
)
def test_the_sort_of_a_backchannel_is_told(subtype: str, label: str) -> None:
    sample = scene([(1000, 9000)], [(3000, 3400)])
    for event in sample.metadata["events"]:
        if event["kind"] == "backchannel":
            event["subtype"] = subtype
    assert labels(sample, "b") == [(3.0, 3.4, label)]


def test_what_crosses_the_edge_is_cut_there_and_texts_are_those_of_its_words() -> None:
    sample = scene([(1000, 3000)], [])
    for event in sample.metadata["events"]:
        event["start_s"] -= 2
        event["end_s"] -= 2
    assert labels(sample, "a") == [(0.0, 1.0, "Normal Turn")]


def test_every_word_is_written_or_counted(tmp_path: Path) -> None:
    result = made(tmp_path, SCENE)
    assert (result.words, result.words_left_out) == (len(SCENE.metadata["words"]), {})
    gone = scene([(0, 900)], [], speakers={"a": {"commitment": "withdrawn"}, "b": {"commitment": "2"}})
    assert made(tmp_path / "gone", gone).samples_left_out == {"silenced": 1}


def test_who_withdraws_is_in_no_pack_after_the_refresh(tmp_path: Path) -> None:
    world, out = make_world(tmp_path), tmp_path / "pack"
    export(world.out, out, "turnbench", splits=("validation",))
    kept = tmp_path / "kept"
    export(world.out, kept, "turnbench", splits=("validation",))
    assert pq.read_table(out / "validation-00000.parquet").num_rows == 1
    world.withdraw("hugo")
    propagate_release(str(world.out), world.ledger)
    export(world.out, out, "turnbench", splits=("validation",))
    assert not list(out.glob("*.parquet"))
    left = b"".join(data for name, data in bytes_of(out).items() if name != "export.json")
    assert b"hugo" not in left
    assert b"call-5" not in left
    assert bytes_of(out) != bytes_of(kept)
