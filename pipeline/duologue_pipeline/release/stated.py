"""Reads what a person states of a release: the file that they wrote, and the one that the release keeps."""

from collections.abc import Mapping
from typing import Any

from duologue_cards import STATEMENT, parse_statement
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join, read_bytes
from duologue_pipeline.reader.release_file import release_file

__all__ = ["load_statement", "read_statement"]


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
