"""From the word file to the samples: every word is written, lies outside of the audio, or is left out by the check."""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.conversation import events_stage, ingest_stage, words_stage
from duologue_pipeline.errors import RejectError
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import Active, Activity, Annotated, Consented, Span, Worded
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from tests.conftest import TinyCodec, make_annotated, make_noise, make_recording

Said = list[tuple[float, float]]

FITTING: Said = [(k + 0.2 * j, k + 0.2 * j + 0.2) for k in range(0, 20, 2) for j in range(5)]
"""Words that fill the speech of a, times of its track."""


@pytest.fixture
def worded(tmp_path: Path) -> Callable[..., Worded]:
    """A conversation of 20 s in which a speaks each even second of its track and b each odd one, with words of a.

    Under policy ``required`` b has words, too, that fit.
    """
    for side, seed in (("a", 1), ("b", 2)):
        soundfile.write(tmp_path / f"{side}.wav", make_noise(20.0, channels=1, seed=seed), 8000)

    def words_uri(side: str, said: Said) -> str:
        words = [{"word": f"{side}{k}", "start_s": start, "end_s": end} for k, (start, end) in enumerate(said)]
        (tmp_path / f"{side}.json").write_text(json.dumps(words))
        return str(tmp_path / f"{side}.json")

    def make(said: Said, *, offset_s: float = 0.0, policy: str = "optional") -> Worded:
        recording = make_recording(tmp_path / "a.wav", tmp_path / "b.wav", offsets_s=(offset_s, 0.0))
        uri_b = words_uri("b", [(start + 1, end + 1) for start, end in FITTING]) if policy == "required" else None
        measured = make_annotated(
            replace(
                recording,
                a=replace(recording.a, words_uri=words_uri("a", said)),
                b=replace(recording.b, words_uri=uri_b),
            )
        )
        moved_ms = round(offset_s * 1000)
        spans = [Span(max(0, k + moved_ms), k + 1000 + moved_ms) for k in range(0, 20_000, 2000)]
        activity = Activity(
            a=[span for span in spans if span.end_ms > 0],
            b=[Span(k, k + 1000) for k in range(1000, 20_000, 2000)],
            rules="test",
        )
        active = Active(measured.recording, measured.audio, measured.isolation, activity)
        return words_stage(active, policy=policy)

    return make


def written(conversation: Worded, folder: Path, segment_s: float) -> tuple[Counter[str], dict[str, Any], list[Any]]:
    """How often each word begins in a sample, the recording's row, and the documents."""
    assert isinstance(conversation.recording, Consented)
    annotated = events_stage(conversation)
    assert isinstance(annotated, Annotated)
    tokenized = tokenize_conversation(
        annotated,
        codec=TinyCodec(),
        options=TokenizeOptions(segment_s=segment_s),
        staging=str(folder),
    )
    documents = [json.loads(members["json"]) for _, members in read_members(tokenized.part_uri)]
    begun = Counter(
        word["word"]
        for document in documents
        for word in document["words"]
        if word["start_s"] >= 0 or document["segment"] == 0
    )
    row = json.loads(Path(tokenized.rows_uri).read_bytes())["recordings"][0]
    return begun, row, documents


@pytest.mark.parametrize("segment_s", [0.08, 1.0, 1.92, 7.0, 120.0])
@pytest.mark.parametrize(
    ("extra", "offset_s", "outside"),
    [
        ([], 0.0, 0),
        ([(20.0, 20.0), (20.0, 20.4), (30.0, 31.0)], 0.0, 3),
        ([(19.99, 25.0), (0.0, 0.0), (19.999, 19.999)], 0.0, 0),
        ([], -1.0, 5),
        ([(0.9, 1.1), (0.999, 1.0)], -1.0, 6),
        ([(1.92, 1.92), (3.84, 3.84), (1.0, 9.0)], 0.0, 0),
        ([(19.5, 20.5), (20.5, 21.0)], 0.7, 1),
    ],
)
def test_every_word_is_in_a_sample_or_counted(
    segment_s: float, extra: Said, offset_s: float, outside: int, worded: Callable[..., Worded], tmp_path: Path
) -> None:
    said = [*FITTING, *extra]
    conversation = worded(said, offset_s=offset_s)
    begun, row, documents = written(conversation, tmp_path, segment_s)
    assert (row["words_given_a"], row["words_outside_a"]) == (len(said), outside)
    assert set(begun.values()) == {1}
    assert begun.total() + outside == len(said)
    assert (row["words_given_b"], row["words_outside_b"]) == (None, None)
    assert row["left_out_a_s"] == max(0.0, -offset_s)
    assert [document["audio"]["gain_db"] for document in documents] == [0.0] * len(documents)


def test_of_words_on_the_wrong_track_none_is_written_and_all_are_counted(
    worded: Callable[..., Worded], tmp_path: Path
) -> None:
    said = [(start + 1.0, end + 1.0) for start, end in FITTING[:-5]]
    conversation = worded(said)
    assert conversation.words_check_a is not None
    assert conversation.words_check_a.verdict in ("wrong_track", "shifted")
    begun, row, _ = written(conversation, tmp_path, 7.0)
    assert (begun.total(), row["words_given_a"], row["words_outside_a"]) == (0, len(said), 0)
    assert row["words_a"] is False


@pytest.mark.parametrize(
    "said", [[(k + 3600.0, k + 3600.5) for k in range(50)], [(20.0, 20.5)], [*FITTING[:2], *[(50, 51)] * 3]]
)
def test_words_of_which_most_lie_outside_are_refused_where_they_are_required(
    said: Said, worded: Callable[..., Worded], tmp_path: Path
) -> None:
    begun, row, _ = written(worded(said), tmp_path, 7.0)
    assert (begun.total(), row["words_given_a"], row["words_check_a"]) == (0, len(said), "outside")
    with pytest.raises(RejectError) as raised:
        worded(said, policy="required")
    assert raised.value.reason == "words_outside"
    assert (raised.value.values["track"], raised.value.values["words"]) == ("a", len(said))


# --- audio that goes over full scale --------------------------------------------------------------------------------


@pytest.mark.parametrize("peak", [0.9, 1.4, 6.0])
def test_the_audio_of_samples_is_that_of_the_file_times_the_gain_that_they_name(peak: float, tmp_path: Path) -> None:
    pcm = make_noise(6.0)
    pcm *= np.float32(peak) / np.abs(pcm).max()
    soundfile.write(tmp_path / "call.wav", pcm, 8000, subtype="FLOAT")
    recording = make_recording(tmp_path / "call.wav")
    conversation = make_annotated(recording)
    turned = replace(
        conversation, recording=replace(conversation.recording, gain_db=ingest_stage(recording).recording.gain_db)
    )
    tokenized = tokenize_conversation(
        turned,
        codec=TinyCodec(),
        options=TokenizeOptions(segment_s=2.0, include_audio=True),
        staging=str(tmp_path),
    )
    members = [members for _, members in read_members(tokenized.part_uri)]
    audio = np.concatenate([soundfile.read(io.BytesIO(each["flac"]), dtype="float32")[0] for each in members])
    (gain_db,) = {json.loads(each["json"])["audio"]["gain_db"] for each in members}
    assert gain_db == (0.0 if peak < 1 else -np.ceil(200 * np.log10(peak)) / 10)
    assert json.loads(Path(tokenized.rows_uri).read_bytes())["recordings"][0]["gain_db"] == gain_db
    np.testing.assert_allclose(audio / 10 ** (gain_db / 20), pcm, atol=1 / 32768 / 10 ** (gain_db / 20))
    assert np.corrcoef(audio[:, 0], pcm[:, 0])[0, 1] > 0.999999
