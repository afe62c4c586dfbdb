"""Human data scored as a model gets the human figures: files of the demo against the events of its release."""

import json
from pathlib import Path

import pytest

from duologue_schemas import iter_faults
from tests.end_to_end.support import Duologue
from tests.pipeline.score.support import demo_items

pytestmark = pytest.mark.slow


def test_the_second_speaker_as_a_model_gets_the_figures_of_the_release(
    duologue: Duologue, demo_release: Path, tmp_path: Path
) -> None:
    as_model = duologue("score-duplex", demo_items(tmp_path / "items"), "--json")
    as_people = duologue("score-duplex", demo_release, "--speaker", "b", "--json")
    assert (as_model.code, as_people.code) == (0, 0), as_model.stderr + as_people.stderr
    model, people = json.loads(as_model.stdout), json.loads(as_people.stdout)
    assert list(iter_faults("duplex_score", people)) == []
    assert {key: value for key, value in model.items() if key != "scored"} == {
        key: value for key, value in people.items() if key != "scored"
    }
    published = json.loads((demo_release / "statistics.json").read_text())["corpus"]
    other = json.loads(duologue("score-duplex", demo_release, "--speaker", "a", "--json").stdout)
    for kind, group, name in (
        ("backchannel", "backchannels", "per_minute"),
        ("pause", "pauses", "of_model_per_minute"),
        ("interruption", "interrupts_user", "per_minute"),
    ):
        assert (
            people["all"][group][name]["part"] + other["all"][group][name]["part"] == published["kinds"][kind]["count"]
        )
    transfers = [each["all"]["floor"]["floor_transfer_offset_s"]["count"] for each in (people, other)]
    assert sum(transfers) == published["floor_transfers"]


def test_what_cannot_be_scored_ends_with_one_line_that_names_it(duologue: Duologue, tmp_path: Path) -> None:
    root = demo_items(tmp_path / "items", names=("demo-garden", "demo-car-repair"))
    (root / "demo-garden" / "output.wav").unlink()
    one = duologue("score-duplex", root)
    assert (one.code, one.stdout) == (2, "")
    assert "demo-garden/output.wav: is not there" in one.stderr
    (root / "demo-car-repair" / "output.wav").unlink()
    none = duologue("score-duplex", root)
    assert (none.code, none.stdout) == (2, "")
    assert "no item has output.wav, what the model says" in none.stderr
    wrong = duologue("score-duplex", root, "--output", "input.wav")
    assert (wrong.code, wrong.stdout) == (2, "")
