"""Takes traces: hashes by which something that was removed is known again wherever it turns up.

They are taken of a sample before it goes (:mod:`duologue_pipeline.withdrawal.rewrite`) and of everything that is live
afterwards (:mod:`duologue_pipeline.withdrawal.scan`). A trace is the hash of content that nobody writes twice by chance:
a track's tokens, a track's audio (SHA-256), four words in a row with the milliseconds between them (64 bits, so that
those of a release are made in seconds: two of a thousand million windows rarely agree by chance). A track of (nearly)
nothing but silence and fewer words leave none: others have the same.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = [
    "UNREADABLE",
    "audio_traces",
    "code_traces",
    "read_pcm",
    "sample_traces",
    "track_traces",
    "word_traces",
]

UNREADABLE: Final = (LookupError, TypeError, AttributeError, ValueError, OverflowError, soundfile.LibsndfileError)
"""What is raised where traces are taken of a sample that is damaged, or not what a sample is."""

_BLOCK_SAMPLES: Final = 1 << 20
_WORDS: Final = 4
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, of no pattern: 2**64 over the golden ratio
_MIN_CHANGES: Final = 8  # fewer are silence and how the codec settles on it


def sample_traces(members: Mapping[str, bytes], sides: Sequence[Speaker]) -> Iterator[str]:
    """Takes the traces of some speakers in one sample: of their words, tokens and audio.

    Args:
        members: extension -> content of the sample, as in the shard.
        sides: whose.

    Raises:
        one of UNREADABLE: a member is missing or damaged.
    """
    document = parse_json(members["json"])
    for side in sides:
        words = [word for word in document["words"] if word["speaker"] == side]
        yield from word_traces(
            [word["word"].encode("utf-8", "surrogatepass") for word in words], [word["start_s"] for word in words]
        )
    yield from (trace for side, trace in track_traces(members) if side in sides)


def track_traces(members: Mapping[str, bytes]) -> Iterator[tuple[Speaker, str]]:
    """Takes the traces of the tokens and the audio of both speakers in one sample; arguments and faults as above.

    Yields:
        (side, trace).
    """
    codes = parse_npy(members["codes.npy"])
    yield from ((SPEAKERS[track], trace) for track, trace in code_traces(codes))
    if "flac" in members:
        yield from ((SPEAKERS[track], trace) for track, trace in audio_traces(read_pcm(members["flac"])))


def read_pcm(content: bytes) -> npt.NDArray[np.int32]:
    """Reads the samples of a lossless audio file, block by block, because its header may say any number: int32 [T, tracks]."""
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        blocks = [np.zeros((0, file.channels), np.int32)]
        while len(block := file.read(_BLOCK_SAMPLES, dtype="int32", always_2d=True)):
            blocks.append(block)
    return np.concatenate(blocks)


def code_traces(codes: npt.NDArray[Any]) -> Iterator[tuple[int, str]]:
    """Hashes each track's tokens.

    Args:
        codes: integers [tracks, codebooks, frames].

    Yields:
        (track, trace), of tracks that say something.
    """
    for track, rows in enumerate(codes):
        if np.count_nonzero((rows[:, 1:] != rows[:, :-1]).any(axis=0)) >= _MIN_CHANGES:
            yield track, _trace(b"codes", np.ascontiguousarray(rows, dtype="<u2").tobytes())


def audio_traces(pcm: npt.NDArray[np.int32]) -> Iterator[tuple[int, str]]:
    """Hashes each track's audio; the hash is the same whatever lossless file it lies in.

    Args:
        pcm: int32 [T, tracks], as libsndfile gives it.

    Yields:
        (track, trace), of tracks whose samples change.
    """
    for track in range(pcm.shape[1]):
        samples = np.ascontiguousarray(pcm[:, track], dtype="<i4")
        if samples.size and (samples != samples[0]).any():
            yield track, _trace(b"audio", samples.tobytes())


def word_traces(texts: Sequence[bytes], starts_s: Sequence[float]) -> list[str]:
    """Hashes one speaker's words by fours; the hashes are the same wherever on the clock the words lie.

    Args:
        texts: the words, in UTF-8.
        starts_s: when each begins.

    Returns:
        One trace for each four words in a row; of the first one's hash and of hash and delay of the others a polynomial.
    """
    windows = len(texts) - _WORDS + 1
    if windows < 1:
        return []
    hashes = np.fromiter(map(_word, texts), np.uint64, len(texts))
    starts = np.array(starts_s, np.float64)
    value = hashes[:windows]
    for place in range(1, _WORDS):
        delay_ms = np.rint(1000 * (starts[place : place + windows] - starts[:windows])).astype(np.int64)
        value = (value * _FACTOR + hashes[place : place + windows]) * _FACTOR + delay_ms.view(np.uint64)
    digits = value.astype(">u8").tobytes().hex()
    return [digits[place : place + 16] for place in range(0, len(digits), 16)]


@lru_cache(maxsize=1 << 16)
def _word(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, person=b"words").digest())


def _trace(kind: bytes, content: bytes) -> str:
    return hashlib.sha256(kind + b"\0" + content).hexdigest()
