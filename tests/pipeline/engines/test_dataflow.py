"""What is told of a submission that fails: whether a job may run all the same."""

import pytest

from duologue_pipeline.engines.dataflow import submission
from duologue_pipeline.engines.options import beam_options
from duologue_pipeline.errors import UsageError

OPTIONS = beam_options(["--runner=DataflowRunner", "--project=project-x", "--region=europe-west1", "--job_name=calls"])


def submit_job_description() -> None:
    """Has the name of Beam's function that sends a job."""
    raise TimeoutError("no answer")


def test_what_fails_before_the_job_is_sent_leaves_nothing_running() -> None:
    with pytest.raises(UsageError) as raised, submission(OPTIONS):
        raise TimeoutError("the bucket does not answer")
    assert str(raised.value) == (
        "Dataflow has not taken the job (the bucket does not answer); nothing runs: correct that, and run the command again"
    )


def test_a_job_that_was_sent_and_not_answered_may_run() -> None:
    with pytest.raises(UsageError) as raised, submission(OPTIONS):
        submit_job_description()
    assert str(raised.value).startswith(
        "Dataflow was sent the job calls and has not answered (no answer): it may run all the same. Look with `gcloud dataflow jobs"
    )
