"""Views in turns, chunks and blocks of samples that come out of a release, also of one from which a speaker was taken out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.views import (
    chunk_states,
    clock_blocks,
    clock_chunks,
    continuous,
    flattened,
    interleaved,
    minicpm_units,
    nemo_turns,
    turn_text,
    user_states,
    vap_labels,
)
from duologue_pipeline.withdrawal.silence import silence_codes, silence_document
from tests.pipeline.views.conversations import two_tokens_a_word

MARKS: dict[str, Any] = {"listen": 1, "begin": 2, "pad": 3, "end": 4}
UNITS: dict[str, Any] = {"unit": 1, "listen": 2, "speak": 3, "chunk_eos": 4, "turn_eos": 5, "unit_end": 6}


@pytest.mark.filterwarnings("ignore:a sample has no transcript")
def test_every_sample_has_its_views(release: Path) -> None:
    for sample in open_dataset(str(release)):
        frames = sample.codes.shape[-1]
        four = flattened(sample, two_tokens_a_word, silent_text=-3, silent_speech=-4)
        assert len(four.ids) == 0  # its events are a gap and no turn
        two = flattened(sample, None, streams=2, codebooks=2, silent_text=-3, silent_speech=-4, speech_chunk=5)
        assert len(two.ids) == -(-frames // 5) * 20
        assert set(clock_chunks(sample, tags=(900, 901)).kind.tolist()) == {0, 3, 4}
        assert len(interleaved(sample, two_tokens_a_word).ids) == 0
        assert len(turn_text(sample, two_tokens_a_word).ids) == 2 * frames
        assert nemo_turns(sample, two_tokens_a_word, bos=1, eos=2).tolist() == [0] * frames
        assert len(clock_blocks(sample, two_tokens_a_word, **MARKS).ids) == frames // 10 * 25
        assert len(minicpm_units(sample, two_tokens_a_word, **UNITS).ids) == -(-frames * 80 // 1000) * 13
        assert len(vap_labels(sample)) == max(0, 4 * frames - 100)
        features, states = continuous(sample)
        assert (features.shape, len(states)) == ((8 * frames, 80), frames)


def test_a_speaker_who_was_taken_out_says_and_does_nothing(release: Path) -> None:
    sample = next(iter(open_dataset(str(release))))
    without = replace(
        sample,
        metadata=silence_document(sample.metadata, "a"),
        codes=silence_codes(sample.codes, "a", silence=[7, 0]),
    )
    with pytest.warns(UserWarning, match="^a sample has no transcript of speaker a, so this view"):
        tokens = flattened(without, two_tokens_a_word, streams=3, silent_text=-3, silent_speech=-4, silence="token")
    assert set(tokens.ids[tokens.kind == 2].tolist()) == {-3}
    assert set(tokens.ids[tokens.kind == 3].tolist()) == {-4}
    assert not chunk_states(without).any()
    assert not user_states(without, "b").any()


def test_a_tokenizer_that_marks_each_text_is_refused(release: Path) -> None:
    class Marking:
        """As those of transformers are by default."""

        all_special_ids = (1, 2)

        def encode(self, text: str) -> list[int]:
            return [1, *text.encode(), 2]

    sample = next(iter(open_dataset(str(release))))
    with pytest.raises(UsageError, match=r"puts the special tokens \[1, 2\] around every word"):
        interleaved(sample, Marking())
