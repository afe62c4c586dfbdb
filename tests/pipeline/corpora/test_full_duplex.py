"""Corpora that were recorded for full duplex: CANDOR, otoSpeech, Open Yap, Seamless, SmoothConv, Magic Data, MultiTalk."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.corpora.conftest import Prepare
from tests.pipeline.corpora.support import audio, document, text


def aws(*words: tuple[int, str, str]) -> dict[str, object]:
    """A transcript of Amazon Transcribe with channels: (channel, time, word)."""
    channels = []
    for label in (0, 1):
        items = [
            {
                "start_time": at,
                "end_time": f"{float(at) + 0.2:.2f}",
                "type": "pronunciation",
                "alternatives": [{"content": word, "confidence": "0.9"}],
            }
            for channel, at, word in words
            if channel == label
        ]
        channels.append({"channel_label": f"ch_{label}", "items": items})
    return {"results": {"channel_labels": {"channels": channels, "number_of_channels": 2}}}


def test_candor_is_who_metadata_says_on_left_and_right(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "candor"
    for seed, name in enumerate(("0020a0c5-1658", "0020a0c5-1659")):
        audio(root / name / f"processed/{name}.mp3", seed=seed, format="MP3")
        people = [{"user_id": "right-one", "channel": "R"}, {"user_id": f"left-{seed}", "channel": "L"}]
        document(root / name / "metadata.json", {"speakers": people})
        document(root / name / "transcription/transcribe_output.json", aws((0, "0.1", "hi"), (1, "0.6", "hello")))
        text(root / name / "transcription/transcript_cliffhanger.csv", "turn_id\n")
        text(root / name / "survey.csv", "x\n")
    found = prepare("candor", root)
    assert found.exit_code == 0, found.said
    assert found.speakers["0020a0c5-1658", "a"] == "left-0"
    assert found.speakers["0020a0c5-1659", "b"] == "right-one"
    assert [track["channel"] for track in found.recordings["0020a0c5-1658"]["tracks"]] == [0, 1]
    assert found.said_by("0020a0c5-1658", "a") == ["hi"]
    assert found.words["0020a0c5-1658", "b"]["timing"] == "word"
    assert found.refused == {}
    assert "over-suppression" in found.said


def test_otospeech_141h_reads_who_is_on_which_channel(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "oto"
    for seed, name in enumerate(("s1", "s2")):
        audio(root / f"data/train/unpacked/{name}.flac", seed=seed)
        people = [{"speaker_id": "B", "channel": 1}, {"speaker_id": f"A{seed}", "channel": 0}]
        document(root / f"data/train/unpacked/{name}.json", {"speakers": people})
    text(root / "seglst.json", "[]")
    text(root / "data/train/000.tar", "x")
    found = prepare("otospeech", root, "--started-at", "2025")
    assert found.speakers == {("s1", "a"): "A0", ("s1", "b"): "B", ("s2", "a"): "A1", ("s2", "b"): "B"}
    assert found.refused == {"data/train/000.tar": "not_readable"}
    assert "unpack it" in (found.out / "refused.jsonl").read_text()


def test_otospeech_turn_takes_the_tracks_and_leaves_the_mix(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "oto"
    for seed, name in enumerate(("c1", "c2")):
        for side in (1, 2):
            audio(root / name / f"speaker_{side}_audio.wav", 1, seed=10 * seed + side)
            text(root / name / f"speaker_{side}_annotation_a.srt", "1\n00:00:00,100 --> 00:00:00,200\nbackchannel\n")
        audio(root / name / "combined_audio.wav", 1)
        document(root / name / "metadata.json", {"id": name})
    found = prepare("otospeech-turn-104h", root, "--anonymous-sides", "--started-at", "2025")
    tracks = found.recordings["c1"]["tracks"]
    assert [track["uri"].rsplit("/", 1)[1] for track in tracks] == ["speaker_1_audio.wav", "speaker_2_audio.wav"]
    assert [track["channel"] for track in tracks] == [0, 0]
    assert "words_uri" not in tracks[0]  # its labels are no words
    assert found.refused == {}


def test_otospeech_280h_is_stereo(prepare: Prepare, tmp_path: Path) -> None:
    for seed, name in enumerate(("c1", "c2")):
        audio(tmp_path / f"x/audio/{name}.flac", seed=seed)
    who = text(tmp_path / "who.csv", "recording,a,b\nc1,p1,p2\nc2,p1,p3\n")
    found = prepare("otospeech-280h", tmp_path / "x", "--speakers", who, "--started-at", "2025")
    assert found.speakers["c2", "b"] == "p3"


def test_open_yap_reads_words_and_speakers_of_each_side(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "yap/conversations"
    document(root / "manifest.json", {})
    for seed, name in enumerate(("conv_0123456789ab", "conv_0123456789ac")):
        document(root / name / "meta.json", {})
        for side in "ab":
            audio(root / name / f"speaker_{side}.flac", 1, seed=10 * seed + ord(side))
            document(root / name / f"speaker_{side}_meta.json", {"speaker_id": f"p{side}", "gender": "female"})
            document(root / name / f"speaker_{side}_dnsmos.json", {})
            said = [{"word": f"word-{side}", "start": 0.1, "end": 0.3, "type": "word"}]
            document(root / name / f"speaker_{side}_transcript.json", {"words": said})
    found = prepare("open-yap", tmp_path / "yap", "--started-at", "2025")
    assert found.exit_code == 0, found.said
    assert found.speakers["conv_0123456789ac", "b"] == "pb"
    assert found.recordings["conv_0123456789ab"]["tracks"][0]["sex"] == "female"
    assert found.said_by("conv_0123456789ab", "b") == ["word-b"]
    assert found.refused == {}


def test_seamless_pairs_participants_and_takes_only_two(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "seamless/improvised/dev/0000"
    for interaction, people in (("I00000001", ("P0947", "P0112")), ("I00000002", ("P0947", "P0112", "P0001"))):
        for seed, person in enumerate(people):
            stem = f"V00_S0001_{interaction}_{person}"
            audio(root / f"{stem}.wav", 1, seed=seed + len(people) * 10)
            words = [{"word": "hi", "start": 0.1, "end": 0.2}]
            said = [{"words": words}, {"transcript": "so so", "start": 1.0, "end": 1.5}]
            document(root / f"{stem}.json", {"id": stem, "metadata:transcript": said, "metadata:vad": []})
            text(root / f"{stem}.npz", "x")
    text(tmp_path / "seamless/participants.csv", "x\n")
    for folder in ("vad", "1P-IS"):  # the same names, and no transcripts
        document(tmp_path / f"seamless/improvised/dev/{folder}/V00_S0001_I00000001_P0947.json", {"start": 1})
    found = prepare("seamless", tmp_path / "seamless", "--started-at", "2024")
    assert set(found.recordings) == {"V00_S0001_I00000001"}
    assert found.speakers == {("V00_S0001_I00000001", "a"): "P0112", ("V00_S0001_I00000001", "b"): "P0947"}
    assert set(found.refused.values()) == {"side_twice"}
    assert len(found.refused) == 6
    words = found.words["V00_S0001_I00000001", "a"]["words"]
    assert [(w["word"], w.get("timing", found.words["V00_S0001_I00000001", "a"]["timing"])) for w in words] == [
        ("hi", "word"),
        ("so", "utterance"),
        ("so", "utterance"),
    ]
    assert "splits by speaker may leak" in found.said


@pytest.mark.parametrize("name", ["smoothconv", "magic-data"])
def test_corpora_whose_files_nobody_has_seen_take_stereo_and_refuse_the_rest(
    name: str, prepare: Prepare, tmp_path: Path
) -> None:
    audio(tmp_path / "x/edu1/clip1.wav", 2)
    audio(tmp_path / "x/none_Edu/clip2.wav", 3, seed=2)
    text(tmp_path / "x/edu1/clip1.json", "{}")
    found = prepare(name, tmp_path / "x", "--anonymous-sides", "--started-at", "2025", "--language", "zh-CN")
    assert len(found.recordings) == 1
    assert found.refused == {"none_Edu/clip2.wav": "not_two_channels"}


def test_multitalk_reads_channels_and_words_of_its_parquet(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "multitalk"
    rows = []
    for seed, name in enumerate(("d1", "d2")):
        audio(root / f"data/{name}.wav", seed=seed)
        rows.append(
            {
                "audio_path": f"data/{name}.wav",
                "id": name,
                "num_channels": 2,
                "speaker_to_channel": json.dumps({"user": 1, "assistant": 0}),
                "alignments": json.dumps([["hi", [0.1, 0.3], "user"], ["well", [0.6, 0.8], "assistant"]]),
            }
        )
    (root / "transcripts").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), root / "transcripts/train.parquet")
    found = prepare("multitalkft", root, "--anonymous-sides", "--started-at", "2025")
    assert found.exit_code == 0, found.said
    assert [track["role"] for track in found.recordings["d1"]["tracks"]] == ["assistant", "user"]
    assert found.said_by("d2", "b") == ["hi"]
