"""Models from an object store: fetched once a machine, whole or not at all, and only the bytes that were pinned."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import boto3
import numpy as np
import pytest

from duologue_pipeline.codec.mimi import MimiCodec
from duologue_pipeline.codec.mimi_weights import MIMI
from duologue_pipeline.codec.model_files import choose_files as choose_of
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import local_copy
from duologue_pipeline.models.fetched import Fetch, fetched_folder, models_cache
from tests.object_store import serve_bucket
from tests.pipeline.codec.test_mimi import encode_in_pieces, make_model

WEIGHTS = b"the weights"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()

choose_files = partial(choose_of, MIMI)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with serve_bucket("models") as uri:
        yield uri


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder that is used by this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "duologue" / "models"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every object that is fetched."""
    names: list[str] = []

    def noted(uri: str) -> AbstractContextManager[Path]:
        names.append(uri)
        return local_copy(uri)

    monkeypatch.setattr("duologue_pipeline.models.fetched.local_copy", noted)
    return names


def put(folder: str, **files: bytes) -> str:
    """Puts files under a folder of the bucket; ``_`` in their names stands for a dot."""
    for name, data in files.items():
        boto3.client("s3").put_object(Bucket="models", Key=f"{folder}/{name.replace('_', '.')}", Body=data)
    return f"s3://models/{folder}"


def only_weights(fetch: Fetch) -> list[Path]:
    assert fetch("config.json") is not None
    weights = fetch("model.safetensors")
    assert weights is not None
    return [weights]


def test_mimi_at_a_uri_encodes_as_the_folder_does(bucket: str, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", max_shard_size="30KB")
    for file in folder.iterdir():
        boto3.client("s3").upload_file(str(file), "models", f"pieces/{file.name}")
    here, there = MimiCodec(str(folder)), open_codec(f"mimi:{bucket}/pieces")
    pcm = (0.3 * np.random.default_rng(5).standard_normal(60_000)).astype(np.float32)
    assert there.weights_sha256 == here.weights_sha256
    np.testing.assert_array_equal(encode_in_pieces(there, pcm, []), encode_in_pieces(here, pcm, []))


def test_pinned_weights_are_fetched_once_a_machine(bucket: str, asked: list[str], cache: Path) -> None:
    uri = put("once", config_json=b"{}", model_safetensors=WEIGHTS)
    threads = [
        threading.Thread(target=fetched_folder, args=(uri, only_weights), kwargs={"sha256": SHA256}) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [f"{uri}/config.json", f"{uri}/model.safetensors"]
    assert (fetched_folder(uri, only_weights, sha256=SHA256) / "model.safetensors").read_bytes() == WEIGHTS
    assert len(asked) == 2
    assert [path.name for path in cache.iterdir() if not path.name.endswith(".lock")] == [
        f"{hashlib.sha256(uri.encode()).hexdigest()[:16]}-{SHA256}"
    ]
    assert cache.stat().st_mode & 0o777 == 0o700


def test_without_a_pin_what_changed_is_noticed(bucket: str, asked: list[str]) -> None:
    uri = put("changing", config_json=b"{}", model_safetensors=WEIGHTS)
    first = fetched_folder(uri, only_weights, sha256=None)
    assert fetched_folder(uri, only_weights, sha256=None) == first
    put("changing", config_json=b'{"other": 1}')
    assert (fetched_folder(uri, only_weights, sha256=None) / "config.json").read_bytes() == b'{"other": 1}'
    put("changing", model_safetensors=b"other weights")
    assert fetched_folder(uri, only_weights, sha256=None) != first
    assert len(asked) == 8


def test_other_weights_than_those_pinned_are_not_kept(bucket: str, cache: Path) -> None:
    uri = put("other", config_json=b"{}", model_safetensors=b"other weights")
    found = hashlib.sha256(b"other weights").hexdigest()
    with pytest.raises(UsageError) as caught:
        fetched_folder(uri, only_weights, sha256=SHA256)
    assert str(caught.value) == (
        f"{uri}: the weights that were fetched have SHA-256 {found}, and {SHA256} was pinned; "
        "give the model that was meant, or pin this one if you trust it"
    )
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


def test_what_is_not_there_is_named(bucket: str) -> None:
    for files, missing in (({}, "config.json"), ({"config_json": b"{}"}, "model.safetensors")):
        uri = put("empty", **files)
        with pytest.raises(UsageError, match=rf"^codec mimi: the model's address holds no {missing}\. "):
            fetched_folder(uri, choose_files, sha256=None)


@pytest.mark.parametrize("index", [b"no json", b"[]", b'{"weight_map": {"a": "../../model-1.safetensors"}}'])
def test_an_index_names_nothing_but_pieces_beside_it(bucket: str, index: bytes) -> None:
    uri = put("index", config_json=b"{}")
    boto3.client("s3").put_object(Bucket="models", Key="index/model.safetensors.index.json", Body=index)
    with pytest.raises(UsageError, match=r"^codec mimi: the model's address holds no model\.safetensors\. "):
        fetched_folder(uri, choose_files, sha256=None)


def test_a_cache_that_others_can_write_is_refused(cache: Path) -> None:
    models_cache().chmod(0o777)
    with pytest.raises(UsageError, match="is not a folder that you alone can write"):
        models_cache()
