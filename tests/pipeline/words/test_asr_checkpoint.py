"""Words from the sound: real loading of tiny checkpoints made here."""

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Activity, Recording, Span
from duologue_pipeline.words.asr import transcribe
from duologue_pipeline.words.asr_checkpoint import AsrModel


@pytest.fixture(scope="module")
def ctc_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wav2vec 2.0 of random weights whose last layer hears nothing but the letter A, whatever comes."""
    from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

    import_torchaudio()
    import torch
    import transformers

    hf: Any = transformers  # its constructors have no types

    folder = tmp_path_factory.mktemp("ctc")
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "A": 5}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = hf.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = hf.Wav2Vec2FeatureExtractor(return_attention_mask=False)
    hf.Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    torch.manual_seed(0)
    model = hf.Wav2Vec2ForCTC(
        hf.Wav2Vec2Config(
            vocab_size=6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            conv_dim=(8, 8, 8, 8, 8, 8, 8), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        )
    )  # fmt: skip
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.bias.copy_(torch.tensor([0.0, 0, 0, 0, 0, 9]))
    model.save_pretrained(folder)
    return folder


def test_a_checkpoint_from_a_folder_gives_words_with_times(ctc_folder: Path, recording: Recording) -> None:
    activity = Activity(a=[Span(10_000, 12_000)], b=[], rules="test")
    heard = transcribe(recording, activity, AsrModel(str(ctc_folder)).open(), language="en")
    assert heard["b"].words == ()
    (word,) = heard["a"].words
    assert word.word == "A"
    assert word.start_ms == 10_000  # the word lies from 9.8 to 12.2 s, and the speech from 10 to 12
    assert word.end_ms == 12_000


@pytest.fixture(scope="module")
def whisper_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of random weights over a vocabulary of bytes."""
    from duologue_pipeline.models.torchaudio_cpu import import_torchaudio

    import_torchaudio()
    import torch
    import transformers
    from tokenizers.pre_tokenizers import ByteLevel

    hf: Any = transformers
    folder = tmp_path_factory.mktemp("whisper")
    letters = sorted(ByteLevel.alphabet())
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|translate|>", "<|startoflm|>",
               "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>", *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]  # fmt: skip
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(letters)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = hf.WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), unk_token="!")
    tokenizer.add_tokens(special, special_tokens=True)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in special}
    extractor = hf.WhisperFeatureExtractor()
    hf.WhisperProcessor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)
    torch.manual_seed(1)
    start, end = ids["<|startoftranscript|>"], ids["<|endoftext|>"]
    config = hf.WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_target_positions=64,
        pad_token_id=end, bos_token_id=end, eos_token_id=end, decoder_start_token_id=start,
    )  # fmt: skip
    model = hf.WhisperForConditionalGeneration(config)
    model.generation_config = hf.GenerationConfig(
        alignment_heads=[[0, 0]], is_multilingual=True, lang_to_id={"<|en|>": ids["<|en|>"]},
        task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
        no_timestamps_token_id=ids["<|notimestamps|>"], max_length=24, pad_token_id=end, eos_token_id=end,
        bos_token_id=end, decoder_start_token_id=start, max_initial_timestamp_index=50,
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("language", ["en-US", "gsw", None])
def test_whisper_gives_words_within_the_piece(language: str | None, whisper_folder: Path, recording: Recording) -> None:
    """A language that the model does not know is left to the model."""
    activity = Activity(a=[Span(10_000, 14_000)], b=[Span(30_000, 34_000)], rules="test")
    recogniser = AsrModel(f"transformers:{whisper_folder}").open()
    assert recogniser.knows(language)
    heard = transcribe(recording, activity, recogniser, language=language)
    assert heard["a"].given  # random weights say something
    assert all(10_000 <= word.start_ms <= word.end_ms <= 14_000 for word in heard["a"].words)
    assert all(30_000 <= word.start_ms <= word.end_ms <= 34_000 for word in heard["b"].words)


def test_the_hash_of_a_checkpoint_is_over_its_files(ctc_folder: Path, tmp_path: Path) -> None:
    model = AsrModel(str(ctc_folder))
    before = model.document()
    assert before["model"] == ctc_folder.name
    assert len(before["sha256"]) == 64
    (tmp_path / "config.json").write_text("{}")
    assert AsrModel(str(tmp_path)).document()["sha256"] != before["sha256"]
    assert model.document() == before


def test_a_model_that_is_not_there_is_refused_without_the_network() -> None:
    with pytest.raises(UsageError, match=r"--asr nobody/nothing: no such folder.*not asked without --allow-network"):
        AsrModel("nobody/nothing").open()


def test_a_folder_that_is_no_recogniser_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match=r"not a speech recogniser that transformers can load .*; expected a folder"):
        AsrModel(str(tmp_path)).open()


@pytest.mark.parametrize("program", ["", "transformers:", "faster-whisper:"])
@pytest.mark.parametrize("place", ["gs://bucket/asr", "s3://bucket/asr", "https://example.org/asr?X-Signature=s3cr3t"])
def test_a_store_is_no_folder_and_told_so(program: str, place: str) -> None:
    with pytest.raises(UsageError, match="read from a folder and not from a store or a server") as told:
        AsrModel(program + place).folder()
    assert str(told.value).startswith(f"--asr {program}{place.partition('?')[0]}")
    assert "s3cr3t" not in str(told.value)


def test_a_home_is_expanded_after_the_program_where_no_shell_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "asr").mkdir()
    assert AsrModel("transformers:~/asr").folder() == tmp_path / "asr"
