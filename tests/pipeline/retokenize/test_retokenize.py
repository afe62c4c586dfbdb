"""A release with the tokens of another codec: everything else to the byte, and nobody in it who has said no."""

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from duologue_consent import Purpose
from duologue_consent.lineage.lineage import affected_links
from duologue_consent.lineage.store import read_links
from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.retokenize.retokenize import Retokenized, retokenize
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.object_store import serve_store
from tests.pipeline.codec.tiny import make_dac, make_encodec
from tests.pipeline.withdrawal.world import WITHDRAWN_AT, World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def embedded(world: World, out: Path, **options: Any) -> Retokenized:
    return retokenize(str(world.out), codec="embedded", out=str(out), ledger=str(world.path), **options)


def members(folder: Path) -> dict[str, dict[str, bytes]]:
    """Every sample of a release: key -> extension -> content."""
    found: dict[str, dict[str, bytes]] = {}
    for path in sorted(folder.glob("shards/*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, extension = member.name.partition(".")
                content = tar.extractfile(member)
                assert content is not None
                found.setdefault(key, {})[extension] = content.read()
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_but_the_tokens_is_the_same_to_the_byte(world: World, tmp_path: Path) -> None:
    made = embedded(world, tmp_path / "other")
    assert not made.was_complete
    before, after = members(world.out), members(tmp_path / "other")
    assert list(after) == list(before)
    codec = EmbeddedCodec()
    for key, own in after.items():
        assert list(own) == list(before[key])
        assert own["flac"] == before[key]["flac"]
        old, new = json.loads(before[key]["json"]), json.loads(own["json"])
        frames = new["codec"].pop("frames")
        assert new.pop("codec")["name"] == "embedded"
        del old["codec"]
        assert canonical_json(new) == canonical_json(old)
        codes = parse_npy(own["codes.npy"])
        assert codes.shape == (2, codec.codebooks, frames)
    for table in ("events", "speakers"):
        assert pq.read_table(tmp_path / "other" / f"{table}.parquet").equals(
            pq.read_table(world.out / f"{table}.parquet")
        )
    assert (tmp_path / "other" / "rejected.jsonl").read_bytes() == (world.out / "rejected.jsonl").read_bytes()
    assert verify_release(str(tmp_path / "other")).faults == ()


def test_the_tokens_of_a_recording_are_those_of_one_stream(world: World, tmp_path: Path) -> None:
    import io

    import soundfile
    import soxr

    embedded(world, tmp_path / "other")
    after = members(tmp_path / "other")
    name = next(key for key in after if key.endswith("-00001")).removesuffix("-00001")
    keys = [key for key in sorted(after) if key.rpartition("-")[0] == name]
    pcm, rate_hz = zip(*(soundfile.read(io.BytesIO(after[key]["flac"]), dtype="float32") for key in keys), strict=True)
    encoder = EmbeddedCodec().encoder()
    track = soxr.resample(np.concatenate(pcm)[:, 0], rate_hz[0], 24_000).clip(-1, 1)
    codes = np.concatenate([encoder.push(track), encoder.finish()], axis=1)
    own = np.concatenate([parse_npy(after[key]["codes.npy"])[0] for key in keys], axis=1)
    np.testing.assert_array_equal(own, codes[:, : own.shape[1]])


def test_the_release_says_what_it_was_made_of(world: World, tmp_path: Path) -> None:
    import hashlib

    made = embedded(world, tmp_path / "other", name="other-tokens").release
    old = json.loads((world.out / "dataset.json").read_bytes())
    assert made["retokenized"] == {
        "name": old["name"],
        "version": old["version"],
        "sha256": hashlib.sha256((world.out / "dataset.json").read_bytes()).hexdigest(),
        "codec": old["codec"]["name"],
    }
    assert (made["name"], made["codec"]["name"], made["purposes"]) == ("other-tokens", "embedded", old["purposes"])
    assert made["codec"]["silence"]
    assert made["ledger"] == old["ledger"]


def test_done_again_and_elsewhere_it_is_the_same_bytes(world: World, tmp_path: Path) -> None:
    embedded(world, tmp_path / "one")
    embedded(world, tmp_path / "two")
    first = files(tmp_path / "one")
    assert first == files(tmp_path / "two")
    assert embedded(world, tmp_path / "one").was_complete
    assert files(tmp_path / "one") == first


def test_killed_it_goes_on_to_the_same_bytes(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded(world, tmp_path / "whole")
    from duologue_pipeline.retokenize import parts
    from duologue_pipeline.retokenize import retokenize as module

    encoded: list[int] = []
    encode = parts._encoded

    def counted(*arguments: Any) -> Any:
        encoded.append(1)
        return encode(*arguments)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(parts, "_encoded", counted)
    for step in ("write_shard", "lay_release_ready", "publish_release"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(module, step, killed)
            embedded(world, tmp_path / "again")
        assert not (tmp_path / "again" / "dataset.json").exists()
    embedded(world, tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "whole")
    assert len(encoded) == json.loads((world.out / "dataset.json").read_bytes())["totals"]["written"]


def test_a_longer_ledger_gives_the_same_bytes_and_the_new_release_is_on_record_once(
    world: World, tmp_path: Path
) -> None:
    embedded(world, tmp_path / "one")
    before = world.ledger.size()
    embedded(world, tmp_path / "two")
    embedded(world, tmp_path / "two")
    assert world.ledger.size() == before + 1
    assert files(tmp_path / "one") == files(tmp_path / "two")
    links = list(read_links(world.ledger).values())
    assert [link.name for link in links] == [f"retokenized: {tmp_path / name}" for name in ("one", "two")]
    assert {link.role for link in links} == {"recipient"}
    world.withdraw(min(world.ledger.snapshot().speakers))
    gone = affected_links(read_links(world.ledger), world.ledger.snapshot(), as_of=WITHDRAWN_AT)
    assert len(gone) == 2


# --- consent --------------------------------------------------------------------------------------------------------


def test_who_has_said_no_is_not_copied(world: World, tmp_path: Path) -> None:
    world.withdraw(min(world.ledger.snapshot().speakers))
    with pytest.raises(UsageError, match=r"may no longer be used .* `duologue consent propagate"):
        embedded(world, tmp_path / "other")
    assert not (tmp_path / "other" / "dataset.json").exists()


def test_who_was_taken_out_stays_out(world: World, tmp_path: Path) -> None:
    speaker = min(world.ledger.snapshot().speakers)
    world.withdraw(speaker)
    propagate_release(str(world.out), world.ledger)
    made = embedded(world, tmp_path / "other").release
    assert verify_release(str(tmp_path / "other")).faults == ()
    silent = 0
    for own in members(tmp_path / "other").values():
        document = json.loads(own["json"])
        for track, side in enumerate("ab"):
            if document["speakers"][side]["commitment"] == "withdrawn":
                codes = parse_npy(own["codes.npy"])[track]
                assert (codes == np.array(made["codec"]["silence"])[:, None]).all()
                silent += 1
    old = json.loads((world.out / "dataset.json").read_bytes())
    assert made["totals"].get("withdrawn", 0) == old["totals"].get("withdrawn", 0)
    assert silent == sum(
        row[f"speaker_{side}"] == "withdrawn"
        for row in pq.read_table(world.out / "index.parquet").to_pylist()
        for side in "ab"
    )
    assert silent


def test_a_withdrawal_reaches_the_new_release(world: World, tmp_path: Path) -> None:
    embedded(world, tmp_path / "other")
    speaker = min(world.ledger.snapshot().speakers)
    world.withdraw(speaker, Purpose.TRAINING_INHOUSE)
    (outcome,) = propagate_release(str(tmp_path / "other"), world.ledger)
    assert outcome.new_version == "2.0.0"
    assert verify_release(str(tmp_path / "other")).faults == ()


def test_a_withdrawal_reaches_what_was_left_unfinished(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from duologue_pipeline.retokenize import retokenize as module

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "lay_release_ready", killed)
        embedded(world, tmp_path / "other")
    speaker = min(world.ledger.snapshot().speakers)
    name = world.ledger.snapshot().commitment(speaker).encode()
    assert any(name in data for data in files(tmp_path / "other").values())
    world.withdraw(speaker)
    (outcome,) = propagate_release(str(tmp_path / "other"), world.ledger)
    assert outcome.counts["parts_refused"] > 0
    assert outcome.counts["parts_unknown"] == 0
    assert not any(name in data for path, data in files(tmp_path / "other").items() if not path.startswith(".lock"))


# --- other codecs ---------------------------------------------------------------------------------------------------


def test_a_codec_of_another_rate_and_cardinality_makes_a_release_that_verifies(world: World, tmp_path: Path) -> None:
    codec = f"encodec:{make_encodec(tmp_path / 'encodec')}?codebooks=4"
    made = retokenize(str(world.out), codec=codec, out=str(tmp_path / "other"), ledger=str(world.path)).release
    assert (made["codec"]["frame_rate_hz"], made["codec"]["cardinalities"]) == (75, [1024] * 4)
    assert verify_release(str(tmp_path / "other")).faults == ()
    again = retokenize(str(tmp_path / "other"), codec="embedded", out=str(tmp_path / "back"), ledger=str(world.path))
    assert again.release["retokenized"]["codec"] == "encodec"
    direct = embedded(world, tmp_path / "direct")
    assert [shard["sha256"] for shard in again.release["shards"]] == [
        shard["sha256"] for shard in direct.release["shards"]
    ]


# --- refusing -------------------------------------------------------------------------------------------------------


def test_samples_that_begin_within_a_frame_are_refused_before_anything_is_written(world: World, tmp_path: Path) -> None:
    folder = make_dac(tmp_path / "dac", downsampling_ratios=[2, 4, 8, 8], sampling_rate=44_100)
    with pytest.raises(
        UsageError, match=r"begins .* s into its recording, within frame \d+ of the codec dac \(512 samples"
    ):
        retokenize(str(world.out), codec=f"dac:{folder}", out=str(tmp_path / "other"), ledger=str(world.path))
    assert not list((tmp_path / "other").glob("*"))


def test_a_release_without_audio_is_refused(world: World, tmp_path: Path) -> None:
    document = json.loads((world.out / "dataset.json").read_bytes())
    (world.out / "dataset.json").write_text(json.dumps({**document, "include_audio": False}))
    with pytest.raises(UsageError, match=r"the release .* holds no audio \(include_audio is false\)"):
        embedded(world, tmp_path / "other")


def test_the_release_itself_is_never_written_over(world: World) -> None:
    with pytest.raises(UsageError, match="is the release itself, which is never written over"):
        embedded(world, world.out)


def test_a_ledger_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such ledger"):
        retokenize(str(world.out), codec="embedded", out=str(tmp_path / "o"), ledger=str(tmp_path / "none.db"))


def test_another_release_in_the_folder_is_refused(world: World, tmp_path: Path) -> None:
    embedded(world, tmp_path / "other")
    with pytest.raises(UsageError, match="already holds the release"):
        embedded(world, tmp_path / "other", name="another-name")


def test_damaged_audio_is_refused_by_name(world: World, tmp_path: Path) -> None:
    shard = next(world.out.glob("shards/train-*.tar"))
    data = bytearray(shard.read_bytes())
    place = data.index(b"fLaC")
    data[place + 100 : place + 400] = bytes(300)
    shard.write_bytes(data)
    with pytest.raises(UsageError, match=r"flac cannot be decoded .*shards verify|cannot be read"):
        embedded(world, tmp_path / "other")


# --- object stores --------------------------------------------------------------------------------------------------


def test_from_a_store_to_a_store_it_is_the_same_bytes(world: World, tmp_path: Path) -> None:
    embedded(world, tmp_path / "here")
    with serve_store("s3", "releases") as bucket:
        for path, data in files(world.out).items():
            bucket.put(f"old/{path}", data)
        made = retokenize(f"{bucket.uri}/old", codec="embedded", out=f"{bucket.uri}/new", ledger=str(world.path))
        assert made.out == f"{bucket.uri}/new"
        there = {key.removeprefix("new/"): bucket.get(key) for key in bucket.keys("new/")}
        assert {path: data for path, data in there.items() if not path.startswith(".")} == files(tmp_path / "here")
        assert verify_release(f"{bucket.uri}/new").faults == ()
