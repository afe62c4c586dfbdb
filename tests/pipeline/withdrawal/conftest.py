"""A process that withdraws and is killed meanwhile; one for all tests, as it takes seconds to start."""

from collections.abc import Iterator

import pytest

from tests.pipeline.withdrawal.kills import Kills, serve_kills


@pytest.fixture(scope="session")
def kills() -> Iterator[Kills]:
    """Propagates in processes of their own that die at a chosen change."""
    with serve_kills() as found:
        yield found
