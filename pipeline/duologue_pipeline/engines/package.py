"""Packs this very program for workers in other containers: a wheel of it, and the versions of all that it needs.

Beam brings its own container and nothing else. So the four packages are packed as they are imported here, from a source checkout
and from an installed wheel alike, and the libraries are asked for in the versions that the launcher has: what a run writes
does not depend on where it ran. An image of one's own that holds all this (docs/dataflow.md) makes it needless.
"""

import base64
import hashlib
import importlib.util
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from apache_beam.options.pipeline_options import DebugOptions, SetupOptions
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from duologue_pipeline.engines.options import Engine
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.sealed import without_secrets

__all__ = ["PACKAGES", "build_wheel", "pinned_requirements", "staged_package", "wanted_requirements"]

PACKAGES: Final = ("duologue_cards", "duologue_consent", "duologue_pipeline", "duologue_schemas")
"""What one distribution holds."""

_NAME: Final = "duologue"
_EXTRAS: Final = ("pipeline", "gcp", "asr", "laughter")
_TORCH: Final = "https://download.pytorch.org/whl"
_COMMENT: Final = re.compile(r"(^|\s)#.*$")
_TIME: Final = (1980, 1, 1, 0, 0, 0)


@contextmanager
def staged_package(engine: Engine) -> Iterator[None]:
    """Has Beam bring this program to the workers of a run that are submitted in the block.

    Nothing is added where the workers are no containers of Beam's, where the user named an image, or brings a package named
    ``duologue`` or a ``--setup_file``. What a ``--requirements_file`` of the user asks for comes beside our own versions.

    Raises:
        UsageError: that file asks for other versions than those that are here.
    """
    setup = engine.options.view_as(SetupOptions)
    if (
        engine.elsewhere
    ):  # the list of all that is installed here, with addresses of private sources, is nobody's business
        engine.options.view_as(DebugOptions).add_experiment("disable_logging_submission_environment")
    lines = wanted_requirements(engine)
    if not lines:
        yield
        return
    with TemporaryDirectory(prefix="duologue-package-") as folder:
        setup.extra_packages = [*(setup.extra_packages or ()), str(build_wheel(Path(folder)))]
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        setup.requirements_file = str(wanted)
        if setup.requirements_cache is None:
            setup.requirements_cache = "skip"  # else Beam would download all of it here
        yield


def _is_brought(engine: Engine) -> bool:
    """Tells whether this program is brought to the workers: they are in containers, and nobody else brings it."""
    setup = engine.options.view_as(SetupOptions)
    given = [Path(each).name for each in setup.extra_packages or ()]
    own = engine.image or setup.setup_file or any(each.startswith(_NAME) for each in given)
    return engine.containers and not own


def wanted_requirements(engine: Engine) -> list[str]:
    """Lists all that pip installs for the workers: :func:`pinned_requirements`, and what the user's file asks for besides.

    Empty where this program is not brought to them: then the user's file stays what it is.

    Raises:
        UsageError: the user's file cannot be read, or asks for what does not go with our versions.
    """
    if not _is_brought(engine):
        return []
    ours = pinned_requirements()
    path = engine.options.view_as(SetupOptions).requirements_file
    if path is None:
        return ours
    pins = dict(line.split("==") for line in ours if "==" in line)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--requirements_file {path}: cannot be read ({error})") from None
    lines = [line for line in (_COMMENT.sub("", each).strip() for each in text.splitlines()) if line]
    for line in lines:
        _check_requirement(path, line, pins)
    return [*ours, *(line for line in lines if line not in ours)]


def _check_requirement(path: str, line: str, pins: Mapping[str, str]) -> None:
    place = f"--requirements_file {path}: {without_secrets(line)}"
    if without_secrets(line) != line:
        raise UsageError(
            f"{place}: has a password or a signature in an address, which would lie in the bucket that the workers are fed from; "
            "bring the package with --extra_package, or all in an image with --sdk_container_image (docs/dataflow.md)"
        )
    if "--hash" in line or line.endswith("\\"):
        raise UsageError(
            f"{place}: pip would want a hash for each of duologue's libraries as well; leave the hashes out, or bring all in an "
            "image with --sdk_container_image (docs/dataflow.md)"
        )
    if re.match(r"-r|--requirement|-c|--constraint|-e|--editable|\.{0,2}/|file:", line) or "file://" in line:
        raise UsageError(
            f"{place}: names a file of this disk, which the workers do not get; write its lines into the file, or bring a "
            "package with --extra_package"
        )
    if line.startswith("-"):
        return
    try:
        wanted = Requirement(line)
    except InvalidRequirement as error:
        raise UsageError(f"{place}: is no requirement ({error})") from None
    pin = pins.get(canonicalize_name(wanted.name))
    if pin is None or (wanted.marker is not None and not wanted.marker.evaluate()):
        return
    if wanted.url is not None or not wanted.specifier.contains(pin, prereleases=True):
        raise UsageError(
            f"{place}: duologue runs with {wanted.name}=={pin} here, and the workers get the same; install what the file asks for "
            "here as well, correct the line, or bring all in an image with --sdk_container_image (docs/dataflow.md)"
        )


def build_wheel(folder: Path) -> Path:
    """Packs the four packages as a wheel; the same files give the same bytes.

    Args:
        folder: gets the wheel.

    Returns:
        Its path.
    """
    own = distribution(_NAME)
    info = f"{_NAME}-{own.version}.dist-info"
    files = {name: path.read_bytes() for package in PACKAGES for name, path in _files_of(package)}
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        if (text := own.read_text(name)) is not None:
            files[f"{info}/{name}"] = text.encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: duologue\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "".join(f"{line}\n" for line in [*record, f"{info}/RECORD,,"]).encode()
    wheel = folder / f"{_NAME}-{own.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return wheel


def pinned_requirements() -> list[str]:
    """Lists what the pipeline needs, in the versions that are installed here, as lines of a requirements file.

    A torch that was built for the CPU, or for another CUDA than PyPI's, is asked for where it is to be had.
    """
    versions: dict[str, str] = {}
    waiting = [(_NAME, extra) for extra in ("", *_EXTRAS)]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # of an extra that is not installed here: the image of Beam for the runner has its own
        if name != _NAME:
            versions[name] = found.version
        for each in map(Requirement, found.requires or ()):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                needed = canonicalize_name(each.name)
                more = [(needed, wanted) for wanted in ("", *sorted(each.extras)) if (needed, wanted) not in seen]
                seen.update(more)
                waiting += more
    lines = [f"{name}=={version}" for name, version in sorted(versions.items())]
    built_for = versions.get("torch", "").partition("+")[2]  # cpu, cu126; PyPI's has no such mark
    return [f"--extra-index-url {_TORCH}/{built_for}", *lines] if built_for else lines


def _files_of(package: str) -> Iterator[tuple[str, Path]]:
    """Gives the files of a package as (name in the wheel, path), sorted, without what Python or an editor lays beside them."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in parts):
            yield "/".join((package, *parts)), path


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
