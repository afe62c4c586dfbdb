"""A touched shard becomes a new one: the same bytes always, nothing but what was planned, and nothing in between."""

import hashlib
import io
import json
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.files.storage import open_output
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.shards.tar import write_members
from duologue_pipeline.withdrawal import rewrite
from duologue_pipeline.withdrawal.plan import SamplePlan, ShardPlan
from duologue_pipeline.withdrawal.rewrite import RewrittenShard, rewrite_shard
from tests.pipeline.withdrawal.support import make_calls, plan_for, rewrite_all

KEYS = [f"call-{number}-00000" for number in range(6)]


def make_shard(
    folder: Path, *, sizes: tuple[int, ...] = (700, 1, 512, 3000, 90, 10_000), blob: str = "txt"
) -> ShardPlan:
    """A shard of six samples, ``KEY.json`` and one more member each; nothing is planned for them."""
    buffer = io.BytesIO()
    samples = []
    document = json.dumps({"words": []}).encode()
    codes = (b"\x93NUMPY\x01\x00v\x00{'descr': '<u2', 'fortran_order': False, 'shape': (2, 1, 1), }").ljust(127) + b"\n"
    for key, size in zip(KEYS, sizes, strict=True):
        offset = buffer.tell()
        content = random.Random(size).randbytes(size)
        write_members(buffer, key, {"json": document, "codes.npy": codes + b"\1\0\2\0", blob: content})
        samples.append(SamplePlan(key, offset, buffer.tell() - offset, "keep", 2.0))
    buffer.write(bytes(1024))
    buffer.write(bytes(-buffer.tell() % 10_240))
    data = buffer.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    path = f"shards/train-00007-{sha256[:12]}.tar"
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    return ShardPlan(path, "train", sha256, len(data), tuple(samples))


def dropping(shard: ShardPlan, keys: set[str]) -> ShardPlan:
    """The plan to drop these samples."""
    samples = (replace(sample, action="drop") if sample.key in keys else sample for sample in shard.samples)
    return replace(shard, samples=tuple(samples))


def next_plan(shard: ShardPlan, done: RewrittenShard) -> ShardPlan:
    """The plan that the next withdrawal starts from."""
    lengths = {sample.key: sample.duration_s for sample in shard.samples}
    samples = (SamplePlan(s.key, s.offset, s.bytes, "keep", lengths[s.key]) for s in done.samples)
    return ShardPlan(str(done.path), done.split, done.sha256, done.bytes, tuple(samples))


def run(root: Path, shard: ShardPlan) -> RewrittenShard:
    return rewrite_shard(str(root), shard, silence=None, staging=str(root / "unfinished"))


def test_what_stays_is_copied_byte_for_byte(tmp_path: Path) -> None:
    shard = make_shard(tmp_path)
    old = (tmp_path / shard.path).read_bytes()
    done = run(tmp_path, dropping(shard, {KEYS[1], KEYS[4]}))
    new = (tmp_path / str(done.path)).read_bytes()
    assert [sample.key for sample in done.samples] == [KEYS[0], KEYS[2], KEYS[3], KEYS[5]]
    before = {sample.key: old[sample.offset : sample.offset + sample.bytes] for sample in shard.samples}
    assert all(new[s.offset : s.offset + s.bytes] == before[s.key] for s in done.samples)
    assert [key for key, _ in read_members(str(tmp_path / str(done.path)))] == [s.key for s in done.samples]
    assert (done.sha256, done.bytes) == (hashlib.sha256(new).hexdigest(), len(new))
    assert done.path == f"shards/train-00007-{done.sha256[:12]}.tar"
    assert (done.duration_s, len(new) % 10_240) == (8.0, 0)
    assert (tmp_path / shard.path).read_bytes() == old  # it is not this function's to remove


def test_with_nothing_to_do_the_shard_comes_out_as_it_was(tmp_path: Path) -> None:
    shard = make_shard(tmp_path)
    done = run(tmp_path, shard)
    assert (done.path, done.sha256, done.bytes, done.traces) == (shard.path, shard.sha256, shard.bytes, ())


def test_a_shard_of_which_nothing_is_left_has_no_file(tmp_path: Path) -> None:
    shard = make_shard(tmp_path)
    done = run(tmp_path, dropping(shard, set(KEYS)))
    assert (done.path, done.sha256, done.bytes, done.samples, done.duration_s) == (None, "", 0, (), 0.0)
    assert [path.name for path in tmp_path.rglob("*.tar")] == [Path(shard.path).name]


@settings(max_examples=30, deadline=None)
@given(first=st.sets(st.sampled_from(KEYS), max_size=3), second=st.sets(st.sampled_from(KEYS), max_size=3))
def test_dropping_one_after_the_other_is_dropping_both_at_once(
    tmp_path_factory: pytest.TempPathFactory, first: set[str], second: set[str]
) -> None:
    root = tmp_path_factory.mktemp("drop")
    shard = make_shard(root)
    at_once = run(root, dropping(shard, first | second))
    after_first = run(root, dropping(shard, first))
    in_two = run(root, dropping(next_plan(shard, after_first), second)) if after_first.path else after_first
    assert (in_two.path, in_two.sha256, in_two.samples) == (at_once.path, at_once.sha256, at_once.samples)


def test_any_order_of_shards_and_any_repetition_give_the_same_bytes(tmp_path: Path) -> None:
    out = make_calls(tmp_path)
    plan = plan_for(out, "anna", "gina", "hugo")
    forwards = rewrite_all(out, plan)
    backwards = rewrite_all(out, replace(plan, shards=plan.shards[::-1]))
    assert backwards[::-1] == forwards
    assert len(list((out / "shards").iterdir())) == 6  # three old, three new


@pytest.mark.parametrize("reads", range(0, 40, 3))
def test_wherever_it_is_interrupted_the_next_one_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    shard = dropping(make_shard(tmp_path), {KEYS[2]})
    before = sorted(tmp_path.rglob("*"))

    class Killed(Exception):
        pass

    def open_input(uri: str) -> Any:
        stream = (tmp_path / shard.path).open("rb")
        real, left = stream.read, iter(range(reads))

        class Stream:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                stream.close()

            def read(self, size: int) -> bytes:
                if next(left, None) is None:
                    raise Killed
                return real(min(size, 1000))

        return Stream()

    with monkeypatch.context() as patch:
        patch.setattr(rewrite, "open_input", open_input)
        try:
            run(tmp_path, shard)
        except Killed:
            assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [
                path for path in before if path.is_file()
            ]
    done = run(tmp_path, shard)
    fresh = tmp_path / "fresh"
    assert run(fresh, dropping(make_shard(fresh), {KEYS[2]})) == done


@pytest.mark.parametrize("place", [3, 5000, 20_000])
def test_a_shard_that_was_changed_is_not_passed_on(tmp_path: Path, place: int) -> None:
    shard = dropping(make_shard(tmp_path), {KEYS[5]})
    data = bytearray((tmp_path / shard.path).read_bytes())
    data[place] ^= 1
    (tmp_path / shard.path).write_bytes(data)
    with pytest.raises(ValueError, match=r"the shard is damaged: put back the one that dataset.json names"):
        run(tmp_path, shard)
    assert [path.name for path in tmp_path.rglob("*.tar")] == [Path(shard.path).name]


def test_a_shard_that_is_cut_short_is_not_passed_on(tmp_path: Path) -> None:
    shard = dropping(make_shard(tmp_path), {KEYS[0]})
    (tmp_path / shard.path).write_bytes((tmp_path / shard.path).read_bytes()[:9000])
    with pytest.raises(ValueError, match=r"it ends within call-\d-00000; the shard is damaged"):
        run(tmp_path, shard)


def test_on_an_object_store_it_is_written_once_under_its_final_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = dropping(make_shard(tmp_path), {KEYS[3]})
    there = run(tmp_path, shard)
    (tmp_path / str(there.path)).unlink()
    written = []

    def noting(uri: str) -> Any:
        written.append(uri)
        return open_output(uri)

    monkeypatch.setattr(rewrite, "is_remote", lambda uri: True)
    monkeypatch.setattr(rewrite, "move", None)
    monkeypatch.setattr(rewrite, "open_output", noting)
    assert run(tmp_path, shard) == there
    assert written == [str(tmp_path / str(there.path))]
    assert hashlib.sha256((tmp_path / str(there.path)).read_bytes()).hexdigest() == there.sha256


def test_memory_does_not_grow_with_the_shard(tmp_path: Path) -> None:
    shard = dropping(make_shard(tmp_path, sizes=(12_000_000,) * 5 + (1000,)), {KEYS[5]})
    tracemalloc.start()
    run(tmp_path, shard)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000  # of a shard of 60 MB


def test_no_more_is_written_than_was_touched(tmp_path: Path) -> None:
    out = make_calls(tmp_path)
    for speakers in (["anna"], ["carl"], ["anna", "gina", "ines"]):
        plan = plan_for(out, *speakers)
        assert 0 < sum(shard.bytes for shard in rewrite_all(out, plan)) <= plan.touched_bytes


def test_what_became_of_a_shard_goes_through_json(tmp_path: Path) -> None:
    out = make_calls(tmp_path)
    for done in rewrite_all(out, plan_for(out, "anna", "ines", "hugo")):
        assert RewrittenShard.from_document(json.loads(json.dumps(done.document()))) == done
