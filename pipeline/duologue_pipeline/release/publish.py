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
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.conditional import swap_bytes
from duologue_pipeline.files.storage import (
    delete_directory,
    is_file,
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
        UsageError: a file of the release lies nowhere; nothing was removed.
    """
    check()
    ready = ready_folder(out, launch)
    there = set(list_files(ready))
    document = None
    if MANIFEST in there or is_file(join(ready, MANIFEST)):
        data = read_bytes(join(ready, MANIFEST))
        document = json.loads(data)
        _move(release_paths(document), there, ready, out, held)
        _move(PUBLISHED, there, ready, out, held, needed=False)
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


def _move(
    paths: Iterable[str],
    there: Collection[str],
    ready: str,
    out: str,
    held: Callable[[], None],
    *,
    needed: bool = True,
) -> None:
    """Moves files to their names, as long as the lock is held; what does not lie ready any more is there since an earlier attempt.

    A store may list an object late. So what is not in the list is looked for by its name, and nothing that is needed is missing.
    """

    def one(path: str) -> None:
        source, target = join(ready, path), join(out, path)
        if path not in there and not is_file(source):
            if needed and not is_file(target):
                raise UsageError(
                    f"{target}: is to be published, and lies neither there nor in {ready}; run the command again: what is done is kept"
                )
            return
        make_durable(source)
        held()
        move(source, target)

    if is_remote(out):
        with ThreadPoolExecutor(_MOVERS) as movers:
            list(movers.map(one, paths))
    else:
        for path in paths:
            one(path)
