"""Speech from the free synthesisers of Debian, with the time of every word: what make_demo_sample.py speaks with.

Two engines: Flite through its C library (the voices slt, rms, awb and kal are linked into Debian's build), and
Festival through a Scheme batch. Both are deterministic: the same text and voice give the same samples.
"""

import ctypes
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

__all__ = ["Spoken", "Voice", "speak"]

# The letter-to-sound rules read "mhm" as three letter names; each form is said as words of the lexicon instead.
SPOKEN_FORMS = {"mhm": "um hum", "uh-huh": "uh huh", "hmm": "hum"}

# The phrase tree breaks nowhere but at the end: pauses are the screenplay's, not the engine's.
FESTIVAL_SPEAK = """
(set! phrase_cart_tree '((n.name is 0) ((BB)) ((NB))))
(Parameter.set 'Phrase_Method 'cart_tree)
(define (say text path)
  (let ((utt (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.save.wave utt path 'riff)
    (mapcar (lambda (w) (format t "%f %f\\n" (item.feat w "word_start") (item.feat w "word_end")))
            (utt.relation.items utt 'Word))))
"""


@dataclass(frozen=True)
class Voice:
    """A voice and how it is changed.

    ``name`` is ``flite:NAME`` or ``festival:NAME``. ``stretch`` above 1 speaks slower. ``tract`` above 1 scales pitch
    and formants up by resampling, as a shorter vocal tract does, and leaves the speaking rate as ``stretch`` sets it.
    """

    name: str
    stretch: float = 1.0
    tract: float = 1.0


@dataclass(frozen=True)
class Spoken:
    """Synthesised words. ``pcm``: float64 [T] in [-1, 1]; ``word_times_s``: start and end of each, in its seconds."""

    pcm: npt.NDArray[np.float64]
    word_times_s: Sequence[tuple[float, float]]


@cache
def speak(words: tuple[str, ...], voice: Voice, rate_hz: int) -> Spoken:
    """Says the words without a pause between them.

    Args:
        words: as they stand in the transcript, without punctuation.
        voice: who says them.
        rate_hz: of the result.

    Raises:
        RuntimeError: the engine has given more or fewer words than it was asked for.
        OSError: the engine is not installed.
    """
    spoken = [SPOKEN_FORMS.get(word, word).split() for word in words]
    text = " ".join(part for parts in spoken for part in parts)
    engine, name = voice.name.split(":")
    # Playing back faster (tract above 1) shortens the speech by the same factor, so it is said slower before.
    stretch = voice.stretch * voice.tract
    pcm, native_hz, times_s = (_flite if engine == "flite" else _festival)(text, name, stretch)
    if len(times_s) != sum(map(len, spoken)):
        raise RuntimeError(f"{voice.name} said {len(times_s)} words for {text!r}; respell numbers and hyphens")
    word_times_s = []
    for parts in spoken:
        mine, times_s = times_s[: len(parts)], times_s[len(parts) :]
        word_times_s.append((mine[0][0] / voice.tract, mine[-1][1] / voice.tract))
    resampled = soxr.resample(pcm, native_hz * voice.tract, rate_hz, quality="VHQ")
    return Spoken(resampled, word_times_s)


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


@cache
def _flite_voice(name: str) -> "ctypes._Pointer[_FliteVoice]":
    register = getattr(ctypes.CDLL(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
    register.restype, register.argtypes = ctypes.POINTER(_FliteVoice), [ctypes.c_char_p]
    return register(None)


def _flite(text: str, name: str, stretch: float) -> tuple[npt.NDArray[np.float64], int, list[tuple[float, float]]]:
    library, voice = _flite_library(), _flite_voice(name)
    library.flite_feat_set_float(voice.contents.features, b"duration_stretch", stretch)
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
    rate_hz = int(wave.rate_hz)
    library.delete_utterance(utterance)
    return pcm, rate_hz, times_s


# --- Festival -------------------------------------------------------------------------------------------------------


def _festival(text: str, name: str, stretch: float) -> tuple[npt.NDArray[np.float64], int, list[tuple[float, float]]]:
    slower = f"(Parameter.set 'Duration_Stretch {stretch:.4f})"
    if name.endswith("_hts"):  # this engine takes a speed instead
        slower = f'(set! hts_engine_params (cons \'("-r" {1 / stretch:.4f}) hts_engine_params))'
    with tempfile.TemporaryDirectory() as folder:
        script, wave = Path(folder, "say.scm"), Path(folder, "said.wav")
        script.write_text(f'(voice_{name})\n{slower}\n{FESTIVAL_SPEAK}\n(say "{text}" "{wave}")\n')
        said = subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True, text=True)
        pcm, rate_hz = soundfile.read(wave, dtype="float64")
    times_s = [(float(start), float(end)) for start, end in (line.split() for line in said.stdout.splitlines())]
    return pcm, int(rate_hz), times_s
