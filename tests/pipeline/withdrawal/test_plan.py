"""What a withdrawal is planned to do, from the tables alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.files.tables import read_table
from duologue_pipeline.withdrawal.plan import Plan, make_plan, why_not_silenced
from tests.pipeline.withdrawal.support import commitment, make_calls, plan_for, release_of


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("plan"))


def test_a_speaker_is_silenced_where_the_other_one_stays(out: Path) -> None:
    plan = plan_for(out, "anna")
    assert plan.actions == {"call-1": "silence_a", "call-2": "silence_a"}
    (shard,) = plan.shards
    assert [(sample.key, sample.action) for sample in shard.samples] == [
        ("call-1-00000", "silence_a"),
        ("call-1-00001", "silence_a"),
        ("call-1-00002", "silence_a"),
        ("call-2-00000", "silence_a"),
        ("call-2-00001", "silence_a"),
        ("call-3-00000", "keep"),
        ("call-3-00001", "keep"),
    ]
    assert plan.commitments == {commitment("anna"): "consent_withdrawn"}
    assert plan.counts() == {
        "speakers": 1,
        "recordings_dropped": 0,
        "recordings_silenced": 2,
        "samples_dropped": 0,
        "samples_silenced": 5,
        "withdrawn_s": 9.0,
        "removed_s": 9.0,
    }
    assert plan.touched_bytes == next(s["bytes"] for s in release_of(out)["shards"] if s["path"] == shard.path)


def test_a_speaker_who_is_heard_in_the_other_track_takes_the_sample_along(out: Path) -> None:
    (recording,) = plan_for(out, "carl").recordings
    assert recording.action == "drop"
    assert recording.why == "the voice of b was seen in the track of a, at -32.0 dB"
    assert (plan_for(out, "carl").withdrawn_s, plan_for(out, "carl").removed_s) == (4.0, 8.0)


def test_where_both_withdrew_the_sample_goes_and_nothing_beyond(out: Path) -> None:
    plan = plan_for(out, "hugo", "ines")
    assert plan.actions == {"call-5": "drop"}
    assert plan.recordings[0].why == "both speakers withdrew"
    assert plan.removed_s / plan.withdrawn_s == 1.0
    assert plan.shards[0].kept == 0


def test_nobody_is_kept_whose_own_consent_is_not_known_to_stand(out: Path) -> None:
    (recording,) = plan_for(out, "fred", standing=["ben"]).recordings
    assert recording.why == "it is not known that the consent of speaker b still stands"


def test_only_shards_of_the_withdrawn_are_touched(out: Path) -> None:
    shards = [shard["path"] for shard in release_of(out)["shards"]]
    assert [shard.path for shard in plan_for(out, "gina").shards] == [shards[1]]
    assert [shard.path for shard in plan_for(out, "gina", "ines").shards] == shards[1:]


def test_without_a_withdrawal_there_is_nothing_to_do(out: Path) -> None:
    plan = plan_for(out, "nobody-in-here")
    assert (plan.shards, plan.recordings, plan.commitments) == ((), (), {})
    assert (plan.withdrawn_s, plan.removed_s) == (0.0, 0.0)


def test_a_plan_goes_through_json(out: Path) -> None:
    plan = plan_for(out, "anna", "gina")
    assert Plan.from_document(json.loads(json.dumps(plan.document()))) == plan


def test_tables_of_another_release_are_refused(out: Path, tmp_path: Path) -> None:
    index, recordings = (read_table(str(out / f"{name}.parquet")) for name in ("index", "recordings"))
    gone = {commitment("anna"): "consent_withdrawn"}
    with pytest.raises(ValueError, match=r"recording call-1 is in index.parquet and not in recordings.parquet"):
        make_plan(release_of(out), index, recordings.slice(1), withdrawn=gone)
    with pytest.raises(ValueError, match=r"index.parquet has 6 of its samples, dataset.json says 7"):
        make_plan(release_of(out), index.slice(1), recordings, withdrawn=gone)


REPORT: dict[str, Any] = {
    "speaker_a": "a" * 64,
    "speaker_b": "b" * 64,
    "isolation": "pass",
    "bleed_db_b_from_a": None,
    "floor_db_b_from_a": -40.0,
    "solo_s_b_from_a": 5.0,
    "duplicate_found": False,
    "mono_mix_found": False,
    "swap_found": None,
}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"isolation": "warn"}, "the isolation verdict is warn"),
        ({"isolation": "undetermined"}, "the isolation verdict is undetermined"),
        ({"swap_found": True}, "the isolation found swap"),
        ({"found_in_a_later_version_found": True}, "the isolation found found_in_a_later_version"),
        ({"mono_mix_found": None}, "the isolation could not judge mono_mix"),
        ({"bleed_db_b_from_a": -55.0}, "the voice of a was seen in the track of b, at -55.0 dB"),
        ({"floor_db_b_from_a": None}, "too little evidence (5.0 s) that the voice of a is not in the track of b"),
        ({"solo_s_b_from_a": 4.9}, "too little evidence (4.9 s) that the voice of a is not in the track of b"),
        ({"floor_db_b_from_a": -39.9}, "the voice of a in the track of b would have been seen above -39.9 dB only"),
        ({"speaker_b": "withdrawn"}, "it is not known that the consent of speaker b still stands"),
    ],
)
def test_what_speaks_against_silencing(changes: dict[str, Any], why: str) -> None:
    codec = {"silence": [0, 0]}
    assert why_not_silenced({**REPORT, **changes}, ["a"], standing={"b" * 64}, codec=codec) == why


def test_a_codec_whose_silence_is_not_known_cannot_be_silenced() -> None:
    why = why_not_silenced(REPORT, ["a"], standing={"b" * 64}, codec={})
    assert why == "the release does not say what the codec's tokens of silence are"
