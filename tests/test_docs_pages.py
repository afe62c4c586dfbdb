"""The pages name what exists: links, modules, files, forms. Held by reading, so it takes a second."""

import configparser
import importlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from duologue_cards import CARD_FILES, STATEMENT
from duologue_pipeline import records
from duologue_pipeline.errors import REASONS
from duologue_pipeline.events.find import KINDS
from tests.test_borders import ORDER

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    f"duologue_{part}": ROOT / part / f"duologue_{part}" for part in ("pipeline", "consent", "cards", "schemas")
}
ALL_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
HISTORY = {ROOT / "CHANGELOG.md", *(ROOT / "docs" / "adr").glob("*.md")}
"""Pages that say how it was; they may name what is gone."""
PAGES = [page for page in ALL_PAGES if page not in HISTORY]

LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
DOTTED = re.compile(r"\bduologue_(?:pipeline|consent|cards|schemas)(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(r"(?<![\w./-])(?:pipeline|consent|cards|schemas|tests|scripts|benchmarks|docs|notebooks)/[\w./*-]+")
QUOTED_FILE = re.compile(r"`([\w-]+(?:/[\w.*-]+)*/(?:[\w.*-]+\.(?:py|json|npz))?)`")
PLACEHOLDER = re.compile(r"[A-Z]{3,}")
TARGET = re.compile(r"(?:`|^    )make ([a-z][a-z-]*)", re.MULTILINE)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(page: Path) -> str:
    """``docs/index.md`` of a page, as pytest shows it."""
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(headings))
    return {heading.strip().replace(" ", "-") for heading in plain}


def leads_somewhere(page: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    there = page.parent / target if target else page
    return there.exists() and (not anchor or anchor in anchors(there))


@cache
def exists_in_python(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one, or a field of a class in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if not hasattr(found, name) and name not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, name, None)
        return True
    return False


def exists_as_file(path: str, *roots: Path) -> bool:
    """Whether there is such a file under one of the roots; a word in capitals (NAME) stands for any."""
    pattern = path.strip("/")
    return any(
        next(root.glob(candidate), None) is not None
        for root in roots
        for candidate in (pattern, PLACEHOLDER.sub("*", pattern))
    )


def files_named(page: Path) -> Iterator[str]:
    """Files that a page names, from the root of the repository or from within a package."""
    for found in FILE.findall(text(page)):
        if (path := found.rstrip(".")) not in OF_A_RELEASE:
            yield path
    for found in QUOTED_FILE.findall(text(page)):
        if found.partition("/")[0] in {*PACKAGES, *FOLDERS} and found not in OF_A_RELEASE:
            yield found


OF_A_RELEASE = {*CARD_FILES, STATEMENT}
FOLDERS = {folder for rows in ORDER.values() for row in rows for folder in row.split()}


@pytest.mark.parametrize("page", ALL_PAGES, ids=named)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(text(page)) if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_module_and_name_of_ours_exists(page: Path) -> None:
    assert [name for name in sorted(set(DOTTED.findall(text(page)))) if not exists_in_python(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_of_ours_exists(page: Path) -> None:
    roots = (ROOT, *PACKAGES.values(), *(package.parent for package in PACKAGES.values()))
    assert [path for path in sorted(set(files_named(page))) if not exists_as_file(path, *roots)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text(ROOT / "Makefile"), re.MULTILINE))
    assert sorted(set(TARGET.findall(text(page))) - targets) == []


@pytest.mark.parametrize("name", ["duologue_pipeline.records.Event.fto_ms", "duologue_consent.verify"])
def test_a_name_that_exists_is_found(name: str) -> None:
    assert exists_in_python(name)


@pytest.mark.parametrize("name", ["duologue_pipeline.statistics", "duologue_pipeline.records.Event.fto_s"])
def test_a_name_that_is_gone_is_found_out(name: str) -> None:
    assert not exists_in_python(name)


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(text(index))}
    assert [named(page) for page in (ROOT / "docs").glob("*.md") if page not in {index, *linked}] == []


def test_the_map_of_the_architecture_has_every_folder_in_the_order_of_imports() -> None:
    rows = re.findall(r"^\| ([\d]+) \| (.*?) \|", text(ROOT / "docs" / "architecture.md"), re.MULTILINE)
    told = [" ".join(re.findall(r"`(\w+)(?:\.py|/)`", cells)) for _, cells in rows]
    assert told == [*ORDER["duologue_pipeline"], *ORDER["duologue_consent"]]


def test_the_table_of_kinds_has_every_kind_of_event_in_order() -> None:
    (table,) = re.findall(
        r"^\| kind \| speaker \| .*\n((?:\|.*\n)+)", text(ROOT / "docs" / "annotation.md"), re.MULTILINE
    )
    first_cells = [row.split("|")[1] for row in table.splitlines()]
    assert [kind for cell in first_cells for kind in re.findall(r"`(\w+)`", cell)] == list(KINDS)


def test_the_stages_of_the_architecture_are_folders_records_and_reasons() -> None:
    page = text(ROOT / "docs" / "architecture.md")
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \| [^|]* \|([^|]*)\|", page, re.MULTILINE)
    assert {word for word, _, _ in rows} <= FOLDERS
    chain = next(line.split(" -> ") for line in page.strip().splitlines() if " -> Active -> " in line)
    assert [gives for _, gives, _ in rows] == [*(name.strip() for name in chain), "dataset.json"]
    assert [name for name in chain if not hasattr(records, name.strip())] == []
    beginnings = {found for _, _, refuses in rows for found in re.findall(r"`(\w+)_\*`", refuses)}
    assert beginnings | {"internal"} == {reason.partition("_")[0] for reason in REASONS}  # of any stage


# --- files of the repository that programs of others read -------------------------------------------------------------


def test_the_citation_follows_cff_and_has_the_version_of_the_package() -> None:
    citation = yaml.safe_load(text(ROOT / "CITATION.cff"))
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    assert citation.keys() >= {"cff-version", "message", "title", "authors"}  # what CFF 1.2.0 requires
    assert citation["cff-version"] == "1.2.0"
    assert (citation["title"], citation["version"], citation["license"]) == (
        project["name"],
        project["version"],
        project["license"].partition(" AND ")[0],  # that of our own code; the others are of what is packed with it
    )
    assert citation["authors"] == [{"name": author["name"]} for author in project["authors"]]


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=named)
def test_a_form_for_issues_is_one(path: Path) -> None:
    form = yaml.safe_load(text(path))
    if path.name == "config.yml":
        assert form["blank_issues_enabled"] is False
        return
    assert form.keys() >= {"name", "description", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids)) > 0
    assert all(field["attributes"]["label"] for field in fields)
    assert all(field["attributes"]["options"] for field in fields if field["type"] in ("dropdown", "checkboxes"))


@pytest.mark.parametrize("form", ["bug", "data_problem"])
def test_a_form_asks_that_no_personal_data_are_attached(form: str) -> None:
    body = yaml.safe_load(text(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{form}.yml"))["body"]
    (promise,) = [field for field in body if field["type"] == "checkboxes"]
    (option,) = promise["attributes"]["options"]
    assert option["required"] is True
    for word in ("recordings", "names", "ledger"):
        assert word in option["label"]


def test_the_hooks_call_the_tools_that_the_project_pins() -> None:
    (local,) = yaml.safe_load(text(ROOT / ".pre-commit-config.yaml"))["repos"]
    assert local["repo"] == "local"
    assert {hook["id"]: hook["entry"] for hook in local["hooks"]} == {
        "ruff": ".venv/bin/ruff check --fix",
        "ruff-format": ".venv/bin/ruff format",
        "mypy": ".venv/bin/mypy",
    }
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


def test_editors_and_ruff_agree_on_the_length_of_a_line() -> None:
    editors = configparser.ConfigParser()
    editors.read_string("[root]\n" + text(ROOT / ".editorconfig"))
    ruff = tomllib.loads(text(ROOT / "pyproject.toml"))["tool"]["ruff"]
    assert editors["root"]["root"] == "true"
    assert editors["*.py"]["max_line_length"] == str(ruff["line-length"])
