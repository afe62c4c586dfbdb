"""The page beside each receipt: there after every withdrawal, whatever happened on the way, and never anything but its receipt's."""

import json
from pathlib import Path

import pytest

from duologue_consent import verify
from duologue_consent.proofs.receipt_page import receipt_page
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal import proof
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def withdraw(world: World, speaker: str) -> None:
    world.withdraw(speaker)
    propagate_release(str(world.out), world.ledger)


def pages(world: World) -> dict[str, bytes]:
    return {
        path: data
        for path, data in sorted(world.files().items())
        if path.startswith("receipts/") and path.endswith(".md")
    }


def assert_pages_are_of_their_receipts(world: World, count: int) -> None:
    assert [*pages(world)] == [f"receipts/{number:04d}.md" for number in range(1, count + 1)]
    for path, page in pages(world).items():
        name = f"{Path(path).stem}.json"
        receipt = world.out / "receipts" / name
        assert receipt_page(name, receipt.read_bytes()) == page
        assert verify.main([str(receipt)]) == 0
    assert verify_release(str(world.out)).faults == ()


def test_each_withdrawal_leaves_a_page_and_verification_knows_it(world: World) -> None:
    for number, speaker in enumerate(("anna", "carl", "hugo"), 1):
        withdraw(world, speaker)
        assert_pages_are_of_their_receipts(world, number)
    text = pages(world)["receipts/0001.md"].decode()
    assert "- 5 samples of which one track was silenced: 9.0 s" in text
    assert "- 1 consent.withdraw" not in text  # each purpose is a leaf of its own
    assert "consent.withdraw" in text


def test_no_page_names_anybody(world: World) -> None:
    for speaker in ("anna", "carl"):
        withdraw(world, speaker)
    snapshot = world.ledger.snapshot()
    for page in pages(world).values():
        for speaker in snapshot.speakers:
            assert speaker.encode() not in page
            assert snapshot.commitment(speaker).encode() not in page
        assert b"call-" not in page


def test_killed_between_receipt_and_page_the_next_one_writes_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.withdraw("anna")

    def killed(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(proof, "write_pages", killed)
    with pytest.raises(KeyboardInterrupt):
        propagate_release(str(world.out), world.ledger)
    assert (world.out / "receipts" / "0001.json").exists()
    assert not pages(world)
    monkeypatch.undo()
    propagate_release(str(world.out), world.ledger)
    assert_pages_are_of_their_receipts(world, 1)


def test_a_page_that_was_edited_is_found_and_goes_with_the_next_withdrawal(world: World) -> None:
    withdraw(world, "anna")
    page = world.out / "receipts" / "0001.md"
    page.write_text("Anna, call-1-00000, has said no\n")
    assert verify_release(str(world.out)).faults == (
        "receipts/0001.md: does not say what 0001.json says; remove it, the receipt is what counts",
    )
    assert verify.main([str(page.with_suffix(".json"))]) == 0  # the page proves nothing, and breaks nothing
    withdraw(world, "carl")
    assert_pages_are_of_their_receipts(world, 2)


def test_a_release_of_an_earlier_version_gets_its_pages_and_needs_none(world: World) -> None:
    withdraw(world, "anna")
    (world.out / "receipts" / "0001.md").unlink()
    assert verify_release(str(world.out)).faults == ()
    withdraw(world, "carl")
    assert_pages_are_of_their_receipts(world, 2)


def test_a_page_without_its_receipt_is_found(world: World) -> None:
    withdraw(world, "anna")
    (world.out / "receipts" / "0007.md").write_text("# Receipt 0007\n")
    assert verify_release(str(world.out)).faults == (
        "receipts/0007.md: is the page of a receipt that is not there: remove it",
    )


def test_the_page_is_not_in_what_the_receipt_is_held_against(world: World) -> None:
    withdraw(world, "anna")
    document = json.loads((world.out / "dataset.json").read_text())
    assert not any(entry["path"].startswith("receipts/") for entry in document["files"])
