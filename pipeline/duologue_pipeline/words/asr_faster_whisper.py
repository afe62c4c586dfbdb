"""Recognises words with faster-whisper: Whisper for CTranslate2, with weights of 8 bits on the CPU.

Pieces of a track are heard together, in windows of 30 s (:mod:`duologue_pipeline.words.asr_windows`), and windows in batches. A
word belongs to the piece in which its middle lies.

Nothing is sampled: the most likely token is taken (temperature 0, beam 1) and no window knows of the one before it, so the
same sound gives the same words. Where Whisper's own tests say that a window went wrong (it repeats itself, or the text is
unlikely; Radford et al. 2023, section 4.5), its pieces are heard again, each by itself, where Whisper would sample at higher
temperatures. What then still repeats itself, or is unlikely and probably no speech, is doubted.

CTranslate2 computes in one thread; processes do the rest.
"""

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue_pipeline.errors import UsageError
from duologue_pipeline.words.asr import RATE_HZ, Pcm, SpokenWord, add_word
from duologue_pipeline.words.asr_language import english_knows, whisper_language
from duologue_pipeline.words.asr_windows import WINDOW_S, Window, windows_of

__all__ = ["FasterWhisper", "check_folder", "downloaded", "require_program"]

_FILES: Final = ("config.json", "model.bin", "tokenizer.json")
_BATCH: Final = 8
_MOST_TOKENS: Final = 224  # half of the decoder's context, as OpenAI's decoder has it

# Whisper's tests of a window, with its own thresholds.
_MOST_COMPRESSION: Final = 2.4
_LEAST_LOG_PROBABILITY: Final = -1.0
_NO_SPEECH: Final = 0.6


def require_program(source: str) -> None:
    """Checks that faster-whisper is installed.

    Args:
        source: as the user named the checkpoint.

    Raises:
        UsageError: it is not.
    """
    if find_spec("faster_whisper") is None:
        raise UsageError(f'--asr {source}: faster-whisper is not installed; run `pip install "duologue[asr]"`')


def downloaded(model: str, *, allow_network: bool) -> Path:
    """Finds a model of the Hugging Face hub in its cache, or downloads it.

    Args:
        model: its id, or a size such as ``small``, which faster-whisper knows.
        allow_network: whether it may be downloaded.

    Raises:
        OSError, ValueError: it is not there.
    """
    from faster_whisper import download_model

    return Path(download_model(model, local_files_only=not allow_network))


def check_folder(folder: Path, source: str) -> None:
    """Checks that a folder holds a Whisper for CTranslate2, whole: what is missing would be fetched from the hub.

    Args:
        folder: of the checkpoint.
        source: as the user named it.

    Raises:
        UsageError: it does not.
    """
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        other = "; this one is for transformers: leave out faster-whisper:" if any(folder.glob("*.safetensors")) else ""
        raise UsageError(
            f"--asr {source}: has no {' and no '.join(missing)}; expected a folder as `ct2-transformers-converter --model "
            f"openai/whisper-small --output_dir FOLDER --copy_files tokenizer.json preprocessor_config.json` makes it{other}"
        )


class FasterWhisper:
    """Recognises words with a Whisper for CTranslate2, in 8 bits and one thread.

    Args:
        folder: of the checkpoint.
        source: as the user named it.
        batch: how many windows are heard at once.
        apart: whether each piece is heard in a window of its own; costs more.

    Raises:
        UsageError: it cannot be loaded.
    """

    def __init__(self, folder: Path, *, source: str, batch: int = _BATCH, apart: bool = False) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        logging.getLogger("faster_whisper").setLevel(logging.ERROR)
        try:
            model = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
            )
        except Exception as error:  # noqa: BLE001 - whatever reading a model can raise
            raise UsageError(
                f"--asr {source}: not a Whisper that CTranslate2 can load "
                f"({(str(error).strip() or type(error).__name__).splitlines()[0]}); fetch or convert it again"
            ) from None
        bands, wanted = model.feature_extractor.mel_filters.shape[0], model.model.n_mels
        if bands != wanted:
            raise UsageError(
                f"--asr {source}: wants {wanted} mel bands, and its preprocessor_config.json, if there is one, says {bands}; copy "
                "that file from the model that was converted"
            )
        self._heard: Any = BatchedInferencePipeline(model)
        self._languages = model.supported_languages
        self._batch, self._apart = batch, apart

    def knows(self, language: str | None) -> bool:
        """Tells whether the model can hear a language (a BCP 47 tag, None if unknown)."""
        return len(self._languages) > 1 or english_knows(language)

    def words(self, pieces: Sequence[Pcm], *, language: str | None) -> list[list[SpokenWord]]:
        """Recognises the words of pieces of one speaker's speech.

        Args:
            pieces: float32 [T] in [-1, 1] each, at 16 kHz.
            language: a BCP 47 tag; where the model does not know it, it tells the language by what it hears first.
        """
        code = whisper_language(language, self._languages)
        words: list[list[SpokenWord]] = [[] for _ in pieces]
        again: list[int] = []
        for window, segments in self._windows(windows_of(pieces, apart=self._apart), pieces, code):
            if len(window.places) > 1 and any(map(_went_wrong, segments)):
                again += window.places
            else:
                self._take(window, segments, pieces, words)
        alone = [Window((place,), (0,)) for place in again]
        for window, segments in self._windows(alone, pieces, code):
            self._take(window, segments, pieces, words)
        return words

    def _windows(
        self, windows: Sequence[Window], pieces: Sequence[Pcm], code: str | None
    ) -> list[tuple[Window, list[Any]]]:
        """Hears windows, and gives the segments of each with times from the beginning of all of them."""
        heard = []
        for first in range(0, len(windows), self._batch):
            batch = windows[first : first + self._batch]
            sound = np.zeros(len(batch) * WINDOW_S * RATE_HZ, np.float32)
            clips = []
            for number, window in enumerate(batch):
                start, pcm = number * WINDOW_S * RATE_HZ, window.pcm(pieces)
                sound[start : start + pcm.size] = pcm
                clips.append({"start": number * WINDOW_S, "end": (start + pcm.size + 0.5) / RATE_HZ})
            segments, _ = self._heard.transcribe(
                sound,
                language=code,
                task="transcribe",
                beam_size=1,
                temperature=0.0,
                condition_on_previous_text=False,
                word_timestamps=True,
                without_timestamps=True,
                vad_filter=False,
                clip_timestamps=clips,
                batch_size=self._batch,
                max_new_tokens=_MOST_TOKENS,
            )
            found: list[list[Any]] = [[] for _ in batch]
            for segment in segments:
                found[int(segment.seek // (WINDOW_S * 100))].append(segment)
            heard += list(zip(batch, found, strict=True))
        return heard

    @staticmethod
    def _take(window: Window, segments: Sequence[Any], pieces: Sequence[Pcm], words: list[list[SpokenWord]]) -> None:
        """Gives the words of a window to the pieces in it."""
        for segment in segments:
            began_s = segment.seek // (WINDOW_S * 100) * WINDOW_S
            doubted = _repeats_itself(segment) or (_is_unlikely(segment) and segment.no_speech_prob > _NO_SPEECH)
            for word in segment.words:
                start_s, end_s = float(word.start) - began_s, float(word.end) - began_s
                place, from_s = window.piece_at((start_s + end_s) / 2, pieces)
                length_s = pieces[place].size / RATE_HZ
                add_word(
                    words[place],
                    word.word,
                    min(length_s, max(0.0, start_s - from_s)),
                    min(length_s, max(0.0, end_s - from_s)),
                    confidence=float(word.probability),
                    doubted=doubted,
                )


def _repeats_itself(segment: Any) -> bool:
    return bool(segment.compression_ratio > _MOST_COMPRESSION)


def _is_unlikely(segment: Any) -> bool:
    return bool(segment.avg_logprob < _LEAST_LOG_PROBABILITY)


def _went_wrong(segment: Any) -> bool:
    return _repeats_itself(segment) or _is_unlikely(segment)
