"""Words from the sound: speech recognition behind one interface, off unless a checkpoint is named.

The recogniser hears only what voice activity found, in pieces (:mod:`duologue_pipeline.ingest.pieces`) that begin and end in
silence: none is longer than the 30 s that Whisper takes, memory does not grow with the recording, and silence, in which
recognisers invent words, is not heard at all. Times are put back onto the conversation's clock.

Any ``transformers`` checkpoint of automatic speech recognition that gives word times will do: Whisper (Radford et al.
2023, times from cross-attention) and CTC models such as wav2vec 2.0 (Baevski et al. 2020).
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.ingest.pieces import heard_pieces
from duologue_pipeline.records import SPEAKERS, Activity, Recording, Span, Speaker, Word

__all__ = ["RATE_HZ", "AsrModel", "Recognizer", "SpokenWord", "transcribe", "with_heard_words"]

RATE_HZ: Final = 16_000
"""Recognisers take 16 kHz."""

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


def with_heard_words(
    recording: Recording,
    activity: Activity,
    words: Mapping[Speaker, tuple[Word, ...] | None],
    recognizer: Recognizer,
) -> dict[Speaker, tuple[Word, ...] | None]:
    """Recognises the words of those who have none; the tracks of others are not listened to.

    Args and errors are those of :func:`transcribe`.
    """
    wordless = [speaker for speaker in SPEAKERS if words[speaker] is None]
    if not wordless:
        return dict(words)
    heard = transcribe(recording, activity, recognizer, language=recording.language, speakers=wordless)
    return {s: new if words[s] is None else words[s] for s, new in zip(SPEAKERS, heard, strict=True)}


def transcribe(
    recording: Recording,
    activity: Activity,
    recognizer: Recognizer,
    *,
    language: str | None,
    speakers: Collection[Speaker] = SPEAKERS,
) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Recognises the words of the tracks.

    Args:
        recording: whose tracks are decoded once more.
        activity: when each speaker is heard; nothing else is listened to.
        recognizer: the model.
        language: a BCP 47 tag, None if unknown.
        speakers: who is listened to.

    Returns:
        The words of ``a`` and of ``b`` in order of time, on the conversation's clock; none of who is not listened to.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    words: dict[Speaker, list[Word]] = {speaker: [] for speaker in SPEAKERS}
    speech = {speaker: getattr(activity, speaker) for speaker in speakers}
    for speaker, piece, pcm in heard_pieces(recording, speech, rate_hz=RATE_HZ):
        words[speaker].extend(_placed(recognizer.words(pcm, language=language), piece))
    a, b = (tuple(sorted(own, key=lambda word: (word.start_ms, word.end_ms))) for own in words.values())
    return a, b


def _placed(spoken: Sequence[SpokenWord], piece: Span) -> Iterator[Word]:
    """Puts words onto the conversation's clock; none leaves its piece."""
    for item in spoken:
        start_ms = min(piece.end_ms, piece.start_ms + max(0, round(item.start_s * 1000)))
        end_ms = min(piece.end_ms, max(start_ms, piece.start_ms + round(item.end_s * 1000)))
        yield Word(item.word, start_ms, end_ms)


class _TransformersRecognizer:
    def __init__(self, model: AsrModel) -> None:
        folder = model.folder()
        from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

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
