"""Conversations that are encoded together have the codes of each track alone; on the CPU, with a tiny Mimi."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.codec.mimi import MimiCodec
from duologue_pipeline.codec.mimi_engine import CHUNK_FRAMES
from duologue_pipeline.codec.together import encode_in_step, encode_in_turn, encode_together
from duologue_pipeline.stages.internal_error import is_of_the_recording
from tests.pipeline.codec.test_mimi import FRAME, encode_in_pieces, make_model

CHUNK = CHUNK_FRAMES * FRAME
Pcm = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint16]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> MimiCodec:
    """Computes in float64, in which no two entries of a codebook are nearly as good as each other."""
    codec = MimiCodec(str(make_model(tmp_path_factory.mktemp("mimi"))))
    engine: Any = codec.engine
    engine.model.double()
    return codec


def conversation(samples: int, seed: int) -> tuple[Pcm, Pcm]:
    a, b = 0.3 * np.random.default_rng(seed).standard_normal((2, samples), dtype=np.float32)
    return a, b


def blocks(pair: tuple[Pcm, Pcm], size: int = 50_001) -> Iterator[tuple[Pcm, Pcm]]:
    for start in range(0, len(pair[0]), size):
        yield pair[0][start : start + size], pair[1][start : start + size]


def joined(encoded: Iterator[tuple[int, Codes]], conversations: int, codebooks: int = 8) -> list[Codes]:
    parts: list[list[Codes]] = [[np.empty((2, codebooks, 0), np.uint16)] for _ in range(conversations)]
    for place, codes in encoded:
        assert codes.dtype == np.uint16
        parts[place].append(codes)
    return [np.concatenate(each, axis=-1) for each in parts]


def in_step(codec: MimiCodec, pairs: list[tuple[Pcm, Pcm]]) -> list[Codes]:
    sources = [blocks(pair) for pair in pairs]
    encoded = encode_in_step(codec.engine, sources, chunk_samples=CHUNK, samples_per_frame=FRAME)
    return joined(encoded, len(pairs))


def alone(codec: MimiCodec, pair: tuple[Pcm, Pcm]) -> Codes:
    return np.stack([encode_in_pieces(codec, pcm, []) for pcm in pair])


@settings(max_examples=6, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(0, 3 * CHUNK + FRAME), min_size=1, max_size=4))
@pytest.mark.parametrize("extra", [[], [2 * CHUNK, 2 * CHUNK + 1, 2 * CHUNK]])
def test_conversations_of_any_lengths_in_step_have_the_codes_of_each_track_alone(
    codec: MimiCodec, extra: list[int], lengths: list[int]
) -> None:
    pairs = [conversation(length, seed) for seed, length in enumerate(lengths + extra)]
    for found, pair in zip(in_step(codec, pairs), pairs, strict=True):
        np.testing.assert_array_equal(found, alone(codec, pair))


def test_on_a_cpu_a_batch_of_one_and_of_many_are_encoded_alike(codec: MimiCodec) -> None:
    pairs = [conversation(length, length) for length in (CHUNK + 7, 3 * CHUNK, 100)]
    together = joined(encode_together(codec, [blocks(pair) for pair in pairs]), 3)
    for found, pair in zip(together, pairs, strict=True):
        np.testing.assert_array_equal(found, joined(encode_together(codec, [blocks(pair)]), 1)[0])
        np.testing.assert_array_equal(found, alone(codec, pair))


def test_what_comes_after_another_conversation_does_not_change_it(codec: MimiCodec) -> None:
    """The rows of a batch are kept apart when it shrinks from the front, the middle and the back."""
    lengths = [CHUNK, 4 * CHUNK, 2 * CHUNK + 5, 4 * CHUNK + 1, 3 * CHUNK - 1]
    pairs = [conversation(length, seed) for seed, length in enumerate(lengths)]
    for found, pair in zip(in_step(codec, pairs), pairs, strict=True):
        np.testing.assert_array_equal(found, alone(codec, pair))


def test_a_gpu_takes_conversations_in_step(codec: MimiCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    encode = codec.engine.encode

    def counted(session: int, pcm: Pcm) -> Codes:
        asked.append(len(pcm))
        return encode(session, pcm)

    monkeypatch.setattr(codec.engine, "encode", counted)
    pairs = [conversation(CHUNK, 1), conversation(2 * CHUNK, 2)]
    for device, rows in ("cpu", [1, 1, 1, 1, 1, 1]), ("cuda", [4, 2]):
        monkeypatch.setattr(codec, "_device", device)
        joined(encode_together(codec, [blocks(pair) for pair in pairs]), 2)
        assert asked == rows
        asked.clear()


def test_no_session_is_left_behind(codec: MimiCodec) -> None:
    engine: Any = codec.engine
    before = set(engine._sessions)
    in_step(codec, [conversation(length, 1) for length in (CHUNK, 2 * CHUNK + 3, 0, 5)])
    given_up = encode_in_step(
        codec.engine, [blocks(conversation(3 * CHUNK, 1))], chunk_samples=CHUNK, samples_per_frame=FRAME
    )
    next(given_up)
    given_up.close()  # type: ignore[attr-defined]
    encoder = codec.encoder()
    encoder.push(np.zeros(CHUNK, np.float32))
    del encoder
    assert set(engine._sessions) == before


def test_a_track_never_goes_on_in_a_session_of_another_engine(tmp_path: Path) -> None:
    """As where the process that held the engine has died, and another has loaded it."""
    model = make_model(tmp_path / "mimi")
    first, second = MimiCodec(str(model)).engine, MimiCodec(str(model)).engine
    chunk = np.zeros((1, CHUNK), np.float32)
    lost, other = first.start(), second.start()
    first.encode(lost, chunk)
    second.encode(other, chunk)
    for ask in (lambda: second.encode(lost, chunk), lambda: second.fork(lost, [0])):
        with pytest.raises(ConnectionError, match="session lost") as raised:
            ask()
        assert not is_of_the_recording(raised.value)
    second.end(lost)
    assert second.encode(other, chunk).shape == (1, 8, CHUNK_FRAMES)


def test_a_session_begins_with_the_first_chunk(codec: MimiCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[int] = []
    start = codec.engine.start

    def noted() -> int:
        began.append(1)
        return start()

    monkeypatch.setattr(codec.engine, "start", noted)
    encoder = codec.encoder()
    assert encoder.push(np.zeros(CHUNK - 1, np.float32)).shape == (8, 0)
    assert not began
    encoder.push(np.zeros(1, np.float32))
    assert len(began) == 1
    encoder.finish()

    def late() -> Iterator[tuple[Pcm, Pcm]]:
        assert len(began) == 1
        yield conversation(CHUNK, 1)

    in_step_of = encode_in_step(codec.engine, [late()], chunk_samples=CHUNK, samples_per_frame=FRAME)
    assert joined(in_step_of, 1)[0].shape == (2, 8, CHUNK_FRAMES)
    assert len(began) == 2


def test_sessions_that_nobody_asks_for_are_forgotten(codec: MimiCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    engine: Any = codec.engine
    left = engine.start()
    now = engine._sessions[left].asked_at
    monkeypatch.setattr("time.monotonic", lambda: now + 3599)
    kept = engine.start()
    assert left in engine._sessions
    monkeypatch.setattr("time.monotonic", lambda: now + 3601)
    engine.end(engine.start())
    assert left not in engine._sessions
    assert kept in engine._sessions
    engine.end(kept)


def test_a_codec_without_a_way_of_its_own_encodes_one_after_the_other() -> None:
    codec = EmbeddedCodec()
    pairs = [conversation(length, length) for length in (5 * FRAME, 3 * FRAME + 1)]
    together = joined(encode_together(codec, [blocks(pair) for pair in pairs]), 2)
    in_turn = joined(encode_in_turn(codec, [blocks(pair, 999) for pair in pairs]), 2)
    for found, expected, frames in zip(together, in_turn, (5, 4), strict=True):
        assert found.shape == (2, 8, frames)
        np.testing.assert_array_equal(found, expected)


def test_a_fault_of_one_conversation_is_raised_to_who_reads(codec: MimiCodec) -> None:
    def broken() -> Iterator[tuple[Pcm, Pcm]]:
        yield conversation(CHUNK, 1)
        raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="the file ends here"):
        joined(encode_in_step(codec.engine, [broken()], chunk_samples=CHUNK, samples_per_frame=FRAME), 1)
