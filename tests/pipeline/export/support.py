"""What the tests of exports share: requests, tokenizers that are trained here, and the bytes of a folder."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from duologue_pipeline.export.make import Outcome, make_export
from duologue_pipeline.export.request import ExportRequest
from duologue_schemas import iter_faults

SPEAKERS = ("anna", "ben", "carl", "dora", "emil", "fred", "gina", "hugo", "ines")
TEXT = [f"{name}{number}" for name in SPEAKERS for number in range(10)]


def sentencepiece_file(folder: Path, text: Sequence[str] = TEXT) -> Path:
    """A model with bytes for what it does not know, as Kyutai's has."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*text] * 3),
        model_writer=model,
        vocab_size=400,
        byte_fallback=True,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    path = folder / "tokenizer.model"
    path.write_bytes(model.getvalue())
    return path


def json_file(folder: Path) -> Path:
    """A tokenizer.json with the marks of Llama 3."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|begin_of_text|>", "<|end_of_text|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(TEXT, trainer)
    path = folder / "tokenizer.json"
    made.save(str(path))
    return path


def export(release: Path, out: Path, name: str = "moshi-finetune", **asked: Any) -> Outcome:
    """Exports a release; its document follows the schema."""
    outcome = make_export(str(release), str(out), ExportRequest(format=name, **asked))
    assert list(iter_faults("export", document_of(out))) == []
    return outcome


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of an export, but what is kept for the next time."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".parts" not in path.parts
    }


def document_of(folder: Path) -> dict[str, Any]:
    """The document of ``export.json``."""
    found: dict[str, Any] = json.loads((folder / "export.json").read_bytes())
    return found
