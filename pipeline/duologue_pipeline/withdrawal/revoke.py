"""Publishes who may no longer be read: the signed lines of ``revocations.jsonl``."""

from collections.abc import Iterator, Mapping
from typing import Any

from duologue_consent import Ledger
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import ConflictError, Version, read_version, swap_bytes
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.reader.revocations import (
    FILE_NAME,
    Revocation,
    RevocationError,
    Revocations,
    append_line,
    parse_revocations,
    trusted_keys,
)
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.withdrawal.journal import work_folder
from duologue_pipeline.withdrawal.state import ReleaseState

__all__ = ["published_revocations", "revoke"]


def revoke(state: ReleaseState, ledger: Ledger) -> bool:
    """Publishes the revocations that are not published yet, so that readers leave the samples out.

    Needs no lock: who loses the race against another process looks again at what is there.

    Args:
        state: the release and who may no longer be used.
        ledger: its key signs them.

    Returns:
        Whether there were any.

    Raises:
        UsageError: what is published cannot be trusted.
    """
    key_text, keys, work = ledger.public_key_text(), join(state.root, "ledger.pub"), work_folder(state.root)
    while True:
        version, before = published_revocations(state.root, state.release, key_text)
        known = {(entry.shard, entry.key, entry.speaker) for entry in before.entries}
        entries = [entry for entry in _entries(state) if (entry.shard, entry.key, entry.speaker) not in known]
        if not entries:
            return False
        data = append_line(
            before,
            entries,
            ledger_id=state.release["ledger"]["ledger_id"],
            dataset=state.release["name"],
            published_at=state.as_of,
            keys=[ledger.signer],
        )
        try:
            published = read_version(keys)
            if published is None or published.data != key_text.encode():
                # after a rotation readers need the new key first
                swap_bytes(keys, key_text.encode(), old=published, work=work)
            swap_bytes(join(state.root, FILE_NAME), data, old=version, work=work)
            return True
        except ConflictError:
            continue


def published_revocations(root: str, release: Mapping[str, Any], key_text: str) -> tuple[Version | None, Revocations]:
    """Reads and checks the ``revocations.jsonl`` of a release.

    Args:
        root: the folder.
        release: the document of ``dataset.json``.
        key_text: the ledger's public keys, the content of ``ledger.pub``.

    Returns:
        The version of the file, None where there is none, and what it holds.

    Raises:
        UsageError: it cannot be trusted.
    """
    version = read_version(join(root, FILE_NAME))
    try:
        keys = trusted_keys(key_text, release["ledger"]["checkpoint"])
        return version, parse_revocations(
            version.data if version else b"",
            keys=keys,
            ledger_id=release["ledger"]["ledger_id"],
            pinned=release.get("revocations"),
        )
    except RevocationError as error:
        raise UsageError(
            f"{join(root, FILE_NAME)}: {error}; find out who changed it and put back the file that was published"
        ) from None


def _entries(state: ReleaseState) -> Iterator[Revocation]:
    refused = {(refusal.recording_id, refusal.side): refusal for refusal in state.refusals}
    names = {refusal.recording_id for refusal in state.refusals}
    for row in iter_rows(state.index, ["shard", "key", "recording_id"]):
        if row["recording_id"] in names:
            for side in SPEAKERS:
                refusal = refused.get((row["recording_id"], side))
                if refusal is not None:
                    yield Revocation(
                        row["shard"], row["key"], refusal.commitment, refusal.reason, refusal.seq, refusal.at
                    )
