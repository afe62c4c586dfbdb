"""Words from the sound with faster-whisper: a real whisper-tiny on real calls, and what is done where it goes wrong."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import UsageError
from duologue_pipeline.words.asr import SpokenWord
from duologue_pipeline.words.asr_checkpoint import AsrModel
from duologue_pipeline.words.asr_faster_whisper import FasterWhisper
from tests.whisper_tiny import whisper_tiny_folder

CALLS = Path(__file__).resolve().parents[4] / "shared" / "data" / "calls"
Pcm = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def folder() -> Path:
    """whisper-tiny.en."""
    return whisper_tiny_folder()


@pytest.fixture(scope="module")
def tiny(folder: Path) -> FasterWhisper:
    return FasterWhisper(folder, source=f"faster-whisper:{folder}")


def call(name: str, start_s: float, end_s: float) -> Pcm:
    """A stretch of a real call of 8 kHz, at 16 kHz."""
    if not CALLS.is_dir():
        pytest.skip("needs the recordings in shared/data beside the checkout")
    pcm, rate_hz = soundfile.read(CALLS / f"{name}.flac", dtype="float32")
    wide: Pcm = soxr.resample(pcm[round(start_s * rate_hz) : round(end_s * rate_hz)], rate_hz, 16_000)
    return wide


def text(words: Sequence[SpokenWord]) -> str:
    return " ".join(word.word for word in words)


# --- what it hears --------------------------------------------------------------------------------------------------


def sample(side: str, start_s: float, end_s: float) -> Pcm:
    """A stretch of the embedded sample, a telephone call of 8 kHz, at 16 kHz."""
    track = demo_files().manifest.parent / "audio" / f"demo-car-repair.{side}.flac"
    pcm, rate_hz = soundfile.read(track, dtype="float32")
    wide: Pcm = soxr.resample(pcm[round(start_s * rate_hz) : round(end_s * rate_hz)], rate_hz, 16_000)
    return wide


def test_telephone_speech_is_heard_with_times_and_confidence(tiny: FasterWhisper) -> None:
    """Good morning, Oak Street garage. How can I help you? From .6 to 3.4 s of the track."""
    (words,) = tiny.words([sample("a", 0.0, 4.0)], language="en-US")
    assert text(words).lower().startswith("good morning, oak street")
    assert words[0].start_s == pytest.approx(0.6, abs=0.25)
    assert words[1].end_s == pytest.approx(1.29, abs=0.25)
    assert all(0 <= word.start_s <= word.end_s <= 4.0 for word in words)
    assert all(word.confidence is not None and 0 < word.confidence <= 1 for word in words)


def test_pieces_in_one_window_keep_their_words_and_two_models_hear_the_same(folder: Path, tiny: FasterWhisper) -> None:
    pieces = [sample("a", 8.5, 11.0), sample("b", 37.5, 38.8), sample("a", 36.9, 39.0)]
    words = tiny.words(pieces, language="en")
    said = [text(each).lower() for each in words]
    assert "how long has it been doing that" in said[0]
    assert "friday" in said[2]
    assert all(
        0 <= word.start_s <= word.end_s <= piece.size / 16_000
        for piece, own in zip(pieces, words, strict=True)
        for word in own
    )
    assert FasterWhisper(folder, source="again").words(pieces, language="en") == words


def test_a_real_caller_is_heard(tiny: FasterWhisper) -> None:
    words = tiny.words([call("auto_repairs_40_agent", 0.0, 6.5)], language="en")
    assert len(words[0]) >= 15
    assert "how can i help you today" in text(words[0]).lower()


def test_a_model_of_english_alone_knows_no_other_language(tiny: FasterWhisper) -> None:
    assert [tiny.knows(tag) for tag in ("en-GB", "und", None, "de-AT")] == [True, True, True, False]


# --- where it goes wrong --------------------------------------------------------------------------------------------


@dataclass
class Scripted:
    """Stands in the place of faster-whisper's pipeline, and answers as it is told: a text and its figures for each window."""

    answers: dict[
        int, tuple[str, float, float, float]
    ]  # by the number of pieces so far: text, log p, compression, no speech
    heard: list[int] = field(default_factory=list)

    def transcribe(self, sound: Pcm, **options: Any) -> tuple[list[Any], None]:
        segments = []
        for clip in options["clip_timestamps"]:
            seconds = round(clip["end"] - clip["start"])
            self.heard.append(seconds)
            said, log_probability, compression, no_speech = self.answers[seconds]
            word = SimpleNamespace(word=f" {said}", start=clip["start"] + 0.1, end=clip["start"] + 0.5, probability=0.5)
            segments.append(
                SimpleNamespace(
                    seek=clip["start"] * 100,
                    words=[word],
                    avg_logprob=log_probability,
                    compression_ratio=compression,
                    no_speech_prob=no_speech,
                )
            )
        return segments, None


GOOD = (-0.3, 1.2, 0.1)


def scripted(answers: dict[int, tuple[str, float, float, float]]) -> tuple[FasterWhisper, Scripted]:
    script = Scripted(answers)
    recogniser = FasterWhisper.__new__(FasterWhisper)
    vars(recogniser).update(_heard=script, _languages=["en"], _batch=8, _apart=False)
    return recogniser, script


def silence(*lengths_s: int) -> list[Pcm]:
    return [np.zeros(length_s * 16_000, np.float32) for length_s in lengths_s]


@pytest.mark.parametrize("wrong", [(-0.3, 2.5, 0.1), (-1.1, 1.2, 0.1)])
def test_the_pieces_of_a_window_that_went_wrong_are_heard_again_alone(wrong: tuple[float, float, float]) -> None:
    recogniser, script = scripted({14: ("la", *wrong), 6: ("six", *GOOD), 7: ("seven", *GOOD), 25: ("good", *GOOD)})
    words = recogniser.words(silence(6, 7, 25), language="en")
    assert script.heard == [14, 25, 6, 7]  # 6 + .5 + 7 s
    assert [text(said) for said in words] == ["six", "seven", "good"]
    assert not any(word.doubted for said in words for word in said)


@pytest.mark.parametrize(
    ("figures", "doubted"),
    [
        (GOOD, False),
        ((-0.3, 2.5, 0.1), True),  # repeats itself
        ((-1.1, 1.2, 0.1), False),  # unlikely, and speech
        ((-1.1, 1.2, 0.7), True),  # unlikely, and none
        ((-0.3, 1.2, 0.7), False),
    ],
)
def test_what_is_doubted_when_a_piece_is_heard_alone(figures: tuple[float, float, float], doubted: bool) -> None:
    recogniser, script = scripted({25: ("hello", *figures)})
    assert recogniser.words(silence(25), language="en") == [[SpokenWord("hello", 0.1, 0.5, 0.5, doubted)]]
    assert script.heard == [25]


def test_punctuation_alone_is_no_word() -> None:
    recogniser, _ = scripted({25: ("-", *GOOD)})
    assert recogniser.words(silence(25), language="en") == [[]]


# --- which checkpoint -----------------------------------------------------------------------------------------------


def test_the_program_stands_before_the_colon() -> None:
    named = {source: (AsrModel(source).program, AsrModel(source).place) for source in (
        "small", "owner/model", "transformers:owner/model", "faster-whisper:small", "faster-whisper:/models/x",
    )}  # fmt: skip
    assert named == {
        "small": ("transformers", "small"),
        "owner/model": ("transformers", "owner/model"),
        "transformers:owner/model": ("transformers", "owner/model"),
        "faster-whisper:small": ("faster-whisper", "small"),
        "faster-whisper:/models/x": ("faster-whisper", "/models/x"),
    }


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.words.asr_faster_whisper.find_spec", lambda name: None)
    with pytest.raises(UsageError) as raised:
        AsrModel("faster-whisper:small").open()
    assert str(raised.value) == (
        '--asr faster-whisper:small: faster-whisper is not installed; run `pip install "duologue[asr]"`'
    )


def test_a_program_that_is_none_is_refused() -> None:
    with pytest.raises(
        UsageError,
        match="--asr whisperx:small: no such folder; before the colon stands transformers: or faster-whisper:",
    ):
        AsrModel("whisperx:small").open()


def test_models_of_the_other_program_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"has model\.bin, as models for CTranslate2 have; write --asr faster-whisper:"
    ):
        AsrModel(str(folder)).open()
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match=r"has no model.bin and no tokenizer.json; .*leave out faster-whisper:"):
        AsrModel(f"faster-whisper:{tmp_path}").open()


def test_a_model_that_is_not_there_is_refused_without_the_network() -> None:
    pytest.importorskip("faster_whisper")
    for name in ("nobody/nothing", "small"):
        with pytest.raises(
            UsageError, match=rf"faster-whisper:{name}: no such folder.*not asked without --allow-network"
        ):
            AsrModel(f"faster-whisper:{name}").open()


def test_a_damaged_model_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:100_000])
    with pytest.raises(UsageError, match="not a Whisper that CTranslate2 can load"):
        AsrModel(f"faster-whisper:{tmp_path}").open()


def test_a_release_names_the_hash_over_all_files(folder: Path, tmp_path: Path) -> None:
    model = AsrModel(f"faster-whisper:{folder}")
    before = model.document()
    assert (before["model"], before["program"], len(before["sha256"])) == (folder.name, "faster-whisper", 64)
    for name in ("model.bin", "tokenizer.json", "config.json", "vocabulary.txt"):
        other = tmp_path / name
        shutil.copytree(folder, other)
        (other / name).write_bytes((folder / name).read_bytes() + b" ")
        assert AsrModel(f"faster-whisper:{other}").document()["sha256"] != before["sha256"]
    assert model.document() == before
