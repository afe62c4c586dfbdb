"""What a run checks before it begins. Beam is not to be had in these tests: every answer comes before it is loaded."""

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger, Purpose, parse_time
from duologue_pipeline.errors import UsageError
from duologue_pipeline.run import RunRequest, run

CALL = {
    "recording_id": "call-1",
    "tracks": [{"speaker_id": "s-anna", "uri": "call.wav"}, {"speaker_id": "s-ben", "uri": "call.wav", "channel": 1}],
}
JANUARY = parse_time("2026-01-01T00:00:00Z")
Request = Callable[..., RunRequest]


@pytest.fixture(autouse=True)
def no_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)


@pytest.fixture
def request_with(tmp_path: Path) -> Request:
    """A request that could be carried out, with changes."""
    (tmp_path / "manifest.jsonl").write_text(json.dumps(CALL) + "\n")
    Ledger.create(tmp_path / "consent.db", ledger_id="ledger-2", created_at=JANUARY)  # not that of the release

    def make(**changes: Any) -> RunRequest:
        places = {name: str(tmp_path / path) for name, path in (("manifest", "manifest.jsonl"), ("out", "out"))}
        return RunRequest(**{**places, "ledger": str(tmp_path / "consent.db"), **changes})

    return make


def pinned(folder: Path, content: bytes) -> str:
    """Writes a file, which is not opened before the run begins, and names it as a checkpoint."""
    sha256 = hashlib.sha256(content).hexdigest()
    (folder / sha256).write_bytes(content)
    return f"{folder / sha256}@{sha256}"


def begin(request: RunRequest) -> str:
    """Runs as far as Beam, and gives the fingerprint of the run from the mark that it leaves in its folder."""
    with pytest.raises(ImportError, match="apache_beam"):
        run(request)
    mark = json.loads((Path(request.out) / ".staging" / "run.json").read_text())
    return str(mark["fingerprint"])


def refusal(request: RunRequest) -> str:
    with pytest.raises(UsageError) as raised:
        run(request)
    return str(raised.value)


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"purpose": "training"},
            (
                "--purpose training: no such purpose; expected one of recording, training_inhouse, redistribution, "
                "speaker_identification, likeness"
            ),
        ),
        ({"words": "some"}, "--words some: expected one of optional, required, none"),
        (
            {"isolation_policy": "refuse"},
            "--isolation-policy refuse: expected one of keep, refuse-fail, refuse-warn, require-pass",
        ),
        (
            {"include_audio": True, "report_audio": "flac"},
            "--report-audio flac: expected one of opus, mp3, none",
        ),
        (
            {"report_audio": "mp3"},
            (
                "--report-audio mp3: says how report.html has the audio of the release, and without --include-audio it "
                "has none; add that, or leave this out"
            ),
        ),
        (
            {"pyannote_segmentation": "owner/model"},
            (
                "--pyannote-segmentation owner/model: not loaded, because a checkpoint is a pickle, which can run "
                "anything on this machine; if you trust it, pin its hash as owner/model@SHA256 "
                "(`sha256sum $(hf download owner/model pytorch_model.bin)` computes it)"
            ),
        ),
        ({"segment_s": 0.5}, "--segment-s 0.5: expected 1 to 3600 seconds"),
        ({"segment_s": 3601.0}, "--segment-s 3601: expected 1 to 3600 seconds"),
        ({"segment_s": float("nan")}, "--segment-s nan: expected 1 to 3600 seconds"),
        ({"validation_share": 1.0}, "--validation-share 1: expected 0 to below 1"),
        ({"validation_share": -0.1}, "--validation-share -0.1: expected 0 to below 1"),
        ({"bridge_share": 1.0}, "--bridge-share 1: expected 0 to below 1"),
        ({"bridge_share": -0.1}, "--bridge-share -0.1: expected 0 to below 1"),
        ({"shard_hours": 0.0}, "--shard-hours 0: expected more than 0"),
        ({"shard_hours": -1.0}, "--shard-hours -1: expected more than 0"),
        ({"shard_hours": float("nan")}, "--shard-hours nan: expected more than 0"),
        ({"shard_hours": float("inf")}, "--shard-hours inf: expected more than 0"),
        (
            {"name": "our calls"},
            "--name our calls: expected 1 to 96 letters, digits, dots, _ or -, the first a letter or a digit",
        ),
    ],
)
def test_an_option_out_of_range_is_refused(
    changes: dict[str, Any], message: str, request_with: Request, tmp_path: Path
) -> None:
    assert refusal(request_with(**changes)) == message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "changes", [{"segment_s": 1.0}, {"segment_s": 3600.0}, {"validation_share": 0.0}, {"bridge_share": 0.0}]
)
def test_an_option_at_its_limit_is_accepted(changes: dict[str, Any], request_with: Request) -> None:
    assert len(begin(request_with(**changes))) == 64


def test_a_codec_that_does_not_exist_is_refused(request_with: Request) -> None:
    assert refusal(request_with(codec="soundstream")).startswith("unknown codec 'soundstream'; known are ")


def test_an_option_of_a_codec_that_does_not_exist_is_refused(request_with: Request) -> None:
    assert refusal(request_with(codec="mimi:models/mimi?gpu=1")) == (
        "--codec mimi:models/mimi?gpu=1: no option 'gpu'; known are accelerator, batch, codebooks, device, dtype, sha256"
    )


# --- manifest and ledger --------------------------------------------------------------------------------------------


def test_a_missing_manifest_is_refused(request_with: Request, tmp_path: Path) -> None:
    assert refusal(request_with(manifest=f"{tmp_path}/none.jsonl")) == f"{tmp_path}/none.jsonl: no such manifest"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("\n \n", "it has no lines"),
        ("one\ntwo\n", "none of its 2 lines is a recording"),
        ('{"recording_id": "call-1"}\n', "none of its 1 lines is a recording"),
    ],
)
def test_a_manifest_without_one_recording_is_refused(
    content: str, found: str, request_with: Request, tmp_path: Path
) -> None:
    (tmp_path / "manifest.jsonl").write_text(content)
    assert refusal(request_with()) == (
        f"{tmp_path}/manifest.jsonl: not a usable manifest: {found}; `duologue validate {tmp_path}/manifest.jsonl` "
        "lists the faults"
    )


def test_one_good_line_among_bad_ones_is_enough(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(f"broken\n{json.dumps(CALL)}\n")
    assert begin(request_with())


def test_a_file_that_is_no_ledger_is_refused(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "consent.db").write_text("no ledger")
    assert refusal(request_with()).startswith(f"{tmp_path}/consent.db: is not a SQLite file, so no consent ledger;")


@pytest.mark.parametrize("ledger", [None, "none.db"])
def test_a_run_without_a_ledger_begins_and_will_refuse_every_recording(
    ledger: str | None, request_with: Request
) -> None:
    assert begin(request_with(ledger=ledger))


# --- the output folder ----------------------------------------------------------------------------------------------


def test_a_file_is_no_output_folder(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    assert refusal(request_with()) == f"{tmp_path}/out: is a file; --out names a folder"


def test_a_folder_of_somebody_else_is_not_written_into(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("")
    assert refusal(request_with()) == (
        f"{tmp_path}/out: holds files that are not of duologue (thesis.txt, ...); choose another --out"
    )


def test_an_empty_folder_is_taken(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert begin(request_with())


def test_a_folder_that_cannot_be_made_is_refused(request_with: Request, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refusal(request_with(out=f"{tmp_path}/file/out"))
    assert message.startswith(f"{tmp_path}/file/out: cannot be written (")
    assert message.endswith("); choose another --out or correct its rights")


def test_a_run_that_was_killed_goes_on_in_its_folder(request_with: Request) -> None:
    assert begin(request_with()) == begin(request_with())


def test_another_release_is_never_written_over(request_with: Request, release: Path) -> None:
    before = {path: path.read_bytes() for path in release.rglob("*") if path.is_file()}
    assert refusal(request_with(out=str(release))) == (
        f"{release}: already holds the release tiny-dataset 1.0.0 of another run (other manifest, ledger state or "
        "options); a release is never written over: choose another --out"
    )
    assert {path: path.read_bytes() for path in release.rglob("*") if path.is_file()} == before


def test_a_run_that_is_complete_is_not_done_again(request_with: Request, release: Path, tmp_path: Path) -> None:
    manifest = json.loads((release / "dataset.json").read_text())
    manifest["run"]["fingerprint"] = begin(request_with(out=str(tmp_path / "elsewhere")))
    (release / "dataset.json").write_text(json.dumps(manifest))
    result = run(request_with(out=str(release)))
    assert result.was_complete
    assert (result.release, result.refused) == (manifest, {"audio_missing": 1})


# --- what makes two runs the same -----------------------------------------------------------------------------------


def test_the_order_of_the_manifest_does_not_make_another_run(request_with: Request, tmp_path: Path) -> None:
    lines = [json.dumps({**CALL, "recording_id": f"call-{number}"}) for number in range(3)]
    fingerprints = set()
    for order in (lines, lines[::-1]):
        (tmp_path / "manifest.jsonl").write_text("\n".join(order))
        fingerprints.add(begin(request_with()))
    assert len(fingerprints) == 1


NOT_HASHED = {"against", "out", "allow_network", "allow_private_addresses", "retry_rejected", "wait_s", "beam_args"}
"""Options that the fingerprint leaves out: what the ledger is held against, where to write, what may be downloaded, whether the run is held back, how long to wait, how Beam works."""
NEEDS_A_MODEL = {"codec", "asr"}
"""Options that decide the bytes, and for which the tests of Mimi and of recognition open a model."""


def test_whatever_decides_the_output_makes_another_run(request_with: Request, tmp_path: Path) -> None:
    statement = tmp_path / "dataset.yaml"
    statement.write_text("name: calls\n")
    (tmp_path / "yamnet.tflite").write_bytes(b"yamnet")
    changes: list[dict[str, Any]] = [
        {},
        {"purpose": "redistribution"},
        {"segment_s": 60.0},
        {"include_audio": True},
        {"include_audio": True, "report_audio": "mp3"},
        {"words": "none"},
        {"isolation_policy": "keep"},
        {"isolation_policy": "refuse-warn"},
        {"same_audio": "mark"},
        {"compare_refused_audio": True},
        {"pyannote_segmentation": pinned(tmp_path, b"one")},
        {"pyannote_segmentation": pinned(tmp_path, b"two")},
        {"pyannote_embedding": pinned(tmp_path, b"one")},
        {"laughter": f"yamnet:{tmp_path / 'yamnet.tflite'}"},
        {"name": "other"},
        {"validation_share": 0.1},
        {"bridge_share": 0.1},
        {"shard_hours": 1.0},
        {"ledger": None},
        {"as_of": JANUARY},
        {"card": str(statement)},
    ]
    fingerprints = [begin(request_with(**change)) for change in changes]
    Ledger.open(tmp_path / "consent.db").grant("s-anna", [Purpose.RECORDING], at=JANUARY)
    fingerprints.append(begin(request_with()))
    (tmp_path / "manifest.jsonl").write_text(json.dumps({**CALL, "recording_id": "call-2"}))
    fingerprints.append(begin(request_with()))
    assert len(set(fingerprints)) == len(changes) + 2
    changed = {option for change in changes for option in change} | {"manifest"}
    assert changed | NOT_HASHED | NEEDS_A_MODEL == {field.name for field in fields(RunRequest)}
