"""Proves a withdrawal: publishes the log with the leaves that say which shards went, and the receipt.

The receipt is made once, kept in the journal, held against the product's own verifier, and only then put in its place. One that
does not hold is never left where somebody could take it for one that does.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from duologue_consent import Ledger
from duologue_consent.ledger.publication import publish_log
from duologue_consent.lineage.store import all_were_told
from duologue_consent.proofs.leaves import commit
from duologue_consent.proofs.notes import open_checkpoint
from duologue_consent.proofs.receipt import FileChange, LeafProof, Receipt, Removal
from duologue_consent.verify import verify_receipt
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, read_version, swap_bytes
from duologue_pipeline.files.storage import exists, is_remote, join, list_entries, read_bytes, write_bytes
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.release.strays import RECEIPTS
from duologue_pipeline.withdrawal.journal import Journal, work_folder
from duologue_pipeline.withdrawal.leaves import SHARD_REVOKED, log_removed_shards, removal_salt
from duologue_pipeline.withdrawal.pages import write_pages
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.release_folder import ReleaseFolder, keeps_old_versions
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.state import manifest_sha256

__all__ = ["OUT_OF_SCOPE", "publish_proof"]

OUT_OF_SCOPE: Final = {
    "backups": "copies of the dataset made outside of its folder, snapshots of disks and logs of databases are kept and "
    "deleted by whoever makes them",
    "copies downloaded by others": "who received the release before holds it still; they can be told, and readers of "
    "duologue that see the new revocations.jsonl leave the samples out",
    "source recordings": "the audio and word files that the release was made from are not in its folder",
    "trained weights": "what a model learned from the samples cannot be taken out of it here",
}


def publish_proof(
    journal: Journal,
    rewritten: Sequence[RewrittenShard],
    new: Mapping[str, Any],
    ledger: Ledger,
    *,
    tell: Callable[[str], None],
) -> str:
    """Logs what was removed, publishes the log, and leaves a receipt that holds, with its page.

    Args:
        journal: the propagation; all its files are in their places and the old ones gone.
        rewritten: what became of each shard of all its parts, in their order.
        new: the new ``dataset.json``.
        ledger: the ledger.
        tell: is told each step.

    Returns:
        The path of the receipt, ``receipts/NNNN.json``.

    Raises:
        UsageError: the verifier refuses the receipt; it is not published.
    """
    tell(f"appending {SHARD_REVOKED} to the ledger")
    seqs = log_removed_shards(journal, rewritten, ledger)
    uri = journal.path("receipt.json")
    if exists(uri):
        kept = read_json(uri)
        path, data = kept["path"], kept["receipt"].encode()
        if exists(join(journal.root, path)) and read_bytes(join(journal.root, path)) == data:
            write_pages(journal.root)
            return str(path)
    tell("publishing the log and a new checkpoint")
    note = ledger.checkpoint()
    work = work_folder(journal.root)
    publish_log(
        ledger, lambda name, content: write_bytes(join(journal.root, name), content, work=work), checkpoint=note
    )
    path, previous = _number(journal.root)
    receipt = _receipt(journal, rewritten, new, ledger, note, [*journal.leaves, *seqs], previous)
    data = receipt.signed([ledger.signer]).to_bytes()
    write_bytes(uri, json.dumps({"path": path, "receipt": data.decode()}).encode())
    tell("holding the receipt against the verifier")
    findings = verify_receipt(
        data,
        keys=ledger.public_key_text(),
        checkpoint=note,
        dataset=ReleaseFolder(journal.root),
        log=b"".join(ledger.log_lines(stop=open_checkpoint(note, ledger.verifiers).size)),
    )
    faults = [finding.text for finding in findings if finding.kind == "fault"]
    if faults:
        raise UsageError(
            f"{journal.root}: the receipt would not hold and is not published: {'; '.join(faults[:3])}; repair that and "
            "run the command again"
        )
    try:
        swap_bytes(join(journal.root, path), data, old=None, work=work)
    except ConflictError:
        found = read_version(join(journal.root, path))
        if found is None or found.data != data:
            raise
    write_pages(journal.root)
    return path


def _receipt(
    journal: Journal,
    rewritten: Sequence[RewrittenShard],
    new: Mapping[str, Any],
    ledger: Ledger,
    note: bytes,
    seqs: Iterable[int],
    previous: Mapping[str, str] | None,
) -> Receipt:
    old = json.loads(journal.old)
    checkpoint = open_checkpoint(note, ledger.verifiers)
    old_note = old["ledger"]["checkpoint"].encode()
    leaves = []
    for seq in sorted(set(seqs)):
        (line,) = ledger.log_lines(seq, seq + 1)
        leaves.append(LeafProof(seq, line.removesuffix(b"\n"), ledger.inclusion_proof(seq, checkpoint.size)))
    return Receipt(
        issued_at=journal.as_of,
        ledger_id=old["ledger"]["ledger_id"],
        origin=checkpoint.origin,
        dataset=old["name"],
        old_version=old["version"],
        new_version=new["version"],
        leaves=leaves,
        old_checkpoint=old_note,
        new_checkpoint=note,
        consistency=ledger.consistency_proof(open_checkpoint(old_note, ledger.verifiers).size, checkpoint.size),
        removed=_removed(journal.whole_plan(), lambda key: commit(key, removal_salt(ledger, journal, key))),
        files=_files(journal, old, new, rewritten, ledger),
        out_of_scope=OUT_OF_SCOPE | _old_versions(journal.root),
        previous=previous,
        revocations=journal.revocations,
    )


def _removed(plan: Plan, name: Callable[[str], str]) -> list[Removal]:
    removed = {  # of a sample that was silenced and then dropped the latter counts
        sample.key: Removal(
            name(sample.key), "dropped" if sample.action == "drop" else "silenced", round(sample.duration_s, 3)
        )
        for shard in plan.shards
        for sample in shard.samples
        if sample.action != "keep"
    }
    return list(removed.values())


def _files(
    journal: Journal,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    rewritten: Sequence[RewrittenShard],
    ledger: Ledger,
) -> list[FileChange]:
    """Lists every file that is another one than before, or gone."""
    speakers = {refusal.commitment for refusal in journal.refusals}
    if keeps_old_versions(journal.root):
        gone = "LOGICAL"
    elif all_were_told(ledger, dataset=old["name"], speakers=speakers):
        gone = "NOTIFIED"
    else:
        gone = "PHYSICAL"
    new_manifest = manifest_sha256(journal.root)
    changes = [FileChange(MANIFEST, journal.old_sha256, MANIFEST, new_manifest, gone)]
    shards: dict[str, FileChange] = {}
    for each in rewritten:
        before = shards.pop(each.old_path, None)  # a part before this one has made it
        path, sha256 = (each.old_path, each.old_sha256) if before is None else (before.path, before.old_sha256)
        shards[each.path or path] = FileChange(path, sha256, each.path, each.sha256 or None, gone)
    changes += shards.values()
    after = {entry["path"]: entry["sha256"] for entry in new["files"]}
    for entry in old["files"]:
        path, sha256 = entry["path"], entry["sha256"]
        if after.get(path) != sha256:
            changes.append(FileChange(path, sha256, path if path in after else None, after.get(path), gone))
    return changes


def _old_versions(root: str) -> dict[str, str]:
    if not is_remote(root) or not keeps_old_versions(root):
        return {}
    return {
        "earlier versions in the bucket": "the bucket keeps what is deleted, as earlier versions or for a while; delete "
        "those, or have a rule of the bucket do it"
    }


def _number(root: str) -> tuple[str, dict[str, str] | None]:
    """Gives the path of the next receipt, and what names the one before it."""
    names = sorted(name for name in list_entries(join(root, RECEIPTS)) if name.endswith(".json"))
    if not names:
        return f"{RECEIPTS}/0001.json", None
    number = int(names[-1].removesuffix(".json")) + 1
    last = read_bytes(join(root, RECEIPTS, names[-1]))
    return f"{RECEIPTS}/{number:04d}.json", {"name": names[-1], "sha256": hashlib.sha256(last).hexdigest()}
