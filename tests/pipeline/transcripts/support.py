"""Small files as other programs write them, made by hand after their documentation; no byte is anybody's recording."""

import json
from typing import Any

from duologue_pipeline.transcripts.formats import format_of, read_transcript
from duologue_pipeline.transcripts.model import Transcript
from duologue_pipeline.transcripts.source import Source

Row = tuple[str, float, float]


def source(content: Any, *, name: str = "call.json", encoding: str | None = None) -> Source:
    """A file of this content: bytes, text, or a JSON document."""
    if isinstance(content, str):
        content = content.encode()
    return Source(content if isinstance(content, bytes) else json.dumps(content).encode(), name, encoding)


def read(content: Any, expected: str | None = None, *, encoding: str | None = None) -> Transcript:
    """Reads it by its content alone, and checks as what it was recognised."""
    file = source(content, encoding=encoding)
    assert expected is None or format_of(file) == expected
    return read_transcript(file)


def rows(transcript: Transcript, stream: int = 0) -> list[Row]:
    """The words of a stream with their times."""
    return [(word.word, word.start_s, word.end_s) for word in transcript.streams[stream].words]


def timings(transcript: Transcript, stream: int = 0) -> list[str]:
    """Where the times of each word come from."""
    return [word.timing for word in transcript.streams[stream].words]


WHISPER = {
    "text": " So uh the car.",
    "segments": [
        {
            "id": 0,
            "start": 0.5,
            "end": 2.0,
            "text": " So uh the car.",
            "words": [
                {"word": " So", "start": 0.5, "end": 0.8, "probability": 0.9},
                {"word": " uh", "start": 0.9, "end": 1.1, "probability": 0.4},
                {"word": " the", "start": 1.2, "end": 1.3, "probability": 0.99},
                {"word": " car.", "start": 1.3, "end": 2.0, "probability": 0.98},
            ],
        }
    ],
    "language": "en",
}

WHISPERX = {
    "segments": [
        {
            "start": 1.0,
            "end": 3.0,
            "text": " It costs 58. Okay?",
            "words": [
                {"word": "It", "start": 1.0, "end": 1.2, "score": 0.9},
                {"word": "costs", "start": 1.2, "end": 1.6, "score": 0.8},
                {"word": "58."},
                {"word": "Okay?", "start": 2.4, "end": 3.0, "score": 0.7},
            ],
        }
    ],
    "word_segments": [],
    "language": "en",
}


def _aws_item(channel: str, text: str, start: str, end: str) -> dict[str, Any]:
    return {
        "channel_label": channel,
        "start_time": start,
        "end_time": end,
        "alternatives": [{"confidence": "0.98", "content": text}],
        "type": "pronunciation",
    }


_COMMA = {"channel_label": "ch_0", "alternatives": [{"confidence": "0.0", "content": ","}], "type": "punctuation"}

CHUNKS = {
    "text": " Yes, it is",
    "chunks": [
        {"text": " Yes,", "timestamp": [3.36, 3.9]},
        {"text": "it", "timestamp": [4.46, 4.69]},
        {"text": "is", "timestamp": [4.69, None]},
    ],
}
"""The pipeline of transformers with word times; Full-Duplex-Bench's output.json."""

AWS = {
    "jobName": "job",
    "accountId": "1",
    "results": {
        "transcripts": [{"transcript": "hello, yes"}],
        "channel_labels": {
            "channels": [
                {"channel_label": "ch_1", "items": [_aws_item("ch_1", "Yes", "8.5", "8.89")]},
                {
                    "channel_label": "ch_0",
                    "items": [
                        _aws_item("ch_0", "Hello", "4.86", "5.01"),
                        _COMMA,
                        _aws_item("ch_0", "there", "5.2", "6"),
                    ],
                },
            ],
            "number_of_channels": 2,
        },
    },
}

DEEPGRAM = {
    "metadata": {"channels": 2, "duration": 9.5},
    "results": {
        "channels": [
            {
                "alternatives": [
                    {
                        "transcript": "hello there",
                        "words": [
                            {"word": "hello", "punctuated_word": "Hello", "start": 0.4, "end": 0.8, "confidence": 0.99},
                            {"word": "there", "punctuated_word": "there.", "start": 0.8, "end": 1.2, "confidence": 0.9},
                        ],
                    }
                ]
            },
            {
                "alternatives": [
                    {"transcript": "yes", "words": [{"word": "yes", "start": 1.5, "end": 1.7, "confidence": 1}]}
                ]
            },
        ]
    },
}

ASSEMBLYAI = {
    "id": "x",
    "audio_duration": 10,
    "multichannel": True,
    "audio_channels": 2,
    "words": [
        {"text": "Hello", "start": 440, "end": 812, "confidence": 0.97, "channel": "1", "speaker": "1"},
        {"text": "Hi.", "start": 900, "end": 1100, "confidence": 0.9, "channel": "2", "speaker": "2"},
        {"text": "there", "start": 812, "end": 1210, "confidence": 0.95, "channel": "1", "speaker": "1"},
    ],
}

GOOGLE = {
    "results": [
        {
            "alternatives": [
                {
                    "transcript": "hello there",
                    "confidence": 0.9,
                    "words": [
                        {"endTime": "0.300s", "word": "hello"},
                        {"startTime": "1.300s", "endTime": "1.500s", "word": "there", "confidence": 0.8},
                    ],
                }
            ],
            "channelTag": 1,
            "languageCode": "en-us",
        },
        {
            "alternatives": [
                {"transcript": "yes", "words": [{"startOffset": "2s", "endOffset": "2.250s", "word": "yes"}]}
            ],
            "channelTag": 2,
        },
    ]
}

AZURE = {
    "source": "call.wav",
    "durationInTicks": 41200000,
    "combinedRecognizedPhrases": [],
    "recognizedPhrases": [
        {
            "recognitionStatus": "Success",
            "channel": 0,
            "offsetInTicks": 700000.0,
            "durationInTicks": 15900000.0,
            "nBest": [
                {
                    "confidence": 0.9,
                    "lexical": "hello world",
                    "words": [
                        {"word": "hello", "offsetInTicks": 900000.0, "durationInTicks": 4800000.0, "confidence": 0.98},
                        {"word": "world", "offsetInTicks": 5900000.0, "durationInTicks": 5000000.0, "confidence": 0.99},
                    ],
                }
            ],
        },
        {
            "channel": 1,
            "offsetInTicks": 20000000,
            "durationInTicks": 10000000,
            "nBest": [{"lexical": "oh yes", "display": "Oh, yes."}],
        },
    ],
}

AZURE_FAST = {
    "durationMilliseconds": 3000,
    "combinedPhrases": [{"channel": 0, "text": "Hi."}],
    "phrases": [
        {
            "channel": 1,
            "offsetMilliseconds": 40,
            "durationMilliseconds": 320,
            "text": "Hi.",
            "words": [{"text": "Hi.", "offsetMilliseconds": 40, "durationMilliseconds": 240}],
        },
        {"channel": 0, "offsetMilliseconds": 700, "durationMilliseconds": 300, "text": "Yes.", "words": []},
    ],
}

MOSHI = {"alignments": [["Hello", [0.5, 0.9], "SPEAKER_MAIN"], ["there", [0.9, 1.3], "SPEAKER_MAIN"]]}

NU_DIALOGUE = [
    {"speaker": "A", "word": "はい", "start": 0.5, "end": 0.9},
    {"speaker": "B", "word": "そう", "start": 0.7, "end": 1.0},
    {"speaker": "A", "word": "です", "start": 0.9, "end": 1.2},
]

SEGLST = [
    {"session_id": "rec", "speaker": "Alice", "words": "so well", "start_time": 1.0, "end_time": 2.0},
    {"session_id": "rec", "speaker": "Bob", "words": "yes", "start_time": "1.5", "end_time": "2.5"},
]

NEMO = (
    '{"audio_filepath": "/data/call.wav", "duration": 2.0, "offset": 3.0, "text": "hello you"}\n'
    '{"audio_filepath": "/data/call.wav", "duration": 1.0, "offset": 6.0, "text": "yes", '
    '"timestamps": {"word": [{"word": "yes", "start": 0.2, "end": 0.5}]}}\n'
)

TEXTGRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "Doctor"
        xmin = 0
        xmax = 5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 1
            text = ""
        intervals [2]:
            xmin = 1
            xmax = 3
            text = "Hello <UNSURE>are you</UNSURE> ""well"""
        intervals [3]:
            xmin = 3
            xmax = 5
            text = "<UNIN/> okay"
    item [2]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "yes"
        intervals [2]:
            xmin = 0.5
            xmax = 5
            text = ""
'''

TEXTGRID_SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
5
<exists>
2
"IntervalTier"
"Patient"
0
5
1
1.5
2
"yes"
"TextTier"
"clicks"
0
5
1
2.5
"x"
"""

EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
        <MEDIA_DESCRIPTOR MEDIA_URL="file:///call.wav" MIME_TYPE="audio/x-wav" TIME_ORIGIN="500"/>
    </HEADER>
    <TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1500"/>
        <TIME_SLOT TIME_SLOT_ID="ts2"/>
        <TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="2500"/>
    </TIME_ORDER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" PARTICIPANT="" TIER_ID="W">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
            <ANNOTATION_VALUE>so</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
            <ANNOTATION_VALUE>well</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
    <TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="B">
        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts3">
            <ANNOTATION_VALUE>yes I do</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    </TIER>
</ANNOTATION_DOCUMENT>
"""

CHAT = (
    "@UTF8\n@Begin\n@Languages:\teng\n@Participants:\tANN Adult, BEN Adult\n@Media:\tcall, audio\n"
    "*ANN:\t&-uh I [/] I go &=laughs . \x151000_3000\x15\n"
    "*BEN:\twell &+th (be)cause xxx\n\tyes ? \x153000_5000\x15\n"
    "%wor:\twell \x153000_3400\x15 because \x153600_4000\x15 yes \x154500_5000\x15 ?\n"
    "*ANN:\tokay .\n"
    "*BEN:\tbye . \x156000_6500\x15\n@End\n"
)

SRT = "1\n00:00:01,000 --> 00:00:02,500\nAnna: Hello there\n\n2\n00:01:02,000 --> 00:01:03,000\nBen: Yes, I know.\n"

VTT = (
    "WEBVTT\n\nNOTE made by hand\n\n00:01.000 --> 00:03.000\n<v Anna>Hello &amp; welcome</v>\n\n"
    "c2\n00:00:04.000 --> 00:00:06.000 align:start\n<v Ben>So<00:00:05.000> well</v>\n"
)

MS98_WORDS = (
    "sw2001A-ms98-a-0001 0.000000 0.977625 [silence]\n"
    "sw2001A-ms98-a-0002 0.977625 1.200000 hi\n"
    "sw2001A-ms98-a-0002 1.200000 1.500000 [laughter-um]\n"
    "sw2001A-ms98-a-0003 1.500000 1.900000 ab[solute]-\n"
    "sw2001A-ms98-a-0003 1.900000 2.100000 [lem[guini]-/linguini]\n"
    "sw2001A-ms98-a-0003 2.100000 2.300000 -[an]y\n"
    "sw2001A-ms98-a-0003 2.300000 2.500000 them_1\n"
    "sw2001A-ms98-a-0003 2.500000 2.700000 {coinage}\n"
    "sw2001A-ms98-a-0004 2.700000 2.900000 <b_aside>\n"
    "sw2001A-ms98-a-0004 2.900000 3.100000 [vocalized-noise]\n"
)

FISHER = (
    "# fe_03_00001.sph\n# Transcribed at the LDC\n\n"
    "3.76 5.54 A: and i- [laughter] generally\n\n"
    "5.10 6.52 B: ((yes i)) do %um\n\n"
    "7.00 8.00 B1: hello\n"
    "  and more\n\n"
    "9.00 8.50 A: a slip\n"
)

CTM = (
    ";; made by hand\nrec A 0.10 0.08 so 0.9\nrec A 0.20 0.00 uh 0.85\n"
    "rec B <ALT_BEGIN>\nrec B 1.0 0.5 yeah\nrec B <ALT>\nrec B 1.0 0.5 yes\nrec B <ALT_END>\nrec B 2.0 0.5 [laughter]\n"
)

STM = (
    ";; made by hand\nrec 1 rec_A 0.50 2.00 <o,f0> so well\nrec 2 rec_B 1.00 3.00 yes\n"
    "rec 1 rec_A 4.0 9.0 ignore_time_segment_in_scoring\n"
)
