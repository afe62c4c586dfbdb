"""Finds the faults of tokens that need no decoding: indices, lengths, dead channels and codebooks, silence.

- ``code_out_of_codebook``: an index that the codebook does not have.
- ``frames_do_not_fit``: more or fewer frames than the sample is long.
- ``dead_channel``: a speaker who is heard for two seconds or more, and whose frames are all but the same throughout.
- ``same_tokens``: both tracks of a sample have the same tokens, and both speakers are heard.
- ``withdrawn_not_silent``: the track of a speaker who was taken out holds anything but silence.
- ``dead_codebook``: a codebook of which one entry makes all but a hundredth of the release.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.audit.histogram import CodebookUse, Histograms
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_schemas.tables import WITHDRAWN

__all__ = ["Finding", "codebook_findings", "sample_findings"]

_HEARD_S: Final = 2.0
_ALIKE_SHARE: Final = 0.98
_DEAD_SHARE: Final = 0.99
_ENOUGH_FRAMES: Final = 500
_CUT_SLACK_S: Final = 0.0016

Codes = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Finding:
    """Names one fault.

    Attributes:
        kind: as the modules list them.
        key: of the sample; "" where it is of the release.
        speaker: ``a``, ``b``, or "" where it is of both.
        detail: what was found.
    """

    kind: str
    key: str
    speaker: str
    detail: str


def sample_findings(sample: Sample, release: Mapping[str, Any], histograms: Histograms) -> Iterator[Finding]:
    """Finds the faults of a sample.

    Args:
        sample: its codes, activity and speakers.
        release: the document of ``dataset.json``.
        histograms: counts the entries of the tracks of those who are in the release.
    """
    about, document = release["codec"], sample.metadata
    if (sample.codes.max(axis=(0, 2), initial=0) >= np.asarray(about["cardinalities"])).any():
        yield Finding("code_out_of_codebook", sample.key, "", "an index is as large as its codebook, or larger")
        return
    rate_hz, frames = about["frame_rate_hz"], sample.codes.shape[-1]
    seconds = document["end_s"] - document["start_s"]
    if not -_CUT_SLACK_S * rate_hz < frames - seconds * rate_hz < 1 + _CUT_SLACK_S * rate_hz:
        detail = f"{frames} frames at {rate_hz:g} a second, and it is {seconds:.3f} s long"
        yield Finding("frames_do_not_fit", sample.key, "", detail)
    heard = [_heard_frames(document, side, rate_hz, frames) for side in SPEAKERS]
    there = [document["speakers"][side]["commitment"] != WITHDRAWN for side in SPEAKERS]
    for side, codes, is_there, where in zip(SPEAKERS, sample.codes, there, heard, strict=True):
        if is_there:
            histograms.add(codes)
            share = _alike_share(codes[:, where])
            if where.sum() >= _HEARD_S * rate_hz and share > _ALIKE_SHARE:
                detail = f"{share:.1%} of the {int(where.sum())} frames in which the speaker is heard are the same"
                yield Finding("dead_channel", sample.key, side, detail)
        elif not _is_silence(codes, about.get("silence")):
            yield Finding(
                "withdrawn_not_silent", sample.key, side, "the speaker was taken out, and the tokens are not silence"
            )
    if all(there) and (heard[0] | heard[1]).any() and (sample.codes[0] == sample.codes[1]).all():
        detail = f"both tracks have the same tokens, and {int((heard[0] ^ heard[1]).sum())} frames in which only one is heard"
        yield Finding("same_tokens", sample.key, "", detail)


def _heard_frames(document: Mapping[str, Any], side: str, rate_hz: float, frames: int) -> npt.NDArray[np.bool_]:
    """Marks the frames that lie within a stretch in which a speaker is heard: bool [frames]."""
    heard = np.zeros(frames, bool)
    for span in document["activity"]:
        if span["speaker"] == side:
            heard[math.ceil(span["start_s"] * rate_hz) : math.floor(span["end_s"] * rate_hz)] = True
    return heard


def _alike_share(codes: Codes) -> float:
    """Gives the share of the most frequent frame among frames, uint16 [codebooks, F]; 0 where there are none."""
    if not codes.shape[1]:
        return 0.0
    _, counts = np.unique(codes, axis=1, return_counts=True)
    return float(counts.max() / codes.shape[1])


def _is_silence(codes: Codes, silence: list[int] | None) -> bool:
    """Tells whether a track is silence: the codec's tokens of it, or, where it has none, a few frames again and again.

    A codec that does not settle on digital silence goes through a few frames in turn; of speech nearly every frame is new.
    """
    if silence is not None:
        return bool((codes == np.asarray(silence, codes.dtype)[:, None]).all())
    _, counts = np.unique(codes, axis=1, return_counts=True)
    return float(counts[counts > 1].sum()) > _ALIKE_SHARE * codes.shape[1]


def codebook_findings(uses: tuple[CodebookUse, ...], frames: int) -> Iterator[Finding]:
    """Finds the dead codebooks of a release of so many frames; none where these are too few to tell."""
    for use in uses if frames >= _ENOUGH_FRAMES else ():
        if use.most_common_share > _DEAD_SHARE:
            detail = f"codebook {use.codebook}: one of its {use.entries} entries makes {use.most_common_share:.1%} of all indices"
            yield Finding("dead_codebook", "", "", detail)
