"""``duologue annotate``: from tracks, from tracks with words, from a transcript alone; what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from duologue_pipeline.cli.app import app
from duologue_pipeline.demo import demo_files
from duologue_schemas import iter_faults

DEMO = demo_files().manifest.parent
A, B = DEMO / "audio" / "demo-car-repair.a.flac", DEMO / "audio" / "demo-car-repair.b.flac"
WORDS_A, WORDS_B = DEMO / "words" / "demo-car-repair.a.json", DEMO / "words" / "demo-car-repair.b.json"


def annotate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["annotate", *map(str, arguments)], prog_name="duologue")


def document(*arguments: str | Path) -> dict[str, Any]:
    result = annotate(*arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    assert list(iter_faults("annotation", found)) == []
    return found


def transcript(folder: Path, **content: Any) -> Path:
    path = folder / "words.json"
    path.write_text(json.dumps(content))
    return path


def word(text: str, start_s: float, end_s: float) -> dict[str, Any]:
    return {"word": text, "start_s": start_s, "end_s": end_s}


def shifted(source: Path, by_s: float, folder: Path) -> Path:
    words = [{**w, "start_s": w["start_s"] + by_s, "end_s": w["end_s"] + by_s} for w in json.loads(source.read_text())]
    path = folder / f"{source.stem}.shifted.json"
    path.write_text(json.dumps(words))
    return path


# --- a transcript alone ---------------------------------------------------------------------------------------------


def test_words_come_back_in_their_order_with_tags(tmp_path: Path) -> None:
    said = [word("car", 1.5, 1.9), word("uh", 0.0, 0.3), word("the", 0.35, 0.5), word("the", 0.6, 0.75)]
    found = document("--words", transcript(tmp_path, a=said, b=[word("uh-huh", 1.0, 1.3)]), "--language", "en")
    assert [w["word"] for w in found["words"]["a"]] == ["car", "uh", "the", "the"]
    assert [w["tags"] for w in found["words"]["a"]] == [[], ["filler", "edit_term"], ["reparandum"], ["repair"]]
    assert found["words"]["b"] == [{**word("uh-huh", 1.0, 1.3), "tags": ["backchannel"]}]
    assert found["activity"] == {"a": [[0.0, 0.3], [0.35, 0.5], [0.6, 0.75], [1.5, 1.9]], "b": [[1.0, 1.3]]}


def test_the_document_has_everything(tmp_path: Path) -> None:
    said = {"a": [word("hello", 0, 2), word("yes", 5.5, 8)], "b": [word("no", 2.25, 5), word("but", 7, 10)]}
    found = document("--words", transcript(tmp_path, **said), "--language", "en-GB")
    assert list(found) == [
        "schema", "duration_s", "language", "lexicon", "activity", "words", "events", "statistics", "rules"
    ]  # fmt: skip
    assert (found["duration_s"], found["language"], found["lexicon"]) == (10.0, "en-GB", "en")
    transfers = [(e["speaker"], e["fto_s"]) for e in found["events"] if e["kind"] == "floor_transfer"]
    assert transfers == [("b", 0.25), ("a", 0.5), ("b", -1.0)]
    statistics = found["statistics"]
    assert statistics["overlap_share_of_time"] == 0.1
    assert statistics["overlap_share_of_speech"] == 1.0 / (4.5 + 5.75 - 1.0)
    assert statistics["overlapped_transfers_share"] == pytest.approx(1 / 3)
    assert statistics["fto_percentiles_s"]["p50"] == 0.25
    assert statistics["kinds"]["turn"]["count_per_minute"] == 24.0
    assert statistics["speakers"]["a"]["speech_s"] == 4.5
    assert {event["kind"] for event in found["events"]} >= {"ipu", "turn", "gap", "overlap_between", "interruption"}
    assert all(event["rules"] == found["rules"]["events"] for event in found["events"] if event["kind"] == "turn")


def test_without_a_lexicon_it_says_so(tmp_path: Path) -> None:
    path = transcript(tmp_path, a=[word("moi", 0, 2)], b=[word("joo", 2.5, 2.7)])
    assert document("--words", path, "--language", "fi")["lexicon"] == "none"
    assert document("--words", path)["lexicon"] == "none"


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ((), "no --language: hardly anything is read from the words"),
        (("--language", "fi"), "no lexicon for fi: hardly anything is read from the words"),
    ],
)
def test_words_that_are_not_read_are_warned_about(options: tuple[str, ...], warning: str, tmp_path: Path) -> None:
    said = transcript(tmp_path, a=[word("uh", 0.0, 0.3)])
    assert f"duologue: warning: {warning}" in annotate("--words", said, *options).stderr
    assert annotate("--words", said, "--language", "en").stderr == ""
    assert annotate("--words", transcript(tmp_path, a=[]), *options).stderr == ""


def test_a_file_is_written_and_summed_up(tmp_path: Path) -> None:
    path = transcript(tmp_path, a=[word("hello", 0, 2)], b=[word("no", 2.25, 5)])
    result = annotate("--words", path, "--format", "textgrid", "--out", tmp_path / "x.TextGrid")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.endswith("x.TextGrid: 5.0 s, 2 turns, 1 floor transfer, 0 backchannels, 0 interruptions\n")
    assert (tmp_path / "x.TextGrid").read_text().startswith('File type = "ooTextFile"')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], 'expected {"a": [words], "b": [words]}, found a list'),
        ({"c": []}, "found an object with 'c'"),
        ({}, "found an object with nothing"),
        ({"a": [{"word": "x", "start_s": 1}]}, "words.json: a: [0]"),
        ({"a": [{"word": "x", "start_s": 2, "end_s": 1}], "b": []}, "words.json: a: [0]"),
    ],
)
def test_a_transcript_of_another_form_is_refused(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text(json.dumps(content))
    result = annotate("--words", path)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to annotate: give A and B, one stereo file, or --words FILE"),
        (("--words", "missing.json"), "missing.json: the word file cannot be read"),
        ((A, B, "--words", "x.json"), "x.json: the word file cannot be read"),
        ((A, B, "--words", "x.json", "--words-a", WORDS_A), "--words is a transcript of both speakers; give it, or"),
        (("--words", "x.json", "--asr", "small"), "there is no audio: give A and B or one stereo file"),
        ((A,), "does not have the channels of two speakers"),
        ((A, "missing.wav"), "missing.wav"),
        ((A, B, "--offset-b", "nan"), "--offset-b nan: expected -14400 to 14400 seconds"),
        ((A, B, "--asr", "nobody/nothing"), "--asr nobody/nothing: no such folder"),
        ((A, B, "--words-a", "missing.json"), "missing.json: the word file cannot be read"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str | Path, ...], message: str) -> None:
    result = annotate(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


# --- transcripts of other programs ----------------------------------------------------------------------------------


def deepgram(folder: Path, *channels: list[tuple[str, float, float]]) -> Path:
    """What Deepgram answers for ``multichannel=true``."""
    document = {
        "metadata": {"channels": len(channels), "duration": 10.0},
        "results": {
            "channels": [
                {
                    "alternatives": [
                        {
                            "transcript": " ".join(text for text, *_ in said),
                            "confidence": 0.9,
                            "words": [
                                {"word": text, "start": start_s, "end": end_s, "confidence": 0.9}
                                for text, start_s, end_s in said
                            ],
                        }
                    ]
                }
                for said in channels
            ]
        },
    }
    (folder / "deepgram.json").write_text(json.dumps(document))
    return folder / "deepgram.json"


def spoken(path: Path) -> list[tuple[str, float, float]]:
    return [(item["word"], item["start_s"], item["end_s"]) for item in json.loads(path.read_text())]


def texts(found: dict[str, Any]) -> dict[str, list[str]]:
    return {speaker: [word["word"] for word in words] for speaker, words in found["words"].items()}


def test_a_transcript_of_another_program_is_labelled_alone(tmp_path: Path) -> None:
    path = deepgram(tmp_path, [("hello", 0, 2)], [("no", 2.25, 5), ("but", 7, 10)])
    found = document("--words", path, "--language", "en")
    assert texts(found) == {"a": ["hello"], "b": ["no", "but"]}
    other = document("--words", path, "--words-channel-a", "1", "--words-channel-b", "0", "--language", "en")
    assert texts(other) == {"a": ["no", "but"], "b": ["hello"]}


@pytest.mark.parametrize("both", ["deepgram", "words"])
def test_one_transcript_gives_the_words_of_both_tracks(both: str, tmp_path: Path) -> None:
    apart = document(A, B, "--words-a", WORDS_A, "--words-b", WORDS_B, "--language", "en-US")
    if both == "deepgram":
        path = deepgram(tmp_path, spoken(WORDS_A), spoken(WORDS_B))
    else:
        path = transcript(tmp_path, a=json.loads(WORDS_A.read_text()), b=json.loads(WORDS_B.read_text()))
    together = document(A, B, "--words", path, "--language", "en-US")
    assert texts(together) == texts(apart)
    assert together["events"] == apart["events"]
    assert [together["words_check"][s]["verdict"] for s in "ab"] == ["fits", "fits"]


def test_a_transcript_of_one_track_takes_any_format(tmp_path: Path) -> None:
    ctm = "".join(f"call 1 {start:.3f} {end - start:.3f} {text}\n" for text, start, end in spoken(WORDS_A))
    (tmp_path / "a.ctm").write_text(ctm)
    found = document(A, B, "--words-a", tmp_path / "a.ctm", "--language", "en-US")
    assert texts(found) == {"a": [text for text, *_ in spoken(WORDS_A)], "b": []}
    assert found["words_check"]["a"]["verdict"] == "fits"


VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n<v Anna>hello there\n\n00:00:03.000 --> 00:00:04.000\n<v Ben>hi\n"


def test_names_are_told_by_the_user(tmp_path: Path) -> None:
    (tmp_path / "call.vtt").write_text(VTT)
    result = annotate(A, B, "--words", tmp_path / "call.vtt")
    assert result.exit_code == 2
    assert result.stderr.strip().endswith(
        "whose words are whose? Say it with --words-channel-a NAME and --words-channel-b NAME; it has 'Anna', 'Ben'"
    )
    names = ("--words-channel-a", "Ben", "--words-channel-b", "Anna")
    assert texts(document(A, B, "--words", tmp_path / "call.vtt", *names)) == {"a": ["hi"], "b": ["hello", "there"]}


def test_without_word_times_nobody_can_tell_who_speaks_when(tmp_path: Path) -> None:
    (tmp_path / "call.vtt").write_text(VTT)
    result = annotate("--words", tmp_path / "call.vtt", "--words-channel-a", "Anna", "--words-channel-b", "Ben")
    assert result.exit_code == 2
    assert (
        "no word has a time of its own, so it cannot be told who speaks when; give the audio as well" in result.stderr
    )
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("audio", [(), (A, B)])
def test_a_words_file_of_one_track_is_not_given_to_both(audio: tuple[Path, ...]) -> None:
    result = annotate(*audio, "--words", WORDS_A)
    assert result.exit_code == 2
    assert 'expected {"a": [words], "b": [words]}, found a list' in result.stderr


def test_what_was_mixed_down_is_not_given_to_both(tmp_path: Path) -> None:
    result = annotate(A, B, "--words", deepgram(tmp_path, [("hello", 0, 2)]))
    assert result.exit_code == 2
    assert "was the audio mixed down?" in result.stderr or "which of its streams" in result.stderr
    assert len(result.stderr.splitlines()) == 1


# --- audio ----------------------------------------------------------------------------------------------------------


def test_two_tracks_with_words() -> None:
    found = document(A, B, "--words-a", WORDS_A, "--words-b", WORDS_B, "--language", "en-US")
    assert found["isolation"] == "pass"
    assert [found["words_check"][s]["verdict"] for s in "ab"] == ["fits", "fits"]
    assert len(found["words"]["a"]) == len(json.loads(WORDS_A.read_text()))
    assert found["statistics"]["kinds"]["turn"]["count"] >= 4
    assert {event["source"] for event in found["events"]} >= {"both"}


def test_a_stereo_file_without_words(tmp_path: Path) -> None:
    (a, rate_hz), (b, _) = (soundfile.read(path, dtype="float32") for path in (A, B))
    length = max(len(a), len(b))
    both = np.stack([np.pad(pcm, (0, length - len(pcm))) for pcm in (a, b)], axis=1)
    soundfile.write(tmp_path / "both.wav", both, rate_hz)
    stereo, pair = document(tmp_path / "both.wav"), document(A, B)
    assert stereo["activity"] == pair["activity"]
    assert stereo["words"] == {"a": [], "b": []}


def test_transcripts_on_the_wrong_tracks_are_reported_and_not_used() -> None:
    result = annotate(A, B, "--words-a", WORDS_B, "--words-b", WORDS_A, "--language", "en-US")
    assert result.exit_code == 0
    warnings = result.stderr.splitlines()
    assert len(warnings) == 2
    assert "the words of a agree with the speech of b" in warnings[0]
    assert warnings[0].endswith("give the transcripts to the right tracks; they are not used")
    found = json.loads(result.stdout)
    assert [found["words_check"][s]["verdict"] for s in "ab"] == ["wrong_track", "wrong_track"]
    assert found["words"] == {"a": [], "b": []}


@pytest.mark.parametrize("by_s", [0.4, 2.0])
def test_a_shifted_transcript_is_reported(by_s: float, tmp_path: Path) -> None:
    result = annotate(A, B, "--words-a", WORDS_A, "--words-b", shifted(WORDS_B, by_s, tmp_path), "--language", "en-US")
    assert "the words of b lie " in result.stderr
    check = json.loads(result.stdout)["words_check"]["b"]
    assert check["verdict"] == "shifted"
    assert check["shift_ms"] == pytest.approx(by_s * 1000, abs=60)


# --- what is left out is said ---------------------------------------------------------------------------------------


def test_words_outside_of_the_audio_are_warned_about_and_counted(tmp_path: Path) -> None:
    said = json.loads(WORDS_A.read_text())
    ghosts = [word("ghost", 3600.0 + k, 3600.5 + k) for k in range(3)]
    (tmp_path / "a.json").write_text(json.dumps([*said, *ghosts]))
    result = annotate(A, B, "--words-a", tmp_path / "a.json", "--language", "en")
    assert f"3 of the {len(said) + 3} words of a lie before or after the audio of a, and are left out" in result.stderr
    found = json.loads(result.stdout)
    assert list(iter_faults("annotation", found)) == []
    assert len(found["words"]["a"]) == len(said)
    assert (found["words_check"]["a"]["given"], found["words_check"]["a"]["outside"]) == (len(said) + 3, 3)


def test_words_of_another_call_are_not_used(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([word("ghost", 3600.0 + k, 3600.5 + k) for k in range(50)]))
    result = annotate(A, B, "--words-a", tmp_path / "a.json", "--language", "en")
    assert "50 of the 50 words of a lie before or after the audio of a: see that" in result.stderr
    assert "; they are not used" in result.stderr
    assert json.loads(result.stdout)["words_check"]["a"]["verdict"] == "outside"


def test_what_an_offset_leaves_out_and_what_is_turned_down_is_said(tmp_path: Path) -> None:
    for name, source in (("a", A), ("b", B)):
        pcm, rate_hz = soundfile.read(source, dtype="float32")
        soundfile.write(tmp_path / f"{name}.wav", pcm * (4 / np.abs(pcm).max()), rate_hz, subtype="FLOAT")
    result = annotate(
        tmp_path / "a.wav", tmp_path / "b.wav", "--offset-a", "-0.5", "--offset-b", "-0.5", "--language", "en"
    )
    assert result.exit_code == 0
    assert "the first 0.5 s of a lie before the conversation (--offset-a) and are left out" in result.stderr
    assert "the tracks go over full scale: both are turned down by 12.1 dB" in result.stderr


# --- the page -------------------------------------------------------------------------------------------------------


def player(page: Path) -> dict[str, Any]:
    (data,) = re.findall(r'<script type="application/json"[^>]*>([^<]*)</script>', page.read_text(encoding="utf-8"))
    (talk,) = json.loads(data)
    found: dict[str, Any] = talk
    return found


def test_a_page_of_one_conversation_holds_its_sound_words_and_events(tmp_path: Path) -> None:
    page = tmp_path / "call.html"
    options = ("--words-a", WORDS_A, "--words-b", WORDS_B, "--language", "en-US", "--report", page)
    found = document(A, B, *options)
    talk = player(page)
    assert talk["sound"].startswith("data:audio/ogg;base64,")
    assert len(talk["words"]) == len(found["words"]["a"]) + len(found["words"]["b"])
    kinds = [event["kind"] for event in found["events"]]
    shown = [event["kind"] for event in talk["events"]]
    assert shown.count("interruption") == kinds.count("interruption") > 0
    assert shown.count("transfer") == kinds.count("floor_transfer") > 0
    text = page.read_text(encoding="utf-8")
    assert "What both speakers allow" not in text
    assert "What it is usable for" not in text
    assert "The other voice in each track" in text
    again = tmp_path / "again.html"
    document(A, B, *options[:-1], again)
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize(("chosen", "kind"), [("mp3", "data:audio/mpeg"), ("none", None)])
def test_the_sound_of_the_page_is_chosen(chosen: str, kind: str | None, tmp_path: Path) -> None:
    page = tmp_path / "call.html"
    document(A, B, "--report", page, "--report-audio", chosen)
    sound = player(page)["sound"]
    assert sound is None if kind is None else sound.startswith(kind)


def test_a_page_of_a_transcript_has_no_sound_and_no_isolation(tmp_path: Path) -> None:
    page = tmp_path / "call.html"
    said = transcript(tmp_path, a=[word("hello", 0.0, 0.4)], b=[word("</script><b>", 0.6, 1.0)])
    document("--words", said, "--report", page, "--language", "en")
    talk = player(page)
    assert talk["sound"] is None
    assert [each["word"] for each in talk["words"]] == ["hello", "</script><b>"]
    assert "Are the tracks apart?" not in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    said = transcript(tmp_path, a=[word("hello", 0.0, 0.4)])
    result = annotate("--words", said, "--report", tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path}: cannot be written" in result.stderr
