import pytest

from duologue_cards.hub_features import sample_features
from duologue_cards.licenses import hub_license, license_reference


def test_features_are_those_that_datasets_would_write_itself() -> None:
    datasets = pytest.importorskip("datasets")
    for include_audio in (False, True):
        written = sample_features(include_audio=include_audio)
        features = datasets.Features._from_yaml_list(written)
        assert features._to_yaml_list() == written
        assert ("flac" in features) is include_audio
    assert features["codes.npy"] == datasets.List(datasets.List(datasets.List(datasets.Value("uint16"))))
    assert features["json"]["activity"]["a"] == datasets.List(datasets.List(datasets.Value("float64")))
    assert features["json"]["events"].feature["floor_taking"] == datasets.Value("bool")
    assert features["json"]["words"]["b"].feature["confidence"] == datasets.Value("float64")


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
