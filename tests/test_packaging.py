"""What is built: a wheel with exactly the files of the tree, and an sdist that Beam can send to its workers."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("cards", "consent", "pipeline", "schemas")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist of the tree and a wheel of the sdist."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return out


def files_of_the_tree(folder: str) -> set[str]:
    """Every file of a source root, relative to it."""
    root = ROOT / folder
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def wheel_files(built: Path) -> set[str]:
    (wheel,) = built.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_a_source_root_holds_one_package_and_nothing_else() -> None:
    for folder in FOLDERS:
        assert {file.partition("/")[0] for file in files_of_the_tree(folder)} == {f"duologue_{folder}"}


def test_the_wheel_holds_exactly_the_packages(built: Path) -> None:
    code = {file for file in wheel_files(built) if ".dist-info/" not in file}
    assert code == set().union(*(files_of_the_tree(folder) for folder in FOLDERS))


@pytest.mark.parametrize(
    "file",
    [
        *(f"duologue_{folder}/py.typed" for folder in FOLDERS),
        "duologue_schemas/recording.schema.json",
        "duologue_pipeline/rules/ingest.json",
        "duologue_pipeline/demo/manifest.jsonl",
        "duologue_pipeline/demo/audio/demo-garden.flac",
        "duologue_pipeline/codec/weights/embedded-1.npz",
        "duologue_cards/vendor/wavesurfer-8.0.1.min.js",
        "duologue_cards/report/player.js",
        "duologue_cards/templates/report.html.j2",
    ],
)
def test_what_the_code_reads_is_in_the_wheel(file: str, built: Path) -> None:
    assert file in wheel_files(built)


def test_the_sdist_holds_the_packages_and_what_a_build_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.partition("/")[2] for name in archive.getnames()}
    packages = {f"{folder}/{file}" for folder in FOLDERS for file in files_of_the_tree(folder)}
    assert files == packages | {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", ".gitignore"}


def test_the_wheel_installs_the_command_and_its_license(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with zipfile.ZipFile(wheel) as archive:
        info = f"duologue-{version}.dist-info"
        assert archive.read(f"{info}/entry_points.txt").decode() == (
            "[console_scripts]\nduologue = duologue_pipeline.cli.start:main\n"
        )
        for license in ("LICENSE", "cards/duologue_cards/vendor/LICENSE.wavesurfer"):
            assert archive.read(f"{info}/licenses/{license}") == (ROOT / license).read_bytes()
        about = archive.read(f"{info}/METADATA").decode()
        assert "License-Expression: Apache-2.0 AND BSD-3-Clause\n" in about
