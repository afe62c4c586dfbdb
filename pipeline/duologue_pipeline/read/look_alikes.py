"""Finds ids of a manifest that look alike: one speaker, or one recording, who would pass for two."""

from collections.abc import Iterable, Iterator

from duologue_consent.decisions.names import escaped, look_alike_ids, named_by, skeleton
from duologue_schemas import LineFault, parse_manifest_line

__all__ = ["look_alike_faults"]


def look_alike_faults(lines: Iterable[bytes]) -> Iterator[LineFault]:
    """Lists the ids of a manifest that look like another one of it, by line.

    Args:
        lines: of the manifest, gone through once, and twice more where some do; those that cannot be read are passed over.

    Yields:
        A fault at every line with such an id.
    """
    seen: dict[str, dict[str, str]] = {
        "recording": {},
        "speaker": {},
    }  # what is seen of an id -> the first that looks so
    several: set[tuple[str, str]] = set()
    for _, _, field, found in _places(lines):
        what, look = _what(field), skeleton(found)
        if seen[what].setdefault(look, found) != found:
            several.add((what, look))
    seen.clear()
    if not several:
        return
    first: dict[tuple[str, str], int] = {}
    for number, _, field, found in _places(lines):
        if (_what(field), skeleton(found)) in several:
            first.setdefault((_what(field), found), number)
    alike = {what: look_alike_ids(found for kind, found in first if kind == what) for what in ("recording", "speaker")}
    for number, named, field, found in _places(lines):
        what = _what(field)
        others = alike[what].get(found)
        if others:
            where = ", ".join(str(line) for line in sorted({first[what, other] for other in others}))
            message = (
                f"is {escaped(found)}, which looks like {named_by(others)} (line {where}); write one id one way, or give another "
                f"{what} an id that cannot be mistaken for it"
            )
            yield LineFault(number, named, field, message)


def _places(lines: Iterable[bytes]) -> Iterator[tuple[int, str | None, str, str]]:
    """Finds the ids: line, recording_id where there is one, field, id."""
    for number, line in enumerate(lines, start=1):
        try:
            document = parse_manifest_line(line)
        except ValueError:
            continue
        if not isinstance(document, dict):
            continue
        recording_id = document.get("recording_id")
        named = recording_id if isinstance(recording_id, str) else None
        if named is not None:
            yield number, named, "recording_id", named
        tracks = document.get("tracks")
        for place, track in enumerate(tracks if isinstance(tracks, list) else ()):
            speaker_id = track.get("speaker_id") if isinstance(track, dict) else None
            if isinstance(speaker_id, str):
                yield number, named, f"tracks[{place}].speaker_id", speaker_id


def _what(field: str) -> str:
    return "recording" if field == "recording_id" else "speaker"
