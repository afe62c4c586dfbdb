"""Cards are held against the tables: any digit that is changed is found, and what was stated stays."""

import json
import re
from pathlib import Path

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.release.card_changes import card_changes
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards, load_statement
from duologue_pipeline.release.verify import verify_release

CARDS = ["README.md", "croissant.json"]


def silent(_: str) -> None:
    """Nobody listens."""


def cards_of(release: Path) -> list[Path]:
    return [release / "README.md", release / "croissant.json", *sorted((release / "cards").iterdir())]


def test_a_release_has_no_fault_and_nothing_to_build(release: Path) -> None:
    before = (release / "dataset.json").read_bytes()
    assert card_faults(str(release)) == []
    assert build_cards(str(release), tell=silent) == []
    assert (release / "dataset.json").read_bytes() == before


def test_any_single_digit_that_is_changed_is_found(release: Path) -> None:
    root = str(release)
    build_cards(root, {"publisher": "Lab 7"}, tell=silent)
    for path in cards_of(release):
        text = path.read_text()
        digits = list(re.finditer(r"\d", text))
        for found in {digits[0], digits[len(digits) // 2], digits[-1]} if digits else ():
            other = str((int(found.group()) + 1) % 10)
            path.write_text(text[: found.start()] + other + text[found.end() :])
            assert [fault.partition(":")[0].removeprefix(f"{root}/") for fault in card_faults(root)] == [
                str(path.relative_to(release))
            ]
        path.write_text(text)
    assert card_faults(root) == []


def test_all_faults_are_listed_at_once_and_mended(release: Path) -> None:
    (release / "README.md").write_text("nothing")
    (release / "cards" / "rsl.xml").unlink()
    faults = card_faults(str(release))
    assert [fault.partition(":")[0] for fault in faults] == ["README.md", "cards/rsl.xml"]
    assert build_cards(str(release), tell=silent) == ["README.md", "cards/rsl.xml"]
    assert card_faults(str(release)) == []


def test_what_is_stated_is_kept_in_the_release_and_can_be_taken_back(release: Path) -> None:
    root = str(release)
    assert "cards/dataset.yaml" in build_cards(root, {"publisher": "Example Lab"}, tell=silent)
    assert build_cards(root, tell=silent) == []  # what the release keeps
    assert (
        json.loads((release / "cards" / "facts.json").read_text())["facts"]["stated.publisher"]["value"]
        == "Example Lab"
    )
    assert verify_release(root).faults == ()
    assert "cards/dataset.yaml" in build_cards(root, {}, tell=silent)
    assert not (release / "cards" / "dataset.yaml").exists()
    assert verify_release(root).faults == ()


def test_differences_are_told_in_words(release: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for path in release.rglob("*"):
        if path.is_file():
            target = other / path.relative_to(release)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    assert card_changes(str(release), str(other)) == []
    build_cards(str(other), {"spontaneous": False}, tell=silent)
    assert card_changes(str(release), str(other))[0] == (
        "stated: spontaneous: unknown (nobody has stated it in dataset.yaml) before, no now"
    )


def test_after_a_withdrawal_no_card_may_change_dataset_json(release: Path) -> None:
    document = json.loads((release / "dataset.json").read_text())
    document["previous"] = {"version": "0.9.0", "sha256": "0" * 64}
    (release / "dataset.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    with pytest.raises(UsageError, match="the receipt of its last withdrawal names"):
        build_cards(str(release), {"publisher": "Example Lab"}, tell=silent)


def test_a_statement_that_is_not_there_or_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none.yaml: cannot be read .*; `duologue card init` writes one"):
        load_statement(str(tmp_path / "none.yaml"))
    (tmp_path / "odd.yaml").write_text("voice: mine\n")
    with pytest.raises(UsageError, match="voice: is not a known field"):
        load_statement(str(tmp_path / "odd.yaml"))
