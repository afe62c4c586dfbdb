"""What is known of the corpora: that every data file can be read, is told truly, and that refusals say why."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_pipeline.corpora.adapter import Adapter, adapters
from duologue_pipeline.corpora.own_words import READERS_OF_WORDS
from duologue_pipeline.corpora.readers import READERS, TABLES
from duologue_pipeline.corpora.table import table_of
from duologue_pipeline.intake.moments import read_started
from duologue_pipeline.transcripts.formats import FORMATS
from duologue_pipeline.transcripts.model import MARKS

DOCS = Path(__file__).resolve().parents[3] / "docs/corpora.md"
REFUSED = [each for each in adapters() if each.verdict == "refuse"]
TAKEN = [each for each in adapters() if each.verdict != "refuse"]


def corpus(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["corpus", *arguments])
    return result.exit_code, result.output


def test_no_name_is_given_twice() -> None:
    names = [name.casefold() for each in adapters() for name in (each.name, *each.aliases)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("adapter", TAKEN, ids=lambda each: each.name)
def test_what_a_data_file_names_is_there(adapter: Adapter) -> None:
    assert adapter.tracks
    assert adapter.needs
    assert adapter.license
    assert read_started(adapter.recorded, None) is not None or adapter.recorded is None
    assert set(adapter.marks.values()) <= {*MARKS, ""}
    for was, _ in adapter.replace:
        re.compile(was)
    assert next(rule for rule in adapter.files if rule.use in ("stereo", "side")).example
    for rule in adapter.files:
        groups = re.compile(rule.pattern).groupindex
        assert (rule.use in ("other", "refuse")) == bool(rule.what)
        assert rule.reader in ("", *READERS, *TABLES)
        assert bool(rule.table or rule.reader) == (rule.use in ("table", "metadata"))
        assert rule.format in ("auto", *FORMATS, *READERS_OF_WORDS)
        assert ("started" in groups) == bool(rule.started)
        if rule.use in ("stereo", "side", "words", "metadata"):
            assert rule.recording.format(**dict.fromkeys(groups, "x")) != ""
        assert not rule.example or re.fullmatch(rule.pattern, rule.example)
        if rule.use == "side":
            assert "side" in groups


@pytest.mark.parametrize("adapter", REFUSED, ids=lambda each: each.name)
def test_a_refusal_says_why_and_writes_nothing(adapter: Adapter, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in (adapter.name, *adapter.aliases):
        code, said = corpus("prepare", name, str(tmp_path), "--out", str(out))
        assert code == 2
        assert adapter.sentence in " ".join(said.split())
    assert not out.exists()


def test_an_unknown_name_is_told_what_is_alike(tmp_path: Path) -> None:
    code, said = corpus("prepare", "switchbord", str(tmp_path), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "did you mean switchboard" in said
    assert "from-folder" in corpus("prepare", "zzz", str(tmp_path), "--out", str(tmp_path / "out"))[1]


def test_a_folder_of_something_else_is_told_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/a.txt").write_text("x")
    code, said = corpus("prepare", "fisher", str(tmp_path / "x"), "--out", str(tmp_path / "out"))
    assert code == 2
    assert "such as fe_03_p1_sph1/audio/000/fe_03_00001.sph" in " ".join(said.split())
    assert not (tmp_path / "out").exists()


def test_the_list_as_json_tells_everything() -> None:
    code, said = corpus("list", "--json")
    assert code == 0
    told = {each["name"]: each for each in json.loads(said)}
    assert len(told) == len(adapters())
    assert told["fisher"]["verdict"] == "yes"
    assert told["ami"]["sentence"].startswith("4 people")
    assert told["switchboard"]["recalled"]


def test_the_page_holds_the_table_that_the_command_prints() -> None:
    code, said = corpus("list")
    assert code == 0
    assert said.strip() == table_of(adapters())
    assert table_of(adapters()) in DOCS.read_text(encoding="utf-8"), "put the output of `duologue corpus list` there"
