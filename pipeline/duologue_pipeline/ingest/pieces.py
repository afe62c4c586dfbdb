"""Cuts the speech of a recording into pieces for models that listen to it: word recognition and filled pauses.

A piece begins and ends in silence where it can and is at most ``piece_max_ms`` long (rules/ingest.json), so memory does
not grow with the recording and silence is not listened to.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.records import SPEAKERS, Recording, Span, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.ingest import IngestRules

__all__ = ["PieceCutter", "heard_pieces", "speech_pieces"]

Pcm = npt.NDArray[np.float32]


def heard_pieces(
    recording: Recording, speech: Mapping[Speaker, Sequence[Span]], *, rate_hz: int
) -> Iterator[tuple[Speaker, Span, Pcm]]:
    """Decodes a recording once more and gives the pieces in which its speakers are heard.

    Args:
        recording: whose tracks are decoded.
        speech: when each is heard; a speaker who is not in it is not listened to.
        rate_hz: sampling rate of the pieces, in Hz.

    Yields:
        Speaker, where the piece lies on the conversation's clock, in ms, and its samples, float32 [T] in [-1, 1] at
        ``rate_hz``; in order of time for each speaker.

    Raises:
        RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
    """
    cutters = {speaker: PieceCutter(speech_pieces(spans), rate_hz=rate_hz) for speaker, spans in speech.items()}
    for blocks in conversation_blocks(recording, rate_hz=rate_hz):
        for speaker, block in zip(SPEAKERS, blocks, strict=True):
            if speaker in cutters:
                for piece, pcm in cutters[speaker].push(block):
                    yield speaker, piece, pcm
    for speaker, cutter in cutters.items():
        for piece, pcm in cutter.finish():
            yield speaker, piece, pcm


def speech_pieces(spans: Sequence[Span]) -> list[Span]:
    """Joins spans of speech into disjoint pieces with a margin around the speech, none too long.

    A stretch that is longer on its own is cut; how long is in rules/ingest.json.
    """
    rules = load_rules(IngestRules)
    margin_ms, most_ms = rules.piece_margin_ms, rules.piece_max_ms - 2 * rules.piece_margin_ms
    pieces: list[Span] = []
    for span in spans:
        for start_ms in range(span.start_ms, span.end_ms, most_ms):
            end_ms = min(span.end_ms, start_ms + most_ms)
            last = pieces[-1] if pieces else None
            if last and start_ms - last.end_ms <= rules.piece_join_ms and end_ms - last.start_ms <= most_ms:
                pieces[-1] = Span(last.start_ms, end_ms)
            else:
                pieces.append(Span(start_ms, end_ms))
    padded: list[Span] = []
    for i, piece in enumerate(pieces):
        after_ms = pieces[i + 1].start_ms if i + 1 < len(pieces) else piece.end_ms + 2 * margin_ms
        before_ms = padded[-1].end_ms if padded else 0
        padded.append(Span(max(before_ms, piece.start_ms - margin_ms), min(after_ms, piece.end_ms + margin_ms)))
    return padded


class PieceCutter:
    """Cuts pieces out of a track that comes in blocks, and keeps no more than one piece in memory.

    Args:
        pieces: from :func:`speech_pieces`.
        rate_hz: sampling rate of the blocks, in Hz.
    """

    def __init__(self, pieces: Sequence[Span], *, rate_hz: int) -> None:
        self._pieces = list(pieces)
        self._rate_hz = rate_hz
        self._at = 0  # sample of the track at which the next block begins
        self._held: list[Pcm] = []

    def push(self, block: Pcm) -> Iterator[tuple[Span, Pcm]]:
        """Takes the next samples of the track and gives the pieces that end in them.

        Args:
            block: float32 [T] in [-1, 1] at ``rate_hz``; T may be 0.

        Yields:
            Where the piece lies in the track, in ms, and its samples, float32 [T] in [-1, 1].
        """
        end = self._at + block.size
        while self._pieces:
            piece = self._pieces[0]
            first, last = (ms * self._rate_hz // 1000 for ms in (piece.start_ms, piece.end_ms))
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
        """Ends the track and gives the piece that goes beyond its end, if there is one.

        Yields:
            Where the piece was to lie in the track, in ms, and the samples that there are, float32 [T] in [-1, 1].
        """
        if self._held and self._pieces:
            yield self._pieces[0], np.concatenate(self._held)
