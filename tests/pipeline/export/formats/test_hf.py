"""datasets reads its export with its own code: features as they are declared, also where nothing is in the first rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import DatasetCard

from tests.pipeline.export.formats.samples import conversation, export, own

datasets = pytest.importorskip("datasets")


def load(folder: Path, cache: Path):  # type: ignore[no-untyped-def]
    """Reads the folder as a user does; audio stays bytes."""
    found = datasets.load_dataset(str(folder), cache_dir=str(cache))["train"]
    return found.cast_column("audio", datasets.Audio(decode=False)) if "audio" in found.features else found


def test_load_dataset_gives_tokens_words_and_audio(tmp_path: Path) -> None:
    samples = conversation()
    export("hf", samples, tmp_path / "out")
    rows = load(tmp_path / "out", tmp_path / "cache")
    assert rows["key"] == [sample.key for sample in samples]
    for row, sample in zip(rows, samples, strict=True):
        assert np.array_equal(np.array(row["codes"], np.uint16), sample.codes)
        assert row["audio"]["bytes"] == sample.flac
        assert len(row["events"]) == len(sample.metadata["events"])
        assert row["speaker_a"] == sample.metadata["speakers"]["a"]["commitment"]
    assert sorted(word["word"] for row in rows for word in row["words"]) == own(samples)


def test_columns_have_their_types_where_the_first_samples_have_no_words(tmp_path: Path) -> None:
    samples = conversation()
    for sample in samples[:2]:
        for name in ("words", "events", "activity"):
            sample.metadata[name] = []
    export("hf", samples, tmp_path / "out")
    rows = load(tmp_path / "out", tmp_path / "cache")
    assert rows[0]["words"] == []
    assert rows[2]["words"] != []
    assert rows.features["words"].feature["start_s"] == datasets.Value("float64")
    assert rows.features["events"].feature["repair"]["end_s"] == datasets.Value("float64")
    assert rows.features["codes"].feature.feature.feature == datasets.Value("uint16")


def test_the_declared_features_are_those_of_the_columns(tmp_path: Path) -> None:
    export("hf", conversation(), tmp_path)
    schema = pq.read_schema(tmp_path / "data" / "train-00000.parquet")
    features = datasets.Features.from_arrow_schema(schema)
    assert features["audio"] == datasets.Audio()
    assert features.arrow_schema.remove_metadata() == schema.remove_metadata()


def test_the_audio_decodes_to_two_channels(tmp_path: Path) -> None:
    try:
        import torchcodec  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        pytest.skip("torchcodec needs the FFmpeg libraries, Debian's ffmpeg")
    samples = conversation()
    export("hf", samples, tmp_path / "out")
    row = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"][0]
    decoded = row["audio"].get_all_samples()
    assert samples[0].audio is not None
    assert (decoded.sample_rate, np.abs(decoded.data.numpy() - samples[0].audio[0]).max() < 1e-4) == (16000, True)


def test_the_readme_names_the_splits_that_there_are(tmp_path: Path) -> None:
    export("hf", conversation(), tmp_path)
    text = (tmp_path / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    card: Any = DatasetCard(text)
    assert card.data.to_dict() == head  # as the Hub reads it
    assert head["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}
    ]
    assert head["language"] == ["en"]


def test_names_are_readable_in_the_bytes_and_what_is_long_is_compressed(tmp_path: Path) -> None:
    sample = conversation()[0]
    export("hf", [sample], tmp_path)
    path = tmp_path / "data" / "train-00000.parquet"
    assert sample.key.encode() in path.read_bytes()
    group = pq.ParquetFile(path).metadata.row_group(0)
    kinds = {
        column.path_in_schema.split(".")[0]: column.compression
        for column in map(group.column, range(group.num_columns))
    }
    assert {name for name, kind in kinds.items() if kind == "ZSTD"} == {"codes", "words", "events", "activity"}
