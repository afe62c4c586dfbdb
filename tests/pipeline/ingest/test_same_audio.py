"""One audio, one hash: whatever container, channel, block or silence around it, and no other audio has it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.audio import Pcm
from duologue_pipeline.ingest.content_hash import ContentHash
from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.ingest.same_audio import check_same_audio, hashes_of_refused, sharing, track_hashes
from duologue_pipeline.records import Ingested
from tests.conftest import make_noise, make_recording

NOISE = (make_noise(2.0) * 20_000).astype(np.int16)


def content_hash(pcm: Pcm, *, blocks: int = 1, min_samples: int = 4) -> str:
    content = ContentHash(min_samples)
    for block in np.array_split(pcm.astype(np.float32), blocks):
        content.push(block)
    return content.hexdigest()


def zeros(count: int) -> Pcm:
    return np.zeros(count, np.float32)


def padded(pcm: Pcm, lead: int, tail: int) -> Pcm:
    return np.concatenate([zeros(lead), pcm, zeros(tail)])


@given(
    st.lists(st.sampled_from([0.0, -0.0, 0.25, -0.5]), min_size=4, max_size=40),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 9),
)
def test_silence_around_it_and_blocks_change_nothing(inner: list[float], lead: int, tail: int, blocks: int) -> None:
    pcm = np.array([0.5, *inner, 0.25], np.float32)
    assert content_hash(padded(pcm, lead, tail), blocks=blocks) == content_hash(pcm)


def test_silence_within_it_does() -> None:
    pcm = np.array([0.5, 0, 0, 0, 0.25], np.float32)
    assert content_hash(pcm) != content_hash(np.delete(pcm, 1))


def test_a_click_on_a_dead_line_is_not_known_again() -> None:
    click = np.array([0.5], np.float32)
    assert content_hash(padded(click, 3, 9)) != content_hash(padded(click, 4, 8))
    assert content_hash(padded(click, 3, 9)) == content_hash(padded(click, 3, 9), blocks=5)


def hashes(path: Path, **fields: Any) -> set[str]:
    recording = make_recording(path, **fields)
    return {each for each, _ in track_hashes(Ingested(recording, measure_audio(recording)))}


def test_copies_that_hold_the_same_samples(tmp_path: Path) -> None:
    original = tmp_path / "original.wav"
    soundfile.write(original, NOISE, 8000)
    expected = hashes(original)
    assert len(expected) == 2
    soundfile.write(tmp_path / "copy.flac", NOISE, 8000)
    soundfile.write(tmp_path / "wide.wav", NOISE, 8000, subtype="PCM_24")
    soundfile.write(tmp_path / "float.wav", NOISE / np.float32(32768), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "swapped.wav", NOISE[:, ::-1], 8000)
    soundfile.write(tmp_path / "padded.aiff", np.pad(NOISE, ((800, 2400), (0, 0))), 8000)
    for name in ("copy.flac", "wide.wav", "float.wav", "swapped.wav", "padded.aiff"):
        assert hashes(tmp_path / name) == expected, name
    assert hashes(original, offsets_s=(0.5, -0.25)) == expected


def test_other_audio_has_another_hash(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", NOISE, 8000)
    soundfile.write(tmp_path / "b.wav", np.stack([NOISE[:, 0], NOISE[:, 1] + 1], axis=1), 8000)
    a, b = hashes(tmp_path / "a.wav"), hashes(tmp_path / "b.wav")
    assert len(a & b) == 1  # the track that is the same


def test_what_may_not_be_used_is_hashed_where_it_can_be_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", NOISE, 8000)
    recording = make_recording(tmp_path / "a.wav", recording_id="refused")
    assert {each for each, _ in hashes_of_refused(recording)} == hashes(tmp_path / "a.wav")
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    for uri in (tmp_path / "missing.wav", tmp_path / "broken.wav", "https://nowhere.invalid/a.wav"):
        assert hashes_of_refused(make_recording(str(uri))) == ()


@pytest.mark.parametrize("ids", ["caba", "bca"])
def test_each_is_told_the_others_and_whether_both_are_local(ids: str) -> None:
    holders = [(each, each != "b") for each in ids]
    assert sharing(holders) == (
        ("a", (("b", False), ("c", True))),
        ("b", (("a", False), ("c", False))),
        ("c", (("a", True), ("b", False))),
    )
    assert sharing([("a", True), ("a", False)]) == ()


@pytest.mark.parametrize("local", [0, 2, 500])
def test_a_large_group_is_joined_by_a_chain(local: int) -> None:
    told = dict(sharing([(f"call-{n:03}", n % (500 // local) == 0 if local else False) for n in range(500)]))
    assert len(told) == 500
    assert max(map(len, told.values())) <= 64
    here = {each for each in told if local and int(each[5:]) % (500 // local) == 0}
    for each, others in told.items():
        assert each not in dict(others)
        assert any(both for _, both in others) == (each in here)
    reached, waiting = {"call-000"}, ["call-000"]
    while waiting:
        further = {other for other, _ in told[waiting.pop()]} - reached
        reached |= further
        waiting += further
    assert reached == told.keys()


def test_it_is_refused_or_marked() -> None:
    assert check_same_audio("call-1", (), policy="mark") == ()
    elsewhere, both_local = (("call-2", False),), (("call-2", True),)
    assert check_same_audio("call-1", both_local, policy="mark") == ("call-2",)
    assert check_same_audio("call-1", elsewhere, policy="refuse") == ("call-2",)
    with pytest.raises(RejectError, match="audio_same_as_other"):
        check_same_audio("call-1", elsewhere, policy="refuse-all")
    with pytest.raises(RejectError) as caught:
        check_same_audio("call-1", tuple((f"call-{n}", n > 2) for n in range(2, 14)), policy="refuse")
    assert (caught.value.reason, caught.value.values) == ("audio_same_as_other", {"others": 12})
    assert "call-2, call-3" in caught.value.detail
    assert "and 2 more" in caught.value.detail
