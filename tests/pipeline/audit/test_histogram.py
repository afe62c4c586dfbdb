"""How codebooks are used, on codes of which it is known."""

import numpy as np

from duologue_pipeline.audit.histogram import CodebookUse, Histograms


def test_entropy_is_that_of_the_frequencies() -> None:
    histograms = Histograms((4, 8))
    histograms.add(np.array([[0, 1, 2, 3], [5, 5, 5, 5]], np.uint16))
    histograms.add(np.array([[0, 1, 2, 3], [5, 5, 1, 1]], np.uint16))
    assert histograms.uses() == [
        CodebookUse(codebook=0, entries=4, used=4, entropy_bits=2.0, most_common_share=0.25),
        CodebookUse(codebook=1, entries=8, used=2, entropy_bits=0.8113, most_common_share=0.75),
    ]


def test_of_no_frames_nothing_is_used() -> None:
    assert Histograms((4,)).uses() == [
        CodebookUse(codebook=0, entries=4, used=0, entropy_bits=0.0, most_common_share=0.0)
    ]
