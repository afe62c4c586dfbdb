"""What is left of activity when the other speaker is heard in the track."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from duologue_pipeline.activity.bleed import without_bleed
from duologue_pipeline.activity.detect import detect_activity
from duologue_pipeline.records import BleedPoint, BleedReport, IsolationReport, Recording, Span, Track
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.activity import ActivityRules
from tests.pipeline.activity.test_vad import assert_edges, make_track, vad_model

RULES = load_rules(ActivityRules)


def make_levels(*speech_ms: tuple[int, int, float], duration_ms: int = 10_000) -> npt.NDArray[np.float32]:
    levels = np.full(duration_ms // 10, -70, np.float32)
    for start_ms, end_ms, level_dbfs in speech_ms:
        levels[start_ms // 10 : end_ms // 10] = level_dbfs
    return levels


def make_bleed(bleed_db: float | None, *over_time: BleedPoint, lag_ms: float = 0.0) -> BleedReport:
    return BleedReport(bleed_db, -60.0, lag_ms, 0.5, 30.0, over_time=over_time)


OTHER = make_levels((2000, 5000, -20))


def test_a_stretch_as_loud_as_the_copy_is_no_speech() -> None:
    own = make_levels((2000, 5000, -48))
    assert without_bleed([Span(2000, 5000)], own, OTHER, make_bleed(-30), RULES) == []


def test_a_soft_answer_under_the_other_stays() -> None:
    own = make_levels((2000, 5000, -50), (3000, 3400, -40))
    assert without_bleed([Span(2000, 5000)], own, OTHER, make_bleed(-30), RULES) == [Span(3000, 3400)]


def test_own_speech_while_the_other_is_silent_stays_however_soft() -> None:
    own = make_levels((6000, 7000, -55))
    assert without_bleed([Span(6000, 7000)], own, OTHER, make_bleed(-10), RULES) == [Span(6000, 7000)]


def test_speech_that_dips_below_the_copy_between_syllables_is_not_cut() -> None:
    own = make_levels((2500, 2800, -30), (2800, 3080, -50), (3080, 3400, -30))
    assert without_bleed([Span(2500, 3400)], own, OTHER, make_bleed(-30), RULES) == [Span(2500, 3400)]


def test_the_copy_comes_late() -> None:
    own = make_levels((2200, 5200, -48))
    spans = [Span(2200, 5200)]
    assert without_bleed(spans, own, OTHER, make_bleed(-30, lag_ms=200), RULES) == []
    early = make_levels((1700, 5000, -48))
    assert without_bleed([Span(1700, 5000)], early, OTHER, make_bleed(-30), RULES) == [Span(1700, 2000)]


def test_the_level_may_change_within_the_recording() -> None:
    other = make_levels((2000, 3000, -20), (8000, 9000, -20))
    own = make_levels((2000, 3000, -50), (8000, 9000, -50))
    weaker = BleedPoint(8000, 9000, -45.0, -60.0, 0.0, 0.5)
    bleed = make_bleed(-37, BleedPoint(2000, 3000, -30.0, -60.0, 0.0, 0.5), weaker)
    assert without_bleed([Span(2000, 3000), Span(8000, 9000)], own, other, bleed, RULES) == [Span(8000, 9000)]


@pytest.mark.parametrize("bleed_db", [None, -3.0])
def test_nothing_is_left_out_where_no_bleed_was_found_or_levels_cannot_tell(bleed_db: float | None) -> None:
    spans = [Span(2000, 5000)]
    assert without_bleed(spans, make_levels((2000, 5000, -22)), OTHER, make_bleed(bleed_db), RULES) == spans


def test_tracks_need_not_be_equally_long() -> None:
    own = make_levels((2000, 5000, -48), duration_ms=5000)
    assert without_bleed([Span(2000, 5000)], own, OTHER, make_bleed(-30), RULES) == []
    assert without_bleed([Span(2000, 5000)], make_levels((2000, 5000, -20)), OTHER[:100], make_bleed(-30), RULES) == [
        Span(2000, 5000)
    ]


def test_activity_of_a_recording_is_without_the_bleed_that_isolation_found(tmp_path: Path) -> None:
    a = make_track((1.0, 3.0), duration_s=6)
    b = make_track((4.0, 5.0), duration_s=6) + 10 ** (-30 / 20) * make_track((1.0, 3.0), duration_s=6, noise_dbfs=-120)
    soundfile.write(tmp_path / "call.wav", np.stack([a, b], axis=1), 16_000, subtype="FLOAT")
    uri = str(tmp_path / "call.wav")
    recording = Recording("call", Track("anna", uri, channel=0), Track("ben", uri, channel=1))
    for bleed_db, stretches in ((None, 2), (-30.0, 1)):
        isolation = IsolationReport("warn", make_bleed(None), make_bleed(bleed_db), {}, rules="2.0")
        found = detect_activity(recording, isolation, vad_model(), duration_ms=6000)
        assert_edges(list(found.a), (1000, 3000))
        assert len(found.b) == stretches
        assert_edges([found.b[-1]], (4000, 5000))
