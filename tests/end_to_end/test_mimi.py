"""A run with Mimi from a folder, on a tiny random model: the real loading code, the real stages."""

from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.codec.mimi import MimiCodec
from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.read.manifest import parse_line, read_lines
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.records import Recording
from tests.end_to_end.support import Duologue
from tests.pipeline.codec.test_mimi import make_model

pytestmark = pytest.mark.slow


def test_a_run_with_mimi_writes_the_codes_of_one_pass(duologue: Duologue, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    files = demo_files()
    out = tmp_path / "out"
    arguments = [
        "--out",
        out,
        "--ledger",
        write_demo_ledger(tmp_path / "demo.db"),
        "--segment-s",
        "15",
        "--codec",
        f"mimi:{model}",
    ]
    outcome = duologue("run", files.manifest, *arguments)
    assert outcome.code == 0, outcome.stderr
    assert duologue("shards", "verify", out).code == 0

    codec = MimiCodec(str(model))
    lines = [parse_line(line, manifest_uri=str(files.manifest)) for line in read_lines(str(files.manifest))]
    recordings = {line.recording_id: line for line in lines if isinstance(line, Recording)}
    samples = list(open_dataset(str(out)))
    assert {sample.metadata["codec"]["name"] for sample in samples} == {"mimi"}
    assert {sample.metadata["codec"]["weights_sha256"] for sample in samples} == {codec.weights_sha256}
    recording_id = samples[0].metadata["recording_id"]
    written = np.concatenate([s.codes for s in samples if s.metadata["recording_id"] == recording_id], axis=2)
    blocks = list(conversation_blocks(recordings[recording_id], rate_hz=codec.sample_rate_hz))
    for speaker in (0, 1):
        encoder = codec.encoder()
        whole = np.concatenate([encoder.push(np.concatenate([b[speaker] for b in blocks])), encoder.finish()], axis=1)
        assert np.array_equal(written[speaker], whole)
        assert len(np.unique(written[speaker])) > 10


def test_a_model_that_is_not_there_is_exit_2_with_the_remedy(duologue: Duologue, tmp_path: Path) -> None:
    files = demo_files()
    arguments = [
        "--out",
        tmp_path / "out",
        "--ledger",
        write_demo_ledger(tmp_path / "demo.db"),
        "--codec",
        f"mimi:{tmp_path / 'nowhere'}",
    ]
    outcome = duologue("run", files.manifest, *arguments)
    assert outcome.code == 2
    assert "hf download kyutai/mimi" in outcome.stderr
    assert "Traceback" not in outcome.stderr
