"""Decides on the recordings of a manifest, and lays what workers may know of it into the staging folder."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from duologue_consent.decisions.remembered import RememberingSnapshot
from duologue_pipeline.consent.coverage import Coverage, coverage_moment
from duologue_pipeline.consent.decide import Refused, decide_all
from duologue_pipeline.consent.decided_files import DECIDED, write_decided
from duologue_pipeline.consent.gate import check_consent, recording_time
from duologue_pipeline.consent.look_alikes import check_look_alikes, mistakable_speakers
from duologue_pipeline.consent.same_place import file_size
from duologue_pipeline.files.storage import join
from duologue_pipeline.read.whole import Manifest
from duologue_pipeline.records import ConsentBasis, Consented, Recording, Rejected
from duologue_pipeline.run.ledger import PinnedLedger
from duologue_pipeline.run.request import RunRequest
from duologue_pipeline.shards.write import STAGING

__all__ = ["DecidedManifest", "decide_manifest"]


@dataclass(frozen=True)
class DecidedManifest:
    """Names the files of what was decided, and holds the refusals with their sentences, which stay in this process."""

    paths: tuple[str, ...]
    refusals: tuple[Rejected, ...]


def decide_manifest(
    manifest: Manifest, request: RunRequest, ledger: PinnedLedger | None, *, out: str, as_of: datetime
) -> DecidedManifest:
    """Asks the ledger about all speakers of a manifest, and writes the decisions into the staging folder.

    Args:
        manifest: what the user asks for.
        request: what the run writes.
        ledger: None where there is none: then nobody is let through.
        out: the output folder, which the caller holds.
        as_of: the moment at which consent must be live.
    """
    snapshot = None if ledger is None else RememberingSnapshot.of_snapshot(ledger.snapshot)
    check = partial(
        check_consent,
        snapshot=snapshot,
        purpose=request.purpose,
        as_of=as_of,
        ledger_name=(request.ledger or "(none given)") if ledger is None else ledger.ledger.name,
        include_audio=request.include_audio,
        words=request.words,
        asr=request.asr is not None,
    )
    check = partial(check_look_alikes, check=check, mistakable=mistakable_speakers(manifest.speaker_ids, snapshot))
    at = None if ledger is None else coverage_moment(ledger.snapshot, request.as_of)
    if ledger is not None and at is not None:
        check = partial(_with_uses, check=check, coverage=Coverage(ledger.snapshot, at), as_of=as_of)
    refusals: list[Rejected] = []
    decided = _noting(decide_all(manifest, check), refusals)
    paths = write_decided(decided, join(out, STAGING, DECIDED), size=_bytes)
    return DecidedManifest(tuple(paths), tuple(refusals))


def _with_uses(
    recording: Recording, *, check: Callable[[Recording], ConsentBasis], coverage: Coverage, as_of: datetime
) -> ConsentBasis:
    """Asks for consent, and then what else both speakers allow."""
    return coverage.of_basis(recording, check(recording), recording_time(recording, as_of))


def _bytes(recording: Recording) -> int:
    """Tells how large the local files of a recording are; what lies elsewhere is not asked for, one request a file."""
    return sum(file_size(uri) or 0 for uri in {track.uri for track in recording.tracks})


def _noting(
    decided: Iterable[Consented | Refused | Rejected], refusals: list[Rejected]
) -> Iterator[Consented | Refused | Rejected]:
    for each in decided:
        if isinstance(each, Refused | Rejected):
            refusals.append(each.rejected if isinstance(each, Refused) else each)
        yield each
