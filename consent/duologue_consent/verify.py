"""Checks a withdrawal receipt. This one file needs Python 3.11, ``cryptography`` and nothing else of duologue:

    python verify.py RECEIPT [--dataset DIR] [--checkpoint FILE] [--key FILE] [--log FILE]

What is left out is looked for beside the receipt and in the folder above. Each finding is a line; the exit status is 0 where
there is no fault, else 1. Pass a checkpoint and a key that you got from elsewhere: those beside the receipt come from whom
you check. So that nobody has to trust the code that made the receipt, its lines on Merkle proofs (RFC 9162), notes
(c2sp.org/signed-note, tlog-checkpoint) and envelopes (DSSE v1, in-toto Statement v1) are written here once more. It is one
file, and so a long one, because it has to run where nothing else of duologue is.
"""

import argparse
import base64
import errno
import hashlib
import json
import math
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["Finding", "Folder", "main", "open_file", "read_file", "statement_faults", "verify_receipt"]

LEVELS: Final = ("LOGGED", "LOGICAL", "PHYSICAL", "NOTIFIED")
REMOVING_KINDS: Final = ("consent.withdraw", "consent.refuse", "consent.revoke", "consent.invalidate", "grant.lapsed")
_MANIFEST: Final = "dataset.json"
_REVOCATIONS: Final = "revocations.jsonl"
_PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE: Final = "urn:duologue:receipt:1.0"
_EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
_NAMES: Final = {"checkpoint": "checkpoint", "key": "ledger.pub", "log": "log.jsonl"}
_FILE_BYTES: Final = 1 << 30


def open_file(path: Path) -> BufferedReader:
    """Opens a file to read it, and only a file: a named pipe or a device may never end.

    Raises:
        OSError: it is none, or may not be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, and no file", str(path))
    return os.fdopen(descriptor, "rb")


def read_file(path: Path, *, max_bytes: int = _FILE_BYTES) -> bytes:
    """Reads a whole file of bounded size, up to 1 GiB if not said.

    Raises:
        OSError: it is no file, is larger, or may not be read.
    """
    with open_file(path) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return data


@dataclass(frozen=True)
class Finding:
    """Holds one line of the result: ``kind`` is ``ok``, ``note`` or ``fault``."""

    kind: str
    text: str

    def __str__(self) -> str:
        # One line whatever a receipt or a file name holds: nobody may slip in a line of their own.
        text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in self.text)
        return f"{self.kind}: {text}"


class Folder(Protocol):
    """Gives the files of a release by their paths. ``read`` and ``sha256`` raise OSError where that is not possible."""

    def read(self, path: str) -> bytes:
        """Reads the bytes of a file."""

    def sha256(self, path: str) -> str:
        """Computes the SHA-256 of a file, in lower-case hex."""

    def exists(self, path: str) -> bool:
        """Tells whether there is such a file."""

    def list(self, folder: str) -> list[str]:
        """Lists the paths of all files below a folder, sorted; none where there is no such folder."""


@dataclass(frozen=True)
class _LocalFolder:
    root: Path

    def __str__(self) -> str:
        return str(self.root)

    def read(self, path: str) -> bytes:
        return read_file(self.root / path)

    def sha256(self, path: str) -> str:
        with open_file(self.root / path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def list(self, folder: str) -> list[str]:
        files = (self.root / folder).rglob("*")
        return sorted(file.relative_to(self.root).as_posix() for file in files if file.is_file())


class _BrokenError(Exception):
    """Tells that something cannot even be read; the message is the fault."""


@dataclass(frozen=True)
class _Key:
    name: str
    key_id: bytes
    public: bytes

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class _Checkpoint:
    origin: str
    size: int
    root: bytes


def verify_receipt(
    receipt: bytes, *, keys: str, checkpoint: bytes, dataset: Path | Folder, log: bytes | None
) -> list[Finding]:
    """Checks a receipt against all that it speaks of.

    A receipt of a version that was followed by others is held against the version that is there now, by way of the later
    receipts in ``receipts/``: what it removed must be gone still.

    Args:
        receipt: the DSSE envelope.
        keys: the ledger's public keys, one a line.
        checkpoint: a signed checkpoint of the ledger that the reader trusts, older or newer than those in the receipt.
        dataset: the folder of the release: a local one, or what gives its files.
        log: the published log, one leaf a line; without it an edit that no proof of the receipt touches stays unseen.

    Returns:
        The findings in the order of the checks; there is a fault among them unless all holds.
    """
    try:
        known = _read_keys(keys)
        statement = _open_envelope(receipt, known)
        faults = statement_faults(statement)
        if faults:
            return [Finding("fault", text) for text in faults]
        predicate = statement["predicate"]
        texts = predicate["checkpoints"]
        old, new = (
            _open_checkpoint(texts[which].encode(errors="replace"), known, f"{which} checkpoint")
            for which in ("old", "new")
        )
        trusted = _open_checkpoint(checkpoint, known, "checkpoint that was given")
    except _BrokenError as error:
        return [Finding("fault", str(error))]
    folder: Folder = _LocalFolder(dataset) if isinstance(dataset, Path) else dataset
    chain, chain_faults = _later(receipt, predicate, folder, known)

    checks: list[tuple[str, Iterable[str]]] = [
        (
            f"the receipt is signed and names the ledger {predicate['ledger']['ledger_id']}",
            _ledger(predicate, old, new),
        ),
        (f"the ledger grew from {old.size} to {new.size} leaves and changed none", _growth(predicate, old, new)),
        (f"{len(predicate['leaves'])} leaves stand in the ledger", _leaves(predicate, new)),
        (
            f"the checkpoint that was given ({trusted.size} leaves) is of one history",
            _trusted(trusted, old, new, has_log=log is not None),
        ),
        (_dataset_claim(chain), [*chain_faults, *_dataset(chain, folder)]),
    ]
    findings: list[Finding] = []
    if log is None:
        findings.append(
            Finding("note", f"no log ({_NAMES['log']}) was found: leaves outside of the receipt not checked")
        )
    else:
        unsigned = log.count(b"\n") - max(new.size, trusted.size)
        if unsigned > 0:
            findings.append(
                Finding("note", f"the last {unsigned} leaves of the log are under no checkpoint given here")
            )
        checks.insert(4, ("the log gives the roots that were signed", _log(predicate, (old, new, trusted), log)))
    for done, check in checks:
        faults = list(check)
        findings += [Finding("fault", text) for text in faults] or [Finding("ok", done)]
    return findings


# --- the statement --------------------------------------------------------------------------------------------------


def _matches(pattern: str) -> Callable[[Any], bool]:
    found = re.compile(pattern)
    return lambda value: isinstance(value, str) and found.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


@dataclass(frozen=True)
class _Or:
    """Allows another value instead of a shape."""

    value: Any
    shape: Any


_TEXT: Final = _matches(r"(?s).+")
_SHA256: Final = _matches(r"[0-9a-f]{64}")
_PATH: Final = _matches(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_VERSION: Final = _matches(r"[0-9]+\.[0-9]+\.[0-9]+")
_SHAPE: Final[Any] = {
    "_type": (_STATEMENT_TYPE,),
    "subject": [{"name": _PATH, "digest": {"sha256": _SHA256}}],
    "predicateType": (_PREDICATE_TYPE,),
    "predicate": {
        "schema": ("receipt/1.0",),
        "issued_at": _matches(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z"),
        "ledger": {"ledger_id": _TEXT, "origin": _TEXT},
        "dataset": {"name": _TEXT, "old_version": _VERSION, "new_version": _VERSION},
        "leaves": [{"seq": lambda value: type(value) is int and value >= 0, "leaf": _TEXT, "inclusion": [_SHA256]}],
        "checkpoints": {"old": _TEXT, "new": _TEXT, "consistency": [_SHA256]},
        "removed": [{"sample": _SHA256, "how": ("dropped", "silenced"), "duration_s": _is_number}],
        "files": [
            {
                "path": _PATH,
                "old_sha256": _SHA256,
                "new_path": lambda value: value is None or _PATH(value),
                "new_sha256": lambda value: value is None or _SHA256(value),
                "level": LEVELS,
            }
        ],
        "out_of_scope": [{"what": _TEXT, "why": _TEXT}],
        "previous": _Or(None, {"name": _matches(r"[0-9]{4,}\.json"), "sha256": _SHA256}),
        "revocations": _Or(None, {"bytes": lambda value: type(value) is int and value >= 0, "sha256": _SHA256}),
    },
}


def statement_faults(statement: Any) -> list[str]:
    """Lists all that is wrong with a receipt's statement in itself, before any proof is looked at; empty: nothing."""
    predicate = statement.get("predicate") if isinstance(statement, dict) else None
    if isinstance(predicate, dict) and not predicate.get("out_of_scope"):
        return ["OUT_OF_SCOPE is missing: a receipt must say what the withdrawal does not reach"]
    faults = list(_shape_faults(statement, _SHAPE, "statement"))
    return faults or list(_rule_faults(statement))


def _shape_faults(value: Any, shape: Any, place: str) -> Iterator[str]:
    if isinstance(shape, _Or):
        if value is not shape.value:
            yield from _shape_faults(value, shape.shape, place)
    elif isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{place} is no object"
            return
        yield from (f"{place}.{name} is missing" for name in shape.keys() - value.keys())
        yield from (f"{place}.{name} is no known field" for name in value.keys() - shape.keys())
        for name in sorted(shape.keys() & value.keys()):
            yield from _shape_faults(value[name], shape[name], f"{place}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{place} is no list"
            return
        for number, part in enumerate(value):
            yield from _shape_faults(part, shape[0], f"{place}[{number}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            yield f"{place} is {value!r}, expected {' or '.join(shape)}"
    elif not shape(value):
        yield f"{place} is {value!r}, which cannot stand there"


def _rule_faults(statement: Mapping[str, Any]) -> Iterator[str]:
    predicate = statement["predicate"]
    files = predicate["files"]
    after = [{"name": each["new_path"], "digest": {"sha256": each["new_sha256"]}} for each in files if each["new_path"]]
    if statement["subject"] != after:
        yield "the subject of the statement is not the list of its new files"
    if not predicate["leaves"]:
        yield "the receipt names no leaf, so no withdrawal"
    if _MANIFEST not in {each["new_path"] for each in files if each["path"] == _MANIFEST}:
        yield f"the receipt does not say which {_MANIFEST} it is of"
    old_paths = [each["path"] for each in files]
    new_paths = [each["new_path"] for each in files if each["new_path"]]
    for paths in (old_paths, new_paths):
        yield from (f"{path} is named twice" for path in sorted({each for each in paths if paths.count(each) > 1}))
    for each in files:
        path, new_path, new_sha256 = each["path"], each["new_path"], each["new_sha256"]
        if (new_path is None) != (new_sha256 is None):
            yield f"{path} has a new path or a new digest, but not both"
        elif each["level"] == "LOGGED":
            if (new_path, new_sha256) != (path, each["old_sha256"]):
                yield f"{path} is said to be changed, but its level is LOGGED"
        elif new_sha256 == each["old_sha256"]:
            yield f"{path} is said to be {each['level']}, but its digest has not changed"
        elif new_path is not None and new_path.startswith("shards/"):
            if new_path in old_paths:
                yield f"{new_path} reuses the name of a shard: caches would go on to serve the old one"
            if not new_path.endswith(f"-{new_sha256[:12]}.tar"):
                yield f"{new_path} does not carry its hash in its name"


# --- the ledger -----------------------------------------------------------------------------------------------------


def _ledger(predicate: Mapping[str, Any], old: _Checkpoint, new: _Checkpoint) -> Iterator[str]:
    for which, found in (("old", old), ("new", new)):
        if found.origin != predicate["ledger"]["origin"]:
            yield f"the {which} checkpoint is of another ledger, {found.origin!r}"


def _growth(predicate: Mapping[str, Any], old: _Checkpoint, new: _Checkpoint) -> Iterator[str]:
    path = [bytes.fromhex(part) for part in predicate["checkpoints"]["consistency"]]
    if not _consistent(old.size, new.size, path, old.root, new.root):
        yield f"the ledger of {new.size} leaves does not continue that of {old.size}: it was forked, cut or edited"


def _leaves(predicate: Mapping[str, Any], new: _Checkpoint) -> Iterator[str]:
    kinds = set()
    for each in predicate["leaves"]:
        seq, leaf = each["seq"], each["leaf"].encode(errors="replace")
        if not _included(
            _leaf_hash(leaf), seq, new.size, [bytes.fromhex(part) for part in each["inclusion"]], new.root
        ):
            yield f"leaf {seq} does not stand in the ledger as the receipt shows it"
        try:
            kinds.add(_leaf_kind(leaf, seq, predicate["ledger"]["ledger_id"]))
        except _BrokenError as error:
            yield str(error)
    if not kinds & set(REMOVING_KINDS):
        yield f"no leaf of the receipt takes consent away; expected one of {', '.join(REMOVING_KINDS)}"


def _trusted(trusted: _Checkpoint, old: _Checkpoint, new: _Checkpoint, *, has_log: bool) -> Iterator[str]:
    if trusted.origin != new.origin:
        yield f"the receipt is of the ledger {new.origin!r}, the checkpoint that was given of {trusted.origin!r}"
    elif any(trusted.size == each.size and trusted.root != each.root for each in (old, new)):
        yield f"two histories of {trusted.size} leaves were signed: the log was forked"
    elif trusted.size not in (old.size, new.size) and not has_log:
        yield f"whether the checkpoint of {trusted.size} leaves is of the same history cannot be told; give the log"


def _log(predicate: Mapping[str, Any], checkpoints: Sequence[_Checkpoint], log: bytes) -> Iterator[str]:
    leaves = log.split(b"\n")
    if leaves.pop() != b"":
        yield "the log does not end in a newline: it was cut"
    for seq, leaf in enumerate(leaves):
        try:
            _leaf_kind(leaf, seq, predicate["ledger"]["ledger_id"])
        except _BrokenError as error:
            yield f"in the log, {error}"
            break  # of a log out of order every further leaf would be one
    for each in predicate["leaves"]:
        if each["seq"] < len(leaves) and leaves[each["seq"]] != each["leaf"].encode(errors="replace"):
            yield f"leaf {each['seq']} of the log is not that of the receipt"
    roots = _roots(leaves, {each.size for each in checkpoints})
    for size, root in sorted({(each.size, each.root) for each in checkpoints}):
        if size > len(leaves):
            yield f"the log was cut short: it holds {len(leaves)} leaves, {size} were signed"
        elif roots[size] != root:
            yield f"the first {size} leaves of the log are not those that were signed: the log was edited or forked"


def _leaf_kind(leaf: bytes, seq: int, ledger_id: str) -> str:
    document = _load(leaf, f"leaf {seq}")
    if not isinstance(document, dict) or document.get("schema") != "leaf/1.0":
        raise _BrokenError(f"leaf {seq} is no leaf of a consent ledger")
    if document.get("ledger_id") != ledger_id:
        raise _BrokenError(f"leaf {seq} is of another ledger, {document.get('ledger_id')!r}")
    if document.get("seq") != seq:
        raise _BrokenError(f"leaf {seq} says that it is leaf {document.get('seq')!r}: the log was reordered or cut")
    return str(document.get("kind"))


# --- the dataset ----------------------------------------------------------------------------------------------------


def _later(
    receipt: bytes, predicate: Mapping[str, Any], folder: Folder, keys: Sequence[_Key]
) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Collects this receipt and those that follow it, each naming the one before by its hash; and what is wrong with them."""
    chain, faults = [predicate], list[str]()
    found: dict[str, tuple[str, bytes, Mapping[str, Any]]] = {}
    held: dict[str, bytes] = {}
    for path in folder.list("receipts"):
        try:
            held[path] = folder.read(path)
            statement = _open_envelope(held[path], keys)
            if not statement_faults(statement) and statement["predicate"]["previous"]:
                later = statement["predicate"]
                found[later["previous"]["sha256"]] = (path, held[path], later)
        except (OSError, _BrokenError):
            continue  # a receipt of its own, to be checked by itself; if this chain needs it, it breaks off here
    previous = predicate["previous"]
    before = held.get(f"receipts/{previous['name']}") if previous else None
    if before is not None and hashlib.sha256(before).hexdigest() != previous["sha256"]:
        faults.append(f"receipts/{previous['name']} is not the receipt that this one follows: it was edited")
    last = receipt
    while (digest := hashlib.sha256(last).hexdigest()) in found:
        path, last, later = found.pop(digest)
        if later["ledger"] != predicate["ledger"] or later["dataset"]["name"] != predicate["dataset"]["name"]:
            faults.append(f"{path} follows this receipt, but is of another ledger or dataset")
        chain.append(later)
    return chain, faults


def _dataset_claim(chain: Sequence[Mapping[str, Any]]) -> str:
    if len(chain) == 1:
        return "the files of the dataset are those of the receipt"
    return f"what the receipt removed is still gone, {len(chain) - 1} later receipts on"


def _dataset(chain: Sequence[Mapping[str, Any]], folder: Folder) -> Iterator[str]:
    files = chain[0]["files"]
    try:
        manifest_bytes = folder.read(_MANIFEST)
        manifest = _load(manifest_bytes, _MANIFEST)
    except OSError as error:
        yield f"{folder} is no dataset: {_MANIFEST} cannot be read ({error.strerror})"
        return
    except _BrokenError as error:
        yield str(error)
        return
    signed = dict[str, str]()
    for predicate in chain:
        changed = predicate["files"]
        for each in changed:
            if signed.pop(each["path"], each["old_sha256"]) != each["old_sha256"]:
                yield f"the next receipt says that {each['path']} was another file than this one left"
        signed |= {each["new_path"]: each["new_sha256"] for each in changed if each["new_path"]}
    is_signed = hashlib.sha256(manifest_bytes).hexdigest() == signed[_MANIFEST]
    if not is_signed:
        version = manifest.get("version") if isinstance(manifest, dict) else None
        wanted = chain[-1]["dataset"]["new_version"]
        yield f"{_MANIFEST} (version {version}) is not that of the receipt (version {wanted})"
        live = signed
    else:
        try:
            yield from _manifest_faults(manifest, chain[-1])
            live = {each["path"]: each["sha256"] for each in (*manifest["shards"], *manifest["files"])}
            if not all(_PATH(path) and _SHA256(sha256) for path, sha256 in live.items()):
                raise TypeError
        except (KeyError, TypeError, AttributeError):
            yield f"{_MANIFEST} is not the manifest of a release"
            return

    removed = {each["old_sha256"] for each in files if each["level"] in ("PHYSICAL", "NOTIFIED")}
    for path, sha256 in sorted((live | signed).items()):
        if path != _MANIFEST:
            yield from _file_faults(folder, path, sha256, live)
            if sha256 in removed:
                yield f"{path} holds what is said to be removed"
    for each in files:
        path, level = each["path"], each["level"]
        if level == "LOGGED" or path == each["new_path"]:
            continue
        if path in live:
            yield f"{path} is said to be {level}, but the release still names it"
        elif level != "LOGICAL" and folder.exists(path):
            yield f"{path} is said to be {level}, but it is still there or its name was used again"
    yield from _stray_faults(folder, live if is_signed else None, files, removed)
    yield from _revocation_faults(chain[-1], folder)


def _revocation_faults(predicate: Mapping[str, Any], folder: Folder) -> Iterator[str]:
    said = predicate["revocations"]
    if said is None:
        return
    try:
        data = folder.read(_REVOCATIONS)
    except OSError as error:
        yield f"{_REVOCATIONS} cannot be read ({error.strerror})"
        return
    if len(data) < said["bytes"] or hashlib.sha256(data[: said["bytes"]]).hexdigest() != said["sha256"]:
        yield f"{_REVOCATIONS} does not begin with what the receipt says: it was edited or cut short"


def _manifest_faults(manifest: Any, predicate: Mapping[str, Any]) -> Iterator[str]:
    for found, wanted, what in (
        (manifest["ledger"]["ledger_id"], predicate["ledger"]["ledger_id"], "ledger"),
        (manifest["name"], predicate["dataset"]["name"], "name"),
        (manifest["version"], predicate["dataset"]["new_version"], "version"),
    ):
        if found != wanted:
            yield f"{_MANIFEST} says another {what} than the receipt: {found!r}, expected {wanted!r}"


def _file_faults(folder: Folder, path: str, sha256: str, live: Mapping[str, str]) -> Iterator[str]:
    if live.get(path) != sha256:
        yield f"{path} is in the receipt, but the release does not name it so"
    try:
        found = folder.sha256(path)
    except OSError as error:
        yield f"{path} cannot be read ({error.strerror})"
        return
    if found != sha256:
        yield f"{path} was changed or exchanged: its hash is {found}, signed was {sha256}"
    if path.startswith("shards/") and not path.endswith(f"-{sha256[:12]}.tar"):
        yield f"{path} does not carry its hash in its name"


def _stray_faults(
    folder: Folder, live: Mapping[str, str] | None, files: Sequence[Mapping[str, Any]], removed: Collection[str]
) -> Iterator[str]:
    waiting = {each["path"] for each in files if each["level"] == "LOGICAL"}
    for path in folder.list("shards"):
        if live is not None and path in live:
            continue
        if live is not None and path not in waiting:
            yield f"{path} lies among the shards, but the release does not name it"
        try:
            if folder.sha256(path) in removed:
                yield f"{path} holds what is said to be removed"
        except OSError as error:
            yield f"{path} cannot be read ({error.strerror or error})"


# --- envelopes, notes, proofs: once more, see the top ----------------------------------------------------------------


def _load(data: bytes, what: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a field is named twice")
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of JSON")

    try:
        return json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise _BrokenError(f"{what} is not JSON that can be used ({error})") from None


def _base64(text: Any) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError
    return data


def _read_keys(text: str) -> tuple[_Key, ...]:
    keys = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        try:
            name, key_id, encoded = line.split("+", 2)
            data = _base64(encoded)
            wanted = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
            if len(data) != 33 or data[0] != 1 or key_id != wanted.hex():
                raise ValueError
        except ValueError:
            raise _BrokenError("the key file holds a line that is no Ed25519 key NAME+ID+BASE64") from None
        keys.append(_Key(name, wanted, data[1:]))
    if not keys:
        raise _BrokenError("the key file holds no key")
    return tuple(keys)


def _open_envelope(data: bytes, keys: Sequence[_Key]) -> Any:
    """Opens the envelope and gives its statement.

    It is stricter than DSSE asks, so that no byte of a receipt can change unnoticed: the envelope is canonical JSON, and the
    keyid is that of the key.
    """
    document = _load(data, "the receipt")
    try:
        kind, payload = document["payloadType"], _base64(document["payload"])
        signatures = [(each["keyid"], _base64(each["sig"])) for each in document["signatures"]]
    except (KeyError, TypeError, ValueError):
        raise _BrokenError("the receipt is no DSSE envelope") from None
    if (
        json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="replace") + b"\n"
        != data
    ):
        raise _BrokenError("the receipt is not written in the one canonical way: it was edited")
    if kind != _PAYLOAD_TYPE:
        raise _BrokenError(f"the receipt holds {kind!r}, expected {_PAYLOAD_TYPE!r}")
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    labels = {f"{key.name}+{key.key_id.hex()}": key for key in keys}
    known = [(labels[keyid], signature) for keyid, signature in signatures if keyid in labels]
    if not any(key.verifies(signature, message) for key, signature in known):
        raise _BrokenError("the receipt is not signed by a known key: it was edited, or it is of another ledger")
    return _load(payload, "the receipt's statement")


def _open_checkpoint(data: bytes, keys: Sequence[_Key], what: str) -> _Checkpoint:
    try:
        whole = data.decode()
        text, separator, tail = whole.rpartition("\n\n")
        lines = tail.split("\n")
        if len(data) > 1_000_000 or len(lines) > 101:  # the limits of Go's sumdb/note
            raise ValueError
        if not separator or lines.pop() != "" or any(c < " " and c != "\n" for c in whole):
            raise ValueError
        origin, size, root, *extensions = text.split("\n")
        if not origin or not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(_base64(root)) != 32 or "" in extensions:
            raise ValueError
        signatures = []
        for line in lines:
            dash, name, encoded = line.split(" ")
            if dash != "\u2014" or not name or "+" in name or name.split() != [name] or len(_base64(encoded)) < 5:
                raise ValueError
            signatures.append((name, _base64(encoded)))
    except ValueError:
        raise _BrokenError(f"the {what} is no signed checkpoint") from None
    known = {(key.name, key.key_id): key for key in keys if key.name == origin}
    own = [(known[name, raw[:4]], raw[4:]) for name, raw in signatures if (name, raw[:4]) in known]
    if not own:
        raise _BrokenError(f"the {what} of {origin!r} is not signed by a known key: it is of another ledger or forged")
    if not all(key.verifies(signature, f"{text}\n".encode()) for key, signature in own):
        raise _BrokenError(f"the {what} of {origin!r} was edited: its signature does not fit")
    return _Checkpoint(origin, int(size), _base64(root))


def _leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _roots(leaves: Sequence[bytes], sizes: Collection[int]) -> dict[int, bytes]:
    """Computes the root over the first ``size`` leaves for each of the sizes that there is."""
    roots, stack = {0: _EMPTY_ROOT}, list[bytes]()
    for count, leaf in enumerate(leaves, start=1):
        stack.append(_leaf_hash(leaf))
        for _ in range((count & -count).bit_length() - 1):
            right = stack.pop()
            stack[-1] = _node_hash(stack[-1], right)
        if count in sizes:
            root = stack[-1]
            for left in reversed(stack[:-1]):
                root = _node_hash(left, root)
            roots[count] = root
    return roots


def _included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Verifies an inclusion proof (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = _node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = _node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def _consistent(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Verifies a consistency proof (RFC 9162 section 2.1.4.2); and the empty tree is the beginning of any."""
    if first in (0, second):
        same = first != second or first_root == second_root
        return not path and same and (first > 0 or first_root == _EMPTY_ROOT)
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if first > second or not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = _node_hash(c, fr), _node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


# --- the command ----------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; gives the exit status: 0 where nothing is wrong, else 1 (2: it was called wrongly)."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Checks a withdrawal receipt of duologue.")
    parser.add_argument("receipt", type=Path, help="the receipt, e.g. DATASET/receipts/0001.json")
    parser.add_argument("--dataset", type=Path, metavar="DIR", help=f"the folder that holds {_MANIFEST}")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a signed checkpoint that you trust")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the ledger's public keys, one a line")
    parser.add_argument("--log", type=Path, metavar="FILE", help="the published log, one leaf a line")
    options = parser.parse_args(arguments)

    findings: list[Finding] = []
    folders = (options.receipt.absolute().parent, options.receipt.absolute().parent.parent)

    def beside(given: Path | None, name: str) -> Path:
        if given is not None:
            return given
        found = next((folder / name for folder in folders if (folder / name).exists()), folders[0] / name)
        if found.exists() and name in (_NAMES["key"], _NAMES["checkpoint"]):
            findings.append(Finding("note", f"{found.name} was found beside the receipt; better is one from elsewhere"))
        return found

    dataset = options.dataset or beside(None, _MANIFEST).parent
    paths = {what: beside(getattr(options, what), name) for what, name in _NAMES.items()}
    try:
        without_log = options.log is None and not paths["log"].exists()
        findings += verify_receipt(
            read_file(options.receipt),
            keys=read_file(paths["key"]).decode("utf-8"),
            checkpoint=read_file(paths["checkpoint"]),
            dataset=dataset,
            log=None if without_log else read_file(paths["log"]),
        )
    except OSError as error:
        findings.append(Finding("fault", f"{error.filename} cannot be read ({error.strerror}); name it with an option"))
    except UnicodeDecodeError:
        findings.append(Finding("fault", f"{paths['key']} is not text"))
    for finding in findings:
        print(finding)
    return int(any(finding.kind == "fault" for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
