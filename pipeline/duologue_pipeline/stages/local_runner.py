"""Runs a pipeline in this process (Beam's FnApiRunner, docs/adr/0007) and reports its counters meanwhile."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, Final

from apache_beam.metrics.monitoring_infos import extract_counter_value, is_counter, is_user_monitoring_info
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment

__all__ = ["CountingRunner", "local_runner"]

_EVERY_S: Final = 1.0

Count = Counter[tuple[str, str]]
"""(stage, "kept" or a reason) -> elements."""


def local_runner(options: PipelineOptions) -> "CountingRunner | None":
    """Makes the runner in this process, or gives None where the options name another runner."""
    if "runner" in options.get_all_options(drop_default=True):
        return None
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)  # else workers never see the options
    return CountingRunner(provision_info=fn_runner.ExtendedProvisionInfo(provision))


class CountingRunner(fn_runner.FnApiRunner):
    """Runs as FnApiRunner does, and tells the counters while the run goes on, of worker processes too.

    Beam's own hands them on only when everything is done. What is asked here for more is not public: a version of Beam that
    has some of it no more, or in another form, runs all the same, and less of its progress is seen.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(progress_request_frequency=_EVERY_S, **options)
        self._lock = Lock()
        self._finished: Count = Counter()
        self._running: dict[Any, Count] = {}
        self._bundle: Any = None
        self._known: Count = Counter()

    def counters(self) -> Count:
        """Adds up the counters known so far, of finished and of running bundles; they never fall."""
        with self._lock:
            known = sum(self._running.values(), self._finished.copy())
            for processor in _processors_here(self._bundle):
                known += _user_counters(processor.monitoring_infos())
            self._known |= known  # a bundle that has just ended is neither among the running nor among the finished
            return self._known.copy()

    def run_pipeline(self, *arguments: Any, **options: Any) -> Any:
        """Runs a pipeline as Beam does, and hears of the progress of its bundles."""
        with _our_workers():
            return self._run_heard(*arguments, **options)

    def _run_heard(self, *arguments: Any, **options: Any) -> Any:
        if _BEAMS_REQUESTER is None:
            return super().run_pipeline(*arguments, **options)
        told: Any = fn_runner  # a module of Beam, whose class is replaced for the while
        told.ProgressRequester = partial(_requester, self._progressed)
        try:
            return super().run_pipeline(*arguments, **options)
        finally:
            told.ProgressRequester = _BEAMS_REQUESTER

    def _execute_bundle(self, *arguments: Any, **options: Any) -> Any:
        given = (*arguments, *options.values())
        self._bundle = next((each for each in given if hasattr(each, "_worker_handlers")), None)
        result = super()._execute_bundle(*arguments, **options)
        with self._lock:
            self._bundle = None
            self._finished += _user_counters(_infos(getattr(result, "process_bundle", None)))
            self._running.clear()
        return result

    def _progressed(self, requester: Any, progress: Any) -> None:
        counted = _user_counters(_infos(progress))
        with self._lock:
            if not getattr(requester, "_done", True):
                self._running[requester] = counted


_BEAMS_REQUESTER: Final[Any] = getattr(fn_runner, "ProgressRequester", None)
"""Beam's thread that asks a worker how far a bundle has come. It helps only where workers answer while they work: a worker in
this process takes a bundle from beginning to end before anybody can ask, so that it is looked at from outside."""


@contextmanager
def _our_workers() -> Iterator[None]:
    """Has worker processes started as ours, while the block runs; where Beam names its own otherwise, they stay Beam's."""
    kind: Any = SubprocessSDKEnvironment
    made = kind.from_command_string

    def ours(command_string: str) -> Any:
        return made(
            command_string.replace("apache_beam.runners.worker.sdk_worker_main", "duologue_pipeline.stages.worker")
        )

    kind.from_command_string = ours
    try:
        yield
    finally:
        kind.from_command_string = made


def _requester(progressed: Callable[[Any, Any], None], *arguments: Any, **options: Any) -> Any:
    requester = _BEAMS_REQUESTER(*arguments, **options)
    requester._callback = partial(progressed, requester)
    return requester


def _processors_here(bundle: Any) -> list[Any]:
    """Gives what works on a bundle in this process; nothing where worker processes do."""
    caches = (getattr(each, "bundle_processor_cache", None) for each in getattr(bundle, "_worker_handlers", None) or ())
    active = (list(getattr(cache, "active_bundle_processors", {}).values()) for cache in caches)
    return [processor for each in active for _, processor in each]


def _infos(response: Any) -> Iterable[Any]:
    infos: Iterable[Any] = getattr(response, "monitoring_infos", ())
    return infos


def _user_counters(infos: Iterable[Any]) -> Count:
    counted: Count = Counter()
    for info in infos:
        if is_user_monitoring_info(info) and is_counter(info):
            counted[info.labels["NAMESPACE"], info.labels["NAME"]] += extract_counter_value(info)
    return counted
