"""Turns a conversation into samples of codes and metadata, written as one part in the staging folder."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.together import encode_together
from duologue_pipeline.consent.forms import forms_of_sample, require_granted
from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.storage import is_file, join, open_output, write_bytes
from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.ingest.audio import Pcm, conversation_blocks
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.records import Annotated, Recording, Tokenized
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.shards.relabel import PART_SPLIT
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.tokens.rows import event_rows, index_row, recording_row
from duologue_pipeline.tokens.samples import MAY_BE_EMPTY, sample_document
from duologue_pipeline.tokens.segments import SHORTEST_S, Segment, cut_segments

__all__ = [
    "PARTS",
    "TokenizeOptions",
    "encode_conversation",
    "encode_conversations",
    "tokenize_conversation",
    "tokens_stage",
    "tokens_stage_together",
]

PARTS: Final = "parts"
"""The folder under the staging folder where parts and their rows lie."""

Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class TokenizeOptions:
    """Says how samples are cut and what they hold.

    Attributes:
        segment_s: length of a sample in seconds; rounded down to whole token frames.
        include_audio: whether samples carry ``KEY.flac``, stereo, 16 bits, at the higher of the native rates.
            Where a track goes over full scale both are turned down by ``audio.gain_db`` of the sample's document, so
            that nothing is clipped.
        device: what the codec was asked to compute on, ``cpu`` or ``cuda``, where indices may differ; for the names of parts.
    """

    segment_s: float = 120.0
    include_audio: bool = False
    device: str = "cpu"

    def segment_frames(self, codec: Codec) -> int:
        """Counts the token frames of a full segment, at least 1."""
        return max(1, int(self.segment_s * codec.frame_rate_hz))


def encode_conversation(recording: Recording, codec: Codec) -> Iterator[Codes]:
    """Encodes both tracks of a recording in step, as one stream each from beginning to end.

    Args:
        recording: whose tracks are decoded.
        codec: makes the codes.

    Yields:
        uint16 [2, codebooks, F] blocks of indices, ``a`` first; together ``ceil(T / samples_per_frame)`` frames.

    Raises:
        RejectError: an ``audio_*`` reason.
    """
    blocks = conversation_blocks(recording, rate_hz=codec.sample_rate_hz)
    return (codes for _, codes in encode_together(codec, [blocks]))


def encode_conversations(recordings: Sequence[Recording], codec: Codec) -> list[list[Codes] | RejectError]:
    """Encodes several recordings together, each as :func:`encode_conversation` does alone.

    An hour of a recording is 1.4 MB of codes, which are held until all of them are encoded.

    Returns:
        For each recording its blocks of codes, or why its audio cannot be decoded; the others go on without it.
    """
    refused: dict[int, RejectError] = {}

    def decoded(place: int, recording: Recording) -> Iterator[tuple[Pcm, Pcm]]:
        try:
            yield from conversation_blocks(recording, rate_hz=codec.sample_rate_hz)
        except RejectError as error:
            refused[place] = error

    blocks: list[list[Codes]] = [[] for _ in recordings]
    for place, codes in encode_together(codec, [decoded(*numbered) for numbered in enumerate(recordings)]):
        blocks[place].append(codes)
    return [refused.get(place, codes) for place, codes in enumerate(blocks)]


def tokens_stage(
    conversation: Annotated, codec: Codec, *, options: TokenizeOptions, staging: str, still: Callable[[], None]
) -> Tokenized:
    """Writes the part of a conversation (:func:`tokenize_conversation`)."""
    still()
    return tokenize_conversation(conversation, codec=codec, options=options, staging=staging, still=still)


def tokens_stage_together(
    conversations: Sequence[Annotated],
    codec: Codec,
    *,
    options: TokenizeOptions,
    staging: str,
    still: Callable[[], None],
) -> list[Tokenized | RejectError]:
    """Writes the parts of several conversations, which are encoded together; each as :func:`tokens_stage` does alone.

    Returns:
        For each conversation where its part lies, or why its audio cannot be decoded any more.
    """
    still()
    named = [_tokenized(each, codec=codec, options=options, staging=staging) for each in conversations]
    results: list[Tokenized | RejectError] = [*named]
    missing = [place for place, tokenized in enumerate(named) if not is_file(tokenized.rows_uri)]
    together = encode_conversations([conversations[place].recording for place in missing], codec)
    for place, codes in zip(missing, together, strict=True):
        try:
            if isinstance(codes, RejectError):
                raise codes
            _write_part(named[place], conversations[place], codes, codec=codec, options=options, still=still)
        except RejectError as error:
            results[place] = error
    return results


def tokenize_conversation(
    conversation: Annotated,
    *,
    codec: Codec,
    options: TokenizeOptions,
    staging: str,
    still: Callable[[], None] = lambda: None,
) -> Tokenized:
    """Writes a conversation's part and rows, unless an earlier run has left the very same ones.

    They depend on this conversation alone, so that nobody waits for the others: which split and which shard it comes to is
    decided later, and the samples say :data:`PART_SPLIT` until then (:mod:`duologue_pipeline.shards.relabel`).

    Args:
        conversation: what to write.
        codec: makes the codes.
        options: how to cut.
        staging: folder for the part; its name holds a hash of everything that decides the bytes.
        still: is asked right before the part, and before its rows, get their names, for hours may lie before that; raises where
            the folder is no longer to be written into.

    Returns:
        Where part and rows lie.

    Raises:
        RejectError: the audio cannot be decoded any more.
        FormNotGrantedError: a sample would hold a form that was not granted; it is not written.
    """
    tokenized = _tokenized(conversation, codec=codec, options=options, staging=staging)
    if not is_file(tokenized.rows_uri):
        codes = list(
            encode_conversation(conversation.recording, codec)
        )  # all, before the part is begun: a store shows what stops in between
        _write_part(tokenized, conversation, codes, codec=codec, options=options, still=still)
    return tokenized


def _tokenized(conversation: Annotated, *, codec: Codec, options: TokenizeOptions, staging: str) -> Tokenized:
    """Names the part of a conversation and its rows."""
    recording_id = conversation.recording.recording_id
    made_with = [codec.name, codec.weights_sha256, codec.codebooks]
    decides = [asdict(conversation), asdict(options), made_with, rule_versions(), MADE_BY]
    fingerprint = hashlib.sha256(canonical_json(decides)).hexdigest()[:16]
    name = join(staging, PARTS, f"{recording_id}-{fingerprint}")
    return Tokenized(
        recording_id,
        part_uri=f"{name}.part",
        rows_uri=f"{name}.rows.json",
        speakers=(conversation.consent.a.commitment, conversation.consent.b.commitment),
        language=conversation.recording.language,
        statistics=conversation.statistics,
        lists=_filled_lists(conversation),
    )


def _write_part(
    tokenized: Tokenized,
    conversation: Annotated,
    codes: Iterable[Codes],
    *,
    codec: Codec,
    options: TokenizeOptions,
    still: Callable[[], None],
) -> None:
    """Writes the part of a conversation from its codes, and its rows after it."""
    index, filled = [], []
    offset = 0
    still()
    with open_output(tokenized.part_uri) as out:
        for segment, cut, flac in _samples(conversation, codes, codec, options):
            document = sample_document(conversation, segment, split=PART_SPLIT, codec=codec)
            members = {"json": canonical_json(document), "codes.npy": npy_bytes(cut)}
            if flac is not None:
                members["flac"] = flac
            require_granted(forms_of_sample(members, document), conversation.consent.forms, key=document["key"])
            size = write_members(out, document["key"], members)
            index.append(index_row(document, offset=offset, size=size))
            filled.append([name for name in MAY_BE_EMPTY if document[name]])
            offset += size
        still()  # audio is decoded and packed while it is written
    rows = {
        "index": index,
        "recordings": [recording_row(conversation, samples=len(index))],
        "events": event_rows(conversation),
        "filled": filled,
        "uses": list(conversation.consent.uses),
        "part_bytes": offset,
        # what a withdrawal asks while the part lies here (duologue_pipeline.withdrawal.unfinished)
        "basis": {
            "ledger_id": conversation.consent.ledger_id,
            "purpose": conversation.consent.purpose,
            "include_audio": options.include_audio,
        },
    }
    still()
    # The rows come last: where they are, the part is whole.
    write_bytes(tokenized.rows_uri, canonical_json(rows))


def _filled_lists(conversation: Annotated) -> tuple[str, ...]:
    lists = {
        "activity": conversation.activity.a or conversation.activity.b,
        "events": conversation.events,
        "words": conversation.words_a or conversation.words_b,
    }
    return tuple(name for name in MAY_BE_EMPTY if lists[name])


def _samples(
    conversation: Annotated, blocks: Iterable[Codes], codec: Codec, options: TokenizeOptions
) -> Iterator[tuple[Segment, Codes, bytes | None]]:
    segments = cut_segments(
        blocks,
        segment_frames=options.segment_frames(codec),
        shortest_frames=max(1, round(SHORTEST_S * codec.frame_rate_hz)),
    )
    if not options.include_audio:
        yield from ((segment, codes, None) for segment, codes in segments)
        return
    rate_hz = max(conversation.audio.a.sample_rate_hz, conversation.audio.b.sample_rate_hz)
    audio = _AudioCutter(conversation_blocks(conversation.recording, rate_hz=rate_hz), rate_hz)
    for segment, codes in segments:
        end_sample = round(segment.end_frame * codec.samples_per_frame * rate_hz / codec.sample_rate_hz)
        yield segment, codes, audio.flac_until(end_sample)


class _AudioCutter:
    """Cuts the decoded conversation into FLAC files while it is read."""

    def __init__(self, blocks: Iterator[tuple[Pcm, Pcm]], rate_hz: int) -> None:
        self._blocks = blocks
        self._rate_hz = rate_hz
        self._held: Pcm = np.zeros((0, 2), dtype=np.float32)
        self._position = 0

    def flac_until(self, end_sample: int) -> bytes:
        """Gives the audio, as a FLAC file, from where the last call ended to ``end_sample``, or to the end of the conversation."""
        buffer = io.BytesIO()
        with soundfile.SoundFile(buffer, "w", self._rate_hz, 2, format="FLAC", subtype="PCM_16") as file:
            while self._position < end_sample:
                if not len(self._held):
                    pair = next(self._blocks, None)
                    if pair is None:
                        break
                    self._held = np.stack(pair, axis=1)
                    continue
                piece = self._held[: end_sample - self._position]
                file.write(piece)
                self._position += len(piece)
                self._held = self._held[len(piece) :]
        return buffer.getvalue()
