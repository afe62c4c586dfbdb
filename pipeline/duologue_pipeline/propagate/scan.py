"""The scan: proves that nothing of what was removed is left in any live file of a dataset's folder.

Every file is opened and read to its end, except receipts and revocations, which name what is gone because that is
their purpose. What is looked for (:class:`Removed`):

- **names**: keys of dropped samples, commitments of the withdrawn speakers, ids of recordings of which nothing is left,
  names and hashes of the old shards. In the path of every file, in all text, in every string of JSON, in every column
  and in the schema of Parquet files, in the names and contents of tar members;
- **traces** (:mod:`duologue_pipeline.propagate.traces`): the tokens, the audio and the words that were taken out, whatever
  file they lie in and whatever it is called;
- **silence**: where a speaker is called withdrawn, taking them out once more must change nothing, and their track must
  be silence.

A file that the scan cannot look into (another binary format, a damaged file) is a finding too: nothing was proved of
it. One tar member, one row group, or one JSON document is in memory at a time. What it cannot see: audio that was
encoded again or cut otherwise, words without their times, fewer than four words, anything outside of the folder.
"""

import codecs
import io
import json
import re
import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.storage import join, list_files, local_copy, open_input
from duologue_pipeline.tables import read_table
from duologue_schemas.tables import WITHDRAWN

from .plan import Plan
from .rewrite import RewrittenShard
from .silence import event_stays, silence_document, silence_event_row, silence_recording
from .traces import audio_traces, code_traces, word_traces

__all__ = ["NOT_SCANNED", "Finding", "Removed", "removed_by", "scan"]

NOT_SCANNED: Final = ("receipts/", "revocations.jsonl", ".propagate/")
"""What names the removed on purpose: receipts and revocations by commitments and hashes, and the journal of the work
while it lasts. Paths and beginnings of paths."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 512
_JSON_BYTES: Final = 1 << 28  # a longer JSON document is gone through as text alone
_FINDINGS_PER_FILE: Final = 20
_LOSSLESS: Final = (b"fLaC", b"RIFF", b"FORM", b".snd")


@dataclass(frozen=True)
class Removed:
    """What must not be found: names, and traces of content."""

    names: frozenset[str]
    traces: frozenset[str]


@dataclass(frozen=True)
class Finding:
    """Something that is left, or could not be looked into: the file (``TAR: MEMBER`` in a shard), and a sentence."""

    path: str
    fault: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.path}: {self.fault}"


def removed_by(plan: Plan, rewritten: Iterable[RewrittenShard]) -> Removed:
    """What a withdrawal removes, so what the scan must not find afterwards."""
    shards = list(rewritten)
    dropped = {sample.key for shard in plan.shards for sample in shard.samples if sample.action == "drop"}
    recordings = {recording.recording_id for recording in plan.recordings if recording.action == "drop"}
    stems = {shard.path.rpartition("/")[2].removesuffix(".tar") for shard in plan.shards}
    hashes = {shard.sha256 for shard in plan.shards}
    return Removed(
        names=frozenset({*plan.commitments, *dropped, *recordings, *stems, *hashes}),
        traces=frozenset(trace for shard in shards for trace in shard.traces),
    )


def scan(root: str, removed: Removed, *, skip: Sequence[str] = NOT_SCANNED) -> Iterator[Finding]:
    """Looks through every file under the folder of a dataset.

    Args:
        root: the folder, of which ``index.parquet`` is of the new version.
        removed: what must not be there.
        skip: paths, or beginnings of paths, that are not looked into.

    Yields:
        What was found; nothing where all is gone.
    """
    index = read_table(join(root, "index.parquet"))
    look = _Look(_Names(removed.names, live=_live_names(index)), removed.traces, _silenced(index))
    for path in list_files(root):
        if path.startswith(tuple(skip)):
            continue
        found: dict[Finding, None] = {}
        for finding in look.file(join(root, path), path):
            found[finding] = None
            if len(found) >= _FINDINGS_PER_FILE:
                break
        yield from found


def _live_names(index: pa.Table) -> set[str]:
    return {*index["key"].to_pylist(), *pc.unique(index["recording_id"]).to_pylist()}


def _silenced(index: pa.Table) -> dict[str, Speaker]:
    """recording_id -> the side that was taken out of it."""
    sides: dict[str, Speaker] = {}
    for side in SPEAKERS:
        rows = index.filter(pc.equal(index[f"speaker_{side}"], WITHDRAWN))
        sides |= dict.fromkeys(pc.unique(rows["recording_id"]).to_pylist(), side)
    return sides


class _Names:
    """Finds removed names in text. A name ends where no letter, digit, ``_`` or ``-`` goes on; beyond those two it may
    be part of a longer one (``call-1-a``), unless a live name is (``call-1`` is not in ``call-1-b`` if that is live).

    Names that any text may hold by chance (``42``, ``casual``) count only where a name is expected.
    """

    def __init__(self, names: Collection[str], *, live: Collection[str]) -> None:
        self._all = frozenset(names)
        self._strong = frozenset(name for name in names if _is_strong(name))
        self._live = frozenset(live) - self._all
        # No name has more pieces than this, so no longer run of them is looked at.
        self._pieces = max((1 + len(re.findall("[-_]", name)) for name in (*self._strong, *self._live)), default=1)

    def in_text(self, text: str) -> Iterator[str]:
        """The names in any text."""
        for token in set(_TOKEN.findall(text)):
            if token in self._strong:
                yield token
            elif token not in self._live and ("-" in token or "_" in token):
                yield from self._in_token(token)

    def as_name(self, value: str) -> Iterator[str]:
        """The names in a text that is itself a name: weak ones are found too."""
        if value in self._all:
            yield value
        else:
            yield from self.in_text(value)

    def _in_token(self, token: str) -> Iterator[str]:
        cuts = [-1, *(place for place, letter in enumerate(token) if letter in "-_"), len(token)]
        first = 0
        while first < len(cuts) - 1:
            longest = min(first + self._pieces, len(cuts) - 1)
            for last in range(longest, first, -1):
                part = token[cuts[first] + 1 : cuts[last]]
                if part in self._strong:
                    yield part
                if part in self._strong or part in self._live:
                    first = last - 1
                    break
            first += 1


def _is_strong(name: str) -> bool:
    return len(name) >= 6 and not name.isalpha() and not name.isdigit()


class _Look:
    """Looks into one file after the other, by what its first bytes say that it is."""

    def __init__(self, names: _Names, traces: frozenset[str], silenced: dict[str, Speaker]) -> None:
        self._names = names
        self._traces = traces
        self._silenced = silenced

    def file(self, uri: str, path: str) -> Iterator[Finding]:
        """Everything that is found in one file."""
        yield from self._named(path, path, "its name")
        try:
            with open_input(uri) as stream:
                head = bytes(stream.read(_HEAD_BYTES))
            if head.startswith(b"PAR1"):
                with local_copy(uri) as local, pq.ParquetFile(local) as table:
                    yield from self._parquet(table, path)
            elif _is_tar(head):
                with open_input(uri) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                    yield from self._tar(archive, path)
            elif _is_binary(head):
                with local_copy(uri) as local:
                    yield from self._binary(head, local.read_bytes(), path)
            else:
                with open_input(uri) as stream:
                    yield from self._text(stream, path)
        except (OSError, ValueError, tarfile.TarError, pa.ArrowException, soundfile.LibsndfileError) as error:
            yield Finding(path, f"cannot be looked into ({error}); nothing is proved of it")

    def _content(self, content: bytes, path: str) -> Iterator[Finding]:
        """The same for what lies inside of another file."""
        head = content[:_HEAD_BYTES]
        if head.startswith(b"PAR1"):
            with pq.ParquetFile(pa.BufferReader(content)) as table:
                yield from self._parquet(table, path)
        elif _is_tar(head):
            with tarfile.open(fileobj=io.BytesIO(content), mode="r|") as archive:
                yield from self._tar(archive, path)
        elif _is_binary(head):
            yield from self._binary(head, content, path)
        else:
            yield from self._text(io.BytesIO(content), path)

    # --- formats ----------------------------------------------------------------------------------------------------

    def _tar(self, archive: tarfile.TarFile, path: str) -> Iterator[Finding]:
        key, withdrawn = "", tuple[Speaker, ...]()
        for info in archive:
            where = f"{path}: {info.name}"
            yield from self._named(where, info.name, "its name")
            file = archive.extractfile(info)
            content = file.read() if file else b""
            if info.name.partition(".")[0] != key:
                key, withdrawn = info.name.partition(".")[0], ()
            if info.name == f"{key}.json":
                withdrawn = _withdrawn_sides(_parsed(content))
            yield from self._content(content, where)
            if withdrawn and content.startswith((b"\x93NUMPY", b"fLaC")):
                yield from _not_silent(content, withdrawn, where)

    def _binary(self, head: bytes, content: bytes, path: str) -> Iterator[Finding]:
        if head.startswith(b"\x93NUMPY"):
            codes = _array(content)
            codes = codes[None] if codes.ndim == 2 else codes
            if codes.ndim != 3 or codes.dtype.kind not in "iu":
                yield Finding(path, f"is an array of {codes.dtype} {list(codes.shape)}; nothing is proved of it")
            else:
                yield from self._traced((trace for _, trace in code_traces(codes)), path, "tokens that were")
        elif head.startswith(_LOSSLESS):
            yield from self._traced((trace for _, trace in audio_traces(_pcm(content))), path, "audio that was")
        else:
            yield Finding(path, "is of a format that is not known; nothing is proved of it: remove it")

    def _parquet(self, table: pq.ParquetFile, path: str) -> Iterator[Finding]:
        schema = table.schema_arrow
        about = [
            *schema.names,
            *_metadata(schema.metadata),
            *(text for field in schema for text in _metadata(field.metadata)),
        ]
        for text in about:
            yield from self._named(path, text, "its schema")
        for number in range(table.num_row_groups):
            for name in schema.names:
                column = table.read_row_group(number, columns=[name], use_threads=False)[name]
                for value in _strings(column):
                    if isinstance(value, bytes):
                        yield from self._content(value, f"{path}: column {name}")
                    else:
                        find = self._names.as_name if name == "recording_id" else self._names.in_text
                        yield from self._left(find(value), path, f"column {name}")
            yield from self._rows(table, number, path)

    def _rows(self, table: pq.ParquetFile, number: int, path: str) -> Iterator[Finding]:
        """Rows about recordings of which a speaker was taken out: taking them out again must change nothing."""
        schema = table.schema_arrow
        is_recordings = {"speaker_a", "speech_a_s"} <= set(schema.names)
        is_events = {"recording_id", "kind", "speaker"} <= set(schema.names)
        if not self._silenced or not (is_recordings or is_events):
            return
        group = table.read_row_group(number, use_threads=False)
        mine = pa.array(self._silenced, pa.string())
        for row in group.filter(pc.is_in(group["recording_id"], value_set=mine)).to_pylist():
            side = self._silenced[row["recording_id"]]
            if is_recordings:
                left = silence_recording(row, side, schema) != row
            else:
                left = not event_stays(row["kind"], row["speaker"], side) or silence_event_row(row, schema) != row
            if left:
                yield Finding(
                    path, f"a row of {row['recording_id']} still tells about speaker {side}, who is withdrawn"
                )

    def _text(self, stream: IO[bytes], path: str) -> Iterator[Finding]:
        """Text of any kind; what is JSON, as a whole or line by line, is also gone through as such."""
        if path.endswith(".jsonl"):
            for line in _lines(stream):
                yield from self._plain(line, path)
                yield from self._json(line, path)
            return
        kept: list[bytes] = []
        size, carried = 0, b""
        while block := stream.read(_BLOCK_BYTES):
            size += len(block)
            kept = [*kept, block] if size <= _JSON_BYTES else []
            carried += block
            cut = max(carried.rfind(letter) for letter in (b" ", b"\n", b'"')) + 1  # no name goes across one of these
            yield from self._plain(carried[:cut], path)
            carried = carried[cut:]
        yield from self._plain(carried, path)
        yield from self._json(b"".join(kept), path)

    def _plain(self, text: bytes, path: str) -> Iterator[Finding]:
        yield from self._left(self._names.in_text(text.decode()), path, "its text")

    def _json(self, content: bytes, path: str) -> Iterator[Finding]:
        document = _parsed(content)
        for name, value in _walk(document):
            if isinstance(value, str):
                find = self._names.as_name if name in ("recording_id", "key") else self._names.in_text
                yield from self._left(find(value), path, "its text")
            else:
                yield from self._traced(_words_in(value), path, "words that were")
        for side in _withdrawn_sides(document):
            if silence_document(document, side) != document:
                yield Finding(path, f"still tells about speaker {side}, who is withdrawn")

    # --- findings ---------------------------------------------------------------------------------------------------

    def _named(self, path: str, name: str, where: str) -> Iterator[Finding]:
        for part in re.split(r"[./]", name):
            yield from self._left(self._names.as_name(part), path, where)

    def _left(self, names: Iterable[str], path: str, where: str) -> Iterator[Finding]:
        for name in names:
            yield Finding(path, f"{where} holds {name}, which was removed")

    def _traced(self, traces: Iterable[str], path: str, what: str) -> Iterator[Finding]:
        if not self._traces.isdisjoint(traces):
            yield Finding(path, f"holds {what} removed")


# --- reading --------------------------------------------------------------------------------------------------------


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream that knows only how to read."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    yield rest


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _is_binary(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except ValueError:
        return True
    return b"\0" in head


def _array(content: bytes) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return array


def _pcm(content: bytes) -> npt.NDArray[np.int32]:
    """int32 [T, tracks]."""
    pcm: npt.NDArray[np.int32] = soundfile.read(io.BytesIO(content), dtype="int32", always_2d=True)[0]
    return pcm


def _not_silent(content: bytes, withdrawn: Iterable[Speaker], path: str) -> Iterator[Finding]:
    """Whether a withdrawn speaker's track holds anything but one frame over and over, or zeros."""
    is_audio = content.startswith(b"fLaC")
    tracks = _pcm(content).T[:, None] if is_audio else _array(content)
    for side in withdrawn:
        track = tracks[SPEAKERS.index(side)]
        if (track if is_audio else track != track[:, :1]).any():
            yield Finding(path, f"the track of speaker {side}, who is withdrawn, is not silence")


def _parsed(content: bytes) -> Any:
    """The JSON document; None where it is none: it was gone through as text."""
    if content.lstrip()[:1] not in (b"{", b"[", b'"'):
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None


def _withdrawn_sides(document: Any) -> tuple[Speaker, ...]:
    """The speakers that the document of a sample calls withdrawn."""
    if not isinstance(document, dict) or not str(document.get("schema")).startswith("sample/"):
        return ()
    return tuple(side for side in SPEAKERS if document["speakers"][side]["commitment"] == WITHDRAWN)


def _walk(document: Any) -> Iterator[tuple[str, str | list[Any]]]:
    """Every text with the name of its field, every name of a field (under no name), and every list."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        name, value = stack.pop()
        match value:
            case dict():
                yield from (("", key) for key in value)
                stack.extend(value.items())
            case list():
                yield name, value
                stack.extend((name, part) for part in value)
            case str():
                yield name, value


def _words_in(entries: list[Any]) -> Iterator[str]:
    """The traces of a list that holds words, of each speaker by themselves."""
    by_speaker: dict[Any, list[dict[str, Any]]] = {}
    for entry in entries:
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("word"), str)
            and isinstance(entry.get("start_s"), int | float)
        ):
            by_speaker.setdefault(str(entry.get("speaker")), []).append(entry)
    for words in by_speaker.values():
        yield from word_traces(words)


def _strings(column: pa.ChunkedArray) -> Iterator[str | bytes]:
    """Every text and every run of bytes in a column, each once, whatever it is nested in."""
    for chunk in column.chunks:
        yield from _strings_in(chunk)


def _strings_in(array: pa.Array) -> Iterator[str | bytes]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings_in(array.dictionary)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _strings_in(array.flatten())
    elif pa.types.is_map(kind):
        yield from _strings_in(array.keys)
        yield from _strings_in(array.items)
    elif pa.types.is_struct(kind):
        for part in array.flatten():
            yield from _strings_in(part)
    elif (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    ):
        yield from (value for value in pc.unique(array).to_pylist() if value is not None)


def _metadata(metadata: Any) -> list[str]:
    return [text.decode("utf-8", "replace") for pair in (metadata or {}).items() for text in pair]
