"""The borders between the parts: what may import what, as it is written and as it happens."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "duologue_schemas": ROOT / "schemas",
    "duologue_consent": ROOT / "consent",
    "duologue_cards": ROOT / "cards",
    "duologue_pipeline": ROOT / "pipeline",
}
MAY_IMPORT = {
    "duologue_schemas": set[str](),
    "duologue_consent": set[str](),
    "duologue_cards": {"duologue_schemas"},
    "duologue_pipeline": {"duologue_schemas", "duologue_consent", "duologue_cards"},
}
ORDER = {
    "duologue_pipeline": (
        "made_by records errors rules progress",
        "files",
        "models",
        "codec",
        "read consent ingest demo simulate transcripts",
        "activity isolation words",
        "events intake",
        "labels shards",
        "reader tokens",
        "decode release views torch",
        "export withdrawal leakage",
        "conversation",
        "score",
        "stages",
        "pipeline",
        "engines",
        "run",
        "validate retokenize audit",
        "corpora",
        "cli",
        "__main__",
    ),
    "duologue_consent": ("errors verify", "decisions proofs", "bulk", "ledger", "lineage", "cli"),
}
"""The folders and modules of a part, in rows: each imports from itself and from the rows above it."""
HEAVY = {"apache_beam", "torch", "torchaudio", "transformers", "pyannote", "silero_vad", "scipy"}
LIGHT_PARTS = ("duologue_schemas", "duologue_consent", "duologue_cards")
LIGHT_ROOMS = (
    "records",
    "errors",
    "rules",
    "files",
    "reader",
    "views",
    "release.verify",
    "labels",
    "withdrawal",
    "export",
)
"""Folders and modules of the pipeline that load nothing heavy: they are there without ``[pipeline]``."""


def module_name(path: Path, part: str) -> str:
    """``duologue_pipeline.stages.read`` of the file that holds it."""
    name = ".".join(path.relative_to(PARTS[part]).with_suffix("").parts)
    return name.removesuffix(".__init__")


def modules(part: str) -> dict[str, Path]:
    """Every module of a part."""
    return {module_name(path, part): path for path in sorted((PARTS[part] / part).rglob("*.py"))}


def imports(path: Path) -> Iterator[str]:
    """Absolute names of everything that a module imports, also inside functions: modules, and names in modules."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(name: str) -> str:
    return name.partition(".")[0]


def folder(name: str) -> str:
    """``stages`` of ``duologue_pipeline.stages.read``."""
    return name.split(".")[1] if "." in name else ""


def loaded_by(code: str) -> set[str]:
    """Top-level names of all modules that are loaded after a fresh Python has run the code."""
    script = f"{code}\nimport sys\nprint('LOADED', *{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120)
    return set(done.stdout.rpartition("LOADED ")[2].split())


def loaded_by_each(rooms: dict[str, list[str]]) -> dict[str, set[str]]:
    """Top-level names of all modules that each room adds, when one fresh Python imports the modules of one after the other.

    Our own modules are forgotten before the next room, so that it is seen which of them it needs.
    """
    script = """
import importlib, json, sys
rooms, parts = json.loads(sys.argv[1])
loaded = {}
for room, names in rooms.items():
    before = set(sys.modules)
    for name in names:
        importlib.import_module(name)
    loaded[room] = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
    for name in [name for name in sys.modules if name.partition(".")[0] in parts]:
        del sys.modules[name]
print("LOADED", json.dumps(loaded))
"""
    given = json.dumps([rooms, list(PARTS)])
    command = [sys.executable, "-c", script, given]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return {room: set(names) for room, names in json.loads(done.stdout.rpartition("LOADED ")[2]).items()}


# --- as written -----------------------------------------------------------------------------------------------------


def test_imports_are_found() -> None:
    found = set(imports(modules("duologue_pipeline")["duologue_pipeline.stages.stage"]))
    assert {"duologue_pipeline.errors.RejectError", "duologue_pipeline.stages.guard.guarded", "apache_beam"} <= found


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_the_parts_that_it_may(part: str) -> None:
    crossed = {
        (name, imported)
        for name, path in modules(part).items()
        for imported in imports(path)
        if top(imported) in PARTS and top(imported) not in MAY_IMPORT[part] | {part}
    }
    assert crossed == set()


@pytest.mark.parametrize("part", LIGHT_PARTS)
def test_only_the_pipeline_imports_beam_and_models(part: str) -> None:
    heavy = {
        (name, imported) for name, path in modules(part).items() for imported in imports(path) if top(imported) in HEAVY
    }
    assert heavy == set()


@pytest.mark.parametrize("part", ORDER)
def test_a_module_imports_from_its_own_folder_and_from_rows_above(part: str) -> None:
    row = {folder: number for number, folders in enumerate(ORDER[part]) for folder in folders.split()}
    crossed = {
        (name, imported)
        for name, path in modules(part).items()
        if name != part  # the package offers what lies in its folders
        for imported in imports(path)
        if top(imported) == part and folder(imported) != folder(name) and row[folder(imported)] >= row[folder(name)]
    }
    assert crossed == set()


def test_every_folder_has_its_row() -> None:
    for part, rows in ORDER.items():
        assert sorted(" ".join(rows).split()) == sorted({folder(name) for name in modules(part)} - {""})


def test_no_module_has_a_name_of_the_standard_library() -> None:
    names = {(name, word) for part in PARTS for name in modules(part) for word in name.split(".")[1:]}
    assert {name for name, word in names if word in sys.stdlib_module_names} == set()


def test_only_a_cli_and_the_entry_point_import_a_cli_of_any_part() -> None:
    importers = {
        name
        for part in PARTS
        for name, path in modules(part).items()
        for imported in imports(path)
        if top(imported) in PARTS and folder(imported) == "cli"
    }
    assert {name for name in importers if folder(name) not in ("cli", "__main__")} == set()
    assert "duologue_pipeline.cli.start" in importers  # it takes the consent CLI in


def test_only_the_shell_of_the_pipeline_imports_beam() -> None:
    shell = {
        folder(name) for name, path in modules("duologue_pipeline").items() if "apache_beam" in map(top, imports(path))
    }
    assert shell == {"stages", "pipeline", "engines", "run"}


# --- as it happens --------------------------------------------------------------------------------------------------


def test_what_is_there_without_the_pipelines_extra_loads_neither_beam_nor_models_nor_scipy() -> None:
    rooms = {part: list(modules(part)) for part in LIGHT_PARTS}
    for room in LIGHT_ROOMS:
        whole = f"duologue_pipeline.{room}"
        rooms[whole] = [name for name in modules("duologue_pipeline") if f"{name}.".startswith(f"{whole}.")]
    loaded = loaded_by_each(rooms)
    assert [room for room, names in loaded.items() if top(room) not in names] == []
    assert {(room, name) for room, names in loaded.items() for name in names & HEAVY} == set()
    assert {(part, name) for part in LIGHT_PARTS for name in loaded[part] & (PARTS.keys() - MAY_IMPORT[part])} == {
        (part, part) for part in LIGHT_PARTS
    }


def test_reading_shards_loads_neither_beam_nor_torch(release: Path) -> None:
    loaded = loaded_by(
        "from duologue_pipeline.reader import open_dataset\n"
        f"samples = list(open_dataset({str(release)!r}))\n"
        "assert len(samples) == 5 and samples[0].audio[0].shape == (2, 16000)"
    )
    assert "duologue_pipeline" in loaded
    assert loaded & HEAVY == set()


def test_verifying_a_release_loads_neither_beam_nor_torch(release: Path) -> None:
    loaded = loaded_by(
        f"from duologue_pipeline.release.verify import verify_release\nassert not verify_release({str(release)!r}).faults"
    )
    assert loaded & HEAVY == set()


def test_the_command_line_starts_without_beam_and_torch() -> None:
    assert loaded_by("import duologue_pipeline.cli.app") & HEAVY == set()


def test_the_embedded_codec_needs_no_torch() -> None:
    loaded = loaded_by("from duologue_pipeline.codec.registry import open_codec\nopen_codec('embedded')")
    assert loaded & (HEAVY - {"scipy"}) == set()
