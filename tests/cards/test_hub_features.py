from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_cards import write_readme
from duologue_cards.hub_features import sample_features
from duologue_cards.licenses import hub_license, license_reference
from tests.cards.conftest import sheet_of


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library, kept from the network."""
    module = pytest.importorskip("datasets")
    monkeypatch.setattr(module.config, "HF_HUB_OFFLINE", True)
    return module


def test_features_are_those_that_datasets_would_write_itself(datasets: Any) -> None:
    for include_audio in (False, True):
        written = sample_features(include_audio=include_audio)
        features = datasets.Features._from_yaml_list(written)
        assert features._to_yaml_list() == written
        assert ("flac" in features) is include_audio
    assert features["codes.npy"] == datasets.List(datasets.List(datasets.List(datasets.Value("uint16"))))
    assert features["json"]["activity"].feature["start_s"] == datasets.Value("float64")
    assert features["json"]["events"].feature["floor_taking"] == datasets.Value("bool")
    assert features["json"]["words"].feature["confidence"] == datasets.Value("float64")


def test_datasets_finds_the_same_types_without_the_card(
    datasets: Any, shard: Callable[[Path, dict[str, str]], None], tmp_path: Path
) -> None:
    examples = {"1": "nobody-heard", "2": "little-known", "3": "full", "4": "no-transcript", "5": "one-speaker-silent"}
    shard(tmp_path / "train.tar", examples)
    samples = datasets.load_dataset(
        "webdataset", data_files=str(tmp_path / "train.tar"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert samples.features == datasets.Features._from_yaml_list(sample_features(include_audio=False))
    assert [len(sample["words"]) for sample in samples["json"]] == [0, 0, 5, 0, 1]


def test_with_the_card_words_may_first_appear_late(
    datasets: Any, row: Callable[..., Any], build: Callable[..., Any], write: Callable[..., None], tmp_path: Path
) -> None:
    release = build(row("1", samples=7))
    write(release, tmp_path)
    facts = sheet_of(release)
    (tmp_path / "README.md").write_text(write_readme(facts))
    samples = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert [len(sample["words"]) for sample in samples["json"]] == [0, 0, 0, 0, 0, 0, 5]


@pytest.mark.parametrize(
    ("stated", "hub", "reference"),
    [
        ("CC-BY-4.0", "cc-by-4.0", "https://spdx.org/licenses/CC-BY-4.0.html"),
        ("cc0-1.0", "cc0-1.0", "https://spdx.org/licenses/CC0-1.0.html"),
        ("ODbL-1.0", "odbl", "https://spdx.org/licenses/ODbL-1.0.html"),
        ("LDC User Agreement", "other", "LDC User Agreement"),
    ],
)
def test_licence(stated: str, hub: str, reference: str) -> None:
    assert hub_license(stated) == hub
    assert license_reference(stated) == reference


def test_no_licence_is_unknown_to_the_hub() -> None:
    assert hub_license(None) == "unknown"
