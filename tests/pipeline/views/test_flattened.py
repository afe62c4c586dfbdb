"""OmniFlatten's four, three and two streams."""

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import Tokens, flattened
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")

ST, SS = 90001, 90002
Align = Literal["word", "turn"]
SIDES = st.sampled_from("ab")


def ms(seconds: float) -> int:
    return round(seconds * 1000)


def pairs(tokens: Tokens) -> list[tuple[int, int]]:
    assert tokens.ids.dtype == np.int32
    assert tokens.kind.dtype == np.uint8
    assert tokens.ids.flags.c_contiguous
    return list(zip(tokens.ids.tolist(), tokens.kind.tolist(), strict=True))


def own_words(sample: Sample, speaker: str) -> list[dict[str, Any]]:
    """Words that begin in the sample, of who has a transcript."""
    last = 80 * sample.codes.shape[-1]
    listed = sample.metadata["words"] if sample.metadata["transcripts"][speaker] else []
    return [w for w in listed if w["speaker"] == speaker and 0 <= ms(w["start_s"]) < last]


def all_turns(sample: Sample) -> list[tuple[int, int, str]]:
    found = [(ms(e["start_s"]), ms(e["end_s"]), e["speaker"]) for e in sample.metadata["events"] if e["kind"] == "turn"]
    return sorted(found)


def text_of(sample: Sample, turn: tuple[int, int, str]) -> list[int]:
    start, end, speaker = turn
    said = [w["word"] for w in own_words(sample, speaker) if start <= ms(w["start_s"]) < end]
    return two_tokens_a_word(" ".join(said))


def frames_of(sample: Sample, turn: tuple[int, int, str]) -> range:
    start, end, _ = turn
    return range(max(0, start // 80), min(sample.codes.shape[-1], -(-end // 80)))


def speech(sample: Sample, speaker: str, frame: int, codebooks: int, silence: str) -> list[int]:
    """The ids of a frame."""
    middle = 80 * frame + 40
    heard = any(
        x["speaker"] == speaker and ms(x["start_s"]) <= middle < ms(x["end_s"]) for x in sample.metadata["activity"]
    )
    if silence == "token" and not heard:
        return [SS] * codebooks
    return [int(sample.codes["ab".index(speaker), k, frame]) for k in range(codebooks)]


def naive_four(sample: Sample, speaker: str, codebooks: int, silence: str) -> list[tuple[int, int]]:
    """Turn after turn."""
    written: list[tuple[int, int]] = []
    for turn in all_turns(sample):
        frames = frames_of(sample, turn)
        if not frames:
            continue
        sound = [i for t in frames for i in speech(sample, turn[2], t, codebooks, silence)]
        text = text_of(sample, turn)
        if turn[2] == speaker:
            written += [*((i, 2) for i in text), *((i, 3) for i in sound)]
        else:
            written += [*((i, 0) for i in sound), *((i, 1) for i in text)]
    return written


def naive_chunks(
    sample: Sample, speaker: str, text_chunk: int, speech_chunk: int, align: str, codebooks: int, silence: str
) -> tuple[list[tuple[int, int]], int]:
    """Chunk after chunk with a queue of (chunk from which on, token); ``text_chunk`` 0 writes no text."""
    user, total = "ba"["ab".index(speaker)], sample.codes.shape[-1]
    if align == "word":
        queue = [
            (int(w["start_s"] * 12.5) // speech_chunk, i)
            for w in own_words(sample, speaker)
            for i in two_tokens_a_word(w["word"])
        ]
    else:
        mine = [turn for turn in all_turns(sample) if turn[2] == speaker and frames_of(sample, turn)]
        queue = [(frames_of(sample, t)[0] // speech_chunk, i) for t in mine for i in text_of(sample, t)]
    written: list[tuple[int, int]] = []
    for chunk in range(-(-total // speech_chunk)):
        text: list[int] = []
        while queue and queue[0][0] <= chunk and len(text) < text_chunk:
            text.append(queue.pop(0)[1])
        text += [ST] * (text_chunk - len(text))
        for side, kind in ((user, 0), ("", 2), (speaker, 3)):
            if not side:
                written += [(i, 2) for i in text]
                continue
            for t in range(chunk * speech_chunk, (chunk + 1) * speech_chunk):
                frame = speech(sample, side, t, codebooks, silence) if t < total else [SS] * codebooks
                written += [(i, kind) for i in frame]
    return written, len(queue)


@given(drawn_samples(), SIDES, st.integers(1, 2), st.sampled_from(["keep", "token"]))
def test_four_streams_turn_by_turn(sample: Sample, speaker: str, codebooks: int, silence: Any) -> None:
    tokens = flattened(
        sample,
        two_tokens_a_word,
        speaker=speaker,
        codebooks=codebooks,
        silent_text=ST,
        silent_speech=SS,
        silence=silence,
    )
    assert pairs(tokens) == naive_four(sample, speaker, codebooks, silence)
    assert tokens.dropped == 0


@given(
    drawn_samples(),
    SIDES,
    st.integers(1, 3),
    st.integers(1, 7),
    st.sampled_from(["word", "turn"]),
    st.integers(1, 2),
    st.sampled_from(["keep", "token"]),
    st.sampled_from([3, 2]),
)
def test_three_and_two_streams_chunk_by_chunk(
    sample: Sample,
    speaker: str,
    text_chunk: int,
    speech_chunk: int,
    align: Any,
    codebooks: int,
    silence: Any,
    streams: Any,
) -> None:
    tokens = flattened(
        sample,
        two_tokens_a_word,
        speaker=speaker,
        streams=streams,
        text_chunk=text_chunk,
        speech_chunk=speech_chunk,
        align=align,
        codebooks=codebooks,
        silent_text=ST,
        silent_speech=SS,
        silence=silence,
    )
    slots = text_chunk if streams == 3 else 0
    wanted, left = naive_chunks(sample, speaker, slots, speech_chunk, align, codebooks, silence)
    assert pairs(tokens) == wanted
    assert tokens.dropped == (left if streams == 3 else 0)


@pytest.mark.parametrize("align", ["word", "turn"])
@pytest.mark.parametrize("speech_chunk", [10, 5])
def test_of_simulated_conversations_too(align: Align, speech_chunk: int) -> None:
    dropped = 0
    for sample in simulated_samples():
        for speaker in "ab":
            tokens = flattened(
                sample,
                two_tokens_a_word,
                speaker=speaker,
                streams=3,
                speech_chunk=speech_chunk,
                align=align,
                silent_text=ST,
                silent_speech=SS,
                silence="token",
            )
            wanted, left = naive_chunks(sample, speaker, 2, speech_chunk, align, 1, "token")
            assert (pairs(tokens), tokens.dropped) == (wanted, left)
            dropped += left
            four = flattened(sample, two_tokens_a_word, speaker=speaker, silent_text=ST, silent_speech=SS)
            assert pairs(four) == naive_four(sample, speaker, 1, "keep")
    assert dropped > 0  # 2 tokens in 800 ms, or in 400 ms with two tokens a word, are too few for people


@pytest.mark.parametrize(
    ("tokens_a_word", "speech_chunk", "share"), [(2, 10, 0.36), (2, 5, 0.05), (1, 10, 0.05), (1, 5, 0.01)]
)
def test_so_much_text_has_no_place(tokens_a_word: int, speech_chunk: int, share: float) -> None:
    """The figures of the docstring."""
    made = [
        flattened(
            sample,
            lambda text: [1] * tokens_a_word * len(text.split()),
            speaker=speaker,
            streams=3,
            speech_chunk=speech_chunk,
            silent_text=ST,
            silent_speech=SS,
        )
        for sample in simulated_samples(375)
        for speaker in "ab"
    ]
    dropped = sum(tokens.dropped for tokens in made)
    written = sum(int((tokens.ids[tokens.kind == 2] == 1).sum()) for tokens in made)
    assert round(dropped / (dropped + written), 2) == share


def test_text_and_speech_come_back_out_of_three_streams() -> None:
    for sample in simulated_samples():
        tokens = flattened(
            sample, two_tokens_a_word, streams=3, speech_chunk=5, codebooks=8, silent_text=ST, silent_speech=SS
        )
        frames = sample.codes.shape[-1]
        for kind, side in ((0, 1), (3, 0)):
            rows = tokens.ids[tokens.kind == kind].reshape(-1, 8)
            assert rows[:frames].T.tolist() == sample.codes[side].tolist()
            assert (rows[frames:] == SS).all()
        text = [i for i in tokens.ids[tokens.kind == 2] if i != ST]
        said = [i for w in own_words(sample, "a") for i in two_tokens_a_word(w["word"])]
        assert text == said[: len(said) - tokens.dropped]


def test_a_chunk_of_each_kind() -> None:
    sample = make_sample(
        frames=6,
        words=[("a", "hi", 0.2, 0.4), ("b", "no", 0.1, 0.2), ("a", "you", 0.24, 0.5)],
        turns=[("a", 0.2, 0.5)],
    )
    codes = sample.codes[:, 0].tolist()
    ids = {"hi": [11, 12], "you": [13], "hi you": [21, 22, 23]}
    by_word = flattened(
        sample, ids.__getitem__, streams=3, speech_chunk=4, silent_text=ST, silent_speech=SS, align="word"
    )
    assert by_word.ids.tolist() == [
        *codes[1][:4], 11, 12, *codes[0][:4],
        *codes[1][4:], SS, SS, 13, ST, *codes[0][4:], SS, SS,
    ]  # fmt: skip
    assert by_word.kind.tolist() == [0, 0, 0, 0, 2, 2, 3, 3, 3, 3] * 2
    by_turn = flattened(
        sample, ids.__getitem__, streams=3, speech_chunk=6, silent_text=ST, silent_speech=SS, align="turn"
    )
    assert by_turn.ids[6:8].tolist() == [21, 22]
    assert by_turn.dropped == 1


def test_a_silent_frame_may_have_an_id_for_each_codebook() -> None:
    sample = make_sample(frames=1, codebooks=3)
    tokens = flattened(
        sample, None, streams=2, speech_chunk=2, codebooks=3, silent_text=ST, silent_speech=[7, 8, 9], silence="token"
    )
    assert tokens.ids.tolist() == [7, 8, 9] * 4


def test_who_has_no_transcript_has_no_text_and_is_named() -> None:
    sample = make_sample(frames=4, words=[("a", "hi", 0, 0.2)], transcripts={"a": False})
    with pytest.warns(
        UserWarning, match=r"^a sample has no transcript of speaker a, so this view has no text where a speaks"
    ):
        tokens = flattened(sample, two_tokens_a_word, streams=3, speech_chunk=4, silent_text=ST, silent_speech=SS)
    assert tokens.ids[tokens.kind == 2].tolist() == [ST, ST]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"streams": 1}, "^streams 1: expected 4, 3 or 2$"),
        ({"align": "time"}, '^align \'time\': expected "word" or "turn"$'),
        ({"silence": "drop"}, '^silence \'drop\': expected "keep" or "token"$'),
        ({"speech_chunk": 0}, "^speech_chunk 0: expected a whole number of at least 1$"),
        ({"codebooks": 9}, "the release has 8 codebooks a frame and 9 are asked for"),
        ({"silent_speech": [1, 2]}, "^silent_speech has 2 ids and a frame 1 codebooks"),
        ({"tokenizer": None}, "^4 streams hold text: give a tokenizer, or take streams=2$"),
        ({"speaker": "c"}, "^speaker 'c': expected"),
        ({"silent_speech": "<silence>"}, "^silent_speech '<silence>': expected ids, which are whole numbers"),
        ({"silent_speech": 1.5}, "^silent_speech 1.5: expected ids, which are whole numbers"),
        ({"streams": 3, "silent_text": None}, "^silent_text None: expected ids, which are whole numbers"),
        ({"streams": 3, "silent_text": [1, 2]}, r"^silent_text \[1, 2\]: expected one id"),
    ],
)
def test_what_is_no_layout_is_refused(wrong: dict[str, Any], said: str) -> None:
    arguments: dict[str, Any] = {"tokenizer": two_tokens_a_word, "silent_text": ST, "silent_speech": SS, **wrong}
    with pytest.raises(UsageError, match=said):
        flattened(make_sample(), **arguments)
