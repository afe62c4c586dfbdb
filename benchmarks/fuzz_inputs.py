"""Makes and judges the inputs of :mod:`benchmarks.fuzz`: audio, manifests, words, releases, ledgers, receipts, options.

A judge gives ``accepted`` or ``refused: why``, or ``wrong accept: why``; whatever it raises is a traceback of duologue.
"""

import io
import json
import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import numpy as np
import soundfile

from duologue_consent import Ledger, LedgerError, Purpose, parse_time, verify
from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.read.manifest import read_manifest
from duologue_pipeline.records import Recording, Track
from duologue_pipeline.words.files import read_words
from duologue_schemas import load_schema

__all__ = ["KINDS", "Kind"]

Judge = Callable[[str, Path], str]


@dataclass(frozen=True)
class Kind:
    """Says how inputs of one kind are made and judged.

    Attributes:
        name: of the kind.
        weight: its share of the inputs.
        judge: makes the input of a name in a folder and judges what duologue says to it.
        prepare: makes what all inputs have in common, before the processes are forked.
    """

    name: str
    weight: int
    judge: Judge
    prepare: Callable[[], object]


# --- bytes ------------------------------------------------------------------------------------------------------------

EXTREMES: Final = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def mutate(data: bytes, rng: random.Random, *, head: int = 256) -> tuple[str, bytes]:
    """Damages bytes in one of the ways in which files are damaged; gives the way and the bytes."""
    way = rng.choice(("flip", "field", "field", "cut", "grow", "zeros", "hole", "double", "insert", "swap", "text"))
    at = rng.randrange(len(data))
    near = rng.randrange(min(head, len(data)))
    match way:
        case "flip":
            changed = bytearray(data)
            for _ in range(rng.choice((1, 1, 4, 64))):
                changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return way, bytes(changed)
        case "field":
            width = rng.choice((1, 2, 4, 8))
            value = rng.choice(EXTREMES) & (1 << 8 * width) - 1
            field = value.to_bytes(width, rng.choice(("little", "big")))
            return way, data[:near] + field + data[near + width :]
        case "cut":
            return way, data[: rng.choice((at, near, len(data) - 1, 0))]
        case "grow":
            return way, data + rng.randbytes(rng.choice((1, 100, 100_000)))
        case "zeros":
            return way, data + bytes(rng.choice((1, 511, 100_000)))
        case "hole":
            return way, data[:at] + data[at + rng.choice((1, 2, 1000, 5000)) :]
        case "double":
            return way, data + data
        case "insert":
            return way, data[:at] + rng.randbytes(rng.choice((1, 3, 1000))) + data[at:]
        case "swap":
            other = rng.randrange(len(data))
            first, second = sorted((at, other))
            return way, data[:first] + data[second:] + data[first:second]
        case _:
            return way, data[:near] + rng.choice((b"Info", b"Xing", b"RIFF", b"OggS", b"fLaC", b"ID3\3\0\0")) + data[
                near:
            ]


# --- audio ------------------------------------------------------------------------------------------------------------

RATE_HZ: Final = 8000
FORMATS: Final = (
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("W64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("AU", "ALAW"),
    ("CAF", "PCM_16"),
    ("NIST", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
)
SIZED: Final = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC")
"""Formats whose header says how much audio there is, so that a file that was cut off can be known."""


@cache
def pcm() -> np.ndarray[Any, Any]:
    """Two seconds of two voices, as far as a file needs them: float64 [T, 2]."""
    rng = np.random.default_rng(0)
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    slow = np.sin(2 * np.pi * np.array([0.7, 1.1]) * time_s[:, None])
    return np.clip(0.2 * slow * rng.normal(size=(len(time_s), 2)), -0.9, 0.9)


@cache
def audio_file(form: str, subtype: str) -> bytes:
    """A good file of a format."""
    buffer = io.BytesIO()
    soundfile.write(buffer, pcm(), RATE_HZ, format=form, subtype=subtype)
    return buffer.getvalue()


@cache
def decoded(form: str, subtype: str) -> np.ndarray[Any, Any]:
    """What a good file holds: float32 [T, 2]."""
    samples, _ = soundfile.read(io.BytesIO(audio_file(form, subtype)), dtype="float32")
    return np.asarray(samples)


def judge_audio(name: str, folder: Path) -> str:
    """Makes and judges a file of audio."""
    rng = random.Random(f"audio {name}")
    form, subtype = rng.choice(FORMATS)
    good = audio_file(form, subtype)
    way, data = mutate(good, rng, head=rng.choice((64, 128, 512)))
    path = folder / f"call.{rng.choice(('wav', 'mp3', 'flac', 'x'))}"
    path.write_bytes(data)
    tracks = (Track("a", str(path), 0, rng.choice((0.0, 0.0, 0.25, -0.5))), Track("b", str(path), 1))
    recording = Recording("call", *tracks, language="en")
    try:
        report = measure_audio(recording)
        frames = sum(len(a) for a, _ in conversation_blocks(recording, rate_hz=16000))
    except RejectError as error:
        return f"refused: {error.reason}"
    seconds = report.duration_ms / 1000
    if abs(frames / 16000 - seconds) > 0.1:
        return f"wrong accept: {form} {subtype} {way}: measured {seconds} s, decoded {frames / 16000:.3f} s"
    return _audio_verdict(form, subtype, way, data, good, report.b.samples, report.b.sample_rate_hz)


def _audio_verdict(form: str, subtype: str, way: str, data: bytes, good: bytes, samples: int, rate_hz: int) -> str:
    """Tells whether an accepted file may be accepted: no audio may be missing without a word."""
    whole = len(decoded(form, subtype))
    what = f"{form} {subtype} {way}: {samples} samples of {whole}"
    if data == good:
        return "accepted" if samples == whole else f"wrong accept: {what}"
    same = next((at for at, (one, other) in enumerate(zip(data, good, strict=False)) if one != other), len(data))
    if way in ("cut", "hole") and form in SIZED and same > 2048 and len(data) < len(good) - 900:
        return f"wrong accept: {what}, of {len(data)} bytes of {len(good)}"
    if way == "double" and rate_hz == RATE_HZ and abs(samples - 2 * whole) > 0.05 * whole:
        return f"wrong accept: {what}, the file twice"
    if way in ("zeros", "grow") and rate_hz == RATE_HZ and samples < whole:
        return f"wrong accept: {what}, and something after it"
    return "accepted"


# --- JSON -------------------------------------------------------------------------------------------------------------

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**40,
    -(10**400),
    0.5,
    "",
    " ",
    "a",
    "\ud800",
    "\0",
    "../../etc/passwd",
    "x" * 100_000,
    "call.wav#1",
    "http://[",
    "s3://",
    "\u202e",
    [],
    {},
    [[]],
    {"": ""},
    {"a": {"b": []}},
)


def mutate_json(document: Any, rng: random.Random) -> str:
    """Damages a document in one place; gives its text, which need not be JSON any more."""
    text = json.dumps(document)
    way = rng.choice(("value", "value", "value", "remove", "add", "deep", "nan", "twice", "bytes", "bytes", "list"))
    places = list(_places(document))
    match way:
        case "bytes":
            return mutate(text.encode(), rng)[1].decode("latin-1")
        case "deep":
            depth = rng.choice((100, 5000, 200_000))
            return text.replace('"en"', "[" * depth + "]" * depth, 1) if '"en"' in text else "[" * depth
        case "nan":
            return text.replace("0", rng.choice(("NaN", "Infinity", "-Infinity", "1e999")), 1)
        case "list":
            return json.dumps([document])
        case "twice":
            holder = rng.choice([place for place, _ in places if isinstance(place, dict)] or [{}])
            if not holder:
                return text
            key = rng.choice(list(holder))
            whole = json.dumps(holder)
            return text.replace(whole, f"{{{json.dumps(key)}: {json.dumps(rng.choice(VALUES[:10]))}, {whole[1:]}", 1)
    holder, key = rng.choice(places)
    if way == "remove":
        del holder[key]
    elif way == "add" and isinstance(holder, dict):
        holder[rng.choice(("x", "x_note", "", "uri2", "\u202e"))] = rng.choice(VALUES)
    else:
        holder[key] = rng.choice(VALUES)
    return json.dumps(document)


def _places(document: Any) -> Any:
    stack = [document]
    while stack:
        holder = stack.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            yield holder, key
            if isinstance(value, dict | list):
                stack.append(value)


def is_valid(schema: str, text: str) -> bool:
    """Tells, without duologue's own checks, whether a text is a document of a schema, each field once."""
    doubled = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            doubled.append(pairs)
        return dict(pairs)

    def never(constant: str) -> Any:
        raise ValueError(constant)

    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=never)
    except (ValueError, RecursionError):
        return False
    registered = load_schema(schema)
    checker = jsonschema.Draft202012Validator(registered, format_checker=jsonschema.FormatChecker())
    return not doubled and bool(checker.is_valid(document))


LINE: Final = {
    "recording_id": "call-1",
    "language": "en",
    "started_at": "2026-03-01T10:00:00Z",
    "setting": "telephone",
    "source": {"corpus": "x", "license": "CC0-1.0"},
    "tracks": [
        {"speaker_id": "spk-1", "uri": "call.wav", "channel": 0, "offset_s": 0.0, "jurisdiction": "US-IL"},
        {"speaker_id": "spk-3", "uri": "call.wav", "channel": 1, "words_uri": "b.json"},
    ],
}


def judge_manifest(name: str, folder: Path) -> str:
    """Makes and judges a manifest of one line."""
    rng = random.Random(f"manifest {name}")
    line = mutate_json(json.loads(json.dumps(LINE)), rng)
    path = folder / "manifest.jsonl"
    path.write_bytes(line.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    try:
        parsed = list(read_manifest(str(path)))
    except UsageError as error:
        return f"refused: {error}"
    if not any(isinstance(each, Recording) for each in parsed):
        return "refused"
    text = path.read_text(encoding="utf-8", errors="replace")
    if not all(is_valid("recording", part) for part in text.splitlines() if part.strip()):
        return f"wrong accept: {line[:300]!r}"
    return "accepted"


WORDS: Final = [
    {"word": word, "start_s": round(0.4 * number, 1), "end_s": round(0.4 * number + 0.3, 1), "confidence": 0.9}
    for number, word in enumerate(("yes", "no", "en", "well", "I", "mean"))
]


def judge_words(name: str, folder: Path) -> str:
    """Makes and judges a word file."""
    rng = random.Random(f"words {name}")
    text = mutate_json(json.loads(json.dumps(WORDS)), rng)
    path = folder / "words.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass" if rng.random() < 0.5 else "replace"))
    track = Track("a", str(folder / "none.wav"), words_uri=str(path), offset_s=rng.choice((0.0, 0.0, 0.5)))
    try:
        words, _ = read_words(Recording("call", track, Track("b", "x")), policy="optional")
    except RejectError as error:
        return f"refused: {error.reason}"
    if not is_valid("words", path.read_text(encoding="utf-8", errors="replace")):
        return f"wrong accept: {text[:300]!r}"
    said = len(json.loads(path.read_text(encoding="utf-8", errors="replace")))
    return "accepted" if words is not None and len(words) == said else f"wrong accept: {said} words became {words}"


# --- ledgers and receipts ---------------------------------------------------------------------------------------------


@cache
def ledger_base() -> Path:
    """A folder with a ledger of some decisions."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="fuzz-ledger-"))
    ledger = Ledger.create(folder / "consent.db")
    for number in range(6):
        ledger.grant(
            f"spk-{number}", [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=parse_time("2026-01-01T00:00:00Z")
        )
    ledger.withdraw("spk-2", at=parse_time("2026-02-01T00:00:00Z"))
    ledger.checkpoint()
    return folder


@cache
def allowed() -> dict[str, bool]:
    """Says who may be used by the ledger as it was made."""
    return _allowed(Ledger.open(ledger_base() / "consent.db"))


def _allowed(ledger: Ledger) -> dict[str, bool]:
    snapshot = ledger.snapshot()
    moment = parse_time("2026-06-01T00:00:00Z")
    return {
        speaker: snapshot.decide(
            speaker, purpose="training_inhouse", recorded_at=parse_time("2026-01-15T00:00:00Z"), as_of=moment
        ).allowed
        for speaker in sorted(snapshot.speakers)
    }


def judge_ledger(name: str, folder: Path) -> str:
    """Makes and judges a ledger."""
    rng = random.Random(f"ledger {name}")
    home = folder / "ledger"
    shutil.copytree(ledger_base(), home)
    if rng.random() < 0.5:
        paths = sorted(path for path in home.rglob("*") if path.is_file())
        path = rng.choice(paths)
        mode = path.stat().st_mode
        path.write_bytes(mutate(path.read_bytes() or b"x", rng, head=4096)[1])
        path.chmod(mode)
    else:
        with sqlite3.connect(home / "consent.db") as connection:
            _spoil(connection, rng)
        connection.close()
    try:
        found = _allowed(Ledger.open(home / "consent.db"))
    except LedgerError as error:
        return f"refused: {error}"
    more = [speaker for speaker, yes in found.items() if yes and not allowed().get(speaker, False)]
    return f"wrong accept: {more} may be used now" if more else "accepted"


def _spoil(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Changes a table as somebody with the file would."""
    for kind, item in connection.execute("select type, name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f'drop {kind} "{item}"')
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")]
    table = rng.choice(sorted(name for name in tables if not name.startswith("sqlite_")))
    columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
    value = rng.choice([None, 0, -1, 2**62, 1.5, "text", "\0", b"", b"\xff" * 100, b"{" * 1000, "x" * 200_000])
    try:
        match rng.choice(("update", "update", "update", "delete", "drop", "rename", "view", "insert")):
            case "update":
                where = f"rowid = {rng.randrange(1, 20)}" if rng.random() < 0.7 else "1"
                connection.execute(f'update "{table}" set "{rng.choice(columns)}" = ? where {where}', [value])
            case "delete":
                connection.execute(f'delete from "{table}" where rowid >= {rng.randrange(0, 20)}')
            case "drop":
                connection.execute(f'drop table "{table}"')
            case "rename":
                connection.execute(f'alter table "{table}" rename column "{rng.choice(columns)}" to "other"')
            case "view":
                connection.execute(f'alter table "{table}" rename to "hidden"')
                connection.execute(f'create view "{table}" as select * from "hidden"')
            case _:
                marks = ", ".join("?" * len(columns))
                connection.execute(f'insert into "{table}" values ({marks})', [value] * len(columns))
    except (sqlite3.Error, OverflowError):
        connection.rollback()


@cache
def release_base() -> Path:
    """A folder with a release from which a speaker was taken out, its ledger, and a receipt."""
    import tempfile

    from benchmarks.withdrawal import make_release
    from duologue_pipeline.withdrawal.protocol import propagate_release

    folder = Path(tempfile.mkdtemp(prefix="fuzz-release-"))
    out, ledger, speaker = make_release(folder, 60, floor_db=-10.0)
    ledger.withdraw(speaker, at=parse_time("2026-05-01T00:00:00Z"))
    propagate_release(str(out), ledger)
    return folder


def judge_receipt(name: str, folder: Path) -> str:
    """Makes and judges a receipt with its keys, checkpoint and log."""
    rng = random.Random(f"receipt {name}")
    base = release_base()
    ledger = Ledger.open(base / "consent.db")
    files = {
        "receipt": (base / "out" / "receipts" / "0001.json").read_bytes(),
        "key": ledger.public_key_text().encode(),
        "checkpoint": (base / "out" / "checkpoint").read_bytes(),
        "log": (base / "out" / "log.jsonl").read_bytes(),
    }
    which = rng.choice(("receipt", "receipt", "receipt", "key", "checkpoint", "log"))
    before = files[which]
    if which == "receipt" and rng.random() < 0.5:
        files[which] = mutate_json(json.loads(before), rng).encode("utf-8", "surrogatepass")
    else:
        files[which] = mutate(before, rng)[1]
    for part, data in files.items():
        (folder / part).write_bytes(data)
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            options = [text for part in ("key", "checkpoint", "log") for text in (f"--{part}", str(folder / part))]
            code = verify.main([str(folder / "receipt"), *options])
        except SystemExit as end:
            code = int(end.code or 0)
    if code:
        return "refused"
    same = _loaded(files["receipt"]) == _loaded((base / "out" / "receipts" / "0001.json").read_bytes())
    return "accepted" if same else f"wrong accept: a changed {which}"


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


# --- options ----------------------------------------------------------------------------------------------------------

ODD: Final = (
    "",
    " ",
    "-",
    "--",
    "-1",
    "0",
    "nan",
    "inf",
    "1e400",
    "9" * 400,
    "é\u202e",
    "\udcff",
    "a\nb",
    "/",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "nosuch",
    "nosuch/deep/er",
    "s3://",
    "s3://no/such",
    "gs://x",
    "http://127.0.0.1:9/x",
    "ftp://x/y",
    "abfs://x@y/z",
    "file:///nosuch",
    "postgresql://",
    "postgresql://u:p@127.0.0.1:1/x",
    "sqlite://",
    "~nobody/x",
    "x" * 5000,
    "2026-13-01",
    "2999-01-01T00:00:00Z",
    "@",
    "a@b",
    "mimi:/nosuch",
    "DE-??",
)

COMMANDS: Final = (
    "run {manifest} --out {new} --ledger {ledger} --segment-s 10 --name x --purpose training_inhouse --words none",
    "run {manifest} --out {new} --ledger {ledger} --shard-hours 1 --validation-share 0 -- --direct_num_workers=1",
    "run {manifest} --out {new} --ledger {ledger} --codec embedded --isolation-policy keep --include-audio",
    "validate {manifest}",
    "isolation {audio} --format json --plot {new}.png --offset-a 0",
    "annotate {audio} --format json --offset-a 0 --channel-a 0 --language en",
    "simulate {new} --conversations 1 --minutes 0.5 --seed 1 --voices noise --fault bleed",
    "shards verify {release}",
    "consent init {new}",
    "consent grant spk-9 --purpose recording --form audio --at 2026-01-01T00:00:00Z --jurisdiction DE --ledger {ledger}",
    "consent grant spk-9 --purpose recording --expires 2027-01-01T00:00:00Z --age-years 30 --retention 9 --ledger {ledger}",
    "consent refuse spk-9 --purpose likeness --ledger {ledger}",
    "consent withdraw spk-1 --purpose recording --at 2026-03-01T00:00:00Z --ledger {ledger}",
    "consent revoke spk-1 --by controller --ledger {ledger}",
    "consent status spk-1 --ledger {ledger}",
    "consent receipt spk-1 --ledger {ledger}",
    "consent explain call-1 --manifest {manifest} --purpose recording --at 2026-06-01T00:00:00Z --ledger {ledger}",
    "consent log {ledger} --start 0",
    "consent check {ledger}",
    "consent check-log {release}",
    "consent checkpoint {ledger} --out {new}",
    "consent rotate-key {ledger}",
    "consent propagate {release} --ledger {its-ledger} --wait-s 1 --format json",
    "consent lineage add model --dataset {release} --ledger {its-ledger} --contact x",
    "consent lineage notices --ledger {its-ledger} --out {new}",
    "consent settle --ledger {its-ledger} --out {new}",
    "consent forget spk-1 --yes --ledger {ledger}",
)


def judge_options(name: str, folder: Path) -> str:
    """Makes and judges a command line."""
    rng = random.Random(f"options {name}")
    shutil.copytree(ledger_base(), folder / "ledger")
    shutil.copytree(release_base(), folder / "release")
    line = json.loads(json.dumps(LINE))
    del line["tracks"][1]["words_uri"]
    (folder / "manifest.jsonl").write_text(json.dumps({**line, "started_at": "2026-01-15T00:00:00Z"}) + "\n")
    (folder / "call.wav").write_bytes(audio_file("WAV", "PCM_16"))
    places = {
        "manifest": str(folder / "manifest.jsonl"),
        "new": str(folder / "new"),
        "ledger": str(folder / "ledger" / "consent.db"),
        "audio": str(folder / "call.wav"),
        "release": str(folder / "release" / "out"),
        "its-ledger": str(folder / "release" / "consent.db"),
    }
    words = [word.format(**places) for word in rng.choice(COMMANDS).split()]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        values = [place for place, word in enumerate(words) if place > 1 and not word.startswith("--")]
        at = rng.choice(values) if values and rng.random() < 0.8 else rng.randrange(1, len(words))
        match rng.choice(("odd", "odd", "odd", "drop", "twice", "unknown")):
            case "odd":
                words[at] = rng.choice(ODD)
            case "drop":
                del words[at]
            case "twice":
                words.insert(at, words[at])
            case _:
                words.insert(at, "--nosuch")
        if len(words) < 2:
            break
    os.chdir(folder)  # a relative name must not come to lie elsewhere
    return run_command(words)


def run_command(words: list[str]) -> str:
    """Runs a command in this process; a traceback is raised."""
    from duologue_pipeline.cli.app import main

    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    sys.argv = ["duologue", *words]
    code = 0
    with redirect_stdout(output), redirect_stderr(output):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    if code not in (0, 1, 2, 3):
        return f"wrong: exit status {code} of {words}"
    return "refused" if code else "accepted"


# --- all --------------------------------------------------------------------------------------------------------------


def prepare_audio() -> None:
    """Makes the good files of all formats, and what they hold."""
    for form, subtype in FORMATS:
        decoded(form, subtype)


def prepare_ledger() -> None:
    """Makes the ledger, and what it allows."""
    allowed()


def prepare_options() -> None:
    """Makes what the commands name, and loads the libraries that they need."""
    import duologue_pipeline.cli.summary
    import duologue_pipeline.conversation
    import duologue_pipeline.run.launch
    import duologue_pipeline.run.watched  # noqa: F401

    ledger_base()
    release_base()


def nothing() -> None:
    """Has nothing to prepare."""


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("audio", 40, judge_audio, prepare_audio),
        Kind("manifest", 18, judge_manifest, nothing),
        Kind("words", 10, judge_words, nothing),
        Kind("ledger", 10, judge_ledger, prepare_ledger),
        Kind("receipt", 6, judge_receipt, release_base),
        Kind("options", 6, judge_options, prepare_options),
    )
}
