"""What is found of a manifest, its files and the consent: each fault in one line, with track and remedy, and totals that add up."""

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import Ledger, parse_time
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.local import Seen
from duologue_pipeline.ingest.decoded import SampleSource, open_samples
from duologue_pipeline.validate.finding import Finding, Totals
from duologue_pipeline.validate.validation import Validation
from tests.pipeline.validate.conftest import World


def looked_at(world: World, **fields: Any) -> tuple[list[Finding], Totals]:
    """What is found of the lines of the manifest as they stand in the file."""
    validation = Validation(world.request(**fields), files=False)
    return list(validation.findings()), validation.totals


def of(findings: list[Finding], name: str) -> Finding:
    (found,) = [each for each in findings if each.recording_id == name]
    return found


FAULTS = {
    "missing": ("a", "audio_missing", "nowhere.wav: no such file", "uris in a manifest are relative to its folder"),
    "case": ("a", "audio_missing", "case.wav: no such file", "Case.WAV is there: write the name as it stands"),
    "folder": ("a", "audio_missing", "folder: is a folder and not a file", "name a file"),
    "empty": ("a", "audio_empty", "empty.wav: ", ""),
    "text": ("b", "audio_unreadable", "text.wav: ", ""),
    "cut": ("a", "audio_truncated", "cut.wav: ", ""),
    "channel": ("a", "audio_missing_channel", "asks for channel 3", "correct `channel` or the file"),
    "short": (None, "audio_too_short", "less than the minimum", "leave it out"),
    "windows": ("a", "audio_not_allowed", "a path of Windows", "write the path that it has here"),
    "home": ("a", "audio_missing", "no such file", "~ is not expanded in a manifest: write the whole path"),
    "scheme": (
        "a",
        "audio_not_allowed",
        "ftp is no place that duologue reads from",
        "use a local path, s3:// or gs://",
    ),
    "twin-1": (None, "audio_same_as_other", "holds the same samples as one of twin-2", "--same-audio mark"),
    "no-words": ("a", "words_missing", "no-words.json: the word file cannot be read", ""),
    "nobody": ("a", "consent_unknown_speaker", "the ledger has no event of this speaker", ""),
    "copied": (None, "consent_audio_of_refused", "its audio stands under nobody as well", "correct the manifest"),
    "timeless": ("a", "consent_recording_time_unknown", "not known when the recording was made", "give started_at"),
    "future": (None, "consent_recording_time_unknown", "lies in the future", "correct it"),
    "before": ("a", "consent_after_recording", "", ""),
    "good": ("a", "consent_look_alike", "looks like 'Good-A'", "write one id one way"),
    "alike": ("b", "consent_unknown_speaker", "the ledger has no event of this speaker", ""),
}


def test_each_fault_is_one_line_with_track_fault_and_remedy(hostile: World) -> None:
    findings, totals = hostile.validated()
    for name, (track, reason, fault, remedy) in FAULTS.items():
        found = of(findings, name)
        assert (found.track, found.reason) == (track, reason), name
        assert fault in found.fault, name
        assert found.remedy, name
        assert remedy in found.remedy, name
        assert found.level == "refused"
    assert totals.taken == len(["stereo", "words", "milliseconds", "late", "broken-words", "lengths"])
    assert totals.taken + totals.refused.total() == totals.lines == len(hostile.lines)


def test_words_are_told_with_their_format_and_what_becomes_of_them(hostile: World) -> None:
    findings, totals = hostile.validated()
    assert totals.words == {"words": 2}
    invalid, late = of(findings, "broken-words"), of(findings, "late")
    assert (invalid.level, invalid.track, invalid.reason) == ("warned", "a", "invalid")
    assert "the last ends at 7.5 s, the track at 2 s" in f"{late.fault} {late.remedy}"
    assert (late.level, late.track) == ("warned", "b")
    required, _ = hostile.validated(words="required")
    assert of(required, "broken-words").reason == "words_missing"  # b has none
    assert of(required, "broken-words").level == "refused"


def test_transcripts_of_other_programs_are_counted_by_format(world: World) -> None:
    channels = [
        {"alternatives": [{"words": [{"word": "yes", "start": 0.5, "end": 0.8, "confidence": 1.0}]}]} for _ in range(2)
    ]
    document = {"metadata": {"channels": 2}, "results": {"channels": channels}}
    world.audio("both.wav", channels=2)
    line = world.call("call", "both.wav", "both.wav")
    line["tracks"][1]["channel"] = 1
    for track in line["tracks"]:
        track["words_uri"] = world.words("both.json", document)
    findings, totals = world.validated()
    assert findings == []
    assert totals.words == {"deepgram": 2}


def test_of_who_is_refused_no_audio_is_opened(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.call("yes")
    world.call("no")
    world.write()
    Ledger.open(world.ledger).withdraw("no-b", at=parse_time("2026-05-01T00:00:00Z"))
    opened: list[str] = []

    def heard(path: Path, shown: str, seen: Seen) -> SampleSource:
        opened.append(path.name)
        return open_samples(path, shown, seen)

    monkeypatch.setattr("duologue_pipeline.ingest.audio.open_samples", heard)
    findings, totals = world.validated()
    assert [(each.recording_id, each.reason) for each in findings] == [("no", "consent_withdrawn")]
    assert sorted(set(opened)) == ["yes.a.wav", "yes.b.wav"]
    assert totals.looked == 1


def test_without_a_ledger_times_are_told_and_nobody_is_refused_for_consent(hostile: World) -> None:
    findings, totals = hostile.validated(ledger=None)
    assert totals.refused["consent"] == 2  # good-a and Good-A: no ledger says that these are two people
    for name in ("timeless", "future"):
        assert of(findings, name).level == "warned"
        assert of(findings, name).reason == "consent_recording_time_unknown"
    assert of(findings, "nobody").reason == of(findings, "copied").reason == "audio_same_as_other"


def test_without_the_files_names_and_times_are_judged(hostile: World) -> None:
    findings, totals = hostile.validated(files=False, ledger=None)
    told = {each.recording_id: each.reason for each in findings if each.what == "audio"}
    assert told == {"windows": "audio_not_allowed", "scheme": "audio_not_allowed"}
    assert totals.looked == 0
    assert totals.taken + totals.refused.total() == totals.lines


def test_faults_of_lines_come_with_their_line(world: World) -> None:
    world.call("good")
    world.lines += ['{"recording_id": "broken", "tracks": [', {"recording_id": "a/slash", "tracks": []}]
    world.write()
    world.manifest.write_bytes(b"\xef\xbb\xbf" + world.manifest.read_bytes())
    findings, totals = looked_at(world, ledger=None)
    assert [(each.line, each.level) for each in findings][:2] == [(1, "warned"), (2, "refused")]
    assert {each.line for each in findings} == {1, 2, 3}
    assert all(each.recording_id is None for each in findings if each.line == 3)
    assert (totals.taken, totals.refused["manifest"]) == (1, 2)


def test_a_ledger_that_is_not_there_is_one_sentence(world: World) -> None:
    world.call("good")
    with pytest.raises(UsageError, match=r"none\.db: there is no such consent ledger, and a run would refuse every"):
        world.validated(ledger=str(world.folder / "none.db"))


def test_the_order_of_processes_does_not_change_what_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        world.call(f"call-{number:02d}", a="nowhere.wav" if number % 3 == 0 else None)
    several, totals = world.validated()
    monkeypatch.setattr("duologue_pipeline.validate.files.usable_processes", lambda: 1)
    alone, totals_alone = world.validated()
    assert several == alone
    assert totals == totals_alone
    assert len(alone) == 4


def test_secrets_of_addresses_are_not_told(world: World) -> None:
    signed = "http://127.0.0.1:9/x.wav?X-Signature=s3cr3t"
    world.call("signed", a=signed)
    world.call("password", a="http://me:s3cr3t@host.invalid:1/x.wav")
    world.lines.append({"recording_id": "field", "tracks": [{"speaker_id": "x", "uri": signed, "channel": -1}]})
    findings, _ = world.validated()
    assert len(findings) >= 3
    assert "s3cr3t" not in repr(findings)


def test_memory_does_not_grow_with_the_manifest(world: World) -> None:
    world.call("good")
    line = json.dumps(world.lines[0])
    world.write()

    def peak_bytes(count: int) -> int:
        world.manifest.write_text("".join(f"{line.replace('good', f'call-{n}')}\n" for n in range(count)))
        tracemalloc.start()
        looked_at(world, ledger=None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return int(peak)

    gc.set_threshold(700, 10, 10)  # a command in this process may have made it seldom
    peak_bytes(10)
    small, large = peak_bytes(1000), peak_bytes(3000)
    assert large - small < 2000 * 1500, "the ids of a line, and no document"


def test_who_joins_after_a_quarter_of_an_hour_is_taken(world: World) -> None:
    world.call("late", world.audio("long.wav", 910.0))["tracks"][1]["offset_s"] = 900.0
    findings, totals = world.validated()
    assert (findings, totals.taken, totals.duration_ms) == ([], 1, 910_000)
