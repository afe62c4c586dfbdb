"""Reads a manifest of recordings: JSON Lines, one recording a line (schemas/recording.schema.json)."""

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from duologue_consent.decisions.names import named_by
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault, too_large
from duologue_pipeline.files.names import is_remote, shown, sibling_uri
from duologue_pipeline.files.storage import open_input
from duologue_pipeline.files.web_address import names_this_machine
from duologue_pipeline.read.shape import manifest_mistake
from duologue_pipeline.records import Recording, Rejected, Source, Track
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_schemas import iter_faults, parse_manifest_line

__all__ = [
    "digest_of_lines",
    "line_digest",
    "parse_line",
    "read_all_lines",
    "read_lines",
    "recording_of",
    "unique_recordings",
    "valid_document",
]

_EXCERPT = 60
_BLOCK_BYTES = 1 << 20


def read_lines(uri: str) -> Iterator[bytes]:
    """Reads the lines of a manifest as they stand in the file, without the blank ones.

    A line that is longer than ``max_manifest_line_bytes`` (rules/files.json) is given cut off, one byte too long, so that
    :func:`parse_line` refuses it.

    Raises:
        UsageError: the manifest cannot be read, is larger than ``max_manifest_bytes``, or is something else
            (:func:`duologue_pipeline.read.shape.manifest_mistake`).
    """
    return (line for line in read_all_lines(uri) if line.removeprefix(codecs.BOM_UTF8).strip())


def read_all_lines(uri: str) -> Iterator[bytes]:
    """Reads the lines of a manifest as :func:`read_lines`, the blank ones too."""
    limits = load_rules(FilesRules)
    try:
        with open_input(uri) as stream:
            rest, size = b"", 0
            while (block := bytes(stream.read(_BLOCK_BYTES))) or not size:
                if not size and (mistake := manifest_mistake(block, whole=len(block) < _BLOCK_BYTES)):
                    raise UsageError(f"{shown(uri)}: {mistake}")
                size += len(block)
                if size > limits.max_manifest_bytes:
                    raise too_large(shown(uri), size, limits.max_manifest_bytes)
                *lines, rest = (rest + block).split(b"\n")
                yield from (line[: limits.max_manifest_line_bytes + 1] for line in lines)
                rest = rest[: limits.max_manifest_line_bytes + 1]
            if rest:
                yield rest
    except FileNotFoundError as error:
        told = str(error).partition("; ")[2]
        raise UsageError(f"{uri}: no such manifest{f'; {told}' if told else ''}") from None
    except OSError as error:
        if isinstance(error, FileFault) and error.values.get("found") == "folder":
            raise UsageError(
                f"{shown(uri)}: is a folder; name the manifest in it, or make one with `duologue manifest from-folder`"
            ) from None
        told = str(error).removeprefix(f"{shown(uri)}: ")
        raise UsageError(f"{shown(uri)}: the manifest cannot be read ({told})") from None


def line_digest(line: bytes) -> bytes:
    """Hashes a line of a manifest, without the blanks around it, to 32 bytes."""
    return hashlib.sha256(line.strip()).digest()


def digest_of_lines(digests: Iterable[bytes]) -> str:
    """Hashes a manifest, whatever the order of its lines, to lower-case hex, from the :func:`line_digest` of each."""
    return hashlib.sha256(b"\n".join(each.hex().encode() for each in sorted(digests))).hexdigest()


def parse_line(line: bytes, *, manifest_uri: str) -> Recording | Rejected:
    """Parses a manifest line into a recording, its uris resolved against the manifest's folder.

    Returns:
        The recording, or a ``manifest_invalid`` rejection that names every fault of the line. The line number is
        not in it, so that the order of the lines changes no output; `duologue validate` gives it.
    """
    document = valid_document(line, manifest_uri=manifest_uri)
    return document if isinstance(document, Rejected) else recording_of(document, manifest_uri=manifest_uri)


def valid_document(line: bytes, *, manifest_uri: str) -> dict[str, Any] | Rejected:
    """Parses a manifest line and checks it; arguments and refusal as of :func:`parse_line`."""
    limit = load_rules(FilesRules).max_manifest_line_bytes
    if len(line) > limit:
        excerpt = line.strip()[:_EXCERPT].decode("utf-8", errors="replace")
        return _invalid(None, f"the line that begins {excerpt!r} is longer than {limit} bytes")
    try:
        document = parse_manifest_line(line.removeprefix(codecs.BOM_UTF8))
    except ValueError as error:
        excerpt = line.strip()[:_EXCERPT].decode("utf-8", errors="replace")
        return _invalid(None, f"the line that begins {excerpt!r} is not valid JSON ({error})")
    faults = [
        f"{fault.field}: {fault.message}" if fault.field else fault.message
        for fault in iter_faults("recording", document)
    ]
    if faults:
        found = document.get("recording_id") if isinstance(document, dict) else None
        named = found if isinstance(found, str) and _is_unicode(found) else None
        return _invalid(named, "; ".join(faults), faults=len(faults))
    if is_remote(manifest_uri) and (named := _names_this_machine(document)):
        return _invalid(
            document["recording_id"],
            f"{shown(named)} names this machine, in a manifest that lies elsewhere; copy the manifest here, or allow it with "
            "--allow-private-addresses",
        )
    valid: dict[str, Any] = document
    return valid


def recording_of(document: dict[str, Any], *, manifest_uri: str) -> Recording:
    """Makes a recording from the document of a manifest line (:func:`valid_document`)."""
    a, b = (_track(track, manifest_uri) for track in document["tracks"])
    source = document.get("source", {})
    return Recording(
        recording_id=document["recording_id"],
        a=a,
        b=b,
        language=document.get("language"),
        started_at=document.get("started_at"),
        started_before=document.get("started_before"),
        setting=document.get("setting"),
        topic=document.get("topic"),
        register=document.get("register"),
        source=Source(source.get("corpus"), source.get("license"), source.get("route")),
        synthetic=_synthetic(document.get("synthetic"), source.get("route")),
    )


def _synthetic(stated: bool | str | None, route: str | None) -> bool | None:
    """Tells whether the voices are made by a program: the route ``synthetic`` says so too; None where it is not known."""
    return True if route == "synthetic" else stated if isinstance(stated, bool) else None


def _is_unicode(text: str) -> bool:
    """Tells whether a text can be written; JSON can name half of a surrogate pair, which cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _names_this_machine(document: dict[str, Any]) -> str | None:
    """Finds a web address of a manifest line that leads to the machine on which it is read."""
    uris = [track.get(field) for track in document["tracks"] for field in ("uri", "words_uri")]
    return next((uri for uri in uris if uri and names_this_machine(uri)), None)


def unique_recordings(parsed: Iterable[Recording | Rejected]) -> Iterator[Recording | Rejected]:
    """Rejects every recording whose recording_id is that of another one, or looks like it (``call-1`` and ``Call-1``).

    Args:
        parsed: what the lines of which the recording_ids look alike gave (:func:`parse_line`); those without an id may stand
            together.

    Returns:
        The rejections as they are, and the recording, or a ``manifest_duplicate_id`` or ``manifest_look_alike_id`` rejection
        for each of several.
    """
    recordings = []
    for each in parsed:
        if isinstance(each, Recording):
            recordings.append(each)
        else:
            yield each
    if len(recordings) == 1:
        yield recordings[0]
        return
    counts = Counter(recording.recording_id for recording in recordings)
    for recording in recordings:
        recording_id, count = recording.recording_id, counts[recording.recording_id]
        if count > 1:
            detail = f"{count} lines have the recording_id {recording_id!r}; give each recording its own"
            yield Rejected(recording_id, "read", "manifest_duplicate_id", detail, {"lines": count})
        else:
            others = named_by(sorted(counts.keys() - {recording_id}))
            detail = (
                f"the recording_id {recording_id!r} looks like {others} of another line; give each recording its own"
            )
            yield Rejected(recording_id, "read", "manifest_look_alike_id", detail, {"ids": len(counts)})


def _invalid(recording_id: str | None, detail: str, *, faults: int = 1) -> Rejected:
    told = f"{detail}. `duologue validate MANIFEST` lists every fault by line"
    return Rejected(recording_id, "read", "manifest_invalid", told, {"faults": faults})


def _track(document: dict[str, Any], manifest_uri: str) -> Track:
    words_uri = document.get("words_uri")
    return Track(
        speaker_id=document["speaker_id"],
        uri=sibling_uri(manifest_uri, document["uri"]),
        channel=int(document.get("channel", 0)),
        offset_s=float(document.get("offset_s", 0.0)),
        jurisdiction=document.get("jurisdiction"),
        words_uri=None if words_uri is None else sibling_uri(manifest_uri, words_uri),
        words_channel=document.get("words_channel"),
        role=document.get("role"),
        role_prompt=document.get("role_prompt"),
        age_band=document.get("age_band"),
        sex=document.get("sex"),
        dialect=document.get("dialect"),
        device=document.get("device"),
    )
