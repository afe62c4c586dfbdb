"""What was measured of leakage is kept whole, whenever the writing of the cards is killed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from duologue_cards import shards_sha256
from duologue_pipeline.errors import UsageError
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards
from duologue_pipeline.release.stated import read_leakage
from duologue_pipeline.release.verify import verify_release
from tests.pipeline.release.killed import build_killed


def figures(release: Path, eer: float) -> dict[str, Any]:
    """A document of leakage that is of this release."""
    document = json.loads((release / "dataset.json").read_text())
    one = {"of": "tokens", "by": "network", "speech_s": 10, "eer": eer, "interval": [0.0, 1.0]}
    return {
        "schema": "leakage/1.0",
        "made_by": document["made_by"],
        "rules": "1.0",
        "release": {"name": "x", "version": document["version"], "shards_sha256": shards_sha256(document)},
        "codec": {"name": "tiny", "codebooks": 2, "weights_sha256": "a" * 64},
        "purpose": "training_inhouse",
        "seed": 0,
        "conversations": "across",
        "left_out": [],
        "figures": [{**one, "linked_speakers": 12, "pairs_of_one": 30, "pairs_of_two": 900}],
    }


def silent(_: str) -> None:
    """Nobody listens."""


def measured(release: Path) -> dict[str, Any]:
    return read_leakage(str(release), json.loads((release / "dataset.json").read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
def test_killed_at_any_moment_the_old_figures_or_the_new_are_there(
    again: bool, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = figures(release, 0.3) if again else {}
    if again:
        build_cards(str(release), leakage=before, tell=silent)
    after = figures(release, 0.2)
    moment, alive, seen = 0, False, []
    while not alive:
        copied = Path(shutil.copytree(release, tmp_path / f"{moment}"))
        alive = build_killed(copied, moment, monkeypatch, leakage=after)
        build_cards(str(copied), tell=silent)
        assert card_faults(str(copied)) == [], moment
        assert verify_release(str(copied)).faults == (), moment
        assert not [path for path in copied.rglob("*") if path.name.endswith(".tmp")], moment
        seen.append(measured(copied))
        moment += 1
    assert moment > 4
    assert (seen[0], seen[-1]) == (before, after)
    assert all(each in (before, after) for each in seen)


def test_figures_that_were_changed_hide_no_other_fault(release: Path) -> None:
    build_cards(str(release), leakage=figures(release, 0.2), tell=silent)
    path = release / "cards/leakage.json"
    path.write_text(path.read_text().replace("0.2", "0.1"))
    faults = card_faults(str(release))
    assert {fault.partition(":")[0] for fault in faults} == {"cards/leakage.json"}
    with pytest.raises(UsageError, match="is not the file that"):
        build_cards(str(release), tell=silent)


def test_figures_of_other_shards_are_refused(release: Path) -> None:
    document = figures(release, 0.2)
    document["release"]["shards_sha256"] = "0" * 64
    with pytest.raises(UsageError, match="has become another version"):
        build_cards(str(release), leakage=document, tell=silent)
