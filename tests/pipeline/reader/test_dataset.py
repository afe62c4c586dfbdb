"""Reading a release: what a sample holds, for which purposes it is given, and what is said of damage."""

import io
import json
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.dataset import Dataset, PurposeError, open_dataset
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.shards.tar import npy_bytes, write_members

Build = Callable[..., Any]


def shard_of(release: Path, split: str) -> Path:
    (path,) = (release / "shards").glob(f"{split}-*.tar")
    return path


# --- samples --------------------------------------------------------------------------------------------------------


def test_the_samples_of_a_split_come_in_the_order_of_its_shards(release: Path) -> None:
    train = open_dataset(str(release))
    assert len(train) == 5
    assert [sample.key for sample in train] == [f"call-1-{n:05d}" for n in range(3)] + [
        f"call-2-{n:05d}" for n in (0, 1)
    ]
    assert [sample.key for sample in open_dataset(str(release), split="validation")] == ["call-3-00000"]


def test_samples_may_be_read_shard_by_shard(release: Path) -> None:
    dataset = open_dataset(str(release), where=[("recording_id", "!=", "call-1")])
    (shard,) = dataset.shards()
    assert shard.entry == dataset.release["shards"][0]
    assert shard.keys == ("call-2-00000", "call-2-00001")
    assert [sample and sample.key for sample in dataset.of_shard(shard)] == list(shard.keys)
    assert dataset.counts() == (5, 2)
    with pytest.warns(match="no sample"):
        empty = open_dataset(str(release), where=[("recording_id", "==", "call-9")])
    assert empty.shards() == []


def test_a_dataset_may_be_read_twice(release: Path) -> None:
    dataset = open_dataset(str(release))
    assert [sample.key for sample in dataset] == [sample.key for sample in dataset]


def test_a_sample_holds_codes_and_metadata(release: Path, tiny_codec: Any) -> None:
    for sample in open_dataset(str(release)):
        assert sample.codes.dtype == np.uint16
        assert sample.codes.shape == (2, 2, sample.metadata["codec"]["frames"])
        assert (sample.codes.max(axis=(0, 2)) < tiny_codec.cardinalities).all()
        assert sample.metadata["key"] == sample.key
        assert sample.metadata["split"] == "train"


def test_audio_is_decoded_once_when_it_is_asked_for(release: Path, tmp_path: Path) -> None:
    first = next(iter(open_dataset(str(release))))
    assert first.audio is not None
    pcm, sample_rate_hz = first.audio
    assert pcm.dtype == np.float32
    assert (pcm.shape, sample_rate_hz) == ((2, 16000), 8000)
    written, _ = soundfile.read(tmp_path / "call-1.wav", dtype="float32")
    np.testing.assert_allclose(pcm, written[:16000].T, atol=1 / 32768, rtol=0)
    assert first.audio[0] is pcm


def test_opening_reads_nothing_of_a_shard(release: Path) -> None:
    for path in release.glob("shards/*"):
        path.unlink()
    assert len(open_dataset(str(release))) == 5


# --- purposes, splits, releases -------------------------------------------------------------------------------------


def test_another_purpose_is_refused(release: Path) -> None:
    with pytest.raises(PurposeError) as raised:
        open_dataset(str(release), purpose="redistribution")
    assert str(raised.value) == (
        f"{release}: this release may be used for training_inhouse and not for redistribution; make one with "
        "`duologue run ... --purpose redistribution`: it will hold what its speakers allow"
    )
    assert isinstance(raised.value, UsageError)


def test_a_sample_is_only_given_for_a_purpose_that_it_carries_itself(release: Path) -> None:
    document = json.loads((release / "dataset.json").read_text())
    document["purposes"].append("redistribution")
    (release / "dataset.json").write_text(json.dumps(document))
    assert list(open_dataset(str(release), purpose="redistribution")) == []


def test_an_unknown_split_is_refused(release: Path) -> None:
    with pytest.raises(UsageError, match=r"^split 'test': expected one of train, validation, bridge$"):
        open_dataset(str(release), split="test")


def test_a_folder_without_a_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        open_dataset(str(tmp_path))
    assert str(raised.value) == (
        f"{tmp_path}/dataset.json: no such file; is {tmp_path} the output folder of a complete run?"
    )


# --- damage ---------------------------------------------------------------------------------------------------------


def test_a_shard_that_ends_within_a_member_is_damaged(release: Path) -> None:
    shard = shard_of(release, "train")
    shard.write_bytes(shard.read_bytes()[:3000])
    with pytest.raises(
        ValueError, match=r"the shard is damaged \(it has 3000 bytes, and dataset\.json says \d+\): fetch"
    ):
        list(open_dataset(str(release)))


def test_a_shard_that_ends_between_two_samples_is_damaged(release: Path) -> None:
    """tarfile takes such a file for a whole archive."""
    whole = shard_of(release, "train")
    second = whole.read_bytes().index(b"call-1-00001.json")
    whole.write_bytes(whole.read_bytes()[:second])
    with pytest.raises(
        ValueError, match=r"\.tar: the shard is damaged \(it has \d+ bytes, and dataset\.json says \d+\)"
    ):
        list(open_dataset(str(release)))


def test_a_shard_with_a_damaged_header_is_damaged(release: Path) -> None:
    """tarfile takes a header that is not one for the end of the archive."""
    shard = shard_of(release, "train")
    content = bytearray(shard.read_bytes())
    content[content.index(b"call-2-00000.json") + 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match=r"\.tar: call-2-00000: the archive is damaged \(at byte 0 is no header"):
        list(open_dataset(str(release)))


def test_everything_that_is_wrong_with_a_release_is_one_error(release: Path) -> None:
    assert issubclass(DamagedReleaseError, UsageError)
    assert issubclass(DamagedReleaseError, ValueError)
    dataset = open_dataset(str(release))
    shard = shard_of(release, "train")
    content = shard.read_bytes()
    shard.unlink()
    with pytest.raises(DamagedReleaseError, match=r"\.tar: is not there, and dataset\.json lists it"):
        list(dataset)
    os.mkfifo(shard)
    with pytest.raises(DamagedReleaseError, match="it is a pipe and not a file"):
        list(dataset)
    shard.unlink()
    shard.write_bytes(content + bytes(512))
    with pytest.raises(DamagedReleaseError, match=r"it has \d+ bytes, and dataset\.json says"):
        list(dataset)
    (release / "dataset.json").write_bytes(b"[" * 100_000)
    with pytest.raises(DamagedReleaseError, match=r"dataset\.json: cannot be read \(is nested too deeply"):
        open_dataset(str(release))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda members: members.update({"codes.npy": npy_bytes(np.zeros((2, 3, 25), np.uint16))}),
            r"is uint16 \[2, 3, 25\]",
        ),
        (
            lambda members: members.update({"codes.npy": npy_bytes(np.full((2, 2, 25), 999, np.uint16))}),
            "outside its codebook",
        ),
        (
            lambda members: members.update({"codes.npy": npy_bytes(np.zeros((2, 2, 9), np.uint16))}),
            "its 9 frames do not fit",
        ),
        (lambda members: members.update({"codes.npy": b"x"}), "call-1-00000.codes.npy cannot be read"),
        (
            lambda members: members.update({"json": b"[]".ljust(len(members["json"]))}),
            "call-1-00000.json cannot be read .it is no object",
        ),
        (
            lambda members: members.update({"json": members["json"].replace(b'"purposes":[', b'"purposes":[1,')}),
            "list purposes",
        ),
        (
            lambda members: members.update(
                {"json": members["json"].replace(b'"end_s":2.0,"events"', b'"end_s":"2","events"')}
            ),
            "begins and ends",
        ),
        (
            lambda members: members.update({"json": members["json"].replace(b'"key":"call-1', b'"key":"call-2')}),
            "is of key 'call-2",
        ),
    ],
)
def test_a_sample_that_is_not_what_the_release_says_is_not_given(
    change: Callable[[dict[str, bytes]], Any], message: str, release: Path
) -> None:
    shard = shard_of(release, "train")
    buffer = io.BytesIO()
    for number, (key, members) in enumerate(read_members(str(shard))):
        if number == 0:
            change(members)
        write_members(buffer, key, members)
    shard.write_bytes(buffer.getvalue() + bytes(1024))
    document = json.loads((release / "dataset.json").read_text())
    for entry in document["shards"]:
        if entry["path"].endswith(shard.name):
            entry["bytes"] = shard.stat().st_size
    (release / "dataset.json").write_text(json.dumps(document))
    with pytest.raises(DamagedReleaseError, match=message):
        list(open_dataset(str(release)))


def test_audio_that_unpacks_to_more_than_the_sample_is_not_unpacked(release: Path) -> None:
    sample = next(iter(open_dataset(str(release))))
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((8000 * 600, 2), np.int16), 8000, format="FLAC")
    for flac, message in (
        (buffer.getvalue(), r"call-1-00000\.flac cannot be decoded \(it is longer than the sample, 2\.000 s\)"),
        (b"fLaC" + bytes(100), r"\.tar: call-1-00000\.flac cannot be decoded"),
        (b"", "cannot be decoded"),
    ):
        with pytest.raises(DamagedReleaseError, match=message):
            _ = replace(sample, flac=flac).audio


# --- leaving damage out, keys, copies -------------------------------------------------------------------------------


def damage_a_sample(release: Path, key: str = "call-1-00001") -> None:
    """Makes a sample of the shard another one; all others stay."""
    shard = shard_of(release, "train")
    content = bytearray(shard.read_bytes())
    content[content.index(f"{key}.json".encode()) + 3] ^= 1
    shard.write_bytes(content)


def test_a_damaged_sample_is_left_out_and_counted_where_that_is_asked_for(release: Path) -> None:
    damage_a_sample(release)
    dataset = open_dataset(str(release), on_damage="skip")
    with pytest.warns(
        UserWarning, match=r"call-1-00001: the archive is damaged .*; such samples are left out and counted"
    ) as told:
        found = [sample.key for epoch in range(2) for sample in dataset.epoch(epoch)]
    assert len(told) == 1
    assert dataset.damaged == 2
    others = [f"call-1-{n:05d}" for n in (0, 2)] + [f"call-2-{n:05d}" for n in (0, 1)]
    assert found == others * 2
    with pytest.raises(DamagedReleaseError):
        dataset["call-1-00001"]
    assert open_dataset(str(release), on_damage="skip").share(0, 2).damaged == 0


def test_an_epoch_goes_on_behind_a_damaged_sample(release: Path) -> None:
    damage_a_sample(release)
    dataset = open_dataset(str(release))
    reading = iter(dataset)
    assert next(reading).key == "call-1-00000"
    with pytest.raises(DamagedReleaseError):
        next(reading)
    other = open_dataset(str(release), on_damage="skip")
    other.load_state_dict(dataset.state_dict())
    with pytest.warns(UserWarning, match="left out"):
        assert [sample.key for sample in other] == ["call-1-00002", "call-2-00000", "call-2-00001"]


def test_a_missing_shard_is_left_out_where_that_is_asked_for(release: Path) -> None:
    shard_of(release, "train").unlink()
    dataset = open_dataset(str(release), on_damage="skip", shuffle=1)
    with pytest.warns(
        UserWarning, match=r"train-00000-\w+\.tar: is not there, and dataset\.json lists it \(No such file .*fetch it"
    ):
        assert list(dataset) == []
    assert dataset.damaged == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_damage": "ignore"}, r"^on_damage 'ignore': expected raise or skip$"),
        (
            {"shuffle": True},
            r"^shuffle True: expected a seed, which is a whole number, or None for the order of the index$",
        ),
        ({"rank": 2, "world": 2}, r"^rank 2 of world 2: expected whole numbers, rank from 0 and below world$"),
        ({"world": 0}, r"^rank 0 of world 0: expected whole numbers"),
    ],
)
def test_arguments_that_cannot_be_are_refused(release: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_dataset(str(release), **options)


def test_a_seed_and_an_epoch_may_be_numbers_of_numpy(release: Path) -> None:
    dataset = open_dataset(str(release), shuffle=np.int64(3)).epoch(np.int64(1))  # type: ignore[arg-type]
    assert keys_of(dataset) == keys_of(open_dataset(str(release), shuffle=3).epoch(1))
    assert json.loads(json.dumps(dataset.state_dict()))["shuffle"] == 3


def test_a_purpose_that_there_is_not_is_told(release: Path) -> None:
    with pytest.raises(PurposeError, match=r"^purpose 'train': expected one of recording, training_inhouse, "):
        open_dataset(str(release), purpose="train")


def test_a_file_in_the_place_of_the_folder_is_told(release: Path) -> None:
    with pytest.raises(UsageError, match=r"dataset\.json: is a file; give the output folder of a run") as told:
        open_dataset(str(release / "dataset.json"))
    assert not isinstance(told.value, DamagedReleaseError)


def test_a_sample_is_had_by_its_key(release: Path) -> None:
    dataset = open_dataset(str(release), shuffle=1, rank=1, world=2)
    for sample in open_dataset(str(release)):
        assert (dataset[sample.key].codes == sample.codes).all()
    assert "call-1-00000" in dataset
    assert "call-3-00000" not in dataset
    assert 3 not in dataset
    with pytest.raises(KeyError, match=r"call-3-00000: no such sample is read from the split train"):
        dataset["call-3-00000"]
    with pytest.raises(
        UsageError,
        match=r"^sample 0: samples are named by the keys of their dataset, .*duologue_pipeline\.torch\.TorchDataset\(dataset\)$",
    ):
        dataset[0]  # type: ignore[index]
    for number in (-1, 1.0, None, 2**63):
        with pytest.raises(UsageError, match=r"^epoch .*: expected a whole number from 0 and below \d+$"):
            dataset.epoch(number)  # type: ignore[arg-type]


def test_a_dataset_travels_to_another_process(release: Path) -> None:
    dataset = open_dataset(str(release), shuffle=1, crop_s=1.0, where=[("segment", "<", 2)])
    reading = iter(dataset)
    first = next(reading).key
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.state_dict() == dataset.state_dict()
    assert next(iter(copy)).key == first
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        parts = list(pool.map(keys_of, [dataset.share(part, 2) for part in range(2)]))
    assert sorted(parts[0] + parts[1]) == sorted(dataset.keys())


def keys_of(dataset: Dataset) -> list[str]:
    return [sample.key for sample in dataset]


def test_only_so_many_shards_are_open(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.reader.fetch._MOST_OPEN", 1)
    before = len(os.listdir("/proc/self/fd"))
    reading = iter(open_dataset(str(release), shuffle=1))
    next(reading)
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    del reading
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_cannot_be_trusted_is_not_read_the_second_time_either(release: Path) -> None:
    dataset = open_dataset(str(release))
    (release / "revocations.jsonl").write_text("garbage\n")
    time.sleep(0.6)  # the file is looked at every half second
    for _ in range(3):
        with pytest.raises(DamagedReleaseError, match=r"revocations\.jsonl: .* nothing is: fetch the release again"):
            keys_of(dataset)


def test_a_damaged_manifest_is_no_damaged_sample(release: Path) -> None:
    dataset = open_dataset(str(release), on_damage="skip")
    shard_of(release, "train").unlink()
    (release / "dataset.json").write_text("{")
    with pytest.raises(DamagedReleaseError, match=r"dataset\.json: cannot be read"):
        keys_of(dataset)
    assert dataset.damaged == 0


def test_a_place_that_is_no_text_is_refused(release: Path) -> None:
    for uri in (None, release, 3):
        with pytest.raises(UsageError, match=r"^uri .*: expected text, of a path str\(path\)$"):
            open_dataset(uri)  # type: ignore[arg-type]
