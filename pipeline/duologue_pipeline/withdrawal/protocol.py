"""Carries out a withdrawal in ten steps, so that it may be killed at any moment and finished by running it again.

Before the first of them the ledger is held against the release, and the clock against both
(:mod:`duologue_pipeline.withdrawal.continuity`).

1. *revoke*: the signed ``revocations.jsonl``. From here on readers leave the samples out. Needs no lock.
2. *decide*: under the lock of the release, the journal: who, which samples, the clock, the ledger's checkpoint.
3. *rewrite*: each touched shard as a new one under a new name, beside the old ones.
4. *stage*: the new tables, cards and ``dataset.json`` in the journal's folder.
5. *switch*: ``dataset.json``, by compare-and-swap. This is the moment at which the new version is there.
6. *install*: tables and cards move to their names; 7. *delete*: old shards and strays; 8. *scan*: every live file.
9. *log*: a ``shard.revoked`` leaf for each old shard and speaker, a new checkpoint, the published log.
10. *receipt*, held against the verifier before it is left there; then the journal goes.

Every step can be done again: it looks at what is there, not at what was said to be done. A killed propagation leaves its journal
(:mod:`duologue_pipeline.withdrawal.journal`) and is finished by the next one: before the switch with what was decided since, after
it with the same decision. Where the scan finds that live samples hold what was removed, steps 3 to 8 are taken once more for
them, and for whatever was decided since. docs/withdrawal.md has the table of what a reader sees after each step.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from duologue_consent import Ledger, LedgerError
from duologue_consent.proofs.notes import open_checkpoint
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, check_conditional, read_version, swap_bytes
from duologue_pipeline.files.faults import storage_fault
from duologue_pipeline.files.locks import Lease, exclusive
from duologue_pipeline.files.storage import (
    absolute_uri,
    delete_directory,
    delete_file,
    exists,
    join,
    move,
    read_bytes,
)
from duologue_pipeline.files.temporary import remove_dead_temporaries
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST, read_release
from duologue_pipeline.reader.revocations import FILE_NAME
from duologue_pipeline.release.document import next_version
from duologue_pipeline.release.strays import LOCK, is_tidy, remove_strays
from duologue_pipeline.shards.write import STAGING
from duologue_pipeline.withdrawal.continuity import require_clock, require_continues_release
from duologue_pipeline.withdrawal.decide import decide, go_on, plan_withdrawal, take_in, unfinished_journal
from duologue_pipeline.withdrawal.journal import FOLDER, Journal, Part, erase_journal, work_folder
from duologue_pipeline.withdrawal.new_release import new_release
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.proof import publish_proof
from duologue_pipeline.withdrawal.refusals import Refusal
from duologue_pipeline.withdrawal.revoke import revoke
from duologue_pipeline.withdrawal.rewrite import RewrittenShard, rewrite_shard
from duologue_pipeline.withdrawal.same_audio import causes_of, live_traces
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.scan.search import NOT_SCANNED, scan
from duologue_pipeline.withdrawal.state import ReleaseState, manifest_sha256, read_state
from duologue_pipeline.withdrawal.unfinished import Leftovers, find_leftovers, remove_leftovers

__all__ = ["Outcome", "faults_as_usage", "propagate_release"]

_ROUNDS: Final = 8
"""How often a propagation begins anew with the ledger of then, before it leaves that to the user."""

_Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """Says what one propagation did to one release, or would do.

    Attributes:
        dataset: the folder.
        name, old_version: of the release; "" where there is none, but what an unfinished run has left.
        new_version: None where there was nothing to do; where it was only planned, what it would be.
        refusals: reason -> tracks of recordings that may no longer be used.
        counts: :meth:`duologue_pipeline.withdrawal.plan.Plan.counts`; of an unfinished run its parts.
        touched_bytes: size of the shards that hold them.
        written_bytes: size of the shards that took their place; 0 where it was only planned.
        revoked_after_s: from the start until readers left the samples out; None where that was done before.
        seconds: how long it took.
        receipt: path of the receipt in the release, None where there is none.
    """

    dataset: str
    name: str
    old_version: str
    new_version: str | None
    refusals: Mapping[str, int]
    counts: Mapping[str, int | float]
    touched_bytes: int = 0
    written_bytes: int = 0
    revoked_after_s: float | None = None
    seconds: float = 0.0
    receipt: str | None = None


@contextmanager
def faults_as_usage() -> Iterator[None]:
    """Turns faults of the ledger or the disk, and a race that was lost, into a UsageError that says what to do."""
    try:
        yield
    except ConflictError as error:
        raise UsageError(f"{error} meanwhile; run the command again") from None
    except LedgerError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise storage_fault(error, error.filename or "the release") or error from None


@faults_as_usage()
def propagate_release(
    uri: str,
    ledger: Ledger,
    *,
    as_of: datetime | None = None,
    dry_run: bool = False,
    wait_s: float = 600.0,
    tell: _Tell = lambda _: None,
) -> list[Outcome]:
    """Takes out of a release what its speakers no longer allow, and proves it.

    Args:
        uri: the folder of the release, or of a run that did not end: a path or ``s3://``.
        ledger: the ledger that it was made with.
        as_of: the moment at which consent is asked for; now if None. Denials count whatever it is.
        dry_run: only say what would be done; nothing is written.
        wait_s: how long to wait for another propagation or run in the same folder.
        tell: is told each step as a line of text, before it is done.

    Returns:
        What was done: one outcome, before it that of an interrupted propagation which was finished first, and after it those of
        what was withdrawn while it was under way.

    Raises:
        UsageError: there is no release, it is of another ledger, the ledger does not continue what the release knows of it, the
            clock is behind one of them (then nothing was written), or something in it is not as it should be; what is to be
            done then stands in the message. What was already published stays published.
    """
    began = time.monotonic()
    root = absolute_uri(uri)
    check_conditional(root)
    if not dry_run:
        remove_dead_temporaries()
    now = datetime.now(UTC)
    snapshot = ledger.snapshot()
    require_clock(ledger.name, snapshot.latest, now)
    if not exists(join(root, MANIFEST)) and exists(join(root, STAGING)):
        return [_unfinished_run(root, ledger, as_of, dry_run=dry_run, wait_s=wait_s, tell=tell)]
    state = read_state(root, snapshot, as_of or now)
    require_continues_release(root, state.release, ledger, now=now)
    if dry_run:
        return [_planned(state, plan_withdrawal(state), seconds=time.monotonic() - began)]
    revoked_after_s = None
    if state.refusals:
        tell(f"{len(state.refusals)} tracks may no longer be used; publishing {FILE_NAME}")
        if revoke(state, ledger):
            revoked_after_s = time.monotonic() - began
    elif is_tidy(root, state.release):
        return [_planned(state, Plan(), seconds=time.monotonic() - began)]
    outcomes = []
    with exclusive(join(root, LOCK), wait_s=wait_s, waiting=lambda who: tell(f"waiting: held by {who}")) as lease:
        # Again, as another process may have left it; what was just published is dated as_of.
        require_continues_release(root, read_release(root), ledger, now=max(as_of or now, datetime.now(UTC)))
        if exists(join(root, STAGING)):
            tell(f"removing {STAGING}, which a run has left that was ended after its release was written")
            delete_directory(join(root, STAGING))
        work = _Work(ledger, lease, began, tell, partial(_ask, root, ledger, as_of))
        unfinished = unfinished_journal(root)
        if unfinished is not None:
            tell("finishing a propagation that was interrupted")
            if manifest_sha256(root) == unfinished.base_sha256:
                state, pinned = work.ask()
                unfinished = take_in(unfinished, state, ledger, pinned)
            outcomes.append(_carry_out(unfinished, work))
        state, pinned = work.ask()
        lease.check()
        remove_strays(root, state.release, tell=tell)
        for _ in range(_ROUNDS):
            if not state.refusals:
                break
            revoke(state, ledger)
            tell("deciding")
            outcomes.append(_carry_out(decide(state, ledger, pinned), work))
            state, pinned = work.ask()  # it may have taken hours, and somebody may have withdrawn meanwhile
        if state.refusals:
            raise UsageError(
                f"{root}: consent ended {_ROUNDS} times while the propagation was under way; what was carried out stands: run the "
                "command again"
            )
        if not outcomes:
            outcomes.append(_planned(state, Plan()))
    last = replace(outcomes[-1], revoked_after_s=revoked_after_s, seconds=time.monotonic() - began)
    return [*outcomes[:-1], last]


def _unfinished_run(
    root: str, ledger: Ledger, as_of: datetime | None, *, dry_run: bool, wait_s: float, tell: _Tell
) -> Outcome:
    """Takes out of what an unfinished run has left whatever may no longer be used; there is no release yet."""
    began = time.monotonic()

    def look() -> Leftovers:
        return find_leftovers(root, ledger.snapshot(), as_of=as_of or datetime.now(UTC))

    left = look()
    if not dry_run:
        with exclusive(join(root, LOCK), wait_s=wait_s, waiting=lambda who: tell(f"waiting: held by {who}")) as lease:
            if exists(join(root, MANIFEST)):
                raise ConflictError(f"{join(root, MANIFEST)} was written by a run")
            left = look()
            lease.check()
            remove_strays(root, None, but=("rejected.jsonl",), tell=tell)
            tell(f"removing {len(left.removed)} files of {STAGING}, and looking through the folder for what they held")
            remove_leftovers(root, left)
    counts = {"parts_refused": len(left.refused), "parts_unknown": left.unknown, "parts_kept": left.kept_parts}
    return Outcome(root, "", "", None, _reasons(left.refusals), counts, seconds=time.monotonic() - began)


def _planned(state: ReleaseState, plan: Plan, *, seconds: float = 0.0) -> Outcome:
    """Says what the plan would do to the release."""
    new_version = next_version(state.release["version"]) if plan.shards else None
    return Outcome(
        dataset=state.root,
        name=state.release["name"],
        old_version=state.release["version"],
        new_version=new_version,
        refusals=_reasons(state.refusals),
        counts=plan.counts(),
        touched_bytes=plan.touched_bytes,
        seconds=seconds,
    )


# --- 3. to 10. ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """Holds what the steps of a propagation share: the ledger, the lock, when it began, whom to tell, and how to ask anew."""

    ledger: Ledger
    lease: Lease
    began: float
    tell: _Tell
    ask: Callable[[], tuple[ReleaseState, Mapping[str, Any]]]


def _ask(root: str, ledger: Ledger, as_of: datetime | None) -> tuple[ReleaseState, Mapping[str, Any]]:
    """Reads the release with what the ledger says now, and the checkpoint on which is decided."""
    note = ledger.checkpoint()
    snapshot = ledger.snapshot(open_checkpoint(note, ledger.verifiers).size)
    state = read_state(root, snapshot, as_of or datetime.now(UTC))
    return state, {"ledger_id": snapshot.ledger_id, "events": snapshot.events, "checkpoint": note.decode()}


def _carry_out(journal: Journal, work: _Work) -> Outcome:
    """Carries out what the journal says, from wherever it was left, and what turns out to be left of it."""
    root, release = journal.root, json.loads(journal.old)
    while True:
        rewritten = _renew(journal, work)
        done = [shard for part in journal.done for shard in part.rewritten] + rewritten
        plan = journal.whole_plan()
        work.tell("looking through every file of the release for what was removed")
        findings = list(scan(root, removed_by(plan, done), skip=(*NOT_SCANNED, FOLDER)))
        if not findings:
            break
        further = _further(journal, rewritten, work)
        if further is None:
            raise UsageError(
                f"{root}: {len(findings)} traces of what was removed are left, the first: {findings[0]}; remove them and "
                "run the command again: until then there is no receipt"
            )
        journal = further
    new = read_json(join(root, MANIFEST))
    receipt = publish_proof(journal, done, new, work.ledger, tell=work.tell)
    work.lease.check()
    erase_journal(root)
    return Outcome(
        dataset=root,
        name=release["name"],
        old_version=release["version"],
        new_version=new["version"],
        refusals=_reasons(journal.refusals),
        counts=plan.counts(),
        touched_bytes=plan.touched_bytes,
        written_bytes=sum(shard.bytes for shard in done),
        seconds=time.monotonic() - work.began,
        receipt=receipt,
    )


def _renew(journal: Journal, work: _Work) -> list[RewrittenShard]:
    """Makes the new version of one part, and removes the one before: steps 3 to 7."""
    root, release, tell = journal.root, json.loads(journal.base), work.tell
    rewritten = list(_rewrite(journal, release, tell))
    if manifest_sha256(root) == journal.base_sha256:
        tell("making the new tables, cards and dataset.json")
        _stage(journal, rewritten)
        work.lease.check()
        tell("switching to the new version")
        _switch(journal)
    tell("moving the new tables and cards to their names")
    work.lease.check()
    for path in list(journal.staged()):
        move(journal.path("next", path), join(root, path))
    _delete(root, release, read_json(join(root, MANIFEST)), work.lease, tell)
    return rewritten


def _further(journal: Journal, rewritten: Sequence[RewrittenShard], work: _Work) -> Journal | None:
    """Decides on a further part where the new version itself holds what was removed, or where more must go by now."""
    state, pinned = work.ask()
    parts = [*journal.done, Part(journal.plan, tuple(rewritten))]
    causes = {trace: cause for part in parts for trace, cause in causes_of(part.plan, part.rewritten, journal.refusals)}
    found = list(live_traces(state.root, state.release, state.recordings, causes))
    for refusal in found:
        work.tell(
            f"{refusal.recording_id}: the track of speaker {refusal.side} holds what was removed; taking it out as well"
        )
    return go_on(journal, rewritten, state, found, work.ledger, pinned)


def _rewrite(journal: Journal, release: Mapping[str, Any], tell: _Tell) -> Iterator[RewrittenShard]:
    silence = release["codec"].get("silence")
    for number, shard in enumerate(journal.plan.shards, 1):
        done = journal.rewritten(shard)
        if done is None or (done.path is not None and not exists(join(journal.root, done.path))):
            tell(f"rewriting shard {number} of {len(journal.plan.shards)}, {shard.path}")
            try:
                done = rewrite_shard(journal.root, shard, silence=silence, staging=journal.path("unfinished"))
            except (OSError, ValueError) as error:
                raise UsageError(f"{error}; then run the command again, it goes on from here") from None
            journal.note(shard, done)
        yield done


def _stage(journal: Journal, rewritten: Sequence[RewrittenShard]) -> None:
    made = new_release(journal.root, journal.base.encode(), journal.plan, rewritten, ledger=journal.ledger)
    made = replace(made, document={**made.document, "revocations": dict(journal.revocations)})
    for file in made.files:
        journal.stage(file.path, file.data)
    journal.stage(MANIFEST, made.dataset_json)  # last: it says that the others are there


def _switch(journal: Journal) -> None:
    uri = join(journal.root, MANIFEST)
    version = read_version(uri)
    if version is None or hashlib.sha256(version.data).hexdigest() != journal.base_sha256:
        raise ConflictError(f"{uri} was changed by another process")
    swap_bytes(uri, read_bytes(journal.path("next", MANIFEST)), old=version, work=work_folder(journal.root))


def _delete(root: str, old: Mapping[str, Any], new: Mapping[str, Any], lease: Lease, tell: _Tell) -> None:
    """Removes the old shards, those that an interrupted propagation left, files that are not carried on, half files."""
    live = {entry["path"] for entry in (*new["shards"], *new["files"])}
    gone = {entry["path"] for entry in (*old["shards"], *old["files"]) if entry["path"] not in live}
    for number, path in enumerate(sorted(gone), 1):
        lease.check()
        tell(f"deleting {number} of {len(gone)}, {path}")
        if exists(join(root, path)):
            delete_file(join(root, path))
    lease.check()
    remove_strays(root, new, tell=tell)


def _reasons(refusals: Iterable[Refusal]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for refusal in sorted(refusals, key=lambda refusal: refusal.reason):
        counts[refusal.reason] = counts.get(refusal.reason, 0) + 1
    return counts
