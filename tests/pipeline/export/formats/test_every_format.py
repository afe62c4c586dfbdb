"""What holds for every format: no word is lost, the same bytes come again, and a public export tells nobody who speaks."""

from pathlib import Path

import pytest

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.format import Context
from duologue_pipeline.export.reasons import REASONS
from duologue_pipeline.export.registry import find_format
from tests.pipeline.export.formats.samples import FORMATS, conversation, export, files, listed, told

OF_AUDIO = ("lhotse", "nemo-duplex", "multitalk", "vap", "d2")
OPTIONAL_AUDIO = ("energon", "hf", "dualturn", "textgrid", "eaf")


@pytest.mark.parametrize("name", FORMATS)
def test_every_word_is_written_or_left_out_for_a_reason(name: str, tmp_path: Path) -> None:
    samples = conversation(codebooks=16)
    result = export(name, samples, tmp_path / "out")
    assert result.words + sum(result.words_left_out.values()) == listed(samples)
    assert result.samples + sum(result.samples_left_out.values()) == len(samples)
    assert set(result.words_left_out) | set(result.samples_left_out) <= set(REASONS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_samples_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    export(name, conversation(codebooks=16), tmp_path / "one")
    export(name, conversation(codebooks=16), tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two") != {}


@pytest.mark.parametrize("name", FORMATS)
def test_a_public_export_names_no_speaker_and_no_recording(name: str, tmp_path: Path) -> None:
    samples = conversation(codebooks=16)
    secrets = [b"secret-call", *(samples[0].metadata["speakers"][side]["commitment"].encode() for side in "ab")]
    export(name, samples, tmp_path / "in-house")
    assert secrets[0] in told(tmp_path / "in-house")
    export(name, samples, tmp_path / "public", public=True)
    assert not [secret for secret in secrets if secret in told(tmp_path / "public")]


@pytest.mark.parametrize("name", FORMATS)
def test_a_part_of_no_samples_is_written_as_well(name: str, tmp_path: Path) -> None:
    result = export(name, [], tmp_path / "out")
    assert (result.samples, result.words, result.index) == (0, 0, [])


@pytest.mark.parametrize("name", FORMATS)
def test_a_side_that_was_silenced_is_no_model(name: str, tmp_path: Path) -> None:
    samples = conversation(codebooks=16)
    for sample in samples:
        sample.metadata["speakers"]["a"]["commitment"] = "withdrawn"
        sample.metadata["transcripts"]["a"] = False
        sample.metadata["words"] = [row for row in sample.metadata["words"] if row["speaker"] == "b"]
        sample.metadata["events"] = []
        sample.metadata["activity"] = [row for row in sample.metadata["activity"] if row["speaker"] == "b"]
    result = export(name, samples, tmp_path / "out")
    assert result.words + sum(result.words_left_out.values()) == listed(samples)
    if name in ("nemo-duplex", "d2"):
        assert not list((tmp_path / "out").rglob("*-a-*"))
        assert export(name, samples, tmp_path / "a", model_speaker="a").samples_left_out == {"silenced": len(samples)}


@pytest.mark.parametrize("name", OF_AUDIO)
def test_formats_of_audio_say_plainly_that_the_release_has_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no audio; make the release with `duologue run \.\.\. --include-audio`"):
        export(name, conversation(audio=False, codebooks=16), tmp_path / "out")
    assert "audio" in find_format(name).needs


@pytest.mark.parametrize("name", OPTIONAL_AUDIO)
def test_formats_with_optional_audio_do_without(name: str, tmp_path: Path) -> None:
    result = export(name, conversation(audio=False), tmp_path / "out")
    assert result.samples == len(conversation(audio=False))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".flac", ".wav")]


@pytest.mark.parametrize("name", OPTIONAL_AUDIO)
@pytest.mark.parametrize(("held", "asked"), [(True, True), (True, False), (False, True)])
def test_the_forms_are_those_that_are_written(name: str, held: bool, asked: bool) -> None:
    context = Context(
        release={"include_audio": held},
        options={"audio": asked},
        splits=("train",),
        purpose="training_inhouse",
        model_speaker="both",
        tokenizer=None,
        public=False,
    )
    assert (Form.AUDIO in find_format(name).forms(context)) == (held and asked)


@pytest.mark.parametrize("name", FORMATS)
def test_samples_without_transcripts_are_exported_as_far_as_they_can_be(name: str, tmp_path: Path) -> None:
    samples = conversation(codebooks=16, transcripts={"a": False, "b": False}, words=[])
    result = export(name, samples, tmp_path / "out")
    if name in ("nemo-duplex", "d2"):
        assert result.samples_left_out == {"no_transcript": len(samples)}
    else:
        assert result.samples == len(samples) - result.samples_left_out.get("too_short", 0) > 0
