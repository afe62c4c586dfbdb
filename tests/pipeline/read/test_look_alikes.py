"""Ids of a manifest that look alike: named by `validate`, and refused by a run from any order of lines."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from duologue_consent import Ledger, Purpose
from duologue_pipeline.cli.app import app
from duologue_pipeline.consent.look_alikes import check_look_alikes, mistakable_speakers
from duologue_pipeline.errors import RejectError
from duologue_pipeline.read.look_alikes import look_alike_faults
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import Rejected
from tests.conftest import make_consent, make_recording

ZOE, OTHER_ZOE = "Zo\u00eb", "Zoe\u0308"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def row(name: str, a: str = "", b: str = "") -> dict[str, Any]:
    tracks = [
        {"speaker_id": speaker or f"{name}{side}", "uri": f"{side}.wav"} for side, speaker in (("a", a), ("b", b))
    ]
    return {"recording_id": name, "tracks": tracks}


def lines(*rows: dict[str, Any]) -> list[bytes]:
    return [json.dumps(each).encode() for each in rows]


def test_every_place_is_named() -> None:
    faults = list(look_alike_faults(lines(row("r1", ZOE), row("r2"), row("r3", "x", OTHER_ZOE), row("R1", "p", "q"))))
    assert [(fault.line, fault.field) for fault in faults] == [
        (1, "recording_id"),
        (1, "tracks[0].speaker_id"),
        (3, "tracks[1].speaker_id"),
        (4, "recording_id"),
    ]
    assert r"is 'Zoë', which looks like 'Zoe\u0308' (line 3)" in faults[1].message
    assert "is 'R1', which looks like 'r1' (line 1)" in faults[3].message


def test_the_same_id_twice_is_none() -> None:
    assert (
        list(
            look_alike_faults([*lines(row("r1", ZOE), row("r2", ZOE)), b"", b"no json", b"[]", b'{"tracks": [3, {}]}'])
        )
        == []
    )


def test_validate_names_them(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_bytes(b"\n".join(lines(row("r1", ZOE), row("r2", OTHER_ZOE))))
    result = CliRunner().invoke(app, ["validate", str(manifest)])
    assert result.exit_code == 1
    assert r"tracks[0].speaker_id: is 'Zoe\u0308', which looks like 'Zoë' (line 1)" in result.output


@pytest.mark.parametrize("seed", range(3))
def test_recordings_whose_ids_look_alike_are_refused(seed: int, tmp_path: Path) -> None:
    rows = [row("call-1"), row("Call-1"), row("call-2"), row("CALL-3"), row("CALL-3"), row("call-3")]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_bytes(b"\n".join(lines(*random.Random(seed).sample(rows, 6))))
    found = sorted(
        (each.recording_id or "", each.reason if isinstance(each, Rejected) else "")
        for each in load_manifest(str(manifest))
    )
    assert found == [
        ("CALL-3", "manifest_duplicate_id"),
        ("CALL-3", "manifest_duplicate_id"),
        ("Call-1", "manifest_look_alike_id"),
        ("call-1", "manifest_look_alike_id"),
        ("call-2", ""),
        ("call-3", "manifest_look_alike_id"),
    ]


def test_speakers_who_may_be_mistaken_are_refused_unless_they_are_two(tmp_path: Path) -> None:
    ids = [ZOE, OTHER_ZOE, "ben"]
    expected = {ZOE: (OTHER_ZOE,), OTHER_ZOE: (ZOE,)}
    assert mistakable_speakers(ids, None) == expected
    ledger = Ledger.create(tmp_path / "consent.db")
    ledger.grant(ZOE, [Purpose.RECORDING], at=JANUARY)
    assert mistakable_speakers(ids, ledger.snapshot()) == expected
    ledger.grant(OTHER_ZOE, [Purpose.RECORDING], at=JANUARY, new_person=True)
    assert mistakable_speakers(ids, ledger.snapshot()) == {}
    recording = make_recording(speakers=("ben", OTHER_ZOE))
    assert check_look_alikes(recording, check=make_consent, mistakable={}) == make_consent(recording)
    with pytest.raises(RejectError) as caught:
        check_look_alikes(recording, check=make_consent, mistakable=expected)
    assert (caught.value.reason, caught.value.values) == ("consent_look_alike", {"track": "b", "ids": 1})
