"""Histograms of tokens: what sets speakers apart counts, what all have does not."""

import numpy as np
import numpy.typing as npt
import pytest

from duologue_pipeline.leakage.histogram import centred, cosines, gram, normalised_within

EVERYBODY = np.ones(4, np.bool_)


def codes(*counts: int) -> npt.NDArray[np.uint16]:
    """Codes that use entry 0 so often, entry 1 so often and so on: uint16 [F]."""
    return np.repeat(np.arange(len(counts)), counts).astype(np.uint16)


def test_the_same_tokens_are_alike_and_others_are_not() -> None:
    table = gram([codes(4, 0, 0), codes(4, 0, 0), codes(0, 4, 0), codes(0, 0, 4)], 3, EVERYBODY)
    assert table[0, 1] == pytest.approx(1.0)
    assert table[0, 2] == 0


def test_a_token_that_few_use_counts_more() -> None:
    table = gram([codes(2, 2, 0), codes(2, 0, 0), codes(0, 2, 0), codes(2, 0, 2)], 3, EVERYBODY)
    assert table[0, 2] > table[0, 1]  # two of four use entry 1, three entry 0


def test_who_is_tried_has_no_part_in_how_rare_a_token_is() -> None:
    others = [codes(3, 1, 0), codes(3, 0, 1)]
    known = np.array([True, True, False, False])
    one, other = (gram([*others, tried, tried], 3, known) for tried in (codes(1, 1, 1), codes(9, 0, 0)))
    assert np.allclose(one[:2, :2], other[:2, :2])


def test_what_all_have_is_taken_off() -> None:
    segments = [codes(100, 1, 0), codes(100, 2, 0), codes(100, 0, 1), codes(100, 0, 2)]
    table = gram(segments, 3, EVERYBODY)
    assert table.min() > 0.8  # the first entry drowns all else
    apart = centred(table, EVERYBODY)
    assert apart[0, 1] > 0.5
    assert apart[0, 2] < -0.5


def test_directions_that_differ_within_speakers_count_less() -> None:
    draw = np.random.default_rng(1)
    speakers = np.repeat(np.arange(40), 4)
    who = draw.normal(size=(40, 3))[speakers]  # a little of the speaker, much of the session
    vectors = np.concatenate([who, 10 * draw.normal(size=(160, 3))], axis=1).astype(np.float32)
    known = speakers < 20

    def told_apart(table: npt.NDArray[np.float32]) -> float:
        rows, columns = np.triu_indices(160, 1)
        tried = ~known[rows] & ~known[columns]
        same = speakers[rows] == speakers[columns]
        values = table[rows, columns]
        return float(values[tried & same].mean() - values[tried & ~same].mean())

    plain = centred((vectors @ vectors.T).astype(np.float32), known)
    found = normalised_within((vectors @ vectors.T).astype(np.float32), known, speakers, directions=10, shrinkage=0.1)
    assert found is not None
    assert told_apart(cosines(found)) > 3 * told_apart(plain)


def test_nothing_is_learnt_where_no_speaker_has_two_segments() -> None:
    table = np.eye(4, dtype=np.float32)
    assert normalised_within(table, EVERYBODY, np.arange(4), directions=2, shrinkage=0.1) is None
