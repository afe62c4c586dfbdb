"""Files that are damaged, in another encoding or made to do harm: refused in a sentence, or read without loss."""

import copy
import json
import re
import time
from typing import Any

import pytest

from duologue_pipeline.transcripts.formats import read_transcript
from duologue_pipeline.transcripts.model import Transcript, TranscriptError
from tests.pipeline.transcripts import support as given
from tests.pipeline.transcripts.support import read, rows, source

JSON_FILES = {
    "whisper": given.WHISPER,
    "whisperx": given.WHISPERX,
    "aws": given.AWS,
    "deepgram": given.DEEPGRAM,
    "assemblyai": given.ASSEMBLYAI,
    "google": given.GOOGLE,
    "azure": given.AZURE,
    "fast": given.AZURE_FAST,
    "moshi": given.MOSHI,
    "nu": given.NU_DIALOGUE,
    "seglst": given.SEGLST,
}
TEXT_FILES = {
    "textgrid": given.TEXTGRID,
    "short": given.TEXTGRID_SHORT,
    "eaf": given.EAF,
    "chat": given.CHAT,
    "srt": given.SRT,
    "vtt": given.VTT,
    "ms98": given.MS98_WORDS,
    "fisher": given.FISHER,
    "ctm": given.CTM,
    "stm": given.STM,
    "nemo": given.NEMO,
}


def refusal(content: Any, **more: Any) -> str:
    with pytest.raises(TranscriptError) as raised:
        read(content, **more)
    return str(raised.value)


def tried(content: Any) -> Transcript | None:
    """What a file gives, None where it is refused; the refusal is a sentence and no dump of the file."""
    message = ""
    try:
        return read_transcript(source(content))
    except TranscriptError as error:
        message = str(error)
    assert 0 < len(message) < 600
    return None


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value and container of a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in parts for place in leaves(part, (*path, key)))]


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), -5, "later", [], {}, True, 1e300], ids=str)
def test_any_value_may_be_anything_and_nothing_crashes(name: str, bad: Any) -> None:
    for place in leaves(JSON_FILES[name]):
        document = copy.deepcopy(JSON_FILES[name])
        at: Any = {"": document}
        for key in ("", *place)[:-1]:
            at = at[key]
        at[("", *place)[-1]] = bad
        found = tried(bad if not place else document)
        for word in (word for stream in found.streams for word in stream.words) if found else ():
            assert 0 <= word.start_s <= word.end_s <= 1_000_000
            assert word.word.strip() == word.word != ""


@pytest.mark.parametrize("name", TEXT_FILES)
def test_a_text_may_be_cut_off_anywhere_and_nothing_crashes(name: str) -> None:
    text = TEXT_FILES[name]
    for end in range(0, len(text), 7):
        tried(text[:end])


@pytest.mark.parametrize("cut", [120, 300, 500, 700])
def test_a_textgrid_that_is_cut_off_is_refused_and_never_read_in_part(cut: int) -> None:
    assert "damaged" in refusal(given.TEXTGRID[:cut] if cut < 700 else given.TEXTGRID[:-60])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b"hello there", "is no transcript of a known format (it begins 'hello there'); known are words, whisperx"),
        (b'{"segments": [', "not valid JSON"),
        (b"\x00\x01\x02\x03", "is no transcript of a known format"),
        ("你好".encode("gbk"), "import it with its encoding"),
        ({"segments": [{"start": 2, "end": 1, "text": "no"}]}, "ends at 1 s, before it begins (2 s)"),
        ({"segments": [{"start": None, "end": None, "text": "no"}]}, "has text and no times"),
        ({"segments": [{"start": -3.0, "end": 1, "text": "no"}]}, "found -3 s, before the audio begins"),
        ({"segments": [{"start": "soon", "end": 1, "text": "no"}]}, "found 'soon', expected a time in seconds"),
        ([{"speaker": "C", "word": "x", "start": 0, "end": 1}], "found 'C', expected A or B"),
        ("rec A 0.1 0.2 so\nrec A x 0.2 so\n", "is no transcript of a known format"),
        (given.EAF.replace("<ANNOTATION_DOCUMENT", "<!DOCTYPE a><ANNOTATION_DOCUMENT"), "declares entities"),
        (given.EAF.replace(' TIME_VALUE="1500"', "").replace(' TIME_VALUE="2500"', ""), "no time slot has a value"),
        (given.CHAT.replace("\x15", ""), "no utterance has a time"),
        (given.SRT.replace("--> 00:00:02,500", "--> 0:0:0:0"), "expected"),
        (given.SRT.replace("00:00:02,500", "00:00:00,500"), "ends at 0.5 s, before it begins (1 s)"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_and_why(content: Any, told: str) -> None:
    assert told in refusal(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["textgrid", "srt", "chat", "ctm"])
def test_unicode_in_any_form_is_read(encoding: str, name: str) -> None:
    assert read(TEXT_FILES[name].encode(encoding)) == read(TEXT_FILES[name])


def test_another_encoding_is_read_when_it_is_named() -> None:
    text = "1.0 2.0 A: 你 好\n"
    assert rows(read(text.encode("gbk"), encoding="gbk")) == [("你", 1.0, 1.5), ("好", 1.5, 2.0)]
    assert "is no encoding" in refusal(text.encode("gbk"), encoding="klingon")
    assert "is not utf-8" in refusal(text.encode("gbk"), encoding="utf-8")


def test_windows_line_ends_change_nothing() -> None:
    for text in TEXT_FILES.values():
        assert read(text.replace("\n", "\r\n")) == read(text)


def test_words_out_of_order_are_sorted_and_a_confidence_that_is_none_is_left_out() -> None:
    document = copy.deepcopy(given.DEEPGRAM)
    channels: Any = document["results"]
    words = channels["channels"][0]["alternatives"][0]["words"]
    words.reverse()
    words[0]["confidence"] = float("nan")
    found = read(document)
    assert rows(found) == [("Hello", 0.4, 0.8), ("there.", 0.8, 1.2)]
    assert [word.confidence for word in found.streams[0].words] == [0.99, None]


def test_a_large_file_is_read_in_reasonable_time() -> None:
    words = [{"word": f"w{k}", "start": k * 0.3, "end": k * 0.3 + 0.2, "confidence": 0.9} for k in range(30_000)]
    document = {"results": {"channels": [{"alternatives": [{"words": words}]}]}}
    began = time.process_time()
    assert len(read(json.dumps(document)).streams[0].words) == 30_000
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "text", ["(" * 10_000, "[" * 10_000, "<" * 10_000, "a:" * 10_000, "&=" * 10_000, "1 " * 10_000]
)
def test_no_text_makes_a_pattern_run_away(text: str) -> None:
    began = time.process_time()
    for frame in ("1.0 2.0 A: {}\n", "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n", "rec A spk 1.0 2.0 {}\n", "{}"):
        tried(frame.format(text))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("name", [*TEXT_FILES, *JSON_FILES])
@pytest.mark.parametrize("number", ["9" * 400, "1e999"])
def test_any_number_may_be_larger_than_a_number_can_be(name: str, number: str) -> None:
    text = TEXT_FILES[name] if name in TEXT_FILES else json.dumps(JSON_FILES[name])
    for place in re.finditer(r"\d+(\.\d+)?", text):
        tried(text[: place.start()] + number + text[place.end() :])


def test_an_eaf_may_name_any_encoding_as_its_own_is_told_from_its_bytes() -> None:
    text = given.EAF.replace("UTF-8", "ISO-8859-1").replace(">so<", ">s\u00f3<")
    for content in (text, text.encode("latin-1")):
        found = read_transcript(source(content, encoding="latin-1" if isinstance(content, bytes) else None))
        assert "s\u00f3" in [word.word for stream in found.streams for word in stream.words]
    assert tried(given.EAF.replace("UTF-8", "no-such-encoding")) is not None
