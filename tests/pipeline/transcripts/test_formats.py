"""Every format: recognised by its content, with its words, times and channels."""

import json
from typing import Any

import pytest

from duologue_pipeline.transcripts.formats import FORMATS
from duologue_pipeline.transcripts.model import TranscriptError
from duologue_pipeline.transcripts.names import FORMAT_NAMES
from duologue_pipeline.transcripts.spoken import Token, bare
from tests.pipeline.transcripts import support as given
from tests.pipeline.transcripts.support import Row, read, rows, timings

HELLO_THERE: list[Row] = [("Hello", 0.44, 0.812), ("there", 0.812, 1.21)]


def test_the_names_of_the_formats_are_those_of_the_registry() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize(
    ("name", "content", "separation", "channels", "names", "words"),
    [
        ("whisper", given.WHISPER, "track", [None], [""], [4]),
        ("whisperx", given.WHISPERX, "track", [None], [""], [4]),
        ("chunks", given.CHUNKS, "track", [None], [""], [3]),
        ("aws", given.AWS, "channel", [0, 1], ["", ""], [2, 1]),
        ("deepgram", given.DEEPGRAM, "channel", [0, 1], ["", ""], [2, 1]),
        ("assemblyai", given.ASSEMBLYAI, "channel", [0, 1], ["", ""], [2, 1]),
        ("google", given.GOOGLE, "channel", [0, 1], ["", ""], [2, 1]),
        ("azure", given.AZURE, "channel", [0, 1], ["", ""], [2, 2]),
        ("azure", given.AZURE_FAST, "channel", [0, 1], ["", ""], [1, 1]),
        ("moshi", given.MOSHI, "channel", [0], [""], [2]),
        ("nu-dialogue", given.NU_DIALOGUE, "channel", [0, 1], ["", ""], [2, 1]),
        ("seglst", given.SEGLST, "name", [None, None], ["Alice", "Bob"], [2, 1]),
        ("nemo", given.NEMO, "track", [None], [""], [3]),
        ("textgrid", given.TEXTGRID, "name", [None, None], ["Doctor", "words"], [6, 1]),
        ("textgrid", given.TEXTGRID_SHORT, "track", [None], ["Patient"], [1]),
        ("eaf", given.EAF, "name", [None, None], ["W", "B"], [2, 3]),
        ("chat", given.CHAT, "name", [None, None], ["ANN", "BEN"], [6, 6]),
        ("srt", given.SRT, "name", [None, None], ["Anna", "Ben"], [2, 3]),
        ("vtt", given.VTT, "name", [None, None], ["Anna", "Ben"], [2, 2]),
        ("ms98", given.MS98_WORDS, "channel", [0], ["A"], [8]),
        ("fisher", given.FISHER, "channel", [0, 1], ["A", "B"], [4, 7]),
        ("ctm", given.CTM, "channel", [0, 1], ["A", "B"], [2, 2]),
        ("stm", given.STM, "channel", [0, 1], ["1", "2"], [2, 1]),
    ],
)
def test_what_a_file_of_each_format_gives(
    name: str, content: Any, separation: str, channels: list[int | None], names: list[str], words: list[int]
) -> None:
    found = read(content, name)
    assert (found.format, found.separation) == (name, separation)
    assert [stream.channel for stream in found.streams] == channels
    assert [stream.name for stream in found.streams] == names
    assert [len(stream.words) for stream in found.streams] == words


def test_chunks_with_an_open_end_are_words_and_phrases_share_their_time() -> None:
    assert rows(read(given.CHUNKS)) == [("Yes,", 3.36, 3.9), ("it", 4.46, 4.69), ("is", 4.69, 4.69)]
    phrase = read({"text": "so it is", "chunks": [{"text": " so it is", "timestamp": [1.0, 2.0]}]})
    assert [word.timing for word in phrase.streams[0].words] == ["utterance"] * 3
    assert phrase.notes


@pytest.mark.parametrize("stamp", [None, [1.0], [None, 2.0], "1-2"])
def test_chunks_without_times_are_refused(stamp: Any) -> None:
    with pytest.raises(TranscriptError, match=r"chunks\[0\].timestamp"):
        read({"text": "so", "chunks": [{"text": "so", "timestamp": stamp}]})


# --- units and order ------------------------------------------------------------------------------------------------


def test_whisper_words_lose_the_leading_blank_and_keep_case_and_punctuation() -> None:
    found = read(given.WHISPER)
    assert rows(found) == [("So", 0.5, 0.8), ("uh", 0.9, 1.1), ("the", 1.2, 1.3), ("car.", 1.3, 2.0)]
    assert [word.confidence for word in found.streams[0].words] == [0.9, 0.4, 0.99, 0.98]


def test_whisper_timestamped_and_a_bare_list_of_segments_are_read() -> None:
    segment = {
        "start": 1,
        "end": 2,
        "text": "hi",
        "words": [{"text": "hi", "start": 1.1, "end": 1.4, "confidence": 0.5}],
    }
    for document in ({"text": "hi", "segments": [segment]}, [segment]):
        assert rows(read(document, "whisper")) == [("hi", 1.1, 1.4)]


def test_whisper_without_word_times_has_utterance_times_and_says_what_to_do() -> None:
    found = read({"segments": [{"start": 1.0, "end": 3.0, "text": " ab abc"}]}, "whisper")
    assert rows(found) == [("ab", 1.0, 1.8), ("abc", 1.8, 3.0)]
    assert timings(found) == ["utterance", "utterance"]
    assert found.notes == ("1 segments have no word times: recognise with --word_timestamps True to have them",)


@pytest.mark.parametrize(
    ("document", "format"),
    [
        ({"text": "", "segments": [], "language": "en"}, "whisper"),
        ({"segments": [], "word_segments": [], "language": "en"}, "whisperx"),
    ],
)
def test_who_says_nothing_has_a_transcript_without_words(document: dict[str, Any], format: str) -> None:
    found = read(document, format)
    assert [stream.words for stream in found.streams] == [()]


def test_whisperx_places_numbers_between_their_neighbours() -> None:
    found = read(given.WHISPERX)
    assert rows(found) == [("It", 1.0, 1.2), ("costs", 1.2, 1.6), ("58.", 1.6, 2.4), ("Okay?", 2.4, 3.0)]
    assert timings(found) == ["word", "word", "interpolated", "word"]
    assert found.streams[0].timing == "word"


@pytest.mark.parametrize(
    ("content", "first", "second"),
    [
        (given.AWS, [("Hello", 4.86, 5.01), ("there", 5.2, 6.0)], [("Yes", 8.5, 8.89)]),
        (given.DEEPGRAM, [("Hello", 0.4, 0.8), ("there.", 0.8, 1.2)], [("yes", 1.5, 1.7)]),
        (given.ASSEMBLYAI, HELLO_THERE, [("Hi.", 0.9, 1.1)]),
        (given.GOOGLE, [("hello", 0.0, 0.3), ("there", 1.3, 1.5)], [("yes", 2.0, 2.25)]),
        (given.AZURE, [("hello", 0.09, 0.57), ("world", 0.59, 1.09)], [("oh", 2.0, 2.4), ("yes", 2.4, 3.0)]),
        (given.AZURE_FAST, [("Yes.", 0.7, 1.0)], [("Hi.", 0.04, 0.28)]),
        (given.NU_DIALOGUE, [("はい", 0.5, 0.9), ("です", 0.9, 1.2)], [("そう", 0.7, 1.0)]),
        (given.CTM, [("so", 0.1, 0.18), ("uh", 0.2, 0.2)], [("yeah", 1.0, 1.5), ("[laughter]", 2.0, 2.5)]),
    ],
)
def test_times_are_seconds_whatever_the_file_counts_in(content: Any, first: list[Row], second: list[Row]) -> None:
    found = read(content)
    assert (rows(found, 0), rows(found, 1)) == (first, second)


def test_azure_phrases_without_words_have_utterance_times() -> None:
    found = read(given.AZURE)
    assert (timings(found, 0), timings(found, 1)) == (["word", "word"], ["utterance", "utterance"])


def test_google_reads_protobuf_times_and_the_last_result_of_a_diarized_answer() -> None:
    word = {"word": "hi", "start_time": {"seconds": 1, "nanos": 500000000}, "end_time": {"seconds": 2}}
    assert rows(read({"results": [{"alternatives": [{"words": [word]}]}]}, "google")) == [("hi", 1.5, 2.0)]
    speakers = [{**word, "speakerTag": tag} for tag in (1, 2)]
    results = [{"alternatives": [{"words": [word]}]}, {"alternatives": [{"words": speakers}]}]
    found = read({"results": results}, "google")
    assert (found.separation, len(found.streams[0].words)) == ("diarized", 2)


def test_nemo_adds_the_offset_and_names_the_audio_file() -> None:
    found = read(given.NEMO)
    assert rows(found) == [("hello", 3.0, 4.25), ("you", 4.25, 5.0), ("yes", 6.2, 6.5)]
    assert timings(found) == ["utterance", "utterance", "word"]
    assert found.streams[0].recording == "call"


# --- marks ----------------------------------------------------------------------------------------------------------


def test_nemo_never_puts_two_files_of_one_name_together() -> None:
    lines = [
        {"audio_filepath": f"{side}/0001.wav", "duration": 1, "text": text}
        for side, text in (("agent", "hello"), ("caller", "yes"), ("agent", "bye"))
    ]
    found = read("\n".join(map(json.dumps, lines)), "nemo")
    assert {each.recording: [word.word for word in each.words] for each in found.streams} == {
        "agent/0001": ["hello", "bye"],
        "caller/0001": ["yes"],
    }


def test_aws_reads_what_names_the_channel_of_each_item() -> None:
    def item(channel: str, text: str, start: float) -> dict[str, Any]:
        return {"ChannelLabel": channel, "Content": text, "StartTime": start, "EndTime": start + 0.5, "Confidence": 0.9}

    mark = {"ChannelLabel": "ch_1", "Content": ".", "Type": "punctuation"}
    found = read(
        {
            "Items": [
                item("ch_1", "yes", 1.0),
                mark,
                item("ch_0", "so", 0.5),
                {**item("", "eh", 3), "ChannelLabel": None},
            ]
        },
        "aws",
    )
    assert [(each.channel, [word.word for word in each.words]) for each in found.streams] == [(0, ["so"]), (1, ["yes"])]
    assert found.notes == ("1 items name no channel and are left out",)
    said = [
        {"start_time": "0.1", "end_time": "0.4", "speaker_label": f"spk_{k}", "alternatives": [{"content": "hm"}]}
        for k in (0, 1)
    ]
    assert read({"results": {"transcripts": [], "items": said}}, "aws").separation == "diarized"
    assert read({"results": {"transcripts": [], "items": said[:1]}}, "aws").separation == "track"
    with pytest.raises(TranscriptError, match="expected ch_0 or ch_1"):
        read({"Items": [item("left", "so", 0.5)]}, "aws")


def test_azure_with_words_on_the_second_channel_alone_keeps_the_channel() -> None:
    phrase = {"channel": 1, "offsetInTicks": 0, "durationInTicks": 10_000_000, "nBest": [{"lexical": "hello"}]}
    found = read({"recognizedPhrases": [phrase]}, "azure")
    assert (found.separation, [each.channel for each in found.streams]) == ("channel", [1])


CUE = "{}\n00:00:0{},000 --> 00:00:0{},500\n{}\n\n"


def test_text_outside_of_cues_is_told() -> None:
    found = read(CUE.format(1, 1, 1, "hello") + "there and then\n\n" + CUE.format(2, 3, 3, "yes"), "srt")
    assert [row[0] for row in rows(found)] == ["hello", "yes"]
    assert "stand in no cue and are left out, the first in line 5" in found.notes[0]
    head = "WEBVTT - a call\n\nNOTE by hand\n\nSTYLE\n::cue {}\n\n"
    assert read(head + CUE.format(1, 1, 1, "hello").replace(",", "."), "vtt").notes == ()


def test_who_says_a_colon_now_and_then_is_no_name() -> None:
    cues = ["hello there", "the thing is: no", "yes"]
    text = "".join(CUE.format(place, place, place, cue) for place, cue in enumerate(cues, 1))
    found = read(text, "srt")
    assert found.separation == "track"
    assert [row[0] for row in rows(found)] == ["hello", "there", "the", "thing", "is:", "no", "yes"]
    named = "".join(CUE.format(place, place, place, f"Ann: {cue}") for place, cue in enumerate(cues, 1))
    assert read(named, "srt").streams[0].name == "Ann"


def test_tags_of_a_textgrid_become_marks() -> None:
    found = read(given.TEXTGRID).streams[0]
    assert [(word.word, word.marks) for word in found.words] == [
        ("Hello", ()),
        ("are", ("unsure",)),
        ("you", ("unsure",)),
        ('"well"', ()),
        ("[unintelligible]", ("noise", "unsure")),
        ("okay", ()),
    ]
    assert found.timing == "utterance"
    assert read(given.TEXTGRID).streams[1].timing == "word"


def test_points_of_a_textgrid_are_left_out_and_told() -> None:
    assert read(given.TEXTGRID_SHORT).notes == ("tiers of points are left out: 'clicks'",)


def test_slots_of_elan_without_a_value_lie_between_their_neighbours_and_media_that_begin_later_count() -> None:
    found = read(given.EAF)
    assert rows(found, 0) == [("so", 1.0, 1.5), ("well", 1.5, 2.0)]
    assert timings(found, 0) == ["interpolated", "interpolated"]
    assert timings(found, 1) == ["utterance"] * 3


def test_chat_keeps_fillers_fragments_repetitions_and_laughter() -> None:
    found = read(given.CHAT)
    ann, ben = found.streams
    assert [(word.word, word.marks) for word in ann.words] == [
        ("uh", ()),
        ("I", ()),
        ("I", ()),
        ("go", ()),
        ("[laughter]", ("laughter",)),
        ("okay", ()),
    ]
    assert ann.words[-1].timing == "interpolated"
    assert (ann.words[-1].start_s, ann.words[-1].end_s) == (3.0, 3.0), "the other's times say nothing about hers"
    assert [(word.word, word.start_s, word.end_s, word.timing) for word in ben.words] == [
        ("well", 3.0, 3.4, "word"),
        ("th-", 3.4, 3.6, "interpolated"),
        ("because", 3.6, 4.0, "word"),
        ("[unintelligible]", 4.0, 4.5, "interpolated"),
        ("yes", 4.5, 5.0, "word"),
        ("bye", 6.0, 6.5, "utterance"),
    ]


def test_switchboard_tokens_become_words() -> None:
    assert [(word.word, word.marks) for word in read(given.MS98_WORDS).streams[0].words] == [
        ("hi", ()),
        ("[laughter-um]", ("laughter",)),
        ("ab-", ("partial",)),
        ("lem-", ("partial",)),
        ("y", ("partial",)),
        ("them", ()),
        ("coinage", ()),
        ("[vocalized-noise]", ("noise",)),
    ]


@pytest.mark.parametrize(
    ("text", "word", "marks"),
    [
        ("((yeah))", "yeah", ("unsure",)),
        ("((th-)).", "th-.", ("partial", "unsure")),
        ("((  ))", "[unintelligible]", ("noise", "unsure")),
        ("(((laughs)))", "[laughter]", ("laughter", "unsure")),
        ("((yeah", "((yeah", ()),
    ],
)
def test_one_token_in_double_brackets_is_unsure(text: str, word: str, marks: tuple[str, ...]) -> None:
    assert bare(text) == Token(word, marks)


def test_fisher_has_unsure_words_continued_lines_and_a_transcribed_stretch() -> None:
    found = read(given.FISHER)
    a, b = found.streams
    assert [(word.word, word.marks) for word in a.words] == [
        ("and", ()),
        ("i-", ("partial",)),
        ("[laughter]", ("laughter",)),
        ("generally", ()),
    ]
    assert [(word.word, word.marks) for word in b.words] == [
        ("yes", ("unsure",)),
        ("i", ("unsure",)),
        ("do", ()),
        ("um", ()),
        ("hello", ()),
        ("and", ()),
        ("more", ()),
    ]
    assert a.transcribed == b.transcribed == ((3.76, 8.0),)
    assert found.notes == (
        "other people speak on a side (B1); their words stand with that side's",
        "1 utterances end before they begin and are left out",
    )


def test_subtitles_with_stamps_have_word_times() -> None:
    found = read(given.VTT)
    assert rows(found, 0) == [("Hello", 1.0, 1.833), ("welcome", 1.833, 3.0)]
    assert rows(found, 1) == [("So", 4.0, 5.0), ("well", 5.0, 6.0)]
    assert (timings(found, 0), timings(found, 1)) == (["utterance"] * 2, ["word"] * 2)


def test_stm_with_several_speakers_of_one_channel_keeps_them_apart_by_name() -> None:
    found = read("rec 1 Alice 0 1 so\nrec 1 Bob 0.5 2 yes yes\n", "stm")
    assert (found.separation, [stream.name for stream in found.streams]) == ("name", ["Alice", "Bob"])


def test_a_ctm_of_one_channel_is_of_one_track() -> None:
    found = read("rec 0 0.10 0.08 so\nrec 0 0.18 0.02 of 0.8\n", "ctm")
    assert (found.separation, found.streams[0].channel, found.streams[0].recording) == ("track", None, "rec")
