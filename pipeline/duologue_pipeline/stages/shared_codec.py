"""Opens the codec of a run in a worker process; on a GPU all processes of a machine share one copy of its model.

Beam's ``MultiProcessShared`` lets one process serve the others over the loopback interface, with a key that is the same
everywhere, so that anybody on the machine could run code in ours. So the key is drawn anew here, and lies, as the
address does, where only this user looks.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from apache_beam.utils import multi_process_shared

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.engine import Engine, EngineFacts
from duologue_pipeline.codec.registry import codec_of, open_codec
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.models.fetched import models_cache

__all__ = ["SharedEngine", "open_worker_codec"]

_KEY: Final = "engine.key"


def open_worker_codec(spec: CodecSpec) -> Codec:
    """Opens the codec that a stage works with.

    On a CPU each process has its own model, one thread each. A GPU holds one copy for all processes of the machine: it
    lies in the process that comes first, and the others send it their chunks.

    Args:
        spec: with the hash of the weights that the launcher has seen.

    Raises:
        UsageError: as :func:`duologue_pipeline.codec.registry.open_codec`.
    """
    if spec.name in ("embedded", "lyra") or spec.device == "cpu":
        return open_codec(spec)
    from duologue_pipeline.codec.load import load_engine, usable_device

    if usable_device(spec) == "cpu":
        return open_codec(spec)
    tag = f"duologue-{spec.name}-{spec.sha256 or 'any'}-{spec.codebooks}-{spec.device.replace(':', '-')}"
    return codec_of(spec.name, SharedEngine(partial(load_engine, spec), tag))


class SharedEngine:
    """Stands for an engine that one process of the machine holds for all (:func:`duologue_pipeline.codec.load.load_engine`).

    Where the process that held it has died, another one loads it when the next session begins; sessions under way are lost,
    so the work that they were for fails, and is done again.

    Args:
        load: loads the engine.
        tag: names what is loaded; processes that give the same share it.
    """

    def __init__(self, load: Callable[[], Engine], tag: str) -> None:
        self._load, self._tag = load, tag
        self._engine = self._acquire()

    def _acquire(self) -> Any:
        multi_process_shared.AUTH_KEY = _key()
        shared: Any = multi_process_shared.MultiProcessShared(self._load, self._tag, path=str(models_cache()))
        return shared.acquire()

    def facts(self) -> EngineFacts:
        """Says what the engine is."""
        facts: EngineFacts = self._engine.facts()
        return facts

    def start(self) -> int:
        """Begins a session."""
        try:
            session: int = self._engine.start()
        except (ConnectionError, EOFError):
            self._engine = self._acquire()
            session = self._engine.start()
        return session

    def fork(self, session: int, rows: list[int]) -> int:
        """Begins a session that goes on with some rows of another."""
        forked: int = self._engine.fork(session, rows)
        return forked

    def encode(self, session: int, pcm: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
        """Encodes the next chunk of every track of a session."""
        codes: npt.NDArray[np.uint16] = self._engine.encode(session, pcm)
        return codes

    def end(self, session: int) -> None:
        """Forgets a session."""
        with suppress(ConnectionError, EOFError):  # who held it has died, and the session with it
            self._engine.end(session)

    def decode(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
        """Decodes frames of codes into audio."""
        pcm: npt.NDArray[np.float32] = self._engine.decode(codes)
        return pcm


def _key() -> bytes:
    """Gives the key that the processes of this user know each other by, drawn by the first that asks."""
    path = models_cache() / _KEY
    drawn = path.with_suffix(f".{secrets.token_hex(8)}")
    drawn.touch(mode=0o600)
    drawn.write_text(secrets.token_hex(32), encoding="ascii")
    try:
        os.link(drawn, path)  # only the first has it
    except FileExistsError:
        pass
    finally:
        drawn.unlink()
    return path.read_bytes()
