"""Reads what no table of a release says: what a person states, from the file that they wrote and the one that is kept, and what was measured."""

from collections.abc import Mapping
from typing import Any

from duologue_cards import LEAKAGE, STATEMENT, parse_leakage, parse_statement, shards_sha256
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join, read_bytes
from duologue_pipeline.reader.release_file import release_file

__all__ = ["load_statement", "read_leakage", "read_statement"]


def read_statement(root: str, release: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what a person stated, as the release keeps it; empty where nobody did.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.

    Raises:
        UsageError: it is not the file that ``dataset.json`` names, or says what it may not.
    """
    if all(entry["path"] != STATEMENT for entry in release["files"]):
        return {}
    try:
        return parse_statement(release_file(root, release, STATEMENT), join(root, STATEMENT))
    except ValueError as error:
        raise UsageError(str(error)) from None


def read_leakage(root: str, release: Mapping[str, Any]) -> dict[str, Any]:
    """Reads what was measured of how well speakers are linked, as the release keeps it; empty where nobody has measured it.

    Args:
        root: the folder of the release.
        release: the document of ``dataset.json``.

    Raises:
        UsageError: it is not the file that ``dataset.json`` names, does not follow its schema, or is of other shards.
    """
    if all(entry["path"] != LEAKAGE for entry in release["files"]):
        return {}
    name = join(root, LEAKAGE)
    try:
        found = parse_leakage(release_file(root, release, LEAKAGE), name)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if found["release"]["shards_sha256"] != shards_sha256(release) or found["conversations"] != "across":
        raise UsageError(
            f"{name}: is not of these shards, or not across conversations; measure again with `duologue audit leakage`"
        )
    return found


def load_statement(uri: str) -> dict[str, Any]:
    """Reads a dataset.yaml that a person wrote.

    Args:
        uri: of the file.

    Raises:
        UsageError: it cannot be read, is no YAML, or says what it may not; all faults at once.
    """
    try:
        return parse_statement(read_bytes(uri), uri)
    except OSError as error:
        raise UsageError(
            f"{uri}: cannot be read ({error.strerror or error}); `duologue card init` writes one"
        ) from None
    except ValueError as error:
        raise UsageError(str(error)) from None
