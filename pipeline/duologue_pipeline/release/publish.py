"""Publishes a release that lies ready in the staging folder: its files go to their names, and ``dataset.json`` last.

Each step may be done again, by another process too: who is killed in between leaves no ``dataset.json`` and so no release,
or a whole one and a staging folder that only has to go.
"""

import json
from collections.abc import Callable
from typing import Any

from duologue_pipeline.files.conditional import swap_bytes
from duologue_pipeline.files.storage import delete_directory, join, list_files, make_durable, move, read_bytes
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.release.strays import remove_strays
from duologue_pipeline.shards.write import READY, STAGING

__all__ = ["publish_release"]

REFUSED = "rejected.jsonl"


def publish_release(
    out: str, *, check: Callable[[], None] = lambda: None, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any] | None:
    """Publishes the release that lies ready in the folder, and removes the staging folder.

    Args:
        out: the output folder.
        check: is asked before the first file is moved and before ``dataset.json`` is written; raises where the release must
            not be published.
        tell: is told what else lies in the folder, as lines of text.

    Returns:
        The document of ``dataset.json``; None where none lies ready: then only ``rejected.jsonl`` goes to its name.

    Raises:
        ConflictError: there is a ``dataset.json`` by now; it is left as it is.
    """
    check()
    ready = join(out, READY)
    paths = [path for path in list_files(ready) if not path.rpartition("/")[2].startswith(".")]
    whole = MANIFEST in paths
    for path in paths:
        if path == REFUSED or (whole and path != MANIFEST):
            make_durable(join(ready, path))
            move(join(ready, path), join(out, path))
    if whole:
        data = read_bytes(join(ready, MANIFEST))
        remove_strays(out, json.loads(data), tell=tell)
        check()
        swap_bytes(join(out, MANIFEST), data, old=None, work=join(out, STAGING))
    delete_directory(join(out, STAGING))
    return json.loads(data) if whole else None
