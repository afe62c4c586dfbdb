"""Writes what the launcher has decided into the staging folder, in files of some recordings each, which workers read in parallel.

A line holds a recording that may be used, or one that is refused with the reason. Sentences, which may name people, stay with
the launcher; addresses with a secret are sealed, and names of tiers are hashed (:mod:`duologue_pipeline.files.sealed`).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Final

from duologue_consent import Form
from duologue_pipeline.consent.decide import Refused
from duologue_pipeline.files.sealed import hashed_name, seal, unseal
from duologue_pipeline.files.storage import join, read_bytes, write_bytes
from duologue_pipeline.records import (
    SPEAKERS,
    ConsentBasis,
    Consented,
    GrantRef,
    Recording,
    Rejected,
    Source,
    SpeakerConsent,
    Track,
)
from duologue_schemas import load_schema

__all__ = ["DECIDED", "decided_line", "public_id", "read_decided", "read_uses", "write_decided", "write_lines"]

DECIDED: Final = "decided"
"""The folder under the staging folder."""

_LINES: Final = 1000
_CHANNEL_DIGITS: Final = 2

Decided = Consented | Refused | Rejected


def write_decided(
    decided: Iterable[Decided], folder: str, *, size: Callable[[Recording], int] = lambda _: 0
) -> list[str]:
    """Writes what was decided (:func:`decided_line`, :func:`write_lines`), any number of it."""
    return write_lines((decided_line(each, size) for each in decided), folder)


def decided_line(decided: Decided, size: Callable[[Recording], int]) -> tuple[int, str]:
    """Writes what was decided as a line of text, in ASCII.

    Args:
        decided: of one recording.
        size: tells how much work a recording is, as far as is known.

    Returns:
        What is the same for sizes that are alike, within a factor of two; and the line.
    """
    return size(decided).bit_length() if isinstance(decided, Consented) else 0, _line(decided)


def write_lines(lines: Iterable[tuple[int, str]], folder: str) -> list[str]:
    """Writes lines into files, those of recordings of like size together.

    Args:
        lines: from :func:`decided_line`; a thousand of each size are in memory at once.
        folder: gets the files; uri.

    Returns:
        The uris of the files, those of the longest recordings first: they are to begin first, so that at the end nobody
        waits for one that began late.
    """
    written: list[tuple[int, str]] = []
    waiting: dict[int, list[str]] = {}

    def write(alike: int) -> None:
        written.append((-alike, join(folder, f"{len(written):06d}.jsonl")))
        write_bytes(written[-1][1], "".join(waiting.pop(alike)).encode())

    for alike, line in lines:
        waiting.setdefault(alike, []).append(line)
        if len(waiting[alike]) == _LINES:
            write(alike)
    for alike in sorted(waiting):
        write(alike)
    return [path for _, path in sorted(written)]


def read_decided(path: str) -> Iterator[Decided]:
    """Reads one of the files that :func:`write_decided` has written."""
    for line in read_bytes(path).splitlines():
        yield _decided(json.loads(line))


def read_uses(path: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Reads of one of those files what may be used, in the words in which a withdrawal asks for it again; opens no address.

    Yields:
        (basis, row) of each recording that was let through: ``basis`` holds ``ledger_id``, ``purpose`` and ``include_audio``, as
        beside a part; ``row`` those columns of ``recordings.parquet`` that consent is asked for by.

    Raises:
        ValueError, KeyError, TypeError: it is none of those files.
    """
    for line in read_bytes(path).splitlines():
        document = json.loads(line)
        if "consent" in document:
            recording, consent = document["recording"], document["consent"]
            forms = {Form(each) for each in consent["forms"]}
            row = {name: recording.get(name) for name in ("recording_id", "started_at", "started_before")}
            for side in SPEAKERS:
                row |= {
                    f"speaker_{side}": consent[side]["commitment"],
                    f"jurisdiction_{side}": recording[side].get("jurisdiction"),
                    f"words_{side}": Form.TRANSCRIPT in forms,
                }
            basis = {name: consent[name] for name in ("ledger_id", "purpose")}
            yield {**basis, "include_audio": Form.AUDIO in forms}, row


def public_id(recording_id: str | None) -> str | None:
    """Gives a recording_id that follows the schema; None in place of any other text, which may hold anything."""
    return recording_id if recording_id is not None and _id_pattern().fullmatch(recording_id) else None


@cache
def _id_pattern() -> re.Pattern[str]:
    return re.compile(load_schema("recording")["properties"]["recording_id"]["pattern"].strip("^$"))


def _line(decided: Decided) -> str:
    match decided:
        case Consented():
            fields = f'"recording": {_recording_json(decided)}, "consent": {_consent_json(decided.consent)}'
        case Refused():
            fields = (
                f'"recording": {_recording_json(decided.recording)}, "rejected": {_rejected_json(decided.rejected)}'
            )
        case _:
            fields = f'"rejected": {_rejected_json(decided)}'
    return f"{{{fields}}}\n"  # ASCII: an id that cannot be written is escaped


def _recording_json(recording: Recording) -> str:
    fields = {name: value for name, value in vars(recording).items() if value is not None and name != "consent"}
    fields |= {"a": _track(recording.a), "b": _track(recording.b), "source": vars(recording.source)}
    return json.dumps(fields)


def _track(track: Track) -> dict[str, Any]:
    fields = {name: value for name, value in vars(track).items() if value is not None}
    fields["uri"] = seal(track.uri)
    if track.words_uri is not None:
        fields["words_uri"] = seal(track.words_uri)
    if track.words_channel is not None:
        fields["words_channel"] = _channel(track.words_channel)
    return fields


def _channel(label: str) -> str:
    """Gives the number of a channel as it is; any other label, the name of a tier or a speaker, may be that of a person."""
    return label if label.isdecimal() and len(label) <= _CHANNEL_DIGITS else hashed_name(label)


def _consent_json(consent: ConsentBasis) -> str:
    a, b = (
        f'{{"commitment": "{side.commitment}", "grants": {_grants_json(tuple(side.grants))}}}'
        for side in (consent.a, consent.b)
    )
    asked = _asked_json(consent.purpose, consent.ledger_id, tuple(consent.forms), tuple(consent.uses))
    return f'{{{asked}, "a": {a}, "b": {b}}}'


@lru_cache
def _asked_json(purpose: str, ledger_id: str, forms: tuple[str, ...], uses: tuple[str, ...]) -> str:
    return json.dumps({"purpose": purpose, "ledger_id": ledger_id, "forms": forms, "uses": uses})[1:-1]


@lru_cache(maxsize=1 << 17)
def _grants_json(grants: tuple[GrantRef, ...]) -> str:
    return json.dumps([vars(grant) for grant in grants])


def _rejected_json(rejected: Rejected) -> str:
    return json.dumps({**vars(rejected), "recording_id": public_id(rejected.recording_id), "detail": ""})


def _decided(document: dict[str, Any]) -> Decided:
    rejected = Rejected(**document["rejected"]) if "rejected" in document else None
    fields = document.get("recording")
    if fields is None:
        assert rejected is not None
        return rejected
    tracks = {name: Track(**_unsealed(fields[name])) for name in ("a", "b")}
    known = {**fields, **tracks, "source": Source(**fields["source"])}
    if rejected is not None:
        return Refused(Recording(**known), rejected)
    consent = document["consent"]
    sides = {
        name: SpeakerConsent(consent[name]["commitment"], tuple(GrantRef(**each) for each in consent[name]["grants"]))
        for name in ("a", "b")
    }
    return Consented(
        **known,
        consent=ConsentBasis(**{**consent, "forms": tuple(consent["forms"]), "uses": tuple(consent["uses"]), **sides}),
    )


def _unsealed(track: dict[str, Any]) -> dict[str, Any]:
    return {**track, **{name: unseal(track[name]) for name in ("uri", "words_uri") if name in track}}
