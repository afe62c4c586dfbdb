"""Decides what a propagation does, finds what an interrupted one decided, and takes in what was decided since."""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from duologue_consent import Ledger
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import exists, join, read_bytes
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.revocations import pin
from duologue_pipeline.withdrawal.journal import FOLDER, Journal, Part, erase_journal, read_journal
from duologue_pipeline.withdrawal.leaves import append_once
from duologue_pipeline.withdrawal.plan import Plan, make_plan
from duologue_pipeline.withdrawal.refusals import STANDS, Refusal, mark_refused
from duologue_pipeline.withdrawal.revoke import published_revocations, revoke
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.same_audio import REASON as SAME_AUDIO
from duologue_pipeline.withdrawal.same_audio import with_same_audio
from duologue_pipeline.withdrawal.state import ReleaseState, manifest_sha256

__all__ = ["decide", "go_on", "plan_withdrawal", "take_in", "unfinished_journal"]


def decide(state: ReleaseState, ledger: Ledger, pinned: Mapping[str, Any]) -> Journal:
    """Decides what a propagation does and writes it down, before anything of the release is changed.

    Args:
        state: the release and who may no longer be used, under the lock of the release.
        ledger: the ledger; it gets a leaf for each consent that ended without a decision.
        pinned: ``ledger`` of the new ``dataset.json``: the state of the ledger in which this is decided.

    Returns:
        The journal; from now on the propagation is begun.

    Raises:
        UsageError: the published revocations cannot be trusted.
    """
    leaves = _removing_leaves(state, ledger)
    _, revocations = published_revocations(state.root, state.release, ledger.public_key_text())
    journal = Journal(
        root=state.root,
        journal_id=secrets.token_hex(16),
        as_of=state.as_of,
        old_sha256=state.sha256,
        old=state.manifest.data.decode(),
        base_sha256=state.sha256,
        base=state.manifest.data.decode(),
        ledger=pinned,
        revocations=pin(revocations),
        refusals=state.refusals,
        leaves=leaves,
        plan=plan_withdrawal(state),
    )
    journal.write()
    return journal


def take_in(journal: Journal, state: ReleaseState, ledger: Ledger, pinned: Mapping[str, Any]) -> Journal:
    """Decides anew where more must go than an interrupted propagation decided, whose new version is not there yet.

    What it decided stays decided; shards that were rewritten and fare as before are not written again.

    Args:
        journal: of the interrupted propagation.
        state, ledger, pinned: as for :func:`decide`.

    Returns:
        The journal to finish: as it was, where it takes out all that must go.
    """
    if journal.covers(state.refusals):
        return journal
    return _decided_anew(journal, state, ledger, pinned, journal.refusals)


def go_on(
    journal: Journal,
    rewritten: Sequence[RewrittenShard],
    state: ReleaseState,
    found: Collection[Refusal],
    ledger: Ledger,
    pinned: Mapping[str, Any],
) -> Journal | None:
    """Decides on a further part of a propagation whose new version is there and still holds something that must go.

    Args:
        journal: of the propagation.
        rewritten: what became of each shard of its plan.
        state, ledger, pinned: as for :func:`decide`, of the new version.
        found: tracks in it that hold what was removed.

    Returns:
        The journal with the further part; None where nothing more of the release can be taken out.
    """
    if not state.refusals and not found:
        return None
    further = replace(
        journal,
        base_sha256=state.sha256,
        base=state.manifest.data.decode(),
        done=(*journal.done, Part(journal.plan, tuple(rewritten))),
    )
    return _decided_anew(further, state, ledger, pinned, found)


def _decided_anew(
    journal: Journal,
    state: ReleaseState,
    ledger: Ledger,
    pinned: Mapping[str, Any],
    also: Collection[Refusal],
) -> Journal:
    wanted = {(each.recording_id, each.side): each for each in (*state.refusals, *also)}
    state = replace(state, refusals=with_same_audio(state.release, state.recordings, tuple(wanted.values())))
    revoke(state, ledger)
    leaves = _removing_leaves(state, ledger)
    _, revocations = published_revocations(state.root, state.release, ledger.public_key_text())
    before = {(each.recording_id, each.side): each for each in journal.refusals}
    refusals = before | {(each.recording_id, each.side): each for each in state.refusals}
    anew = replace(
        journal,
        as_of=state.as_of,
        ledger=pinned,
        revocations=pin(revocations),
        refusals=tuple(sorted(refusals.values())),
        leaves=tuple(sorted({*journal.leaves, *leaves})),
        plan=plan_withdrawal(state),
    )
    anew.write()
    return anew


def plan_withdrawal(state: ReleaseState) -> Plan:
    """Plans what happens to the samples of those who may no longer be used; without shards where nobody is."""
    if not state.refusals:
        return Plan()
    names = pa.array({refusal.recording_id for refusal in state.refusals}, pa.string())
    touched = state.index["shard"].filter(pc.is_in(state.index["recording_id"], value_set=names))
    own = state.index.filter(
        pc.is_in(state.index["shard"], value_set=pc.unique(touched))
    )  # of the others nothing changes
    index, _ = mark_refused(own, state.refusals)
    recordings, stands = mark_refused(state.recordings, state.refusals)
    plan = make_plan(
        state.release,
        index,
        recordings,
        withdrawn={refusal.commitment: refusal.reason for refusal in state.refusals},
        standing=stands,
    )
    # Who withdrew from some recordings only is still named by the others: the scan must not look for them.
    gone = {name: why for name, why in plan.commitments.items() if STANDS + name not in stands}
    return replace(plan, commitments=gone)


def unfinished_journal(root: str) -> Journal | None:
    """Reads the journal of an interrupted propagation; what is left of one that never began or was overtaken is erased.

    Args:
        root: the folder of the release.

    Returns:
        None where there is nothing to finish.

    Raises:
        UsageError: another version of duologue wrote it.
    """
    try:
        journal = read_journal(root)
    except ValueError as error:
        raise UsageError(f"{error}; finish with the duologue that wrote it") from None
    if journal is not None and manifest_sha256(root) in (journal.base_sha256, _staged_sha256(journal)):
        return journal
    if exists(join(root, FOLDER)):
        erase_journal(root)
    return None


def _removing_leaves(state: ReleaseState, ledger: Ledger) -> tuple[int, ...]:
    """Finds the leaves that took the consent away; where no decision did (it expired) it appends one that says so, once."""
    seqs = {refusal.seq for refusal in state.refusals if refusal.seq is not None}
    snapshot = ledger.snapshot()
    ids = {snapshot.commitment(speaker_id): speaker_id for speaker_id in snapshot.speakers}
    release = state.sha256
    own = [each for each in state.refusals if each.reason != SAME_AUDIO]
    lapsed = sorted({(each.commitment, each.reason, each.at) for each in own if each.seq is None})
    entries = [
        ({"release_sha256": release, "commitment": commitment, "reason": reason, "at": at}, ids.get(commitment))
        for commitment, reason, at in lapsed
    ]
    seqs.update(append_once(ledger, "grant.lapsed", entries, names=("release_sha256", "commitment", "reason")))
    return tuple(sorted(seqs))


def _staged_sha256(journal: Journal) -> str | None:
    uri = journal.path("next", MANIFEST)
    return hashlib.sha256(read_bytes(uri)).hexdigest() if exists(uri) else None
