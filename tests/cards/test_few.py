"""Counts by which fewer than five people could be told: by themselves, by what stands beside them, or by the version before."""

import pytest

from duologue_cards.few import AFTER_WITHDRAWAL, SMALL_GROUP, SMALL_PLACE, apart, counts_by_place, counts_by_text


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"DE": 5, "FR": 9}, {"DE": 5, "FR": 9}),
        ({"DE": 4, "FR": 9}, {"DE": SMALL_PLACE, "FR": SMALL_PLACE}),  # 13 are told elsewhere
        ({"DE": 4, "FR": 4}, {"DE": SMALL_PLACE, "FR": SMALL_PLACE}),  # eight, and none has more than four
        ({}, {}),
    ],
)
def test_all_places_are_counted_or_none(counts: dict[str, int], told: dict[str, int | str]) -> None:
    assert counts_by_place(counts, later=False) == told
    assert set(counts_by_place(counts, later=True).values()) <= {AFTER_WITHDRAWAL}


def test_a_group_takes_in_others_until_it_is_not_of_few() -> None:
    assert counts_by_text({"f": 9, "m": 8, "x": 3, "y": 1}, later=False) == {"f": 9, "other": 12}
    assert counts_by_text({"x": 3, "y": 1}, later=False) == {"other": SMALL_GROUP}


def test_a_later_version_does_not_say_which_groups_have_become_small() -> None:
    """Of the five of f one withdrew: were the others named still, f would be missing among them."""
    for counts in ({"f": 5, "m": 9}, {"f": 4, "m": 9}):
        assert counts_by_text(counts, later=True) == {"other": AFTER_WITHDRAWAL}


def test_counts_that_differ_by_few_are_not_apart() -> None:
    assert apart(20, {0, 20})
    assert apart(15, {0, 20})
    assert not apart(16, {0, 20})
    assert not apart(3, {0, 20})
