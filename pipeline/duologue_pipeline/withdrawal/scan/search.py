"""The scan: proves that nothing of what was removed is left in any live file of a dataset's folder.

Every file is opened and read to its end, except receipts and revocations, which name what is gone because that is
their purpose. What is looked for (:class:`Removed`):

- **names**: keys of dropped samples, commitments of the withdrawn speakers, ids of recordings of which nothing is left,
  names and hashes of the old shards. In the path of every file, in all text, in every string of JSON, in every column
  and in the schema of Parquet files, in the names and contents of tar members;
- **traces** (:mod:`duologue_pipeline.withdrawal.traces`): the tokens, the audio and the words that were taken out, whatever
  file they lie in and whatever it is called;
- **silence**: where a speaker is called withdrawn, taking them out once more must change nothing, and their track must
  be silence.

A file that the scan cannot look into (another binary format, a damaged file) is a finding too: nothing was proved of
it. One tar member, one row group, or one JSON document is in memory at a time. What it cannot see: audio that was
encoded again or cut otherwise, words without their times, fewer than four words, anything outside of the folder.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from duologue_pipeline.files.storage import join, list_files, local_copy, open_input, read_bytes
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.withdrawal.plan import Plan
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.scan.formats import (
    column_strings,
    commitments,
    is_binary,
    is_tar,
    lines_of,
    loud_tracks,
    may_be_withdrawn,
    metadata_texts,
    parse_json,
    read_array,
    read_pcm,
    texts_of,
    withdrawn_sides,
)
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_pipeline.withdrawal.scan.words import Words, canonical_words, listed_words
from duologue_pipeline.withdrawal.silence import event_stays, silence_document, silence_event_row, silence_recording
from duologue_pipeline.withdrawal.traces import audio_traces, code_traces, word_traces
from duologue_schemas.tables import WITHDRAWN

__all__ = ["NOT_SCANNED", "Finding", "Removed", "removed_by", "scan"]

NOT_SCANNED: Final = ("receipts/", "revocations.jsonl", ".propagate/")
"""What names the removed on purpose: receipts and revocations by commitments and hashes, and the journal of the work
while it lasts. Paths and beginnings of paths."""

_BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 512
_JSON_BYTES: Final = 1 << 28  # a longer JSON document is gone through as text alone
_FINDINGS_PER_FILE: Final = 20
_LOSSLESS: Final = (b"fLaC", b"RIFF", b"FORM", b".snd")
_UNREADABLE: Final = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError),  # the middle ones: of odd documents
    *(tarfile.TarError, pa.ArrowException, soundfile.LibsndfileError),
)


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
    look = _Look(
        Names(removed.names, live=_live_names(index)), removed, _silenced(index), _Owners(root, index, removed)
    )
    for path in list_files(root):
        if path.startswith(tuple(skip)):
            continue
        found: dict[Finding, None] = {}
        for finding in look.file(join(root, path), path):
            found[finding] = None
            if len(found) >= _FINDINGS_PER_FILE:
                break
        yield from found
    yield from look.words_left()


def _live_names(index: pa.Table) -> set[str]:
    return {*index["key"].to_pylist(), *pc.unique(index["recording_id"]).to_pylist()}


def _silenced(index: pa.Table) -> dict[str, Speaker]:
    """recording_id -> the side that was taken out of it."""
    sides: dict[str, Speaker] = {}
    for side in SPEAKERS:
        rows = index.filter(pc.equal(index[f"speaker_{side}"], WITHDRAWN))
        sides |= dict.fromkeys(pc.unique(rows["recording_id"]).to_pylist(), side)
    return sides


class _Owners:
    """Whose words words are. People say the same at the same times where they read it out, or where a machine speaks, and
    what a speaker who stays has said is theirs also when somebody else who said it is gone.

    Theirs are the words of a track of a released shard of which the commitment is in the index and was not removed. It
    is a released shard while its bytes are those that ``dataset.json`` names, so all in it was there before: the shard
    was not touched, or was made of such a one by dropping and silencing.
    """

    def __init__(self, root: str, index: pa.Table, removed: Removed) -> None:
        self._root = root
        self._standing = {name for side in SPEAKERS for name in pc.unique(index[f"speaker_{side}"]).to_pylist()}
        self._standing -= {WITHDRAWN, *removed.names}
        self._released: dict[str, bool] = {}

    def stands(self, path: str, document: Any, speaker: str) -> bool:
        """Whether what ``speaker`` says in a sample's document, found in the file ``path``, is rightfully there."""
        return commitments(document).get(speaker) in self._standing and self._is_released(path)

    def _is_released(self, path: str) -> bool:
        if path not in self._released:
            release = json.loads(read_bytes(join(self._root, "dataset.json")))
            digests = [shard["sha256"] for shard in release["shards"] if shard["path"] == path]
            self._released[path] = bool(digests) and digests[0] == self._sha256(path)
        return self._released[path]

    def _sha256(self, path: str) -> str:
        digest = hashlib.sha256()
        with open_input(join(self._root, path)) as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()


class _Look:
    """Looks into one file after the other, by what its first bytes say that it is."""

    def __init__(self, names: Names, removed: Removed, silenced: Mapping[str, Speaker], owners: _Owners) -> None:
        self._names = names
        self._traces = removed.traces
        self._silenced = silenced
        self._owners = owners
        self._file = ""
        self._words_found: dict[str, set[str]] = {}
        self._words_owned: set[str] = set()

    def words_left(self) -> Iterator[Finding]:
        """After all files: those that hold words which were removed and which nobody who stays has said as well."""
        for path, traces in self._words_found.items():
            if traces - self._words_owned:
                yield Finding(path, "holds words that were removed")

    def file(self, uri: str, path: str) -> Iterator[Finding]:
        """Everything that is found in one file."""
        self._file = path
        yield from self._named(path, path, "its name")
        try:
            with open_input(uri) as stream:
                head = bytes(stream.read(_HEAD_BYTES))
            if head.startswith(b"PAR1"):
                with local_copy(uri) as local, pq.ParquetFile(local) as table:
                    yield from self._parquet(table, path)
            elif is_tar(head):
                with (
                    open_input(uri) as stream,
                    tarfile.open(fileobj=stream, mode="r|", bufsize=_BLOCK_BYTES) as archive,
                ):
                    yield from self._tar(archive, path)
            elif is_binary(head):
                with local_copy(uri) as local:
                    yield from self._binary(head, local.read_bytes(), path)
            else:
                with open_input(uri) as stream:
                    yield from self._text(stream, path)
        except _UNREADABLE as error:
            yield Finding(path, f"cannot be looked into ({error}); nothing is proved of it")

    def _content(self, content: bytes, path: str) -> Iterator[Finding]:
        """The same for what lies inside of another file."""
        head = content[:_HEAD_BYTES]
        if head.startswith(b"PAR1"):
            with pq.ParquetFile(pa.BufferReader(content)) as table:
                yield from self._parquet(table, path)
        elif is_tar(head):
            with tarfile.open(fileobj=io.BytesIO(content), mode="r|") as archive:
                yield from self._tar(archive, path)
        elif is_binary(head):
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
                withdrawn = withdrawn_sides(parse_json(content)) if may_be_withdrawn(content) else ()
            yield from self._content(content, where)
            if withdrawn and content.startswith((b"\x93NUMPY", b"fLaC")):
                for side in loud_tracks(content, withdrawn):
                    yield Finding(where, f"the track of speaker {side}, who is withdrawn, is not silence")

    def _binary(self, head: bytes, content: bytes, path: str) -> Iterator[Finding]:
        if head.startswith(b"\x93NUMPY"):
            codes = read_array(content)
            codes = codes[None] if codes.ndim == 2 else codes
            if codes.ndim != 3 or codes.dtype.kind not in "iu":
                yield Finding(path, f"is an array of {codes.dtype} {list(codes.shape)}; nothing is proved of it")
            else:
                yield from self._traced((trace for _, trace in code_traces(codes)), path, "tokens that were")
        elif head.startswith(_LOSSLESS):
            yield from self._traced((trace for _, trace in audio_traces(read_pcm(content))), path, "audio that was")
        else:
            yield Finding(path, "is of a format that is not known; nothing is proved of it: remove it")

    def _parquet(self, table: pq.ParquetFile, path: str) -> Iterator[Finding]:
        schema = table.schema_arrow
        about = [
            *schema.names,
            *metadata_texts(schema.metadata),
            *(text for field in schema for text in metadata_texts(field.metadata)),
        ]
        for text in about:
            yield from self._named(path, text, "its schema")
        for number in range(table.num_row_groups):
            for name in schema.names:
                column = table.read_row_group(number, columns=[name], use_threads=False)[name]
                for value in column_strings(column):
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
            for line in lines_of(stream):
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
        text.decode()  # what is no text is not gone through as such
        yield from self._left(self._names.in_bytes(text), path, "its text")

    def _json(self, content: bytes, path: str) -> Iterator[Finding]:
        """What the text alone does not tell. A document is parsed only where it may hold such: that takes most of the time."""
        escapes = b"\\" in content
        words = None if escapes else canonical_words(content)
        document: Any = None
        if escapes or words is None or self._names.may_be_values(content) or may_be_withdrawn(content):
            document = parse_json(content)
        for name, value in texts_of(document):
            find = self._names.as_name if name in ("recording_id", "key") else self._names.in_text
            yield from self._left(find(value), path, "its text")
        for row in listed_words(document) if words is None else [words]:
            self._said(row, content, path)
        for side in withdrawn_sides(document):
            if silence_document(document, side) != document:
                yield Finding(path, f"still tells about speaker {side}, who is withdrawn")

    def _said(self, words: Mapping[str, Words], content: bytes, path: str) -> None:
        """Notes which words that were removed are there, and whether they are those of a speaker who stays."""
        for speaker, own in words.items():
            found = self._traces.intersection(word_traces(own.texts, own.starts_s))
            if found and self._owners.stands(self._file, parse_json(content), speaker):
                self._words_owned |= found
            elif found:
                self._words_found.setdefault(path, set()).update(found)

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
