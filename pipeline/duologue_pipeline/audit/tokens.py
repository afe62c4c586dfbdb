"""Audits the tokens of a release: dead channels and codebooks, frames against durations, silence, and how decoded samples compare.

What is found, each with the sample and the speaker:

- ``code_out_of_codebook``: an index that the codebook does not have.
- ``frames_do_not_fit``: more or fewer frames than the sample is long.
- ``dead_channel``: a speaker who is heard for two seconds or more, and whose frames are all but the same throughout.
- ``same_tokens``: both tracks of a sample have the same tokens, and both speakers are heard.
- ``withdrawn_not_silent``: the track of a speaker who was taken out holds anything but silence.
- ``dead_codebook``: a codebook of which one entry makes all but a hundredth of the release.
- ``decoded_unlike``: the loudness of a decoded track does not go with that of its audio.
- ``decoded_swapped``: it goes with that of the other speaker.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.audit.compare import (
    BANDS_HZ,
    log_spectral_distance_db,
    loudness_course,
    resampled,
    si_sdr_db,
    stoi_or_none,
)
from duologue_pipeline.audit.histogram import CodebookUse, Histograms
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.decode import release_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_schemas.tables import WITHDRAWN

__all__ = ["DecodedTrack", "Finding", "TokensAudit", "audit_tokens"]

_HEARD_S: Final = 2.0
_ALIKE_SHARE: Final = 0.98
_DEAD_SHARE: Final = 0.99
_ENOUGH_FRAMES: Final = 500
_CUT_SLACK_S: Final = 0.0016
_LEAST_CORRELATION: Final = 0.5
_SWAPPED_BY: Final = 0.3
_LONGEST_S: Final = 30.0
_LEAST_DYNAMICS_DB: Final = 3.0

Codes = npt.NDArray[np.uint16]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Finding:
    """Names one fault.

    Attributes:
        kind: as the module lists them.
        key: of the sample; "" where it is of the release.
        speaker: ``a``, ``b``, or "" where it is of both.
        detail: what was found.
    """

    kind: str
    key: str
    speaker: str
    detail: str


@dataclass(frozen=True)
class DecodedTrack:
    """Compares a decoded track with its audio; a figure is None where there is nothing to measure it on, or with.

    Attributes:
        key, speaker: which.
        seconds: that were compared, from the sample's beginning.
        stoi: intelligibility, 0 to 1; needs pystoi.
        si_sdr_db: signal to distortion.
        log_spectral_distance_db: of spectra.
        level_db: decoded less original.
        loudness_correlation: of the courses of loudness, in steps of 20 ms, -1 to 1.
    """

    key: str
    speaker: str
    seconds: float
    stoi: float | None
    si_sdr_db: float | None
    log_spectral_distance_db: float | None
    level_db: float | None
    loudness_correlation: float | None


@dataclass(frozen=True)
class TokensAudit:
    """Holds what an audit found.

    Attributes:
        dataset, name, version, codec: what was looked at.
        samples, frames: how many; frames of one track count once.
        codebooks: how each is used, by tracks of those who are in the release.
        decoded: what was compared.
        findings: faults.
        notes: what was not done, and why.
    """

    dataset: str
    name: str
    version: str
    codec: Mapping[str, Any]
    samples: int
    frames: int
    codebooks: tuple[CodebookUse, ...]
    decoded: tuple[DecodedTrack, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """Gives the same as JSON values (schemas/tokens_audit.schema.json)."""
        document = asdict(self)
        named = ("name", "sample_rate_hz", "frame_rate_hz", "weights_sha256")
        document["codec"] = {name: self.codec[name] for name in named}
        return {"schema": "tokens_audit/1.0", **document}


def audit_tokens(
    uri: str,
    *,
    purpose: str,
    codec: str | None = None,
    decode: int = 4,
    seen: Callable[[int], None] = lambda _: None,
) -> TokensAudit:
    """Audits the tokens of a release, as a reader may read it: for a purpose, and without what was withdrawn since.

    Args:
        uri: the folder of the release.
        purpose: what it is read for.
        codec: where the codec's weights are, as for ``--codec``; where the codec finds them itself if None.
        decode: how many samples with audio are decoded and compared, chosen by a hash of their keys.
        seen: is told how many samples were read.

    Raises:
        PurposeError: the release was not made for this purpose.
        DamagedReleaseError: the release or a sample of it cannot be read.
        UsageError: there is no release, or ``codec`` is another than made its tokens.
    """
    release = read_release(absolute_uri(uri))
    about = release["codec"]
    histograms, findings, notes = Histograms(about["cardinalities"]), list[Finding](), list[str]()
    samples = frames = 0
    chosen: list[tuple[str, Sample]] = []
    for sample in _samples(uri, purpose):
        samples, frames = samples + 1, frames + sample.codes.shape[-1]
        findings += _sample_findings(sample, release, histograms)
        if sample.flac is not None and decode:
            rank = hashlib.sha256(sample.key.encode()).hexdigest()
            chosen = sorted([*chosen, (rank, sample)], key=lambda each: each[0])[:decode]
        seen(samples)
    uses = tuple(histograms.uses())
    findings += _codebook_findings(uses, frames)
    decoded: list[DecodedTrack] = []
    made = _codec(release, codec, notes) if chosen else None
    if not release["include_audio"] and decode:
        notes.append("nothing was decoded and compared: the release holds no audio")
    if made is not None:
        for _, sample in chosen:
            for track, found in _compared(sample, made):
                decoded.append(track)
                findings += found
        if decoded and all(track.stoi is None for track in decoded):
            notes.append('STOI was not measured: install pystoi with `pip install "duologue[audit]"`')
    return TokensAudit(
        dataset=uri,
        name=release["name"],
        version=release["version"],
        codec=about,
        samples=samples,
        frames=frames,
        codebooks=uses,
        decoded=tuple(decoded),
        findings=tuple(findings),
        notes=tuple(notes),
    )


def _samples(uri: str, purpose: str) -> Iterator[Sample]:
    for split in SPLITS:
        yield from open_dataset(uri, split, purpose)


def _codec(release: Mapping[str, Any], spec: str | None, notes: list[str]) -> Codec | None:
    """Opens the codec of the release; where it is not named and not found, says so and goes on without."""
    try:
        return release_codec(release, spec)
    except UsageError as error:
        if spec is not None:
            raise
        notes.append(f"nothing was decoded and compared: {error}")
        return None


def _sample_findings(sample: Sample, release: Mapping[str, Any], histograms: Histograms) -> Iterator[Finding]:
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
    """Tells whether a track is silence: the codec's tokens of it, or, where it has none, nearly the same frame throughout."""
    if silence is not None:
        return bool((codes == np.asarray(silence, codes.dtype)[:, None]).all())
    return _alike_share(codes) > 1 - _ALIKE_SHARE


def _codebook_findings(uses: tuple[CodebookUse, ...], frames: int) -> Iterator[Finding]:
    for use in uses if frames >= _ENOUGH_FRAMES else ():
        if use.most_common_share > _DEAD_SHARE:
            detail = f"codebook {use.codebook}: one of its {use.entries} entries makes {use.most_common_share:.1%} of all indices"
            yield Finding("dead_codebook", "", "", detail)


def _compared(sample: Sample, codec: Codec) -> Iterator[tuple[DecodedTrack, list[Finding]]]:
    """Decodes the tracks of a sample and compares each with its audio."""
    audio = sample.audio
    assert audio is not None, "only of samples with audio"
    frames = min(sample.codes.shape[-1], math.floor(_LONGEST_S * codec.frame_rate_hz))
    there = [sample.metadata["speakers"][side]["commitment"] != WITHDRAWN for side in SPEAKERS]
    originals = [resampled(track, audio[1], codec.sample_rate_hz) for track in audio[0]]
    for number, side in enumerate(SPEAKERS):
        if there[number]:
            decoded = codec.decode(np.ascontiguousarray(sample.codes[number, :, :frames]))
            length = min(len(decoded), *map(len, originals))
            own, other = originals[number][:length], originals[1 - number][:length]
            yield _compared_track(sample.key, side, own, other if all(there) else None, decoded[:length], codec)


def _compared_track(
    key: str, side: str, own: F32, other: F32 | None, decoded: F32, codec: Codec
) -> tuple[DecodedTrack, list[Finding]]:
    rate_hz = codec.sample_rate_hz
    bands = [resampled(pcm, rate_hz, BANDS_HZ) for pcm in (own, decoded)]
    length = min(map(len, bands))
    correlation = _correlation(own, decoded, rate_hz)
    with_other = None if other is None else _correlation(other, decoded, rate_hz)
    powers = [float(np.mean(pcm.astype(np.float64) ** 2)) if pcm.size else 0.0 for pcm in (own, decoded)]
    track = DecodedTrack(
        key=key,
        speaker=side,
        seconds=round(len(own) / rate_hz, 3),
        stoi=_rounded(stoi_or_none(own, decoded, rate_hz), 4),
        si_sdr_db=_rounded(si_sdr_db(own, decoded), 2),
        log_spectral_distance_db=_rounded(log_spectral_distance_db(bands[0][:length], bands[1][:length]), 2),
        level_db=_rounded(10 * math.log10(powers[1] / powers[0]), 2) if min(powers) > 0 else None,
        loudness_correlation=_rounded(correlation, 3),
    )
    findings = []
    if correlation is not None and with_other is not None and with_other > max(correlation, 0) + _SWAPPED_BY:
        detail = f"its loudness goes with the other speaker's audio ({with_other:.2f}) and not with its own ({correlation:.2f})"
        findings.append(Finding("decoded_swapped", key, side, detail))
    elif correlation is not None and correlation < _LEAST_CORRELATION:
        detail = f"its loudness does not go with that of its audio (correlation {correlation:.2f}, expected {_LEAST_CORRELATION:g} or more)"
        findings.append(Finding("decoded_unlike", key, side, detail))
    return track, findings


def _correlation(original: F32, decoded: F32, rate_hz: int) -> float | None:
    """Correlates the courses of loudness; None where the original is about equally loud throughout."""
    wanted, found = loudness_course(original, rate_hz), loudness_course(decoded, rate_hz)
    if len(wanted) < 10 or float(wanted.std()) < _LEAST_DYNAMICS_DB:
        return None
    return float(np.corrcoef(wanted, found)[0, 1]) if float(found.std()) > 1e-6 else 0.0


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
