"""A ledger, a release and a receipt, made by the modules themselves and small enough to look at."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from duologue_consent.proofs.keys import SigningKey
from duologue_consent.proofs.leaves import commit, make_leaf, make_opening
from duologue_consent.proofs.merkle import consistency_path, inclusion_path, leaf_hash, root_of
from duologue_consent.proofs.notes import Checkpoint, sign_note
from duologue_consent.proofs.receipt import FileChange, LeafProof, Receipt, Removal

KEY = SigningKey("consent.example/ledger-1", bytes(range(32)))
KINDS = ("consent.grant",) * 5 + ("consent.withdraw", "shard.revoked")
OUT_OF_SCOPE = {
    "copies downloaded by others": "their holders were told, they are not ours to delete",
    "trained weights": "what a model learned cannot be taken out of it",
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def shard_path(data: bytes, number: int = 0) -> str:
    return f"shards/train-{number:05d}-{sha256(data)[:12]}.tar"


def make_leaves(ledger_id: str = "ledger-1", kinds: tuple[str, ...] = KINDS) -> list[bytes]:
    """Leaves of made-up events; the salts are hashes of counters, so that they are the same each time."""
    leaves = []
    for seq, kind in enumerate(kinds):
        salts = iter(range(100))
        opening = make_opening(
            {"speaker_id": "spk-17", "purpose": "training_inhouse"},
            entropy=lambda length, seq=seq, salts=salts: hashlib.sha256(b"%d/%d" % (seq, next(salts))).digest()[
                :length
            ],  # type: ignore[misc]
        )
        leaves.append(make_leaf(opening, ledger_id=ledger_id, seq=seq, kind=kind))
    return leaves


def make_checkpoint(leaves: list[bytes], size: int, key: SigningKey = KEY) -> bytes:
    """The signed checkpoint of the first ``size`` leaves."""
    root = root_of([leaf_hash(leaf) for leaf in leaves[:size]])
    return sign_note(Checkpoint(key.name, size, root).text(), [key])


OLD_SHARD, NEW_SHARD, UNTOUCHED_SHARD = b"ann and ben; cleo and dan", b"cleo and dan", b"eve and fay"


@dataclass(frozen=True)
class World:
    """Everything that a verifier reads, before it is written; change a part with ``dataclasses.replace``."""

    leaves: list[bytes] = field(default_factory=make_leaves)
    files: Mapping[str, bytes] = field(
        default_factory=lambda: {shard_path(NEW_SHARD): NEW_SHARD, shard_path(UNTOUCHED_SHARD, 1): UNTOUCHED_SHARD}
    )
    ledger_id: str = "ledger-1"
    old_size: int = 4
    new_size: int = 7
    key: SigningKey = KEY

    def manifest(self) -> bytes:
        """dataset.json of the new release."""
        entries = [{"path": path, "sha256": sha256(data)} for path, data in sorted(self.files.items())]
        document: dict[str, Any] = {
            "name": "demo",
            "version": "2.0.0",
            "ledger": {"ledger_id": self.ledger_id},
            "shards": [each for each in entries if each["path"].startswith("shards/")],
            "files": [each for each in entries if not each["path"].startswith("shards/")],
        }
        return json.dumps(document).encode()

    def receipt(self, **changes: Any) -> Receipt:
        """The receipt of the withdrawal, with some of its parts exchanged."""
        hashes = [leaf_hash(leaf) for leaf in self.leaves[: self.new_size]]
        receipt = Receipt(
            issued_at="2026-05-04T08:31:00Z",
            ledger_id=self.ledger_id,
            origin=self.key.name,
            dataset="demo",
            old_version="1.0.0",
            new_version="2.0.0",
            leaves=[LeafProof(seq, self.leaves[seq], inclusion_path(hashes, seq)) for seq in (5, 6)],
            old_checkpoint=make_checkpoint(self.leaves, self.old_size, self.key),
            new_checkpoint=make_checkpoint(self.leaves, self.new_size, self.key),
            consistency=consistency_path(hashes, self.old_size),
            removed=[Removal(commit("call-0001-000", bytes(32)), "dropped", 12.5)],
            files=[
                FileChange("dataset.json", "0" * 64, "dataset.json", sha256(self.manifest()), "PHYSICAL"),
                FileChange(
                    shard_path(OLD_SHARD), sha256(OLD_SHARD), shard_path(NEW_SHARD), sha256(NEW_SHARD), "PHYSICAL"
                ),
            ],
            out_of_scope=OUT_OF_SCOPE,
        )
        return replace(receipt, **changes)

    def write(self, folder: Path, receipt: bytes | None = None) -> Path:
        """Writes the release with all that is published beside the receipt; gives the path of the receipt."""
        for path, data in {
            **self.files,
            "dataset.json": self.manifest(),
            "checkpoint": make_checkpoint(self.leaves, self.new_size, self.key),
            "ledger.pub": self.key.verifier.text.encode() + b"\n",
            "log.jsonl": b"".join(leaf + b"\n" for leaf in self.leaves),
            "receipts/0001.json": receipt or self.receipt().signed([self.key]).to_bytes(),
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder / "receipts" / "0001.json"
