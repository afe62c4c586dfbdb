"""What workers elsewhere get of this program: a wheel that installs, and the versions that are here."""

import importlib.metadata
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import DebugOptions, SetupOptions

from duologue_pipeline.engines.options import Engine, beam_options, engine_of
from duologue_pipeline.engines.package import (
    PACKAGES,
    build_wheel,
    pinned_requirements,
    staged_package,
    wanted_requirements,
)
from duologue_pipeline.errors import UsageError

ROOT = Path(__file__).resolve().parents[3]
DATAFLOW = "--runner=DataflowRunner"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_packages_and_nothing_that_python_leaves_beside_them(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {name for name in names if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in code} == set(PACKAGES)
    assert {"duologue_pipeline/rules/ingest.json", "duologue_pipeline/codec/weights/embedded-1.npz"} < code
    assert [name for name in code if "__pycache__" in name or name.rpartition("/")[2].startswith(".")] == []


def test_the_same_files_give_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_wheel_installs_and_is_what_is_imported_then(wheel: Path, tmp_path: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True, timeout=120)
    code = "import json, duologue_pipeline.codec.registry as r, duologue_consent as c; print(json.dumps([r.__file__, c.__file__]))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[str(tmp_path), *sys.path]!r}; {code}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert all(file.startswith(str(tmp_path)) for file in json.loads(done.stdout))
    # and a wheel is packed from what was installed, as from the checkout
    again = (
        f"import sys; sys.path[:0] = {[str(tmp_path), *sys.path]!r}\n"
        "from pathlib import Path\nfrom duologue_pipeline.engines.package import build_wheel\n"
        f"build_wheel(Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-S", "-c", again], check=True, capture_output=True, timeout=120)
    (packed,) = tmp_path.glob("*.whl")
    assert set(zipfile.ZipFile(packed).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_libraries_are_asked_for_in_the_versions_that_are_here() -> None:
    lines = pinned_requirements()
    pins = dict(line.split("==") for line in lines if "==" in line)
    assert {"apache-beam", "torch", "silero-vad", "soundfile", "transformers", "google-cloud-storage"} <= pins.keys()
    assert {name: importlib.metadata.version(name) for name in pins} == pins
    assert not {"duologue", "pytest", "moto", "mypy"} & pins.keys()
    built_for = pins["torch"].partition("+")[2]
    indexes = [line for line in lines if line.startswith("--")]
    assert indexes == ([f"--extra-index-url https://download.pytorch.org/whl/{built_for}"] if built_for else [])


def staged(engine: Engine) -> tuple[list[str], str | None]:
    """(names of the extra packages, the requirements file) while the block lasts."""
    with staged_package(engine):
        setup = engine.options.view_as(SetupOptions)
        wanted = setup.requirements_file and Path(setup.requirements_file).read_text()
        return [Path(each).name for each in setup.extra_packages or ()], wanted


def test_containers_of_beam_get_wheel_and_requirements() -> None:
    engine = engine_of(beam_options([DATAFLOW, "--extra_package=/own/helper.tar.gz"]))
    packages, wanted = staged(engine)
    assert packages == ["helper.tar.gz", f"duologue-{importlib.metadata.version('duologue')}-py3-none-any.whl"]
    assert (wanted or "").splitlines() == pinned_requirements()
    assert engine.options.view_as(SetupOptions).requirements_cache == "skip"
    assert engine.options.view_as(DebugOptions).experiments == ["disable_logging_submission_environment"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [DATAFLOW, "--sdk_container_image=eu.pkg/duologue"],
        [DATAFLOW, "--setup_file=./pyproject.toml"],
        ["--runner=PortableRunner", "--environment_type=EXTERNAL", "--environment_config=pool:50000"],
    ],
)
def test_who_has_the_package_or_brings_it_gets_none(arguments: list[str]) -> None:
    assert staged(engine_of(beam_options(arguments))) == ([], None)


def test_a_package_of_the_user_stays() -> None:
    assert staged(engine_of(beam_options([DATAFLOW, "--extra_package=/own/duologue-9.whl"]))) == (
        ["duologue-9.whl"],
        None,
    )


def test_what_the_user_asks_for_comes_beside_our_versions(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(
        "# of ours\n--extra-index-url https://packages.example.org/simple\nnumpy\nhelper==9  # pinned\n\n"
        "torch==1 ; python_version < '3'\n"
    )
    engine = engine_of(beam_options([DATAFLOW, f"--requirements_file={own}"]))
    assert (staged(engine)[1] or "").splitlines() == [
        *pinned_requirements(),
        "--extra-index-url https://packages.example.org/simple",
        "numpy",
        "helper==9",
        "torch==1 ; python_version < '3'",
    ]
    assert engine.options.view_as(SetupOptions).requirements_cache == "skip"
    with_image = engine_of(beam_options([DATAFLOW, f"--requirements_file={own}", "--sdk_container_image=eu.pkg/own"]))
    assert staged(with_image)[1] == own.read_text()


NUMPY = importlib.metadata.version("numpy")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "numpy<2",
            f"duologue runs with numpy=={NUMPY} here, and the workers get the same; install what the file asks for here",
        ),
        ("NumPy @ https://example.org/numpy.whl", f"duologue runs with NumPy=={NUMPY} here"),
        (
            "-r other.txt",
            "names a file of this disk, which the workers do not get; write its lines into the file, or bring",
        ),
        ("./helper.whl", "names a file of this disk"),
        ("helper @ file:///home/me/helper.whl", "names a file of this disk"),
        ("helper==1 --hash=sha256:aa", "pip would want a hash for each of duologue's libraries as well"),
        ("not a requirement", "is no requirement ("),
    ],
)
def test_what_does_not_go_with_our_versions_is_refused(line: str, told: str, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(f"helper\n{line}\n")
    with pytest.raises(UsageError) as raised:
        wanted_requirements(engine_of(beam_options([DATAFLOW, f"--requirements_file={own}"])))
    assert str(raised.value).startswith(f"--requirements_file {own}: {line}: {told}")


@pytest.mark.parametrize(
    "line", ["--index-url https://me:s3cret@example.org/simple", "helper @ https://example.org/h.whl?token=s3cret"]
)
def test_passwords_in_requirements_go_nowhere(line: str, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(f"{line}\n")
    with pytest.raises(UsageError, match="has a password or a signature in an address") as raised:
        wanted_requirements(engine_of(beam_options([DATAFLOW, f"--requirements_file={own}"])))
    assert "s3cret" not in str(raised.value)


def test_requirements_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.txt: cannot be read"):
        wanted_requirements(engine_of(beam_options([DATAFLOW, f"--requirements_file={tmp_path}/no.txt"])))
