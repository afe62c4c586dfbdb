"""The page beside a receipt: it says what the receipt says, names nobody, and nothing in a receipt can make it say more."""

import hashlib
import json
from dataclasses import replace

import pytest

from duologue_consent.proofs.dsse import parse_envelope
from duologue_consent.proofs.receipt import PAYLOAD_TYPE, ReceiptError
from duologue_consent.proofs.receipt_page import page_name, receipt_page
from tests.consent.fabricate import World

WORLD = World()
DATA = WORLD.receipt().signed([WORLD.key]).to_bytes()


def page(data: bytes = DATA, name: str = "0001.json") -> str:
    return receipt_page(name, data).decode()


def test_it_says_what_the_receipt_says() -> None:
    receipt = json.loads(parse_envelope(DATA).payload)["predicate"]
    text = page()
    dataset = receipt["dataset"]
    assert text.startswith(f"# Receipt 0001: what a withdrawal took out of {dataset['name']}\n")
    assert f"version {dataset['old_version']} became version {dataset['new_version']}." in text
    for how in ("dropped", "silenced"):
        own = [each["duration_s"] for each in receipt["removed"] if each["how"] == how]
        assert f"- {len(own)} samples " in text
        assert f": {sum(own):.1f} s\n" in text
    assert all(f"- {each['what']}: " in text for each in receipt["out_of_scope"])
    assert f"(SHA-256 {hashlib.sha256(DATA).hexdigest()}) and proves nothing by itself (receipt_page/1.0)." in text
    assert text.count("\n| ") == 2 + len(receipt["files"])


def test_it_holds_nothing_that_could_name_somebody() -> None:
    receipt = json.loads(parse_envelope(DATA).payload)["predicate"]
    text = page()
    assert receipt["removed"]
    assert not any(each["sample"] in text for each in receipt["removed"])
    assert not any(each["leaf"] in text for each in receipt["leaves"])


def test_the_same_receipt_gives_the_same_page() -> None:
    assert receipt_page("0001.json", DATA) == receipt_page("0001.json", bytes(DATA))
    assert page_name("0001.json") == "0001.md"
    assert page_name("receipts/0012.json") == "receipts/0012.md"


def test_nothing_in_a_receipt_becomes_markup_or_a_line() -> None:
    nasty = replace(
        WORLD.receipt(),
        dataset="calls\n# Anna said no [here](http://x)",
        out_of_scope={"a|b": "<script>alert(1)</script> **bold** `code`\u2028\u202e"},
    )
    text = page(nasty.signed([WORLD.key]).to_bytes())
    assert text.splitlines()[0] == (
        "# Receipt 0001: what a withdrawal took out of calls(U+000A)\\# Anna said no \\[here\\](http://x)"
    )
    assert "- a\\|b: \\<script\\>alert(1)\\</script\\> \\*\\*bold\\*\\* \\`code\\`(U+2028)(U+202E)\n" in text
    assert len(text.splitlines()) == len(page().splitlines()) - len(WORLD.receipt().out_of_scope) + 1


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[" * 100_000, DATA[:-40], DATA.replace(b'"payload":"', b'"payload":"e', 1)]
)
def test_what_is_no_receipt_has_no_page(data: bytes) -> None:
    with pytest.raises(ReceiptError, match=r"0001\.json is no receipt: "):
        receipt_page("0001.json", data)


def test_a_long_list_of_files_is_cut_and_counted() -> None:
    receipt = WORLD.receipt()
    gone = replace(receipt.files[-1], new_path=None, new_sha256=None)
    many = [replace(gone, path=f"shards/train-{number:05d}-0123456789ab.tar") for number in range(150)]
    long = replace(receipt, files=[*receipt.files, *many])
    text = page(long.signed([WORLD.key]).to_bytes())
    assert f"And {len(receipt.files) + 50} more, which stand in 0001.json." in text


def test_the_payload_type_is_what_it_was() -> None:
    assert parse_envelope(DATA).payload_type == PAYLOAD_TYPE
