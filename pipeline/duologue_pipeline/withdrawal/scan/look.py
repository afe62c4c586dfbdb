"""Looks into one file for what was removed, by what its first bytes say that it is: Parquet, tar, arrays, audio, text."""

import io
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import soundfile

from duologue_pipeline.files.arrays import parse_npy
from duologue_pipeline.files.storage import local_copy, open_input
from duologue_pipeline.records import Speaker
from duologue_pipeline.withdrawal.scan.formats import (
    column_strings,
    is_binary,
    is_tar,
    lines_of,
    loud_tracks,
    may_be_withdrawn,
    metadata_texts,
    parse_json,
    texts_of,
    withdrawn_sides,
)
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_pipeline.withdrawal.scan.owners import Owners
from duologue_pipeline.withdrawal.scan.removed import Finding, Removed
from duologue_pipeline.withdrawal.scan.words import Words, canonical_words, listed_words
from duologue_pipeline.withdrawal.silence import (
    event_stays,
    index_row_tells,
    silence_document,
    silence_event_row,
    silence_recording,
)
from duologue_pipeline.withdrawal.traces import audio_traces, code_traces, read_pcm, word_traces

__all__ = ["Look"]

_BLOCK_BYTES: Final = 1 << 20
_HEAD_BYTES: Final = 512
_JSON_BYTES: Final = 1 << 28  # a longer JSON document is gone through as text alone
_JSON_SCRIPT: Final = re.compile(rb'<script type="application/json"[^>]*>([^<]*)</script>')
_SOUND: Final = b"data:audio/"
_LOSSLESS: Final = (b"fLaC", b"RIFF", b"FORM", b".snd")
_UNREADABLE: Final = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError),  # the middle ones: of odd documents
    *(tarfile.TarError, pa.ArrowException, soundfile.LibsndfileError),
)


class Look:
    """Looks into one file after the other, by what its first bytes say that it is."""

    def __init__(
        self,
        names: Names,
        removed: Removed,
        silenced: Mapping[str, Speaker],
        owners: Owners,
        stands: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._names = names
        self._traces = removed.traces
        self._silenced = silenced
        self._owners = owners
        self._stands = stands
        self._file = ""
        self._words_found: dict[str, set[str]] = {}
        self._words_owned: set[str] = set()

    def words_left(self) -> Iterator[Finding]:
        """Finds, after all files, those that hold words which were removed and which nobody who stays has said as well."""
        for path, traces in self._words_found.items():
            if traces - self._words_owned:
                yield Finding(path, "holds words that were removed")

    def file(self, uri: str, path: str) -> Iterator[Finding]:
        """Finds all that is left in one file."""
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
        """Finds all that is left in what lies inside of another file."""
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
            codes = parse_npy(content)
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
        """Checks rows of recordings of which a speaker was taken out: taking them out again must change nothing."""
        schema = table.schema_arrow
        is_recordings = {"speaker_a", "speech_a_s"} <= set(schema.names)
        is_index = {"key", "offset", "recording_id", "speaker_a", "speaker_b"} <= set(schema.names)
        is_events = {"recording_id", "kind", "speaker"} <= set(schema.names)
        if not self._silenced or not (is_recordings or is_index or is_events):
            return
        group = table.read_row_group(number, use_threads=False)
        mine = pa.array(self._silenced, pa.string())
        for row in group.filter(pc.is_in(group["recording_id"], value_set=mine)).to_pylist():
            side = self._silenced[row["recording_id"]]
            if is_recordings:
                left = silence_recording(row, side, schema) != row
            elif is_index:
                left = index_row_tells(row, side, schema)
            else:
                left = not event_stays(row["kind"], row["speaker"], side) or silence_event_row(row, schema) != row
            if left:
                yield Finding(
                    path, f"a row of {row['recording_id']} still tells about speaker {side}, who is withdrawn"
                )

    def _text(self, stream: IO[bytes], path: str) -> Iterator[Finding]:
        """Goes through text of any kind, and through what is JSON, as a whole or line by line, as such too."""
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
        whole = b"".join(kept)
        yield from self._json(whole, path)
        for script in _JSON_SCRIPT.findall(whole):
            yield from self._json(script, path)

    def _plain(self, text: bytes, path: str) -> Iterator[Finding]:
        text.decode()  # what is no text is not gone through as such
        yield from self._left(self._names.in_bytes(text), path, "its text")
        if _SOUND in text and not self._stands(path):
            yield Finding(
                path, "holds sound that is not of the release as it is now; nothing is proved of it: remove it"
            )

    def _json(self, content: bytes, path: str) -> Iterator[Finding]:
        """Finds in JSON what the text alone does not tell; parses only where there may be such, which takes most of the time."""
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
