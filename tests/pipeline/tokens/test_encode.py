"""Parts: cut on the frame grid, written once, with the audio that belongs to the codes."""

import io
import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.errors import RejectError, UsageError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import Annotated, Consented, Tokenized
from duologue_pipeline.tokens.encode import (
    TokenizeOptions,
    encode_conversation,
    tokenize_conversation,
    tokens_stage,
    tokens_stage_together,
)

Build = Callable[..., Any]


@pytest.fixture
def conversation(noise: Build, write_audio: Build, make_recording: Build, make_annotated: Build) -> Annotated:
    """Twelve seconds and a bit at 16 kHz, track b 0.3 s late."""
    path = write_audio("call.wav", noise(12.0, 16000), 16000)
    annotated: Annotated = make_annotated(make_recording(path, offsets_s=(0.0, 0.3)))
    return annotated


@pytest.fixture
def tokenize(tiny_codec: Any, tmp_path: Path) -> Callable[..., Tokenized]:
    """Tokenizes into the test's staging folder."""

    def run(conversation: Annotated, *, codec: Any = tiny_codec, **options: Any) -> Tokenized:
        return tokenize_conversation(
            conversation,
            codec=codec,
            options=TokenizeOptions(**options),
            staging=str(tmp_path / "staging"),
        )

    return run


def rows(tokenized: Tokenized) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(tokenized.rows_uri).read_bytes())
    return document


# --- codes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("samples", "frames"), [(6400, 10), (6401, 11), (7039, 11), (7040, 11), (4000, 7)])
def test_a_conversation_has_as_many_frames_as_begin_in_it(
    samples: int, frames: int, noise: Build, write_audio: Build, make_recording: Build, tiny_codec: Any
) -> None:
    recording = make_recording(write_audio("call.wav", noise(samples / 8000)))
    codes = np.concatenate(list(encode_conversation(recording, tiny_codec)), axis=-1)
    assert codes.shape == (2, 2, frames)
    assert codes.dtype == np.uint16


def test_codes_are_those_of_each_track_on_the_common_clock(conversation: Annotated, tiny_codec: Any) -> None:
    codes = np.concatenate(list(encode_conversation(conversation.recording, tiny_codec)), axis=-1)
    blocks = list(conversation_blocks(conversation.recording, rate_hz=8000))
    for track, found in enumerate(codes):
        encoder = tiny_codec.encoder()
        whole = np.concatenate([pair[track] for pair in blocks])
        np.testing.assert_array_equal(found, np.concatenate([encoder.push(whole), encoder.finish()], axis=-1))


@pytest.mark.parametrize(("segment_s", "frames"), [(2.0, 25), (1.99, 24), (0.01, 1), (120.0, 1500)])
def test_a_segment_is_rounded_down_to_whole_frames(segment_s: float, frames: int, tiny_codec: Any) -> None:
    assert TokenizeOptions(segment_s=segment_s).segment_frames(tiny_codec) == frames


# --- together --------------------------------------------------------------------------------------------------------


def test_conversations_tokenized_together_are_the_parts_of_each_alone(
    noise: Build,
    write_audio: Build,
    make_recording: Build,
    make_annotated: Build,
    tokenize: Callable[..., Tokenized],
    tiny_codec: Any,
    tmp_path: Path,
) -> None:
    """The second is done already, and the audio of the third is gone."""
    paths = [write_audio(f"call-{name}.wav", noise(seconds)) for name, seconds in (("a", 3.0), ("b", 2.0), ("c", 4.0))]
    conversations = [
        make_annotated(make_recording(path, recording_id=path.stem))
        for path in (*paths, write_audio("d.wav", noise(5.0)))
    ]
    alone = [tokenize(conversation) for conversation in conversations]
    parts = [Path(each.part_uri).read_bytes() for each in alone]
    done = Path(alone[1].part_uri).stat().st_mtime_ns
    for place in (0, 2, 3):
        Path(alone[place].part_uri).unlink()
        Path(alone[place].rows_uri).unlink()
    paths[2].unlink()
    together = tokens_stage_together(
        conversations,
        tiny_codec,
        options=TokenizeOptions(),
        staging=str(tmp_path / "staging"),
        still=lambda: None,
    )
    assert [together[0], together[1], together[3]] == [alone[0], alone[1], alone[3]]
    for place in (0, 1, 3):
        assert Path(alone[place].part_uri).read_bytes() == parts[place]
        assert Path(alone[place].rows_uri).exists()
    assert Path(alone[1].part_uri).stat().st_mtime_ns == done
    assert isinstance(together[2], RejectError)
    assert together[2].reason == "audio_missing"
    assert not Path(alone[2].part_uri).exists()


# --- late ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("looks", "left"), [(0, []), (1, []), (2, []), (3, ["part"]), (4, ["part", "json"])])
def test_who_comes_late_writes_nothing(
    together: bool, looks: int, left: list[str], conversation: Annotated, tiny_codec: Any, tmp_path: Path
) -> None:
    """The folder is looked at before the work, before the part, before it gets its name, and before its rows."""
    asked = list[int]()

    def still() -> None:
        asked.append(1)
        if len(asked) > looks:
            raise UsageError("the run is over")

    options: dict[str, Any] = {"options": TokenizeOptions(), "staging": str(tmp_path / "staging"), "still": still}
    with pytest.raises(UsageError, match="the run is over") if looks < 4 else nullcontext():
        if together:
            tokens_stage_together([conversation], tiny_codec, **options)
        else:
            tokens_stage(conversation, tiny_codec, **options)
    assert len(asked) == min(looks + 1, 4)
    found = [path.name.rpartition(".")[2] for path in tmp_path.glob("staging/parts/*")]
    assert sorted(found, reverse=True) == left


def test_a_part_is_not_begun_while_it_is_encoded(
    conversation: Annotated, tiny_codec: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[bool]()

    def encoded(*arguments: Any) -> Any:
        for codes in encode_conversation(*arguments):
            seen.append((tmp_path / "staging").exists())
            yield codes

    monkeypatch.setattr("duologue_pipeline.tokens.encode.encode_conversation", encoded)
    tokenize_conversation(conversation, codec=tiny_codec, options=TokenizeOptions(), staging=str(tmp_path / "staging"))
    assert seen
    assert not any(seen)


# --- parts ----------------------------------------------------------------------------------------------------------


def test_samples_follow_each_other_without_a_gap(conversation: Annotated, tokenize: Build) -> None:
    tokenized = tokenize(conversation, segment_s=5.0)
    index = rows(tokenized)["index"]
    assert [(row["key"], row["frames"]) for row in index] == [
        ("call-1-00000", 62),
        ("call-1-00001", 62),
        ("call-1-00002", 30),
    ]
    assert [(row["start_s"], row["end_s"]) for row in index] == [(0.0, 4.96), (4.96, 9.92), (9.92, 12.3)]
    assert [row["offset"] for row in index] == [0, index[0]["bytes"], index[0]["bytes"] + index[1]["bytes"]]
    assert rows(tokenized)["part_bytes"] == Path(tokenized.part_uri).stat().st_size


def test_a_part_holds_the_codes_of_the_whole_conversation(
    conversation: Annotated, tokenize: Build, tiny_codec: Any
) -> None:
    tokenized = tokenize(conversation, segment_s=3.0)
    codes = [np.load(io.BytesIO(members["codes.npy"])) for _, members in read_members(tokenized.part_uri)]
    whole = np.concatenate(list(encode_conversation(conversation.recording, tiny_codec)), axis=-1)
    np.testing.assert_array_equal(np.concatenate(codes, axis=-1), whole)


def test_a_recording_has_one_row_and_says_how_many_samples_it_gave(conversation: Annotated, tokenize: Build) -> None:
    (row,) = rows(tokenize(conversation, segment_s=5.0))["recordings"]
    assert (row["recording_id"], row["samples"], row["duration_s"]) == ("call-1", 3, 12.3)


def test_the_same_work_gives_the_same_bytes(conversation: Annotated, tokenize: Build) -> None:
    first = tokenize(conversation, include_audio=True)
    content = [Path(uri).read_bytes() for uri in (first.part_uri, first.rows_uri)]
    for uri in (first.part_uri, first.rows_uri):
        Path(uri).unlink()
    again = tokenize(conversation, include_audio=True)
    assert again == first
    assert [Path(uri).read_bytes() for uri in (again.part_uri, again.rows_uri)] == content


# --- resuming -------------------------------------------------------------------------------------------------------


def test_a_finished_part_is_not_made_again(conversation: Annotated, tokenize: Build) -> None:
    first = tokenize(conversation)
    Path(first.part_uri).write_bytes(b"left as it is")
    Path(conversation.recording.a.uri).unlink()  # the audio is not even opened
    assert tokenize(conversation) == first
    assert Path(first.part_uri).read_bytes() == b"left as it is"


def test_a_part_whose_rows_are_missing_was_cut_off_and_is_made_again(conversation: Annotated, tokenize: Build) -> None:
    first = tokenize(conversation)
    whole = Path(first.part_uri).read_bytes()
    Path(first.rows_uri).unlink()
    Path(first.part_uri).write_bytes(whole[:1000])
    assert tokenize(conversation) == first
    assert Path(first.part_uri).read_bytes() == whole


def test_whatever_decides_the_bytes_gives_another_name(
    conversation: Annotated, tokenize: Build, tiny_codec: Any
) -> None:
    other_codec = type("OtherCodec", (type(tiny_codec),), {"weights_sha256": "1" * 64})()
    assert isinstance(conversation.recording, Consented)
    other_basis = replace(conversation.recording, consent=replace(conversation.consent, ledger_id="ledger-2"))
    parts = [
        tokenize(conversation),
        tokenize(conversation, segment_s=60.0),
        tokenize(conversation, include_audio=True),
        tokenize(conversation, codec=other_codec),
        tokenize(replace(conversation, recording=other_basis)),
        tokenize(replace(conversation, words_a=())),
    ]
    assert len({part.part_uri for part in parts}) == len({part.rows_uri for part in parts}) == 6


# --- audio ----------------------------------------------------------------------------------------------------------


def test_without_audio_a_sample_has_two_members(conversation: Annotated, tokenize: Build) -> None:
    for _, members in read_members(tokenize(conversation).part_uri):
        assert list(members) == ["json", "codes.npy"]


@pytest.mark.parametrize("rates_hz", [(8000, 8000), (16000, 8000), (11025, 44100)])
def test_the_audio_is_the_decoded_conversation_to_one_step_of_16_bits(
    rates_hz: tuple[int, int],
    noise: Build,
    write_audio: Build,
    make_recording: Build,
    make_annotated: Build,
    tokenize: Build,
) -> None:
    a, b = (
        write_audio(f"{name}.wav", noise(11.5, rate, channels=1, seed=rate + seed), rate)
        for seed, (name, rate) in enumerate(zip("ab", rates_hz, strict=True))
    )
    recording = make_recording(a, b, offsets_s=(0.0, 0.25))
    part = tokenize(make_annotated(recording), segment_s=3.0, include_audio=True)
    pieces = [soundfile.read(io.BytesIO(members["flac"])) for _, members in read_members(part.part_uri)]
    rate_hz = max(rates_hz)
    assert {rate for _, rate in pieces} == {rate_hz}
    audio = np.concatenate([pcm for pcm, _ in pieces])
    expected = np.concatenate([np.stack(pair, axis=1) for pair in conversation_blocks(recording, rate_hz=rate_hz)])
    assert audio.shape == expected.shape
    np.testing.assert_allclose(audio, expected, atol=1 / 32768, rtol=0)
    # Each piece is as long as its frames, at 12.5 a second; the last ends with the conversation.
    assert [len(pcm) for pcm, _ in pieces[:-1]] == [round(37 / 12.5 * rate_hz)] * (len(pieces) - 1)


def test_audio_beyond_full_scale_is_clipped_and_does_not_wrap(
    write_audio: Build, make_recording: Build, make_annotated: Build, tokenize: Build
) -> None:
    loud = np.tile(np.array([[1.5, 0.5], [-1.5, -0.5]]), (8000, 1))
    recording = make_recording(write_audio("call.wav", loud, subtype="FLOAT"))
    ((_, members),) = read_members(tokenize(make_annotated(recording), include_audio=True).part_uri)
    audio, _ = soundfile.read(io.BytesIO(members["flac"]))
    np.testing.assert_allclose(audio, np.clip(loud, -1, 1), atol=1 / 32768, rtol=0)
