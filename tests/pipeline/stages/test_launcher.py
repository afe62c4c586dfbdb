"""Workers are told who launched them, for as long as somebody of the process does."""

import os

from duologue_pipeline.stages.launcher import launching


def test_two_runs_of_one_process_end_in_any_order() -> None:
    first, second = launching(), launching()
    first.__enter__()
    second.__enter__()
    assert os.environ["DUOLOGUE_LAUNCHER"] == str(os.getpid())
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert "DUOLOGUE_LAUNCHER" not in os.environ
