"""Nothing private leaves: canaries planted in all that a user gives are in no published byte, log or temporary file."""

import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from duologue_pipeline.demo import demo_files
from tests.end_to_end.support import recording_line, refused_details, write_ledger, write_manifest

pytestmark = pytest.mark.slow

MARK = "qUoKkA"
"""Every canary begins with it, so that one search finds all; what follows says where it was planted."""


TOLD = "tOlDmE"
"""Begins what a manifest tells a model: published in ``conditions`` of ``KEY.json``, the role in ``recordings.parquet``, and only there."""


def canary(place: str) -> str:
    return f"{MARK}{place}"


def told(place: str) -> str:
    return f"{TOLD}{place}"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server that answers everything with an error that repeats what it was asked."""

    class Talkative(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"no {self.path} {canary('body')}".encode()
            self.send_response(403 if "forbidden" in self.path else 404, canary("phrase"))
            self.send_header("X-Canary", canary("header"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{http.server_address[1]}"
    http.shutdown()


def wav_with_tags(samples: bytes, rate_hz: int = 16000) -> bytes:
    """A mono WAV of 16 bits with a canary in its INFO list, before the samples and after them."""
    text = canary("artist").encode() + b"\0"
    info = b"INFO" + b"IART" + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    tags = b"LIST" + struct.pack("<I", len(info)) + info
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    body = b"WAVE" + fmt + tags + b"data" + struct.pack("<I", len(samples)) + samples + tags
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pcm_of(path: Path) -> bytes:
    import soundfile

    pcm, _ = soundfile.read(path, dtype="int16")
    return bytes(pcm.astype("<i2").tobytes())


def lines_with_canaries(folder: Path, server: str) -> list[dict[str, Any] | str]:
    """Manifest lines that are refused for all sorts of reasons, and three that pass: two of them lose what was wrong in words."""
    audio = demo_files().manifest.parent / "audio"
    home = folder / canary("folder")
    home.mkdir()
    for side in "ab":
        samples = pcm_of(audio / f"demo-car-repair.{side}.flac")
        (home / f"{canary('file')}.{side}.wav").write_bytes(wav_with_tags(samples))
        (home / f"{canary('spoken')}.{side}.wav").write_bytes(wav_with_tags(samples[32000:]))
        (home / f"{canary('other')}.{side}.wav").write_bytes(wav_with_tags(samples[64000:]))
        # What shares its audio with somebody who is refused is refused for that, and nothing else of it is looked at.
        (home / f"{canary('alien')}.{side}.wav").write_bytes(wav_with_tags(samples[96000:]))
    damaged = (home / f"{canary('other')}.a.wav").read_bytes()[:5000]
    (home / f"{canary('cut')}.wav").write_bytes(damaged)
    (home / f"{canary('text')}.wav").write_text(canary("content") * 50)
    sphere = f"NIST_1A\n   1024\nspeaker_id -s6 {canary('sphere')}\nend_head\n".encode()
    (home / f"{canary('sphere')}.wav").write_bytes(sphere.ljust(1024))
    word = {"word": "yes", "start_s": 1.0, "end_s": 1.2}
    (home / f"{canary('wordsfile')}.json").write_text(json.dumps([{**word, canary("wordsfield"): canary("value")}]))
    (home / f"{canary('brokenwords')}.json").write_text(f'[{{"word": "{canary("brokenword")}"')

    def line(name: str, a: str, b: str, **tracks: Any) -> dict[str, Any]:
        made = recording_line(name, f"{home}/{a}", f"{home}/{b}", x_note=canary("xfield"))
        for side, track in zip("ab", made["tracks"], strict=True):
            track["speaker_id"] = f"{canary('speaker')}-{name}-{side}@example.org"
            track.update(tracks)
        return made

    def fetched(name: str, uri: str) -> dict[str, Any]:
        made = line(name, *others)
        made["tracks"][1]["uri"] = uri
        return made

    good, spoken, others, alien = (
        (f"{canary(name)}.a.wav", f"{canary(name)}.b.wav") for name in ("file", "spoken", "other", "alien")
    )
    other = others[1]
    signed = f"X-Signature={canary('signature')}"
    passing = [
        line("good", *good),
        line("words", *spoken, words_uri=f"{home}/{canary('wordsfile')}.json"),
        line("brokenwords", *spoken, words_uri=f"{home}/{canary('brokenwords')}.json"),
    ]
    for passes in passing:
        for side, track in zip("ab", passes["tracks"], strict=True):
            track |= {"role": told(f"role{side}"), "role_prompt": f"You are {told(f'prompt{side}')}."}
    return [
        *passing,
        line("stranger", *alien),
        line("missing", f"{canary('missing')}.wav", other, role=canary("role"), role_prompt=canary("prompt")),
        line("told", *others, role_prompt=f"You are {canary('told')}@example.org"),
        line("cut", f"{canary('cut')}.wav", other),
        line("text", f"{canary('text')}.wav", other),
        line("sphere", f"{canary('sphere')}.wav", other),
        line("channel", *others, channel=7),
        line("nowords", *spoken, words_uri=f"{home}/{canary('nowords')}.json"),
        line("twice", *others),
        line("twice", *others),
        fetched("http", f"http://{canary('user')}:{canary('password')}@{server}/{canary('path')}.wav?{signed}"),
        fetched("forbidden", f"http://{server}/forbidden/{canary('path')}.wav?{signed}#{canary('fragment')}"),
        fetched("port", f"http://{canary('user')}:{canary('password')}@127.0.0.1:{canary('port')}/x.wav"),
        fetched("scheme", f"ftp://{canary('user')}:{canary('password')}@127.0.0.1/{canary('path')}.wav"),
        fetched("nul", f"{home}/{canary('nul')}\0.wav"),
        {**line("later", *alien), "started_at": "2025-01-01T00:00:00Z"},
        {**line("when", *others), "started_at": canary("time")},
        {**line("tongue", *others), "language": canary("language")},
        {**line("field", *others), canary("field"): canary("value")},
        {**line("source", *others), "source": {canary("sourcefield"): 1}},
        {**line("x", *others), "recording_id": f"{canary('id')}@example.org"},
        {**line("topic", *others), "topic": f"the call of {canary('topic')}@example.org"},
        {**line("licence", *others), "source": {"license": f"https://{canary('user')}:{canary('password')}@host/x"}},
        f'{{"recording_id": "{canary("brokenline")}", "tracks": [',
        json.dumps([canary("list")]),
        json.dumps(canary("string")),
    ]


def texts_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every name and every byte under a folder; tables as text too, members of shards by themselves."""
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        yield f"the name {name}", name.encode()
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield name, data
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield f"{name} as text", repr([table.to_pylist(), table.schema]).encode()
        if path.suffix == ".tar":
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                for member in archive:
                    file = archive.extractfile(member)
                    yield f"{name}: {member.name}", file.read() if file else b""


def assert_told_in_conditions_only(out: Path, sides_of_good: str) -> None:
    """Roles and prompts stand in ``conditions`` of every sample (of ``good``: of these sides), roles in the table, and nowhere else at all."""
    samples = 0
    for row in pq.read_table(out / "recordings.parquet").to_pylist():
        left = sides_of_good if row["recording_id"] == "good" else "ab"
        assert [row[f"role_{side}"] for side in "ab"] == [
            told(f"role{side}") if side in left else None for side in "ab"
        ]
    for where, text in texts_of(out):
        if where.endswith(".tar"):
            continue  # its members come by themselves
        if where.startswith("recordings.parquet"):
            assert told("prompt").lower().encode() not in text.lower()
            continue
        if ".tar: " in where and where.endswith(".json"):
            document = json.loads(text)
            sides = sides_of_good if document["recording_id"] == "good" else "ab"
            conditions = json.dumps(document.pop("conditions"))
            assert [told(f"{what}{side}") in conditions for what in ("role", "prompt") for side in "ab"] == [
                side in sides for _ in range(2) for side in "ab"
            ], where
            text = json.dumps(document).encode()
            samples += 1
        assert TOLD.lower().encode() not in text.lower(), where
    assert samples


def assert_no_canary(texts: Iterator[tuple[str, bytes]]) -> int:
    count = 0
    for where, text in texts:
        count += 1
        at = text.lower().find(MARK.lower().encode())
        assert at < 0, f"{where}: {text[max(0, at - 80) : at + 80]!r}"
    return count


def test_no_canary_is_published_logged_or_left_in_a_temporary_file(tmp_path: Path, server: str) -> None:
    calls, temporary = tmp_path / "calls", tmp_path / "temporary"
    calls.mkdir()
    temporary.mkdir()
    lines = lines_with_canaries(calls, server)
    manifest = write_manifest(calls / f"{canary('manifest')}.jsonl", lines)
    speakers = [track["speaker_id"] for line in lines if isinstance(line, dict) for track in line["tracks"]]
    ledger = write_ledger(
        calls / f"{canary('ledger')}.db", [name for name in dict.fromkeys(speakers) if "stranger" not in name]
    )
    out = tmp_path / "out"

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-m", "duologue_pipeline", *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            timeout=600,
            env=environment,
        )

    done = command("run", manifest, "--out", out, "--ledger", ledger, "--include-audio", "--same-audio", "mark")
    assert done.returncode == 0, done.stderr
    log = (done.stdout + done.stderr).replace(str(ledger), "LEDGER")  # its summary names the private file
    assert_no_canary(iter([("the log", log.encode())]))
    assert assert_no_canary(texts_of(out)) > 20
    assert_no_canary(texts_of(temporary))
    assert TOLD not in log
    assert_told_in_conditions_only(out, "ab")
    rows = [json.loads(line) for line in (out / "rejected.jsonl").read_text().splitlines()]
    assert len(rows) >= len(lines) - 4, "most lines are refused, else this test looks at nothing"
    details = refused_details(ledger)
    assert len(details) == len(rows)
    assert "consent_audio_of_refused" not in {row["reason"] for row in rows}, "each is refused for its own fault"
    assert sum(MARK in row["detail"] for row in details) > len(rows) / 2, "the private file says what was found"

    withdrawn = command("consent", "withdraw", f"{canary('speaker')}-good-a@example.org", "--ledger", ledger)
    assert withdrawn.returncode == 0, withdrawn.stderr
    done = command("consent", "propagate", out, "--ledger", ledger)
    assert done.returncode == 0, done.stderr
    assert_no_canary(iter([("the log", (done.stdout + done.stderr).encode())]))
    assert assert_no_canary(texts_of(out)) > 20
    assert_no_canary(texts_of(temporary))
    assert_told_in_conditions_only(out, "b")
