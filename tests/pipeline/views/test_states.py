"""What the model and its user do, chunk by chunk."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import Sample
from duologue_pipeline.views import chunk_states, user_states
from duologue_pipeline.views.states import BACKCHANNEL, INTERRUPTED, LISTEN, SPEAK, START, STOP
from tests.pipeline.views.build import make_sample
from tests.pipeline.views.conversations import drawn_samples, simulated_samples

SIDES = st.sampled_from("ab")
CHUNKS = st.sampled_from([80, 100, 160, 333, 600, 1000])


def event(kind: str, speaker: str, start_s: float, end_s: float, **fields: Any) -> dict[str, Any]:
    """An item of ``events`` with what the views read of it."""
    blank = {"subtype": "", "floor_taking": False}
    return {"kind": kind, "speaker": speaker, "start_s": start_s, "end_s": end_s, **blank, **fields}


def naive_chunk_states(sample: Sample, speaker: str, chunk_ms: int) -> list[int]:
    """The five rules, read aloud for each chunk."""
    frames = sample.codes.shape[-1]
    about = sample.metadata
    heard_ms = round(about["end_s"] * 1000) - round(about["start_s"] * 1000)
    end_of_sample = min(80 * frames, heard_ms)
    events = [(e, round(e["start_s"] * 1000), round(e["end_s"] * 1000)) for e in about["events"]]
    states = []
    lo = 0
    while lo < 80 * frames:
        hi, state = lo + chunk_ms, None
        for e, start, end in events:
            if e["kind"] == "turn" and e["speaker"] == speaker and lo < end <= hi and end < end_of_sample:
                taken = any(
                    i["kind"] == "interruption" and i["speaker"] != speaker and i["floor_taking"] and start <= at < end
                    for i, at, _ in events
                )
                state = INTERRUPTED if taken or state == INTERRUPTED else STOP
        mine = [(e["kind"], start, end) for e, start, end in events if e["speaker"] == speaker]
        if state is None and any(kind == "turn" and lo <= start < hi for kind, start, _ in mine):
            state = START
        for inside, name in (("turn", SPEAK), ("backchannel", BACKCHANNEL)):
            if state is None and any(k == inside and 2 * start <= lo + hi < 2 * end for k, start, end in mine):
                state = name
        states.append(LISTEN if state is None else state)
        lo = hi
    return states


@given(drawn_samples(), SIDES, CHUNKS)
def test_the_first_rule_that_holds_decides(sample: Sample, speaker: str, chunk_ms: int) -> None:
    states = chunk_states(sample, speaker=speaker, chunk_ms=chunk_ms)
    assert states.dtype == np.uint8
    assert states.tolist() == naive_chunk_states(sample, speaker, chunk_ms)


@pytest.mark.parametrize("chunk_ms", [80, 160, 1000])
def test_of_simulated_conversations_too(chunk_ms: int) -> None:
    found = set[int]()
    for sample in simulated_samples():
        for speaker in "ab":
            states = chunk_states(sample, speaker=speaker, chunk_ms=chunk_ms).tolist()
            assert states == naive_chunk_states(sample, speaker, chunk_ms)
            found |= set(states)
    assert found == set(range(6))


@pytest.mark.parametrize("speaker", ["a", "b"])
def test_every_turn_of_a_conversation_begins_and_ends_once(speaker: str) -> None:
    for name_samples in (simulated_samples(), simulated_samples(1000)):
        for sample in name_samples:
            turns = [e for e in sample.metadata["events"] if e["kind"] == "turn" and e["speaker"] == speaker]
            states = chunk_states(sample, speaker=speaker, chunk_ms=80)
            length_s = sample.metadata["end_s"] - sample.metadata["start_s"]
            # At 80 ms no turn of these is so short that its end hides its beginning.
            assert np.count_nonzero(states == START) == sum(e["start_s"] >= 0 for e in turns)
            ended = np.count_nonzero((states == STOP) | (states == INTERRUPTED))
            assert ended == sum(round(e["end_s"] - length_s, 3) < 0 for e in turns)


def test_a_turn_and_a_backchannel() -> None:
    events = [event("turn", "a", 0.2, 0.75), event("backchannel", "a", 1.0, 1.3), event("turn", "b", 0.75, 2.0)]
    sample = make_sample(frames=24, events=events)
    assert chunk_states(sample).tolist() == [0, 2, 1, 1, 3, 0, 5, 5, 0, 0, 0, 0]
    assert chunk_states(sample, speaker="b").tolist() == [0, 0, 0, 0, 2, 1, 1, 1, 1, 1, 1, 1]


def test_a_turn_that_ends_with_a_chunk_ends_in_it() -> None:
    sample = make_sample(frames=8, events=[event("turn", "a", 0.0, 0.32)])
    assert chunk_states(sample).tolist() == [START, STOP, LISTEN, LISTEN]


def test_a_turn_that_ends_with_the_sample_did_not_end() -> None:
    assert chunk_states(make_sample(frames=4, events=[event("turn", "a", 0.0, 0.32)])).tolist() == [START, SPEAK]
    cut = make_sample(frames=4, events=[event("turn", "a", 0.0, 0.3)], end_s=0.3)  # the conversation is over
    assert chunk_states(cut).tolist() == [START, SPEAK]
    whole = make_sample(frames=4, events=[event("turn", "a", 0.0, 0.3)])
    assert chunk_states(whole).tolist() == [START, STOP]


def test_a_sample_put_together_by_hand_needs_no_more_than_what_is_read() -> None:
    events = [{"kind": kind, "speaker": "a", "start_s": 0.0, "end_s": 0.3} for kind in ("turn", "interruption")]
    sample = Sample("x", {"events": events, "activity": []}, np.zeros((2, 1, 4), np.uint16), None)
    assert chunk_states(sample).tolist() == [START, STOP]
    assert user_states(sample, "b").tolist() == [0, 2]


def test_a_turn_that_the_cut_goes_through_begins_and_ends_elsewhere() -> None:
    sample = make_sample(frames=4, events=[event("turn", "a", -1.0, 5.0)])
    assert chunk_states(sample).tolist() == [SPEAK, SPEAK]


@pytest.mark.parametrize(
    ("onset_s", "fields", "state"),
    [
        (0.5, {"floor_taking": True}, INTERRUPTED),
        (0.5, {}, STOP),
        (0.9, {"floor_taking": True}, STOP),
    ],
)
def test_only_who_takes_the_floor_within_the_turn_has_interrupted_it(
    onset_s: float, fields: dict[str, Any], state: int
) -> None:
    events = [event("turn", "a", 0.0, 0.6), event("interruption", "b", onset_s, 1.5, **fields)]
    assert chunk_states(make_sample(frames=20, events=events))[3] == state


# --- the user -------------------------------------------------------------------------------------------------------


def naive_freeze_omni(sample: Sample, model: str, chunk_ms: int) -> list[int]:
    """States of Freeze-Omni, chunk by chunk."""
    frames, about = sample.codes.shape[-1], sample.metadata
    end_of_sample = min(80 * frames, round(about["end_s"] * 1000) - round(about["start_s"] * 1000))
    states = []
    for lo in range(0, 80 * frames, chunk_ms):
        state = 0
        for e in about["events"]:
            end = round(e["end_s"] * 1000)
            if e["speaker"] == model or not (lo < end <= lo + chunk_ms and end < end_of_sample):
                continue
            if e["kind"] == "turn":
                answered = any(
                    f["kind"] == "floor_transfer" and f["speaker"] == model and e["end_s"] in (f["start_s"], f["end_s"])
                    for f in about["events"]
                )
                state = 1 if answered or state == 1 else 2
            elif e["kind"] == "backchannel" or e["subtype"] == "attempt":
                state = state or 2
        states.append(state)
    return states


@given(drawn_samples(), SIDES, CHUNKS)
def test_freeze_omni_is_told_who_ended_and_who_answers(sample: Sample, speaker: str, chunk_ms: int) -> None:
    states = user_states(sample, speaker, chunk_ms)
    assert states.dtype == np.uint8
    assert states.tolist() == naive_freeze_omni(sample, speaker, chunk_ms)


def test_the_model_starts_once_for_each_floor_that_it_takes() -> None:
    for sample in simulated_samples(1000):
        for model, user in ("ab", "ba"):
            taken = [e for e in sample.metadata["events"] if e["kind"] == "floor_transfer" and e["speaker"] == model]
            states = user_states(sample, model, 80)
            assert np.count_nonzero(states == 1) == len(taken)
            given_up = {e["end_s"] for e in sample.metadata["events"] if e["kind"] == "turn" and e["speaker"] == user}
            assert all(given_up & {e["start_s"], e["end_s"]} for e in taken)


def test_duplex_cascade_is_told_what_the_user_does() -> None:
    sample = make_sample(
        frames=75,
        activity=[
            {"speaker": "b", "start_s": lo, "end_s": hi} for lo, hi in [(0.6, 1.2), (1.8, 2.9), (3.6, 4.2), (4.8, 6.0)]
        ],
        events=[
            event("turn", "b", 0.6, 2.9),
            event("backchannel", "b", 3.6, 4.2),
            event("interruption", "b", 4.8, 6.0, floor_taking=True),
            event("turn", "b", 4.8, 6.0),
        ],
    )
    assert user_states(sample, "a", 600, labels="duplex-cascade").tolist() == [0, 1, 3, 1, 2, 0, 5, 0, 4, 1]


@given(drawn_samples(), SIDES)
def test_without_voice_the_user_neither_talks_nor_thinks(sample: Sample, speaker: str) -> None:
    silent = Sample(sample.key, {**sample.metadata, "activity": [], "events": []}, sample.codes, None)
    assert not user_states(silent, speaker, 600, labels="duplex-cascade").any()
    assert not user_states(silent, speaker, 600).any()
    assert not chunk_states(silent, speaker=speaker).any()


def test_what_cannot_be_said_is_refused() -> None:
    sample = make_sample()
    with pytest.raises(UsageError, match=r"^chunk_ms 0: expected a whole number of at least 1$"):
        chunk_states(sample, chunk_ms=0)
    with pytest.raises(UsageError, match=r"^chunk_ms 12\.5: expected"):
        user_states(sample, "a", 12.5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r'^speaker \'c\': expected "a" or "b"'):
        chunk_states(sample, speaker="c")
    with pytest.raises(UsageError, match=r'^labels \'vad\': expected "freeze-omni" or "duplex-cascade"$'):
        user_states(sample, "a", 160, labels="vad")  # type: ignore[arg-type]
