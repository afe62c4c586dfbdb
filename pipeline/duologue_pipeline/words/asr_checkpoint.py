"""Recognises words with a checkpoint that the user names: a folder, or a model of the Hugging Face hub.

Any ``transformers`` checkpoint of automatic speech recognition that gives word times will do: Whisper (Radford et al.
2023, times from cross-attention) and CTC models such as wav2vec 2.0 (Baevski et al. 2020). Nothing is downloaded unless
the user allows it, and a release names the hash over the checkpoint's files.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue_pipeline.errors import UsageError
from duologue_pipeline.words.asr import RATE_HZ, Pcm, Recognizer, SpokenWord

__all__ = ["AsrModel"]

_SHORTEST: Final = RATE_HZ // 10


@dataclass(frozen=True)
class AsrModel:
    """Names a checkpoint that the user has chosen; it is small and picklable, and loaded by :meth:`open`.

    Attributes:
        source: a folder, or an id of the Hugging Face hub.
        allow_network: whether it may be downloaded.
    """

    source: str
    allow_network: bool = False

    def folder(self) -> Path:
        """Finds the folder of the checkpoint, downloading it if that is allowed.

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
        """Describes the checkpoint for a release: its name, and a hash over all its files.

        So none of them can change unseen.

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
        """Loads the recogniser.

        Raises:
            UsageError: it is not there, is damaged, or is no speech recogniser.
        """
        return _TransformersRecognizer(self)


class _TransformersRecognizer:
    """Recognises words with a pipeline of ``transformers``."""

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
