"""The simulator as a whole: determinism, voices and their cache, the mix, files and command line."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from duologue_consent import Ledger
from duologue_pipeline.cli.app import app
from duologue_pipeline.errors import UsageError
from duologue_pipeline.simulate import (
    Bleed,
    Clipping,
    ConversationSpec,
    Drift,
    Dropouts,
    Duplicate,
    Fault,
    MonoMix,
    NoiseBank,
    Offset,
    OverSuppression,
    Separated,
    Side,
    Swap,
    constant,
    random_specs,
    simulate_conversation,
    synthesised,
)
from duologue_pipeline.simulate.bank import open_bank
from duologue_pipeline.simulate.fault_text import parse_fault
from duologue_pipeline.simulate.files import track_words
from duologue_pipeline.simulate.synthesis import ENGINES, Spoken, engine_voices, synthesise
from duologue_pipeline.simulate.voices import CLIP_RATE_HZ, trim
from duologue_schemas import validate_manifest_lines

SPEC = ConversationSpec("one", 3, Side("noise-00"), Side("noise-01", t60_s=0.3), duration_s=30, hum_dbfs=-60)


# --- the same every time --------------------------------------------------------------------------------------------


def test_the_same_specification_gives_the_same_samples_and_truth() -> None:
    first, second = (simulate_conversation(SPEC, NoiseBank()) for _ in range(2))
    assert np.array_equal(first.a, second.a)
    assert np.array_equal(first.b, second.b)
    assert json.dumps(first.truth) == json.dumps(second.truth)
    other = simulate_conversation(replace(SPEC, seed=4), NoiseBank())
    assert other.truth["activity"] != first.truth["activity"]


def test_faults_change_nothing_of_who_says_what_when() -> None:
    plain = simulate_conversation(SPEC, NoiseBank()).truth
    faulty = simulate_conversation(replace(SPEC, faults=(Swap(10), Drift("b", 50))), NoiseBank()).truth
    assert faulty["activity"] == plain["activity"]
    assert faulty["events"] == plain["events"]


def test_a_longer_corpus_begins_with_the_shorter_one() -> None:
    assert random_specs(50, 9)[:20] == random_specs(20, 9)
    assert random_specs(20, 9) != random_specs(20, 10)


def test_people_have_one_voice_in_all_their_conversations() -> None:
    specs = random_specs(30, 7, people=8)
    voices: dict[str, set[tuple[str, float]]] = {}
    for spec in specs:
        assert spec.people is not None
        assert spec.people[0] != spec.people[1]
        for who, side in zip(spec.people, (spec.a, spec.b), strict=True):
            voices.setdefault(who, set()).add((side.voice, side.speed))
    assert len(voices) == 8
    assert {len(each) for each in voices.values()} == {1}
    alone = random_specs(30, 7)
    assert [(one.line, one.faults, one.a.level_dbfs) for one in specs] == [
        (one.line, one.faults, one.a.level_dbfs) for one in alone
    ]


def test_people_are_named_in_manifest_and_ledger(tmp_path: Path) -> None:
    arguments = [
        "simulate",
        str(tmp_path / "sim"),
        "--conversations",
        "3",
        "--minutes",
        "0.2",
        "--voices",
        "noise",
        "--people",
        "2",
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    rows = [json.loads(line) for line in (tmp_path / "sim/manifest.jsonl").read_text().splitlines()]
    assert {track["speaker_id"] for row in rows for track in row["tracks"]} == {"person-0000", "person-0001"}


def test_the_mix_has_every_fault_and_two_fifths_without() -> None:
    kinds = Counter(type(fault) for spec in random_specs(200, 1) for fault in spec.faults)
    assert sum(not spec.faults for spec in random_specs(200, 1)) == 80
    assert kinds[Bleed] >= 50  # 40 conversations, some both ways, and the weak bleed of the drifting ones
    assert {kinds[kind] for kind in (Duplicate, MonoMix, OverSuppression, Swap, Offset, Drift, Separated)} == {10}
    assert {kinds[kind] for kind in (Clipping, Dropouts)} == {10}
    assert {spec.line for spec in random_specs(200, 1)} == {"telephone", "wideband", "studio"}


# --- voices ---------------------------------------------------------------------------------------------------------


def fake_synthesise(voice: str, texts: list[str]) -> list[Spoken]:
    """Each word is 200 ms of a tone after 100 ms of silence at the beginning."""
    said = []
    for text in texts:
        count = len(text.split())
        tone = np.sin(np.arange(count * 3200) * (0.2 if voice.endswith("one") else 0.3))
        times_s = [(0.1 + 0.2 * i, 0.3 + 0.2 * i) for i in range(count)]
        said.append(Spoken(np.concatenate([np.zeros(1600), tone, np.zeros(800)]), 16000, times_s))
    return said


@pytest.fixture
def fake_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesised, "synthesise", fake_synthesise)
    monkeypatch.setattr(
        synthesised, "engine_voices", lambda engine, _: ["flite:one", "flite:two"] if engine == "flite" else []
    )


@pytest.mark.usefixtures("fake_engines")
def test_a_voice_is_made_once_and_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    made = open_bank("auto", cache=tmp_path, progress=messages.append).clips("flite:one")
    assert messages == [f"making the voice flite:one (once; kept in {tmp_path})"]
    monkeypatch.setattr(synthesised, "synthesise", None)
    kept = open_bank("auto", cache=tmp_path, progress=messages.append).clips("flite:one")
    assert len(messages) == 1
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("en-")
    assert all(np.array_equal(x.pcm, y.pcm) for x, y in zip(made.phrases, kept.phrases, strict=True))
    clip = kept.phrases[0]
    assert clip.duration_s == pytest.approx(0.6, abs=0.011)
    assert float(np.sqrt(np.mean(clip.pcm**2))) == pytest.approx(1, abs=0.02)
    assert clip.words is not None
    assert [word for word, _, _ in clip.words] == ["I", "think", "so"]
    assert [start_s for _, start_s, _ in clip.words] == pytest.approx([0, 0.2, 0.4], abs=0.006)
    assert [clip.duration_s <= 0.75 for clip in kept.backchannels] == [True] * len(kept.backchannels)


@pytest.mark.usefixtures("fake_engines")
def test_a_damaged_voice_says_what_to_delete(tmp_path: Path) -> None:
    open_bank("auto", cache=tmp_path).clips("flite:one")
    (audio,) = tmp_path.rglob("*.flac")
    audio.write_bytes(b"damaged")
    with pytest.raises(UsageError, match=f"the kept voice cannot be read .*; delete {audio.parent}"):
        open_bank("auto", cache=tmp_path).clips("flite:one")


def test_no_synthesiser_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesised, "engine_voices", lambda engine, language: [])
    with pytest.raises(
        UsageError, match=r"no voice for en-US on this machine\. On Debian: apt-get install flite festival"
    ):
        open_bank("auto")


@pytest.mark.parametrize(
    ("voices", "language", "message"),
    [
        ("espaek", "en-US", "espaek is neither a synthesiser"),
        ("auto", "pt-PT", "there are phrases in de, en, es, fr, ja;"),
    ],
)
def test_voices_that_do_not_exist(voices: str, language: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_bank(voices, language=language)
    with pytest.raises(KeyError):
        NoiseBank(size=2).clips("noise-02")


@pytest.mark.parametrize("engine", ENGINES)
def test_installed_engines_say_every_word(engine: str) -> None:
    voices = engine_voices(engine, "en-US")
    if not voices:
        pytest.skip(f"{engine} is not installed")
    (said,) = synthesise(voices[-1], ["we could try that again"])
    assert len(said.word_times_s) == 5
    assert all(start_s < end_s for start_s, end_s in said.word_times_s)
    ((start, end),) = trim(said.pcm, said.sample_rate_hz)
    assert said.word_times_s[0][0] == pytest.approx(start / said.sample_rate_hz, abs=0.15)
    assert said.word_times_s[-1][1] == pytest.approx(end / said.sample_rate_hz, abs=0.35)


def write_clips(folder: Path) -> None:
    """Two speakers who say three phrases in each file, with pauses of half a second."""
    for number in range(2):
        phrases = [clip.pcm for clip in NoiseBank().clips(f"noise-0{number}").phrases[:12]]
        pause = np.zeros(CLIP_RATE_HZ // 2, np.float32)
        (folder / f"speaker{number}").mkdir(parents=True)
        for i in range(0, 12, 3):
            pcm = np.concatenate([part for phrase in phrases[i : i + 3] for part in (phrase, pause)])
            soundfile.write(folder / f"speaker{number}" / f"{i}.wav", 0.1 * pcm, CLIP_RATE_HZ)


def test_recorded_clips_are_cut_at_pauses_and_have_no_words(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips")
    bank = open_bank(str(tmp_path / "clips"))
    assert list(bank.voices()) == ["speaker0", "speaker1"]
    clips = bank.clips("speaker0")
    assert len(clips.phrases) + len(clips.backchannels) >= 12
    assert max(clip.duration_s for clip in clips.backchannels) <= 0.75
    spec = ConversationSpec("r", 1, Side("speaker0"), Side("speaker1"), duration_s=30)
    assert simulate_conversation(spec, bank).truth["words"] == {"a": None, "b": None}


def test_clips_of_one_speaker_are_too_few(tmp_path: Path) -> None:
    write_clips(tmp_path)
    shutil.rmtree(tmp_path / "speaker1")
    with pytest.raises(UsageError, match="clips of 1 speakers, and a conversation needs two"):
        open_bank(str(tmp_path))


# --- faults as text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("bleed:a_from_b:-30dB:60ms", (Bleed("a", constant(-30), constant(60)),)),
        (
            "bleed:both:-40dB:20ms:0.3s",
            (Bleed("a", constant(-40), constant(20), 0.3), Bleed("b", constant(-40), constant(20), 0.3)),
        ),
        ("bleed:b_from_a:-40dB@0s,-20dB@60s:5ms", (Bleed("b", ((0, -40), (60, -20)), constant(5)),)),
        ("duplicate", (Duplicate(),)),
        ("duplicate:mix:-6dB:40ms", (Duplicate("mix", -6, 40),)),
        ("mono_mix", (MonoMix(),)),
        ("over_suppression:a:strong", (OverSuppression("a", 40),)),
        ("over_suppression:both:15dB", (OverSuppression("a", 15), OverSuppression("b", 15))),
        ("swap:120s", (Swap(120),)),
        ("offset:b:0.8s", (Offset("b", 0.8),)),
        ("drift:b:-80ppm", (Drift("b", -80),)),
        ("clipping:a:2%", (Clipping("a", 0.02),)),
        ("dropouts", (Dropouts("a"), Dropouts("b"))),
        ("separated", (Separated(),)),
    ],
)
def test_faults_as_text(text: str, faults: tuple[Fault, ...]) -> None:
    assert parse_fault(text) == faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo", "--fault echo: 'echo' is no fault; one of bleed, duplicate"),
        ("drift:b:80", "--fault drift:b:80: expected drift:a|b:80ppm"),
        ("swap:soon", "--fault swap:soon: expected swap:120s"),
        ("bleed:a_from_b:-30dB", "expected bleed:a_from_b|b_from_a|both:-30dB:60ms"),
        ("bleed:both:-30dB:900ms", "--fault bleed:both:-30dB:900ms: bleed: lag_ms is 900; it lies between 0 and 500"),
    ],
)
def test_faults_misspelt(text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_fault(text)
    assert message in str(raised.value)


# --- files and command line -----------------------------------------------------------------------------------------


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.usefixtures("fake_engines")
def test_a_corpus_is_whole_valid_and_the_same_every_time(tmp_path: Path) -> None:
    arguments = ["--conversations", "3", "--minutes", "0.5", "--seed", "7", "--voices-cache", str(tmp_path / "cache")]
    done = invoke(str(tmp_path / "x"), *arguments)
    assert done.exit_code == 0, done.output
    assert invoke(str(tmp_path / "y"), *arguments).exit_code == 0
    assert contents(tmp_path / "x") == contents(tmp_path / "y")
    ids = ["sim-00000", "sim-00001", "sim-00002"]
    assert sorted(contents(tmp_path / "x")) == sorted(
        [
            *(f"audio/{name}.flac" for name in ids),
            *(f"words/{name}.{speaker}.json" for name in ids for speaker in "ab"),
            *(f"truth/{name}.json" for name in ids),
            "consent.db",
            *(f"consent.db.keys/{name}" for name in ("ledger.pub", "signing.key", "vault.key", "witness")),
            "manifest.jsonl",
        ]
    )
    lines = (tmp_path / "x" / "manifest.jsonl").read_bytes().splitlines()
    assert list(validate_manifest_lines(lines)) == []
    snapshot = Ledger.open(tmp_path / "x" / "consent.db").snapshot()
    for recording in map(json.loads, lines):
        at = datetime.fromisoformat(recording["started_at"])
        for track in recording["tracks"]:
            decision = snapshot.decide(track["speaker_id"], purpose="training_inhouse", recorded_at=at, as_of=at)
            assert decision.allowed
    truth = json.loads((tmp_path / "x" / "truth" / "sim-00000.json").read_text())
    pcm, rate_hz = soundfile.read(tmp_path / "x" / "audio" / "sim-00000.flac")
    assert pcm.shape == (30 * rate_hz, 2)
    assert truth["sample_rate_hz"] == rate_hz
    assert truth["words"]["a"]


def test_given_faults_are_in_every_conversation(tmp_path: Path) -> None:
    done = invoke(
        str(tmp_path / "out"),
        *("--conversations", "2", "--minutes", "0.5", "--voices", "noise", "--line", "telephone", "--audio", "wav"),
        *("--fault", "offset:b:0.8s", "--fault", "bleed:a_from_b:-30dB:60ms"),
    )
    assert done.exit_code == 0, done.output
    for path in (tmp_path / "out" / "truth").iterdir():
        truth = json.loads(path.read_text())
        assert sorted(fault["kind"] for fault in truth["faults"]) == ["bleed", "offset"]
        assert truth["line"] == "telephone"
    assert not list((tmp_path / "out" / "words").iterdir())
    assert len(list((tmp_path / "out" / "audio").glob("*.wav"))) == 2


def test_no_mix_is_no_fault(tmp_path: Path) -> None:
    done = invoke(str(tmp_path), "--conversations", "5", "--minutes", "0.2", "--voices", "noise", "--mix", "none")
    assert done.exit_code == 0
    assert "5 conversations of 0.2 min, 0 with faults" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "mono_mix", "--mix", "default"], "--fault and --mix default exclude each other"),
        (["--fault", "mono_mix", "--fault", "separated"], "duplicate, mono_mix and separated exclude each other"),
        (["--fault", "swap:400s"], "swap at 400 s is not within the 300 s"),
        (["--fault", "echo"], "'echo' is no fault"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = invoke(str(tmp_path / "out"), "--voices", "noise", *arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    done = invoke(str(tmp_path), "--voices", "noise")
    assert done.exit_code == 2
    assert "is not empty, and nothing is overwritten" in done.output
    assert contents(tmp_path) == {"mine.txt": b"kept"}


def test_transcripts_follow_the_track_and_its_clock() -> None:
    def word(text: str, start_s: float) -> dict[str, object]:
        return {"word": text, "start_s": start_s, "end_s": start_s + 0.5}

    truth = {
        "duration_s": 30.0,
        "words": {"a": [word("one", 1.0), word("two", 20.0)], "b": [word("three", 3.0), word("four", 25.0)]},
        "faults": [{"kind": "swap", "at_s": 10.0}],
        "tracks": {"a": {"clock": {"fast_ppm": 0, "late_s": 0}}, "b": {"clock": {"fast_ppm": 1000, "late_s": -4.0}}},
    }
    assert track_words(truth) == {
        "a": [word("one", 1.0), word("four", 25.0)],
        "b": [{"word": "two", "start_s": 16.02, "end_s": 16.52}],
    }


@pytest.mark.slow
def test_a_simulated_corpus_runs_through_the_pipeline(tmp_path: Path) -> None:
    sim = tmp_path / "sim"
    faults = ("--fault", "bleed:a_from_b:-12dB:60ms")
    assert invoke(str(sim), "--conversations", "2", "--minutes", "1", "--voices", "noise", *faults).exit_code == 0
    options = ["--ledger", str(sim / "consent.db"), "--out", str(tmp_path / "out"), "--isolation-policy", "keep"]
    done = CliRunner().invoke(app, ["run", str(sim / "manifest.jsonl"), *options])
    assert done.exit_code == 0, done.output
    assert "2 written of 2 read" in done.output
