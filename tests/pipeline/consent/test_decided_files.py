"""What the launcher decides comes to the workers as it was decided, and nothing else does."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import recorded_between
from duologue_pipeline.consent.decide import Refused, decide, decide_all
from duologue_pipeline.consent.decided_files import read_decided, read_uses, write_decided
from duologue_pipeline.consent.gate import recorded_of_row
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import ConsentBasis, Consented, Recording, Rejected, Source, Track
from duologue_pipeline.transcripts.choose import Wanted, stream_of
from duologue_pipeline.transcripts.model import Stream, Transcript
from tests.conftest import make_consent, make_recording

SIGNED = "https://host/a.wav?X-Amz-Signature=0123456789"
Build = Callable[..., Any]


def full(name: str = "call-1") -> Recording:
    a = Track("anna@example.org", SIGNED, 1, -0.5, "DE", "s3://b/words é.json", "agent", "You are kind.")
    b = Track("ben@example.org", "/data/b.wav")
    return Recording(name, a, b, "de-DE", "2026-03-01T10:00:00Z", "telephone", "tea", "casual", Source("c", "l", "r"))


def no(recording: Recording) -> ConsentBasis:
    raise RejectError("consent_not_given", f"{recording.a.speaker_id} was not asked", {"track": "a"})


def test_a_recording_that_may_be_used_comes_back_with_pseudonyms_for_its_speakers(tmp_path: Path) -> None:
    consent = make_consent(full())
    (path,) = write_decided(decide_all([full()], lambda _: consent), str(tmp_path))
    (found,) = read_decided(path)
    assert isinstance(found, Consented)
    assert found == decide(full(), lambda _: consent)
    assert (found.a.speaker_id, found.b.speaker_id) == (consent.a.commitment, consent.b.commitment)
    assert found.a.uri == SIGNED
    text = Path(path).read_text()
    assert "example.org" not in text
    assert "0123456789" not in text


def test_an_interval_and_what_is_said_of_a_speaker_come_back_and_a_withdrawal_asks_by_both_ends(tmp_path: Path) -> None:
    said = replace(full().a, age_band="20-29", sex="female", dialect="Saxon", device="headset")
    asked = replace(full(), a=said, started_at="2024-01-01", started_before="2025-01-01")
    (path,) = write_decided(decide_all([asked], lambda _: make_consent(asked)), str(tmp_path))
    assert list(read_decided(path)) == [decide(asked, lambda _: make_consent(asked))]
    ((_, row),) = read_uses(path)
    assert recorded_of_row(row) == recorded_between("2024-01-01", "2025-01-01")


@pytest.mark.parametrize("label", ["Anna Müller", "anna@example.org", "20260301", "-"])
def test_the_name_of_a_tier_comes_as_its_hash_by_which_the_stream_is_found(tmp_path: Path, label: str) -> None:
    asked = replace(full(), a=replace(full().a, words_channel=label), b=replace(full().b, words_channel="1"))
    (path,) = write_decided(decide_all([asked], lambda _: make_consent(asked)), str(tmp_path))
    (found,) = read_decided(path)
    assert isinstance(found, Consented)
    assert f'"{label}"' not in Path(path).read_text()
    assert found.b.words_channel == "1"
    streams = (Stream((), name="Ben"), Stream((), name=label))
    wanted = Wanted(label=found.a.words_channel)
    assert stream_of(Transcript("eaf", streams, "name"), wanted, name="call.eaf") is streams[1]


def test_of_a_refused_one_only_its_places_and_the_reason_come_back(tmp_path: Path) -> None:
    refused = decide(full(), no)
    assert isinstance(refused, Refused)
    assert refused.rejected.detail == "anna@example.org was not asked"
    (path,) = write_decided([refused], str(tmp_path))
    (found,) = read_decided(path)
    assert found == Refused(
        Recording("call-1", Track("a", SIGNED, 1, -0.5), Track("b", "/data/b.wav")),
        Rejected("call-1", "consent", "consent_not_given", "", {"track": "a"}),
    )
    assert "kind" not in Path(path).read_text()


def test_a_line_that_is_no_recording_keeps_its_id_only_if_it_is_one(tmp_path: Path) -> None:
    lines = [
        Rejected(name, "read", "manifest_invalid", "anna", {"faults": 1})
        for name in ("call-1", "anna@example.org", None)
    ]
    (path,) = write_decided(decide_all(lines, no), str(tmp_path))
    assert [each.recording_id for each in read_decided(path) if isinstance(each, Rejected)] == ["call-1", None, None]
    assert "anna" not in Path(path).read_text()


def test_files_hold_a_thousand_each(tmp_path: Path) -> None:
    recordings = [make_recording(recording_id=f"call-{number}") for number in range(2001)]
    paths = write_decided(decide_all(recordings, make_consent_of), str(tmp_path))
    found = [each.recording_id for path in paths for each in read_decided(path) if isinstance(each, Consented)]
    assert found == [each.recording_id for each in recordings]
    assert [len(Path(path).read_text().splitlines()) for path in paths] == [1000, 1000, 1]
    assert write_decided([], str(tmp_path)) == []


def make_consent_of(recording: Recording) -> ConsentBasis:
    return make_consent(recording)


def test_a_worker_without_the_key_says_where_such_a_manifest_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = write_decided([decide(full(), make_consent)], str(tmp_path))
    assert json.loads(Path(path).read_text())["recording"]["a"]["uri"].startswith("sealed:")
    monkeypatch.delenv("DUOLOGUE_ADDRESS_KEY")
    with pytest.raises(Exception, match=r"this worker has no key to them.*copy the files into a bucket"):
        list(read_decided(path))
