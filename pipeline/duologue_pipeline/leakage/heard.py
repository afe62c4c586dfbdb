"""Embeds the voices of what is read, original and decoded, at once, so that no audio and no embedding is kept longer than needed."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.leakage.sides import Side, cuts
from duologue_pipeline.leakage.voice import VOICE_RATE_HZ, VoiceEncoder
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.rules.leakage import LeakageRules

__all__ = ["Heard"]

F32 = npt.NDArray[np.float32]


class Heard:
    """Collects the speech of the sides of a conversation, and embeds it.

    Args:
        encoder: embeds.
        codec: decodes; nothing is decoded if None.
        frame_rate_hz: frames of tokens a second.
        most_s: so much speech of a track of a conversation is embedded, in seconds.
        rules: durations, and how many segments.
    """

    def __init__(
        self, encoder: VoiceEncoder, codec: Codec | None, *, frame_rate_hz: float, most_s: float, rules: LeakageRules
    ) -> None:
        self._encoder, self._codec, self._rules = encoder, codec, rules
        self._frame_rate_hz, self._most = frame_rate_hz, round(most_s * frame_rate_hz)
        self._frames: Counter[int] = Counter()
        self._parts: dict[tuple[str, int], list[F32]] = defaultdict(list)

    def add(self, sample: Sample, track: int, speaks: npt.NDArray[np.bool_]) -> None:
        """Keeps the speech of a track of a sample: bool [frames] says in which frames it is."""
        speaks = speaks & (np.cumsum(speaks) <= self._most - self._frames[track])
        if not speaks.any():
            return
        self._frames[track] += int(speaks.sum())
        if self._codec is not None:
            last = int(np.flatnonzero(speaks)[-1]) + 1  # what follows need not be decoded
            pcm = self._codec.decode(np.ascontiguousarray(sample.codes[track][:, :last]))
            self._keep("decoded", track, pcm, self._codec.sample_rate_hz, speaks)
        if sample.audio is not None:
            tracks, rate_hz = sample.audio
            self._keep("original", track, tracks[track], rate_hz, speaks)

    def _keep(self, of: str, track: int, pcm: F32, rate_hz: int, speaks: npt.NDArray[np.bool_]) -> None:
        heard = soxr.resample(np.ascontiguousarray(pcm), rate_hz, VOICE_RATE_HZ)
        frames = (np.arange(len(heard)) * self._frame_rate_hz / VOICE_RATE_HZ).astype(np.int64)
        self._parts[of, track].append(heard[speaks[np.minimum(frames, len(speaks) - 1)]].astype(np.float32))

    def embed(self, sides: Sequence[Side]) -> None:
        """Embeds what was kept into the sides of the conversation, and forgets the sound.

        Args:
            sides: all of the conversation; the halves of a track have its halves of the sound.
        """
        for (of, track), parts in self._parts.items():
            pcm = np.concatenate(parts)
            own = [side for side in sides if side.track == track]
            start = 0
            for side in own:
                length = round(side.codes.shape[1] / self._frame_rate_hz * VOICE_RATE_HZ)
                side.voices[of] = dict(self._segments(pcm[start : start + length]))
                start += length
        self._parts.clear()
        self._frames.clear()

    def _segments(self, pcm: F32) -> list[tuple[int, F32]]:
        found = []
        for duration_s in self._rules.durations_s:
            # a frame may end a sample later than its share of the sound
            length = duration_s * VOICE_RATE_HZ
            places = cuts(len(pcm) + VOICE_RATE_HZ // 10, length, self._rules.most_segments)
            if places:
                padded = np.pad(pcm, (0, max(0, places[-1].stop - len(pcm))))
                found.append((duration_s, self._encoder.embed(np.stack([padded[place] for place in places]))))
        return found
