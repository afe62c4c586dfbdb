"""Carries on what a person stated of a release, without what names something that a withdrawal takes out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.release.stated import read_statement
from duologue_pipeline.withdrawal.scan.formats import texts_of
from duologue_pipeline.withdrawal.scan.names import Names

__all__ = ["carried_statement"]


def carried_statement(
    root: str,
    release: Mapping[str, Any],
    removed: Collection[str],
    *,
    live: Callable[[], Iterable[str]],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Reads what was stated of the old version, and leaves out every field that names something removed.

    Args:
        root: the folder of the release.
        release: the document of the old ``dataset.json``.
        removed: the names that the scan looks for afterwards.
        live: gives keys and recordings of the new version; not asked where nothing was stated.
        tell: is told of each field that is left out, as a line of text.

    Returns:
        The statement of the new version; empty, and said so, where that of the old one is not the file that ``dataset.json``
        names, or says what it may not: it never stops a withdrawal.
    """
    try:
        stated = read_statement(root, release)
    except UsageError as error:
        tell(f"{error}; the new version goes without what was stated")
        return {}
    if not stated:
        return {}
    names = Names(removed, live=frozenset(live()))
    kept = dict(stated)
    for field, value in stated.items():
        found = _named({field: value}, names)
        if found:
            tell(
                f"{field} of dataset.yaml names {', '.join(found)}, which is removed: the field is left out from now on"
            )
            del kept[field]
    return kept


def _named(document: Mapping[str, Any], names: Names) -> list[str]:
    """Finds the names in what is stated, as the scan will in the cards that are made of it."""
    found = set[str]()
    for name, value in texts_of(document):
        find = names.as_name if name in ("recording_id", "key") else names.in_text
        found.update(find(str(value)))  # a key in a field of one's own may be a number
    return sorted(found)
