"""Keeps the journal of a propagation: a folder ``.propagate`` in the release, there from the first change to the last.

What a propagation decides is written down before anything is changed; whoever finds the journal finishes it with the same
decision, the same clock and the same checkpoint, and so with the same bytes. What was decided since is taken in while the old
version is still there, and where the new one turns out to hold more of what was removed: then the journal goes on with a further
part, which replaces the version that the one before has made.

    journal.json         what was decided
    rewritten/STEM.json  what became of a shard, written when the new one is whole
    next/PATH            a file of the new version, waiting for its place; ``next/dataset.json`` is the last one written
    receipt.json         the receipt, and its number, before it is published
    tmp                  files that are not whole yet, on their way to a name in the release

It holds commitments, sample keys and hashes, as the release does, and no speaker's id.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from duologue_pipeline.files.storage import (
    delete_directory,
    delete_file,
    exists,
    join,
    list_files,
    write_bytes,
)
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.reader.release_file import JOURNAL
from duologue_pipeline.withdrawal.plan import Plan, ShardPlan, joined
from duologue_pipeline.withdrawal.refusals import Refusal
from duologue_pipeline.withdrawal.rewrite import RewrittenShard

__all__ = ["FOLDER", "Journal", "Part", "erase_journal", "read_journal", "work_folder"]

FOLDER: Final = JOURNAL
_SCHEMA: Final = "journal/1.2"
_EARLIER: Final = "journal/1.1"


@dataclass(frozen=True)
class Part:
    """Holds what an earlier part of a propagation has done: its plan, and what became of each shard of it."""

    plan: Plan
    rewritten: tuple[RewrittenShard, ...]

    def document(self) -> dict[str, Any]:
        """Gives the same as JSON values."""
        return {"plan": self.plan.document(), "rewritten": [shard.document() for shard in self.rewritten]}


@dataclass(frozen=True)
class Journal:
    """Holds what a propagation decided, and finds the files of its folder.

    Attributes:
        root: the folder of the release.
        journal_id: random; marks the leaves of this propagation, so that none is appended twice.
        as_of: the moment of the decision, RFC 3339.
        old_sha256: of the ``dataset.json`` before the propagation.
        old: that file.
        base_sha256: of the ``dataset.json`` that is to be replaced: that of before, or what the last part has made.
        base: that file.
        ledger: ``ledger`` of the new ``dataset.json``: the state of the ledger in which this was decided.
        revocations: what the new ``dataset.json`` pins of ``revocations.jsonl``.
        refusals: who no longer allows it.
        leaves: the leaves that took consent away, by their seq.
        plan: what happens to which sample.
        done: the earlier parts.
    """

    root: str
    journal_id: str
    as_of: str
    old_sha256: str
    old: str
    base_sha256: str
    base: str
    ledger: Mapping[str, Any]
    revocations: Mapping[str, Any]
    refusals: tuple[Refusal, ...]
    leaves: tuple[int, ...]
    plan: Plan
    done: tuple[Part, ...] = ()

    def whole_plan(self) -> Plan:
        """Joins the plans of all parts."""
        return joined([*(part.plan for part in self.done), self.plan])

    def covers(self, refusals: Iterable[Refusal]) -> bool:
        """Tells whether the propagation takes out all of these tracks."""
        own = {(refusal.recording_id, refusal.side) for refusal in self.refusals}
        return own.issuperset((refusal.recording_id, refusal.side) for refusal in refusals)

    def path(self, *names: str) -> str:
        """Gives the uri of a file of the journal."""
        return join(self.root, FOLDER, *names)

    def write(self) -> None:
        """Writes ``journal.json``; from then on the propagation is begun."""
        parts = [part.document() for part in self.done]
        document = asdict(self) | {"schema": _SCHEMA, "plan": self.plan.document(), "done": parts}
        del document["root"]
        write_bytes(self.path("journal.json"), json.dumps(document, sort_keys=True).encode() + b"\n")

    def rewritten(self, shard: ShardPlan) -> RewrittenShard | None:
        """Reads what became of the shard; None where it has not been rewritten yet, or by another plan."""
        uri = self.path("rewritten", f"{_stem(shard)}.json")
        if not exists(uri):
            return None
        document = read_json(uri)
        by = document.pop("by", None)
        return RewrittenShard.from_document(document) if by in (None, _by(shard)) else None

    def note(self, shard: ShardPlan, rewritten: RewrittenShard) -> None:
        """Writes down what became of the shard."""
        document = {**rewritten.document(), "by": _by(shard)}
        write_bytes(self.path("rewritten", f"{_stem(shard)}.json"), json.dumps(document, sort_keys=True).encode())

    def stage(self, path: str, data: bytes) -> None:
        """Lays a file of the new version ready."""
        write_bytes(self.path("next", path), data)

    def staged(self) -> Iterator[str]:
        """Lists the paths of the files that lie ready, ``dataset.json`` left out."""
        yield from (path for path in list_files(self.path("next")) if path != MANIFEST)

    @classmethod
    def of_document(cls, root: str, document: Mapping[str, Any]) -> Self:
        """Builds the journal from its JSON.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        if document["schema"] == _EARLIER:
            document = {**document, "base_sha256": document["old_sha256"], "base": document["old"], "done": []}
        elif document["schema"] != _SCHEMA:
            raise ValueError(f"a journal of version {document['schema']}")
        fields = {name: value for name, value in document.items() if name != "schema"}
        fields["refusals"] = tuple(Refusal(**each) for each in document["refusals"])
        fields["leaves"] = tuple(document["leaves"])
        fields["plan"] = Plan.from_document(document["plan"])
        fields["done"] = tuple(
            Part(Plan.from_document(part["plan"]), tuple(map(RewrittenShard.from_document, part["rewritten"])))
            for part in document["done"]
        )
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


def _by(shard: ShardPlan) -> str:
    """Names what was to be done with a shard, so that what was made of it by another plan is not taken for it."""
    return hashlib.sha256(json.dumps(asdict(shard), sort_keys=True).encode()).hexdigest()
