"""Takes a corpus in: sorts its files, reads its tables and transcripts, and gives what an intake writes."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from duologue_pipeline.corpora.adapter import Adapter
from duologue_pipeline.corpora.facts import Facts, read_facts
from duologue_pipeline.corpora.layout import Arranged, arrange
from duologue_pipeline.corpora.one_recording import OneRecording, UnusableError, read_file
from duologue_pipeline.corpora.readers import TABLES
from duologue_pipeline.corpora.request import CorpusRequest
from duologue_pipeline.corpora.words import PackedFiles, SharedWords, transcript_of
from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.ids import recording_ids
from duologue_pipeline.intake.model import FoundRecording, Intake, RefusedFile
from duologue_pipeline.intake.moments import Started, read_started
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.transcripts.model import TranscriptError

__all__ = ["SPEAKERS_TABLE", "prepare_corpus"]

SPEAKERS_TABLE: Final = "speakers.csv"
_ANOTHER: Final = "transcripts of which another one is used"
_COLUMNS: Final = ("sex", "age_band", "dialect", "device")


def prepare_corpus(request: CorpusRequest) -> tuple[Intake, PackedFiles]:
    """Finds the recordings of a corpus; writes nothing.

    Returns:
        The intake, and the files that are written beside it: ``words/ID.a.json``, ``words/ID.b.json`` and ``speakers.csv``.

    Raises:
        UsageError: nothing is as the corpus has it, or nobody says who speaks.
    """
    adapter = request.adapter
    arranged = arrange(adapter, request.root, request.transcripts, request.out)
    facts, notes = _facts(arranged), list(adapter.notes)
    shared, unread = _shared(arranged, adapter)
    ids = recording_ids(arranged.recordings, hashed=request.hashed_ids)
    recordings: list[FoundRecording] = []
    refused = [*arranged.refused, *unread]
    beside = PackedFiles()
    counts = dict(arranged.other)
    for name, parts in sorted(arranged.recordings.items()):
        work = OneRecording(request, arranged, facts, parts, ids[name], shared)
        try:
            found = work.recording()
        except UnusableError as error:
            refused += [
                RefusedFile(file=file, reason=error.reason, detail=str(error), recording=name) for file in parts.files
            ]
            continue
        refused += work.refused
        recordings.append(found)
        if request.anonymous_sides or all(track.speaker_id for track in found.tracks):  # others are refused
            for file, data in work.beside.items():
                beside.put(file, data)
        if work.not_used:
            counts[_ANOTHER] = counts.get(_ANOTHER, 0) + work.not_used
    if taken := len(arranged.shared_words) - len(unread):
        counts["transcripts of many recordings"] = taken
    if arranged.tables:
        counts["tables of the corpus"] = len(arranged.tables)
    _require_speakers(request, recordings)
    beside.put(SPEAKERS_TABLE, _speakers_table(recordings))
    intake = Intake(
        source=f"{adapter.title}, the folder {request.root.resolve().name}",
        unit="files",
        looked_at=arranged.looked_at,
        recordings=tuple(recordings),
        refused=tuple(refused),
        other=counts,
        notes=tuple(_notes(request, recordings, notes)),
        terms=adapter.terms,
    )
    return intake, beside


def _facts(arranged: Arranged) -> Facts:
    facts = Facts()
    for file, rule in arranged.tables:
        data = read_file(arranged.paths[file])
        if not rule.reader:
            read_facts(facts, data, rule, name=file)
            continue
        try:
            for recording, found in TABLES[rule.reader](data, file):
                facts.add(recording, found)
        except (KeyError, ValueError, TypeError, AttributeError, OSError, RecursionError) as error:
            raise UsageError(f"{file}: is not as this corpus has it ({type(error).__name__}: {error})"[:300]) from None
    return facts


def _shared(arranged: Arranged, adapter: Adapter) -> tuple[SharedWords, list[RefusedFile]]:
    """Reads the transcripts of many recordings; one that cannot be read is refused."""
    shared, refused = SharedWords(), []
    for file, rule in arranged.shared_words:
        try:
            shared.add(transcript_of(adapter, rule, read_file(arranged.paths[file]), name=file, recording=""))
        except TranscriptError as error:
            detail = str(error).removeprefix(f"{file}: ")
            refused.append(RefusedFile(file=file, reason="words_not_read", detail=detail))
    return shared, refused


def _require_speakers(request: CorpusRequest, recordings: list[FoundRecording]) -> None:
    known = any(track.speaker_id for each in recordings for track in each.tracks)
    if recordings and not known and request.speakers is None and not request.anonymous_sides:
        raise UsageError(
            f"{request.adapter.title}: nothing that was found says who speaks ({request.adapter.needs}); give a map with --speakers, or, "
            "where nobody knows, an id of its own to every side with --anonymous-sides"
        )


def _notes(request: CorpusRequest, recordings: list[FoundRecording], notes: list[str]) -> Iterator[str]:
    adapter = request.adapter
    if adapter.sentence:
        yield f"With care: {adapter.sentence}"
    yield from notes
    if request.speakers is not None and (left := request.speakers.not_used):
        yield f"{len(left)} recordings of {request.speakers.name} are not in the folder, such as {left[0]!r}."
    whole = read_started(adapter.recorded, request.zone)
    stated = sum(whole == Started(each.started_at or "", each.started_before) for each in recordings)
    if stated and request.started is None:
        yield (
            f"When a recording was made is not known of {stated} of {len(recordings)} recordings; the corpus as a whole is of "
            f"{adapter.recorded}. Consent must be older than its beginning; --started-at says it more exactly."
        )
    wordless = sum(track.words_uri is None for each in recordings for track in each.tracks)
    if wordless:
        yield f"{wordless} of {2 * len(recordings)} tracks have no transcript."


def _speakers_table(recordings: list[FoundRecording]) -> bytes:
    """Writes who speaks where as a map that ``--speakers`` reads; a cell is empty where nobody knows."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["recording", "side", "speaker", *_COLUMNS, "x_track"])
    for each in recordings:
        for side, track, heard in zip(SPEAKERS, each.tracks, (each.heard_in(0), each.heard_in(1)), strict=True):
            table.writerow(
                [each.name, side, track.speaker_id or "", *(getattr(track, name) or "" for name in _COLUMNS), heard]
            )
    return stream.getvalue().encode()
