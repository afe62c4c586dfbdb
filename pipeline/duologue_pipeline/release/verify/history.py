"""Checks what a release shows of its ledger: the log and its keys, the revocations, and the receipts of withdrawals."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from duologue_consent.ledger.publication import PUBLISHED, checkpoint_size, published_faults
from duologue_consent.proofs.receipt import ReceiptError
from duologue_consent.proofs.receipt_page import receipt_page
from duologue_consent.verify import verify_receipt
from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import inside_size, read_inside
from duologue_pipeline.files.storage import digest, join, list_entries
from duologue_pipeline.reader.revocations import FILE_NAME, RevocationError, parse_revocations, trusted_keys
from duologue_pipeline.release.strays import RECEIPT, RECEIPT_PAGE, RECEIPTS

__all__ = ["history_faults"]

_MAX_BYTES: Final = 1 << 30
_MAX_RECEIPTS: Final = 1000
_LOG, _KEYS, _CHECKPOINT = PUBLISHED
_NAMES: Final = {"log": _LOG, "key": _KEYS, "checkpoint": _CHECKPOINT}


def history_faults(root: str, release: Mapping[str, Any]) -> Iterator[str]:
    """Checks log, keys, checkpoint, revocations and receipts against one another and against ``dataset.json``.

    A release may be without any of them where it is passed on without; where one of them is there, all that it rests on
    has to be.
    """
    held, unread = _read(root)
    yield from unread
    entries = list_entries(join(root, RECEIPTS))
    receipts = sorted(name for name in entries if RECEIPT.fullmatch(f"{RECEIPTS}/{name}"))
    yield from _page_faults(root, entries)
    needed = bool(held or unread or receipts or "revocations" in release)
    missing = [name for name in PUBLISHED if name not in held]
    if needed and not unread:
        yield from (f"{name}: is missing; without it the release cannot be held against its ledger" for name in missing)
    if unread or missing:
        return
    faults = list(_log_faults(release, held))
    yield from faults
    if faults:  # whatever else rests on keys and log
        return
    yield from _revocation_faults(release, held)
    yield from _receipt_faults(root, release, held, receipts)


def _read(root: str) -> tuple[dict[str, bytes], list[str]]:
    held, faults = dict[str, bytes](), []
    for name in (*PUBLISHED, FILE_NAME):
        try:
            held[name] = read_inside(root, name, max_bytes=_MAX_BYTES)
        except FileNotFoundError:
            continue
        except StoreFaultError:
            raise
        except (OSError, ValueError) as error:
            faults.append(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})")
    return held, faults


def _log_faults(release: Mapping[str, Any], held: Mapping[str, bytes]) -> Iterator[str]:
    log, keys, pinned = held[_LOG], held[_KEYS], release["ledger"]["checkpoint"].encode()
    found = published_faults(log, keys=keys, checkpoint=held[_CHECKPOINT])
    yield from (f"{_NAMES[which]}: {text}" for which, text in found)
    if found:
        return
    signed, leaves = checkpoint_size(held[_CHECKPOINT]), log.count(b"\n")
    if leaves != signed:
        yield f"{_LOG}: has {leaves} leaves, and the checkpoint beside it is over {signed}; fetch both again"
    for _, text in published_faults(log, keys=keys, checkpoint=pinned):
        yield f"dataset.json: ledger.checkpoint does not fit the log beside it: {text}"
        return
    if checkpoint_size(pinned) != release["ledger"]["events"]:
        said = release["ledger"]["events"]
        yield f"dataset.json: ledger.events is {said}, and the checkpoint is over {checkpoint_size(pinned)}"


def _revocation_faults(release: Mapping[str, Any], held: Mapping[str, bytes]) -> Iterator[str]:
    ledger = release["ledger"]
    try:
        keys = trusted_keys(held[_KEYS].decode(), ledger["checkpoint"])
        data = held.get(FILE_NAME, b"")
        parse_revocations(data, keys=keys, ledger_id=ledger["ledger_id"], pinned=release.get("revocations"))
    except (RevocationError, UnicodeDecodeError) as error:
        yield f"{FILE_NAME}: {error}; fetch it again from its publisher"


def _receipt_faults(
    root: str, release: Mapping[str, Any], held: Mapping[str, bytes], receipts: list[str]
) -> Iterator[str]:
    if not receipts:
        if "revocations" in release:
            yield f"{RECEIPTS}: is empty, and version {release['version']} was made by a withdrawal, which has a receipt"
        return
    if len(receipts) > _MAX_RECEIPTS:
        yield f"{RECEIPTS}: holds {len(receipts)} receipts; at most {_MAX_RECEIPTS} are checked"
        return
    for number, name in enumerate(receipts, 1):
        if name != f"{number:04d}.json":
            yield f"{RECEIPTS}/{number:04d}.json: is missing, and {name} follows it"
            return
    folder = _Folder(root)
    for name in receipts:
        path = f"{RECEIPTS}/{name}"
        try:
            receipt = folder.read(path)
        except StoreFaultError:
            raise
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror or error})"
            continue
        findings = verify_receipt(
            receipt, keys=held[_KEYS].decode(), checkpoint=held[_CHECKPOINT], dataset=folder, log=held[_LOG]
        )
        yield from (f"{path}: {finding.text}" for finding in findings if finding.kind == "fault")


def _page_faults(root: str, entries: Collection[str]) -> Iterator[str]:
    """Finds pages beside receipts that say anything else than their receipt."""
    for name in sorted(name for name in entries if RECEIPT_PAGE.fullmatch(f"{RECEIPTS}/{name}")):
        receipt = f"{name.removesuffix('.md')}.json"
        path = f"{RECEIPTS}/{name}"
        if receipt not in entries:
            yield f"{path}: is the page of a receipt that is not there: remove it"
            continue
        try:
            said = read_inside(root, path, max_bytes=_MAX_BYTES)
            expected = receipt_page(receipt, read_inside(root, f"{RECEIPTS}/{receipt}", max_bytes=_MAX_BYTES))
        except StoreFaultError:
            raise
        except ReceiptError:
            continue  # told of the receipt itself
        except (OSError, ValueError) as error:
            yield f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
            continue
        if said != expected:
            yield f"{path}: does not say what {receipt} says; remove it, the receipt is what counts"


@dataclass(frozen=True)
class _Folder:
    """Shows the release to the verifier of receipts; hashes no file twice."""

    root: str
    _hashes: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.root

    def read(self, path: str) -> bytes:
        try:
            return read_inside(self.root, path, max_bytes=_MAX_BYTES)
        except ValueError as error:
            raise OSError(str(error)) from None

    def sha256(self, path: str) -> str:
        if path not in self._hashes:
            try:
                inside_size(self.root, path)
            except ValueError as error:
                raise OSError(str(error)) from None
            self._hashes[path] = digest(join(self.root, path))[0]
        return self._hashes[path]

    def exists(self, path: str) -> bool:
        try:
            inside_size(self.root, path)
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return True
        return True

    def list(self, folder: str) -> list[str]:
        return [f"{folder}/{name}" for name in list_entries(join(self.root, folder))]
