"""Reads and continues ``revocations.jsonl``: the samples that readers leave out, before any shard is rewritten.

Rules of the file
- One line a publication: a DSSE envelope, signed with the ledger's key, over a document that names the ledger, its own
  number and the hash of all lines before it. So lines are only ever added: an edited, moved or missing one is found.
- An entry names a sample in a shard. Shards are named after their content, so an entry never strikes what is written
  later: the silenced sample in the new shard has the same key and is read again.
- Keys are those of ``ledger.pub``, which must be the ones that signed the checkpoint in ``dataset.json``.
- ``dataset.json`` of a release made by a withdrawal pins how the file began; readers remember what they saw. That finds
  lines cut off its end, except by who can also put back an older ``dataset.json``.

What does not hold is never passed over: a reader that cannot trust the file stops.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import rfc8785

from duologue_consent.proofs.dsse import EnvelopeError, load_json, parse_envelope, sign_envelope, verify_envelope
from duologue_consent.proofs.keys import SigningKey, UnusableKeyError, VerifierKey, parse_verifiers
from duologue_consent.proofs.notes import NoteError, open_checkpoint

__all__ = [
    "FILE_NAME",
    "PAYLOAD_TYPE",
    "Revocation",
    "RevocationError",
    "Revocations",
    "append_line",
    "entries_since",
    "parse_revocations",
    "pin",
    "trusted_keys",
]

FILE_NAME: Final = "revocations.jsonl"
PAYLOAD_TYPE: Final = "application/vnd.duologue.revocations+json"
_SCHEMA: Final = "revocations/1.0"


class RevocationError(ValueError):
    """Says why the file cannot be trusted; the message is the end of a sentence that names the file."""


@dataclass(frozen=True, order=True)
class Revocation:
    """Names a sample that must not be read, and why.

    Attributes:
        shard: the path of the shard, e.g. ``shards/train-00000-0123456789ab.tar``.
        key: the sample.
        speaker: the commitment of who no longer allows it.
        reason: the ``consent_*`` code.
        seq: the leaf of the ledger that took consent away, from 0; None where time alone did (a grant that expired).
        at: since when, RFC 3339.
    """

    shard: str
    key: str
    speaker: str
    reason: str
    seq: int | None
    at: str


@dataclass(frozen=True)
class Revocations:
    """Holds the file, checked to its end.

    Attributes:
        data: its bytes.
        lines: how many publications.
        entries: all of them, in the order of the file.
    """

    data: bytes = b""
    lines: int = 0
    entries: tuple[Revocation, ...] = ()
    _struck: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    def strike(self, shard: str, key: str) -> bool:
        """Tells whether the sample ``key`` of the shard must not be read."""
        return (shard, key) in self._struck


def entries_since(revocations: Revocations, size: int) -> tuple[Revocation, ...]:
    """Lists what was published after the file had this many bytes.

    Args:
        revocations: the file, checked.
        size: the length of its beginning that ends with a line.
    """
    published: list[Revocation] = []
    for line in revocations.data[size:].splitlines(keepends=True):
        document = load_json(parse_envelope(line).payload, FILE_NAME)
        published += [_entry(**entry) for entry in document["entries"]]
    return tuple(published)


def trusted_keys(key_text: str, checkpoint: str) -> tuple[VerifierKey, ...]:
    """Finds the keys of ``ledger.pub`` that may sign for the ledger whose checkpoint ``dataset.json`` pins.

    Raises:
        RevocationError: the keys are of another ledger, or cannot be read.
    """
    try:
        keys = parse_verifiers(key_text)
        origin = open_checkpoint(checkpoint.encode(), keys).origin
    except (UnusableKeyError, NoteError) as error:
        raise RevocationError(f"ledger.pub does not belong to the checkpoint in dataset.json ({error})") from None
    return tuple(key for key in keys if key.name == origin)


def pin(revocations: Revocations) -> dict[str, Any]:
    """Builds what ``dataset.json`` says about the file: how many bytes it begins with, and their SHA-256."""
    return {"bytes": len(revocations.data), "sha256": hashlib.sha256(revocations.data).hexdigest()}


def append_line(
    before: Revocations,
    entries: Sequence[Revocation],
    *,
    ledger_id: str,
    dataset: str,
    published_at: str,
    keys: Sequence[SigningKey],
) -> bytes:
    """Builds the bytes of the file with one publication more; the same arguments give the same bytes."""
    document: dict[str, Any] = {
        "schema": _SCHEMA,
        "ledger_id": ledger_id,
        "dataset": dataset,
        "number": before.lines,
        "previous_sha256": hashlib.sha256(before.data).hexdigest(),
        "published_at": published_at,
        "entries": [asdict(entry) for entry in sorted(entries, key=_order)],
    }
    return before.data + sign_envelope(PAYLOAD_TYPE, rfc8785.dumps(document), keys).to_bytes()


def parse_revocations(
    data: bytes,
    *,
    keys: Sequence[VerifierKey],
    ledger_id: str,
    pinned: Mapping[str, Any] | None = None,
    before: Revocations | None = None,
) -> Revocations:
    """Reads and checks the file.

    Args:
        data: its bytes; empty where it is not there.
        keys: from :func:`trusted_keys`.
        ledger_id: the ledger of the release.
        pinned: what ``dataset.json`` says, see :func:`pin`; None where it says nothing.
        before: what was read before; the file must continue it.

    Raises:
        RevocationError: it is not what it should be.
    """
    start = len(data) if pinned is None else pinned["bytes"]
    if pinned is not None and hashlib.sha256(data[:start]).hexdigest() != pinned["sha256"]:
        raise RevocationError("it does not begin as dataset.json says: it was cut short or exchanged")
    known = before or Revocations()
    if not data.startswith(known.data):
        raise RevocationError("it no longer begins with what was read before: it was cut short or exchanged")
    entries, position, lines = list(known.entries), len(known.data), known.lines
    while position < len(data):
        line, newline, _ = data[position:].partition(b"\n")
        if not newline:
            raise RevocationError("its last line is cut off")
        previous = hashlib.sha256(data[:position]).hexdigest()
        entries += _entries(line + b"\n", lines, previous, keys, ledger_id)
        position, lines = position + len(line) + 1, lines + 1
    struck = frozenset((entry.shard, entry.key) for entry in entries)
    return Revocations(data, lines, tuple(entries), struck)


def _entries(
    line: bytes, number: int, previous_sha256: str, keys: Sequence[VerifierKey], ledger_id: str
) -> list[Revocation]:
    where = f"line {number + 1}"
    try:
        envelope = parse_envelope(line)
        verdict = verify_envelope(envelope, keys, payload_type=PAYLOAD_TYPE)
        if not verdict:
            raise RevocationError(f"{where} is not signed by the ledger ({verdict.fault})")
        # Nobody signs the keyid and the spaces; so that no byte can change unnoticed they stand in one way only.
        if envelope.to_bytes() != line or {each.keyid for each in envelope.signatures} != set(verdict.verified):
            raise RevocationError(f"{where} is not written in the one canonical way: it was edited")
        document = load_json(envelope.payload, where)
        said = (document["schema"], document["ledger_id"], document["number"], document["previous_sha256"])
        if said != (_SCHEMA, ledger_id, number, previous_sha256):
            raise RevocationError(f"{where} does not continue the lines before it, or is of another ledger")
        return [_entry(**entry) for entry in document["entries"]]
    except EnvelopeError as error:
        raise RevocationError(f"{where}: {error}") from None
    except (KeyError, TypeError):
        raise RevocationError(f"{where} is no list of revocations of version {_SCHEMA}") from None


def _entry(*, shard: str, key: str, speaker: str, reason: str, seq: int | None, at: str) -> Revocation:
    """Builds an entry of what was signed; TypeError where a field is missing, unknown, or not of its type."""
    if not all(isinstance(text, str) for text in (shard, key, speaker, reason, at)):
        raise TypeError
    if seq is not None and type(seq) is not int:
        raise TypeError
    return Revocation(shard, key, speaker, reason, seq, at)


def _order(entry: Revocation) -> tuple[str, str, str, str]:
    return entry.shard, entry.key, entry.speaker, entry.reason
