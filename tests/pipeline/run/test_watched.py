"""A run that is watched: it is told how far it has come from its beginning, whatever the runner."""

import io
import time
from typing import Any

import apache_beam as beam
import pytest

from duologue_pipeline.consent.forms import require_granted
from duologue_pipeline.engines.options import beam_options, engine_of
from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Recording, Track
from duologue_pipeline.run.faults import faults_as_usage
from duologue_pipeline.run.watched import run_watched
from duologue_pipeline.stages.stage import Stage


def takes_its_time(element: Recording) -> Recording:
    time.sleep(0.1)
    return element


def five_recordings(pipeline: beam.Pipeline, _: Any) -> None:
    made = pipeline | beam.Create([Recording(f"r{n}", Track("a", "a"), Track("b", "b")) for n in range(5)])
    assert made | Stage("events", takes_its_time, Recording)


@pytest.mark.parametrize("runner", [(), ("--runner=DirectRunner",), ("--runner=BundleBasedDirectRunner",)])
def test_progress_is_told_from_the_beginning_of_a_run(runner: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.run.watched.build_pipeline", five_recordings)
    monkeypatch.setattr("duologue_pipeline.stages.progress._EVERY_S", 0.02)
    stream = io.StringIO()
    options: Any = None  # of the pipeline that is not built here
    run_watched(options, engine_of(beam_options(runner)), recordings=5, stream=stream)
    lines = [line.partition("] ")[2] for line in stream.getvalue().splitlines()]
    assert lines[0] == "analysed 0/5, tokenized 0/5"
    assert lines[-1] == "analysed 5/5, tokenized 0/5"


def holds_too_much(element: Recording) -> Recording:
    require_granted(["audio"], ["tokens"], key=f"{element.recording_id}-00000")
    return element


def one_recording(pipeline: beam.Pipeline, _: Any) -> None:
    made = pipeline | beam.Create([Recording("r1", Track("a", "a"), Track("b", "b"))])
    assert made | Stage("tokens", holds_too_much, Recording)


PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.mark.parametrize("runner", [(), PROCESSES, ("--runner=DirectRunner",), ("--runner=BundleBasedDirectRunner",)])
def test_a_sample_that_holds_too_much_stops_the_run_with_one_sentence(
    runner: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duologue_pipeline.run.watched.build_pipeline", one_recording)
    options: Any = None  # of the pipeline that is not built here
    with pytest.raises(UsageError) as raised, faults_as_usage("out"):
        run_watched(options, engine_of(beam_options(runner)), recordings=1, stream=None)
    assert str(raised.value) == (
        "sample r1-00000 holds audio, and its speakers were asked for tokens only; nothing was published. This is a fault of "
        "the program: please report it"
    )


def test_workers_without_duologue_are_a_sentence() -> None:
    with (
        pytest.raises(
            UsageError, match=r"^the workers have no duologue: .* \(docs/runners.md\), and run the command again$"
        ),
        faults_as_usage("out"),
    ):
        raise RuntimeError(
            "Pipeline failed: ModuleNotFoundError: No module named 'duologue_pipeline' [while running 'x']"
        )
