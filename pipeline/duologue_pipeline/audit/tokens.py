"""Audits the tokens of a release: dead channels and codebooks, frames against durations, silence, and how decoded samples compare.

What is found without decoding is listed in :mod:`duologue_pipeline.audit.findings`, and what is found by it in
:mod:`duologue_pipeline.audit.decoded`; each fault names the sample and the speaker.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from duologue_pipeline.audit.decoded import DecodedTrack, compare_decoded
from duologue_pipeline.audit.findings import Finding, codebook_findings, sample_findings
from duologue_pipeline.audit.histogram import CodebookUse, Histograms
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.decode import release_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.dataset import open_dataset
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPLITS

__all__ = ["TokensAudit", "audit_tokens"]


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
        findings += sample_findings(sample, release, histograms)
        if sample.flac is not None and decode:
            rank = hashlib.sha256(sample.key.encode()).hexdigest()
            chosen = sorted([*chosen, (rank, sample)], key=lambda each: each[0])[:decode]
        seen(samples)
    uses = tuple(histograms.uses())
    findings += codebook_findings(uses, frames)
    decoded: list[DecodedTrack] = []
    made = _codec(release, codec, notes) if chosen else None
    if not release["include_audio"] and decode:
        notes.append("nothing was decoded and compared: the release holds no audio")
    if made is not None:
        for _, sample in chosen:
            for track, found in compare_decoded(sample, made):
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
