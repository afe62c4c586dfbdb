"""Finds ids of a manifest that look alike: one speaker, or one recording, who would pass for two."""

from collections.abc import Iterable, Iterator

from duologue_consent.decisions.names import escaped, look_alike_ids, named_by
from duologue_schemas import LineFault, parse_manifest_line

__all__ = ["look_alike_faults"]


def look_alike_faults(lines: Iterable[bytes]) -> Iterator[LineFault]:
    """Lists the ids of a manifest that look like another one of it, by line.

    Args:
        lines: of the manifest; those that cannot be read are passed over.

    Yields:
        A fault at every line with such an id.
    """
    places: list[tuple[int, str | None, str, str]] = []
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
            places.append((number, named, "recording_id", named))
        tracks = document.get("tracks")
        for place, track in enumerate(tracks if isinstance(tracks, list) else ()):
            speaker_id = track.get("speaker_id") if isinstance(track, dict) else None
            if isinstance(speaker_id, str):
                places.append((number, named, f"tracks[{place}].speaker_id", speaker_id))
    alike = {
        what: look_alike_ids(
            found for _, _, field, found in places if (field == "recording_id") is (what == "recording")
        )
        for what in ("recording", "speaker")
    }
    first: dict[tuple[str, str], int] = {}
    for number, _, field, found in places:
        first.setdefault(("recording" if field == "recording_id" else "speaker", found), number)
    for number, named, field, found in places:
        what = "recording" if field == "recording_id" else "speaker"
        others = alike[what].get(found)
        if others:
            where = ", ".join(str(line) for line in sorted({first[what, other] for other in others}))
            message = (
                f"is {escaped(found)}, which looks like {named_by(others)} (line {where}); write one id one way, or give another "
                f"{what} an id that cannot be mistaken for it"
            )
            yield LineFault(number, named, field, message)
