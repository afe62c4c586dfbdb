"""One side of a release scored by its events, for a purpose, and without what was withdrawn."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.score.release import score_release
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_pipeline.withdrawal.revoke import revoke
from duologue_pipeline.withdrawal.state import read_state
from duologue_schemas import iter_faults
from tests.pipeline.withdrawal.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def test_each_side_has_its_own_figures_and_the_rules_are_those_of_the_release(world: World) -> None:
    rows = pq.read_table(world.out / "recordings.parquet").to_pylist()
    for speaker in ("a", "b"):
        document = score_release(str(world.out), speaker=speaker)
        assert list(iter_faults("duplex_score", document)) == []
        scored = document["all"]
        assert scored["conversations"] == len(rows)
        heard_ms = sum(round(1000 * row[f"speech_{speaker}_s"]) for row in rows)
        assert scored["speech"]["model_share_of_time"]["part"] == heard_ms
        assert document["scored"] == f"speaker {speaker}"


def test_a_split_is_scored_alone(world: World) -> None:
    rows = pq.read_table(world.out / "recordings.parquet").to_pylist()
    validation = [row for row in rows if row["split"] == "validation"]
    assert score_release(str(world.out), splits=("validation",))["all"]["conversations"] == len(validation)


def test_a_purpose_that_the_release_was_not_made_for_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="redistribution"):
        score_release(str(world.out), purpose="redistribution")


def test_who_has_withdrawn_is_scored_no_more_from_the_first_second(world: World) -> None:
    before = score_release(str(world.out))["all"]["conversations"]
    world.withdraw("anna")
    revoke(read_state(str(world.out), world.ledger.snapshot(), datetime.now(UTC)), world.ledger)
    revoked = score_release(str(world.out))["all"]["conversations"]
    assert revoked < before
    propagate_release(str(world.out), world.ledger)
    assert score_release(str(world.out))["all"]["conversations"] == revoked
