"""Carries out what a propagation has decided: steps 3 to 10 of :mod:`duologue_pipeline.withdrawal.protocol`, under its lock."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from duologue_cards.report.of_release import REPORT
from duologue_consent import Ledger, format_time, parse_time
from duologue_pipeline.consent.coverage import Coverage, coverage_moment
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, read_version, swap_bytes
from duologue_pipeline.files.locks import Lease
from duologue_pipeline.files.storage import delete_file, exists, join, move, read_bytes
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.release.strays import remove_strays
from duologue_pipeline.withdrawal.decide import go_on
from duologue_pipeline.withdrawal.journal import Journal, Part, erase_journal, work_folder
from duologue_pipeline.withdrawal.new_release import new_release
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.proof import publish_proof
from duologue_pipeline.withdrawal.refusals import Refusal
from duologue_pipeline.withdrawal.rewrite import RewrittenShard, rewrite_shard
from duologue_pipeline.withdrawal.same_audio import causes_of, live_traces
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from duologue_pipeline.withdrawal.state import ReleaseState, manifest_sha256

__all__ = ["Outcome", "Tell", "Work", "carry_out", "count_reasons", "count_speakers"]

Tell = Callable[[str], None]
"""Is told each step as a line of text."""


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
        speakers: pseudonym of each who may no longer be used -> in how many recordings they are ``silenced`` or ``dropped``.
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
    speakers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """Holds what the steps of a propagation share: the ledger, the lock, when it began, whom to tell, and how to ask anew."""

    ledger: Ledger
    lease: Lease
    began: float
    tell: Tell
    ask: Callable[[], tuple[ReleaseState, Mapping[str, Any]]]


def carry_out(journal: Journal, work: Work) -> Outcome:
    """Carries out what a journal says, from wherever it was left, and what turns out to be left of it.

    Args:
        journal: what was decided.
        work: what the steps share.

    Raises:
        ConflictError: the lock was lost, or another process has written ``dataset.json``.
        UsageError: a shard cannot be rewritten, or something of what was removed is still in the release; the journal stays.
        OSError: the disk or the store does not take it.
    """
    root, release = journal.root, json.loads(journal.old)
    while True:
        rewritten = _renew(journal, work)
        done = [shard for part in journal.done for shard in part.rewritten] + rewritten
        plan = journal.whole_plan()
        work.tell("looking through every file of the release for what was removed")
        new = read_json(join(root, MANIFEST))
        page = next((entry["sha256"] for entry in new["files"] if entry["path"] == REPORT), None)
        findings = list(scan(root, removed_by(plan, done), page_sha256=page))
        if not findings:
            break
        further = _further(journal, rewritten, work)
        if further is None:
            raise UsageError(
                f"{root}: {len(findings)} traces of what was removed are left, the first: {findings[0]}; remove them and "
                "run the command again: until then there is no receipt"
            )
        journal = further
    receipt = publish_proof(journal, done, new, work.ledger, tell=work.tell)
    work.lease.check()
    erase_journal(root)
    return Outcome(
        dataset=root,
        name=release["name"],
        old_version=release["version"],
        new_version=new["version"],
        refusals=count_reasons(journal.refusals),
        counts=plan.counts(),
        touched_bytes=plan.touched_bytes,
        written_bytes=sum(shard.bytes for shard in done),
        seconds=time.monotonic() - work.began,
        receipt=receipt,
        speakers=count_speakers(plan, journal.refusals),
    )


def _renew(journal: Journal, work: Work) -> list[RewrittenShard]:
    """Makes the new version of one part, and removes the one before: steps 3 to 7."""
    root, release, tell = journal.root, json.loads(journal.base), work.tell
    rewritten = list(_rewrite(journal, release, tell))
    if manifest_sha256(root) == journal.base_sha256:
        tell("making the new tables, cards and dataset.json")
        _stage(journal, rewritten, work)
        work.lease.check()
        tell("switching to the new version")
        _switch(journal)
    tell("moving the new tables and cards to their names")
    for path in list(journal.staged()):
        work.lease.check()
        move(journal.path("next", path), join(root, path))
    _delete(root, release, read_json(join(root, MANIFEST)), work.lease, tell)
    return rewritten


def _further(journal: Journal, rewritten: Sequence[RewrittenShard], work: Work) -> Journal | None:
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


def _rewrite(journal: Journal, release: Mapping[str, Any], tell: Tell) -> Iterator[RewrittenShard]:
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


def _stage(journal: Journal, rewritten: Sequence[RewrittenShard], work: Work) -> None:
    asked = work.ledger.snapshot(journal.ledger["events"])  # that on which was decided, so that the bytes are the same
    as_of = parse_time(journal.as_of)
    # no later than the ledger tells: a clock would give other bytes each time
    at = min(as_of, coverage_moment(asked, None) or as_of)
    made = new_release(
        journal.root,
        journal.base.encode(),
        journal.plan,
        rewritten,
        ledger=journal.ledger,
        coverage=Coverage(asked, at),
        checked_at=format_time(at),
        tell=work.tell,
    )
    made = replace(made, document={**made.document, "revocations": dict(journal.revocations)})
    for path in set(journal.staged()) - {file.path for file in made.files}:  # of an attempt that decided otherwise
        delete_file(journal.path("next", path))
    for file in made.files:
        journal.stage(file.path, file.data)
    journal.stage(MANIFEST, made.dataset_json)  # last: it says that the others are there


def _switch(journal: Journal) -> None:
    uri = join(journal.root, MANIFEST)
    version = read_version(uri)
    if version is None or hashlib.sha256(version.data).hexdigest() != journal.base_sha256:
        raise ConflictError(f"{uri} was changed by another process")
    swap_bytes(uri, read_bytes(journal.path("next", MANIFEST)), old=version, work=work_folder(journal.root))


def _delete(root: str, old: Mapping[str, Any], new: Mapping[str, Any], lease: Lease, tell: Tell) -> None:
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


def count_reasons(refusals: Iterable[Refusal]) -> dict[str, int]:
    """Counts the tracks of each reason, in the order of the reasons."""
    counts: dict[str, int] = {}
    for refusal in sorted(refusals, key=lambda refusal: refusal.reason):
        counts[refusal.reason] = counts.get(refusal.reason, 0) + 1
    return counts


def count_speakers(plan: Plan, refusals: Iterable[Refusal]) -> dict[str, dict[str, int]]:
    """Counts the recordings in which each speaker is ``silenced`` or that are ``dropped``, by pseudonym, sorted."""
    actions, counts = plan.actions, dict[str, dict[str, int]]()
    for refusal in sorted(refusals, key=lambda refusal: refusal.commitment):
        action = actions.get(refusal.recording_id)
        if action is not None:
            own = counts.setdefault(refusal.commitment, {"silenced": 0, "dropped": 0})
            own["dropped" if action == "drop" else "silenced"] += 1
    return counts
