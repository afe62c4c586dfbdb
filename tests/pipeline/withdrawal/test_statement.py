"""What a person stated never stops a withdrawal, and never names what is gone."""

import json
from pathlib import Path

import pytest

from duologue_consent import verify
from duologue_pipeline.release.card_files import build_cards, card_faults
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal import carry_out
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.withdrawal.world import World, make_world

STATED = {
    "publisher": "Example Lab",
    "intended_use": "Turn-taking; call-1 is our best example.",
    "x_notes": {"loud": ["call-3", "call-1-00001"]},
    "x_call-1": "heard twice",
    "x_best": [{"recording_id": "call-3"}],
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


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
