"""Speaks with Google's Dataflow about a job that was submitted: where it is seen, how far it is, how it ended."""

import re
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
from apache_beam.runners.runner import PipelineState

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.faults import usage_error_in

__all__ = ["DataflowJob", "attach", "failure", "is_over", "job_counters", "name_job", "submission", "submitted_job"]

_GOOGLE: Final = ("google", "requests", "urllib3")
_SUBMIT: Final = "submit_job_description"
"""The function of Beam's that sends a job when all it needs is staged."""

_EXISTS: Final = "DataflowJobAlreadyExistsError"
_NO_CODE: Final = "No module named 'duologue"
_RAISED: Final = re.compile(r"[\w.]+(Error|Exception|Fault|Interrupt)\b")
_NAME: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class DataflowJob:
    """Names a job.

    Attributes:
        project, region, job_id: as Google knows it.
    """

    project: str
    region: str
    job_id: str

    @property
    def link(self) -> str:
        """Gives the page of the job in Google's console."""
        return f"https://console.cloud.google.com/dataflow/jobs/{self.region}/{self.job_id}?project={self.project}"

    @property
    def cancel(self) -> str:
        """Writes the command that stops the job."""
        return f"gcloud dataflow jobs cancel {self.job_id} --region={self.region} --project={self.project}"

    def options(self, given: PipelineOptions) -> PipelineOptions:
        """Gives the options of Beam that lead to the job: those given, with its project and region."""
        return PipelineOptions.from_dictionary(
            {**given.get_all_options(drop_default=True), "project": self.project, "region": self.region}
        )


def name_job(options: PipelineOptions, name: str) -> None:
    """Names a job that the user has not named; Beam would send the name of who is signed in here.

    Args:
        options: of Beam.
        name: of the release and its launch; what Google does not take is left out.
    """
    told = options.view_as(GoogleCloudOptions)
    if told.job_name is None:
        told.job_name = f"duologue-{_NAME.sub('-', name.lower())}"[:60].rstrip("-")


@contextmanager
def submission(options: PipelineOptions) -> Iterator[None]:
    """Says in a sentence why Google has not taken a job that is submitted in the block, or that it is not known whether it has.

    Args:
        options: of Beam.

    Raises:
        UsageError: in place of what Google's libraries, and Beam for them, raise; errors of the program go on as they are.
    """
    try:
        yield
    except Exception as error:
        kind = type(error)
        if (
            kind.__module__.partition(".")[0] not in _GOOGLE
            and kind.__name__ != _EXISTS
            and not isinstance(error, OSError)
        ):
            raise
        if _may_have_arrived(error):
            raise UsageError(_perhaps_submitted(options, error)) from None
        raise UsageError(
            f"Dataflow has not taken the job ({_first_line(error)}); nothing runs: correct that, and run the command again"
        ) from None


def _may_have_arrived(error: Exception) -> bool:
    """Tells whether a job may run although its submission failed: it was sent, and no answer came, or none that says no."""
    sent = any(frame.name == _SUBMIT for frame in traceback.extract_tb(error.__traceback__))
    status = getattr(error, "code", None)
    said_no = isinstance(status, int) and 400 <= status < 500 and status not in (408, 409)
    return sent and not said_no and type(error).__name__ != _EXISTS


def _perhaps_submitted(options: PipelineOptions, error: Exception) -> str:
    told = options.get_all_options()
    where = f"--region={told['region']} --project={told['project']}"
    return (
        f"Dataflow was sent the job {told['job_name']} and has not answered ({_first_line(error)}): it may run all the same. Look with "
        f'`gcloud dataflow jobs list {where} --filter="name={told["job_name"]}"` or at '
        f"https://console.cloud.google.com/dataflow/jobs?project={told['project']}. Where it runs, wait for its end and run the command "
        f"again, which finishes the release, or stop it: gcloud dataflow jobs cancel JOB_ID {where}. Where it does not, run the command "
        "again"
    )


def submitted_job(result: Any, options: PipelineOptions) -> DataflowJob | None:
    """Names the job that a result of Beam's DataflowRunner belongs to; None where nothing was submitted."""
    if not getattr(result, "has_job", False):
        return None
    told = options.get_all_options()
    return DataflowJob(str(told["project"]), str(told["region"]), str(result.job_id()))


def attach(job: DataflowJob, options: PipelineOptions) -> Any:
    """Finds a job again that another process has submitted, as a result of Beam's.

    Raises:
        UsageError: it cannot be asked for.
    """
    try:
        from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult, DataflowRunner
        from apache_beam.runners.dataflow.internal.apiclient import DataflowApplicationClient

        runner: Any = DataflowRunner()
        asked = job.options(options)
        runner.dataflow_client = DataflowApplicationClient(asked)
        return DataflowPipelineResult(runner.dataflow_client.get_job(job.job_id), runner, asked)
    except Exception as error:  # noqa: BLE001 - libraries that are missing, credentials, the network, a job that is gone
        raise UsageError(
            f"job {job.job_id} of this folder cannot be asked for ({_first_line(error)}); look at it at {job.link}, and run "
            "the command again with the same options after --"
        ) from None


def is_over(result: Any) -> bool:
    """Tells whether a job has come to its end, good or bad."""
    return bool(PipelineState.is_terminal(result.state))


def job_counters(result: Any) -> Mapping[tuple[str, str], int]:
    """Reads the counters of a job: (namespace, name) -> count, over all its steps."""
    counted: Counter[tuple[str, str]] = Counter()
    for metric in result._runner.dataflow_client.get_job_metrics(result.job_id()).metrics:
        context = metric.name.context
        if metric.name.origin == "user" and context.get("tentative") == "true" and metric.scalar is not None:
            counted[context.get("namespace", ""), metric.name.name] += int(metric.scalar)
    return counted


def failure(job: DataflowJob, result: Any) -> UsageError:
    """Says in a sentence how a job failed, from the errors that its log tells: that of a worker before those of the service."""
    try:
        messages, _ = result._runner.dataflow_client.list_messages(job.job_id, minimum_importance="JOB_MESSAGE_ERROR")
        texts = [str(each.message_text) for each in messages]
    except Exception as error:  # noqa: BLE001 - whatever Google's client raises: the job has failed all the same
        texts = [f"{result.state}; its log cannot be read ({_first_line(error)})"]
    return UsageError(
        f"job {job.job_id} failed: {_cause(texts) or result.state}; its log is at {job.link}. What it has done is kept: run the "
        "command again"
    )


def _cause(texts: list[str]) -> str | None:
    """Finds what to tell of the errors of a job; None where there are none."""
    if any(_NO_CODE in text for text in texts):
        return "its workers have no duologue: bring the image of docker/ with --sdk_container_image, or none at all (docs/dataflow.md)"
    of_workers = [text for text in texts if "Traceback" in text]
    for text in reversed(of_workers or texts):
        if fault := usage_error_in(RuntimeError(text), "\0"):
            return str(fault)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        raised = [line for line in lines if _RAISED.match(line)]
        if lines:
            return (raised or lines)[-1]
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
