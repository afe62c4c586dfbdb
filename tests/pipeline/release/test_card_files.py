"""Cards are held against the tables: any digit that is changed is found, and what was stated stays."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from duologue_cards import document_faults
from duologue_cards.documents.valid import SCHEMAS
from duologue_pipeline.errors import UsageError
from duologue_pipeline.release import card_check
from duologue_pipeline.release.card_changes import card_changes
from duologue_pipeline.release.card_check import card_faults, other_version
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.stated import load_statement
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import World, make_world

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
        data = path.read_bytes()
        digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
        found = {digits[0], digits[len(digits) // 2], digits[-1]} if digits else set()
        for place in found if path.suffix != ".html" else {max(found)}:
            other = str((int(chr(data[place])) + 1) % 10).encode()
            path.write_bytes(data[:place] + other + data[place + 1 :])
            faults = card_faults(root)
            assert {fault.partition(":")[0] for fault in faults} == {path.relative_to(release).as_posix()}, place
        path.write_bytes(data)
    assert card_faults(root) == []


def test_every_digit_of_every_card_is_bound_by_its_hash_whoever_made_it(release: Path) -> None:
    """Without making the cards again, so that every digit can be tried; another version's cards are checked just so."""
    root = str(release)
    of_another_version(release)
    tried = 0
    for path in [release / "README.md", *sorted((release / "cards").iterdir())]:
        data = path.read_bytes()
        digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
        for place in digits[:: max(1, len(digits) // 25)]:
            other = str((int(chr(data[place])) + 1) % 10).encode()
            path.write_bytes(data[:place] + other + data[place + 1 :])
            name = path.relative_to(release).as_posix()
            assert card_faults(root) == [f"{name}: is not the file that dataset.json names, by its SHA-256"]
            tried += 1
        path.write_bytes(data)
    assert tried > 100


@pytest.mark.slow
def test_each_single_digit_is_found_even_where_its_hash_was_changed_along(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All digits of every card, of the page a sample. What the tables say is made once: it does not depend on the cards."""
    root = str(release)
    build_cards(root, {"publisher": "Lab 7"}, tell=silent)
    document = json.loads((release / "dataset.json").read_text())
    listed = {entry["path"]: entry for entry in document["files"]}
    wanted = list(card_check._remade(root, document, {}))
    monkeypatch.setattr(card_check, "_remade", lambda *_: iter(wanted))
    monkeypatch.setattr(card_check, "read_release", lambda _: document)
    assert card_faults(root) == []
    tried = 0
    for path in [release / "report.html", *cards_of(release)]:
        name, data = path.relative_to(release).as_posix(), path.read_bytes()
        digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
        if name == "cards/dataset.yaml":  # what a person states: that is not in the tables, but in the other cards
            continue
        for place in digits[:: 1 if name != "report.html" else max(1, len(digits) // 200)]:
            other = str((int(chr(data[place])) + 1) % 10).encode()
            changed = data[:place] + other + data[place + 1 :]
            path.write_bytes(changed)
            listed[name]["sha256"] = hashlib.sha256(changed).hexdigest()
            found = {fault.partition(":")[0] for fault in card_faults(root)}
            assert found == {name}, (name, place)
            tried += 1
        path.write_bytes(data)
        listed[name]["sha256"] = hashlib.sha256(data).hexdigest()
    assert tried > 2000


def of_another_version(release: Path) -> None:
    """Makes a release say that another version of duologue made it."""
    document = json.loads((release / "dataset.json").read_text())
    document["made_by"] = "duologue 0.0.1"
    (release / "dataset.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def test_a_release_of_another_version_is_no_false_alarm(release: Path) -> None:
    assert other_version(str(release)) is None
    of_another_version(release)
    assert card_faults(str(release)) == []
    told = other_version(str(release))
    assert told is not None
    assert "was made by duologue 0.0.1, and this is duologue" in told
    assert "held against their hashes in dataset.json, and not against the tables" in told


def test_all_faults_are_listed_at_once_and_mended(release: Path) -> None:
    readme, facts = release / "README.md", release / "cards" / "facts.json"
    lines = readme.read_text().splitlines()
    lines[2], lines[-1] = "one", "two"
    readme.write_text("\n".join(lines) + "\n")
    (release / "cards" / "rsl.xml").unlink()
    facts.write_text("{}")
    faults = card_faults(str(release))
    told = [fault.partition(":")[0] for fault in faults]
    assert told == ["README.md", "README.md", *["cards/facts.json"] * (len(told) - 3), "cards/rsl.xml"]
    assert [fault for fault in faults if "line 3 says 'one'" in fault]
    assert [fault for fault in faults if f"line {len(lines)} says 'two'" in fault]
    assert [fault for fault in faults if "does not follow its schema: dataset: is missing" in fault]
    assert build_cards(str(release), tell=silent) == ["README.md", "cards/facts.json", "cards/rsl.xml"]
    assert card_faults(str(release)) == []


def test_a_statement_that_was_changed_hides_no_other_fault(release: Path) -> None:
    build_cards(str(release), {"publisher": "Lab 7"}, tell=silent)
    (release / "cards" / "dataset.yaml").write_text("publisher: Lab 8\n")
    (release / "cards" / "dps.json").write_text("{}")
    faults = card_faults(str(release))
    assert {fault.partition(":")[0] for fault in faults} == {"cards/dps.json", "cards/dataset.yaml"}


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("cards/content-usage.txt", "Content-Usage: train-ai=y\n", "is not a header Content-Usage"),
        (
            "cards/content-usage.txt",
            "Content-Usage: train-ai=y\n\nUser-Agent: *\nContent-Usage: / train-ai=n\n",
            "says one thing in its header and another in its rule",
        ),
        (
            "cards/rsl.xml",
            '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><permits type="usage">train-ai</permits></license></content></rsl>',
            "RSL has no 'train-ai'",
        ),
        ("cards/rsl.xml", "<rsl>", "is no XML"),
        ("cards/rsl.xml", "<rsl/>", "is no RSL"),
        ("cards/rsl.xml", "<!DOCTYPE rsl><rsl/>", "declares a document type"),
        ("cards/requirements.json", "{}", "does not follow its schema: phases: is missing"),
        ("cards/ab2013.json", "nothing", "is no JSON"),
    ],
)
def test_each_document_is_held_against_its_own_rules(path: str, text: str, fault: str) -> None:
    assert any(fault in each for each in document_faults(path, text.encode()))


def test_every_document_of_a_release_follows_its_rules(release: Path) -> None:
    root = release
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert [fault for path, data in found.items() for fault in document_faults(path, data)] == []
    assert SCHEMAS.keys() - found.keys() == {"cards/changes.json", "cards/leakage.json"}


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
    told = card_changes(str(release), str(other))
    assert told == [
        "Rights and uses:",
        "  usable for in-house training: unknown before, fail now",
        "All else:",
        "  requirement dyadic spontaneous: unknown before, fail now",
        "  stated by the publisher, spontaneous: not stated before, no now",
    ]


def test_of_a_withdrawal_the_counts_are_told_first_and_then_rights(tmp_path: Path) -> None:
    before, after = ((tmp_path / name) for name in ("before", "after"))
    before.mkdir()
    shutil.copytree(make_world(before).out.parent, after)
    world = World(after / "out", after / "consent.db")
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger, tell=silent)
    told = card_changes(str(before / "out"), str(world.out))
    assert told[:5] == [
        "version: 1.0.0 before, 2.0.0 now",
        "a withdrawal of 1 speaker lies between them: 1 conversation taken out, 0 left with one voice",
        "Counts:",
        "  samples: 10 before, 8 now",
        "  conversations: 5 before, 4 now",
    ]
    assert [line for line in told[2:] if not line.startswith(" ")] == ["Counts:", "Rights and uses:", "All else:"]
    rights = told[told.index("Rights and uses:") : told.index("All else:")]
    assert "  conversations with consent to recording, redistribution: unknown before, 4 now" in rights
    assert len([line for line in rights if "by place of a speaker" in line]) <= 2  # and not one for each purpose
    assert "  rules: withdrawal not there before, 1.5 now" in told


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
