"""Makes a recording of the files of a corpus: brings together what names, tables, documents and the user say of it."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from duologue_pipeline.corpora.adapter import FileRule
from duologue_pipeline.corpora.facts import Facts
from duologue_pipeline.corpora.layout import BOTH, Arranged, Parts, sides_of
from duologue_pipeline.corpora.readers import read_document
from duologue_pipeline.corpora.request import CorpusRequest
from duologue_pipeline.corpora.words import SharedWords, refusal_in, stream_for, transcript_of, words_file
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.intake.listing import composed
from duologue_pipeline.intake.look import channels_of
from duologue_pipeline.intake.metadata import started_of_files
from duologue_pipeline.intake.model import FoundRecording, FoundTrack, RefusedFile
from duologue_pipeline.intake.moments import NamePattern, Started, read_cells, read_started
from duologue_pipeline.intake.speakers import TRACK_FIELDS
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.transcripts.model import TranscriptError
from duologue_pipeline.words.files import read_words_bytes

__all__ = ["OneRecording", "UnusableError", "read_file"]


class UnusableError(Exception):
    """Says why a recording cannot be used: ``reason`` is a key of ``REFUSALS``."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class OneRecording:
    """Makes one recording of its files; gathers what becomes of the transcripts."""

    def __init__(
        self,
        request: CorpusRequest,
        arranged: Arranged,
        facts: Facts,
        parts: Parts,
        recording_id: str,
        shared: SharedWords,
    ) -> None:
        self._request, self._adapter, self._arranged = request, request.adapter, arranged
        self._facts, self._parts, self._id, self._shared = facts, parts, recording_id, shared
        self.refused: list[RefusedFile] = []
        self.beside: dict[str, bytes] = {}
        self.not_used = 0

    def recording(self) -> FoundRecording:
        """Makes the recording.

        Raises:
            UnusableError: it cannot be used.
        """
        parts = self._parts
        if not parts.audio:
            raise UnusableError(
                "words_without_recording", f"there is no audio of {parts.name}; see that all was copied"
            )
        audio, sides = self._audio()
        said = self._said(sides)
        if "refused" in said:
            raise UnusableError("rejected_by_corpus", str(said["refused"]))
        channels = {
            side: int(said.get(f"{side}.channel", place)) if BOTH in parts.audio else 0
            for place, side in enumerate("ab")
        }
        words, used = self._words(sides, said, channels)
        started = self._started(said)
        tracks = []
        for side in SPEAKERS:
            own = {name: said[f"{side}.{name}"] for name in ("speaker_id", *TRACK_FIELDS) if said.get(f"{side}.{name}")}
            own.setdefault("role", self._adapter.roles.get(side))
            tracks.append(
                FoundTrack(
                    uri=str(self._arranged.paths[audio[side]]),
                    channel=channels[side],
                    words_uri=str(self._request.out.resolve() / words[side]) if side in words else None,
                    offset_s=float(said.get(f"{side}.offset_s", 0.0)),
                    **own,
                )
            )
        adapter = self._adapter
        return FoundRecording(
            name=parts.name,
            a=tracks[0],
            b=tracks[1],
            started_at=started.at if started else None,
            started_before=started.before if started else None,
            language=said.get("language") or self._request.language or adapter.language,
            setting=said.get("setting", adapter.setting),
            topic=said.get("topic", adapter.topic),
            register=said.get("register", adapter.register),
            synthetic=adapter.synthetic,
            corpus=adapter.title,
            license=adapter.license or None,
            files=(*dict.fromkeys(audio[side] for side in SPEAKERS), *used, *(file for file, _ in parts.metadata)),
        )

    def _audio(self) -> tuple[dict[str, str], dict[str, str]]:
        parts = self._parts
        try:
            sides = sides_of(parts)
        except ValueError as error:
            raise UnusableError("side_twice" if len(parts.audio) > 2 else "side_missing", str(error)) from None
        for side, own in parts.audio.items():
            if len(own) > 1:
                raise UnusableError(
                    "side_twice", f"{' and '.join(sorted(own)[:3])} are both of {side or 'it'}; keep one"
                )
        if BOTH in parts.audio:
            audio: dict[str, str] = dict.fromkeys(SPEAKERS, parts.audio[BOTH][0])
            if len(parts.audio) > 1:
                raise UnusableError("side_twice", "has a file with both speakers, and files of one; keep either")
        else:
            missing = [side for side in SPEAKERS if side not in sides.values()]
            if missing:
                role = self._adapter.roles.get(missing[0], missing[0])
                raise UnusableError("side_missing", f"there is no track of {role}; see that all was copied")
            audio = {sides[label]: own[0] for label, own in parts.audio.items()}
        for file in dict.fromkeys(audio.values()):
            try:
                count = channels_of(self._arranged.paths[file])
            except ValueError as error:
                raise UnusableError("not_readable", str(error)) from None
            if BOTH in parts.audio and count != 2:
                raise UnusableError(
                    "not_two_channels", f"has {count}: one may have been mixed down, or it is a copy of another kind"
                )
            if BOTH not in parts.audio and count != 1:
                raise UnusableError("not_one_channel", f"has {count}; whose they are is not said")
        return audio, sides

    def _said(self, sides: Mapping[str, str]) -> dict[str, Any]:
        """Brings together what names, tables, documents and the user say, the last with the most weight."""
        parts, facts = self._parts, self._facts
        for file, rule in parts.metadata:
            try:
                found = read_document(rule.reader, read_file(self._arranged.paths[file]))
            except ValueError as error:
                raise UnusableError("field_invalid", f"{file}: {error}") from None
            side = _side_in(file, rule)
            facts.add(parts.name, {f"{side}.{name}" if side else name: value for name, value in found.items()})
        said: dict[str, Any] = {}
        for name, value in {**facts.recordings.get(parts.name, {}), **parts.said}.items():
            label, dot, field = name.rpartition(".")
            said[f"{sides.get(label, label)}{dot}{field}"] = value
        for side in SPEAKERS:
            person = facts.people.get(str(said.get(f"{side}.speaker_id")), {})
            said = {f"{side}.{name}": value for name, value in person.items()} | said
        speakers, told = self._request.speakers, set[str]()
        key = speakers.key_of([[parts.name], [self._id]]) if speakers is not None else None
        if speakers is not None and key is not None:
            said |= speakers.of_recording(key)
            for side in SPEAKERS:
                given = speakers.person(key, [side, str(self._adapter.roles.get(side, side)).casefold()])
                said |= {f"{side}.{name}": value for name, value in given.fields.items()}
                if given.speaker_id is not None:
                    said[f"{side}.speaker_id"] = given.speaker_id
                    told.add(side)
        for (name, label), conflict in facts.conflicts.items():
            if name == parts.name and sides.get(label, label) not in told:
                raise UnusableError("speaker_ambiguous", conflict)
        return said

    def _words(
        self, sides: Mapping[str, str], said: Mapping[str, Any], channels: Mapping[str, int]
    ) -> tuple[dict[str, str], list[str]]:
        """Reads the transcripts, the better one where there are two; one that cannot be read costs its words, not the recording."""
        words: dict[str, str] = {}
        used: list[str] = []
        for label, found in self._parts.words.items():
            best = min(place for place, _ in found)
            chosen = [file for place, file in found if place == best]
            self.not_used += len(found) - len(chosen)
            if len(chosen) > 1:
                told = f"{' and '.join(sorted(chosen)[:3])} are transcripts of one recording; keep one"
                self.refused += [self._refusal(file, "words_ambiguous", told) for file in chosen]
                continue
            file = chosen[0]
            if label and sides.get(label, label) not in SPEAKERS:
                told = f"there is no track of {label}; see that all was copied"
                self.refused.append(self._refusal(file, "words_without_recording", told))
                continue
            own: list[str] = [sides.get(label, label)] if label else [*SPEAKERS]
            try:
                self._read(file, best, own, bool(label), said, channels, words)
            except TranscriptError as error:
                self.refused.append(self._refusal(file, "words_not_read", str(error).removeprefix(f"{file}: ")))
            except RejectError as error:
                self.refused.append(self._refusal(file, "words_not_read", error.detail))
            else:
                used.append(file)
        for side in SPEAKERS:
            if (stream := said.get(f"{side}.words")) is not None and side not in words:
                words[side] = f"words/{self._id}.{side}.json"
                self.beside[words[side]] = words_file(self._adapter, stream, source=self._adapter.name)
        for label, files in self._parts.audio.items():
            of = sides.get(label, "")
            if of and of not in words and (own_words := self._shared.of(PurePosixPath(files[0]).stem)) is not None:
                words[of] = f"words/{self._id}.{of}.json"
                self.beside[words[of]] = words_file(self._adapter, own_words[0], source=own_words[1])
        return words, used

    def _read(
        self,
        file: str,
        place: int,
        own: list[str],
        of_one: bool,
        said: Mapping[str, Any],
        channels: Mapping[str, int],
        words: dict[str, str],
    ) -> None:
        rule, name = self._adapter.files[place], self._parts.name
        data = read_words_bytes(str(self._arranged.paths[file]))
        why = refusal_in(rule, data, name=file)
        if why:
            raise UnusableError("rejected_by_corpus", why)
        transcript = transcript_of(self._adapter, rule, data, name=file, recording=name)
        ready = {}
        for side in own:
            label = None
            if not of_one and transcript.separation == "name":
                known = rule.tiers.get(side) or said.get(f"{side}.words_name") or self._adapter.roles.get(side, "")
                label = str(said.get(f"{side}.words_channel") or known)
            channel = channels[side] if BOTH in self._parts.audio else "ab".index(side)
            stream = stream_for(transcript, channel=channel, label=label, shared=not of_one, recording=name, name=file)
            if stream is not None:
                ready[side] = words_file(self._adapter, stream, source=transcript.format)
        for side, text in ready.items():
            words[side] = f"words/{self._id}.{side}.json"
            self.beside[words[side]] = text

    def _started(self, said: Mapping[str, Any]) -> Started | None:
        request = self._request
        try:
            if isinstance(request.started, Started):
                return request.started
            if isinstance(request.started, NamePattern):
                return request.started.find(self._parts.name, *self._parts.files)
            if request.metadata:
                audio = [file for own in self._parts.audio.values() for file in own]
                return started_of_files((self._arranged.paths[file] for file in audio), request.zone)
            told = said.get("started_at")
            if told is not None and "\n" in told:
                form, _, text = told.partition("\n")
                return NamePattern(form, request.zone).find(text)
            if (found := read_cells(said, request.zone)) is not None:
                return found
            stated = read_started(self._adapter.recorded, request.zone)
        except (ValueError, UsageError) as error:
            raise UnusableError("started_at_unknown", str(error)) from None
        return stated if isinstance(stated, Started) else None

    def _refusal(self, file: str, reason: str, detail: str) -> RefusedFile:
        return RefusedFile(file=file, reason=reason, detail=detail, recording=self._parts.name)


def _side_in(file: str, rule: FileRule) -> str:
    """Gives what the name of a document says of the side that it is about; empty where it is about both."""
    found = re.fullmatch(rule.pattern, composed(file.removeprefix("transcripts:")))
    side = (found.groupdict().get("side") or "") if found else ""
    return rule.sides.get(side, side)


def read_file(path: Path) -> bytes:
    """Reads a table or a document of a corpus.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); correct the rights") from None
