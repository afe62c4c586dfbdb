"""``duologue audit leakage`` as somebody meets it who is asked whether speakers can be known again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.leakage import measure
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.strays import find_strays
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.leakage import LeakageRules
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_schemas import iter_faults
from tests.pipeline.leakage.people import make_people
from tests.pipeline.withdrawal.world import make_world

RULES = replace(
    load_rules(LeakageRules), durations_s=(3,), bootstraps=20, permutations=10, network_steps=5, network_batch=8
)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_people(tmp_path_factory.mktemp("people"))


@pytest.fixture
def out(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(measure, "load_rules", lambda _: RULES)
    return Path(shutil.copytree(people, tmp_path / "out"))


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", "leakage", *map(str, arguments)])


def test_the_figures_go_into_the_cards_and_the_release_stays_whole(out: Path) -> None:
    done = audit(out, "--no-audio", "--no-codebooks")
    assert done.exit_code == 0, done.output
    assert "Wrong in 100" in done.stdout
    assert "errs in" in done.stdout
    facts = json.loads((out / "cards/facts.json").read_text())["facts"]
    assert facts["leakage_tokens_eer"]["value"] < 0.5
    assert facts["leakage_original_eer"]["unknown"] == "audio was left out (--no-audio)"
    assert card_faults(str(out)) == []
    assert [str(each) for each in verify_release(str(out)).faults] == []
    release = json.loads((out / "dataset.json").read_text())
    assert find_strays(str(out), release).foreign == ()
    assert build_cards(str(out), tell=print) == []  # made anew they are the same
    changed = build_cards(str(out), {"publisher": "Lab 7"}, tell=print)
    assert "cards/leakage.json" not in changed  # what was measured stays where something else is stated


def test_the_release_stays_as_it_is_where_that_is_asked_for(out: Path) -> None:
    before = (out / "dataset.json").read_bytes()
    done = audit(out, "--no-audio", "--no-codebooks", "--no-cards", "--json")
    assert list(iter_faults("leakage", json.loads(done.stdout))) == []
    assert (out / "dataset.json").read_bytes() == before


def test_halves_of_conversations_are_told_apart_and_never_kept(out: Path) -> None:
    before = (out / "dataset.json").read_bytes()
    done = audit(out, "--no-audio", "--no-codebooks", "--within")
    assert "WITHIN CONVERSATIONS" in done.stdout
    assert (out / "dataset.json").read_bytes() == before


def test_another_purpose_is_refused_in_a_sentence(out: Path) -> None:
    done = audit(out, "--purpose", "likeness")
    assert done.exit_code == 2
    assert "may be used for" in done.stderr


def test_no_release_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = audit(tmp_path)
    assert (done.exit_code, f"is {tmp_path} the output folder" in done.stderr) == (2, True)


def test_figures_of_changed_shards_are_refused(out: Path) -> None:
    audit(out, "--no-audio", "--no-codebooks")
    document = json.loads((out / "cards/leakage.json").read_text())
    document["release"]["shards_sha256"] = "0" * 64
    with pytest.raises(UsageError, match="another version"):
        build_cards(str(out), leakage=document, tell=print)


def test_a_withdrawal_takes_the_figures_out(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    root = str(world.out)
    release = json.loads((world.out / "dataset.json").read_text())
    document = measure.measure_leakage(measure.LeakageRequest(root, audio=False))
    build_cards(root, leakage=document, tell=print)
    assert (world.out / "cards/leakage.json").exists()
    world.withdraw("carl")
    propagate_release(root, world.ledger, tell=print)
    assert not (world.out / "cards/leakage.json").exists()
    facts = json.loads((world.out / "cards/facts.json").read_text())["facts"]
    assert "nobody has measured it" in facts["leakage_tokens_eer"]["unknown"]
    assert release["version"] != json.loads((world.out / "dataset.json").read_text())["version"]
    done = audit(root)
    assert (done.exit_code, "--no-cards" in done.stderr) == (2, True)
