"""A whole run from and to an object store, and a withdrawal there: real servers on loopback, started and stopped here."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from duologue_pipeline.demo import demo_files
from duologue_pipeline.demo.ledger import write_demo_ledger
from duologue_pipeline.files.names import scheme
from duologue_pipeline.files.storage import list_files, read_bytes
from duologue_pipeline.reader import open_dataset
from tests.end_to_end.support import Duologue
from tests.object_store import ENDPOINTS, Bucket, serve_store
from tests.servers import Proxy

pytestmark = pytest.mark.slow

FAULTS = ("503", "reset", "late", "cut", "429", "500")


@pytest.fixture(scope="module", params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A bucket of each store that holds the embedded sample."""
    with serve_store(request.param, "duologue-test") as found:
        folder = demo_files().manifest.parent
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found.put(f"demo/{path.relative_to(folder)}", path.read_bytes())
        yield found


@pytest.fixture(scope="module")
def first_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_ledger(tmp_path_factory.mktemp("ledger") / "demo.db")


@pytest.fixture(scope="module")
def ledger(bucket: Bucket, first_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same ledger for each store: what is withdrawn in one is not in the other."""
    folder = tmp_path_factory.mktemp("copy") / "ledger"
    shutil.copytree(first_ledger.parent, folder)
    return folder / first_ledger.name


@pytest.fixture(scope="module")
def local(started_duologue: Duologue, first_ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of the sample on a local disk."""
    out = tmp_path_factory.mktemp("local") / "out"
    outcome = started_duologue("run", demo_files().manifest, "--out", out, "--ledger", first_ledger)
    assert outcome.code == 0, outcome.stderr
    return out


@pytest.fixture(scope="module")
def remote(started_duologue: Duologue, ledger: Path, bucket: Bucket) -> str:
    """The release in the bucket, made in a folder in which a run that was killed has left something."""
    bucket.put("out/.staging/run.json", b'{"fingerprint":"of another run"}')
    bucket.put("out/.staging/parts/left-by-another", b"half")
    out = f"{bucket.uri}/out"
    outcome = started_duologue("run", f"{bucket.uri}/demo/manifest.jsonl", "--out", out, "--ledger", ledger)
    assert outcome.code == 0, outcome.stderr
    return out


def test_a_run_from_and_to_a_bucket_writes_the_same_bytes_as_on_disk(remote: str, local: Path, bucket: Bucket) -> None:
    found = {key.removeprefix("out/"): bucket.get(key) for key in bucket.keys("out/")}
    assert found == {
        str(path.relative_to(local)): path.read_bytes() for path in sorted(local.rglob("*")) if path.is_file()
    }
    assert bucket.unfinished() == 0


def test_a_run_over_a_store_that_fails_again_and_again_writes_the_same_bytes(
    started_duologue: Duologue, first_ledger: Path, local: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each seventh request is turned away, cut off, or carried out and not answered."""
    proxy, count, faults = Proxy(bucket.endpoint), itertools.count(), itertools.cycle(FAULTS)
    proxy.fault = lambda method, path, before: next(faults) if next(count) % 7 == 3 else ""
    monkeypatch.setenv(ENDPOINTS[scheme(bucket.uri)], proxy.uri)
    out = f"{bucket.uri}/unlucky"
    outcome = started_duologue("run", f"{bucket.uri}/demo/manifest.jsonl", "--out", out, "--ledger", first_ledger)
    proxy.close()
    assert outcome.code == 0, outcome.stderr
    assert len(proxy.asked) > 50
    found = {key.removeprefix("unlucky/"): bucket.get(key) for key in bucket.keys("unlucky/")}
    assert found == {
        str(path.relative_to(local)): path.read_bytes() for path in sorted(local.rglob("*")) if path.is_file()
    }


def test_a_second_run_finds_the_release(started_duologue: Duologue, remote: str, ledger: Path, bucket: Bucket) -> None:
    before = bucket.keys("")
    outcome = started_duologue("run", f"{bucket.uri}/demo/manifest.jsonl", "--out", remote, "--ledger", ledger)
    assert outcome.code == 0, outcome.stderr
    assert bucket.keys("") == before
    refused = started_duologue("run", demo_files().manifest, "--out", remote, "--ledger", ledger, "--segment-s", "20")
    assert refused.code == 2
    assert "already holds the release" in refused.stderr


def test_what_reads_a_release_reads_it_in_a_bucket(
    started_duologue: Duologue, remote: str, local: Path, tmp_path: Path, bucket: Bucket
) -> None:
    outcome = started_duologue("shards", "verify", remote)
    assert (outcome.code, "all well" in outcome.stdout) == (0, True), outcome.stdout
    samples = list(open_dataset(remote))
    assert [(s.key, s.codes.tolist()) for s in samples] == [(s.key, s.codes.tolist()) for s in open_dataset(str(local))]
    for name, out in (("local", str(local)), ("remote", remote)):
        assert started_duologue("decode", out, samples[0].key, "--out", tmp_path / f"{name}.wav").code == 0
    assert (tmp_path / "local.wav").read_bytes() == (tmp_path / "remote.wav").read_bytes()
    assert started_duologue("validate", f"{bucket.uri}/demo/manifest.jsonl").code == 0
    audio = next(name for name in list_files(f"{bucket.uri}/demo") if name.endswith("demo-friends.flac"))
    outcome = started_duologue("annotate", f"{bucket.uri}/demo/{audio}", "--out", tmp_path / "annotated")
    assert outcome.code == 0, outcome.stderr


def test_a_speaker_who_says_no_is_gone_from_a_bucket(
    started_duologue: Duologue, remote: str, ledger: Path, bucket: Bucket
) -> None:
    before = {sample.key: sample.codes.tolist() for sample in open_dataset(remote)}
    assert started_duologue("consent", "withdraw", "spk-alder", "--ledger", ledger).code == 0
    outcome = started_duologue("consent", "propagate", remote, "--ledger", ledger)
    assert outcome.code == 0, outcome.stderr
    after = {sample.key: sample.codes.tolist() for sample in open_dataset(remote)}
    changed = {key for key in before if after.get(key) != before[key]}
    assert changed == {key for key in before if key.startswith("demo-car-repair")}
    outcome = started_duologue("shards", "verify", remote)
    assert (outcome.code, "all well" in outcome.stdout) == (0, True), outcome.stdout
    assert read_bytes(f"{remote}/receipts/0001.json")
    files = bucket.keys("out/")
    again = started_duologue("consent", "propagate", remote, "--ledger", ledger)
    assert again.code == 0, again.stderr
    assert bucket.keys("out/") == files


@pytest.mark.parametrize("bucket", ["gs"], indirect=True)
def test_a_store_that_fails_for_good_ends_a_run_with_a_sentence_and_refuses_nobody(
    started_duologue: Duologue, first_ledger: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy = Proxy(bucket.endpoint)
    proxy.fault = lambda method, path, before: "503" if "demo-garden.flac" in path else ""
    monkeypatch.setenv(ENDPOINTS[scheme(bucket.uri)], proxy.uri)
    outcome = started_duologue(
        "run", f"{bucket.uri}/demo/manifest.jsonl", "--out", tmp_path / "out", "--ledger", first_ledger
    )
    proxy.close()
    assert outcome.code == 2
    assert "Traceback" not in outcome.stderr
    last = outcome.stderr.strip().splitlines()[-1]
    assert last.startswith(f"duologue: {bucket.uri}/demo/audio/demo-garden.flac: cannot be ")
    assert "the store answers 503" in last
    assert not (tmp_path / "out" / "dataset.json").exists()
