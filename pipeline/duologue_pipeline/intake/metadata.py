"""Reads from the metadata of an audio file when it was recorded: as much as a recorder says, and no more.

A broadcast WAVE (EBU Tech 3285) says when its first sample was recorded, in the time of the place. An mp4, mov, webm or mka file says when
it was *made*, at the beginning of the recording or at its end, so the recording began within its own length before that. A file that
was converted since says when that was: such a time is later than the truth, and has to be stated by a person instead.
"""

import re
from collections.abc import Iterable
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Final

from duologue_consent import Recorded, format_time, parse_time, recorded_between
from duologue_pipeline.intake.moments import Started, read_cell

__all__ = ["started_of_files"]

_OPENED: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "wav,w64,aiff,caf,au,nist,mov,matroska,ogg,flac,mp3,aac,amr,amrnb,amrwb,asf",
}
"""FFmpeg takes a file for what it begins as: no list of other files may be among that."""


def started_of_files(paths: Iterable[Path], zone: tzinfo | None) -> Started:
    """Finds when a recording began by the metadata of its files: when the first of them did.

    Args:
        paths: of its files.
        zone: of times without one.

    Raises:
        ValueError: a file has no such metadata, or none that can be read in one way.
    """
    found = [_started(path, zone) for path in paths]
    if len(found) == 1:
        return found[0]
    each = [recorded_between(started.at, started.before) for started in found]
    first = Recorded(min(made.earliest for made in each), min(made.latest for made in each))
    return Started(format_time(first.earliest), None if first.is_moment else format_time(first.latest))


def _started(path: Path, zone: tzinfo | None) -> Started:
    import av

    try:
        with av.open(f"file:{path.absolute()}", metadata_errors="replace", options=_OPENED) as container:
            tags = {name.casefold(): value for name, value in container.metadata.items()}
            for stream in container.streams.audio:
                tags = {name.casefold(): value for name, value in stream.metadata.items()} | tags
            length_s = None if container.duration is None else container.duration / av.time_base
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path.name}: its metadata cannot be read ({error})") from None
    made, day = tags.get("creation_time", ""), tags.get("date", "")
    if re.fullmatch(r"\d{2}:\d{2}:\d{2}", made):  # of a broadcast WAVE
        return read_cell(f"{day} {made}", zone)
    if made:
        end = parse_time(made)
        if length_s is None:
            raise ValueError(f"{path.name}: says when it was made ({made}) and not how long it is")
        return Started(format_time(end - timedelta(seconds=length_s)), format_time(end))
    if day:
        return read_cell(day, zone)
    raise ValueError(f"{path.name}: its metadata does not say when it was recorded")
