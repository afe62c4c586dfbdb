"""The table of what every importer makes of its fixtures stands in the documentation as the importers make it."""

from pathlib import Path

from benchmarks.words_import import FIXTURES, table
from duologue_pipeline.transcripts.names import FORMAT_NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transcripts.md"


def test_the_page_shows_what_every_importer_makes_of_its_fixtures() -> None:
    assert "\n".join(table()) in PAGE.read_text(encoding="utf-8")


def test_every_format_of_another_program_has_a_fixture() -> None:
    assert {name for name, _ in FIXTURES.values()} == {*FORMAT_NAMES} - {"words"}
