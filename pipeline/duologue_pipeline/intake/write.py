"""Writes what an intake found: the manifest, what is to be asked of people, what was refused, the ids, and a page that says so.

:func:`write_intake` is what every source of recordings calls, whatever it was: a folder, a table, a corpus.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from duologue_consent.decisions.names import by_skeleton, look_alike_ids, skeleton
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.names import is_remote
from duologue_pipeline.files.storage import write_bytes
from duologue_pipeline.intake.consent_todo import consent_todo
from duologue_pipeline.intake.ids import recording_ids
from duologue_pipeline.intake.model import FoundRecording, FoundTrack, Intake, RefusedFile
from duologue_pipeline.intake.readme import readme
from duologue_schemas import iter_faults

__all__ = ["CONSENT_TODO", "IDS", "MANIFEST", "README", "REFUSED", "Written", "write_intake"]

MANIFEST: Final = "manifest.jsonl"
CONSENT_TODO: Final = "consent-todo.csv"
REFUSED: Final = "refused.jsonl"
IDS: Final = "ids.csv"
README: Final = "README.md"

_OF_RECORDING: Final = ("language", "started_at", "started_before", "setting", "topic", "register", "synthetic")
_OF_SOURCE: Final = ("corpus", "license", "route")


@dataclass(frozen=True, kw_only=True)
class Written:
    """Says what was written.

    Attributes:
        out: the folder.
        recordings: how many the manifest holds.
        speakers: how many people they name.
        anonymous: how many of those are a side of one recording, and nobody knows who.
        undated: how many recordings have no time.
        refused: what was refused, by reason; the first of each is the first by its name.
        notes: what the user should know, a sentence each.
    """

    out: Path
    recordings: int
    speakers: int
    anonymous: int
    undated: int
    refused: Mapping[str, tuple[RefusedFile, ...]]
    notes: tuple[str, ...]


def write_intake(
    intake: Intake,
    out: Path,
    *,
    anonymous_sides: bool = False,
    hashed_ids: bool = False,
    beside: Mapping[str, bytes] | None = None,
) -> Written:
    """Writes an intake into a folder: ``manifest.jsonl``, ``consent-todo.csv``, ``refused.jsonl``, ``ids.csv`` and ``README.md``.

    The same intake gives the same bytes. A file that is there already is only ever written as it is, so that what a person has
    filled in stays. Nothing is written elsewhere, nobody's consent is granted, and no speaker is guessed.

    Args:
        intake: what was found. A speaker who is None is refused, unless the sides are anonymous.
        out: the folder, new or with the same files.
        anonymous_sides: whether a side of which nobody knows the speaker becomes a person of its own, ``RECORDING_ID.a``.
        hashed_ids: whether recording ids show nothing of the names of the files (:mod:`duologue_pipeline.intake.ids`).
        beside: further files of the folder, by their path in it, such as ``words/call-7.a.json``.

    Returns:
        What was written.

    Raises:
        UsageError: a file is there with other content, or the folder cannot be written.
    """
    ids = recording_ids({recording.name for recording in intake.recordings}, hashed=hashed_ids)
    documents: dict[str, tuple[dict[str, Any], FoundRecording]] = {}
    refused = list(intake.refused)
    counts = Counter(recording.name for recording in intake.recordings)
    people = by_skeleton(track.speaker_id for each in intake.recordings for track in each.tracks if track.speaker_id)
    anonymous = 0
    base = out.resolve()
    for recording in sorted(intake.recordings, key=lambda each: each.name):
        recording_id = ids[recording.name]
        named = _with_anonymous(recording, recording_id, people) if anonymous_sides else recording
        document = _document(named, recording_id, base)
        fault = _fault(named, document, counts[recording.name])
        if fault is not None:
            refused += [_refused(file, recording.name, *fault) for file in recording.files or _uris(recording)]
            continue
        documents[recording_id] = document, named
        anonymous += sum(track.speaker_id is None for track in recording.tracks)
    kept = [documents[recording_id] for recording_id in sorted(documents)]
    refused = sorted(set(refused))
    used = {file for _, recording in kept for file in recording.files or _uris(recording)}
    _require_account(intake, used, refused)
    speakers = {track.speaker_id for _, recording in kept for track in recording.tracks}
    undated = sum(recording.started_at is None for _, recording in kept)
    notes = (*intake.notes, *_notes(kept, anonymous, undated, ids))
    written = Written(
        out=out,
        recordings=len(kept),
        speakers=len(speakers),
        anonymous=anonymous,
        undated=undated,
        refused={
            reason: tuple(each for each in refused if each.reason == reason)
            for reason in sorted({each.reason for each in refused})
        },
        notes=notes,
    )
    texts = {
        MANIFEST: "".join(_line(document) for document, _ in kept),
        CONSENT_TODO: consent_todo([recording for _, recording in kept], intake.source, intake.terms),
        REFUSED: "".join(_line(_refusal(each)) for each in refused),
        IDS: _ids_table(kept),
        README: readme(
            intake,
            used=len(used),
            refused=refused,
            kept=[recording for _, recording in kept],
            notes=notes,
            out=out.name,
        ),
    }
    _write([beside or {}, {name: text.encode() for name, text in texts.items()}], out)
    return written


def _with_anonymous(
    recording: FoundRecording, recording_id: str, people: Mapping[str, tuple[str, ...]]
) -> FoundRecording:
    """Gives unknown speakers an id of their own, but for one that would look like somebody who is known."""
    own = {side: f"{recording_id}.{side}" for side in "ab"}
    a, b = (
        replace(track, speaker_id=own[side])
        if track.speaker_id is None and skeleton(own[side]) not in people
        else track
        for side, track in zip("ab", recording.tracks, strict=True)
    )
    return replace(recording, a=a, b=b)


def _fault(recording: FoundRecording, document: dict[str, Any], count: int) -> tuple[str, str] | None:
    if count > 1:
        return "id_twice", f"{count} recordings are called {recording.name!r}; give each a name of its own"
    unknown = [side for side, track in zip("ab", recording.tracks, strict=True) if track.speaker_id is None]
    if unknown:
        roles = [f"{side} ({role})" if (role := getattr(recording, side).role) else side for side in unknown]
        return "speaker_unknown", (
            f"nobody says who speaks on track {' and '.join(roles)}; add the recording to the map (--speakers), or give every such "
            "side an id of its own with --anonymous-sides"
        )
    if recording.a.speaker_id == recording.b.speaker_id:
        return "speaker_on_both_sides", f"{recording.a.speaker_id!r} is named for both sides; correct one"
    faults = list(iter_faults("recording", document))
    return ("field_invalid", "; ".join(map(str, faults))) if faults else None


def _document(recording: FoundRecording, recording_id: str, base: Path) -> dict[str, Any]:
    document: dict[str, Any] = {"recording_id": recording_id}
    document |= {name: value for name in _OF_RECORDING if (value := getattr(recording, name)) is not None}
    source = {name: value for name in _OF_SOURCE if (value := getattr(recording, name)) is not None}
    if source:
        document["source"] = source
    document["tracks"] = [_track(track, base) for track in recording.tracks]
    return document


def _track(track: FoundTrack, base: Path) -> dict[str, Any]:
    given = {each.name: getattr(track, each.name) for each in fields(track)}
    given["uri"] = _relative(track.uri, base)
    given["words_uri"] = None if track.words_uri is None else _relative(track.words_uri, base)
    order = ("speaker_id", "uri", "channel")
    always = {"speaker_id": given["speaker_id"], "uri": given["uri"], "channel": given["channel"]}
    rest = {name: value for name, value in given.items() if name not in order and value is not None}
    if rest["offset_s"] == 0:
        del rest["offset_s"]
    return {name: value for name, value in (always | rest).items() if value is not None}


def _relative(uri: str, base: Path) -> str:
    """Names a local file as the manifest in ``base`` finds it; a folder that is moved with its recordings still does."""
    if is_remote(uri) or not os.path.isabs(uri):
        return uri
    relative = Path(os.path.relpath(uri, base)).as_posix()
    return relative if relative.startswith("../") else f"./{relative}"


def _uris(recording: FoundRecording) -> tuple[str, ...]:
    return tuple(dict.fromkeys(track.uri for track in recording.tracks))


def _refused(file: str, name: str, reason: str, detail: str) -> RefusedFile:
    return RefusedFile(file=file, reason=reason, detail=detail, recording=name)


def _refusal(refused: RefusedFile) -> dict[str, str]:
    line = {"file": refused.file, "reason": refused.reason, "detail": refused.detail}
    return line | ({"recording": refused.recording} if refused.recording else {})


def _require_account(intake: Intake, used: Iterable[str], refused: Iterable[RefusedFile]) -> None:
    """Holds the sums together: whatever was looked at is used, refused or of other use, each once."""
    used, lost = set(used), [each.file for each in refused]
    twice = sorted((used & set(lost)) | {file for file, count in Counter(lost).items() if count > 1})
    total = len(used) + len(lost) + sum(intake.other.values())
    if twice or total != intake.looked_at:
        raise AssertionError(
            f"{intake.looked_at} {intake.unit} were looked at and {total} accounted for; twice: {twice[:5]}"
        )


def _notes(
    kept: list[tuple[dict[str, Any], FoundRecording]], anonymous: int, undated: int, ids: Mapping[str, str]
) -> list[str]:
    notes = []
    if anonymous:
        notes.append(
            f"{anonymous} sides are people of whom nobody says who they are: each is a person of its own, RECORDING_ID.a or "
            "RECORDING_ID.b. Whoever speaks in several recordings is then several people, so that one person may be in train and in "
            "validation: the splits CANNOT be said to share no speaker. A map (--speakers) cures that."
        )
    if undated:
        notes.append(
            f"{undated} of {len(kept)} recordings have no started_at: consent cannot be shown to precede them, and a run refuses each. "
            "Say it with --started-at."
        )
    by_id = {document["recording_id"] for document, _ in kept}
    changed = sum(name != recording_id for name, recording_id in ids.items() if recording_id in by_id)
    if changed:
        notes.append(
            f"{changed} names cannot stand as recording ids, or looked alike; {IDS} maps the ids back to them."
        )
    alike = look_alike_ids({str(track.speaker_id) for _, recording in kept for track in recording.tracks})
    if alike:
        first = min(alike)
        notes.append(
            f"{len(alike)} speakers look like another one ({first!r} and {alike[first][0]!r}): one person under two spellings, or two "
            "people? A run refuses them until the map writes each in one way, or the ledger says that they are two."
        )
    return notes


def _ids_table(kept: list[tuple[dict[str, Any], FoundRecording]]) -> str:
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["recording_id", "name", "files"])
    for document, recording in kept:
        table.writerow([document["recording_id"], recording.name, ";".join(recording.files or _uris(recording))])
    return stream.getvalue()


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False) + "\n"


def _write(groups: Sequence[Mapping[str, bytes]], out: Path) -> None:
    """Writes files one after the other, as they are taken from their group: the words of a large corpus are unpacked there."""
    try:
        for files, name in [(group, name) for group in groups for name in group]:
            if (out / name).exists() and (out / name).read_bytes() != files[name]:
                filled = "; what was filled in stays" if name == CONSENT_TODO else ""
                raise UsageError(
                    f"{out / name}: is there already with other content{filled}; choose another --out, or move it away"
                )
        out.mkdir(parents=True, exist_ok=True)
        for files, name in [(group, name) for group in groups for name in group]:
            write_bytes(str(out / name), files[name])
    except OSError as error:
        raise UsageError(
            f"{error.filename or out}: cannot be written ({error.strerror}); choose another --out"
        ) from None
