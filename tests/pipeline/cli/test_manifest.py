"""``duologue manifest from-folder`` and ``from-table``: what becomes of every file, and that nobody is guessed."""

import csv
import json
import os
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_pipeline.intake.model import REFUSALS
from duologue_pipeline.read.manifest import parse_line
from duologue_pipeline.records import Recording
from duologue_schemas import validate_manifest_lines
from tests.pipeline.intake.support import audio, lines
from tests.pipeline.transcripts import support as transcripts

PAIRS = r"(?P<recording>.+)_(?P<side>doctor|patient)\.wav"


def manifest(command: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["manifest", command, *map(str, arguments)], prog_name="duologue")


def from_folder(*arguments: str | Path) -> Result:
    return manifest("from-folder", *arguments)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Three stereo calls, one in a folder of its own, and what lies beside recordings in real life."""
    folder = tmp_path / "calls"
    for number, name in enumerate(
        ["call_20260301_101500.wav", "call_20260301_111500.wav", "March/call 20260302_101500.flac"]
    ):
        audio(folder / name, seed=number)
    audio(folder / "mono_20260301_121500.wav", 1)
    audio(folder / "quad_20260301_121500.wav", 4)
    (folder / "broken_20260301_121500.wav").write_bytes(b"RIFF")
    (folder / "notes.txt").write_text("x")
    (folder / ".DS_Store").write_text("x")
    return folder


def reasons(out: Path) -> dict[str, str]:
    return {line["file"]: line["reason"] for line in lines(out / "refused.jsonl")}


def people(out: Path) -> list[dict[str, str]]:
    with (out / "consent-todo.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def recordings(out: Path) -> dict[str, Recording]:
    """Reads the manifest as a run does; every line is right, and its audio is there."""
    path = out / "manifest.jsonl"
    raw = path.read_bytes().splitlines()
    assert list(validate_manifest_lines(raw)) == [] or not raw
    parsed = [parse_line(line, manifest_uri=str(path)) for line in raw]
    found = {each.recording_id: each for each in parsed if isinstance(each, Recording)}
    assert len(found) == len(raw)
    return found


def account(out: Path, folder: Path, *, other: int = 0) -> None:
    """Checks that each file of the folder is used or refused, once, and that the page says the same."""
    files = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and out not in path.parents
    )
    with (out / "ids.csv").open(newline="", encoding="utf-8") as stream:
        used = [file for row in csv.DictReader(stream) for file in row["files"].split(";")]
    lost = [line["file"] for line in lines(out / "refused.jsonl")]
    counts = Counter((*used, *lost))
    assert set(counts.values()) <= {1}
    assert len(counts) + other == len(files)
    assert set(counts) <= set(files)
    assert {line["reason"] for line in lines(out / "refused.jsonl")} <= REFUSALS.keys()
    assert f"| **{len(files)}** | **looked at** |" in (out / "README.md").read_text(encoding="utf-8")


def test_stereo_files_become_recordings_and_every_other_file_has_its_reason(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = from_folder(
        calls, "--stereo", "**/*.wav", "--stereo", "**/*.flac", "--left", "agent", "--right", "caller", "--anonymous-sides",
        "--started-at", "name:%Y%m%d_%H%M%S", "--zone", "UTC", "--language", "en-US", "--out", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert len(found) == 3
    call = found["call_20260301_101500"]
    assert (call.a.channel, call.b.channel, call.a.role, call.b.role) == (0, 1, "agent", "caller")
    assert (call.started_at, call.started_before, call.language) == ("2026-03-01T10:15:00Z", None, "en-US")
    assert (call.a.speaker_id, call.b.speaker_id) == ("call_20260301_101500.a", "call_20260301_101500.b")
    assert all(Path(track.uri).is_file() for each in found.values() for track in each.tracks)
    assert reasons(out) == {
        ".DS_Store": "not_matched",
        "broken_20260301_121500.wav": "not_readable",
        "mono_20260301_121500.wav": "not_two_channels",
        "notes.txt": "not_matched",
        "quad_20260301_121500.wav": "not_two_channels",
    }
    account(out, calls)
    assert "3 recordings of 6 speakers; 5 refused" in result.stdout
    assert "the splits CANNOT be said to share no speaker" in result.stderr
    assert result.stdout.splitlines()[-3:] == [
        "  duologue consent init consent.db  # once, if you have no ledger",
        f"  duologue consent grant --from {out}/consent-todo.csv --ledger consent.db",
        f"  duologue run {out}/manifest.jsonl --ledger consent.db --out {out}-release",
    ]


def test_the_table_for_the_steward_grants_nothing_and_says_what_is_known(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    from_folder(
        calls,
        "--stereo",
        "call*.wav",
        "--left",
        "agent",
        "--right",
        "caller",
        "--anonymous-sides",
        "--started-at",
        "2026",
        "--out",
        out,
    )
    rows = people(out)
    assert [row["speaker"] for row in rows] == sorted(
        f"call_20260301_1{hour}1500.{side}" for hour in (0, 1) for side in "ab"
    )
    assert {row[name] for row in rows for name in ("purpose", "at", "expires", "form")} == {""}
    assert {(row["x_first_recorded"], row["x_source"]) for row in rows} == {
        ("2025-12-31T10:00:00Z", "the folder calls")
    }
    assert [row["x_role"] for row in rows] == ["agent", "caller"] * 2
    assert [row["x_first_track"] for row in rows[:2]] == [
        "call_20260301_101500.wav, left channel",
        "call_20260301_101500.wav, right channel",
    ]


def test_pairs_are_put_together_by_their_names_and_sides_by_role(tmp_path: Path) -> None:
    folder, out = tmp_path / "calls", tmp_path / "out"
    for name in ("day1_doctor", "day1_patient", "day2_doctor", "sub/day3_patient", "sub/day3_doctor", "day4_nurse"):
        audio(folder / f"{name}.wav", 1)
    audio(folder / "day5_doctor.wav", 2)
    audio(folder / "day5_patient.wav", 1)
    result = from_folder(
        folder, "--pairs", PAIRS, "--left", "patient", "--right", "doctor", "--anonymous-sides", "--out", out
    )
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert len(found) == 2
    assert Path(found["day1"].a.uri).name == "day1_patient.wav"
    assert (found["day1"].a.role, found["day1"].b.role, found["day1"].b.channel) == ("patient", "doctor", 0)
    assert reasons(out) == {
        "day2_doctor.wav": "side_missing",
        "day4_nurse.wav": "not_matched",
        "day5_doctor.wav": "not_one_channel",
        "day5_patient.wav": "side_missing",
    }
    account(out, folder)
    assert "2 of 2 recordings have no started_at" in result.stderr


def test_the_sides_of_each_recording_may_be_two_people_of_its_own(tmp_path: Path) -> None:
    folder, out, table = tmp_path / "calls", tmp_path / "out", tmp_path / "who.csv"
    for name in (
        "2026-03-05 - Jürgen",
        "2026-03-05 - 花子",
        "2026-03-06 - Anna O'Neil",
        "2026-03-06 - Jürgen",
        "2026-03-07 - Zoë",
    ):
        audio(folder / f"{name}.wav", 1)
    for name in ("Anna O'Neil", "Jürgen", "Zoë"):
        audio(folder / f"2026-03-08 - {name}.wav", 1)
    table.write_text(
        "recording,side,speaker\n2026-03-05,Jürgen,J\n2026-03-05,花子,H\n2026-03-06,Jürgen,J\n2026-03-06,Anna O'Neil,A\n",
        encoding="utf-8",
    )
    result = from_folder(
        folder, "--pairs", r"(?P<recording>.+) - (?P<side>.+)\.wav", "--speakers", table, "--started-at", "name:%Y-%m-%d", "--out", out
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert {(name, call.a.speaker_id, call.b.speaker_id, call.a.role) for name, call in found.items()} == {
        ("2026-03-05", "J", "H", None),
        ("2026-03-06", "A", "J", None),
    }
    assert Path(found["2026-03-06"].b.uri).name == "2026-03-06 - Jürgen.wav"
    assert reasons(out) == {
        "2026-03-07 - Zoë.wav": "side_missing",
        **{f"2026-03-08 - {name}.wav": "side_not_named" for name in ("Anna O'Neil", "Jürgen", "Zoë")},
    }
    account(out, folder)
    assert "The sides are called by 3 names" in result.stderr
    assert [row["x_first_track"] for row in people(out)] == [
        "2026-03-06 - Anna O'Neil.wav",
        "2026-03-05 - 花子.wav",
        "2026-03-05 - Jürgen.wav",
    ]


def test_a_pattern_may_name_folders(tmp_path: Path) -> None:
    folder, out = tmp_path / "calls", tmp_path / "out"
    for side in ("agent", "caller"):
        audio(folder / side / "call-7.wav", 1)
    pattern = r"(?P<side>[^/]+)/(?P<recording>[^/]+)\.wav"
    assert from_folder(folder, "--pairs", pattern, "--anonymous-sides", "--out", out).exit_code == 0
    call = recordings(out)["call-7"]
    assert (Path(call.a.uri).parent.name, call.a.role) == (
        "agent",
        None,
    )  # in the order of the alphabet; no role that nobody named


def test_a_map_says_who_speaks_and_what_is_known_of_them(calls: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", calls / "who.csv"
    table.write_text(
        "\ufeffRecording;Side;Speaker;Sex;Age_band;Jurisdiction;Language\n"
        "call_20260301_101500;agent;S1;female;30-39;DE;de\n"
        "call_20260301_101500;caller;S2;;;;de\n"
        "call_20260301_111500.wav;a;S1;female;;;\n"
        "call_20260301_111500.wav;b;unknown;;;;\n"
        "call_0;a;S9;;;;\n",
        encoding="utf-8",
    )
    result = from_folder(
        calls, "--stereo", "**/call*", "--left", "agent", "--right", "caller", "--speakers", table, "--language", "en", "--out", out
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert found.keys() == {"call_20260301_101500"}
    call = found["call_20260301_101500"]
    assert (call.a.speaker_id, call.a.sex, call.a.age_band, call.a.jurisdiction) == ("S1", "female", "30-39", "DE")
    assert (call.b.speaker_id, call.b.sex, call.language) == ("S2", None, "de")
    assert reasons(out)["call_20260301_111500.wav"] == "speaker_unknown"
    assert "track b (caller)" in next(
        line["detail"] for line in lines(out / "refused.jsonl") if line["file"].endswith("111500.wav")
    )
    assert "1 recordings of who.csv are not in the folder, such as 'call_0'" in result.stderr
    account(out, calls, other=1)
    assert [(row["speaker"], row["jurisdiction"]) for row in people(out)] == [("S1", "DE"), ("S2", "")]


def test_with_a_map_only_unknown_sides_are_anonymous(calls: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "who.csv"
    table.write_text("recording,agent,caller\ncall_20260301_101500,S1,\ncall_20260301_111500,S1,S2\n")
    result = from_folder(
        calls, "--stereo", "call*.wav", "--left", "agent", "--right", "caller", "--speakers", table, "--anonymous-sides", "--out", out
    )  # fmt: skip
    found = recordings(out)
    assert found["call_20260301_101500"].b.speaker_id == "call_20260301_101500.b"
    assert found["call_20260301_111500"].b.speaker_id == "S2"
    assert "1 sides are people of whom nobody says who they are" in result.stderr


def test_one_speaker_is_never_on_both_sides(calls: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "who.csv"
    table.write_text("recording,a,b\ncall_20260301_101500,S1,S1\n")
    from_folder(calls, "--stereo", "call*1015*.wav", "--speakers", table, "--out", out)
    assert reasons(out)["call_20260301_101500.wav"] == "speaker_on_both_sides"


def test_transcripts_go_to_the_recording_that_they_are_named_after(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (calls / "words").mkdir()
    (calls / "words" / "call_20260301_101500.json").write_text(json.dumps(transcripts.DEEPGRAM))
    (calls / "words" / "call_20260301_111500.caller.json").write_text(json.dumps(transcripts.WHISPER))
    (calls / "words" / "nobody.json").write_text(json.dumps(transcripts.WHISPER))
    result = from_folder(
        calls, "--stereo", "call*.wav", "--left", "agent", "--right", "caller", "--anonymous-sides", "--words", "words/*", "--out", out
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = recordings(out)
    both, one = found["call_20260301_101500"], found["call_20260301_111500"]
    assert both.a.words_uri == both.b.words_uri != None
    assert (one.a.words_uri, Path(one.b.words_uri or "").name) == (None, "call_20260301_111500.caller.json")
    assert reasons(out)["words/nobody.json"] == "words_without_recording"
    account(out, calls)
    assert "1 deepgram, 1 whisper" in (out / "README.md").read_text()


def test_a_transcript_that_gives_no_words_is_refused_and_not_the_recording(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (calls / "call_20260301_101500.json").write_text('{"segments": [')
    (calls / "call_20260301_111500.json").write_text(json.dumps(transcripts.WHISPER))  # of a mix: whose are the words?
    from_folder(calls, "--stereo", "call*.wav", "--anonymous-sides", "--words", "*.json", "--out", out)
    assert len(recordings(out)) == 2
    assert {file: reason for file, reason in reasons(out).items() if file.endswith(".json")} == {
        "call_20260301_101500.json": "words_not_read",
        "call_20260301_111500.json": "words_not_read",
    }
    account(out, calls)


def test_words_of_one_side_that_cannot_be_used_are_told(calls: Path, tmp_path: Path) -> None:
    out, name = tmp_path / "out", "call_20260301_101500.json"
    channels: list[list[dict[str, object]]] = [
        [{"word": "hi", "start": 0.0, "end": 0.1}],
        [{"word": "yes", "start": 0, "end": 500}],
    ]
    document = {"results": {"channels": [{"alternatives": [{"words": words}]} for words in channels]}}
    (calls / name).write_text(json.dumps(document))
    result = from_folder(calls, "--stereo", "call*.wav", "--anonymous-sides", "--words", "*.json", "--out", out)
    found = recordings(out)["call_20260301_101500"]
    assert (Path(found.a.words_uri or "").name, found.b.words_uri) == (name, None)
    assert (
        f"1 transcripts give the words of one track alone, such as {name} (track b: half of the words" in result.stderr
    )
    account(out, calls)


def test_a_name_that_two_recordings_answer_to_says_nothing_of_either(tmp_path: Path) -> None:
    folder, table, out = tmp_path / "calls", tmp_path / "who.csv", tmp_path / "out"
    for number, name in enumerate(["monday/call1.wav", "tuesday/call1.wav", "tuesday/call2.wav"]):
        audio(folder / name, seed=number)
    table.write_text("recording,a,b\ncall1,ann,bob\ncall2,cid,dan\n")
    from_folder(folder, "--stereo", "**/*.wav", "--speakers", table, "--anonymous-sides", "--out", out)
    assert [(each.a.speaker_id, each.b.speaker_id) for each in recordings(out).values()] == [("cid", "dan")]
    assert reasons(out) == dict.fromkeys(["monday/call1.wav", "tuesday/call1.wav"], "speaker_ambiguous")
    table.write_text("recording,a,b\nmonday/call1,ann,bob\ntuesday/call1.wav,eva,bob\ntuesday/call2,cid,dan\n")
    from_folder(folder, "--stereo", "**/*.wav", "--speakers", table, "--out", tmp_path / "paths")
    assert [each.a.speaker_id for each in recordings(tmp_path / "paths").values()] == ["ann", "eva", "cid"]


def test_a_pattern_that_names_everything_takes_no_file_twice(calls: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", calls / "who.csv"
    table.write_text("recording,a,b\ncall_20260301_101500,S1,S2\n")
    (calls / "call_20260301_101500.json").write_text(json.dumps(transcripts.DEEPGRAM))
    result = from_folder(calls, "--stereo", "**/*", "--words", "**/*.json", "--speakers", table, "--out", out)
    assert result.exit_code == 0, result.output
    assert recordings(out)["call_20260301_101500"].a.words_uri is not None
    account(out, calls, other=1)


def test_the_same_folder_gives_the_same_bytes_and_what_was_filled_in_stays(calls: Path, tmp_path: Path) -> None:
    given = ("--stereo", "**/*.wav", "--anonymous-sides", "--started-at", "2026-03")
    first = tmp_path / "x" / "out"
    assert from_folder(calls, *given, "--out", first).exit_code == 0
    elsewhere = tmp_path / "y"
    shutil.copytree(calls, elsewhere / "calls")
    second = elsewhere / "z" / "out"
    assert from_folder(elsewhere / "calls", *given, "--out", second).exit_code == 0
    for path in sorted(first.iterdir()):
        if path.name == "manifest.jsonl":
            continue  # where the recordings lie from here
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name
    assert from_folder(calls, *given, "--out", first).exit_code == 0  # again
    todo = first / "consent-todo.csv"
    todo.write_text(todo.read_text().replace(",,,", ",recording,,", 1))
    filled = todo.read_bytes()
    again = from_folder(calls, *given, "--out", first)
    assert (again.exit_code, todo.read_bytes()) == (2, filled)
    assert "is there already with other content; what was filled in stays" in again.stderr


def test_nothing_is_written_but_in_out_and_what_lies_in_it_is_not_taken_in(calls: Path) -> None:
    before = {path: path.read_bytes() for path in calls.rglob("*") if path.is_file()}
    out = calls / "made"
    for _ in range(2):
        assert from_folder(calls, "--stereo", "**/*", "--anonymous-sides", "--out", out).exit_code == 0
    assert {
        path: path.read_bytes() for path in calls.rglob("*") if path.is_file() and out not in path.parents
    } == before
    account(out, calls)


def test_hostile_names_are_refused_or_held_as_they_are(tmp_path: Path) -> None:
    folder, out = tmp_path / "calls", tmp_path / "out"
    for name in (
        "a\nb.wav",
        "Ünïcode ☎.wav",
        "s3:call.wav",
        "~.wav",
        "call%20.wav",
        "call.1.wav",
        "CALL.1.WAV",
        "-.wav",
        '"q",;.wav',
    ):
        audio(folder / name)
    shutil.copy(folder / "~.wav", folder / os.fsdecode(b"bad\xff.wav"))
    (folder / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.wav")
    result = from_folder(folder, "--stereo", "**/*.[wW][aA][vV]", "--anonymous-sides", "--out", out)
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert len(found) == 9
    assert all(Path(track.uri).is_file() for each in found.values() for track in each.tracks)
    assert sorted(reasons(out).values()) == ["name_not_text", "not_a_file", "not_a_file", "not_a_file"]
    with (out / "ids.csv").open(newline="", encoding="utf-8") as stream:
        names = {row["recording_id"]: row["name"] for row in csv.DictReader(stream)}
    assert names.keys() == found.keys()
    assert "a\nb" in names.values()


def test_one_name_in_two_unicode_forms_is_found_by_either(tmp_path: Path) -> None:
    folder, out = tmp_path / "calls", tmp_path / "out"
    apart = unicodedata.normalize("NFD", "Gespräch")
    for side in ("ärztin", "patient"):
        audio(folder / unicodedata.normalize("NFD", f"{apart}_{side}.wav"), 1)
    table = tmp_path / "who.csv"
    table.write_text("recording,side,speaker\nGespräch,ärztin,A\nGespräch,patient,P\n", encoding="utf-8")
    result = from_folder(
        folder, "--pairs", "(?P<recording>.+)_(?P<side>ärztin|patient)[.]wav", "--speakers", table, "--out", out
    )
    assert result.exit_code == 0, result.output
    (call,) = recordings(out).values()
    assert {call.a.speaker_id, call.b.speaker_id} == {"A", "P"}
    assert Path(call.a.uri).is_file()


def test_two_files_that_differ_by_their_unicode_form_are_both_refused(tmp_path: Path) -> None:
    folder, out = tmp_path / "calls", tmp_path / "out"
    for form in ("NFC", "NFD"):
        audio(folder / unicodedata.normalize(form, "Gespräch.wav"))
    from_folder(folder, "--stereo", "*.wav", "--anonymous-sides", "--out", out)
    assert list(reasons(out).values()) == ["id_twice", "id_twice"]
    account(out, folder)


def test_an_anonymous_side_is_never_somebody_who_is_known(calls: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "who.csv"
    table.write_text("recording,a,b\ncall_20260301_101500,Call_20260301_111500.B,\n")
    from_folder(calls, "--stereo", "call*.wav", "--speakers", table, "--anonymous-sides", "--out", out)
    assert recordings(out).keys() == {"call_20260301_101500"}
    assert reasons(out)["call_20260301_111500.wav"] == "speaker_unknown"


def test_what_was_refused_first_is_named_on_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    audio(folder / "a\nb.wav", 1)
    audio(folder / "c.wav")
    result = from_folder(folder, "--stereo", "*.wav", "--anonymous-sides", "--out", tmp_path / "out")
    assert "  1 not_two_channels, a\\nb.wav: has 1 channel" in result.stdout


def test_the_next_commands_can_be_pasted_whatever_the_folder_is_called(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "our calls"
    result = from_folder(calls, "--stereo", "call*.wav", "--anonymous-sides", "--out", out)
    assert f"--from '{out}/consent-todo.csv'" in result.stdout
    assert (out / "README.md").read_text().endswith("--out 'our calls-release'\n")


def test_a_folder_in_a_store_is_refused_in_a_sentence(tmp_path: Path) -> None:
    result = from_folder("s3://bucket/calls", "--stereo", "*.wav", "--anonymous-sides", "--out", tmp_path / "out")
    assert (result.exit_code, "only folders of this machine are listed" in result.stderr) == (2, True)


def test_hashed_ids_tell_nothing_of_the_names(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    from_folder(calls, "--stereo", "call*.wav", "--anonymous-sides", "--hashed-ids", "--out", out)
    assert all(recording_id.startswith("rec-") for recording_id in recordings(out))
    assert "call_20260301_101500" in (out / "ids.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say how the two speakers lie in the files"),
        (("--stereo", "*.wav", "--pairs", PAIRS), "say how the two speakers lie in the files"),
        (("--stereo", "*.ogg"), "matches none of the 8 files; to look into folders too, write '**/*.ogg'"),
        (("--stereo", "/etc/*"), "is no pattern below the folder"),
        (("--stereo", "../*"), "is no pattern below the folder"),
        (("--stereo", "**.wav"), "is no pattern below the folder"),
        (("--pairs", "("), "is no regular expression"),
        (("--pairs", "(?P<recording>.*)"), "lacks (?P<side>...)"),
        (("--pairs", PAIRS), "matches none of the 8 files"),
        (
            ("--pairs", r"(?P<recording>.*)\.(?P<side>wav|txt|flac)"),
            "finds 3 sides ('flac', 'txt', 'wav') and no recording of two",
        ),
        (("--stereo", "*.wav", "--started-at", "column:%d.%m.%Y"), "name one with --speakers"),
        (("--pairs", r"(?P<recording>.*)_(?P<side>\d+)\.wav", "--left", "1"), "give both, or none"),
        (("--stereo", "*.wav", "--started-at", "column"), "name one with --speakers"),
        (("--stereo", "*.wav", "--words", "*.wav", "--words-format", "doc"), "is none that is read"),
        (("--stereo", "*.wav", "--zone", "Berlin"), "no such time zone"),
        (("--stereo", "*.wav", "--speakers", "nowhere.csv"), "there is no such table"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_writes_nothing(
    calls: Path, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    out = tmp_path / "out"
    result = from_folder(calls, *arguments, "--anonymous-sides", "--out", out)
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


def test_without_a_map_nobody_is_guessed(calls: Path, tmp_path: Path) -> None:
    result = from_folder(calls, "--stereo", "*.wav", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "nobody says who speaks" in result.stderr


# --- tables ---------------------------------------------------------------------------------------------------------

COLUMNS = "recording_id=id,a.uri=agent_wav,b.uri=cust_wav,a.speaker_id=agent_id,b.speaker_id=cust_id,started_at=begun"
ROWS = (
    "id;agent_wav;cust_wav;agent_id;cust_id;begun;note\n"
    "c-1;audio/1a.wav;audio/1b.wav;A;B;2026-03-01 10:00:00;x\n"
    "c/2;s3://bucket/2a.wav;s3://bucket/2b.wav;A;C;2026-03-01;x\n"
    "c-3;audio/3a.wav;;A;B;2026-03-01;x\n"
    "c-4;audio/4a.wav;audio/4b.wav;A;n/a;2026-03-01;x\n"
    "c-5;audio/5a.wav;audio/5b.wav;A;B;03/01/2026;x\n"
    ";audio/6a.wav;audio/6b.wav;A;B;2026-03-01;x\n"
    "c-7;audio/7a.wav;audio/7b.wav;A;A;2026-03-01;x\n"
    "c-8;audio/8a.wav;audio/8b.wav;A;B;2026-03-01;x\n"
    "c-8;audio/8a.wav;audio/8b.wav;A;B;2026-03-01;x\n"
    ";;;;;;\n"
)


def test_a_table_becomes_a_manifest_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "delivery" / "t.csv"
    table.parent.mkdir()
    table.write_text(ROWS)
    result = manifest(
        "from-table",
        table,
        "--columns",
        COLUMNS,
        "--left",
        "agent",
        "--right",
        "customer",
        "--zone",
        "UTC",
        "--out",
        out,
    )
    assert result.exit_code == 0, result.output
    found = recordings(out)
    assert len(found) == 2
    first = found["c-1"]
    assert Path(first.a.uri).resolve() == (tmp_path / "delivery" / "audio" / "1a.wav").resolve()
    assert (first.a.speaker_id, first.a.role, first.started_at) == ("A", "agent", "2026-03-01T10:00:00Z")
    (second,) = (each for name, each in found.items() if name != "c-1")
    assert (second.a.uri, second.started_at, second.started_before) == (
        "s3://bucket/2a.wav",
        "2026-03-01T00:00:00Z",
        "2026-03-02T00:00:00Z",
    )
    assert reasons(out) == {
        "row 4": "side_missing",
        "row 5": "speaker_unknown",
        "row 6": "started_at_unknown",
        "row 7": "field_invalid",
        "row 8": "speaker_on_both_sides",
        "row 9": "id_twice",
        "row 10": "id_twice",
    }
    assert "| **9** | **looked at** |" in (out / "README.md").read_text()
    assert "Columns that were not used: note." in result.stderr


def test_a_delivery_from_windows_is_taken_in_as_it_is(tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "delivery" / "t.csv"
    audio(tmp_path / "delivery" / "Audio" / "Gespräch 1_a.wav", 1)
    audio(tmp_path / "delivery" / "back\\slash.wav", 1)
    table.write_text(
        "id;agent_wav;cust_wav;agent_id;cust_id;begun\n"
        "c-1;Audio\\Gespräch 1_a.wav;back\\slash.wav;A;B;01.03.2026 10:15\n"
        "c-2;C:\\Audio\\2a.wav;C:\\Audio\\2b.wav;A;B;02.03.2026 10:15\n"
        "c-3;Audio\\3a.wav;Audio\\3b.wav;A;B;2026-03-03\n",
        encoding="utf-8-sig",
    )
    given = ("--columns", COLUMNS, "--zone", "Europe/Berlin", "--out", out)
    result = manifest("from-table", table, "--started-at", "column:%d.%m.%Y %H:%M", *given)
    assert result.exit_code == 0, result.output
    (call,) = recordings(out).values()
    assert [Path(track.uri).is_file() for track in (call.a, call.b)] == [True, True]
    assert (call.started_at, call.started_before) == ("2026-03-01T09:15:00Z", "2026-03-01T09:16:00Z")
    assert reasons(out) == {"row 3": "field_invalid", "row 4": "started_at_unknown"}
    assert "is a path of another machine, of Windows" in lines(out / "refused.jsonl")[0]["detail"]


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_a_workbook_is_called_one(tmp_path: Path, begins: bytes) -> None:
    table = tmp_path / "t.xlsx"
    table.write_bytes(begins + bytes(100))
    result = manifest("from-table", table, "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (
        2,
        f"duologue: {table}: is a workbook of a spreadsheet and no CSV; save its sheet as 'CSV UTF-8' and name that file\n",
    )


def test_parquet_and_columns_that_are_called_as_fields(tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "t.parquet"
    columns = {
        "recording_id": ["c-1"], "uri": ["c.wav"], "a.speaker_id": [7.0], "b.speaker_id": [8.0], "b.offset_s": ["0.25"],
        "a.sex": ["female"], "synthetic": [False], "license": ["CC-BY-4.0"], "a.words_uri": ["c.json"],
    }  # fmt: skip
    pq.write_table(pa.table(columns), table)
    assert manifest("from-table", table, "--started-at", "2024", "--out", out).exit_code == 0
    call = recordings(out)["c-1"]
    assert (call.a.speaker_id, call.b.channel, call.b.offset_s, call.a.sex) == ("7", 1, 0.25, "female")
    assert (call.synthetic, call.source.license, call.started_before) == (False, "CC-BY-4.0", "2025-01-01")
    assert Path(call.a.words_uri or "").resolve() == tmp_path / "c.json"
    assert {row["x_terms"] for row in people(out)} == {"CC-BY-4.0"}


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("C:\\calls\\1.wav", "of another machine, of Windows"),
        ("\\\\server\\calls\\1.wav", "of another machine, of Windows"),
        ("~/calls/1.wav", "write the path in full"),
        ("ftp://host/1.wav", "cannot be reached"),
    ],
)
def test_a_path_that_no_run_could_open_is_refused_and_not_taken_for_one_beside_the_table(
    tmp_path: Path, cell: str, told: str
) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "out"
    table.write_text(f"recording_id,a.uri,b.uri\nr1,{cell},b.wav\nr2,file:///calls/1.wav,s3://bucket/b.wav\n")
    manifest("from-table", table, "--anonymous-sides", "--out", out)
    assert [(track["uri"]) for track in lines(out / "manifest.jsonl")[0]["tracks"]] == [
        "file:///calls/1.wav",
        "s3://bucket/b.wav",
    ]
    (refused,) = lines(out / "refused.jsonl")
    assert refused["file"] == "row 2"
    assert told in refused["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nrecording_id;uri;;\r\nr1;1.wav;;\r\n",  # as Excel writes it
        "\ufeffrecording_id\turi\t\t\nr1\t1.wav\t\t\n",
        "recording_id,uri\nr1,1.wav,,\n",
    ],
)
def test_what_a_spreadsheet_adds_is_no_column(tmp_path: Path, text: str) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "out"
    table.write_bytes(text.encode())
    result = manifest("from-table", table, "--anonymous-sides", "--out", out)
    assert result.exit_code == 0, result.output
    assert lines(out / "manifest.jsonl")[0]["tracks"][1] == {"speaker_id": "r1.b", "uri": "../1.wav", "channel": 1}
    assert "not used" not in result.stderr


@pytest.mark.parametrize(
    ("columns", "text", "told"),
    [
        ("", "x,y\n1,2\n", "which column is recording_id?"),
        ("recording_id=x", "x,y\n1,2\n", "which column is a.uri?"),
        ("recording_id=z", "x,y\n1,2\n", "has no column 'z'; it has x, y"),
        ("recordingid=x", "x,y\n1,2\n", "is no field that is known"),
        ("recording_id", "x,y\n1,2\n", "the field first and then the column"),
        ("recording_id=x,recording_id=y", "x,y\n1,2\n", "is given twice"),
        ("recording_id=x,uri=y,a.uri=y", "x,y\n1,2\n", "name one or the other"),
        ("recording_id=x", "x,x\n1,2\n", "has the column 'x' twice"),
        ("recording_id=x,uri=y", "x,y\n1,2,3\n", "row 2 has 3 cells and the header 2"),
        ("recording_id=x", '{"x": 1}\n', "is JSON and no table"),
        ("recording_id=x", "", "has no header"),
        ("recording_id=x,uri=y", "x,y\n1,2\n", "which column is started_at?"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path: Path, columns: str, text: str, told: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(text)
    result = manifest(
        "from-table", table, *(("--columns", columns) if columns else ()), "--started-at", "column:%d.%m.%Y", "--out", tmp_path / "out"
    )  # fmt: skip
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert not (tmp_path / "out").exists()
