"""The withdrawal receipt: an in-toto Statement v1 about the files of a release, signed as a DSSE envelope. No I/O.

The statement's subjects are the new files; its predicate (``receipt.schema.json``) says what was removed, from which
files, how far that got, by which leaves of the ledger, and what it cannot reach. Levels, each including the ones before:
LOGGED (the withdrawal stands in the ledger), LOGICAL (the release no longer names the old file), PHYSICAL (the old file is
gone), NOTIFIED (those who received the old release were told). The rules that a statement must keep stand once, in
:func:`duologue_consent.verify.statement_faults`; a receipt that breaks one is not made.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from duologue_consent.proofs.dsse import Envelope, sign_envelope
from duologue_consent.proofs.keys import SigningKey
from duologue_consent.verify import statement_faults

__all__ = [
    "PAYLOAD_TYPE",
    "PREDICATE_TYPE",
    "STATEMENT_TYPE",
    "FileChange",
    "LeafProof",
    "Receipt",
    "ReceiptFault",
    "Removal",
]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:duologue:receipt:1.0"


class ReceiptFault(ValueError):
    """A receipt would not hold; the message says all that is wrong with it."""


@dataclass(frozen=True)
class LeafProof:
    """A leaf of the ledger and its inclusion path in the tree of the new checkpoint."""

    seq: int
    leaf: bytes
    inclusion: Sequence[bytes]


@dataclass(frozen=True)
class Removal:
    """A sample that is gone.

    ``sample`` is a commitment to its key (its opening goes to the speaker), ``how`` is ``dropped`` (all of it) or
    ``silenced`` (the speaker's channel).
    """

    sample: str
    how: str
    duration_s: float


@dataclass(frozen=True)
class FileChange:
    """A file before and after; ``new_path`` and ``new_sha256`` are None where nothing took its place.

    At level LOGGED path and hash are as before.
    """

    path: str
    old_sha256: str
    new_path: str | None
    new_sha256: str | None
    level: str


@dataclass(frozen=True)
class Receipt:
    """All that a receipt says.

    Attributes:
        issued_at: when, as :func:`duologue_consent.decisions.events.format_time` writes it.
        ledger_id, origin: which ledger, by its id and as the origin of its checkpoints.
        dataset, old_version, new_version: the release before and after.
        leaves: the events that took consent away, and others that belong to it (``shard.revoked``).
        old_checkpoint, new_checkpoint: signed notes: the one that the old release pinned, and one that covers the leaves.
        consistency: the path from the old to the new checkpoint.
        removed: what is gone.
        files: every file that changed, ``dataset.json`` among them; sorted by path in the output.
        out_of_scope: what the withdrawal does not reach, and why. Never empty.
        previous: ``name`` and ``sha256`` of the receipt of the version before, None for the first: so an old receipt stays
            verifiable by way of the later ones.
        revocations: ``bytes`` and ``sha256`` of ``revocations.jsonl`` when this was decided, None where there was none.
    """

    issued_at: str
    ledger_id: str
    origin: str
    dataset: str
    old_version: str
    new_version: str
    leaves: Sequence[LeafProof]
    old_checkpoint: bytes
    new_checkpoint: bytes
    consistency: Sequence[bytes]
    removed: Sequence[Removal]
    files: Sequence[FileChange]
    out_of_scope: Mapping[str, str]
    previous: Mapping[str, str] | None = None
    revocations: Mapping[str, Any] | None = None

    def statement(self) -> bytes:
        """The in-toto Statement v1 as canonical JSON (RFC 8785); the same receipt gives the same bytes.

        Raises:
            ReceiptFault: a reader would refuse it.
        """
        files = [vars(each) for each in sorted(self.files, key=lambda each: each.path)]
        statement: dict[str, Any] = {
            "_type": STATEMENT_TYPE,
            "subject": [
                {"name": each["new_path"], "digest": {"sha256": each["new_sha256"]}}
                for each in files
                if each["new_path"] is not None
            ],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "schema": "receipt/1.0",
                "issued_at": self.issued_at,
                "ledger": {"ledger_id": self.ledger_id, "origin": self.origin},
                "dataset": {"name": self.dataset, "old_version": self.old_version, "new_version": self.new_version},
                "leaves": [
                    {"seq": each.seq, "leaf": each.leaf.decode(), "inclusion": [part.hex() for part in each.inclusion]}
                    for each in sorted(self.leaves, key=lambda each: each.seq)
                ],
                "checkpoints": {
                    "old": self.old_checkpoint.decode(),
                    "new": self.new_checkpoint.decode(),
                    "consistency": [part.hex() for part in self.consistency],
                },
                "removed": [vars(each) for each in sorted(self.removed, key=lambda each: each.sample)],
                "files": files,
                "out_of_scope": [{"what": what, "why": why} for what, why in sorted(self.out_of_scope.items())],
                "previous": None if self.previous is None else dict(self.previous),
                "revocations": None if self.revocations is None else dict(self.revocations),
            },
        }
        data = rfc8785.dumps(statement)
        faults = statement_faults(json.loads(data))
        if faults:
            raise ReceiptFault(f"this receipt would not hold: {'; '.join(faults)}")
        return data

    def signed(self, keys: Sequence[SigningKey]) -> Envelope:
        """The receipt as it is published.

        Raises:
            ReceiptFault: a reader would refuse it.
            EnvelopeFault: there is no key.
        """
        return sign_envelope(PAYLOAD_TYPE, self.statement(), keys)
