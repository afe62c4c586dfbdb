"""What models' own loaders make of words and codes, written anew from their code, one function an original.

They are kept apart from the views and as slow as the originals: frame by frame and token by token.
"""

from collections import deque
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.pipeline.views.build import Pieces

Alignment = tuple[str, float, float]


def kyutai_tokens(encode: Callable[[str], list[int]], word: str) -> list[int]:
    """kyutai-labs/moshi-finetune@2acc879 finetune/data/interleaver.py ``tokenize`` (Apache-2.0), as ``_tokenize`` calls it."""
    new_line = encode("\n")[-1]
    lines = [encode(line) for line in word.strip().split("\n")]
    tokens = lines[0]
    for line in lines[1:]:
        tokens = [*tokens, new_line, *line]
    return tokens


def kyutai_text(
    alignments: list[Alignment] | None,
    encode: Callable[[str], list[int]],
    duration_s: float,
    *,
    shift: bool = False,
    padding: int = 3,
    end_of_padding: int = 0,
    zero: int = -1,
) -> list[int]:
    """The same file: ``dicho``, ``prepare_item`` and ``build_token_stream`` for a chunk that begins at 0, one speaker's words."""
    frames = ceil(duration_s * 12.5)
    if alignments is None:
        return [zero] * frames
    inside = [each for each in alignments if 0 <= each[1] < duration_s]
    tokenized = [
        (kyutai_tokens(encode, word), start, end)
        for word, start, end in sorted(inside, key=lambda each: each[1])
        if start < end
    ]
    row, index, waiting = [padding] * frames, 0, deque[int]()
    for frame in range(frames):
        while index < len(tokenized) and tokenized[index][1] * 12.5 < frame + 1:
            if shift:
                waiting.extend(tokenized[index][0])
            else:
                waiting = deque(tokenized[index][0])
            index += 1
        if waiting:
            if frame > 0 and row[frame - 1] == padding:
                row[frame - 1] = end_of_padding
            row[frame] = waiting.popleft()
    return row


def kyutai_delayed(streams: npt.NDArray[Any], delays: Sequence[int], initial: Sequence[int]) -> npt.NDArray[Any]:
    """kyutai-labs/moshi@e6a55d2 moshi/moshi/models/lm_utils.py ``_delay_sequence`` (MIT)."""
    lines = []
    for line, delay, first in zip(streams, delays, initial, strict=True):
        late = np.roll(line, delay)
        if delay > 0:
            late[:delay] = first
        lines.append(late)
    return np.stack(lines)


def nu_text(
    words: list[Alignment],
    tokenizer: Pieces,
    frames: int,
    *,
    spaces: bool = True,
    padding: int = 3,
    end_of_padding: int = 0,
) -> list[int]:
    """nu-dialogue/moshi-finetune@3879d29 tools/tokenize_text.py ``tokenize_and_pad_text``, then tools/prepare_dataset.py.

    Apache-2.0. Byte pieces are joined by ``encode_as_pieces_wo_byte_fallback``.
    """
    words = sorted(words, key=lambda each: each[1])
    texts = [(" " if spaces and index else "") + word for index, (word, _, _) in enumerate(words)]
    characters = [
        (start + i * ((end - start) / len(text)), start + (i + 1) * ((end - start) / len(text)))
        for text, (_, start, end) in zip(texts, words, strict=True)
        for i in range(len(text))
    ]
    tokens: list[tuple[float, float, str]] = []
    for index, piece in enumerate(nu_pieces(tokenizer, "".join(texts))):
        if index == 0 and piece == "▁":
            continue
        count = len(piece) - 1 if index == 0 and piece.startswith("▁") else len(piece)
        taken, characters = characters[:count], characters[count:]
        tokens.append((taken[0][0], taken[-1][1], piece))
    assert not characters
    row = [padding] * (int((tokens[-1][1] + 1) * 12.5) if tokens else 0)
    for start, _, piece in tokens:
        frame = int(start // (1 / 12.5))
        try:
            while row[frame] != padding:
                frame += 1
        except IndexError:
            break
        row[frame] = tokenizer.piece_to_id(piece)
        if frame > 0 and row[frame - 1] == padding:
            row[frame - 1] = end_of_padding
    return row[:frames] + [padding] * (frames - len(row))


def nu_pieces(tokenizer: Pieces, text: str) -> list[str]:
    """The same: bytes are held until they decode."""
    pieces, held = [], []
    for piece in tokenizer.encode_as_pieces(text):
        if not piece.startswith("<0x"):
            pieces.append(piece)
            continue
        held.append(piece)
        decoded = tokenizer.decode_pieces(held)
        if "\N{REPLACEMENT CHARACTER}" not in decoded:
            pieces.append(decoded)
            held = []
    assert not held
    return pieces


def nu_delayed(
    streams: npt.NDArray[Any], delays: Sequence[int], initial: Sequence[int], padding: Sequence[int]
) -> npt.NDArray[Any]:
    """nu-dialogue/moshi-finetune@3879d29 utils/data.py ``delay_and_pad_streams`` (Apache-2.0)."""
    rows, frames = streams.shape
    delayed = np.zeros((rows, frames + max(delays)), dtype=streams.dtype)
    for i, delay in enumerate(delays):
        delayed[i, :delay] = initial[i]
        delayed[i, delay : delay + frames] = streams[i]
        delayed[i, delay + frames :] = padding[i]
    return np.concatenate([np.array(initial, dtype=streams.dtype)[:, None], delayed], axis=1)


def csm_segment(ids: list[int], codes: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """SesameAILabs/csm@2d72082 generator.py ``_tokenize_segment`` (Apache-2.0), for codes [K, T] instead of audio."""
    columns = len(codes) + 1
    text, text_mask = np.zeros((len(ids), columns), np.int64), np.zeros((len(ids), columns), bool)
    text[:, -1] = ids
    text_mask[:, -1] = True
    ended = np.concatenate([codes, np.zeros((len(codes), 1), codes.dtype)], axis=1)
    audio, audio_mask = np.zeros((ended.shape[1], columns), np.int64), np.zeros((ended.shape[1], columns), bool)
    audio[:, :-1] = ended.T
    audio_mask[:, :-1] = True
    return np.concatenate([text, audio]), np.concatenate([text_mask, audio_mask])


def slam_group(codes: list[int], latency: int, layers: int) -> list[list[int]]:
    """X-LANCE/SLAM-LLM@a68e78f examples/s2s/utils/codec_utils.py ``get_group_answer_token`` (MIT): pad 4097, end 4096."""
    ended = [*codes, 4096]
    ended += [4097] * (-len(ended) % layers)
    return [[4097] * latency + ended[layer::layers] for layer in range(layers)]


def snac_answer(codes: Sequence[Sequence[int]]) -> list[list[int]]:
    """The same, utils/snac_utils.py ``get_snac_answer_token``: seven layers, each a position later than the one above."""
    return [[4097] * layer + list(line) + [4096] + [4097] * (7 - layer) for layer, line in enumerate(codes, start=1)]


def personaplex_frames(voice: npt.NDArray[Any], text: Sequence[int], silence_frames: int) -> npt.NDArray[Any]:
    """NVIDIA/personaplex@3428dfd moshi/moshi/models/lm.py ``step_system_prompts`` (MIT): what each ``step`` is given."""
    silence = [948, 243, 1178, 546, 1736, 1030, 1978, 2008]
    sine = [430, 1268, 381, 1611, 1095, 1495, 56, 472]
    steps: list[list[int]] = []

    def step(text_token: int, moshi_tokens: Sequence[int]) -> None:
        steps.append([text_token, *moshi_tokens, *sine])

    def audio_silence() -> None:
        for _ in range(silence_frames):
            step(3, silence)

    for frame in voice.T:
        step(3, frame.tolist())
    audio_silence()
    for token in text:
        step(token, silence)
    audio_silence()
    return np.array(steps, np.int64).reshape(-1, 17).T
