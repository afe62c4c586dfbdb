"""What each module offers: an ``__all__`` that is sorted and true, and a docstring on everything in it.

Each test looks at every file and lists its offenders.
"""

import ast
import importlib
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cards", "consent", "pipeline", "schemas")
TOOLS = ("benchmarks", "scripts")
MODULES = {
    ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}
FILES = [*MODULES.values(), *(path for folder in TOOLS for path in sorted((ROOT / folder).rglob("*.py")))]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def offered(name: str) -> list[str] | None:
    """The module's ``__all__`` as it is written, None without one."""
    for node in tree(MODULES[name]).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            found: list[str] = ast.literal_eval(node.value)
            return found
    return None


def public(path: Path) -> list[Definition]:
    """The functions and classes that a file defines at its top level under a name without an underscore."""
    return [node for node in tree(path).body if isinstance(node, Definition) and not node.name.startswith("_")]


def is_overload(node: Definition) -> bool:
    """Whether it is one of the signatures of a function whose docstring stands at the last."""
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in node.decorator_list)


def docstrings(path: Path) -> Iterator[tuple[str, str | None]]:
    """Where the docstrings of a file, its public functions and its public classes belong, and what they say."""
    place = path.relative_to(ROOT).as_posix()
    yield place, ast.get_docstring(tree(path))
    for node in public(path):
        if not is_overload(node):
            yield f"{place}: {node.name}", ast.get_docstring(node)


def method_docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """The docstrings of the public methods of public classes, as far as they have one; one that overrides needs none."""
    for owner in public(path):
        for node in owner.body if isinstance(owner, ast.ClassDef) else []:
            if isinstance(node, Definition) and not node.name.startswith("_") and (text := ast.get_docstring(node)):
                yield f"{path.relative_to(ROOT).as_posix()}: {owner.name}.{node.name}", text


def constants_first(name: str) -> tuple[int, str]:
    """The order of ``__all__``: CONSTANTS, Classes, functions; each by alphabet (ruff's RUF022)."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def none_of(offenders: Iterable[str]) -> None:
    """Fails with a line for each offender."""
    if found := list(offenders):
        pytest.fail("\n".join([f"{len(found)} offenders:", *found]), pytrace=False)


def test_all_packages_and_tools_are_looked_at() -> None:
    assert {name.partition(".")[0] for name in MODULES} == {f"duologue_{folder}" for folder in FOLDERS}
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]["files"]
    assert {*FOLDERS, *TOOLS, "tests"} == set(checked)
    assert len(set(FILES)) == sum(1 for folder in (*FOLDERS, *TOOLS) for _ in (ROOT / folder).rglob("*.py"))


def test_a_module_with_anything_public_says_what_it_offers() -> None:
    none_of(name for name, path in MODULES.items() if public(path) and offered(name) is None)


def test_all_is_sorted_and_names_nothing_twice() -> None:
    lists = {name: names for name in MODULES if (names := offered(name)) is not None}
    none_of(name for name, names in lists.items() if names != sorted(set(names), key=constants_first))


def test_everything_offered_exists() -> None:
    lists = {name: names for name in MODULES if (names := offered(name)) is not None}
    none_of(f"{name}.{x}" for name in lists for x in lists[name] if not hasattr(importlib.import_module(name), x))


def test_every_module_and_everything_public_in_it_has_a_docstring() -> None:
    none_of(place for path in FILES for place, text in docstrings(path) if not text)


def test_the_first_line_of_a_docstring_is_a_whole_sentence() -> None:
    """It ends with a full stop, or with a colon before what it introduces."""
    found = [(place, text) for path in FILES for place, text in (*docstrings(path), *method_docstrings(path)) if text]
    none_of(place for place, text in found if not text.splitlines()[0].endswith((".", ":")))
