"""Datasets interleaved by weight: how many of each, when an epoch ends, shares and states."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Mix, mix, open_dataset
from duologue_pipeline.reader.mix import _course


def make_mix(release: Path, weights: tuple[float, float] = (2, 1), seed: int = 1, **reader: Any) -> Mix:
    """Call-1 with 3 samples and call-2 with 2."""
    datasets = [
        open_dataset(str(release), shuffle=5, where=[("recording_id", "==", name)], **reader)
        for name in ("call-1", "call-2")
    ]
    return mix(list(zip(datasets, weights, strict=True)), seed=seed)


def keys(dataset: Any) -> list[str]:
    return [sample.key for sample in dataset]


def test_an_epoch_ends_when_every_dataset_was_read_to_its_end(release: Path) -> None:
    both = make_mix(release)
    for epoch in range(4):
        found = keys(both.epoch(epoch))
        counts = Counter(found)
        assert len(found) == len(both)
        assert set(counts) == {f"call-1-{n:05d}" for n in range(3)} | {f"call-2-{n:05d}" for n in range(2)}
        assert {counts["call-2-00000"], counts["call-2-00001"]} == {1}  # 2 turns of a weight of 1 last longest
        assert {counts[f"call-1-{n:05d}"] for n in range(3)} <= {1, 2}
    assert keys(both.epoch(0)) == keys(make_mix(release))
    assert keys(both.epoch(0)) != keys(both.epoch(1))
    assert [keys(make_mix(release, seed=seed)) for seed in (2, 3)] != [keys(both.epoch(0))] * 2


def test_weights_hold_all_along() -> None:
    course = _course([900, 500, 20], [6.0, 3.0, 1.0], seed=4, epoch=2)
    assert len(course.turn) >= 1500
    for place in range(1, len(course.turn), 37):
        for number, weight in enumerate((0.6, 0.3, 0.1)):
            assert abs(int((course.dataset[:place] == number).sum()) - weight * place) < 3
    assert len({tuple(course.dataset[start : start + 10]) for start in range(0, 1500, 10)}) > 50


@pytest.mark.parametrize("readers", [1, 2, 3])
def test_shares_and_states_of_a_mix_are_those_of_a_dataset(release: Path, readers: int) -> None:
    whole = keys(make_mix(release))
    for count in range(len(whole) // readers + 1):
        done, states = [], []
        for rank in range(readers):
            both = make_mix(release, rank=rank, world=readers)
            assert keys(both) == whole[rank::readers] == keys(make_mix(release).share(rank, readers))
            done += [sample.key for sample in islice(both, count)]
            states.append(both.state_dict())
        for new in (1, 2, 5):
            rest = []
            for rank in range(new):
                both = make_mix(release, rank=rank, world=new)
                both.load_state_dict(states if new != readers else states[rank])
                rest += keys(both)
            assert sorted(done + rest) == sorted(whole)


def test_what_cannot_be_mixed_is_refused(release: Path) -> None:
    dataset = open_dataset(str(release))
    for given, message in (
        ([], r"^mix: expected a list of \(dataset, weight\), at least one$"),
        ([dataset], r"^mix: expected a list of"),
        (
            [(make_mix(release), 1)],
            r"^mix: dataset 0 is a mix, whose epochs are not of one length; give all datasets to one",
        ),
        ([(dataset, 0)], r"^mix: weight 0 of dataset 0: expected a number above 0 and below 1e300; else leave it out$"),
        ([(dataset, float("nan"))], r"^mix: weight nan of dataset 0"),
        (
            [(dataset, 1), (dataset.share(1, 2), 1)],
            r"^mix: dataset 1 was opened for reader 1 of 2, and dataset 0 for 0 of 1",
        ),
        (
            [(open_dataset(str(release), where=[("segment", ">", 9)]), 1)],
            r"^mix: dataset 0 has no samples; leave it out",
        ),
        (
            [(dataset, 1), (dataset, 1e-12)],
            r"^mix: an epoch would have 5e\+12 samples, more than 268435456; choose closer",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            mix(given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"^mix: seed None: expected a whole number$"):
        mix([(dataset, 1)], seed=None)  # type: ignore[arg-type]


def test_a_state_of_another_mix_is_refused(release: Path) -> None:
    state = make_mix(release).state_dict()
    for other, message in (
        (make_mix(release, seed=2), r"^state: it was taken with seed 1, and the mix has 2; mix as before$"),
        (
            make_mix(release, weights=(1, 1)),
            r"^state: it was taken with weights \[2\.0, 1\.0\], and the mix has \[1\.0, 1\.0\]",
        ),
        (
            mix([(open_dataset(str(release)), 1)]),
            r"^state: it is not of a mix of 1 datasets; mix what was mixed before$",
        ),
        (open_dataset(str(release)), r"^state: it was taken with split 'None'"),
    ):
        with pytest.raises(UsageError, match=message):
            other.load_state_dict(state)


def test_a_state_that_was_loaded_into_a_part_is_not_passed_over(release: Path) -> None:
    part = open_dataset(str(release))
    part.load_state_dict(open_dataset(str(release)).state_dict())
    with pytest.raises(
        UsageError, match=r"^state: it was loaded into a part of what is read now; load it into the whole"
    ):
        mix([(part, 1)])


def test_what_is_no_list_of_datasets_is_refused(release: Path) -> None:
    for given in (None, 1, [(open_dataset(str(release)), 2**2000)]):
        with pytest.raises(
            UsageError, match=r"^mix: (expected a list of|weight \d+ of dataset 0: expected a number above 0)"
        ):
            mix(given)  # type: ignore[arg-type]


def test_a_mix_handed_to_a_dataloader_says_what_to_use(release: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^sample 0: samples are named .*duologue_pipeline\.torch\.TorchDataset\(dataset\)$"
    ):
        make_mix(release)[0]
