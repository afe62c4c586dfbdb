"""Shares and states: every sample once, over any readers, from any position on, also across a withdrawal."""

import json
import shutil
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Dataset, open_dataset
from duologue_pipeline.reader.state import merge_states
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import World, make_world

OPTIONS: dict[str, dict[str, Any]] = {
    "in order": {},
    "shuffled": {"shuffle": 5},
    "filtered": {"shuffle": 5, "where": [("segment", "<", 2)]},
    "filtered in order": {"where": [("segment", "!=", 1)]},
    "crops": {"shuffle": 5, "crop_s": 0.8},
    "long crops in order": {"crop_s": 3.2, "where": [("recording_id", "!=", "call-7")]},
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A release of 9 samples in train: 3 of call-1, 2 each of call-2, call-3 and call-7."""
    return make_world(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def after(before: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same after call-2 was dropped and one side of call-7 silenced."""
    folder = tmp_path_factory.mktemp("after") / "world"
    shutil.copytree(before.path.parent, folder)
    world = World(folder / "out", folder / "consent.db")
    for speaker in ("carl", "gina"):
        world.withdraw(speaker)
        propagate_release(str(world.out), world.ledger)
    return world


def read(of: World, **options: Any) -> list[str]:
    return [sample.key for sample in open_dataset(str(of.out), **options)]


def taken(dataset: Dataset, count: int) -> tuple[list[str], dict[str, Any]]:
    """The keys of the next samples, and the state after them as it comes back from a file."""
    reading = iter(dataset)
    keys = [sample.key for sample in islice(reading, count)]
    return keys, json.loads(json.dumps(dataset.state_dict()))


# --- shares ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shuffle", [None, 3])
@pytest.mark.parametrize(("world", "workers"), [(1, 1), (1, 4), (2, 3), (4, 1), (5, 8)])
def test_readers_and_workers_get_every_sample_once(
    before: World, shuffle: int | None, world: int, workers: int
) -> None:
    whole = read(before, shuffle=shuffle)
    assert len(set(whole)) == 9
    shares = []
    for rank in range(world):
        dataset = open_dataset(str(before.out), shuffle=shuffle, rank=rank, world=world)
        parts = [[sample.key for sample in dataset.share(worker, workers)] for worker in range(workers)]
        shares += parts
        in_turn = [part[turn] for turn, part in product(range(9), parts) if turn < len(part)]
        assert in_turn == [sample.key for sample in dataset] == whole[rank::world]
        assert len(dataset) == len(in_turn)
    assert sorted(key for share in shares for key in share) == sorted(whole)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_seed_and_an_epoch_name_an_order(before: World) -> None:
    dataset = open_dataset(str(before.out), shuffle=3)
    orders = [[sample.key for sample in dataset.epoch(epoch)] for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] == [sample.key for sample in dataset] == read(before, shuffle=3)
    assert orders[0] != read(before, shuffle=4)


def test_the_order_of_the_others_stays_when_some_are_left_out(before: World, after: World) -> None:
    left = set(read(after))
    assert left == {key for key in read(before) if not key.startswith("call-2")}
    for options in ({}, {"shuffle": 1}, {"shuffle": 2}):
        assert read(after, **options) == [key for key in read(before, **options) if key in left]


# --- states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("readers", [1, 2, 4])
def test_a_state_goes_on_at_every_position_with_any_readers(before: World, readers: int, options: Any) -> None:
    whole = read(before, **options)
    for count in range(len(whole) // readers + 2):
        done, states = [], []
        for rank in range(readers):
            dataset = open_dataset(str(before.out), rank=rank, world=readers, **options)
            keys, state = taken(dataset, count + rank % 2)
            done += keys
            states.append(state)
        for new in (1, 3, 16):
            if new == readers:
                continue
            rest = []
            for rank in range(new):
                dataset = open_dataset(str(before.out), rank=rank, world=new, **options)
                dataset.load_state_dict(states)
                rest += [sample.key for sample in dataset]
            assert sorted(done + rest) == sorted(whole)


def test_a_reader_goes_on_by_its_own_state_alone(before: World) -> None:
    for rank, count in product(range(2), range(6)):
        dataset = open_dataset(str(before.out), shuffle=1, rank=rank, world=2)
        keys, state = taken(dataset, count)
        other = open_dataset(str(before.out), shuffle=1, rank=rank, world=2)
        other.load_state_dict(state)
        assert other.state_dict() == state
        assert keys + [sample.key for sample in other.epoch(0)] == read(before, shuffle=1, rank=rank, world=2)
        assert [sample.key for sample in other] == read(before, shuffle=1, rank=rank, world=2)


def test_readers_may_change_again_and_again(before: World) -> None:
    whole, done = read(before, shuffle=9), []
    states: list[dict[str, Any]] = []
    for readers in (2, 3, 1, 4):
        new = []
        for rank in range(readers):
            dataset = open_dataset(str(before.out), shuffle=9, rank=rank, world=readers)
            if states:
                dataset.load_state_dict(states)
            keys, state = taken(dataset, 1)
            done += keys
            new.append(state)
        states = [merge_states(new)]
    assert len(done) == 9
    assert sorted(done) == sorted(whole)


def test_a_state_at_the_end_has_nothing_left_and_the_next_epoch_all(before: World) -> None:
    dataset = open_dataset(str(before.out), shuffle=1)
    list(dataset.epoch(4))
    other = open_dataset(str(before.out), shuffle=1)
    other.load_state_dict(dataset.state_dict())
    assert list(other) == []
    assert len([*other.epoch(5)]) == 9


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_state_from_before_a_withdrawal_goes_on_with_what_is_left(before: World, after: World, options: Any) -> None:
    whole = read(before, **options)
    left = [key for key in whole if not key.startswith("call-2")]
    for readers, new in ((1, 1), (1, 3), (2, 1), (2, 2), (3, 2)):
        for count in range(len(whole) // readers + 1):
            done, states = [], []
            for rank in range(readers):
                keys, state = taken(
                    open_dataset(str(before.out), rank=rank, world=readers, **options), count + (rank > 0)
                )
                done += keys
                states.append(state)
            rest = []
            for rank in range(new):
                dataset = open_dataset(str(after.out), rank=rank, world=new, **options)
                dataset.load_state_dict(states)
                own = [sample.key for sample in dataset]
                assert own == [key for key in whole if key in own]
                rest += own
                assert dataset.state_dict()["keys_sha256"] == states[0]["keys_sha256"]
            assert not [key for key in rest if key.startswith("call-2")]
            assert sorted({*done} & {*left} | {*rest}) == sorted(left)
            assert len(done) + len(rest) == len({*done, *rest})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shuffle": 2}, r"^state: it was taken with shuffle '1', and the dataset was opened with '2'; open it as"),
        ({"split": "validation"}, r"^state: it was taken with split 'train', and the dataset was opened with 'valid"),
        ({"where": [("segment", "==", 0)]}, r"^state: it was taken with where '\[\]', and the dataset was opened with"),
        ({"crop_s": 1.0}, r"^state: it was taken with crop_s 'None'"),
        ({"world": 2, "rank": 1}, None),
    ],
)
def test_a_state_of_something_else_is_refused(before: World, change: dict[str, Any], message: str | None) -> None:
    state = open_dataset(str(before.out), shuffle=1).state_dict()
    dataset = open_dataset(str(before.out), **{"shuffle": 1, **change})
    if message is None:
        dataset.load_state_dict(state)
        return
    with pytest.raises(UsageError, match=message):
        dataset.load_state_dict(state)


def test_a_state_of_another_release_is_refused(before: World, after: World, release: Path) -> None:
    state = open_dataset(str(release)).state_dict()
    with pytest.raises(
        UsageError, match=r"^state: it is of another release \('tiny-dataset', 5 samples\) than the one"
    ):
        open_dataset(str(before.out)).load_state_dict(state)
    later = open_dataset(str(after.out)).state_dict()
    with pytest.raises(UsageError, match=r"^state: it is of another release .*, or a later version$"):
        open_dataset(str(before.out)).load_state_dict(later)


def test_missing_differing_and_damaged_states_are_refused(before: World) -> None:
    states = [open_dataset(str(before.out), rank=rank, world=3).state_dict() for rank in range(3)]
    alone = open_dataset(str(before.out))
    for given, message in (
        (states[:2], r"^state: it is of 2 of 3 readers, and reader 0 of 1 needs those of all of them; give a list of"),
        ([], r"^state: none was given"),
        ([states[0], {**states[1], "epoch": 2}], r"^state: the states differ in epoch \('0' and '2'\); give those"),
        ([*states, {**states[0], "given": {"0": 2}}], r"^state: two states of reader 0 differ; give one of each$"),
        ({}, r"^state: it is no state of a reader of version reader/1\.0; give what state_dict\(\) gave$"),
        ({**states[0], "given": {"0": -1}}, r"^state: it is damaged; give what state_dict\(\) gave$"),
        ({**states[0], "given": {"3": 1}}, r"^state: it is damaged"),
        ({**states[0], "rounds": [[]]}, r"^state: it is damaged"),
        ({**states[0], "rounds": ""}, r"^state: it is damaged"),
        ({**states[0], "epoch": -1}, r"^state: it is damaged"),
        ({**states[0], "epoch": "1"}, r"^state: it is damaged"),
        ({**states[0], "consumers": 0, "given": {}}, r"^state: it is damaged"),
        ({**states[0], "consumers": 1 << 50}, r"^state: it is of 1 of \d+ readers"),
        (
            {**states[0], "consumers": 1, "given": {"0": 10}},
            r"reader 0 of 1 has had 10 samples, and its share is 9; give",
        ),
        (
            {**states[0], "consumers": 2, "given": {"0": 5, "1": 5}},
            r"reader 1 of 2 has had 5 samples, and its share is 4",
        ),
        ({**states[0], "consumers": 1, "rounds": [[9]], "given": {"0": 1}}, r"has had 1 samples, and its share is 0"),
        ({**states[0], "consumers": 1, "rounds": [[4, 5]]}, r"reader 1 of 2 has had 5 samples, and its share is 4"),
        (None, r"^state: none was given"),
        (3, r"^state: none was given"),
    ):
        with pytest.raises(UsageError, match=message):
            alone.load_state_dict(given)  # type: ignore[arg-type]


def test_a_state_without_what_it_is_of_is_refused(before: World) -> None:
    state = open_dataset(str(before.out)).state_dict()
    for field in ("shuffle", "crop_s", "where"):
        other = {name: value for name, value in state.items() if name != field}
        with pytest.raises(UsageError, match=rf"^state: it was taken with {field}"):
            open_dataset(str(before.out)).load_state_dict(other)


def test_an_iteration_of_before_does_not_move_the_state(before: World) -> None:
    dataset = open_dataset(str(before.out))
    whole = read(before)
    reading = iter(dataset)
    next(reading)
    state = dataset.state_dict()
    next(reading)
    dataset.load_state_dict(state)
    assert next(reading).key == whole[2]
    assert dataset.state_dict() == state
    assert [sample.key for sample in dataset] == whole[1:]
    older, newer = iter(dataset), iter(dataset)
    next(newer)
    list(older)
    assert dataset.state_dict() == state
    reading = iter(dataset)
    dataset.epoch(1)
    list(reading)
    assert dataset.state_dict()["given"] == {"0": 0}
