"""A process that withdraws and is killed meanwhile; one for all tests, as it takes seconds to start."""

from collections.abc import Callable, Iterator

import pytest

from tests.pipeline.withdrawal.kills import serve_kills
from tests.pipeline.withdrawal.world import World

RunKilled = Callable[[World, int], bool]


@pytest.fixture(scope="session")
def run_killed() -> Iterator[RunKilled]:
    """Propagates in a process of its own, which kills itself before its change of a number; whether it lived to the end."""
    with serve_kills() as propagate:
        yield lambda world, moment: propagate(world.out, world.path, moment)
