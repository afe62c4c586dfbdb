"""What a report is called in words, in the document, in the tables and in the samples."""

from dataclasses import replace

import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES, apply_policy
from duologue_pipeline.isolation.report import (
    bleed_figures,
    fault_columns,
    findings,
    isolation_document,
    isolation_text,
    sample_isolation,
    why_not_apart,
)
from duologue_pipeline.records import FAULTS, BleedReport, FaultReport, IsolationReport, Recording, Span, Track
from duologue_schemas.crosschecks import MEASURED_FAULTS
from duologue_schemas.tables import FAULT_MEASURES

BLEED = BleedReport(-12.3456, -40.0, 60.0, 0.9, 34.0, spans=(Span(1000, 2500), Span(4000, 4250)))
CLEAN = BleedReport(None, -67.1, None, 0.0, 12.5, spans=(Span(0, 500),))
UNJUDGED = BleedReport(None, None, None, None, 0.25)
NO_FAULTS = {name: FaultReport(found=None) for name in FAULTS}


def make_report(verdict: str, a_from_b: BleedReport, b_from_a: BleedReport, **faults: FaultReport) -> IsolationReport:
    return IsolationReport(verdict, a_from_b, b_from_a, NO_FAULTS | faults, rules="9.9")


FAIL = make_report(
    "fail",
    BLEED,
    CLEAN,
    swap=FaultReport(True, 61.25, 0.87654, "the voices change places after 61.25 s."),
    offset=FaultReport(False, 0.01, 0.9),
)
PASS = make_report("pass", CLEAN, CLEAN)
UNDETERMINED = make_report("undetermined", UNJUDGED, CLEAN)
DUPLICATE = make_report("fail", UNJUDGED, UNJUDGED, duplicate=FaultReport(True, 1.0, 1.0))
RECORDING = Recording("call-1", Track("anna", "/calls/a.wav"), Track("ben", "/calls/b.wav", channel=1))


# --- the document ---------------------------------------------------------------------------------------------------


def test_the_document_holds_each_direction_and_each_fault() -> None:
    document = isolation_document(FAIL)
    assert list(document) == ["verdict", "a_from_b", "b_from_a", "faults", "rules"]
    assert (document["verdict"], document["rules"]) == ("fail", "9.9")
    assert document["a_from_b"] == {
        "bleed_db": -12.346,
        "floor_db": -40.0,
        "lag_ms": 60.0,
        "coherence": 0.9,
        "solo_s": 34.0,
        "spans": [[1.0, 2.5], [4.0, 4.25]],
    }
    assert document["b_from_a"]["bleed_db"] is None
    assert list(document["faults"]) == ["duplicate", "mono_mix", "over_suppression", "swap", "offset", "drift"]
    assert document["faults"]["swap"] == {
        "found": True,
        "value": 61.25,
        "unit": "s",
        "confidence": 0.877,
        "detail": "the voices change places after 61.25 s.",
    }
    assert document["faults"]["drift"] == {
        "found": None,
        "value": None,
        "unit": "ppm",
        "confidence": 0.0,
        "detail": "",
    }


def test_the_names_of_records_and_schemas_agree() -> None:
    assert FAULTS == MEASURED_FAULTS
    assert tuple(FAULT_MEASURES)[: len(FAULTS)] == FAULTS


# --- samples and tables ---------------------------------------------------------------------------------------------


def test_a_sample_holds_only_what_was_measured() -> None:
    assert sample_isolation(FAIL) == {
        "verdict": "fail",
        "measurements": [
            {"direction": "a_from_b", "name": "bleed_db", "value": -12.346},
            {"direction": "a_from_b", "name": "floor_db", "value": -40.0},
            {"direction": "a_from_b", "name": "lag_ms", "value": 60.0},
            {"direction": "a_from_b", "name": "coherence", "value": 0.9},
            {"direction": "a_from_b", "name": "solo_s", "value": 34.0},
            {"direction": "b_from_a", "name": "floor_db", "value": -67.1},
            {"direction": "b_from_a", "name": "coherence", "value": 0.0},
            {"direction": "b_from_a", "name": "solo_s", "value": 12.5},
            {"direction": "both", "name": "swap_s", "value": 61.25},
            {"direction": "both", "name": "offset_s", "value": 0.01},
        ],
        "faults": [
            {"fault": "duplicate", "found": "unknown", "confidence": 0.0},
            {"fault": "mono_mix", "found": "unknown", "confidence": 0.0},
            {"fault": "over_suppression", "found": "unknown", "confidence": 0.0},
            {"fault": "swap", "found": "yes", "confidence": 0.877},
            {"fault": "offset", "found": "no", "confidence": 0.9},
            {"fault": "drift", "found": "unknown", "confidence": 0.0},
        ],
    }


def test_the_columns_of_a_fault_that_was_not_judged_are_null() -> None:
    columns = fault_columns(FAIL)
    assert (columns["swap_found"], columns["swap_s"], columns["swap_confidence"]) == (True, 61.25, 0.877)
    assert (columns["drift_found"], columns["drift_ppm"], columns["drift_confidence"]) == (None, None, None)
    assert (columns["same_voice_found"], columns["same_voice_cosine"]) == (None, None)


def test_figures_that_are_missing_stay_missing() -> None:
    assert bleed_figures(UNJUDGED) == {
        "bleed_db": None,
        "floor_db": None,
        "lag_ms": None,
        "coherence": None,
        "solo_s": 0.25,
    }


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "sentences"),
    [
        (PASS, []),
        (
            FAIL,
            [
                "b's voice is in a's track at -12.3 dB, 60 ms late (seen in 34 s)",
                "swap: the voices change places after 61.25 s (confidence 0.88)",
            ],
        ),
        (
            UNDETERMINED,
            [
                "b speaks alone for 0.2 s, too little to tell",
                "a's voice in b's track would have been seen above -67.1 dB only",
            ],
        ),
        (DUPLICATE, ["duplicate: 1.00 (confidence 1.00)"]),
    ],
)
def test_findings_say_what_speaks_against_a_recording(report: IsolationReport, sentences: list[str]) -> None:
    assert findings(report) == sentences


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (PASS, None),
        (UNDETERMINED, None),
        (FAIL, "the voices change places after 61.25 s."),
        (make_report("fail", BLEED, CLEAN), "the tracks are not kept apart"),
    ],
)
def test_a_page_says_why_labels_may_be_those_of_the_other(report: IsolationReport, told: str | None) -> None:
    assert why_not_apart(report) == told


def test_the_summary_is_readable() -> None:
    assert isolation_text(FAIL, "a.wav and b.wav").splitlines() == [
        "a.wav and b.wav: fail (isolation rules 9.9)",
        "",
        "                            bleed     floor      lag  coherence           evidence",
        "b's voice in a's track   -12.3 dB  -40.0 dB  60.0 ms      0.900  34.0 s in 2 spans",
        "a's voice in b's track  none seen  -67.1 dB        -      0.000  12.5 s in 1 spans",
        "",
        "fault               found  measured  confidence",
        "duplicate         unknown         -           -",
        "mono_mix          unknown         -           -",
        "over_suppression  unknown         -           -",
        "swap                  yes   61.25 s        0.88",
        "offset                 no    0.01 s        0.90",
        "drift             unknown         -           -",
        "",
        "b's voice is in a's track at -12.3 dB, 60 ms late (seen in 34 s)",
        "swap: the voices change places after 61.25 s (confidence 0.88)",
    ]


# --- the policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        ("keep", []),
        ("refuse-fail", ["fail"]),
        ("refuse-warn", ["fail", "warn"]),
        ("require-pass", ["fail", "undetermined", "warn"]),
    ],
)
def test_a_policy_refuses_its_verdicts_and_keeps_the_rest(policy: str, refused: list[str]) -> None:
    found = []
    for verdict in ("fail", "pass", "undetermined", "warn"):
        try:
            apply_policy(RECORDING, replace(FAIL, verdict=verdict), policy=policy)
        except RejectError as error:
            found.append(error.reason)
    assert found == [f"isolation_{verdict}" for verdict in refused]


def test_a_refusal_says_what_was_measured_and_what_to_do() -> None:
    with pytest.raises(RejectError) as raised:
        apply_policy(RECORDING, FAIL, policy="refuse-fail")
    assert raised.value.detail == (
        "/calls/a.wav channel 0 and /calls/b.wav channel 1: b's voice is in a's track at -12.3 dB, 60 ms late (seen in "
        "34 s); swap: the voices change places after 61.25 s (confidence 0.88) (isolation rules 9.9, "
        "--isolation-policy refuse-fail); see it with `duologue isolation A B --plot FILE`, mend the recording, or "
        "choose another policy"
    )


def test_a_duplicate_has_a_reason_of_its_own_and_can_be_kept() -> None:
    with pytest.raises(RejectError) as raised:
        apply_policy(RECORDING, DUPLICATE, policy="refuse-fail")
    assert raised.value.reason == "isolation_duplicate_signal"
    apply_policy(RECORDING, DUPLICATE, policy="keep")


def test_every_policy_is_one_of_the_release_schema() -> None:
    from duologue_schemas import load_schema

    assert list(ISOLATION_POLICIES) == load_schema("release")["properties"]["isolation_policy"]["enum"]
