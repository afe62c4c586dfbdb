"""One engine for all processes of a machine: loaded once, and loaded again when its process has died."""

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duologue_pipeline.codec.engine import EngineFacts
from duologue_pipeline.codec.mimi import MimiCodec
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.stages import shared_codec
from duologue_pipeline.stages.shared_codec import SharedEngine, open_worker_codec
from tests.pipeline.codec.test_mimi import encode_in_pieces, make_model


class StubEngine:
    """Counts in a file how often it was loaded; encodes by adding one."""

    def __init__(self, log: str) -> None:
        with Path(log).open("a") as file:
            file.write("loaded\n")

    def facts(self) -> EngineFacts:
        return EngineFacts("cuda", 24_000, 12.5, 1920, 8, 2048, "0" * 64)

    def start(self) -> int:
        return 1

    def fork(self, session: int, rows: list[int]) -> int:
        return session

    def encode(self, session: int, pcm: Any) -> Any:
        return (pcm + 1).astype(np.uint16)[:, None]

    def end(self, session: int) -> None:
        pass

    def decode(self, codes: Any) -> Any:
        return codes[0].astype(np.float32)


HOLDER = """
import sys, time
from functools import partial
from tests.pipeline.stages.test_shared_codec import StubEngine
from duologue_pipeline.stages.shared_codec import SharedEngine
engine = SharedEngine(partial(StubEngine, sys.argv[1]), "stub")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_processes_share_an_engine_and_outlive_the_one_that_held_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(log)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        engine = SharedEngine(partial(StubEngine, str(log)), "stub")
        assert log.read_text() == "loaded\n"
        assert engine.facts() == StubEngine(str(tmp_path / "other")).facts()
        codes = engine.encode(engine.start(), np.ones((4, 3), np.float32))
        assert codes.tolist() == [[[2, 2, 2]]] * 4
        holder.kill()
        holder.wait()
    engine.end(1)
    session = engine.start()
    assert log.read_text() == "loaded\nloaded\n"
    assert engine.encode(engine.fork(session, [0]), np.ones((1, 2), np.float32)).tolist() == [[[2, 2]]]


def test_the_key_is_the_users_own(tmp_path: Path) -> None:
    key = shared_codec._key()
    assert len(key) == 64
    assert shared_codec._key() == key
    (file,) = (tmp_path / "cache" / "duologue" / "models").glob("*.key")
    assert file.stat().st_mode & 0o777 == 0o600


def test_on_a_gpu_the_engine_is_shared_and_elsewhere_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model(tmp_path / "model")
    here = open_worker_codec(CodecSpec("mimi", str(model), device="cuda"))
    assert isinstance(here, MimiCodec)
    assert type(here.engine).__name__ == "MimiEngine"

    on_cpu: Any = partial(StubEngine, str(tmp_path / "log"))
    monkeypatch.setattr("duologue_pipeline.codec.load.usable_device", lambda spec: "cuda")
    monkeypatch.setattr("duologue_pipeline.codec.load.load_engine", lambda spec: on_cpu())
    shared = open_worker_codec(CodecSpec("mimi", str(model), device="cuda"))
    assert isinstance(shared, MimiCodec)
    assert isinstance(shared.engine, SharedEngine)
    assert shared.codebooks == 8


def test_the_codes_over_a_border_between_processes_are_the_same(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    plain = MimiCodec(str(model))
    over = MimiCodec(engine=SharedEngine(lambda: plain.engine, "tiny"))
    pcm = (0.3 * np.random.default_rng(5).standard_normal(60_000)).astype(np.float32)
    np.testing.assert_array_equal(encode_in_pieces(over, pcm, []), encode_in_pieces(plain, pcm, []))
