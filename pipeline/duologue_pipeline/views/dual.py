"""Lays a sample out as Moshi's streams: the model's text and audio, and the user's audio, frame by frame."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.delays import Tail, check_delays, delay_streams
from duologue_pipeline.views.sides import codebook_count, frame_count, other_speaker, side_codes, whole_step
from duologue_pipeline.views.text_row import Placement, text_row
from duologue_pipeline.views.tokenizers import Tokenizer, check_ids

__all__ = ["dual_stream", "speaker_rows"]

I32 = npt.NDArray[np.int32]


def dual_stream(
    sample: Sample,
    tokenizer: Tokenizer,
    *,
    speaker: str = "a",
    placement: Placement = "drop",
    delays: Sequence[int] | None = None,
    tail: Tail = "cut",
    initial: bool = False,
    frames: int | None = None,
    text_padding: int = 3,
    end_of_text_padding: int = 0,
    text_initial: int = 32000,
    audio_initial: int = 2048,
    zero: int = -1,
    codebooks: int | None = None,
    spaces: bool | None = None,
) -> I32:
    """Gives the streams of Moshi and of all who follow it; both speakers are the model by two calls.

    K codebooks, T frames of 80 ms::

        row 0            text of the model    3 3 3 0 w1 w1' w2 3 ...
        rows 1 .. K      codes of the model   the coarsest codebook first
        rows K+1 .. 2K   codes of the user

    Moshi's trainer takes this undelayed, as it comes by default: ``LMModel.forward`` applies the delays itself, so delays here
    delay twice, and training still runs. Its loss is on rows 0 to K. J-Moshi's streams are ``placement="spread"``,
    ``delays=[0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1, ...]``, ``tail="keep"``, ``initial=True``. RSTnet's collate has the same
    delays, ``tail="keep"`` and ``text_initial=text_padding=128002``. Moshi 2B and Hibiki take 16 codebooks a side, delays 0 and then 2,
    ``text_initial=48000``.

    Args:
        sample: is left as it is.
        tokenizer: a callable str -> ids, or an object with sentencepiece's ``encode``; for "spread" one with
            ``encode_as_pieces`` and ``piece_to_id``. It adds no BOS.
        speaker: ``a`` or ``b``: whose side the model speaks; the other is the user.
        placement: how text stands on frames (:mod:`duologue_pipeline.views.text_row`).
        delays: frames, one for each of the 1 + 2K rows, to have the rows delayed (:mod:`duologue_pipeline.views.delays` draws it);
            none by default.
        tail: ``cut`` loses the last ``delay`` frames of a row, as Kyutai does; ``keep`` makes the streams longer by the
            greatest delay, as nu-dialogue does.
        initial: whether one column of initial ids is put in front.
        frames: pads or crops every row with ``zero`` to so many frames, before the delays.
        text_padding: id where the model says nothing.
        end_of_text_padding: id one frame before a token that follows padding; at frame 0 too, if the token is in frame 1.
        text_initial: id before delayed text: the size of the text vocabulary.
        audio_initial: id before delayed codes: the size of a codebook.
        zero: id that has neither embedding nor loss. The whole text row holds it where the model's side has no transcript, or
            was taken out on withdrawal; a transcript without words is all padding.
        codebooks: how many of the release's codebooks a side, the coarsest first; all by default.
        spaces: whether words are joined by a space (spread only); by default they are not in Japanese and Chinese.

    Returns:
        int32 [1 + 2K, T'], C-contiguous. T' is ``frames``, or the sample's T; plus the greatest delay (keep); plus one (initial).

    Raises:
        UsageError: the release has fewer codebooks than asked for, an argument is none of those above, or the tokenizer
            cannot do it.

    Sources: kyutai-labs/moshi-finetune@2acc879 finetune/data/interleaver.py, kyutai-labs/moshi@e6a55d2 moshi/moshi/models/lm.py
    and configs, nu-dialogue/moshi-finetune@3879d29 utils/data.py, yangdongchao/RSTnet@5f01e1f MLLM_v2/utils/dataloader.py.
    Kyutai's loader fills a last chunk that is shorter than ``duration_sec`` with -1 in the audio, but with text padding in the
    text (``prepare_item`` is given frames for seconds, so its row is always long enough and is cut); here ``frames`` fills both
    with ``zero``, and text where there is no audio has no loss.
    """
    count = codebook_count(sample, codebooks)
    late = check_delays([0] * (1 + 2 * count) if delays is None else delays, 1 + 2 * count, tail)
    user = other_speaker(speaker)
    held = frame_count(sample)
    length = held if frames is None else whole_step(frames, "frames")
    check_ids(
        "text_padding, end_of_text_padding, text_initial, audio_initial, zero",
        (text_padding, end_of_text_padding, text_initial, audio_initial, zero),
    )
    if not isinstance(initial, bool | np.bool_):
        raise UsageError(f"initial {initial!r}: expected True or False")
    both = min(held, length)
    streams = np.empty((1 + 2 * count, length), np.int32)
    row = text_row(
        sample,
        tokenizer,
        speaker,
        placement=placement,
        text_padding=text_padding,
        end_of_text_padding=end_of_text_padding,
        zero=zero,
        spaces=spaces,
    )
    streams[0, :both] = row[:both]
    streams[1 : 1 + count, :both] = side_codes(sample, speaker, count)[:, :both]
    streams[1 + count :, :both] = side_codes(sample, user, count)[:, :both]
    streams[:, both:] = zero
    if delays is None and not initial:
        return streams
    return delay_streams(
        streams,
        late,
        tail=tail,
        initial=initial,
        text_padding=text_padding,
        text_initial=text_initial,
        audio_initial=audio_initial,
    )


def speaker_rows(
    sample: Sample,
    tokenizer: Tokenizer,
    *,
    placement: Placement = "spread",
    text_padding: int = 3,
    end_of_text_padding: int = 0,
    zero: int = -1,
    codebooks: int | None = None,
    spaces: bool | None = None,
) -> dict[str, I32]:
    """Gives text and codes of each speaker, as the columns ``A`` and ``B`` of nu-dialogue's parquet hold them.

    K codebooks, T frames::

        A   row 0 text of a, rows 1 .. K codes of a
        B   row 0 text of b, rows 1 .. K codes of b

    A line of the parquet is ``{"dialogue_id": sample.key, **{side: rows.tolist() for side, rows in ...}}``; their loader makes
    streams of it, ``A`` and rows 1 to K of ``B`` or the other way round, and delays them.

    Args:
        sample: is left as it is.
        tokenizer: as for :func:`dual_stream`.
        placement: how text stands on frames.
        text_padding: id where the speaker says nothing.
        end_of_text_padding: id one frame before a token that follows padding.
        zero: fills the text row of a speaker without a transcript, or who was taken out.
        codebooks: how many codebooks, the coarsest first; all by default. J-Moshi takes 8.
        spaces: whether words are joined by a space (spread only); by default they are not in Japanese and Chinese.

    Returns:
        {"A": int32 [1 + K, T], "B": int32 [1 + K, T]}.

    Raises:
        UsageError: as :func:`dual_stream`.

    Source: nu-dialogue/moshi-finetune@3879d29 tools/prepare_dataset.py ``merge_text_audio``, tools/tokenize_text.py.
    """
    count = codebook_count(sample, codebooks)
    check_ids("text_padding, end_of_text_padding, zero", (text_padding, end_of_text_padding, zero))
    found = {}
    for speaker in SPEAKERS:
        rows = np.empty((1 + count, frame_count(sample)), np.int32)
        rows[0] = text_row(
            sample,
            tokenizer,
            speaker,
            placement=placement,
            text_padding=text_padding,
            end_of_text_padding=end_of_text_padding,
            zero=zero,
            spaces=spaces,
        )
        rows[1:] = side_codes(sample, speaker, count)
        found[speaker.upper()] = rows
    return found
