"""Reads the manifest of a release, ``dataset.json``."""

from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.text import read_json

__all__ = ["MANIFEST", "SCHEMA", "read_release"]

MANIFEST: Final = "dataset.json"
"""The file of a release that names all others; it is written last."""

SCHEMA: Final = "release/1.0"
"""The version of the manifest (schemas/release.schema.json)."""


def read_release(uri: str) -> dict[str, Any]:
    """Reads the ``dataset.json`` of a release.

    Raises:
        UsageError: there is none, or it is not one of ours.
    """
    name = join(uri, MANIFEST)
    try:
        document = read_json(name)
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file; is {uri} the output folder of a complete run?") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: cannot be read ({error})") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{name}: not a release manifest of version {SCHEMA}")
    return document
