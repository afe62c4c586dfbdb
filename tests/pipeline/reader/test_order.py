"""The order of an epoch: of keys and a seed alone, fair, and the same for ever."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.reader.deal import dealt
from duologue_pipeline.reader.order import epoch_order, fractions, key_hashes, part_hashes

HASHES = [16033579750848764006, 9291887243558752978, 13310929233261918826]
ORDERS = [[7, 1, 0, 6, 2, 3, 5, 4], [3, 4, 5, 6, 2, 0, 1, 7], [3, 5, 4, 7, 6, 1, 0, 2]]

texts = st.lists(st.text("abcdefgh0123456789-_", min_size=1, max_size=40), min_size=1, max_size=30, unique=True)


def hashes_of(keys: list[str]) -> list[int]:
    hashes: list[int] = key_hashes(pa.array(keys, pa.string())).tolist()
    return hashes


def test_hashes_and_orders_are_the_same_for_ever() -> None:
    """States of running trainings hang on them."""
    assert hashes_of(["call-1-00000", "call-0001-with-a-long-name-00012", "x"]) == HASHES
    keys = [f"call-{number}-00000" for number in range(8)]
    hashes = key_hashes(pa.array(keys))
    assert [epoch_order(hashes, seed=seed, epoch=epoch).tolist() for seed, epoch in ((0, 0), (0, 1), (-7, 0))] == ORDERS


@given(texts)
def test_a_hash_hangs_on_its_key_alone(keys: list[str]) -> None:
    together = hashes_of(keys)
    assert together == [hashes_of([key])[0] for key in keys]
    assert len(set(together)) == len(keys)


@given(texts, st.integers(), st.integers(0, 1000), st.data())
def test_none_moves_when_others_go(keys: list[str], seed: int, epoch: int, data: st.DataObject) -> None:
    left = data.draw(st.lists(st.sampled_from(keys), unique=True, min_size=1))
    ordered, fewer = (
        [names[place] for place in epoch_order(key_hashes(pa.array(names)), seed=seed, epoch=epoch)]
        for names in (keys, left)
    )
    assert sorted(ordered) == sorted(keys)
    assert fewer == [key for key in ordered if key in left]


def test_every_place_is_as_likely_for_every_sample() -> None:
    hashes = key_hashes(pa.array([f"call-{number:04d}-00000" for number in range(100)]))
    places = np.array([np.argsort(epoch_order(hashes, seed=3, epoch=epoch)) for epoch in range(400)])
    assert abs(places.mean(axis=0) - 49.5).max() < 6  # four standard errors
    neighbours = [
        abs(np.diff(order)).mean() for order in (epoch_order(hashes, seed=3, epoch=each) for each in range(50))
    ]
    assert 30 < float(np.mean(neighbours)) < 37  # a third of 100: no sample stays beside its neighbour


def test_parts_of_a_sample_are_mixed_as_well() -> None:
    hashes = key_hashes(pa.array(["a-00000", "b-00000"]))
    assert part_hashes(hashes, np.zeros(2, np.int64)).tolist() == hashes.tolist()
    assert len(set(part_hashes(np.repeat(hashes, 50), np.tile(np.arange(50), 2)).tolist())) == 100


def test_no_samples_have_an_order() -> None:
    assert epoch_order(key_hashes(pa.array([], pa.string())), seed=1, epoch=0).tolist() == []


def test_fractions_are_spread() -> None:
    drawn = fractions(np.arange(10_000), seed=1, epoch=0, stream=0)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.histogram(drawn, 10, (0, 1))[0].min() > 900


@settings(deadline=None)
@given(st.integers(0, 60), st.data())
def test_whatever_was_dealt_before_what_is_left_is_dealt_once(count: int, data: st.DataObject) -> None:
    rounds: list[tuple[int, ...]] = []
    done: list[int] = []
    for _ in range(data.draw(st.integers(0, 3))):
        readers = data.draw(st.integers(1, 7))
        given_out = []
        for reader in range(readers):
            share = dealt(count, tuple(rounds), consumer=reader, consumers=readers).tolist()
            had = data.draw(st.integers(0, len(share)))
            done += share[:had]
            given_out.append(had)
        rounds.append(tuple(given_out))
    readers = data.draw(st.integers(1, 70))
    shares = [dealt(count, tuple(rounds), consumer=reader, consumers=readers).tolist() for reader in range(readers)]
    assert sorted(done + [place for share in shares for place in share]) == list(range(count))
    assert all(share == sorted(share) for share in shares)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
