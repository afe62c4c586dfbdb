"""What readers see of a withdrawal: at once, in the middle of an epoch, in the moment of the switch, and with a warm cache."""

import json
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import webdataset

from duologue_consent.proofs.dsse import parse_envelope
from duologue_consent.proofs.keys import SigningKey
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import move
from duologue_pipeline.reader.dataset import PurposeError, open_dataset
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.release_file import release_file
from duologue_pipeline.reader.shard import Sample, read_sample
from duologue_pipeline.withdrawal import carry_out, protocol
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_schemas import iter_faults
from tests.object_store import serve_bucket
from tests.pipeline.withdrawal.support import CALLS
from tests.pipeline.withdrawal.world import World, make_world

UNKNOWN_KEY = SigningKey("consent.example/ledger-1", bytes(range(32)))


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def keys(world: World, split: str = "train") -> list[str]:
    return [sample.key for sample in open_dataset(str(world.out), split=split)]


def only_publish(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Propagates up to the publication of revocations.jsonl."""

    class Stop(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(protocol, "exclusive", stop)
        with pytest.raises(Stop):
            propagate_release(str(world.out), world.ledger)


def test_a_withdrawn_sample_is_left_out_before_any_rewrite(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.withdraw("carl")
    assert "call-2-00000" in keys(world)
    before = world.files()
    only_publish(world, monkeypatch)
    assert {path for path, data in world.files().items() if before.get(path) != data} == {"revocations.jsonl"}
    assert [key for key in keys(world) if key.startswith("call-2")] == []
    assert "call-1-00000" in keys(world)
    (published,) = (world.out / "revocations.jsonl").read_bytes().splitlines(keepends=True)
    assert list(iter_faults("revocations", json.loads(parse_envelope(published).payload))) == []


def test_an_epoch_that_is_under_way_leaves_it_out_within_a_second(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = iter(open_dataset(str(world.out)))
    assert next(reading).key == "call-1-00000"
    world.withdraw("carl")
    only_publish(world, monkeypatch)
    published = time.monotonic()
    time.sleep(0.6)
    rest = [sample.key for sample in reading]
    assert time.monotonic() - published < 1.0
    assert not [key for key in rest if key.startswith("call-2")]
    assert "call-3-00000" in rest


def test_an_epoch_that_is_under_way_goes_on_in_the_new_version(world: World) -> None:
    dataset = open_dataset(str(world.out))
    before = [sample.key for sample in dataset]
    reading = iter(dataset)
    first = [next(reading).key]
    world.withdraw("carl")
    world.withdraw("gina")
    propagate_release(str(world.out), world.ledger)
    time.sleep(0.6)
    keys_read = first + [sample.key for sample in reading]
    assert keys_read == [key for key in before if not key.startswith("call-2")]
    assert dataset.release["version"] == "2.0.0"


def test_a_shard_that_is_missing_without_a_new_version_is_an_error(world: World) -> None:
    (shard,) = (world.out / "shards").glob("train-00001-*")
    shard.unlink()
    with pytest.raises(FileNotFoundError):
        keys(world)


def test_a_reader_finds_the_tables_of_its_version_in_the_moment_of_the_switch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dataset.json is switched first, then the tables are moved: between the two they are found where they wait."""
    world.withdraw("carl")
    old = read_release(str(world.out))
    seen = []

    def look() -> None:
        new = read_release(str(world.out))
        assert new["version"] == "2.0.0"
        seen.append([release_file(str(world.out), new, path) for path in ("index.parquet", "README.md")])

    def looked_at(source: str, target: str) -> None:
        look()
        move(source, target)
        look()

    monkeypatch.setattr(carry_out, "move", looked_at)
    assert len(release_file(str(world.out), old, "index.parquet")) > 0
    propagate_release(str(world.out), world.ledger)
    assert len(seen) >= 8
    assert all(files == seen[0] for files in seen)


def test_a_release_that_lost_its_purpose_is_not_read_on(world: World) -> None:
    reading = iter(open_dataset(str(world.out)))
    next(reading)
    document = json.loads((world.out / "dataset.json").read_bytes()) | {"purposes": ["redistribution"]}
    (world.out / "dataset.json").write_text(json.dumps(document))
    for shard in (world.out / "shards").iterdir():
        shard.unlink()
    with pytest.raises(PurposeError, match=r"may be used for redistribution and not for training_inhouse"):
        list(reading)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda out: (out / "revocations.jsonl").unlink(), r"it does not begin as dataset\.json says"),
        (lambda out: (out / "revocations.jsonl").write_bytes(b""), r"it does not begin as dataset\.json says"),
        (lambda out: (out / "ledger.pub").unlink(), r"there is no ledger\.pub beside it to check it with"),
        (
            lambda out: (out / "ledger.pub").write_text(UNKNOWN_KEY.verifier.text),
            r"ledger\.pub does not belong to the checkpoint",
        ),
        (
            lambda out: (out / "revocations.jsonl").open("ab").write(b"{}\n"),
            r"line 2: it is no DSSE envelope",
        ),
    ],
)
def test_a_reader_that_cannot_trust_the_revocations_reads_nothing(
    world: World, damage: Callable[[Path], object], fault: str
) -> None:
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    damage(world.out)
    with pytest.raises(UsageError, match=fault + r".*; what must not be read cannot be told, so nothing is: fetch"):
        keys(world)


def test_a_reader_goes_on_after_the_ledgers_key_was_changed(world: World) -> None:
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    dataset = open_dataset(str(world.out))
    world.ledger.rotate_key()
    world.withdraw("gina")
    propagate_release(str(world.out), world.ledger)
    (call,) = (call.name for call in CALLS if "gina" in (call.a, call.b))
    assert f"{call}-00000" in [sample.key for sample in dataset]  # silenced, in the new version
    assert len((world.out / "revocations.jsonl").read_bytes().splitlines()) == 2


def test_webdataset_with_a_warm_cache_never_gets_a_withdrawn_sample_of_the_new_version(
    world: World, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    handler = partial(QuietHandler, directory=str(world.out))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def read() -> dict[str, bytes]:
        release = read_release(str(world.out))
        urls = [f"http://127.0.0.1:{server.server_port}/{shard['path']}" for shard in release["shards"]]
        dataset = webdataset.WebDataset(urls, cache_dir=str(cache), shardshuffle=False, empty_check=False)
        return {sample["__key__"]: sample["codes.npy"] for sample in dataset}

    before = read()
    assert "call-2-00000" in before
    assert any(cache.rglob("*"))
    assert read() == before
    world.withdraw("carl")
    world.withdraw("hugo")
    propagate_release(str(world.out), world.ledger)
    after = read()
    server.shutdown()
    assert {key for key in before if key not in after} == {"call-2-00000", "call-2-00001"}
    assert after["call-1-00000"] == before["call-1-00000"]
    (hugo,) = (call.name for call in CALLS if "hugo" in (call.a, call.b))
    assert after[f"{hugo}-00000"] != before[f"{hugo}-00000"]  # his track is silence


# --- order, crops and what was fetched ahead ------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"shuffle": 3}, {"shuffle": 3, "crop_s": 3.2}, {"crop_s": 0.8}])
def test_an_epoch_under_way_keeps_its_order_in_the_new_version(world: World, options: dict[str, Any]) -> None:
    before = [sample.key for sample in open_dataset(str(world.out), **options)]
    shares = [open_dataset(str(world.out), rank=rank, world=2, **options) for rank in range(2)]
    readings = [iter(share) for share in shares]
    found = [[next(reading).key] for reading in readings]
    world.withdraw("carl")
    world.withdraw("gina")
    propagate_release(str(world.out), world.ledger)
    time.sleep(0.6)
    for own, reading in zip(found, readings, strict=True):
        own += [sample.key for sample in reading]
    for rank, own in enumerate(found):
        assert own[1:] == [key for key in before[rank::2] if not key.startswith("call-2")][-len(own[1:]) :]
        assert shares[rank].release["version"] == "2.0.0"
    assert {key for own in found for key in own} >= {key for key in before if not key.startswith("call-2")}
    again = [[sample.key for sample in share.epoch(1)] for share in shares]  # all readers still deal alike
    assert sorted(again[0] + again[1]) == sorted(key for key in before if not key.startswith("call-2"))
    assert len(shares[0]) + len(shares[1]) == len(again[0] + again[1])


def test_a_silenced_sample_is_given_in_its_new_form(world: World) -> None:
    reading = iter(open_dataset(str(world.out), where=[("recording_id", "in", ["call-1", "call-7"])]))
    next(reading)
    world.withdraw("gina")
    propagate_release(str(world.out), world.ledger)
    time.sleep(0.6)
    (silenced, *_) = (sample for sample in reading if sample.key.startswith("call-7"))
    assert silenced.metadata["speakers"]["b"]["commitment"] == "withdrawn"


def test_what_was_fetched_ahead_is_looked_at_again_when_it_is_given(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of this release is fetched before the first sample is given."""
    with serve_bucket("duologue-ahead") as bucket:

        def upload() -> None:
            for path, data in world.files().items():
                boto3.client("s3").put_object(Bucket="duologue-ahead", Key=f"out/{path}", Body=data)

        upload()
        dataset = open_dataset(f"{bucket}/out")
        reading = iter(dataset)
        assert next(reading).key == "call-1-00000"
        world.withdraw("carl")
        only_publish(world, monkeypatch)
        upload()
        time.sleep(0.6)
        assert [sample.key for sample in reading if sample.key.startswith("call-2")] == []
        assert len(dataset) == 7
        with pytest.raises(KeyError, match="or it was withdrawn"):
            dataset["call-2-00000"]
        assert "call-2-00000" not in dataset


def test_nothing_of_a_withdrawn_sample_is_decoded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.withdraw("carl")
    only_publish(world, monkeypatch)
    decoded: list[str] = []

    def noted(data: bytes, key: str, uri: str) -> Sample:
        decoded.append(key)
        return read_sample(data, key, uri)

    monkeypatch.setattr("duologue_pipeline.reader.reading.read_sample", noted)
    for crop_s in (None, 3.0):
        assert len(list(open_dataset(str(world.out), crop_s=crop_s))) > 4
    assert decoded
    assert not [key for key in decoded if key.startswith("call-2")]


def test_revocations_that_cannot_be_trusted_stop_a_reader_that_leaves_damage_out(world: World) -> None:
    reading = iter(open_dataset(str(world.out), on_damage="skip"))
    next(reading)
    (world.out / "revocations.jsonl").write_bytes(b"{}\n")
    time.sleep(0.6)
    with pytest.raises(UsageError, match="what must not be read cannot be told, so nothing is"):
        list(reading)


@pytest.mark.parametrize("published_only", [True, False])
def test_a_crop_that_touches_what_was_withdrawn_is_no_more(
    world: World, published_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crops of 3 s over segments of 2 s: what is listed can be had, and what cannot is not listed."""
    datasets = [open_dataset(str(world.out), crop_s=3.0, shuffle=shuffle) for shuffle in (None, 1)]
    world.withdraw("gina")
    if published_only:
        only_publish(world, monkeypatch)
    else:
        propagate_release(str(world.out), world.ledger)
    time.sleep(0.6)
    for dataset in (*datasets, open_dataset(str(world.out), crop_s=3.0)):
        given = [sample.key for sample in dataset]
        assert sorted(dataset.keys()) == sorted(given)
        assert len(dataset) == len(given)
        assert all(key in dataset and dataset[key].key == key for key in given)


def test_a_crop_whose_second_sample_is_struck_is_not_listed(world: World) -> None:
    dataset = open_dataset(str(world.out), crop_s=3.2)
    before = dataset.keys()
    version = dataset._reading._version
    struck = version.index.keys.to_pylist().index("call-1-00001")
    version.struck[struck] = True
    given = [sample.key for sample in dataset]
    assert dataset.keys() == given
    assert [key for key in before if key not in dataset] == [key for key in before if key not in given]
    assert "call-1-00000-f00000" in before
    assert "call-1-00000-f00000" not in given
    assert len(dataset) == len(given) < len(before)


def test_a_release_may_be_opened_while_another_version_takes_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``dataset.json`` is read, then the new version stands there, then the tables are read."""
    world.withdraw("carl")

    def late(root: str) -> dict[str, Any]:
        release = read_release(root)
        propagate_release(str(world.out), world.ledger)
        return release

    with monkeypatch.context() as patch:
        patch.setattr("duologue_pipeline.reader.dataset.read_release", late)
        dataset = open_dataset(str(world.out))
    assert len(list(dataset)) == len(dataset) == 7
    assert dataset.release == read_release(str(world.out))
