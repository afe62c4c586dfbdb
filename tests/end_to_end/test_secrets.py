"""Secrets stay home: whatever leaves the process that launches a run is searched for what the ledger and the manifest hide."""

import base64
import bz2
import importlib
import io
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from duologue_consent import Ledger
from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import addresses, sealed
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.records import Recording
from duologue_pipeline.run import RunRequest, run
from tests.end_to_end.support import recording_line, rejected, write_ledger, write_manifest
from tests.servers import send, serve

pytestmark = pytest.mark.slow

MARK = "sEcReTlY"
"""Begins every planted text that must not leave; what follows says where it was planted."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for all that stays home; temporary files and the log of the run lie outside of it."""
    for name in ("home", "away", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv(addresses.ALLOW_PRIVATE, "1")  # a run leaves it allowed
    return tmp_path / "home"


@pytest.fixture
def server() -> Iterator[str]:
    """Serves the audio of the demo to whoever has the password and the signature."""

    def answer(handler: Any) -> None:
        name = handler.path.partition("?")[0].rpartition("/")[2]
        file = demo_files().manifest.parent / "audio" / name
        allowed = f"X-Amz-Signature={MARK}" in handler.path and "Authorization" in handler.headers
        send(handler, file.read_bytes() if allowed else b"no", 200 if allowed else 403)

    with serve(answer) as (address, _):
        yield address.removeprefix("http://")


class Leaving:
    """Collects what leaves the process during a run: the graph, the staging folder, all lines of the log."""

    def __init__(self, away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.graphs: list[bytes] = []
        self.log = io.StringIO()
        watched, launch = (importlib.import_module(f"duologue_pipeline.run.{name}") for name in ("watched", "launch"))
        build, publish = watched.build_pipeline, launch.publish_release
        handler = logging.StreamHandler(self.log)
        monkeypatch.setattr(logging.getLogger(), "level", logging.DEBUG)
        monkeypatch.setattr(logging.getLogger(), "handlers", [*logging.getLogger().handlers, handler])

        def seen_build(pipeline: beam.Pipeline, options: Any) -> Any:
            made = build(pipeline, options)
            self.graphs.append(pipeline.to_runner_api().SerializeToString())
            return made

        def seen_publish(out: str, **options: Any) -> Any:
            shutil.copytree(out, away / "staged", dirs_exist_ok=True)
            return publish(out, **options)

        monkeypatch.setattr(watched, "build_pipeline", seen_build)
        monkeypatch.setattr(launch, "publish_release", seen_publish)

    def texts(self, *folders: Path) -> Iterator[tuple[str, bytes]]:
        """Everything, with what is packed in the graph unpacked."""
        for number, graph in enumerate(self.graphs):
            yield f"graph {number}", graph
            for place, packed in enumerate(re.findall(rb"[A-Za-z0-9+/]{64,}={0,2}", graph)):
                yield f"graph {number}, pickle {place}", unpacked(packed)
        yield "the log", self.log.getvalue().encode()
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                yield "a name", str(path.relative_to(folder)).encode()
                if path.is_file():
                    yield str(path), path.read_bytes()


def unpacked(packed: bytes) -> bytes:
    for begin in range(4):  # a length or a tag of the proto may look like a first letter
        try:
            return bz2.decompress(base64.b64decode(packed[begin:] + b"=" * (-len(packed[begin:]) % 4)))
        except (OSError, ValueError):
            continue
    return b""


def secrets_of(ledger: Path) -> dict[str, bytes]:
    """The salt and every key of a ledger, in each of the forms in which they could be written."""
    found: dict[str, bytes] = {}
    salt = Ledger.open(ledger).snapshot()._salt
    for name, key in (("salt", salt), ("address key", bytes.fromhex(os.environ.get(sealed._VARIABLE, "")))):
        if key:
            found |= {f"{name} raw": key, f"{name} hex": key.hex().encode(), f"{name} base64": base64.b64encode(key)}
    for path in ledger.with_name(f"{ledger.name}.keys").glob("*.key"):
        found[path.name] = path.read_bytes().split(b"+", 4)[-1].strip()  # PRIVATE+KEY+name+id+key, or the key alone
    assert min(map(len, found.values())) >= 32
    return found


def assert_nothing_leaves(texts: Iterator[tuple[str, bytes]], ledger: Path) -> int:
    secrets = {"planted": MARK.lower().encode(), **secrets_of(ledger)}
    assert len(secrets) > 5
    count = 0
    for where, text in texts:
        count += 1
        for name, secret in secrets.items():
            at = (text.lower() if name == "planted" else text).find(secret)
            assert at < 0, f"{name} in {where}: {text[max(0, at - 80) : at + 80]!r}"
    return count


def lines_for(server: str) -> list[dict[str, Any] | str]:
    """A call that is fetched with a password and a signature, one of the disk, and refusals of every stage."""
    audio = demo_files().manifest.parent / "audio"

    def line(name: str, a: str, b: str, **changes: Any) -> dict[str, Any]:
        made = recording_line(name, a, b, **changes)
        for side, track in zip("ab", made["tracks"], strict=True):
            track["speaker_id"] = f"{MARK}-{name}-{side}@example.org"
        return made

    def pair(call: str, head: str = str(audio), tail: str = "") -> tuple[str, str]:
        return f"{head}/{call}.a.flac{tail}", f"{head}/{call}.b.flac{tail}"

    def stereo(name: str, file: str) -> dict[str, Any]:
        made = line(name, str(audio / file), str(audio / file))
        made["tracks"][1]["channel"] = 1
        return made

    signed = f"http://{MARK}user:{MARK}password@{server}/x", f"?X-Amz-Signature={MARK}&X-Amz-Expires=60"
    return [
        line("fetched", *pair("demo-car-repair", *signed)),
        stereo("stranger", "demo-friends.flac"),
        stereo("disk", "demo-garden.flac"),
        line("refused", f"https://{server}/{MARK}.wav?sig={MARK}", str(audio / "missing.wav")),
        line("lost", *pair("no-such-call", *signed)),
        line("twice", *pair("demo-car-repair")),
        line("twice", *pair("demo-car-repair")),
        {**line("when", *pair("demo-car-repair")), "started_at": f"{MARK}"},
        line(f"{MARK}@example.org", *pair("demo-car-repair")),
        f'{{"recording_id": "{MARK}brokenline", "tracks": [',
    ]


def request_for(home: Path, server: str, **changes: Any) -> tuple[RunRequest, Path]:
    lines = lines_for(server)
    said = [
        {"session_id": "disk", "speaker": f"{MARK} {side}", "words": "yes", "start_time": 1.0, "end_time": 2.0}
        for side in "ab"
    ]
    (home / "words.json").write_text(json.dumps(said))
    for line in lines:
        if isinstance(line, dict) and line["recording_id"] == "disk":
            for side, track in zip("ab", line["tracks"], strict=True):  # tiers have the names of people
                track |= {"words_uri": str(home / "words.json"), "words_channel": f"{MARK} {side}"}
    manifest = write_manifest(home / f"{MARK}.jsonl", lines)
    speakers = [track["speaker_id"] for line in lines if isinstance(line, dict) for track in line["tracks"]]
    ledger = write_ledger(
        home / f"{MARK}.db",
        [each for each in dict.fromkeys(speakers) if "refused" not in each and "stranger" not in each],
    )
    request = RunRequest(
        manifest=str(manifest),
        out=str(home.parent / "away" / "out"),
        ledger=str(ledger),
        allow_private_addresses=True,
        **changes,
    )
    return request, ledger


@pytest.mark.parametrize("beam_args", [[], ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]])
def test_nothing_secret_leaves_a_run(
    beam_args: list[str], home: Path, server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    leaving = Leaving(home.parent / "away", monkeypatch)
    request, ledger = request_for(home, server, beam_args=beam_args)
    result = run(request)
    assert result.release is not None
    assert result.release["totals"]["written"] == 2, (
        "the fetched call is written, so its signature has reached the worker"
    )
    staged = home.parent / "away" / "staged" / ".staging"
    decided = "".join(path.read_text() for path in (staged / "decided").iterdir())
    assert decided.count("sealed:") > 3
    assert decided.count('"words_channel": "sha256:') == 2
    said = "".join(capfd.readouterr())
    (home.parent / "away" / "said").write_text(said)
    found = assert_nothing_leaves(leaving.texts(home.parent / "away", home.parent / "temporary"), ledger)
    assert found > 60
    recordings = read_release_table(request.out, result.release, "recordings").to_pylist()
    checks = {row["recording_id"]: (row["words_given_a"], row["words_check_a"]) for row in recordings}
    assert checks["disk"] == (1, "undetermined"), "a worker has found the stream by the hash of its name"
    assert any(b"duologue_pipeline.stages" in text for where, text in leaving.texts() if "pickle" in where)
    reasons = rejected(Path(request.out))
    assert reasons.pop("lost").startswith("audio_")
    assert reasons == {
        "stranger": "consent_unknown_speaker",
        "refused": "consent_unknown_speaker",
        "twice": "manifest_duplicate_id",
        "when": "manifest_invalid",
        None: "manifest_invalid",
    }
    details = Path(result.details or "").read_text()
    assert details.count(MARK) > 3, "the private file has the sentences"


def test_nothing_secret_leaves_a_run_that_ends_with_a_trace(
    home: Path, server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(recording: Recording, **_: Any) -> Any:
        raise MemoryError(f"in the midst of {recording!r}")

    monkeypatch.setattr("duologue_pipeline.ingest.measure.measure_audio", fails)
    monkeypatch.setattr("duologue_pipeline.conversation.measure_audio", fails, raising=False)
    leaving = Leaving(home.parent / "away", monkeypatch)
    request, ledger = request_for(home, server)
    with pytest.raises(UsageError) as raised:
        run(request)
    said = "".join(capfd.readouterr()) + str(raised.value)
    (home.parent / "away" / "said").write_text(said)
    assert_nothing_leaves(leaving.texts(home.parent / "away", home.parent / "temporary"), ledger)


def test_a_call_that_is_refused_leaves_its_places_only(
    home: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving = Leaving(home.parent / "away", monkeypatch)
    request, _ = request_for(home, server)
    run(request)
    decided = (home.parent / "away" / "staged" / ".staging" / "decided").iterdir()  # a file for each order of size
    told = [json.loads(line) for path in decided for line in path.read_text().splitlines()]
    lines = {line.get("recording", {}).get("recording_id"): line for line in told}
    assert lines["refused"]["rejected"]["detail"] == ""
    assert lines["refused"]["recording"].keys() == {"recording_id", "a", "b", "source", "gain_db"}
    assert lines["refused"]["recording"]["a"].keys() == {"speaker_id", "uri", "channel", "offset_s", "start_s"}
    assert lines["refused"]["recording"]["a"]["speaker_id"] == "a"
    assert re.fullmatch("[0-9a-f]{64}", lines["fetched"]["recording"]["a"]["speaker_id"])
    assert leaving.graphs
