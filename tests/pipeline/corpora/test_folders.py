"""Folders for models, task corpora, and what recorders deliver: their names, sides and words."""

import json
from pathlib import Path

import pytest

from tests.pipeline.corpora.conftest import Prepare
from tests.pipeline.corpora.support import audio, document, table, text

ANONYMOUS = ("--anonymous-sides", "--started-at", "2024", "--language", "en")
GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
3
<exists>
1
"IntervalTier"
"{}"
0
3
2
0
1
"hello <UNIN/> <UNSURE>there</UNSURE>"
1
3
""
"""


def test_moshi_finetune_has_words_on_the_left_alone(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("d1", "sub/d2")):
        audio(tmp_path / f"x/{name}.wav", seed=seed)
        document(tmp_path / f"x/{name}.json", {"alignments": [["hello", [0.1, 0.4], "SPEAKER_MAIN"]]})
    text(tmp_path / "x/data.jsonl", '{"path": "d1.wav", "duration": 6.0}\n')
    found = prepare("moshi", tmp_path / "x", *ANONYMOUS)
    assert found.exit_code == 0, found.said
    a, b = found.recordings["d1"]["tracks"]
    assert (a["role"], b["role"]) == ("moshi", "user")
    assert found.said_by("d1", "a") == ["hello"]
    assert "words_uri" not in b
    assert found.refused == {}


def test_nu_dialogue_pairs_audio_and_text(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("d1", "d2")):
        audio(tmp_path / f"x/audio/{name}.wav", seed=seed)
        words = [{"speaker": side, "word": f"w{side}", "start": 0.1, "end": 0.4} for side in "AB"]
        document(tmp_path / f"x/text/{name}.json", words)
    found = prepare("nu-dialogue", tmp_path / "x", *ANONYMOUS)
    assert found.said_by("d2", "a") == ["wA"]
    assert found.said_by("d2", "b") == ["wB"]


def test_nemo_manifests_give_their_words(prepare: Prepare, tmp_path: Path) -> None:
    for seed, (agent, user) in enumerate((("agent", "user"), ("a", "b"))):
        for side in (agent, user):
            path = audio(tmp_path / f"x/d{seed}_{side}.wav", 1, seed=seed * 10 + len(side))
            line = {"audio_filepath": str(path), "duration": 1.0, "offset": 0.5, "text": f"i am {side}"}
            document(tmp_path / f"x/d{seed}_{side}.json", line)
    found = prepare("nemo", tmp_path / "x", *ANONYMOUS)
    assert set(found.recordings) == {"d0", "d1"}
    assert found.said_by("d0", "a") == ["i", "am", "agent"]
    assert found.said_by("d1", "b") == ["i", "am", "b"]


def test_one_manifest_of_nemo_gives_the_words_of_all(prepare: Prepare, tmp_path: Path) -> None:
    rows = []
    for seed, stem in enumerate(("d0_agent", "d0_user", "d1_agent", "d1_user")):
        audio(tmp_path / f"x/{stem}.wav", 1, seed=seed)
        rows += [
            {"audio_filepath": f"/elsewhere/{stem}.wav", "duration": 0.5, "offset": offset, "text": f"i am {stem}"}
            for offset in (0.0, 1.0)
        ]
    text(tmp_path / "x/train_manifest.json", "\n".join(map(json.dumps, rows[:-2])) + "\n")
    text(tmp_path / "x/other_manifest.json", "{")
    found = prepare("nemo", tmp_path / "x", *ANONYMOUS)
    assert found.exit_code == 0, found.said
    assert found.said_by("d0", "b") == ["i", "am", "d0_user"] * 2
    assert ("d1", "b") not in found.words
    assert found.refused == {"other_manifest.json": "words_not_read"}
    assert "| 1 | used: transcripts of many recordings |" in (found.out / "README.md").read_text()


def test_spokenwoz_takes_no_words_with_times_filled_in(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("MUL0001", "SNG0002")):
        audio(tmp_path / f"x/audio_5700_train_dev/{name}.wav", seed=seed)
    document(tmp_path / "x/text_5700_train_dev/data.json", {})
    found = prepare("spokenwoz", tmp_path / "x", "--anonymous-sides", "--started-at", "2022")
    assert set(found.recordings) == {"MUL0001", "SNG0002"}
    assert [track["role"] for track in found.recordings["SNG0002"]["tracks"]] == ["user", "agent"]
    assert found.words == {}
    assert "filled in by proportion" in found.said


def test_dailytalk_contiguous_comes_with_its_warning(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("0", "1")):
        audio(tmp_path / f"x/data_stereo/{name}.wav", seed=seed)
        document(tmp_path / f"x/data_stereo/{name}.json", {"alignments": [["hi", [0.1, 0.2], "SPEAKER_MAIN"]]})
    found = prepare("dailytalk-contiguous", tmp_path / "x", "--anonymous-sides", "--started-at", "2021")
    assert len(found.recordings) == 2
    assert "time line is pasted" in found.said
    assert "share both voices" in (found.out / "README.md").read_text()


def test_primock57_reads_tiers_and_tags(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "primock57"
    for number in (1, 2):
        for side in ("doctor", "patient"):
            stem = f"day1_consultation0{number}_{side}"
            audio(root / f"audio/{stem}.wav", 1, seed=number * 10 + len(side))
            text(root / f"transcripts/{stem}.TextGrid", GRID.format(side.title()))
    text(root / "README.md", "x")
    assert prepare("primock57", root).exit_code == 2
    who = text(
        tmp_path / "who.csv",
        "recording,doctor,patient\nday1_consultation01,dr1,p1\nday1_consultation02,dr1,p2\n",
    )
    found = prepare("primock57", root, "--speakers", who, "--started-at", "2021")
    assert found.speakers["day1_consultation02", "a"] == "dr1"
    assert [track["role"] for track in found.recordings["day1_consultation01"]["tracks"]] == ["doctor", "patient"]
    words = found.words["day1_consultation01", "b"]
    assert words["timing"] == "utterance"
    assert [(w["word"], w.get("marks")) for w in words["words"]] == [
        ("hello", None),
        ("[unintelligible]", ["noise", "unsure"]),
        ("there", ["unsure"]),
    ]


def test_a_missing_side_costs_the_recording(prepare: Prepare, tmp_path: Path) -> None:
    audio(tmp_path / "x/day1_consultation01_doctor.wav", 1)
    found = prepare("primock57", tmp_path / "x", *ANONYMOUS)
    assert found.refused == {"day1_consultation01_doctor.wav": "side_missing"}


def test_twilio_takes_two_channels_and_refuses_the_mono_download(prepare: Prepare, tmp_path: Path) -> None:
    one, mono = f"RE{'0' * 32}", f"RE{'a' * 32}"
    audio(tmp_path / f"x/{one}.wav")
    audio(tmp_path / f"x/{mono}.wav", 1)
    found = prepare("twilio", tmp_path / "x", *ANONYMOUS)
    assert [track["role"] for track in found.recordings[one]["tracks"]] == ["parent call", "child call"]
    assert found.refused == {f"{mono}.wav": "not_two_channels"}


def test_connect_names_agent_and_customer_and_reads_contact_lens(prepare: Prepare, tmp_path: Path) -> None:
    contact = "12345678-1234-1234-1234-123456789012"
    audio(tmp_path / f"x/CallRecordings/2024/03/05/{contact}_20240305T10_15_UTC.wav")
    turns = [
        {
            "ParticipantId": who,
            "ParticipantRole": who,
            "Content": f"i am {who}",
            "BeginOffsetMillis": 100,
            "EndOffsetMillis": 900,
        }
        for who in ("AGENT", "CUSTOMER")
    ]
    document(
        tmp_path / f"x/Analysis/Voice/2024/03/05/{contact}_analysis_2024-03-05T10_20_00Z.json", {"Transcript": turns}
    )
    found = prepare("connect", tmp_path / "x", "--anonymous-sides", "--language", "en", "--zone", "UTC")
    assert found.exit_code == 0, found.said
    recording = found.recordings[contact]
    assert (recording["started_at"], recording["started_before"]) == ("2024-03-05T10:15:00Z", "2024-03-05T10:16:00Z")
    assert [track["role"] for track in recording["tracks"]] == ["customer", "agent"]
    assert found.said_by(contact, "b") == ["i", "am", "AGENT"]
    assert found.words[contact, "a"]["words"][-1]["end_s"] == 0.9


@pytest.mark.parametrize("corpus", ["zoom", "recall"])
def test_a_file_a_participant_shows_no_name_in_the_ids(corpus: str, prepare: Prepare, tmp_path: Path) -> None:
    meeting = "2024-03-05 10.15.00 Anna's Zoom Meeting"
    for seed, person in enumerate(("annasmith1", "bobjones2")):
        if corpus == "zoom":
            path = tmp_path / "x" / meeting / "Audio Record" / f"audio{person}.m4a"
            path.parent.mkdir(parents=True, exist_ok=True)
            _m4a(path, seed)
            _m4a(path.parent.parent / "audio1234567890.m4a", 7)
            _m4a(path.parent.parent / "GMT20240305-091500_Recording.m4a", 7)
        else:
            audio(tmp_path / "x" / meeting / f"{person}.wav", 1, seed=seed)
    found = prepare(corpus, tmp_path / "x", *ANONYMOUS)
    assert found.exit_code == 0, found.said
    assert found.refused == {}
    (recording_id,) = found.recordings
    assert recording_id.startswith("rec-")
    heard = ["audioannasmith1.m4a", "audiobobjones2.m4a"] if corpus == "zoom" else ["annasmith1.wav", "bobjones2.wav"]
    assert [row["x_track"] for row in table(found.out / "speakers.csv")] == heard
    assert [row["x_first_track"] for row in table(found.out / "consent-todo.csv")] == heard
    assert "anna" not in recording_id.casefold()
    assert [track["speaker_id"] for track in found.recordings[recording_id]["tracks"]] == [
        f"{recording_id}.a",
        f"{recording_id}.b",
    ]


def test_metadata_that_does_not_say_when_is_told(prepare: Prepare, tmp_path: Path) -> None:
    name = f"RE{'0' * 32}"
    audio(tmp_path / f"x/{name}.wav")
    found = prepare("twilio", tmp_path / "x", "--anonymous-sides", "--started-at", "metadata")
    assert found.refused == {f"{name}.wav": "started_at_unknown"}
    (found.out).rename(tmp_path / "first")
    found = prepare("twilio", tmp_path / "x", "--anonymous-sides")
    assert "started_at" not in found.recordings[name]
    assert "1 of 1 recordings have no started_at" in found.said


def _m4a(path: Path, seed: int) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w", format="ipod") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        samples = np.random.default_rng(seed).normal(0, 0.1, (1, 16000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
