"""``duologue consent propagate`` and what comes after it, as a data steward meets them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_pipeline.cli import propagate as command
from duologue_pipeline.cli.app import app
from tests.pipeline.withdrawal.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def consent(world: World, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["consent", *arguments, "--ledger", str(world.path)])


def first_line(world: World, *options: str) -> str:
    result = consent(world, "propagate", str(world.out), *options)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()[0]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "on_terminal", lambda: True)


@pytest.mark.usefixtures("terminal")
def test_the_first_line_says_who_went_from_what_and_where_the_proof_is(world: World) -> None:
    world.withdraw("anna")
    assert first_line(world) == (
        f"Done: anna is silenced in 2 recordings of {world.out}; tiny-dataset 1.0.0 is now 2.0.0; "
        f"receipt {world.out}/receipts/0001.json, to read receipts/0001.md"
    )
    assert (world.out / "receipts" / "0001.md").exists()


@pytest.mark.usefixtures("terminal")
def test_a_dry_run_says_that_nothing_was_written(world: World) -> None:
    world.withdraw("hugo")
    before = world.files()
    assert first_line(world, "--dry-run") == (
        f"Nothing was written. hugo would be silenced in 1 recording of {world.out}; tiny-dataset 1.0.0 would become 2.0.0."
    )
    assert world.files() == before


@pytest.mark.usefixtures("terminal")
def test_several_are_named_up_to_three(world: World) -> None:
    for speaker in ("anna", "carl", "emil"):
        world.withdraw(speaker)
    assert "anna, carl and emil would be " in first_line(world, "--dry-run")
    world.withdraw("fred")
    assert ". 4 speakers would be " in first_line(world, "--dry-run")


def test_a_log_that_is_kept_names_nobody(world: World) -> None:
    world.withdraw("anna")
    for options in (("--dry-run",), ("--dry-run", "--details"), ("--details",)):
        result = consent(world, "propagate", str(world.out), *options)
        assert "anna" not in result.output
        assert "1 speaker " in result.stdout.splitlines()[0]


def test_details_count_and_name_pseudonyms(world: World) -> None:
    world.withdraw("carl")
    pseudonym = world.ledger.snapshot().commitment("carl")
    lines = consent(world, "propagate", str(world.out), "--details").stdout.splitlines()
    assert f"  {pseudonym}: gone with 1 recording" in lines
    assert "  samples: 2 dropped, 0 with the speaker silenced" in lines
    assert lines[-1].startswith("  receipt: receipts/0001.json, after ")


def test_programs_get_the_speakers_by_pseudonym(world: World) -> None:
    world.withdraw("carl")
    (outcome,) = json.loads(consent(world, "propagate", str(world.out), "--format", "json").stdout)
    assert outcome["speakers"] == {world.ledger.snapshot().commitment("carl"): {"silenced": 0, "dropped": 1}}


def explained(world: World, recording: str, *options: str) -> Result:
    return consent(world, "explain", recording, "--dataset", str(world.out), *options)


def test_who_was_taken_out_is_nobody_whose_grant_could_be_entered(world: World) -> None:
    world.withdraw("hugo")
    assert explained(world, "call-5").exit_code == 1
    consent(world, "propagate", str(world.out))
    for options in ((), ("--details",)):
        result = explained(world, "call-5", *options)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith("call-5 may be used for training_inhouse.\n")
        assert "a  was taken out by a withdrawal: the track is silence" in result.stdout
        assert "consent grant" not in result.stdout
        assert "consent_unknown_speaker" not in result.stdout
    a, b = json.loads(explained(world, "call-5", "--format", "json").stdout)["purposes"][0]["speakers"]
    assert (a["taken_out"], a["speaker_id"], a["commitment"], a["findings"]) == (True, None, "withdrawn", [])
    assert (b["taken_out"], b["speaker_id"]) == (False, "ines")


def test_the_other_speaker_is_still_asked(world: World) -> None:
    world.withdraw("hugo")
    consent(world, "propagate", str(world.out))
    world.withdraw("ines")
    result = explained(world, "call-5")
    assert result.exit_code == 1
    assert result.stdout.startswith("call-5 may not be used for training_inhouse, because of b (ines).\n")


def test_a_person_who_is_called_withdrawn_is_a_person(world: World) -> None:
    consent(world, "grant", "withdrawn", "--purpose", "recording")
    world.withdraw("hugo")
    consent(world, "propagate", str(world.out))
    assert "was taken out by a withdrawal" in explained(world, "call-5").stdout


def test_who_was_forgotten_is_not_to_be_entered_either(world: World) -> None:
    pseudonym = world.ledger.snapshot().commitment("gina")
    world.ledger.forget("gina")
    result = explained(world, "call-7")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:3] == [
        f"call-7 may not be used for training_inhouse, because of b ({pseudonym[:12]}).",
        f"b  {pseudonym[:12]}: the ledger does not know whose pseudonym this is: the speaker was forgotten",
        "   to do: take the recording out with `duologue consent propagate`; there is no decision that could be entered",
    ]


def test_a_recording_that_went_with_a_withdrawal_is_told_as_that(world: World) -> None:
    world.withdraw("carl")
    consent(world, "propagate", str(world.out))
    assert "a withdrawal may have taken it out, see its receipts" in explained(world, "call-2").stderr


def test_the_commands_that_withdraw_names_do_it(world: World) -> None:
    consent(world, "lineage", "add", "moshi", "--dataset", str(world.out))
    said = consent(world, "withdraw", "anna").stdout
    (line,) = [line.strip() for line in said.splitlines() if line.startswith("  duologue consent propagate")]
    words = line.partition("    # ")[0].split()
    assert words[:3] == ["duologue", "consent", "propagate"]
    done = CliRunner().invoke(app, words[1:])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Done: ")
