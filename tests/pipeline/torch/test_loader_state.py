"""What is no state of a StatefulDataLoader is refused; one of it is tried in test_torchdata."""

from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.torch import worker_states

STATE = {"schema": "torch/1.0"}


def test_the_states_are_those_of_the_workers_in_order() -> None:
    workers = {f"worker_{number}": {"dataset_state": {**STATE, "number": number}} for number in (10, 9, 0)}
    state = {"_snapshot": {"_worker_snapshots": workers}, "_steps_since_snapshot": 0}
    assert [each["number"] for each in worker_states(state)] == [0, 9, 10]
    assert worker_states({"dataset_state": STATE, "fetcher_state": None}) == [STATE]


@pytest.mark.parametrize(
    "state", [{}, {"dataset_state": None}, {"_snapshot": {}, "_steps_since_snapshot": 0}, {"_snapshot": None}]
)
def test_another_state_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="state: it is none of a StatefulDataLoader over a TorchDataset"):
        worker_states(state)
