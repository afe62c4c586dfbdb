"""What each module offers: an ``__all__`` that is sorted and true, and a docstring on everything in it."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"pipeline", "consent", "cards", "schemas"}
MODULES = {
    ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in sorted(FOLDERS)
    for path in sorted((ROOT / folder).rglob("*.py"))
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def offered(name: str) -> list[str] | None:
    """The module's ``__all__`` as it is written, None without one."""
    for node in tree(name).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            found: list[str] = ast.literal_eval(node.value)
            return found
    return None


def definitions(name: str) -> dict[str, Definition]:
    """The functions and classes that a module defines at its top level."""
    return {node.name: node for node in tree(name).body if isinstance(node, Definition)}


def constants_first(name: str) -> tuple[int, str]:
    """The order of ``__all__``: CONSTANTS, Classes, functions; each by alphabet (ruff's RUF022)."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def test_all_packages_are_looked_at() -> None:
    assert {name.partition(".")[0] for name in MODULES} == {f"duologue_{folder}" for folder in FOLDERS}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_is_and_what_it_offers(name: str) -> None:
    assert ast.get_docstring(tree(name))
    public = [found for found in definitions(name) if not found.startswith("_")]
    assert offered(name) is not None or public == []


@pytest.mark.parametrize("name", [name for name in MODULES if offered(name) is not None])
def test_all_is_sorted_and_everything_in_it_exists(name: str) -> None:
    names = offered(name)
    assert names == sorted(set(names or ()), key=constants_first)
    module = importlib.import_module(name)
    assert [found for found in names if not hasattr(module, found)] == []


@pytest.mark.parametrize("name", [name for name in MODULES if offered(name) is not None])
def test_everything_offered_has_a_docstring(name: str) -> None:
    own = {found: node for found, node in definitions(name).items() if found in (offered(name) or ())}
    assert [found for found, node in own.items() if not ast.get_docstring(node)] == []
