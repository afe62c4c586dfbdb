"""Takes the audio of a sample as a file that others read: as it is, or one track at another rate."""

import io
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.format import Context, Option
from duologue_pipeline.export.wav import tracks_of
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker

__all__ = ["AUDIO", "Sound", "every_form", "flac_of", "pcm_16", "sound_of", "track_of", "writes_audio"]

AUDIO: Final = Option(True, "Write the audio beside the tokens, where the release has it.")
"""The option ``audio`` of formats that hold all that a release has."""
_FULL_SCALE: Final = 1 << 15


class Sound(NamedTuple):
    """Says of audio what manifests say.

    Attributes:
        rate_hz: sample rate.
        samples: how many, of each track.
    """

    rate_hz: int
    samples: int

    @property
    def duration_s(self) -> float:
        """Gives the length in seconds."""
        return self.samples / self.rate_hz

    @property
    def duration_ms(self) -> int:
        """Gives the whole milliseconds of the length."""
        return self.samples * 1000 // self.rate_hz


def sound_of(sample: Sample) -> Sound:
    """Reads from the header of its FLAC how long a sample is.

    Raises:
        UsageError: it has no audio.
        DamagedReleaseError: the audio is damaged.
    """
    try:
        about = soundfile.info(io.BytesIO(flac_of(sample)))
    except soundfile.LibsndfileError as error:
        raise DamagedReleaseError(
            f"{sample.shard}: {sample.key}.flac cannot be decoded ({error}): fetch it again"
        ) from None
    return Sound(int(about.samplerate), int(about.frames))


def flac_of(sample: Sample) -> bytes:
    """Gives the FLAC file of both tracks as it lies in the release.

    Raises:
        UsageError: the sample has no audio.
    """
    if sample.flac is None:
        raise UsageError(f"{sample.key}: has no audio; make the release with `duologue run ... --include-audio`")
    return sample.flac


def track_of(sample: Sample, speaker: Speaker, rate_hz: int | None = None) -> tuple[npt.NDArray[np.float64], int]:
    """Decodes one track, at another rate where one is given: (float64 [T] in [-1, 1], its rate in Hz).

    Raises:
        UsageError: as :func:`duologue_pipeline.export.wav.tracks_of`.
    """
    tracks, found_hz, _ = tracks_of(sample, (speaker,), rate_hz=rate_hz)
    return np.clip(tracks[0].astype(np.float64), -1, 1), found_hz


def pcm_16(signal: npt.NDArray[np.float64], rate_hz: int, *, kind: str) -> bytes:
    """Writes a signal of one or more tracks, float [T] or [T, tracks], as a file of 16 bits: ``FLAC`` or ``WAV``."""
    whole = np.clip(np.round(signal * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, whole, rate_hz, format=kind, subtype="PCM_16")
    return buffer.getvalue()


def every_form(context: Context) -> tuple[Form, ...]:
    """Lists the forms of a recording that a format holds which writes all of a release, or all but its audio."""
    return tuple(form for form in Form if form != Form.AUDIO or writes_audio(context))


def writes_audio(context: Context) -> bool:
    """Tells whether a format with the option ``audio`` writes audio: it is asked for, and the release holds it."""
    return bool(context.options["audio"] and context.release.get("include_audio", False))
