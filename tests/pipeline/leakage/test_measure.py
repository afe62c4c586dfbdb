"""The leakage of releases of which it is known who can be told apart, and by what."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.leakage.measure import LeakageRequest, measure_leakage
from duologue_pipeline.reader import PurposeError
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.leakage import LeakageRules
from duologue_schemas import iter_faults
from tests.pipeline.leakage.people import make_people

RULES = replace(
    load_rules(LeakageRules),
    durations_s=(1, 3),
    bootstraps=25,
    permutations=20,
    network_steps=20,
    network_batch=16,
    most_impostors=4000,
)


@pytest.fixture(scope="module")
def known_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_people(tmp_path_factory.mktemp("people"))


def measured(root: Path, **fields: Any) -> dict[str, Any]:
    return measure_leakage(LeakageRequest(str(root), **({"audio": False} | fields)), rules=RULES)


def rate(document: dict[str, Any], **about: Any) -> Any:
    (found,) = [
        each
        for each in document["figures"]
        if all(each.get(name) == value for name, value in ({"codebook": None, "control": None} | about).items())
    ]
    return found["eer"]


@pytest.fixture(scope="module")
def document(known_again: Path) -> dict[str, Any]:
    return measured(known_again)


def test_people_whose_tokens_differ_are_known_again(document: dict[str, Any]) -> None:
    assert rate(document, of="tokens", by="histogram", speech_s=3) < 0.2
    assert rate(document, of="tokens", by="network", speech_s=3) < 0.3


def test_the_codebook_that_tells_them_apart_is_found(document: dict[str, Any]) -> None:
    loud, bright = (rate(document, of="tokens", by="histogram", speech_s=3, codebook=number) for number in (0, 1))
    assert loud < 0.2
    assert bright > 0.35  # the first is the level of a frame, the second the sign changes of white noise


def test_it_follows_its_schema(document: dict[str, Any]) -> None:
    assert [str(fault) for fault in iter_faults("leakage", document)] == []


def test_the_same_seed_gives_the_same_figures(known_again: Path, document: dict[str, Any]) -> None:
    assert measured(known_again) == document
    assert measured(known_again, seed=1)["figures"] != document["figures"]


def test_nobody_is_named(document: dict[str, Any], known_again: Path) -> None:
    names = set()
    for row in pq.read_table(known_again / "recordings.parquet").to_pylist():
        names |= {row["recording_id"], row["speaker_a"], row["speaker_b"]}
    assert len(names) == 48
    text = json.dumps(document)
    assert [name for name in names if name in text] == []


def test_people_who_sound_the_same_are_not_known_again(tmp_path: Path) -> None:
    found = measured(make_people(tmp_path, differ=False), codebooks=False)
    for figure in found["figures"]:
        if figure["of"] == "tokens" and figure["eer"] is not None:
            assert figure["interval"][0] < 0.5 < figure["interval"][1] + 0.1, figure


def test_too_few_in_two_conversations_are_unknown_with_the_reason(tmp_path: Path) -> None:
    found = measured(make_people(tmp_path, 16, each=1))
    assert {figure["eer"] for figure in found["figures"]} == {None}
    assert {figure["unknown"] for figure in found["figures"]} == {
        "fewer than 10 speakers are heard in two conversations"
    }


def test_halves_of_a_conversation_stand_for_two_only_where_that_is_asked_for(tmp_path: Path) -> None:
    found = measured(make_people(tmp_path, 16, each=1), within=True, codebooks=False)
    assert found["conversations"] == "within"
    assert rate(found, of="tokens", by="histogram", speech_s=3) < 0.2


def test_too_little_speech_is_unknown_with_the_reason(known_again: Path) -> None:
    found = measure_leakage(
        LeakageRequest(str(known_again), audio=False, codebooks=False), rules=replace(RULES, durations_s=(3, 30))
    )
    (long,) = [each for each in found["figures"] if each["speech_s"] == 30 and each["by"] == "network"]
    assert long["unknown"] == "fewer than 10 speakers have 30 s of speech in two conversations"
    assert rate(found, of="tokens", by="network", speech_s=3) is not None


def test_another_purpose_is_refused(known_again: Path) -> None:
    with pytest.raises(PurposeError, match="not for speaker_identification"):
        measured(known_again, purpose="speaker_identification")


def test_when_the_time_is_over_the_rest_is_said_to_be_missing(known_again: Path) -> None:
    ticks = iter(range(10_000))
    found = measure_leakage(
        LeakageRequest(str(known_again), audio=False, limit_s=30.0), rules=RULES, clock=lambda: float(next(ticks))
    )
    assert any("the time limit was reached before" in each for each in found["left_out"])
    assert all("codebook" not in each or each["by"] != "network" for each in found["figures"])


def test_another_codec_than_the_release_was_made_with_is_refused(known_again: Path) -> None:
    with pytest.raises(UsageError, match="the tokens of the release were made with tiny"):
        measured(known_again, codec="embedded")


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="expected more than 0"):
        LeakageRequest("out", limit_s=0.0)


def test_nothing_is_written_by_measuring(known_again: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in known_again.rglob("*")}
    measured(known_again, codebooks=False)
    assert {path: path.stat().st_mtime_ns for path in known_again.rglob("*")} == before
