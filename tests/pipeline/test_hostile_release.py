"""A release of somebody else, damaged in ways that a seed decides: a list of faults or one exception, and no wrong accept."""

from pathlib import Path

import pytest

from benchmarks.fuzz_release_files import mutate_folder
from benchmarks.fuzz_releases import MUTATIONS, try_one
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import make_world


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A release, and one after a withdrawal, each with its ledger and somebody's withdrawal pending."""
    made = []
    for name in ("first", "second"):
        world = make_world(tmp_path_factory.mktemp(name))
        world.withdraw("anna")
        if name == "second":
            propagate_release(str(world.out), world.ledger)
            world.withdraw("gina")
        made.append(world.out.parent)
    return made


@pytest.mark.parametrize("seed", range(0, 120, 20))
def test_whatever_is_damaged_ends_in_a_sentence(bases: list[Path], seed: int, tmp_path: Path) -> None:
    outcomes = [try_one(bases, each, tmp_path) for each in range(seed, seed + 20)]
    assert [(outcome.seed, outcome.mutation, outcome.detail) for outcome in outcomes if outcome.fault] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 2000, 100))
def test_whatever_is_damaged_ends_in_a_sentence_of_many(bases: list[Path], seed: int, tmp_path: Path) -> None:
    outcomes = [try_one(bases, each, tmp_path) for each in range(seed, seed + 100)]
    assert [(outcome.seed, outcome.mutation, outcome.detail) for outcome in outcomes if outcome.fault] == []


def test_the_untouched_releases_are_well(bases: list[Path], tmp_path: Path) -> None:
    from duologue_pipeline.release.verify import verify_release

    assert mutate_folder in MUTATIONS
    assert [verify_release(str(base / "out")).faults for base in bases] == [(), ()]
