"""Laughter by its sound: what is marked where a network hears it, and which networks are taken."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.activity.laughter import RATE_HZ, laughs, with_laughter
from duologue_pipeline.activity.yamnet import WINDOW, LaughterModel
from duologue_pipeline.conversation import analysis_steps
from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Activity, Recording, Span, Track, Vocalisation
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.laughter import LaughterRules

RULES = load_rules(LaughterRules)
PIECE = Span(10_000, 13_000)


def score(window: Any) -> float:
    """Takes whatever sounds in the middle of a window for laughter."""
    middle = window[WINDOW // 2 - 800 : WINDOW // 2 + 800]
    return 0.9 if np.abs(middle).max() > 0 else 0.1


def sound(start_s: float, end_s: float, *, length_s: float = 3.0) -> Any:
    pcm = np.zeros(round(length_s * RATE_HZ), np.float32)
    pcm[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = 0.1
    return pcm


def laugh(start_ms: int, end_ms: int) -> Vocalisation:
    return Vocalisation("laughter", start_ms, end_ms, RULES.confidence)


# Windows at .96, 1.2, ... 1.92 s hold the sound; each marks .24 s to both sides of its middle.
CASES: dict[str, tuple[Sequence[Span], Sequence[Vocalisation]]] = {
    "inside of longer speech": ([Span(10_100, 12_900)], [laugh(10_720, 12_160)]),
    "speech of the same length": ([Span(11_000, 12_000)], [laugh(11_000, 12_000)]),
    "broken by pauses": ([Span(11_000, 11_300), Span(11_500, 12_000)], [laugh(11_000, 12_000)]),
    "its end alone is speech": ([Span(11_900, 12_900)], [laugh(11_900, 12_160)]),
    "too little of it is speech": ([Span(12_000, 12_900)], []),
    "none of it is speech": ([Span(12_500, 12_900)], []),
    "speech of another piece": ([Span(0, 1000)], []),
}


@pytest.mark.parametrize("case", CASES)
def test_laughter_is_marked_where_it_counts_as_speech(case: str) -> None:
    spans, expected = CASES[case]
    assert laughs(sound(1.0, 2.0), PIECE, spans, score) == expected


def test_two_laughs_are_two() -> None:
    pcm = sound(0.5, 0.6) + sound(2.4, 2.5)
    assert laughs(pcm, PIECE, [PIECE], score) == [laugh(10_240, 10_720), laugh(12_160, 12_640)]


def test_a_score_below_the_least_is_none() -> None:
    rules = replace(RULES, score_min=0.95)
    assert laughs(sound(1.0, 2.0), PIECE, [PIECE], score, rules) == []


def test_the_network_hears_every_piece_at_the_level_of_the_rules() -> None:
    heard: list[float] = []

    def listen(window: Any) -> float:
        heard.append(float(np.sqrt(np.mean(np.square(window)))))
        return 0.0

    for gain in (1.0, 0.01):
        laughs(np.float32(gain) * sound(0.0, 3.0), PIECE, [PIECE], listen)
    assert max(heard) == pytest.approx(10 ** (-24.4 / 20), rel=1e-3)
    assert heard[: len(heard) // 2] == pytest.approx(heard[len(heard) // 2 :], rel=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 500, WINDOW - 1])
def test_a_piece_may_be_short_or_silent(samples: int) -> None:
    assert laughs(np.zeros(samples, np.float32), PIECE, [PIECE], lambda _: 1.0) == []


# --- a recording ----------------------------------------------------------------------------------------------------


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", sound(11.0, 12.0, length_s=20.0), RATE_HZ)
    return Recording("r", Track("a", str(tmp_path / "a.wav")), Track("b", str(tmp_path / "b.wav")))


def test_only_those_without_words_are_listened_to(recording: Recording) -> None:
    speech = [Span(11_000, 12_000)]
    filler, apart = Vocalisation("filler", 11_200, 11_400, 0.6), Vocalisation("filler", 12_000, 12_200, 0.6)
    known = Activity(speech, speech, "test", vocalisations_a=(filler,), vocalisations_b=(filler, apart))
    assert with_laughter(recording, known, ["b"], score) == replace(
        known, vocalisations_b=(laugh(11_000, 12_000), apart)
    )


def test_with_words_on_both_sides_nothing_is_decoded() -> None:
    nowhere = Recording("r", Track("a", "/nowhere.wav"), Track("b", "/nowhere.wav"))
    activity = Activity([Span(0, 1000)], [], "test")
    assert with_laughter(nowhere, activity, [], score) is activity


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (False, ["ingest", "isolation", "activity", "words", "events"]),
        (True, ["ingest", "isolation", "activity", "words", "laughter", "events"]),
    ],
)
def test_it_is_a_step_only_where_it_is_asked_for(asked: bool, expected: list[str]) -> None:
    steps = analysis_steps(words="optional", isolation_policy="keep", laughter=(lambda: score) if asked else None)
    assert [step.name for step in steps] == expected


# --- the network ----------------------------------------------------------------------------------------------------


class Interpreter:
    """Stands for that of ai-edge-litert, with a network that hears a snicker (.7) and speech (.9) in everything."""

    SHAPE = (1, WINDOW)

    def __init__(self, *, model_content: bytes, num_threads: int) -> None:
        if model_content != b"yamnet":
            raise ValueError("Model provided has model identifier 'fake', should be 'TFL3'")

    def allocate_tensors(self) -> None:
        pass

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"index": 0, "shape": np.array(self.SHAPE), "dtype": np.float32}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": 7, "shape": np.array([1, 521])}, {"index": 8, "shape": np.array([96, 64])}]

    def set_tensor(self, index: int, values: Any) -> None:
        assert (index, values.shape, values.dtype) == (0, self.SHAPE, np.float32)

    def invoke(self) -> None:
        pass

    def get_tensor(self, index: int) -> Any:
        scores = np.zeros((1, 521), np.float32)
        scores[0, 0], scores[0, 16] = 0.9, 0.7
        return {7: scores}[index]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    monkeypatch.setattr(litert, "Interpreter", Interpreter)
    (tmp_path / "yamnet.tflite").write_bytes(b"yamnet")
    return tmp_path / "yamnet.tflite"


@pytest.mark.parametrize("shape", [(1, WINDOW), (WINDOW,)])
def test_the_likeliest_kind_of_laughter_is_the_score(
    file: Path, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Interpreter, "SHAPE", shape)
    network = LaughterModel(f"yamnet:{file}").open()
    assert network(np.zeros(WINDOW, np.float32)) == pytest.approx(0.7)


def test_a_release_names_the_file_and_the_rules(file: Path) -> None:
    assert LaughterModel(f"yamnet:{file}").document() == {
        "model": "yamnet.tflite",
        "sha256": "3c21dfd3541964fe209cdc6f7fe56620c9301bfeaf4e3526d6958b83fd45cbb5",
        "rules": "1.0",
    }


REMEDY = "Give yamnet.tflite, the classifier of windows of 15600 samples, as MediaPipe has it for audio."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("yamnet:/no/such.tflite", f"--laughter yamnet:/no/such.tflite: there is no such file. {REMEDY}"),
        ("/no/such.tflite", f"--laughter /no/such.tflite: expected yamnet:FILE. {REMEDY}"),
        ("panns:x.pth", f"--laughter panns:x.pth: expected yamnet:FILE. {REMEDY}"),
    ],
)
def test_what_is_no_file_of_yamnet_is_refused(source: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        LaughterModel(source).open()
    assert str(caught.value) == expected


def test_a_damaged_file_is_refused(file: Path) -> None:
    file.write_bytes(b"other")
    with pytest.raises(UsageError, match=r"^--laughter .*: cannot be read \(Model provided has .*\)\. Give yamnet"):
        LaughterModel(f"yamnet:{file}").open()


def test_another_network_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Interpreter, "SHAPE", (1, 16_000))
    with pytest.raises(UsageError, match=r"^--laughter .*: is not YAMNet for windows of 15600 samples\. Give yamnet"):
        LaughterModel(f"yamnet:{file}").open()
