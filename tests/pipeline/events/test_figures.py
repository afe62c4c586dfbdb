"""Figures made of counts: shares, percentiles, the document and what stands in it for people."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.events.figures import (
    overlap_share_of_speech,
    overlap_share_of_time,
    percentile_ms,
    statistics_document,
)
from duologue_pipeline.events.totals import Totals
from duologue_pipeline.records import Activity, KindTotal
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from tests.pipeline.events.support import CONVERSATION, count


def test_overlap_has_two_shares() -> None:
    statistics = count(CONVERSATION)
    assert overlap_share_of_time(statistics) == 500 / 30_000
    assert overlap_share_of_speech(statistics) == 500 / 13_700


def test_shares_of_nothing_are_undefined() -> None:
    silent = count(Activity([], [], "1.0"), duration_ms=0)
    assert overlap_share_of_time(silent) is None
    assert overlap_share_of_speech(silent) is None


@pytest.mark.parametrize(("p", "expected_ms"), [(0, -300), (25, -75), (50, 100), (90, 550), (100, 700)])
def test_percentiles_of_offsets_are_interpolated(p: float, expected_ms: float) -> None:
    assert percentile_ms({-300: 1, 0: 1, 200: 1, 700: 1}, p) == pytest.approx(expected_ms)


def test_a_percentile_of_nothing_is_none() -> None:
    assert percentile_ms({}, 50) is None
    assert percentile_ms({130: 1}, 99) == 130


@pytest.mark.parametrize("p", [-1, 100.5])
def test_a_percentile_beyond_100_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"lies in \[0, 100\]"):
        percentile_ms({130: 1}, p)


@given(st.dictionaries(st.integers(-3000, 3000), st.integers(1, 5), min_size=1), st.integers(0, 100))
def test_percentiles_are_those_of_numpy(ftos: dict[int, int], p: int) -> None:
    every = np.repeat(list(ftos), list(ftos.values()))
    assert percentile_ms(ftos, p) == pytest.approx(np.percentile(every, p))


def test_the_document_has_shares_rates_and_a_histogram() -> None:
    document = statistics_document(Totals.of(count(CONVERSATION)), language="en-GB")
    assert document["overlap_share_of_speech"] == 500 / 13_700
    assert document["overlapped_transfers_share"] == 0.5
    assert document["fto_median_s"] == 0.25
    assert document["fto_percentiles_s"]["p90"] == 0.85
    assert document["backchannels_per_minute"] == 2.0
    assert document["kinds"]["turn"] == {
        "count": 3, "seconds": 14.5, "count_per_minute": 6.0, "seconds_per_minute": 29.0
    }  # fmt: skip
    assert document["fto_histogram"][0] == {"from_s": -0.6, "to_s": -0.4, "count": 1}
    assert document["fto_histogram"][-1] == {"from_s": 1.0, "to_s": 1.2, "count": 1}
    assert len(document["fto_histogram"]) == 9
    assert document["quieter_share"] == 5800 / 14_200


def test_disfluencies_of_a_track_without_a_transcript_are_not_divided_by_the_words_of_the_other() -> None:
    kinds = (KindTotal("filler", "a", 2, 500), KindTotal("filler", "b", 30, 9000))
    totals = Totals.of(replace(count(CONVERSATION), kinds=kinds, words_a=50, words_b=None))
    assert statistics_document(totals)["disfluencies_per_100_words"] == 4.0
    assert statistics_document(totals + totals)["disfluencies_per_100_words"] == 4.0
    assert statistics_document(totals)["kinds"]["filler"]["count"] == 32


def test_human_figures_stand_beside_for_their_language_only() -> None:
    totals = Totals.of(count(CONVERSATION))
    reference = statistics_document(totals, language="en")["human_reference"]
    assert reference["overlap_share_of_speech"]["value"] == 0.047
    assert reference["fto_median_s"]["source"].startswith("Switchboard")
    assert statistics_document(totals, language="ja")["human_reference"] == {}
    assert statistics_document(totals)["human_reference"] == {}


def test_every_human_figure_is_one_of_the_document_and_has_a_source() -> None:
    figures = load_rules(HumanReferenceRules).figures
    document = statistics_document(Totals())
    assert {figure.name for figure in figures} <= document.keys()
    assert all(figure.source for figure in figures)


def test_the_document_of_nothing_has_no_shares() -> None:
    document = statistics_document(Totals())
    assert document["overlap_share_of_time"] is None
    assert document["fto_median_s"] is None
    assert document["fto_histogram"] == []
