"""Appends the leaves of a withdrawal to the ledger, each of them once however often the propagation is run again."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from duologue_consent import Ledger
from duologue_pipeline.withdrawal.journal import Journal
from duologue_pipeline.withdrawal.rewrite import RewrittenShard

__all__ = ["SHARD_REVOKED", "append_once", "log_removed_shards", "removal_salt"]

SHARD_REVOKED: Final = "shard.revoked"
"""The kind of a leaf that says which shard held a speaker who withdrew."""


def append_once(
    ledger: Ledger, kind: str, entries: Sequence[tuple[Mapping[str, Any], str | None]], *, names: Sequence[str]
) -> list[int]:
    """Appends leaves that are not there yet; gives the seq of each.

    Args:
        ledger: where.
        kind: of all of them.
        entries: fields and subject of each.
        names: the fields by which a leaf is known again.
    """
    if not entries:
        return []
    known = {
        tuple(record.fields[name] for name in names): record.seq
        for record in ledger.records(kind)
        if record.fields is not None and all(name in record.fields for name in names)
    }
    seqs = []
    for fields, subject in entries:
        identity = tuple(fields[name] for name in names)
        if identity not in known:
            known[identity] = ledger.append(kind, fields, subject=subject).seq
        seqs.append(known[identity])
    return seqs


def log_removed_shards(journal: Journal, rewritten: Sequence[RewrittenShard], ledger: Ledger) -> list[int]:
    """Appends a leaf for each old shard and each speaker in it who withdrew, sealed under that speaker's key.

    Args:
        journal: the propagation.
        rewritten: what became of each shard of all its parts.
        ledger: the ledger.

    Returns:
        The seq of each leaf, also of those that an earlier attempt appended.
    """
    snapshot = ledger.snapshot()
    ids = {snapshot.commitment(speaker_id): speaker_id for speaker_id in snapshot.speakers}
    outcome = {shard.old_path: shard for shard in rewritten}
    withdrawn: dict[str, set[str]] = {}
    for refusal in journal.refusals:
        withdrawn.setdefault(refusal.recording_id, set()).add(refusal.commitment)
    entries = []
    for shard in journal.whole_plan().shards:
        own: dict[str, list[str]] = {}
        for sample in shard.samples:
            if sample.action != "keep":
                for commitment in withdrawn[sample.key.rpartition("-")[0]]:
                    own.setdefault(commitment, []).append(sample.key)
        for commitment, keys in sorted(own.items()):
            fields = {
                "journal_id": journal.journal_id,
                "dataset": json.loads(journal.old)["name"],
                "speaker": commitment,
                "old_path": shard.path,
                "old_sha256": shard.sha256,
                "new_path": outcome[shard.path].path,
                "samples": {key: removal_salt(ledger, journal, key).hex() for key in sorted(keys)},
            }
            entries.append((fields, ids.get(commitment)))
    return append_once(ledger, SHARD_REVOKED, entries, names=("journal_id", "speaker", "old_path"))


def removal_salt(ledger: Ledger, journal: Journal, key: str) -> bytes:
    """Derives the salt of a removed sample's commitment.

    Nobody can guess it who does not hold the ledger's secret key, and it is the same again after a kill. It lies sealed in
    the leaf's record, for the speaker who asks which samples were theirs.

    Returns:
        32 bytes.
    """
    message = f"duologue removed sample/1.0\n{journal.journal_id}\n{key}".encode()
    return hmac.new(hashlib.sha256(ledger.signer.sign(message)).digest(), message, hashlib.sha256).digest()
