"""Publishes a release that lies ready in the staging folder: its files go to their names, and ``dataset.json`` last.

Each step may be done again, by another process too: who is killed in between leaves no ``dataset.json`` and so no release,
or a whole one and a staging folder that only has to go. Only what ``dataset.json`` names is published; whatever else lies
ready goes with the staging folder, which is removed last of all.
"""

import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from duologue_consent.ledger.publication import PUBLISHED
from duologue_pipeline.files.conditional import swap_bytes
from duologue_pipeline.files.storage import (
    delete_directory,
    is_remote,
    join,
    list_files,
    make_durable,
    move,
    read_bytes,
)
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.release.ready import REFUSED, release_paths
from duologue_pipeline.release.strays import remove_strays
from duologue_pipeline.shards.write import STAGING, ready_folder

__all__ = ["publish_release"]

_MOVERS: Final = 16
"""How many objects of a store are moved at once; each takes two requests, and there are as many as files."""


def publish_release(
    out: str,
    *,
    launch: str = "",
    check: Callable[[], None] = lambda: None,
    held: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any] | None:
    """Publishes the release that lies ready in the folder, and removes the staging folder.

    Args:
        out: the output folder.
        launch: who has laid it ready (:func:`duologue_pipeline.shards.write.ready_folder`).
        check: is asked before the first file is moved and before ``dataset.json`` is written; raises where the release must
            not be published.
        held: is asked before each change of the folder, and so costs little; raises where the lock of the folder was lost.
        tell: is told what else lies in the folder, as lines of text.

    Returns:
        The document of ``dataset.json``; None where none lies ready: then only ``rejected.jsonl`` goes to its name.

    Raises:
        ConflictError: there is a ``dataset.json`` by now; it is left as it is. Or the lock was lost: whoever has it now goes on.
    """
    check()
    ready = ready_folder(out, launch)
    there = set(list_files(ready))
    document = None
    if MANIFEST in there:
        data = read_bytes(join(ready, MANIFEST))
        document = json.loads(data)
        _move((*release_paths(document), *PUBLISHED), there, ready, out, held)
        held()
        remove_strays(out, document, tell=tell)
        check()
        held()  # to ask the ledger takes a while
        swap_bytes(join(out, MANIFEST), data, old=None, work=join(out, STAGING))
    else:
        _move((REFUSED,), there, ready, out, held)
        held()
    delete_directory(join(out, STAGING))
    return document


def _move(paths: Iterable[str], there: Collection[str], ready: str, out: str, held: Callable[[], None]) -> None:
    """Moves files to their names, as long as the lock is held; what does not lie ready any more is there since an earlier attempt."""

    def one(path: str) -> None:
        make_durable(join(ready, path))
        held()
        move(join(ready, path), join(out, path))

    own = [path for path in paths if path in there]
    if is_remote(out):
        with ThreadPoolExecutor(_MOVERS) as movers:
            list(movers.map(one, own))
    else:
        for path in own:
            one(path)
