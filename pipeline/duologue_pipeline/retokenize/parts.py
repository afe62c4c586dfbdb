"""Writes the part of a recording with other tokens, as a run writes parts: a withdrawal and an unfinished run know them."""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.document import codec_document
from duologue_pipeline.codec.together import encode_together
from duologue_pipeline.files.storage import is_file, join, open_output, write_bytes
from duologue_pipeline.files.text import canonical_json, parse_json
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.fetch import Place, Shards
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.records import SPEAKERS, Statistics, Tokenized
from duologue_pipeline.retokenize.audio import recording_blocks
from duologue_pipeline.retokenize.cuts import SampleCut, StoredRecording, find_cuts
from duologue_pipeline.shards.members import MemberError, group_members, read_members_of
from duologue_pipeline.shards.tar import npy_bytes, write_members
from duologue_pipeline.tokens.encode import PARTS
from duologue_pipeline.tokens.samples import MAY_BE_EMPTY

__all__ = ["OtherTokens", "write_part"]

Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class OtherTokens:
    """Holds what the parts of a release with other tokens have in common.

    Attributes:
        release: the document of ``dataset.json`` of the release whose samples they are.
        codec: makes the tokens.
        device: what the codec was asked to compute on, for the names of parts.
        silence: the codec's tokens of silence, for the tracks of those who withdrew; None where it has none.
        uses: gives what both speakers of a row of ``recordings.parquet`` allow.
        ledger_id: of the ledger that was asked.
        staging: the folder for the parts.
    """

    release: Mapping[str, Any]
    codec: Codec
    device: str
    silence: Sequence[int] | None
    uses: Callable[[Mapping[str, Any]], Sequence[str]]
    ledger_id: str
    staging: str


def write_part(
    recording: StoredRecording,
    shard: Mapping[str, Any],
    shards: Shards,
    this: OtherTokens,
    *,
    still: Callable[[], None],
) -> Tokenized:
    """Writes a recording's part and rows with other tokens, unless an earlier attempt has left the very same ones.

    Args:
        recording: its rows.
        shard: the entry of its shard in ``dataset.json``.
        shards: reads the samples.
        this: what all parts have in common.
        still: is asked before part and rows get their names; raises where the folder is no longer to be written into.

    Returns:
        Where part and rows lie.

    Raises:
        DamagedReleaseError: a sample cannot be read, or has no audio.
        UsageError: a sample begins within a frame of the codec.
    """
    cuts = find_cuts(recording.index, this.release["codec"], this.codec)
    tokenized = _named(recording, shard, this)
    if is_file(tokenized.rows_uri):
        return tokenized
    samples = [_Stored(cut, shard, shards) for cut in cuts]
    codes = _encoded(recording, samples, this)
    still()
    stops, index, filled, offset = _stops(cuts, codes), [], [], 0
    with open_output(tokenized.part_uri) as out:
        for row, sample, cut, stop in zip(recording.index, samples, cuts, stops, strict=True):
            members, start = sample.members(), cut.start_frame
            document = parse_json(members["json"])
            document["codec"] = {**codec_document(this.codec), "frames": stop - start}
            members |= {"json": canonical_json(document), "codes.npy": npy_bytes(codes[..., start:stop])}
            size = write_members(out, sample.key, members)
            index.append({**row, "frames": stop - start, "offset": offset, "bytes": size})
            filled.append([name for name in MAY_BE_EMPTY if document[name]])
            offset += size
        still()
    rows = {
        "index": index,
        "recordings": [recording.row],
        "events": list(recording.events),
        "filled": filled,
        "uses": list(this.uses(recording.row)),
        "part_bytes": offset,
        # what a withdrawal asks while the part lies here (duologue_pipeline.withdrawal.unfinished)
        "basis": {
            "ledger_id": this.ledger_id,
            "purpose": this.release["purposes"][0],
            "include_audio": True,
        },
    }
    still()
    write_bytes(tokenized.rows_uri, canonical_json(rows))
    return tokenized


def _named(recording: StoredRecording, shard: Mapping[str, Any], this: OtherTokens) -> Tokenized:
    decides = [shard["sha256"], recording.row, codec_document(this.codec), this.device, MADE_BY]
    fingerprint = hashlib.sha256(canonical_json(decides)).hexdigest()[:16]
    name = join(this.staging, PARTS, f"{recording.recording_id}-{fingerprint}")
    row = recording.row
    return Tokenized(
        recording.recording_id,
        part_uri=f"{name}.part",
        rows_uri=f"{name}.rows.json",
        speakers=(row["speaker_a"], row["speaker_b"]),
        language=row["language"],
        statistics=Statistics(0, 0, 0, 0),  # by which shards are planned, and these are
        same_audio=tuple(row.get("same_audio") or ()),
    )


def _encoded(recording: StoredRecording, samples: "Sequence[_Stored]", this: OtherTokens) -> Codes:
    """Encodes a recording: uint16 [2, codebooks, F], the tracks of those who withdrew as silence."""
    flacs = ((sample.key, sample.flac()) for sample in samples)
    blocks = [recording_blocks(flacs, this.codec.sample_rate_hz)]
    codes = np.concatenate([part for _, part in encode_together(this.codec, blocks)], axis=-1)
    for track, side in enumerate(SPEAKERS):
        # Their audio is digital silence, of which a codec that does not settle makes tokens that tell nothing either.
        if recording.is_withdrawn(side) and this.silence is not None:
            codes[track] = np.asarray(this.silence, np.uint16)[:, None]
    return codes


def _stops(cuts: Sequence[SampleCut], codes: Codes) -> list[int]:
    """Gives the frame at which each sample ends."""
    stops = [*(cut.start_frame for cut in cuts[1:]), codes.shape[-1]]
    if stops[-1] <= cuts[-1].start_frame:
        raise DamagedReleaseError(
            f"{cuts[-1].key}.flac: the audio of its recording ends before it; the shard is damaged: see `duologue shards verify`"
        )
    return stops


class _Stored:
    """Reads one sample of the release each time that it is asked for, so that none is held."""

    def __init__(self, cut: SampleCut, shard: Mapping[str, Any], shards: Shards) -> None:
        self.key = cut.key
        self._place = Place(shard["path"], shard["bytes"], cut.offset, cut.bytes)
        self._shards = shards

    def members(self) -> dict[str, bytes]:
        """Reads its members: extension -> content, in their order."""
        data = self._shards.read(self._place)
        try:
            (found,) = group_members(read_members_of(io.BytesIO(data), max_bytes=len(data)))
            if found.key != self.key or not {"json", "codes.npy", "flac"} <= found.members.keys():
                raise ValueError(f"it holds {', '.join(found.members)} of {found.key}")
        except (MemberError, ValueError) as error:
            raise DamagedReleaseError(
                f"{self._place.path}: {self.key} cannot be read ({error}); see `duologue shards verify`"
            ) from None
        return dict(found.members)

    def flac(self) -> bytes:
        """Reads its audio."""
        return self.members()["flac"]
