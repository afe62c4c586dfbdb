"""Speaks with the free synthesisers of Debian (Flite, Festival, eSpeak NG), and tells the time of every word.

Flite and eSpeak NG are called through their C libraries, Festival through a Scheme batch. None is needed to import this
module, and all are deterministic: the same text and voice give the same samples.
"""

import ctypes
import ctypes.util
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = ["ENGINES", "PACKAGES", "Spoken", "engine_voices", "synthesise"]

ENGINES: Final = ("flite", "festival", "espeak-ng")
PACKAGES: Final = (
    "flite festival festvox-us-slt-hts festvox-kallpc16k festvox-kdlpc16k festlex-cmu festlex-poslex espeak-ng"
)
"""What to install on Debian to have all voices."""

_FLITE_VOICES: Final = ("awb", "kal16", "rms", "slt")
_FESTIVAL_VOICES: Final = ("cmu_us_slt_arctic_hts", "kal_diphone", "ked_diphone")
_ESPEAK_VARIANTS: Final = (
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "klatt",
    "klatt4",
)
_ESPEAK_LANGUAGES: Final = {"en": "en-us", "en-GB": "en-gb", "es": "es", "de": "de", "fr": "fr", "ja": "ja"}


@dataclass(frozen=True)
class Spoken:
    """Holds what an engine has said: ``pcm`` float64 [T] in [-1, 1], and ``(start_s, end_s)`` of each word."""

    pcm: npt.NDArray[np.float64]
    sample_rate_hz: int
    word_times_s: Sequence[tuple[float, float]]


def engine_voices(engine: str, language: str) -> list[str]:
    """Lists the voices of an engine on this machine for a language; there are none where it is not installed.

    Returns:
        Names ``engine:voice``, sorted.
    """
    english = language.split("-")[0] == "en"
    if engine == "flite":
        found = [name for name in _FLITE_VOICES if english and _loads(f"libflite_cmu_us_{name}.so.1")]
    elif engine == "festival":
        found = [name for name in _FESTIVAL_VOICES if english and name in _festival_has()]
    else:
        spoken = _ESPEAK_LANGUAGES.get(language, _ESPEAK_LANGUAGES.get(language.split("-")[0]))
        found = [f"{spoken}+{v}" for v in _ESPEAK_VARIANTS] if spoken and _loads("libespeak-ng.so.1") else []
    return sorted(f"{engine}:{name}" for name in found)


def synthesise(voice: str, texts: Sequence[str], *, stretch: float | None = None) -> list[Spoken]:
    """Speaks each text.

    Args:
        voice: of :func:`engine_voices`.
        texts: lower-case words without punctuation or numbers.
        stretch: above 1 speaks slower; the voice's own rate if None. Not for espeak-ng.

    Raises:
        RuntimeError: the engine is not installed, fails, or gives another number of words than it was asked for.
    """
    engine, name = voice.split(":", 1)
    try:
        if engine == "espeak-ng":
            said = _espeak(texts, name)
        else:
            said = (_flite if engine == "flite" else _festival)(texts, name, stretch)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"{voice} cannot speak ({error}); apt-get install {PACKAGES}") from error
    for text, spoken in zip(texts, said, strict=True):
        if len(spoken.word_times_s) != len(text.split()):
            raise RuntimeError(f"{voice} said {len(spoken.word_times_s)} words for {text!r}")
    return said


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


# --- Flite ----------------------------------------------------------------------------------------------------------


class _FliteVoice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


class _FliteWave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("rate_hz", ctypes.c_int),
        ("samples", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("pcm", ctypes.POINTER(ctypes.c_short)),
    )


@cache
def _flite_library() -> ctypes.CDLL:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float
    library = ctypes.CDLL("libflite.so.1")
    for name, result, arguments in (
        ("flite_synth_text", pointer, [text, pointer]),
        ("flite_feat_set_float", None, [pointer, text, number]),
        ("utt_wave", ctypes.POINTER(_FliteWave), [pointer]),
        ("utt_relation", pointer, [pointer, text]),
        ("relation_head", pointer, [pointer]),
        ("item_next", pointer, [pointer]),
        ("item_daughter", pointer, [pointer]),
        ("item_last_daughter", pointer, [pointer]),
        ("flite_ffeature_float", number, [pointer, text]),
        ("delete_utterance", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.flite_init()
    return library


def _flite(texts: Sequence[str], name: str, stretch: float | None) -> list[Spoken]:
    library = _flite_library()
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = ctypes.POINTER(_FliteVoice), [ctypes.c_char_p]
    voice = register(None)
    if stretch is not None:
        library.flite_feat_set_float(voice.contents.features, b"duration_stretch", stretch)
    said = []
    for text in texts:
        utterance = library.flite_synth_text(text.encode(), voice)
        wave = library.utt_wave(utterance).contents
        pcm = np.ctypeslib.as_array(wave.pcm, (wave.samples,)).astype(np.float64) / 32768
        times_s = []
        token = library.relation_head(library.utt_relation(utterance, b"Token"))
        while token:  # a token is one or more words ("I've" is two)
            first, last = library.item_daughter(token), library.item_last_daughter(token)
            start_s = library.flite_ffeature_float(first, b"R:SylStructure.daughter.daughter.R:Segment.p.end")
            end_s = library.flite_ffeature_float(last, b"R:SylStructure.daughtern.daughtern.R:Segment.end")
            times_s.append((start_s, end_s))
            token = library.item_next(token)
        said.append(Spoken(pcm, int(wave.rate_hz), times_s))
        library.delete_utterance(utterance)
    return said


# --- Festival -------------------------------------------------------------------------------------------------------

# The phrase tree breaks nowhere but at the end: pauses are the plan's, not the engine's.
_FESTIVAL_SCRIPT: Final = """
(voice_{voice})
{slower}
(set! phrase_cart_tree '((n.name is 0) ((BB)) ((NB))))
(Parameter.set 'Phrase_Method 'cart_tree)
(define (say text path)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave utt path 'riff)
    (mapcar (lambda (w) (format t "%f %f " (item.feat w "word_start") (item.feat w "word_end")))
            (utt.relation.items utt 'Word))
    (format t "\\n")))
"""


@cache
def _festival_has() -> frozenset[str]:
    if not shutil.which("festival"):
        return frozenset()
    listed = subprocess.run(["festival", "-b", "(print (voice.list))"], check=False, capture_output=True, text=True)
    return frozenset(listed.stdout.strip().strip("()").split())


def _festival(texts: Sequence[str], name: str, stretch: float | None) -> list[Spoken]:
    slower = "" if stretch is None else f"(Parameter.set 'Duration_Stretch {stretch:.4f})"
    if stretch is not None and name.endswith("_hts"):  # this engine takes a speed instead
        slower = f'(set! hts_engine_params (cons \'("-r" {1 / stretch:.4f}) hts_engine_params))'
    with tempfile.TemporaryDirectory() as folder:
        waves = [Path(folder, f"{i}.wav") for i in range(len(texts))]
        script = Path(folder, "say.scm")
        lines = [f'(say "{text}" "{wave}")' for text, wave in zip(texts, waves, strict=True)]
        script.write_text(
            _FESTIVAL_SCRIPT.format(voice=name, slower=slower) + "\n".join(lines) + "\n", encoding="utf-8"
        )
        shown = subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True, text=True).stdout
        said = []
        for line, wave in zip(shown.splitlines(), waves, strict=True):
            pcm, rate_hz = soundfile.read(wave, dtype="float64")
            times_s = [float(field) for field in line.split()]
            said.append(Spoken(pcm, int(rate_hz), list(zip(times_s[::2], times_s[1::2], strict=True))))
    return said


# --- eSpeak NG ------------------------------------------------------------------------------------------------------

_SYNCHRONOUS: Final = 2
_UTF8: Final = 1
_EVENT_END_OF_LIST: Final = 0
_EVENT_WORD: Final = 1


class _EspeakEvent(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_EspeakCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_EspeakEvent)
)


@cache
def _espeak_library() -> tuple[ctypes.CDLL, int]:
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate_hz = int(library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0))
    if rate_hz <= 0:
        raise OSError("espeak_Initialize failed")
    return library, rate_hz


def _espeak(texts: Sequence[str], name: str) -> list[Spoken]:
    library, rate_hz = _espeak_library()
    if library.espeak_SetVoiceByName(name.encode()):
        raise OSError(f"eSpeak NG has no voice {name}")
    pieces: list[npt.NDArray[np.float64]] = []
    words: list[tuple[int, int]] = []

    def collect(wav: Any, samples: int, events: Any) -> int:
        if wav and samples:
            pieces.append(np.ctypeslib.as_array(wav, (samples,)).astype(np.float64) / 32768)
        i = 0
        while events[i].type != _EVENT_END_OF_LIST:
            if events[i].type == _EVENT_WORD:
                words.append((events[i].text_position, events[i].sample))
            i += 1
        return 0

    callback = _EspeakCallback(collect)  # kept alive until the last call
    library.espeak_SetSynthCallback(callback)
    said = []
    for text in texts:
        pieces.clear()
        words.clear()
        encoded = text.encode()
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        pcm = np.concatenate(pieces) if pieces else np.zeros(0)
        said.append(Spoken(pcm, rate_hz, _espeak_times(text, words, len(pcm), rate_hz)))
    return said


def _espeak_times(text: str, words: Sequence[tuple[int, int]], samples: int, rate_hz: int) -> list[tuple[float, float]]:
    """Finds word times from events ``(position of a letter counted from 1, sample)``.

    The engine says some words as one ("of the") and gives one event for them: they share its time by their letters.
    """
    starts = [0]
    for word in text.split()[:-1]:
        starts.append(starts[-1] + len(word) + 1)
    length = len(text)
    at = {position - 1: sample for position, sample in words}
    known = sorted({p: s for p, s in at.items() if p in starts}.items())
    letters = np.array([*(p for p, _ in known), length], np.float64)
    times_s = np.array([*(s for _, s in known), samples], np.float64) / rate_hz
    edges_s = np.interp([*starts, length], letters, times_s).tolist()
    return list(pairwise(edges_s))
