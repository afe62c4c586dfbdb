"""Words from the sound: speech recognition behind one interface, off unless a checkpoint is named.

The recogniser hears only what voice activity found, in pieces of at most ``MAX_PIECE_MS`` that begin and end in silence:
no piece is longer than the 30 s that Whisper takes, memory does not grow with the recording, and silence, in which
recognisers invent words, is not heard at all. Times are put back onto the conversation's clock.

Any ``transformers`` checkpoint of automatic speech recognition that gives word times will do: Whisper (Radford et al.
2023, times from cross-attention) and CTC models such as wav2vec 2.0 (Baevski et al. 2020).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from .audio import conversation_blocks
from .errors import UsageError
from .records import Activity, Recording, Span, Word

__all__ = ["RATE_HZ", "AsrModel", "Recognizer", "SpokenWord", "speech_pieces", "transcribe"]

RATE_HZ: Final = 16_000
"""Recognisers take 16 kHz."""

MAX_PIECE_MS: Final = 28_000
_JOIN_MS: Final = 1_000  # stretches this close are heard together: context helps
_MARGIN_MS: Final = 200
_SHORTEST: Final = RATE_HZ // 10

Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SpokenWord:
    """A word with its times in seconds from the beginning of the piece that was heard."""

    word: str
    start_s: float
    end_s: float


class Recognizer(Protocol):
    """Whatever makes words of sound."""

    def words(self, pcm: Pcm, *, language: str | None) -> Sequence[SpokenWord]:
        """Recognises a piece.

        Args:
            pcm: float32 [T] in [-1, 1] at :data:`RATE_HZ`.
            language: a BCP 47 tag, None if unknown.
        """
        ...


@dataclass(frozen=True)
class AsrModel:
    """A checkpoint that the user has named: small, picklable, loaded by :meth:`open`.

    Attributes:
        source: a folder, or an id of the Hugging Face hub.
        allow_network: whether it may be downloaded.
    """

    source: str
    allow_network: bool = False

    def folder(self) -> Path:
        """Where the checkpoint lies.

        Raises:
            UsageError: it is not there.
        """
        from huggingface_hub import snapshot_download

        path = Path(self.source)
        if path.is_dir():
            return path
        try:
            return Path(
                snapshot_download(
                    self.source,
                    local_files_only=not self.allow_network,
                    allow_patterns=["*.json", "*.txt", "*.safetensors", "*.model"],
                )
            )
        except (OSError, ValueError) as error:
            why = "" if self.allow_network else "; the hub is not asked without --allow-network"
            raise UsageError(
                f"--asr {self.source}: no such folder, and no such model in the cache of the Hugging Face hub"
                f"{why} ({str(error).strip().splitlines()[0]})"
            ) from None

    def document(self) -> dict[str, str]:
        """What a release says about it: its name, and the hash over all its files, so that none can change unseen.

        Raises:
            UsageError: as :meth:`folder`.
        """
        folder, digest = self.folder(), hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".json", ".txt", ".safetensors", ".model") and path.is_file():
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return {"model": Path(self.source).name, "sha256": digest.hexdigest()}

    def open(self) -> Recognizer:
        """Loads the model.

        Raises:
            UsageError: it is not there, is damaged, or is no speech recogniser.
        """
        return _TransformersRecognizer(self)


def transcribe(
    recording: Recording, activity: Activity, recognizer: Recognizer, *, language: str | None
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Recognises the words of both tracks.

    Args:
        recording: whose tracks are decoded once more.
        activity: when each speaker is heard; nothing else is listened to.
        recognizer: the model.
        language: a BCP 47 tag, None if unknown.

    Returns:
        The words of ``a`` and of ``b`` in order of time, on the conversation's clock.

    Raises:
        RejectError: as :func:`duologue_pipeline.audio.conversation_blocks`.
    """
    cutters = _Cutter(speech_pieces(activity.a)), _Cutter(speech_pieces(activity.b))
    words: tuple[list[Word], list[Word]] = ([], [])
    for blocks in conversation_blocks(recording, rate_hz=RATE_HZ):
        for cutter, block, own in zip(cutters, blocks, words, strict=True):
            for piece, pcm in cutter.push(block):
                own.extend(_placed(recognizer.words(pcm, language=language), piece))
    for cutter, own in zip(cutters, words, strict=True):
        for piece, pcm in cutter.finish():
            own.extend(_placed(recognizer.words(pcm, language=language), piece))
    a, b = (tuple(sorted(own, key=lambda word: (word.start_ms, word.end_ms))) for own in words)
    return a, b


def speech_pieces(spans: Sequence[Span]) -> list[Span]:
    """Joins stretches of speech to pieces for a recogniser: with 200 ms around them, disjoint, none over 28 s.

    A stretch that is longer on its own is cut.
    """
    pieces: list[Span] = []
    for span in spans:
        for start_ms in range(span.start_ms, span.end_ms, MAX_PIECE_MS - 2 * _MARGIN_MS):
            end_ms = min(span.end_ms, start_ms + MAX_PIECE_MS - 2 * _MARGIN_MS)
            last = pieces[-1] if pieces else None
            if last and start_ms - last.end_ms <= _JOIN_MS and end_ms - last.start_ms <= MAX_PIECE_MS - 2 * _MARGIN_MS:
                pieces[-1] = Span(last.start_ms, end_ms)
            else:
                pieces.append(Span(start_ms, end_ms))
    padded: list[Span] = []
    for i, piece in enumerate(pieces):
        after_ms = pieces[i + 1].start_ms if i + 1 < len(pieces) else piece.end_ms + 2 * _MARGIN_MS
        before_ms = padded[-1].end_ms if padded else 0
        padded.append(Span(max(before_ms, piece.start_ms - _MARGIN_MS), min(after_ms, piece.end_ms + _MARGIN_MS)))
    return padded


def _placed(spoken: Sequence[SpokenWord], piece: Span) -> Iterator[Word]:
    """Puts words onto the conversation's clock; none leaves its piece."""
    for item in spoken:
        start_ms = min(piece.end_ms, piece.start_ms + max(0, round(item.start_s * 1000)))
        end_ms = min(piece.end_ms, max(start_ms, piece.start_ms + round(item.end_s * 1000)))
        yield Word(item.word, start_ms, end_ms)


class _Cutter:
    """Cuts pieces out of a track that comes in blocks; holds no more than one piece."""

    def __init__(self, pieces: Sequence[Span]) -> None:
        self._pieces = list(pieces)
        self._at = 0  # sample of the track at which the next block begins
        self._held: list[Pcm] = []

    def push(self, block: Pcm) -> Iterator[tuple[Span, Pcm]]:
        end = self._at + block.size
        while self._pieces:
            piece = self._pieces[0]
            first, last = (ms * RATE_HZ // 1000 for ms in (piece.start_ms, piece.end_ms))
            if first >= end:
                break
            self._held.append(block[max(0, first - self._at) : max(0, last - self._at)])
            if last > end:
                break
            yield piece, np.concatenate(self._held)
            self._held = []
            self._pieces.pop(0)
        self._at = end

    def finish(self) -> Iterator[tuple[Span, Pcm]]:
        if self._held and self._pieces:
            yield self._pieces[0], np.concatenate(self._held)


class _TransformersRecognizer:
    def __init__(self, model: AsrModel) -> None:
        folder = model.folder()
        from .torchaudio_cpu import import_torchaudio

        import_torchaudio()  # transformers' audio code imports it
        import torch
        import transformers

        torch.set_num_threads(1)
        logging: Any = transformers.utils.logging
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            self._pipeline: Any = transformers.pipeline(
                "automatic-speech-recognition",
                model=str(folder),
                device="cpu",
                model_kwargs={"use_safetensors": True},  # a pickle can run anything
            )
            generation = getattr(self._pipeline.model, "generation_config", None)
            self._multilingual = bool(getattr(generation, "is_multilingual", False))
        except Exception as error:  # noqa: BLE001 - whatever building a model can raise
            raise UsageError(
                f"--asr {model.source}: not a speech recogniser that transformers can load "
                f"({(str(error).strip() or type(error).__name__).splitlines()[0]}); expected a folder with config.json, "
                "model.safetensors and the files of its tokenizer"
            ) from None
        if self._pipeline.type not in ("ctc", "seq2seq_whisper"):
            raise UsageError(
                f"--asr {model.source}: a model of type {self._pipeline.type} gives no word times; "
                "take Whisper or a CTC model such as wav2vec 2.0"
            )

    def words(self, pcm: Pcm, *, language: str | None) -> list[SpokenWord]:
        options: dict[str, Any] = {"return_timestamps": "word"}
        if self._multilingual and language is not None:
            options["generate_kwargs"] = {"language": language.partition("-")[0].lower(), "task": "transcribe"}
        length_s = pcm.size / RATE_HZ
        pcm = np.pad(pcm, (0, max(0, _SHORTEST - pcm.size)))  # convolutions need something to work on
        heard = self._pipeline({"raw": pcm, "sampling_rate": RATE_HZ}, **options)
        words = []
        for chunk in heard["chunks"]:
            start_s, end_s = chunk["timestamp"]
            text = chunk["text"].strip()
            if text:
                start_s = min(length_s, start_s or 0.0)
                words.append(SpokenWord(text, start_s, length_s if end_s is None else end_s))
        return words
