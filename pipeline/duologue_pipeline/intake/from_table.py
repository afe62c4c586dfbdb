"""Takes a table of recordings in, a row a recording: whatever its columns are called, the user says what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import check_name, is_remote, shown, sibling_uri
from duologue_pipeline.intake.complete import Said
from duologue_pipeline.intake.model import FoundRecording, FoundTrack, Intake, RefusedFile
from duologue_pipeline.intake.moments import NamePattern, Started, read_cells
from duologue_pipeline.intake.speakers import PLACEHOLDERS
from duologue_pipeline.intake.tables import Table, read_table

__all__ = ["COLUMNS", "TableRequest", "from_table", "read_columns"]

_OF_RECORDING: Final = (
    "recording_id",
    "started_at",
    "started_before",
    "language",
    "setting",
    "topic",
    "register",
    "synthetic",
    "corpus",
    "license",
    "route",
)
_OF_TRACK: Final = (
    "uri",
    "channel",
    "speaker_id",
    "offset_s",
    "words_uri",
    "words_channel",
    "jurisdiction",
    "role",
    "role_prompt",
    "age_band",
    "sex",
    "dialect",
    "device",
)
COLUMNS: Final = (*_OF_RECORDING, "uri", *(f"{side}.{name}" for side in "ab" for name in _OF_TRACK))
"""What a column of a table may be taken for; ``uri`` is of a stereo file, with a on its left channel and b on its right one."""

_TRUE, _FALSE = frozenset(["true", "yes", "1"]), frozenset(["false", "no", "0"])


@dataclass(frozen=True, kw_only=True)
class TableRequest:
    """Holds what the user asks of a table: the options of ``duologue manifest from-table``.

    ``columns`` are fields of :data:`COLUMNS` -> names of columns; ``left`` and ``right`` the roles of a and b, where no column says them.
    """

    table: str
    columns: Mapping[str, str]
    left: str | None = None
    right: str | None = None


def read_columns(given: Sequence[str]) -> dict[str, str]:
    """Reads ``--columns``: ``field=column``, several with commas between.

    Raises:
        UsageError: a field is not known, or given twice.
    """
    columns: dict[str, str] = {}
    for text in (part for each in given for part in each.split(",") if part.strip()):
        field, equals, column = text.strip().partition("=")
        if not equals or not column:
            raise UsageError(
                f"--columns {text.strip()}: write it as recording_id=id, the field first and then the column"
            )
        if field not in COLUMNS:
            raise UsageError(f"--columns {field}: is no field that is known; known are {', '.join(COLUMNS)}")
        if field in columns:
            raise UsageError(f"--columns {field}: is given twice; name one column for it")
        columns[field] = column
    return columns


def from_table(request: TableRequest, said: Said) -> Intake:
    """Finds the recordings of a table; opens none of them and writes nothing.

    Columns that are called as a field are taken for it where ``columns`` does not say otherwise.

    Args:
        request: what is asked.
        said: what the user says of all recordings.

    Raises:
        UsageError: a column that is named is not there, or those that are needed are not.
    """
    table = read_table(request.table)
    places = _places(table, request.columns)
    for needed in ("recording_id", *(() if "uri" in places else ("a.uri", "b.uri"))):
        if needed not in places:
            raise UsageError(
                f"{request.table}: which column is {needed}? Name it with --columns {needed}=...; its columns are {', '.join(table.columns)}"
            )
    if "uri" in places and {"a.uri", "b.uri"} & places.keys():
        raise UsageError(
            "--columns: uri is of a stereo file that holds both speakers, a.uri and b.uri of a file each; name one or the other"
        )
    if said.column is not None and "started_at" not in places:
        raise UsageError(f"{request.table}: which column is started_at? Name it with --columns started_at=...")
    base = request.table if is_remote(request.table) else str(Path(request.table).resolve())
    recordings: list[FoundRecording] = []
    refused: list[RefusedFile] = []
    looked_at = 0
    for number, row in enumerate(table.rows, table.first_row):
        cells = {field: row[place].strip() for field, place in places.items() if row[place].strip()}
        if not any(cell.strip() for cell in row):
            continue
        looked_at += 1
        try:
            recordings.append(_recording(cells, f"row {number}", base, request, said))
        except _RowError as error:
            name = cells.get("recording_id", "")
            refused.append(RefusedFile(file=f"row {number}", reason=error.reason, detail=str(error), recording=name))
    used = {places[field] for field in places}
    left = [column for place, column in enumerate(table.columns) if place not in used]
    notes = [f"Columns that were not used: {', '.join(left)}."] if left else []
    return Intake(
        source=f"the table {table.name}",
        unit="rows",
        looked_at=looked_at,
        recordings=tuple(recordings),
        refused=tuple(refused),
        notes=tuple(notes),
    )


class _RowError(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def _places(table: Table, columns: Mapping[str, str]) -> dict[str, int]:
    places = {field: place for field in COLUMNS if (place := table.column(field)) is not None}
    for field, column in columns.items():
        place = table.column(column)
        if place is None:
            raise UsageError(
                f"--columns {field}={column}: the table has no column {column!r}; it has {', '.join(table.columns)}"
            )
        places[field] = place
    return places


def _recording(cells: Mapping[str, str], row: str, base: str, request: TableRequest, said: Said) -> FoundRecording:
    if "recording_id" not in cells:
        raise _RowError("field_invalid", "the row names no recording; fill the column in, or remove the row")
    started = _started(cells, said)
    plain = {
        name: cells[name] for name in ("setting", "topic", "register", "corpus", "license", "route") if name in cells
    }
    return FoundRecording(
        name=cells["recording_id"],
        a=_track(cells, "a", base, request.left),
        b=_track(cells, "b", base, request.right),
        started_at=started.at if started else None,
        started_before=started.before if started else None,
        language=cells.get("language", said.language),
        synthetic=_synthetic(cells),
        files=(row,),
        **plain,
    )


def _track(cells: Mapping[str, str], side: str, base: str, role: str | None) -> FoundTrack:
    own = {name: cells[f"{side}.{name}"] for name in _OF_TRACK if f"{side}.{name}" in cells}
    uri = cells.get("uri") or own.get("uri")
    if uri is None:
        raise _RowError("side_missing", f"the row names no file of track {side}; fill the column in, or remove the row")
    speaker_id = own.get("speaker_id")
    fields: dict[str, Any] = {"role": role, **{name: own[name] for name in own if name not in _NOT_TEXT}}
    if "words_uri" in own:
        fields["words_uri"] = _uri(own["words_uri"], base)
    return FoundTrack(
        uri=_uri(uri, base),
        speaker_id=None if speaker_id is None or speaker_id.casefold() in PLACEHOLDERS else speaker_id,
        channel=int(_number(own, "channel", "ab".index(side) if "uri" in cells else 0, side, whole=True)),
        offset_s=_number(own, "offset_s", 0.0, side, whole=False),
        **fields,
    )


_NOT_TEXT: Final = ("uri", "speaker_id", "channel", "offset_s", "words_uri")


def _number(own: Mapping[str, str], name: str, default: float, side: str, *, whole: bool) -> float:
    text = own.get(name)
    if text is None:
        return default
    try:
        return int(text) if whole else float(text)
    except ValueError:
        kind = "whole number" if whole else "number"
        raise _RowError("field_invalid", f"{side}.{name} is {text!r} and no {kind}; correct it") from None


def _uri(text: str, table: str) -> str:
    r"""Takes a path of a table for one beside the table, where it may be written as on Windows: ``audio\call.wav``."""
    if text.startswith("~"):
        raise _RowError("field_invalid", f"{shown(text)}: ~ is known to a shell alone; write the path in full")
    if not is_remote(text) and PureWindowsPath(text).drive:
        raise _RowError(
            "field_invalid",
            f"{text} is a path of another machine, of Windows; write the path that the file has here, or from the folder of the table on",
        )
    try:
        check_name(text)
    except FileFault as fault:
        raise _RowError("field_invalid", str(fault)) from None
    uri = sibling_uri(table, text)
    windows = not is_remote(uri) and "\\" in text and not Path(uri).exists()
    return sibling_uri(table, text.replace("\\", "/")) if windows else uri


def _synthetic(cells: Mapping[str, str]) -> bool | None:
    text = cells.get("synthetic", "unknown").casefold()
    if text not in (*_TRUE, *_FALSE, "unknown"):
        raise _RowError("field_invalid", f"synthetic is {text!r}; write true, false or unknown")
    return None if text == "unknown" else text in _TRUE


def _started(cells: Mapping[str, str], said: Said) -> Started | None:
    if isinstance(said.started, Started):
        return said.started
    try:
        if isinstance(said.started, NamePattern):
            names = (cells.get(field) for field in ("recording_id", "uri", "a.uri", "b.uri"))
            return said.started.find(*(name for name in names if name))
        return read_cells(cells, said.zone, said.column)
    except ValueError as error:
        raise _RowError("started_at_unknown", str(error)) from None
