"""The text channel of NeMo's duplex models, against their own code written anew."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import nemo_turns
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples, two_tokens_a_word
from tests.pipeline.views.test_flattened import all_turns, frames_of, text_of

pytestmark = pytest.mark.filterwarnings("ignore:a sample has no transcript")

BOS, EOS, PAD = 1, 2, 0


def compute_num_frames(duration: float, frame_shift: float) -> int:
    """lhotse 1.33 utils.py ``compute_num_frames``."""
    return int(Decimal(round(duration / frame_shift, ndigits=8)).quantize(Decimal(0), rounding=ROUND_HALF_UP))


def build_token_channel(sample: Sample, speaker: str) -> list[int]:
    """NVIDIA/NeMo@8cfedd7 nemo/collections/speechlm2/data/s2s_dataset.py, of supervisions made of turns."""
    total = compute_num_frames(0.08 * sample.codes.shape[-1], 0.08)
    tokens = np.full(total, PAD)
    for turn in all_turns(sample):
        if turn[2] != speaker or not frames_of(sample, turn):
            continue
        start, end = max(0.0, turn[0] / 1000), turn[1] / 1000
        text_ids = np.array([BOS, *text_of(sample, turn)])
        pos = compute_num_frames(start, 0.08)
        if pos > len(tokens):
            continue
        endpos = pos + len(text_ids)
        if endpos > len(tokens):
            trunc_len = len(tokens) - pos
            text_ids = text_ids[:trunc_len]
        tokens[pos:endpos] = text_ids
        eospos = compute_num_frames(end, 0.08)
        if eospos < len(tokens):
            tokens[eospos] = EOS
    return tokens.tolist()


@given(drawn_samples(), st.sampled_from("ab"))
def test_the_channel_is_that_of_nemo(sample: Sample, speaker: str) -> None:
    row = nemo_turns(sample, two_tokens_a_word, speaker=speaker, bos=BOS, eos=EOS, pad=PAD)
    assert row.dtype == np.int32
    assert row.tolist() == build_token_channel(sample, speaker)


def test_of_simulated_conversations_too() -> None:
    for sample in simulated_samples():
        for speaker in "ab":
            row = nemo_turns(sample, two_tokens_a_word, speaker=speaker, bos=BOS, eos=EOS, pad=PAD)
            assert row.tolist() == build_token_channel(sample, speaker)


def test_a_half_frame_is_rounded_up_and_a_long_text_is_cut() -> None:
    sample = make_sample(
        frames=8, words=[("a", "x", 0.04, 0.2), ("a", "y", 0.41, 0.5)], turns=[("a", 0.04, 0.2), ("a", 0.4, 9)]
    )
    row = nemo_turns(sample, lambda _: [11, 12, 13], bos=BOS, eos=EOS)
    assert row.tolist() == [0, 1, 11, 2, 13, 1, 11, 12]  # .2 s is frame 2.5: 3


def test_a_speaker_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^speaker 'c': expected"):
        nemo_turns(make_sample(), two_tokens_a_word, speaker="c", bos=BOS, eos=EOS)


def test_names_of_tokens_are_refused() -> None:
    with pytest.raises(UsageError, match=r"^bos, eos, pad .*: expected ids, which are whole numbers"):
        nemo_turns(make_sample(), two_tokens_a_word, bos="<s>", eos=EOS)  # type: ignore[arg-type]
