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

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from duologue_consent import Ledger, LedgerError
from duologue_consent.proofs.notes import open_checkpoint
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, check_conditional
from duologue_pipeline.files.faults import storage_fault
from duologue_pipeline.files.locks import exclusive
from duologue_pipeline.files.storage import absolute_uri, delete_directory, exists, join
from duologue_pipeline.files.temporary import remove_dead_temporaries
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.revocations import FILE_NAME
from duologue_pipeline.release.document import next_version
from duologue_pipeline.release.ready import JOB, stop_launch, work_stands
from duologue_pipeline.release.strays import LOCK, is_tidy, remove_strays
from duologue_pipeline.shards.write import STAGING
from duologue_pipeline.withdrawal.carry_out import Outcome, Tell, Work, carry_out, count_reasons, count_speakers
from duologue_pipeline.withdrawal.continuity import require_clock, require_continues_release
from duologue_pipeline.withdrawal.decide import decide, plan_withdrawal, take_in, unfinished_journal
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.revoke import revoke
from duologue_pipeline.withdrawal.state import ReleaseState, manifest_sha256, read_state
from duologue_pipeline.withdrawal.unfinished import Leftovers, find_leftovers, remove_leftovers

__all__ = ["Outcome", "faults_as_usage", "propagate_release"]

_ROUNDS: Final = 8
"""How often a propagation begins anew with the ledger of then, before it leaves that to the user."""


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
    tell: Tell = lambda _: None,
) -> list[Outcome]:
    """Takes out of a release what its speakers no longer allow, and proves it.

    Args:
        uri: the folder of the release, or of a run that did not end: a path, ``s3://`` or ``gs://``.
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
    while not exists(join(root, MANIFEST)) and exists(join(root, STAGING)):
        outcome = _unfinished_run(root, ledger, as_of, dry_run=dry_run, wait_s=wait_s, tell=tell)
        if outcome is not None:
            return [outcome]
        now, snapshot = datetime.now(UTC), ledger.snapshot()  # a run has published there while this one waited for it
    state = read_state(root, snapshot, as_of or now)
    require_continues_release(root, ledger, now=now)
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
        require_continues_release(root, ledger, now=max(as_of or now, datetime.now(UTC)))
        if exists(join(root, STAGING)):
            tell(f"removing {STAGING}, which a run has left that was ended after its release was written")
            delete_directory(join(root, STAGING))
        work = Work(ledger, lease, began, tell, partial(_ask, root, ledger, as_of))
        unfinished = unfinished_journal(root)
        if unfinished is not None:
            tell("finishing a propagation that was interrupted")
            if manifest_sha256(root) == unfinished.base_sha256:
                state, pinned = work.ask()
                unfinished = take_in(unfinished, state, ledger, pinned)
            outcomes.append(carry_out(unfinished, work))
        state, pinned = work.ask()
        lease.check()
        remove_strays(root, state.release, tell=tell)
        for _ in range(_ROUNDS):
            if not state.refusals:
                break
            revoke(state, ledger)
            tell("deciding")
            outcomes.append(carry_out(decide(state, ledger, pinned), work))
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
    root: str, ledger: Ledger, as_of: datetime | None, *, dry_run: bool, wait_s: float, tell: Tell
) -> Outcome | None:
    """Takes out of what an unfinished run has left whatever may no longer be used; None where there is a release by now."""
    began = time.monotonic()

    def look() -> Leftovers:
        return find_leftovers(root, ledger.snapshot(), as_of=as_of or datetime.now(UTC))

    left = look()
    if not dry_run:
        with exclusive(join(root, LOCK), wait_s=wait_s, waiting=lambda who: tell(_waiting(who, left))) as lease:
            if exists(join(root, MANIFEST)):
                return None
            if not exists(join(root, STAGING)):  # a run has ended there meanwhile that had to refuse everything
                return _left(root, Leftovers(), began)
            left = look()
            lease.check()
            if not left.all_allowed:
                _stop_work(root, tell)
                left = look()  # what was written until then
            elif work_stands(root):
                tell(f"everything in {STAGING} may be used still, and a run may be at work with it: nothing is removed")
                return _left(root, left, began)
            remove_strays(root, None, tell=tell)
            tell(f"removing {len(left.removed)} files of {STAGING}, and looking through the folder for what they held")
            remove_leftovers(root, left)
    return _left(root, left, began)


def _waiting(who: str, left: Leftovers) -> str:
    """Says who holds the folder, and what becomes of those whom a run at work there may no longer use."""
    if left.all_allowed:
        return f"waiting: held by {who}"
    return (
        f"waiting: held by {who}. If that is a run, it asks the ledger again before it publishes, and publishes nothing of those who "
        f"have said no ({len(left.refusals)} tracks); what it has left of them in {STAGING} goes when it has ended"
    )


def _stop_work(root: str, tell: Tell) -> None:
    """Has whoever still works for the folder of an unfinished run stop, and says so, and which job of a service that may be."""
    if work_stands(root):
        tell(
            "a launch of a run that did not end was to use what is not allowed any more: it is stopped, and cannot be published; "
            "`duologue run` goes on without that"
        )
    stop_launch(root)
    if exists(join(root, JOB)):
        note = read_json(join(root, JOB))
        tell(
            f"job {note['job_id']} was at work for this folder: it stops when it next writes, and what it was writing just then goes "
            f"by the next `duologue run` or `duologue consent propagate`; to stop it now: {note.get('cancel', 'cancel it where it runs')}"
        )


def _left(root: str, left: Leftovers, began: float) -> Outcome:
    """Says what of an unfinished run goes and stays."""
    counts = {
        "parts_refused": len(left.refused),
        "parts_unknown": left.unknown,
        "parts_kept": left.kept_parts,
        "recordings_decided": left.decided,
    }
    return Outcome(root, "", "", None, count_reasons(left.refusals), counts, seconds=time.monotonic() - began)


def _planned(state: ReleaseState, plan: Plan, *, seconds: float = 0.0) -> Outcome:
    """Says what the plan would do to the release."""
    new_version = next_version(state.release["version"]) if plan.shards else None
    return Outcome(
        dataset=state.root,
        name=state.release["name"],
        old_version=state.release["version"],
        new_version=new_version,
        refusals=count_reasons(state.refusals),
        counts=plan.counts(),
        touched_bytes=plan.touched_bytes,
        seconds=seconds,
        speakers=count_speakers(plan, state.refusals),
    )


def _ask(root: str, ledger: Ledger, as_of: datetime | None) -> tuple[ReleaseState, Mapping[str, Any]]:
    """Reads the release with what the ledger says now, and the checkpoint on which is decided."""
    note = ledger.checkpoint()
    snapshot = ledger.snapshot(open_checkpoint(note, ledger.verifiers).size)
    state = read_state(root, snapshot, as_of or datetime.now(UTC))
    return state, {"ledger_id": snapshot.ledger_id, "events": snapshot.events, "checkpoint": note.decode()}
