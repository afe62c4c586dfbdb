"""Runs a pipeline in this process (Beam's FnApiRunner, docs/adr/0007) and reports its counters meanwhile."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import Lock
from typing import Any, Final

from apache_beam.metrics.monitoring_infos import extract_counter_value, is_counter, is_user_monitoring_info
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from duologue_pipeline.errors import UsageError

__all__ = ["CountingRunner", "beam_options", "local_runner"]

_LOG_LEVEL: Final = "--default_sdk_harness_log_level"
_EVERY_S: Final = 1.0

Count = Counter[tuple[str, str]]
"""(stage, "kept" or a reason) -> elements."""


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Parses the options after ``--``; worker processes log errors only, unless the user says otherwise.

    Raises:
        UsageError: Beam has no such option (by itself it would pass over it).
    """
    quiet = [] if any(argument.startswith(_LOG_LEVEL) for argument in arguments) else [f"{_LOG_LEVEL}=ERROR"]
    options = PipelineOptions([*arguments, *quiet])
    known = options.get_all_options()
    unknown = [name for name in options.get_all_options(retain_unknown_options=True) if name not in known]
    if unknown:
        raise UsageError(f"--{unknown[0]}: Apache Beam has no such option; after -- stand options for Beam only")
    return options


def local_runner(options: PipelineOptions) -> "CountingRunner | None":
    """Makes the runner in this process, or gives None where the options name another runner."""
    if "runner" in options.get_all_options(drop_default=True):
        return None
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)  # else workers never see the options
    return CountingRunner(provision_info=fn_runner.ExtendedProvisionInfo(provision))


class CountingRunner(fn_runner.FnApiRunner):
    """Runs as FnApiRunner does, and reports the counters while the run goes on, of worker processes too.

    Beam's own asks its workers for their counters but hands them on only when everything is done. What is overridden here is
    not public: where a version of Beam has it no more, there is no progress to be seen, and nothing else changes.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(progress_request_frequency=_EVERY_S, **options)
        self._lock = Lock()
        self._finished: Count = Counter()
        self._running: dict[str, Count] = {}

    def counters(self) -> Count:
        """Adds up the counters known so far, of finished and of running bundles."""
        with self._lock:
            return sum(self._running.values(), self._finished.copy())

    def run_pipeline(self, *arguments: Any, **options: Any) -> Any:
        """Runs a pipeline as Beam does, and hears of the progress of its bundles."""
        told: Any = fn_runner  # a module of Beam, whose class is replaced for the while
        plain = told.ProgressRequester
        told.ProgressRequester = partial(_requester, plain, self._progressed)
        try:
            return super().run_pipeline(*arguments, **options)
        finally:
            told.ProgressRequester = plain

    def _execute_bundle(self, *arguments: Any) -> Any:
        result = super()._execute_bundle(*arguments)
        with self._lock:
            self._finished += _user_counters(result.process_bundle.monitoring_infos)
            self._running.clear()
        return result

    def _progressed(self, requester: Any, instruction_id: str, progress: Any) -> None:
        counted = _user_counters(progress.monitoring_infos)
        with self._lock:
            if not requester._done:
                self._running[instruction_id] = counted


def _requester(
    kind: Any, progressed: Callable[[Any, str, Any], None], handler: Any, instruction_id: str, frequency: float
) -> Any:
    requester = kind(handler, instruction_id, frequency)
    requester._callback = partial(progressed, requester, instruction_id)
    return requester


def _user_counters(infos: Iterable[Any]) -> Count:
    counted: Count = Counter()
    for info in infos:
        if is_user_monitoring_info(info) and is_counter(info):
            counted[info.labels["NAMESPACE"], info.labels["NAME"]] += extract_counter_value(info)
    return counted
