"""Keeps the journal of a propagation: a folder ``.propagate`` in the release, there from the first change to the last.

What a propagation decides is decided once and written down before anything is changed; whoever finds the journal finishes it
with the same decision, the same clock and the same checkpoint, and so with the same bytes.

    journal.json         what was decided
    rewritten/STEM.json  what became of a shard, written when the new one is whole
    next/PATH            a file of the new version, waiting for its place; ``next/dataset.json`` is the last one written
    receipt.json         the receipt, and its number, before it is published
    tmp                  files that are not whole yet, on their way to a name in the release

It holds commitments, sample keys and hashes, as the release does, and no speaker's id.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from duologue_pipeline.files.storage import (
    delete_directory,
    delete_file,
    exists,
    join,
    list_entries,
    write_bytes,
)
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.withdrawal.plan import Plan, ShardPlan
from duologue_pipeline.withdrawal.refusals import Refusal
from duologue_pipeline.withdrawal.rewrite import RewrittenShard

__all__ = ["FOLDER", "Journal", "erase_journal", "read_journal", "work_folder"]

FOLDER: Final = ".propagate"
_SCHEMA: Final = "journal/1.1"


@dataclass(frozen=True)
class Journal:
    """Holds what a propagation decided, and finds the files of its folder.

    Attributes:
        root: the folder of the release.
        journal_id: random; marks the leaves of this propagation, so that none is appended twice.
        as_of: the moment of the decision, RFC 3339.
        old_sha256: of the ``dataset.json`` that is to be replaced.
        old: that file.
        ledger: ``ledger`` of the new ``dataset.json``: the state of the ledger in which this was decided.
        revocations: what the new ``dataset.json`` pins of ``revocations.jsonl``.
        refusals: who no longer allows it.
        leaves: the leaves that took consent away, by their seq.
        plan: what happens to which sample.
    """

    root: str
    journal_id: str
    as_of: str
    old_sha256: str
    old: str
    ledger: Mapping[str, Any]
    revocations: Mapping[str, Any]
    refusals: tuple[Refusal, ...]
    leaves: tuple[int, ...]
    plan: Plan

    def path(self, *names: str) -> str:
        """Gives the uri of a file of the journal."""
        return join(self.root, FOLDER, *names)

    def write(self) -> None:
        """Writes ``journal.json``; from then on the propagation is begun."""
        document = asdict(self) | {"schema": _SCHEMA, "plan": self.plan.document()}
        del document["root"]
        write_bytes(self.path("journal.json"), json.dumps(document, sort_keys=True).encode() + b"\n")

    def rewritten(self, shard: ShardPlan) -> RewrittenShard | None:
        """Reads what became of the shard; None where it has not been rewritten yet."""
        uri = self.path("rewritten", f"{_stem(shard)}.json")
        return RewrittenShard.from_document(read_json(uri)) if exists(uri) else None

    def note(self, shard: ShardPlan, rewritten: RewrittenShard) -> None:
        """Writes down what became of the shard."""
        write_bytes(
            self.path("rewritten", f"{_stem(shard)}.json"), json.dumps(rewritten.document(), sort_keys=True).encode()
        )

    def stage(self, path: str, data: bytes) -> None:
        """Lays a file of the new version ready."""
        write_bytes(self.path("next", path), data)

    def staged(self) -> Iterator[str]:
        """Lists the paths of the files that lie ready, ``dataset.json`` left out."""
        yield from (name for name in list_entries(self.path("next")) if name != MANIFEST)

    @classmethod
    def of_document(cls, root: str, document: Mapping[str, Any]) -> Self:
        """Builds the journal from its JSON.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        if document["schema"] != _SCHEMA:
            raise ValueError(f"a journal of version {document['schema']}")
        fields = {name: value for name, value in document.items() if name != "schema"}
        fields["refusals"] = tuple(Refusal(**each) for each in document["refusals"])
        fields["leaves"] = tuple(document["leaves"])
        fields["plan"] = Plan.from_document(document["plan"])
        return cls(root=root, **fields)


def read_journal(root: str) -> Journal | None:
    """Reads the journal of a propagation that was begun and not finished; None where there is none.

    Raises:
        ValueError: there is one that cannot be read.
    """
    uri = join(root, FOLDER, "journal.json")
    if not exists(uri):
        return None
    try:
        return Journal.of_document(root, read_json(uri))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{uri}: is no journal that this duologue can read ({error!r})") from None


def work_folder(root: str) -> str:
    """Gives the folder for what is not whole yet, on its way to a name in the release."""
    return join(root, FOLDER, "tmp")


def erase_journal(root: str) -> None:
    """Removes the journal: first what says that there is one, so that what is left of it then is only rubbish."""
    uri = join(root, FOLDER, "journal.json")
    if exists(uri):
        delete_file(uri)
    delete_directory(join(root, FOLDER))


def _stem(shard: ShardPlan) -> str:
    return shard.path.rpartition("/")[2].removesuffix(".tar")
