"""The generic stage: what goes on, what is refused with the stage's word, and a counter for each of them."""

import io
import re
import threading
import time
import weakref
from collections import Counter
from functools import partial
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.testing.util import assert_that, equal_to
from botocore.exceptions import ClientError

from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.consent.forms import FormNotGrantedError
from duologue_pipeline.engines.options import beam_options
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.files.addresses import ALLOW_PRIVATE, private_addresses_allowed
from duologue_pipeline.files.conditional import ConflictError
from duologue_pipeline.files.faults import NoRoomError, no_room, usage_error_in
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import shown
from duologue_pipeline.records import Recording, Rejected, Track
from duologue_pipeline.stages.local_runner import local_runner
from duologue_pipeline.stages.progress import Progress, progress_line, result_counters
from duologue_pipeline.stages.read import ReadDecided
from duologue_pipeline.stages.stage import Stage
from duologue_pipeline.stages.tried import tried


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


def finds_no_store(element: Recording) -> Recording:
    raise FileFault("the store is away")


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


def only_where_private_addresses_are_allowed(element: Recording) -> Recording:
    if not private_addresses_allowed():
        raise RejectError("audio_not_allowed", "a private network")
    return element


def test_workers_are_told_that_the_user_allows_private_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(pipeline: beam.Pipeline, *, private: bool) -> None:
        made = pipeline | beam.Create([recording("a")])
        work = only_where_private_addresses_are_allowed
        assert made | Stage("ingest", work, Recording, private_addresses=private)

    monkeypatch.setenv(ALLOW_PRIVATE, "0")  # as in a worker on another machine
    assert run(partial(build, private=False)) == {("ingest", "audio_not_allowed"): 1}
    assert run(partial(build, private=True)) == {("ingest", "kept"): 1}


def all_but_long_names(elements: list[Recording], most: int) -> list[Recording | RejectError]:
    """Refuses as ``only_short_names`` does, for several at once; cannot stand a name with a digit."""
    LISTS.append([element.recording_id for element in elements])
    if any(character.isdigit() for element in elements for character in element.recording_id):
        raise ValueError("a digit")
    return [
        element if len(element.recording_id) <= most else RejectError("audio_too_long", "say less")
        for element in elements
    ]


LISTS: list[list[str]] = []


def together(names: list[str], *, batch: int) -> tuple[Counter[tuple[str, str]], list[list[str]]]:
    """Runs a stage that takes elements together, and gives its counters and the lists that it was given."""
    LISTS.clear()

    def build(pipeline: beam.Pipeline) -> None:
        made = pipeline | beam.Create([recording(name) for name in names], reshuffle=False)
        stage = Stage(
            "tokens",
            partial(only_short_names, most=2),
            Recording,
            together=partial(all_but_long_names, most=2),
            batch=batch,
        )
        kept, rejected = made | stage
        assert_that(kept, equal_to([recording(name) for name in names if len(name) <= 2]), label="kept")
        refused = [Rejected(name, "tokens", "audio_too_long", "say less") for name in names if len(name) > 2]
        assert_that(rejected, equal_to(refused), label="rejected")

    return run(build), LISTS


def test_elements_are_worked_on_together_and_refused_alone() -> None:
    counters, lists = together(["a", "b", "abc", "c", "d"], batch=2)
    assert counters == {("tokens", "kept"): 4, ("tokens", "audio_too_long"): 1}
    assert sorted(len(names) for names in lists) == [1, 2, 2]
    assert sorted(name for names in lists for name in names) == ["a", "abc", "b", "c", "d"]


def test_a_batch_of_one_is_work_on_each_alone() -> None:
    assert together(["a", "b"], batch=1) == ({("tokens", "kept"): 2}, [])


def test_where_a_batch_fails_each_of_it_is_worked_on_alone() -> None:
    counters, lists = together(["a", "b1", "abc"], batch=4)
    assert counters == {("tokens", "kept"): 2, ("tokens", "audio_too_long"): 1}
    assert [sorted(names) for names in lists] == [["a", "abc", "b1"]]


class Held:
    """Stands for the disk that a batch takes."""


def none_fits_beside_another(elements: list[Recording], how: str) -> list[Recording | RejectError]:
    held = Held()
    HELD.add(held)
    try:
        raise NoRoomError("a.wav: has 2 bytes, and 1 are free")
    except OSError as error:
        if how == "raised":
            raise
        refused = RejectError("audio_missing", str(error))  # as for a file that cannot be opened
        refused.__context__ = error
    return [elements[0], *(refused for _ in elements[1:])]


def fits_alone(element: Recording) -> Recording:
    assert not HELD, "the disk of the batch is still taken"
    ALONE.append(element.recording_id)
    return element


HELD: weakref.WeakSet[Held] = weakref.WeakSet()
ALONE: list[str] = []


@pytest.mark.parametrize(("how", "alone"), [("raised", ["a", "b", "c"]), ("refused", ["b", "c"])])
def test_what_does_not_fit_on_the_disk_beside_others_is_taken_alone(how: str, alone: list[str]) -> None:
    ALONE.clear()

    def build(pipeline: beam.Pipeline) -> None:
        made = pipeline | beam.Create([recording(name) for name in "abc"], reshuffle=False)
        together = partial(none_fits_beside_another, how=how)
        kept, _ = made | Stage("tokens", fits_alone, Recording, together=together, batch=3)
        assert_that(kept, equal_to([recording(name) for name in "abc"]))

    assert run(build) == {("tokens", "kept"): 3}
    assert alone == ALONE


def test_what_does_not_fit_on_the_disk_alone_ends_the_run_with_a_sentence() -> None:
    def work(_: Recording) -> Recording:
        try:
            raise no_room("s3://b/a.wav", 2, 1, "/tmp/x")
        except OSError as error:
            raise RejectError("audio_missing", str(error)) from None

    sentence = "s3://b/a.wav: has 2 bytes, and 1 are free in /tmp/x; make room, or name another folder in TMPDIR"
    with pytest.raises(UsageError, match=sentence):
        tried("ingest", work, recording("a"))
    told = RuntimeError(f"Traceback\nduologue_pipeline.files.faults.NoRoomError: {sentence} [while running 'Tokens']")
    assert str(usage_error_in(told, "out")) == sentence


def test_what_a_stage_asks_a_cluster_for_is_asked_for_it_alone() -> None:
    pipeline = beam.Pipeline()
    made = pipeline | beam.Create([recording("a")])
    kept, _ = made | Stage("words", takes_its_time, Recording)
    hints = CodecSpec.parse("mimi:gs://models/mimi?device=cuda").resource_hints
    _ = kept | Stage("tokens", takes_its_time, Recording, hints=hints)
    components = pipeline.to_runner_api().components
    asked = {
        transform.unique_name: components.environments[transform.environment_id].resource_hints
        for transform in components.transforms.values()
        if transform.spec.urn == "beam:transform:pardo:v1"
    }
    with_hints = {name: dict(hints) for name, hints in asked.items() if hints}
    assert with_hints == {
        "Tokens/Apply/ParDo(_Work)": {
            "beam:resources:accelerator:v1": b"type:nvidia-tesla-t4;count:1;install-nvidia-driver",
            "beam:resources:min_ram_bytes:v1": b"12000000000",
        }
    }


def test_a_stage_is_labelled_with_its_word() -> None:
    assert Stage("isolation", fails, Recording).label == "Isolation"
    assert ReadDecided(paths=["0.jsonl"]).label == "Read"


def fails_on_a(element: Recording) -> Recording:
    return fails(element) if element.recording_id == "a" else element


def test_a_fault_in_the_program_costs_the_recording_and_not_the_run() -> None:
    counted = run(lambda pipeline: pipeline | beam.Create(both()) | Stage("ingest", fails_on_a, Recording))
    assert counted["ingest", "internal_error"] == 1
    assert counted["ingest", "kept"] == 1


def both() -> list[Recording]:
    return [recording("a"), recording("b")]


def test_its_trace_is_for_the_private_file_and_its_kind_and_place_for_all(caplog: pytest.LogCaptureFixture) -> None:
    rejected = tried("ingest", fails_within, recording("a"))
    assert rejected.reason == "internal_error"
    assert rejected.values["error"] == "keyerror"
    assert rejected.values["module"] == "names"
    assert "Traceback (most recent call last)" in rejected.detail
    assert "KeyError: 'somebody'" in rejected.detail
    assert "somebody" not in caplog.text
    assert "ingest internal_error a: error keyerror module names line" in caplog.text


class Odd(str):
    def partition(self, *_: Any) -> Any:
        raise KeyError("somebody")


def fails_within(element: Recording) -> Recording:
    shown(Odd("s3://b/x"))
    return element


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("x"),
        OSError(28, "No space left on device"),
        ConnectionResetError("x"),
        FileFault("the store is away"),
        UsageError("x"),
        FormNotGrantedError("x"),
        ConflictError("x"),
        ImportError("x"),
        EOFError(),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("can't start new thread"),
        ClientError({}, "GetObject"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_machine_the_store_or_consent_lacks_is_nobodys_recording(error: Exception) -> None:
    def work(_: Recording) -> Recording:
        raise error

    with pytest.raises(type(error)):
        tried("ingest", work, recording("a"))


def test_a_full_disk_behind_another_error_is_no_fault_of_the_recording() -> None:
    def work(_: Recording) -> Recording:
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            raise ValueError("cannot decode") from None

    with pytest.raises(ValueError, match="cannot decode"):
        tried("ingest", work, recording("a"))


def test_no_signature_is_in_what_is_told_of_a_recording() -> None:
    signed = "https://user:word@host/a b.wav?sig=x y"

    def work(element: Recording) -> Recording:
        raise ValueError(f"{element.a.uri} and https://other/?sig=z")

    rejected = tried("ingest", work, Recording("a", Track("s", signed), Track("t", "b.wav")))
    assert "https://host/a b.wav?… and https://other/?…" in rejected.detail
    assert not {"word", "sig"} & set(re.findall(r"\w+", rejected.detail))


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
    with pytest.raises(Exception, match="the store is away"):
        run(lambda pipeline: pipeline | beam.Create([recording("a")]) | Stage("ingest", finds_no_store, Recording))
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


def test_a_runner_that_tells_nothing_for_a_minute_is_noticed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.stages.progress._SILENT_S", 0.05)
    for counted, said in (({}, 1), ({("events", "kept"): 1}, 0)):
        stream = io.StringIO()
        with Progress(1, lambda counted=counted: counted, stream, every_s=0.01, silent="is somebody there?"):  # type: ignore[misc]
            time.sleep(0.3)
        assert stream.getvalue().count("is somebody there?") == said
