"""What a person stated never stops a withdrawal, and never names what is gone."""

import json
import shutil
from pathlib import Path

import pytest

from duologue_consent import verify
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.stated import read_statement
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal import carry_out
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.release.killed import build_killed
from tests.pipeline.withdrawal.support import release_of
from tests.pipeline.withdrawal.world import World, make_world

STATED = {
    "name": "call-1",
    "publisher": "Example Lab",
    "intended_use": "Turn-taking; call-1 is our best example.",
    "x_notes": {"loud": ["call-3", "call-1-00001"]},
    "x_call-1": "heard twice",
    "x_best": [{"recording_id": "call-3"}],
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "world").mkdir()
    return make_world(tmp_path / "world")


def copy(world: World, folder: Path) -> World:
    shutil.copytree(world.out.parent, folder)
    return World(folder / "out", folder / "consent.db")


def propagate(world: World) -> list[str]:
    """Carries a withdrawal out; gives what was told."""
    told: list[str] = []
    propagate_release(str(world.out), world.ledger, tell=told.append)
    return told


def check_whole(world: World, receipt: str) -> None:
    assert verify.main([str(world.out / "receipts" / receipt)]) == 0
    assert verify_release(str(world.out)).faults == ()
    assert card_faults(str(world.out)) == []


def test_fields_that_name_what_is_removed_are_left_out_and_the_others_stay(world: World) -> None:
    build_cards(str(world.out), STATED, tell=lambda _: None)
    world.withdraw("anna")
    world.withdraw("ben")
    told = propagate(world)
    check_whole(world, "0001.json")
    for path, data in world.files().items():
        assert path.startswith("receipts/") or b"call-1" not in data, path
    facts = json.loads((world.out / "cards" / "facts.json").read_text())["facts"]
    assert facts["stated.publisher"]["value"] == "Example Lab"
    assert facts["stated.intended_use"]["value"] is None
    assert [line.partition(" of ")[0] for line in told if "is left out" in line] == [
        "intended_use",
        "name",
        "x_call-1",
        "x_notes",
    ]
    assert (
        world.out / "cards" / "dataset.yaml"
    ).read_text() == "publisher: Example Lab\nx_best:\n- recording_id: call-3\n"
    world.withdraw("dora")
    world.withdraw("emil")
    propagate(world)
    check_whole(world, "0002.json")
    assert (world.out / "cards" / "dataset.yaml").read_text() == "publisher: Example Lab\n"


@pytest.mark.parametrize("name", ["call", "call.1", "call-1-corpus"])
def test_the_name_of_the_release_is_nobodys(world: World, name: str) -> None:
    path = world.out / "dataset.json"
    path.write_text(path.read_text().replace('"name": "tiny-dataset"', f'"name": "{name}"'))
    assert json.loads(path.read_text())["name"] == name
    build_cards(str(world.out), {"publisher": "Example Lab"}, tell=lambda _: None)
    world.withdraw("anna")
    world.withdraw("ben")
    propagate(world)
    check_whole(world, "0001.json")
    croissant = json.loads((world.out / "croissant.json").read_text())
    assert croissant["name"] == name
    assert f"{{{name}:2.0.0," in croissant["citeAs"]


def test_a_statement_of_which_nothing_stays_is_no_file_any_more(world: World) -> None:
    build_cards(str(world.out), {"x_speaker": world.ledger.snapshot().commitment("fred")}, tell=lambda _: None)
    world.withdraw("fred")
    propagate(world)
    check_whole(world, "0001.json")
    assert not (world.out / "cards" / "dataset.yaml").exists()


def test_what_an_attempt_has_laid_ready_does_not_go_on_where_more_was_withdrawn_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_cards(str(world.out), {"intended_use": "call-3 is our best example"}, tell=lambda _: None)
    world.withdraw("anna")

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(carry_out, "_switch", killed)
        propagate(world)
    assert (world.out / ".propagate" / "next" / "cards" / "dataset.yaml").exists()
    world.withdraw("dora")
    world.withdraw("emil")
    propagate(world)
    check_whole(world, "0001.json")
    assert not (world.out / "cards" / "dataset.yaml").exists()


@pytest.mark.parametrize("damaged", [b"publisher: Somebody else\n", b"voice: mine\n", b"\xff", None])
def test_a_statement_that_is_not_that_of_the_release_stops_nobody(world: World, damaged: bytes | None) -> None:
    build_cards(str(world.out), {"publisher": "Example Lab"}, tell=lambda _: None)
    path = world.out / "cards" / "dataset.yaml"
    path.unlink() if damaged is None else path.write_bytes(damaged)
    world.withdraw("anna")
    told = propagate(world)
    check_whole(world, "0001.json")
    assert [line for line in told if line.endswith("the new version goes without what was stated")]
    assert not path.exists()
    assert "stated.publisher" not in {
        name
        for name, fact in json.loads((world.out / "cards" / "facts.json").read_text())["facts"].items()
        if fact["value"] is not None
    }
    world.withdraw("carl")
    propagate(world)
    check_whole(world, "0002.json")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"), [({}, {"publisher": "New Lab"}), (STATED, {"publisher": "New Lab"}), (STATED, {})]
)
def test_a_card_build_that_was_killed_stops_no_withdrawal_and_is_finished_by_the_next_one(
    world: World, tmp_path: Path, before: dict[str, object], after: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    build_cards(str(world.out), before, tell=lambda _: None)
    moment, alive = 0, False
    seen = []
    while not alive:
        copied = copy(world, tmp_path / f"{moment}")
        alive = build_killed(copied.out, moment, monkeypatch, stated=after)
        if moment < 4 or alive:  # the others differ in nothing that a withdrawal reads
            withdrawn = copy(copied, tmp_path / f"{moment}-withdrawn")
            withdrawn.withdraw("fred")
            told = propagate(withdrawn)
            check_whole(withdrawn, "0001.json")
            assert not [line for line in told if "goes without" in line], moment
            assert read_statement(str(withdrawn.out), release_of(withdrawn.out)) in (before, after), moment
        build_cards(str(copied.out), tell=lambda _: None)
        assert card_faults(str(copied.out)) == [], moment
        assert verify_release(str(copied.out)).faults == (), moment
        assert not [path for path in copied.files() if ".tmp" in path or path.startswith(".")], moment
        seen.append(read_statement(str(copied.out), release_of(copied.out)))
        moment += 1
    assert seen == sorted(seen, key=lambda stated: stated == after)
    assert (seen[0], seen[-1]) == (before, after)
