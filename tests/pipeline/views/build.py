"""Builds samples for the tests of views, and stands in for text tokenizers."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from duologue_pipeline.reader import Sample

Spoken = tuple[str, str, float, float]
"""Speaker, word, start and end in seconds."""


def make_sample(
    *,
    words: Iterable[Spoken] = (),
    turns: Iterable[tuple[str, float, float]] = (),
    frames: int = 50,
    codebooks: int = 8,
    codec: str = "mimi",
    transcripts: Mapping[str, bool] | None = None,
    withdrawn: str = "",
    seed: int = 0,
    **more: Any,
) -> Sample:
    """A sample of random codes that says as much as the views read; ``more`` goes into its document."""
    rng = np.random.default_rng(seed)
    named = {side: "withdrawn" if side == withdrawn else f"{side}" * 64 for side in "ab"}
    grants = [{"purpose": purpose} for purpose in ("recording", "training_inhouse")]
    about: dict[str, Any] = {
        "key": "call-00000",
        "start_s": 0.0,
        "end_s": frames * 0.08,
        "language": "en-US",
        "codec": {"name": codec, "frame_rate_hz": 12.5, "codebooks": codebooks, "cardinalities": [2048] * codebooks},
        "speakers": {side: {"commitment": name, "jurisdiction": ""} for side, name in named.items()},
        "consent": {side: {"commitment": name, "grants": grants} for side, name in named.items()},
        "transcripts": {"a": True, "b": True, **(transcripts or {})},
        "activity": [],
        "events": [
            {"kind": "turn", "speaker": speaker, "start_s": start_s, "end_s": end_s}
            for speaker, start_s, end_s in turns
        ],
        "words": [
            {"speaker": speaker, "word": word, "start_s": start_s, "end_s": end_s, "confidence": -1.0, "tags": ""}
            for speaker, word, start_s, end_s in words
        ],
        **more,
    }
    codes = rng.integers(0, 2048, (2, codebooks, frames)).astype(np.uint16)
    return Sample(key="call-00000", metadata=about, codes=codes, flac=None)


class Pieces:
    """A tokenizer with sentencepiece's methods: pieces of up to three characters, bytes for what is not in the Latin alphabet.

    ``▁`` stands for a space and, with ``prefix``, before the text; white space at the ends is left out and inner white space is one
    space, as sentencepiece does by default.
    """

    def __init__(self, *, prefix: bool = True, length: int = 3) -> None:
        self.prefix = prefix
        self.length = length

    def encode_as_pieces(self, text: str) -> list[str]:
        text = "▁".join(text.split())
        if self.prefix and text:
            text = f"▁{text}"
        pieces = [""]
        for character in text:
            if character != "▁" and ord(character) > 0x2FF:
                pieces += [*(f"<0x{byte:02X}>" for byte in character.encode()), ""]
            elif character == "▁" or len(pieces[-1]) == self.length:
                pieces.append(character)
            else:
                pieces[-1] += character
        return [piece for piece in pieces if piece]

    def decode_pieces(self, pieces: list[str]) -> str:
        if all(piece.startswith("<0x") for piece in pieces):
            return bytes(int(piece[3:5], 16) for piece in pieces).decode(errors="replace")
        return "".join(pieces).replace("▁", " ").strip()

    def piece_to_id(self, piece: str) -> int:
        if len(piece) == 1 and ord(piece) > 0x2FF and piece != "▁":
            return 0  # unknown: it has no piece of its own
        return 4 + sum(ord(character) * 31**place for place, character in enumerate(piece)) % 31000

    def encode(self, text: Any) -> Any:
        if isinstance(text, list):
            return [self.encode(line) for line in text]
        if text == "\n":
            return [13]
        return [self.piece_to_id(piece) for piece in self.encode_as_pieces(text)]
