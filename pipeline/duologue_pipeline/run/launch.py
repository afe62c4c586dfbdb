"""Launches one run: checks all it can before the work begins, runs the pipeline, and publishes what it made.

The output folder is held from the first change to the last, so that no other run and no propagation works in it. The
pipeline lays the release ready in the staging folder; it is seen only when the lock still holds and the ledger, as it is
then, still allows all of it. Where it does not, the run goes on with the ledger of now, in another round.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any, Final

from duologue_pipeline.activity.yamnet import LaughterModel
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.files.locks import Lease
from duologue_pipeline.files.storage import absolute_uri, delete_directory, exists, join
from duologue_pipeline.files.temporary import remove_dead_temporaries
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.read.whole import Manifest, load_manifest
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.ready import MARK, find_ready
from duologue_pipeline.release.strays import is_tidy, remove_strays
from duologue_pipeline.release.write import ReleaseOptions
from duologue_pipeline.run.bearable import require_bearable
from duologue_pipeline.run.confirm import WithdrawnMeanwhile, confirmation
from duologue_pipeline.run.decided import decide_manifest
from duologue_pipeline.run.details import DETAILS, begin_details, details_path, finish_details
from duologue_pipeline.run.faults import faults_as_usage
from duologue_pipeline.run.fingerprint import release_options
from duologue_pipeline.run.folder import held, is_complete, prepare, refused_counts, tidy
from duologue_pipeline.run.forked import shared_map
from duologue_pipeline.run.healing import healing_lying_ready, held_back
from duologue_pipeline.run.job import rejoin_job
from duologue_pipeline.run.ledger import PinnedLedger, open_ledger, stage_log
from duologue_pipeline.run.make import asks_for, check_engine, make_release
from duologue_pipeline.run.request import RunRequest, check_request
from duologue_pipeline.shards.write import READY, STAGING, ready_folder
from duologue_pipeline.words.asr_checkpoint import AsrModel

__all__ = ["RunResult", "run"]

_ROUNDS: Final = 4
"""How often a run begins anew with the ledger of then, before it leaves that to the user."""

_DRY: Final = f"{STAGING}/dry"
"""The output folder of a run that is only looked at."""

_Tell = Callable[[str], None]


@dataclass(frozen=True)
class RunResult:
    """Holds what a run left behind.

    Attributes:
        out: the output folder.
        release: the document of ``dataset.json``, None where nothing could be written.
        refused: reason -> how many, from ``rejected.jsonl``.
        was_complete: whether the folder already held this very release.
        details: the private file that says of each refusal what was found and what to do; None where there is none.
        pending: what comes next, where the run was only submitted, not even that, or is held back; None where it has come to its end.
        held_back: whether it is held back, because refusals may heal and ``retry_rejected`` was asked for.
    """

    out: str
    release: dict[str, Any] | None
    refused: dict[str, int]
    was_complete: bool
    details: str | None
    pending: str | None = None
    held_back: bool = False


class _HeldBack(Exception):
    """Says that all is done and nothing is published, because refusals may heal."""


@dataclass(frozen=True)
class _Run:
    """Holds what stays the same over all rounds of a run."""

    request: RunRequest
    manifest: Manifest
    out: str
    second_opinion: SecondOpinion | None
    asr: AsrModel | None
    laughter: LaughterModel | None
    progress: IO[str] | None

    def tell(self, text: str) -> None:
        _tell(self.progress, text)

    def ledger(self) -> PinnedLedger | None:
        """Opens and signs the ledger as it is now."""
        against = self.request.against or ()
        return open_ledger(self.request.ledger, out=self.out, against=against, now=datetime.now(UTC), tell=self.tell)

    def release(self, ledger: PinnedLedger | None) -> ReleaseOptions:
        models = self.second_opinion, self.asr, self.laughter
        return release_options(self.request, self.manifest.sha256, ledger, *models)

    def details(self, release: ReleaseOptions) -> str | None:
        """Names the private file of a round; None where there is no ledger that it could lie beside."""
        ledger = self.request.ledger
        if ledger is None or release.ledger["ledger_id"] is None:
            return None
        return details_path(ledger, name=release.name, fingerprint=release.fingerprint)

    def result(self, release: ReleaseOptions, *, was_complete: bool) -> RunResult:
        details = self.details(release)
        return RunResult(
            self.out,
            read_release(self.out) if exists(join(self.out, MANIFEST)) else None,
            refused_counts(self.out),
            was_complete=was_complete,
            details=details if details is not None and exists(details) else None,
        )


def _tell(stream: IO[str] | None, text: str) -> None:
    if stream is not None:
        print(text, file=stream, flush=True)


def run(request: RunRequest, *, progress: IO[str] | None = None) -> RunResult:
    """Runs the pipeline, unless the output already holds the release that it would write.

    Args:
        request: what to do.
        progress: where lines of progress go; none if None.

    Raises:
        UsageError: the request cannot be carried out; what the run has done until then is kept for the next one.
    """
    check_request(request)
    remove_dead_temporaries()
    if request.allow_private_addresses:
        allow_private_addresses()
    manifest, out = _usable_manifest(absolute_uri(request.manifest)), absolute_uri(request.out)
    if request.beam_args:  # a mistake in them is answered before anything is written
        check_engine(request, manifest, out, tell=partial(_tell, progress))
    second_opinion = SecondOpinion.of(
        request.pyannote_segmentation, request.pyannote_embedding, allow_network=request.allow_network
    )
    asr = AsrModel(request.asr, request.allow_network) if request.asr else None
    laughter = LaughterModel(request.laughter) if request.laughter else None
    this = _Run(request, manifest, out, second_opinion, asr, laughter, progress)
    ledger = this.ledger()
    release = this.release(ledger)
    if is_complete(out, release.fingerprint) and is_tidy(out, read_release(out)):
        return this.result(release, was_complete=True)
    with faults_as_usage(out), held(out, wait_s=request.wait_s, tell=this.tell) as lease:
        for _ in range(_ROUNDS):
            if is_complete(out, release.fingerprint):  # another process may have written it while this one waited
                tidy(out, tell=this.tell)
                return this.result(release, was_complete=True)
            try:
                pending = _round(this, ledger, release, lease)
                if pending is not None:
                    return RunResult(out, None, {}, was_complete=False, details=None, pending=pending)
                return this.result(release, was_complete=False)
            except _HeldBack as waits:
                return RunResult(out, None, {}, was_complete=False, details=None, pending=str(waits), held_back=True)
            except WithdrawnMeanwhile as withdrawn:
                remove_strays(out, None, tell=lambda _: None)
                delete_directory(join(out, READY))  # else it would be found ready again
                if ledger is not None and withdrawn.events == ledger.pin["events"]:
                    raise UsageError(_disagreement(withdrawn)) from None
                this.tell(f"{withdrawn} since the run began; going on with the ledger as it is now")
            ledger = this.ledger()
            release = this.release(ledger)
        raise UsageError(
            f"{out}: consent ended {_ROUNDS} times while the run was under way, so nothing is published; run the command "
            "again: what is done is kept"
        )


def _round(this: _Run, ledger: PinnedLedger | None, release: ReleaseOptions, lease: Lease) -> str | None:
    """Makes the release with the ledger as it is pinned, and publishes it; what lies ready of this very run is only published.

    Gives what comes next where the run was only submitted.

    Raises:
        _HeldBack: refusals may heal, and are to be tried again first.
    """
    request, out = this.request, this.out
    watching: dict[str, Any] = {
        "recordings": this.manifest.recordings,
        "stream": this.progress,
        "tell": this.tell,
    }
    if asks_for(request, "dry_run"):
        return _dry_round(this, ledger, release, **watching)
    rejoined = rejoin_job(out, request.beam_args, fingerprint=release.fingerprint, **watching)
    if rejoined.pending is not None:
        return rejoined.pending
    details = this.details(release)
    launch = rejoined.launch or find_ready(out, release.fingerprint, also=() if details is None else (DETAILS,))
    if launch is not None and rejoined.launch is None and _is_tried_again(request, ready_folder(out, launch)):
        launch = None
    if launch is None:
        if asks_for(request, "template_location") and exists(join(out, MARK)):
            raise UsageError(
                f"{out}: a launch before this one is marked there, and a job of its template may be at work; give the command "
                f"without --template_location, which finishes the release, or, when nothing works there any more, delete "
                f"{join(out, MARK)} and run the command again: what is done is kept"
            )
        launch = uuid.uuid4().hex
        as_of = request.as_of or datetime.now(UTC)
        snapshot = None if ledger is None else ledger.snapshot
        prepare(out, release.fingerprint, launch=launch, snapshot=snapshot, as_of=as_of, tell=this.tell)
        if ledger is not None:
            stage_log(ledger, out, launch=launch)
        decided = decide_manifest(this.manifest, request, ledger, out=out, as_of=as_of)
        if details is not None:
            begin_details(details, decided.refusals)
        pending = make_release(
            request,
            release,
            decided,
            out=out,
            launch=launch,
            second_opinion=this.second_opinion,
            asr=this.asr,
            laughter=this.laughter,
            details=details is not None,
            **watching,
        )
        if pending is not None:
            return pending
    else:
        this.tell("publishing what a run before this one has laid ready")
    if details is not None:
        finish_details(details, out=out, launch=launch)
    ready = ready_folder(out, launch)
    try:
        require_bearable(ready, recordings=this.manifest.recordings, details=details)
    except UsageError:
        delete_directory(ready)
        raise
    if request.retry_rejected and (found := healing_lying_ready(ready)):
        raise _HeldBack(held_back(found, out=out, details=details))
    check = confirmation(out, None if ledger is None else ledger.ledger, lease, launch=launch, as_of=request.as_of)
    publish_release(out, launch=launch, check=check, held=lease.check, tell=this.tell)
    return None


def _dry_round(this: _Run, ledger: PinnedLedger | None, release: ReleaseOptions, **watching: Any) -> str | None:
    """Has the runner look at the run, in a folder that goes; what lies in the staging folder, and who works there, is left alone."""
    request, out = this.request, this.out
    folder = join(out, _DRY) if exists(join(out, STAGING)) else join(out, STAGING)
    try:
        as_of = request.as_of or datetime.now(UTC)
        return make_release(
            request,
            release,
            decide_manifest(this.manifest, request, ledger, out=join(out, _DRY), as_of=as_of),
            out=join(out, _DRY),
            launch=uuid.uuid4().hex,
            second_opinion=this.second_opinion,
            asr=this.asr,
            laughter=this.laughter,
            details=this.details(release) is not None,
            **watching,
        )
    finally:
        delete_directory(folder)


def _is_tried_again(request: RunRequest, ready: str) -> bool:
    return request.retry_rejected and bool(healing_lying_ready(ready))


def _disagreement(withdrawn: WithdrawnMeanwhile) -> str:
    first = withdrawn.refusals[0]
    return (
        f"the release is not published: speaker {first.side} of {first.recording_id} does not allow it any more "
        f"({first.reason}, since {first.at}), and {len(withdrawn.refusals) - 1} more tracks; run the command again"
    )


def _usable_manifest(uri: str) -> Manifest:
    """Reads a manifest; refuses one that has no recording."""
    manifest = load_manifest(uri, each=shared_map)
    if not manifest.recordings:
        found = f"none of its {manifest.lines} lines is a recording" if manifest.lines else "it has no lines"
        raise UsageError(f"{uri}: not a usable manifest: {found}; `duologue validate {uri}` lists the faults")
    return manifest
