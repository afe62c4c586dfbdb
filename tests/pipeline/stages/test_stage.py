"""The generic stage: what goes on, what is refused with the stage's word, and a counter for each of them."""

import threading
import time
from collections import Counter
from functools import partial
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.testing.util import assert_that, equal_to

from duologue_pipeline.engines.options import beam_options
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import Recording, Rejected, Track
from duologue_pipeline.stages.local_runner import local_runner
from duologue_pipeline.stages.progress import Progress, progress_line, result_counters
from duologue_pipeline.stages.read import ReadDecided
from duologue_pipeline.stages.stage import Stage


def recording(name: str) -> Recording:
    return Recording(name, Track("s-a", "a.wav"), Track("s-b", "b.wav"))


def only_short_names(element: Recording, *, most: int) -> Recording:
    if len(element.recording_id) > most:
        raise RejectError("audio_too_long", "say less")
    return element


class Model:
    """What a stage loads once."""

    def __init__(self, language: str) -> None:
        self.language = language


def with_language(element: Recording, model: Model, allowed: list[str]) -> Recording:
    if model.language not in allowed:
        raise RejectError("audio_missing", model.language)
    return Recording(element.recording_id, element.a, element.b, language=model.language)


def fails(element: Recording) -> Recording:
    raise ValueError(f"a fault in the program, met at {element.recording_id}")


def takes_its_time(element: Recording) -> Recording:
    time.sleep(0.02)
    return element


def ten_recordings(pipeline: beam.Pipeline) -> None:
    made = pipeline | beam.Create([recording(f"r{number}") for number in range(10)])
    assert made | Stage("events", takes_its_time, Recording)


def run(build: Any) -> Counter[tuple[str, str]]:
    """Runs a pipeline in this process and gives its counters."""
    options = beam_options([])
    runner = local_runner(options)
    assert runner is not None
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline)
    result = pipeline.run()
    result.wait_until_finish()
    assert runner.counters() == result_counters(result)
    return runner.counters()


def test_a_stage_divides_its_elements_and_counts_them_by_reason() -> None:
    def build(pipeline: beam.Pipeline) -> None:
        made = pipeline | beam.Create([recording("a"), recording("b"), recording("abc")])
        kept, rejected = made | Stage("ingest", partial(only_short_names, most=2), Recording)
        assert_that(kept, equal_to([recording("a"), recording("b")]), label="kept")
        assert_that(rejected, equal_to([Rejected("abc", "ingest", "audio_too_long", "say less")]), label="rejected")

    assert run(build) == {("ingest", "kept"): 2, ("ingest", "audio_too_long"): 1}


def test_the_work_gets_the_element_then_the_model_then_the_side_inputs() -> None:
    def build(pipeline: beam.Pipeline) -> None:
        allowed = pipeline | "Allowed" >> beam.Create([["de"]])
        made = pipeline | "Made" >> beam.Create([recording("a")])
        kept, _ = made | Stage("words", with_language, Recording, partial(Model, "de"), side=(allowed,))
        _, refused = made | Stage("events", with_language, Recording, partial(Model, "fr"), side=(allowed,))
        assert_that(kept | beam.Map(lambda element: element.language), equal_to(["de"]), label="kept")
        assert_that(refused, equal_to([Rejected("a", "events", "audio_missing", "fr")]), label="refused")

    assert run(build) == {("words", "kept"): 1, ("events", "audio_missing"): 1}


def test_a_stage_is_labelled_with_its_word() -> None:
    assert Stage("isolation", fails, Recording).label == "Isolation"
    assert ReadDecided(paths=["0.jsonl"]).label == "Read"


def test_any_other_error_stops_the_run() -> None:
    with pytest.raises(Exception, match="a fault in the program, met at a"):
        run(lambda pipeline: pipeline | beam.Create([recording("a")]) | Stage("ingest", fails, Recording))


def test_the_counters_grow_while_a_bundle_is_worked_on_in_this_process() -> None:
    runner = local_runner(options := beam_options([]))
    assert runner is not None
    pipeline = beam.Pipeline(runner=runner, options=options)
    ten_recordings(pipeline)
    seen: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            seen.append(runner.counters()["events", "kept"])

    watching = threading.Thread(target=watch)
    watching.start()
    pipeline.run().wait_until_finish()
    ended.set()
    watching.join()
    assert len(set(seen) & set(range(1, 10))) >= 3
    assert seen == sorted(seen)
    assert runner.counters()["events", "kept"] == 10


class OtherRequester(fn_runner.ProgressRequester):
    """As a later Beam may have it: with other parameters."""

    def __init__(self, worker_handler: Any, instruction_id: str, frequency: float, callback: Any = None) -> None:
        super().__init__(worker_handler=worker_handler, instruction_id=instruction_id, frequency=frequency)
        del self._done, self._callback, callback

    def run(self) -> None:
        """Asks nobody."""


@pytest.mark.parametrize("requester", [None, OtherRequester])
def test_a_run_needs_nothing_of_beam_that_is_not_public(requester: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fn_runner, "ProgressRequester", requester or fn_runner.ProgressRequester)
    monkeypatch.setattr("duologue_pipeline.stages.local_runner._BEAMS_REQUESTER", requester)
    assert run(ten_recordings) == {("events", "kept"): 10}


def test_beams_own_classes_are_as_before_after_a_run_that_fails() -> None:
    before = fn_runner.ProgressRequester
    with pytest.raises(Exception, match="a fault in the program"):
        run(lambda pipeline: pipeline | beam.Create([recording("a")]) | Stage("ingest", fails, Recording))
    assert fn_runner.ProgressRequester is before


def test_a_runner_that_tells_no_counters_stops_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    def counters() -> Counter[tuple[str, str]]:
        raise NotImplementedError

    with Progress(2, counters, sys.stderr):
        pass
    assert capsys.readouterr().err == ""


def test_the_line_of_progress_counts_what_is_done_and_what_is_refused() -> None:
    assert progress_line({}, 3) == "analysed 0/3, tokenized 0/3"
    counters = {("events", "kept"): 2, ("tokens", "kept"): 1, ("read", "kept"): 3, ("ingest", "audio_missing"): 1}
    assert progress_line(counters, 3) == "analysed 2/3, tokenized 1/3, refused 1"


def test_progress_is_written_when_it_changes_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    counters = {("events", "kept"): 0}
    with Progress(2, lambda: counters, sys.stderr):
        counters["events", "kept"] = 2
    lines = [line.partition("] ")[2] for line in capsys.readouterr().err.splitlines()]
    assert lines[-1] == "analysed 2/2, tokenized 0/2"
    assert len(lines) == len(set(lines))
