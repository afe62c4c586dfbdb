"""Which forms a run writes: asked for by its options, found in its samples, and asked for again in what was written."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from duologue_consent import ALL_FORMS, Form
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.consent.forms import (
    FormNotGrantedError,
    forms_of_row,
    forms_of_run,
    forms_of_sample,
    how_to_leave_out,
    require_granted,
)
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import Annotated, Consented, Recording, TaggedWord
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from tests.conftest import make_annotated

Build = Callable[..., Any]
BASE = (Form.TOKENS, Form.ANNOTATIONS)


@pytest.mark.parametrize(
    ("include_audio", "words", "asr", "named", "expected"),
    [
        (False, "optional", False, False, BASE),
        (False, "optional", False, True, (Form.TRANSCRIPT, *BASE)),
        (False, "optional", True, False, (Form.TRANSCRIPT, *BASE)),
        (False, "required", True, False, (Form.TRANSCRIPT, *BASE)),
        (False, "none", True, True, BASE),
        (True, "none", True, True, (Form.AUDIO, *BASE)),
        (True, "optional", True, False, ALL_FORMS),
    ],
)
def test_what_the_options_of_a_run_write(
    include_audio: bool, words: str, asr: bool, named: bool, expected: tuple[Form, ...], make_recording: Build
) -> None:
    recording: Recording = make_recording()
    if named:
        recording = replace(recording, b=replace(recording.b, words_uri="words.json"))
    assert forms_of_run(recording, include_audio=include_audio, words=words, asr=asr) == expected


def test_what_a_release_holds_is_in_its_tables_whoever_made_the_words() -> None:
    assert forms_of_row({"words_a": False, "words_b": False}, include_audio=False) == BASE
    assert forms_of_row({"words_a": False, "words_b": True}, include_audio=True) == ALL_FORMS


def test_the_remedy_names_the_option_that_makes_the_form(make_recording: Build) -> None:
    recording: Recording = make_recording()
    named = replace(recording, a=replace(recording.a, words_uri="words.json"))
    assert how_to_leave_out(recording, asr=True)[Form.TRANSCRIPT] == "without --asr"
    assert how_to_leave_out(named, asr=True)[Form.TRANSCRIPT] == "with --words none"
    assert how_to_leave_out(recording, asr=False)[Form.TRANSCRIPT] == "with --words none"


# --- at the border ----------------------------------------------------------------------------------------------------


def document(*, word: bool = False, a: bool = False, b: bool = False) -> dict[str, Any]:
    return {"words": [{"word": "yes"}] if word else [], "transcripts": {"a": a, "b": b}, "events": []}


def test_what_a_sample_holds_is_seen_in_the_sample() -> None:
    codes = ("json", "codes.npy")
    assert forms_of_sample(codes, document()) == BASE
    assert forms_of_sample((*codes, "flac"), document()) == (Form.AUDIO, *BASE)
    assert forms_of_sample((*codes, "opus"), document()) == (Form.AUDIO, *BASE)  # what is not known cannot be less
    for found in (document(word=True), document(a=True), document(b=True)):
        assert forms_of_sample(codes, found) == (Form.TRANSCRIPT, *BASE)
    assert forms_of_sample(("json",), document()) == (Form.ANNOTATIONS,)


def test_a_form_that_was_not_granted_is_told_with_those_that_were() -> None:
    require_granted(ALL_FORMS, ["audio", "transcript", "tokens", "annotations"], key="call-1-00000")
    with pytest.raises(FormNotGrantedError) as raised:
        require_granted(ALL_FORMS, [Form.TOKENS, Form.ANNOTATIONS], key="call-1-00000")
    assert str(raised.value) == (
        "sample call-1-00000 holds audio and transcript, and its speakers were asked for annotations, tokens only; nothing was "
        "published. This is a fault of the program: please report it"
    )
    with pytest.raises(FormNotGrantedError, match="were asked for nothing only"):
        require_granted([Form.TOKENS], [], key="call-1-00000")


@pytest.fixture
def conversation(tmp_path: Path, make_recording: Build, noise: Build, write_audio: Build) -> Annotated:
    """With audio and words, and with the consent of both speakers to every form."""
    path = write_audio("call.wav", noise(5.0))
    words = (TaggedWord("hello", 200, 400, 0.9),)
    return replace(make_annotated(make_recording(path)), words_a=words, words_b=())


def granted(conversation: Annotated, forms: tuple[str, ...]) -> Annotated:
    assert isinstance(conversation.recording, Consented)
    consent = replace(conversation.consent, forms=forms)
    return replace(conversation, recording=replace(conversation.recording, consent=consent))


def write(conversation: Annotated, codec: Codec, staging: Path, *, audio: bool = True) -> Path:
    tokenized = tokenize_conversation(
        conversation,
        codec=codec,
        options=TokenizeOptions(segment_s=2.0, include_audio=audio),
        staging=str(staging),
    )
    return Path(tokenized.part_uri)


def test_what_was_granted_is_written(conversation: Annotated, tiny_codec: Codec, tmp_path: Path) -> None:
    part = write(granted(conversation, tuple(map(str, ALL_FORMS))), tiny_codec, tmp_path / "staging")
    assert [sorted(members) for _, members in read_members(str(part))] == [["codes.npy", "flac", "json"]] * 3


@pytest.mark.parametrize("lacking", ALL_FORMS)
def test_the_writer_stops_where_one_form_was_not_granted(
    lacking: Form, conversation: Annotated, tiny_codec: Codec, tmp_path: Path
) -> None:
    without = granted(conversation, tuple(form for form in ALL_FORMS if form is not lacking))
    with pytest.raises(FormNotGrantedError, match=f"^sample call-1-00000 holds {lacking}, and its speakers were asked"):
        write(without, tiny_codec, tmp_path / "staging")
    assert [path for path in (tmp_path / "staging").rglob("*") if path.is_file()] == []


def test_a_transcript_without_a_word_in_the_sample_is_one(
    conversation: Annotated, tiny_codec: Codec, tmp_path: Path
) -> None:
    silent = replace(granted(conversation, (Form.TOKENS, Form.ANNOTATIONS)), words_a=(), words_b=None)
    with pytest.raises(FormNotGrantedError, match="holds transcript"):
        write(silent, tiny_codec, tmp_path / "staging", audio=False)
    none = replace(silent, words_a=None)
    assert write(none, tiny_codec, tmp_path / "staging", audio=False).exists()


def test_a_part_that_was_written_with_other_grants_is_not_taken_over(
    conversation: Annotated, tiny_codec: Codec, tmp_path: Path
) -> None:
    write(conversation, tiny_codec, tmp_path / "staging")
    with pytest.raises(FormNotGrantedError):
        write(granted(conversation, (Form.TOKENS, Form.ANNOTATIONS)), tiny_codec, tmp_path / "staging")


@pytest.mark.parametrize(("include_audio", "has_words"), list(product([False, True], repeat=2)))
def test_what_is_asked_for_is_what_is_written(
    include_audio: bool, has_words: bool, conversation: Annotated, tiny_codec: Codec, tmp_path: Path
) -> None:
    words = () if has_words else None
    made = replace(conversation, words_a=words, words_b=words)
    asked = forms_of_run(made.recording, include_audio=include_audio, words="optional", asr=has_words)
    assert write(granted(made, asked), tiny_codec, tmp_path / "staging", audio=include_audio).exists()
