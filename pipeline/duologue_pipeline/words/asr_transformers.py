"""Recognises words with a checkpoint of ``transformers``: Whisper, or a CTC model.

Any of automatic speech recognition that gives word times will do: Whisper (Radford et al. 2023, times from
cross-attention) and CTC models such as wav2vec 2.0 (Baevski et al. 2020).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue_pipeline.errors import UsageError
from duologue_pipeline.words.asr import RATE_HZ, Pcm, SpokenWord, add_word
from duologue_pipeline.words.asr_language import english_knows, whisper_language

__all__ = ["TransformersRecognizer", "check_folder", "downloaded"]

_SHORTEST: Final = RATE_HZ // 10


def downloaded(model: str, *, allow_network: bool) -> Path:
    """Finds a model of the Hugging Face hub in its cache, or downloads it.

    Args:
        model: its id.
        allow_network: whether it may be downloaded.

    Raises:
        OSError, ValueError: it is not there.
    """
    from huggingface_hub import snapshot_download

    patterns = ["*.json", "*.txt", "*.safetensors", "*.model"]
    return Path(snapshot_download(model, local_files_only=not allow_network, allow_patterns=patterns))


def check_folder(folder: Path, source: str) -> None:
    """Refuses a folder that holds a model for CTranslate2.

    Args:
        folder: of the checkpoint.
        source: as the user named it.

    Raises:
        UsageError: it does.
    """
    if (folder / "model.bin").is_file() and not any(folder.glob("*.safetensors")):
        raise UsageError(
            f"--asr {source}: has model.bin, as models for CTranslate2 have; write --asr faster-whisper:{folder}"
        )


class TransformersRecognizer:
    """Recognises words with a pipeline of ``transformers``.

    Args:
        folder: of the checkpoint.
        source: as the user named it.

    Raises:
        UsageError: it cannot be loaded, or gives no word times.
    """

    def __init__(self, folder: Path, *, source: str) -> None:
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
            generation: Any = getattr(self._pipeline.model, "generation_config", None)
            multilingual = bool(getattr(generation, "is_multilingual", False))
            self._languages = {token.strip("<|>") for token in generation.lang_to_id} if multilingual else set[str]()
        except Exception as error:  # noqa: BLE001 - whatever building a model can raise
            raise UsageError(
                f"--asr {source}: not a speech recogniser that transformers can load "
                f"({(str(error).strip() or type(error).__name__).splitlines()[0]}); expected a folder with config.json, "
                "model.safetensors and the files of its tokenizer"
            ) from None
        if self._pipeline.type not in ("ctc", "seq2seq_whisper"):
            raise UsageError(
                f"--asr {source}: a model of type {self._pipeline.type} gives no word times; "
                "take Whisper or a CTC model such as wav2vec 2.0"
            )

    def knows(self, language: str | None) -> bool:
        """Tells whether the model can hear a language (a BCP 47 tag, None if unknown); of a CTC model that is not known."""
        return self._pipeline.type == "ctc" or bool(self._languages) or english_knows(language)

    def words(self, pieces: Sequence[Pcm], *, language: str | None) -> list[list[SpokenWord]]:
        """Recognises the words of pieces of one speaker's speech, each by itself.

        Args:
            pieces: float32 [T] in [-1, 1] each, at 16 kHz.
            language: a BCP 47 tag, None if unknown.
        """
        options: dict[str, Any] = {"return_timestamps": "word"}
        code = whisper_language(language, self._languages)
        if code is not None:
            options["generate_kwargs"] = {"language": code, "task": "transcribe"}
        return [self._words(pcm, options) for pcm in pieces]

    def _words(self, pcm: Pcm, options: dict[str, Any]) -> list[SpokenWord]:
        length_s = pcm.size / RATE_HZ
        pcm = np.pad(pcm, (0, max(0, _SHORTEST - pcm.size)))  # convolutions need something to work on
        heard = self._pipeline({"raw": pcm, "sampling_rate": RATE_HZ}, **options)
        words: list[SpokenWord] = []
        for chunk in heard["chunks"]:
            start_s, end_s = chunk["timestamp"]
            add_word(words, chunk["text"], min(length_s, start_s or 0.0), length_s if end_s is None else end_s)
        return words
