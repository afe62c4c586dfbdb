"""Word files: where their times count from, and what is refused."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import Recording, Span, Track, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.files import FilesRules
from duologue_pipeline.words.files import WORDS_POLICIES, read_transcripts, read_words
from tests.pipeline.transcripts import support as given

HELLO = [
    {"word": "hello", "start_s": 0.5, "end_s": 0.9, "confidence": 0.75},
    {"word": "there", "start_s": 1, "end_s": 1.25},
]


@pytest.fixture
def recording(tmp_path: Path) -> Callable[..., Recording]:
    """A recording whose track a has a word file of the given content (text, or a document), track b none."""

    def make(content: Any, *, offset_s: float = 0.0) -> Recording:
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "a.json").write_text(text)
        a = Track("s-anna", "a.wav", offset_s=offset_s, words_uri=str(tmp_path / "a.json"))
        return Recording("call-1", a=a, b=Track("s-ben", "b.wav"))

    return make


def refusal(recording: Recording, policy: str = "optional") -> tuple[str, str]:
    with pytest.raises(RejectError) as raised:
        read_words(recording, policy=policy)
    return raised.value.reason, raised.value.detail


def test_there_are_three_policies() -> None:
    assert list(WORDS_POLICIES) == ["optional", "required", "none"]


def test_words_are_read_in_milliseconds_and_a_track_without_has_none(recording: Callable[..., Recording]) -> None:
    assert read_words(recording(HELLO), policy="optional") == (
        (Word("hello", 500, 900, 0.75), Word("there", 1000, 1250, None)),
        None,
    )


def test_an_empty_file_of_words_is_not_the_same_as_none(recording: Callable[..., Recording]) -> None:
    assert read_words(recording([]), policy="optional") == ((), None)


@pytest.mark.parametrize(("offset_s", "start_ms"), [(2.0, 2500), (-0.25, 250), (-2.0, -1500)])
def test_times_count_from_the_track_and_its_offset_is_added(
    offset_s: float, start_ms: int, recording: Callable[..., Recording]
) -> None:
    words, _ = read_words(recording(HELLO, offset_s=offset_s), policy="optional")
    assert words is not None
    assert words[0].start_ms == start_ms


def test_a_word_in_double_brackets_is_not_surely_heard(recording: Callable[..., Recording]) -> None:
    said = [("((yeah))", 1), ("((so)),", 2), ("(( ))", 3), ("(uh)", 4)]
    document = [{"word": word, "start_s": at, "end_s": at + 0.25} for word, at in said]
    words, _ = read_words(recording(document), policy="optional")
    assert words is not None
    assert [(word.word, word.marks) for word in words] == [
        ("yeah", ("unsure",)),
        ("so,", ("unsure",)),
        ("[unintelligible]", ("noise", "unsure")),
        ("(uh)", ()),
    ]


def test_words_come_in_the_order_of_their_file(recording: Callable[..., Recording]) -> None:
    words, _ = read_words(recording(HELLO[::-1]), policy="optional")
    assert words is not None
    assert [word.word for word in words] == ["there", "hello"]


def test_under_policy_none_no_file_is_opened(recording: Callable[..., Recording]) -> None:
    assert read_words(recording("no json at all"), policy="none") == (None, None)


def test_under_policy_required_both_tracks_need_words(recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording(HELLO), "required")
    assert reason == "words_missing"
    assert detail.endswith(
        "no words_uri, and --words required asks for both; add it to the manifest or run with --words optional"
    )


def test_a_named_file_that_is_missing_is_refused_under_either_policy(tmp_path: Path) -> None:
    uri = str(tmp_path / "none.json")
    a, b = (Track(f"s-{name}", f"{name}.wav", words_uri=uri) for name in "ab")
    for policy in ("optional", "required"):
        reason, detail = refusal(Recording("call-1", a=a, b=b), policy)
        assert reason == "words_missing"
        assert detail.startswith(f"{uri}: the word file cannot be read (")


def test_a_word_file_at_a_place_that_is_never_reached_is_refused() -> None:
    a = Track("s-anna", "a.wav", words_uri="ftp://host/a.json")
    assert refusal(Recording("call-1", a=a, b=Track("s-ben", "b.wav")))[0] == "words_missing"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("{", "not valid JSON ("),
        ("hello there", "is no transcript of a known format (it begins 'hello there'); known are words, whisperx"),
        ("[" * 100_000, "not valid JSON ("),
    ],
)
def test_a_file_that_is_no_transcript_is_refused(text: str, told: str, recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording(text))
    assert (reason, f"a.json: {told}" in detail) == ("words_invalid", True), detail


def test_a_transcript_that_cannot_be_used_costs_its_words_where_none_are_required(
    recording: Callable[..., Recording],
) -> None:
    found = read_transcripts(recording("hello there"), policy="optional", bear_faults=True)
    assert found.words == {"a": None, "b": None}
    assert "a.json: is no transcript of a known format" in found.faults["a"]
    given = replace(recording("hello there"), b=Track("s-ben", "b.wav", words_uri=recording(HELLO).a.words_uri))
    with pytest.raises(RejectError):
        read_transcripts(
            replace(given, a=replace(given.a, words_uri="/nowhere.json")), policy="optional", bear_faults=True
        )
    (Path(str(given.a.words_uri))).write_text("hello there")
    with pytest.raises(RejectError):
        read_transcripts(given, policy="required", bear_faults=True)


def test_faults_are_named_with_their_place(recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording([HELLO[0], {"word": "there", "start_s": 2.0, "end_s": 1.0}]))
    assert reason == "words_invalid"
    assert "a.json: [1].end_s: found 1.0, before start_s (2.0)" in detail


def test_a_fault_of_the_whole_file_names_no_place(recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording('{"words": []}'))
    assert reason == "words_invalid"
    assert "a.json: timing: is missing; add it (" in detail


def test_of_many_faults_three_are_shown(recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording([{"word": "", "start_s": 0, "end_s": 1}] * 10))
    assert reason == "words_invalid"
    assert detail.count(".word: ") == 3
    assert detail.endswith(" and 7 more")


# --- what no schema sees --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"word": "a", "word": "b", "start_s": 0, "end_s": 1}]', 'gives the field "word" twice in one object'),
        ('[{"word": "a", "start_s": 0, "end_s": 1, "x_1": {"start_s": 1, "start_s": 2}}]', 'the field "start_s" twice'),
        ('[{"word": "a", "start_s": NaN, "end_s": 1}]', "it holds NaN"),
        ('[{"word": "a", "start_s": 0, "end_s": 1e999}]', "holds the number 1e999, which is too large"),
        ("[" * 200 + "]" * 200, "is nested too deeply"),
    ],
)
def test_json_that_can_be_read_in_two_ways_is_refused(
    text: str, told: str, recording: Callable[..., Recording]
) -> None:
    reason, detail = refusal(recording(text))
    assert (reason, told in detail) == ("words_invalid", True), detail


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_of_json_are_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(json.dumps([{**HELLO[0], "word": "héllo"}], ensure_ascii=False).encode(encoding))
    recording = Recording("c", a=Track("s", "a.wav", words_uri=str(tmp_path / "a.json")), b=Track("t", "b.wav"))
    words, _ = read_words(recording, policy="optional")
    assert words == (Word("héllo", 500, 900, 0.75),)


@pytest.mark.parametrize("factor", [1000, 8000, 1e7])
@pytest.mark.parametrize("words", [1, 2, 200])
def test_times_that_are_no_seconds_are_named(factor: float, words: int, recording: Callable[..., Recording]) -> None:
    said = [{"word": "w", "start_s": k * factor, "end_s": (k + 0.25) * factor} for k in range(words)]
    reason, detail = refusal(recording(said))
    assert reason == "words_invalid"
    assert (
        f"half of the words last {0.25 * factor:g} s and longer: the times look like milliseconds or samples" in detail
    )


def test_a_few_long_entries_are_no_fault(recording: Callable[..., Recording]) -> None:
    said = [*HELLO, {"word": "[music]", "start_s": 5, "end_s": 300}]
    words, _ = read_words(recording(said), policy="optional")
    assert words is not None
    assert len(words) == 3


@pytest.mark.parametrize("times", [2, 3])
def test_a_list_that_was_written_twice_is_refused(times: int, recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording(HELLO * times))
    assert reason == "words_invalid"
    assert (
        f"{2 * times - 2} of the {2 * times} words stand there more than once with the same times, 'hello' at 0.5 s first"
        in detail
    )


def test_a_word_or_two_that_a_recogniser_gave_twice_stay(recording: Callable[..., Recording]) -> None:
    said = [{"word": "no", "start_s": k, "end_s": k + 0.5} for k in range(20)]
    words, _ = read_words(recording([*said, said[3], {"word": "x", "start_s": 9, "end_s": 9}] * 1), policy="optional")
    assert words is not None
    assert len(words) == 22


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"start_s": "0.5"}, '[0].start_s: found "0.5", expected a number; write it without quotes'),
        ({"confidence": 97}, "[0].confidence: found 97, expected a number from 0 to 1"),
        ({"start_s": -0.5}, "[0].start_s: found -0.5, expected a number from 0 to 1000000"),
        ({"end_s": 0.25}, "[0].end_s: found 0.25, before start_s (0.5); correct one of them"),
    ],
)
def test_faults_of_a_word_are_said(changes: dict[str, Any], told: str, recording: Callable[..., Recording]) -> None:
    reason, detail = refusal(recording([{**HELLO[0], **changes}]))
    assert (reason, told in detail) == ("words_invalid", True), detail


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[" * 100_000, "not valid JSON"),
        (b"[" + b"1," * 300_000 + b"1]", "lists 300001 words, up to 250000 are read"),
        (b" " * (17 << 20), "and up to 16777216 are read"),
    ],
)
def test_a_word_file_is_read_within_bounds(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "words.json").write_bytes(content)
    a = Track("s-anna", "a.wav", words_uri=str(tmp_path / "words.json"))
    with pytest.raises(RejectError, match=told) as raised:
        read_words(Recording("call", a, Track("s-bert", "b.wav")), policy="optional")
    assert raised.value.reason == "words_invalid"


def test_a_word_file_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "words.json")
    a = Track("s-anna", "a.wav", words_uri=str(tmp_path / "words.json"))
    with pytest.raises(RejectError, match="is a FIFO"):
        read_words(Recording("call", a, Track("s-bert", "b.wav")), policy="optional")


# --- transcripts of other programs ----------------------------------------------------------------------------------


def test_a_transcript_of_another_program_is_read_for_the_channel_of_each_track(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(given.DEEPGRAM))
    a = Track("s-anna", "call.wav", channel=1, offset_s=0.5, words_uri=str(path))
    b = Track("s-ben", "call.wav", channel=0, words_uri=str(path))
    assert read_words(Recording("call", a=a, b=b), policy="required") == (
        (Word("yes", 2000, 2200, 1),),
        (Word("Hello", 400, 800, 0.99), Word("there.", 800, 1200, 0.9)),
    )


def test_utterance_times_marks_and_the_transcribed_stretch_come_with_the_words(tmp_path: Path) -> None:
    path = tmp_path / "fe_03_00001.txt"
    path.write_text(given.FISHER)
    a = Track("s-anna", "a.wav", offset_s=1.0, words_uri=str(path), words_channel="A")
    found = read_transcripts(Recording("call", a=a, b=Track("s-ben", "b.wav")), policy="optional")
    assert found.words["a"] is not None
    assert [word.timing for word in found.words["a"]] == ["utterance"] * 4
    assert [word.marks for word in found.words["a"]] == [(), ("partial",), ("laughter",), ()]
    assert found.transcribed == {"a": (Span(4760, 9000),), "b": None}


def test_a_words_file_of_both_speakers_says_whose_they_are(tmp_path: Path) -> None:
    path = tmp_path / "both.json"
    path.write_text(json.dumps({"a": HELLO}))
    a, b = (Track(f"s-{name}", f"{name}.wav", words_uri=str(path)) for name in "ab")
    assert read_words(Recording("call", a=a, b=b), policy="optional") == (
        (Word("hello", 500, 900, 0.75), Word("there", 1000, 1250, None)),
        None,
    )
    assert refusal(Recording("call", a=a, b=b), "required") == ("words_missing", f"{path}: has no words of b")
    path.write_text(json.dumps({"a": HELLO, "b": [{"word": "x", "start_s": 2, "end_s": 1}]}))
    reason, detail = refusal(Recording("call", a=a, b=b))
    assert (reason, f"{path}: b: [0]" in detail) == ("words_invalid", True)


def test_a_transcript_of_which_nobody_says_whose_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "call.srt"
    path.write_text(given.SRT)
    tracks = [Track(f"s-{name}", f"{name}.wav", words_uri=str(path)) for name in "ab"]
    reason, detail = refusal(Recording("call", a=tracks[0], b=tracks[1]))
    assert (reason, "'Anna', 'Ben': name one with words_channel" in detail) == ("words_invalid", True)


def test_a_transcript_of_more_words_than_are_read_is_refused_as_a_words_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.json"
    path.write_text(json.dumps(given.DEEPGRAM))
    rules = replace(load_rules(FilesRules), max_words=1)
    monkeypatch.setattr(
        "duologue_pipeline.words.files.load_rules", lambda kind: rules if kind is FilesRules else load_rules(kind)
    )
    a = Track("s-anna", "call.wav", channel=0, words_uri=str(path))
    b = Track("s-ben", "call.wav", channel=1, words_uri=str(path))
    reason, detail = refusal(Recording("call", a=a, b=b))
    assert (reason, "lists 2 words, up to 1 are read" in detail) == ("words_invalid", True)
