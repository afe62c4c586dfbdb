"""Decides on the recordings of a manifest, and lays what workers may know of it into the staging folder."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from duologue_consent.decisions.remembered import RememberingSnapshot
from duologue_pipeline.consent.coverage import Coverage, coverage_moment
from duologue_pipeline.consent.decide import Refused, decide_all
from duologue_pipeline.consent.decided_files import DECIDED, decided_line, write_lines
from duologue_pipeline.consent.gate import check_consent, recording_time
from duologue_pipeline.consent.look_alikes import check_look_alikes, mistakable_speakers
from duologue_pipeline.consent.same_place import file_size
from duologue_pipeline.files.sealed import begin_sealing
from duologue_pipeline.files.storage import join
from duologue_pipeline.read.whole import Manifest, settle_shared
from duologue_pipeline.records import ConsentBasis, Recording, Rejected
from duologue_pipeline.run.forked import forked_map, processes_for
from duologue_pipeline.run.ledger import PinnedLedger
from duologue_pipeline.run.request import RunRequest
from duologue_pipeline.shards.write import STAGING

__all__ = ["DecidedManifest", "consent_check", "decide_manifest"]

_Check = Callable[[Recording], ConsentBasis]


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
    name = (request.ledger or "(none given)") if ledger is None else ledger.ledger.name
    check = consent_check(manifest, request, snapshot, ledger_name=name, as_of=as_of)
    at = None if ledger is None else coverage_moment(ledger.snapshot, request.as_of)
    if snapshot is not None and at is not None:
        check = partial(_with_uses, check=check, coverage=Coverage(snapshot, at), as_of=as_of)
    refusals: list[Rejected] = []
    paths = write_lines(_lines(manifest, check, refusals), join(out, STAGING, DECIDED))
    return DecidedManifest(tuple(paths), tuple(refusals))


def consent_check(
    manifest: Manifest, request: RunRequest, snapshot: RememberingSnapshot | None, *, ledger_name: str, as_of: datetime
) -> _Check:
    """Gives what asks for the consent of one recording of a manifest, and raises RejectError where there is none.

    Args:
        manifest: of all recordings.
        request: what the run writes.
        snapshot: of the ledger; None where there is none: then nobody is let through.
        ledger_name: for messages.
        as_of: the moment at which consent must be live.
    """
    check = partial(
        check_consent,
        snapshot=snapshot,
        purpose=request.purpose,
        as_of=as_of,
        ledger_name=ledger_name,
        include_audio=request.include_audio,
        words=request.words,
        asr=request.asr is not None,
    )
    return partial(check_look_alikes, check=check, mistakable=mistakable_speakers(manifest.speaker_ids, snapshot))


def _with_uses(
    recording: Recording, *, check: Callable[[Recording], ConsentBasis], coverage: Coverage, as_of: datetime
) -> ConsentBasis:
    """Asks for consent, and then what else both speakers allow."""
    return coverage.of_basis(recording, check(recording), recording_time(recording, as_of))


def _lines(manifest: Manifest, check: _Check, refusals: list[Rejected]) -> Iterator[tuple[int, str]]:
    """Decides for the parts of a manifest, of a long one in several processes; notes the refusals, in the order of the lines."""
    processes = processes_for(manifest.parts)
    if processes > 1:
        begin_sealing()
    shared: list[Recording] = []
    for lines, refused, sharing in forked_map(partial(_part, manifest, check), manifest.parts, processes=processes):
        refusals += refused
        shared += sharing
        yield from lines
    lines, refused = _decided(settle_shared(shared), check)
    refusals += refused
    yield from lines


def _part(
    manifest: Manifest, check: _Check, number: int
) -> tuple[list[tuple[int, str]], list[Rejected], list[Recording]]:
    own, sharing = manifest.part(number)
    return *_decided(own, check), sharing


def _decided(recordings: Iterable[Recording | Rejected], check: _Check) -> tuple[list[tuple[int, str]], list[Rejected]]:
    lines, refusals = [], []
    for each in decide_all(recordings, check):
        lines.append(decided_line(each, _bytes))
        if isinstance(each, Refused | Rejected):
            refusals.append(each.rejected if isinstance(each, Refused) else each)
    return lines, refusals


def _bytes(recording: Recording) -> int:
    """Tells how large the local files of a recording are; what lies elsewhere is not asked for, one request a file."""
    return sum(file_size(uri) or 0 for uri in {track.uri for track in recording.tracks})
