"""The graph: from its audio to its part, no recording waits for another one."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import ledger_for
from duologue_pipeline.pipeline import RunOptions, build_pipeline
from duologue_pipeline.run import RunRequest, run
from duologue_pipeline.tokens.encode import TokenizeOptions
from tests.conftest import make_release_options

STAGES = ("Ingest", "Isolation", "Activity", "Words", "Events", "Tokens")


def graph(tmp_path: Path, *, compare_refused_audio: bool = False) -> Any:
    """The pipeline of a run as a runner is given it."""
    pipeline = beam.Pipeline()
    options = RunOptions(
        decided=[str(tmp_path / "decided.jsonl")],
        out=str(tmp_path / "out"),
        launch="one",
        codec="embedded",
        second_opinion=None,
        asr=None,
        laughter=None,
        same_audio="refuse",
        compare_refused_audio=compare_refused_audio,
        tokenize=TokenizeOptions(),
        validation_share=0.05,
        bridge_share=0.15,
        shard_s=None,
        release=make_release_options(),
    )
    build_pipeline(pipeline, options)
    return pipeline.to_runner_api()


def upstream(proto: Any, name: str) -> Iterator[Any]:
    """A step and all that lies before it, itself first; through its elements, not through what it is told beside them."""
    steps = [each for each in proto.components.transforms.values() if not each.subtransforms]
    makers = {
        pcollection: step
        for step in steps
        for pcollection in step.outputs.values()
        if pcollection not in step.inputs.values()  # steps of Beam that do nothing
    }
    (step,) = (each for each in steps if each.unique_name.startswith(name))
    while True:
        yield step
        side = side_inputs(step)
        inputs = [pcollection for tag, pcollection in step.inputs.items() if tag not in side]
        if not inputs:
            return
        (source,) = inputs
        step = makers[source]


def side_inputs(step: Any) -> set[str]:
    if step.spec.urn != common_urns.primitives.PAR_DO.urn:
        return set()
    return set(beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload).side_inputs)


def test_before_the_tokens_nothing_waits_for_all_recordings(tmp_path: Path) -> None:
    proto = graph(tmp_path)
    before = []
    for step in upstream(proto, "Tokens/Apply"):
        if step.unique_name.startswith("RefusedAudio"):
            break
        before.append(step.unique_name.partition("/")[0])
        assert step.spec.urn != common_urns.primitives.GROUP_BY_KEY.urn, step.unique_name
        assert not side_inputs(step), step.unique_name
    assert before == [*STAGES[::-1]]


def test_one_step_of_a_worker_takes_a_recording_from_its_audio_to_its_part(tmp_path: Path) -> None:
    _, stages = FnApiRunner().create_stages(graph(tmp_path))
    together = [{step.unique_name.partition("/")[0] for step in stage.transforms} for stage in stages]
    (own,) = (names for names in together if "Tokens" in names)
    assert own >= {*STAGES}


def test_where_refused_audio_is_listened_to_all_wait_for_it_before_anything_is_made_of_them(tmp_path: Path) -> None:
    steps = list(upstream(graph(tmp_path, compare_refused_audio=True), "Tokens/Apply"))
    assert any(side_inputs(step) for step in steps if step.unique_name.startswith("HeardRefused"))


@pytest.mark.slow
def test_a_recording_is_tokenized_before_the_last_one_is_analysed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = str(tmp_path / "out")
    with caplog.at_level(logging.INFO, logger="duologue.stages"):
        run(RunRequest(manifest=str(demo_files().manifest), out=out, ledger=str(ledger_for(out)), segment_s=20.0))
    lines = [record.getMessage().split() for record in caplog.records if record.name == "duologue.stages"]
    order = [stage for stage, word, _ in lines if stage in ("events", "tokens") and word == "kept"]
    assert order == ["events", "tokens"] * 3
