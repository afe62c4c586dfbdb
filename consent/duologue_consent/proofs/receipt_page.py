"""Writes the readable page of a withdrawal receipt, ``receipts/NNNN.md``: what the receipt says, in words. No I/O.

The page is made of the bytes of the receipt alone, so the same receipt gives the same page, and the page names nobody whom the receipt does
not name; that is nobody. It proves nothing: what counts is the receipt, which is signed. Texts are written so that nothing in a receipt can
add a line, a link or a heading to the page.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from duologue_consent.proofs.dsse import load_json, parse_envelope
from duologue_consent.proofs.leaves import kind_of
from duologue_consent.proofs.receipt import ReceiptError
from duologue_consent.verify import statement_faults

__all__ = ["PAGE", "page_name", "receipt_page"]

PAGE: Final = "receipt_page/1.0"
"""The form of the page. Another wording is another form: pages that were published must be found to be what they are."""

_LEVELS: Final = {
    "LOGGED": "the withdrawal is in the ledger; the file is as it was",
    "LOGICAL": "the release no longer names the old file; the store keeps it as an earlier version",
    "PHYSICAL": "the old file is gone",
    "NOTIFIED": "the old file is gone, and those on record who received it were told",
}
_FILES_SHOWN: Final = 100
_MARKUP: Final = frozenset("\\`*_{}[]<>#|!~&$")


def page_name(receipt: str) -> str:
    """Names the page of a receipt: ``0001.md`` of ``0001.json``, with or without the folder."""
    return f"{receipt.removesuffix('.json')}.md"


def receipt_page(name: str, data: bytes) -> bytes:
    """Writes the page of a receipt.

    Args:
        name: of its file, e.g. ``0001.json``.
        data: its bytes, a DSSE envelope; whether it is signed is for the verifier.

    Returns:
        Markdown in UTF-8.

    Raises:
        ReceiptError: the bytes are no receipt.
    """
    try:
        statement = load_json(parse_envelope(data).payload, "the receipt")
        faults = statement_faults(statement)
        if faults:
            raise ReceiptError(f"{name} is no receipt: {faults[0]}")
        lines = list(_lines(name, data, statement["predicate"]))
    except ReceiptError:
        raise
    except ValueError as error:
        raise ReceiptError(f"{name} is no receipt: {error}") from None
    return "".join(f"{line}\n" for line in lines).encode()


def _lines(name: str, data: bytes, receipt: Mapping[str, Any]) -> Iterator[str]:
    dataset, ledger, removed = receipt["dataset"], receipt["ledger"], receipt["removed"]
    yield f"# Receipt {name.removesuffix('.json')}: what a withdrawal took out of {_plain(dataset['name'])}"
    yield ""
    yield f"At {_plain(receipt['issued_at'])} version {dataset['old_version']} became version {dataset['new_version']}."
    yield ""
    for how, what in (("dropped", "dropped, with both tracks"), ("silenced", "of which one track was silenced")):
        own = [each["duration_s"] for each in removed if each["how"] == how]
        yield f"- {len(own)} samples {what}: {sum(own):.1f} s"
    kinds = Counter(kind_of(each["leaf"].encode()) for each in receipt["leaves"])
    yield f"- Leaves of the ledger that it rests on: {', '.join(f'{count} {_plain(kind)}' for kind, count in sorted(kinds.items()))}"
    yield f"- Ledger: {_plain(ledger['ledger_id'])}, which signs as {_plain(ledger['origin'])}"
    previous = receipt["previous"]
    yield f"- The receipt before it: {'none' if previous is None else _plain(previous['name'])}"
    yield ""
    yield "It says of nobody who they are: samples stand in it as salted hashes, which only their speaker can open."
    yield ""
    yield "## Files"
    yield ""
    yield "| before | now | how far it got |"
    yield "| --- | --- | --- |"
    for each in receipt["files"][:_FILES_SHOWN]:
        now = (
            "nothing"
            if each["new_path"] is None
            else "made anew"
            if each["new_path"] == each["path"]
            else _plain(each["new_path"])
        )
        yield f"| {_plain(each['path'])} | {now} | {each['level']} |"
    more = len(receipt["files"]) - _FILES_SHOWN
    if more > 0:
        yield ""
        yield f"And {more} more, which stand in {name}."
    yield ""
    for level in (level for level in _LEVELS if any(each["level"] == level for each in receipt["files"])):
        yield f"- {level}: {_LEVELS[level]}"
    yield ""
    yield "## What it does not reach"
    yield ""
    for each in receipt["out_of_scope"]:
        yield f"- {_plain(each['what'])}: {_plain(each['why'])}"
    yield ""
    yield "## How to check it"
    yield ""
    yield f"`python verify.py receipts/{name}` with `duologue_consent/verify.py`, or `duologue shards verify DIR`."
    yield f"This page is made of {name} (SHA-256 {hashlib.sha256(data).hexdigest()}) and proves nothing by itself ({PAGE})."


def _plain(text: object) -> str:
    """Writes a text as one line in which nothing is markup."""
    shown = "".join(letter if letter.isprintable() else f"(U+{ord(letter):04X})" for letter in str(text))
    return "".join(f"\\{letter}" if letter in _MARKUP else letter for letter in shown)
