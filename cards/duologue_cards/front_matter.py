"""Writes the YAML on top of README.md, by which the Hugging Face Hub and ``datasets`` know the release.

Source of keys and values: datasetcard.md and docs/hub/repositories-licenses.md of github.com/huggingface/hub-docs@242f4a1e.
``dataset_info.splits`` is left out: ``datasets`` holds the sizes there against its own files.
"""

from typing import Any, Final

from huggingface_hub import DatasetCardData

from duologue_cards.facts import BRIDGE
from duologue_cards.hub_features import sample_features
from duologue_cards.licenses import hub_license
from duologue_cards.printable import printable
from duologue_cards.sheet import Sheet

__all__ = ["front_matter"]

_SIZES: Final = [
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
]


def front_matter(sheet: Sheet) -> str:
    """Writes the YAML without its dashes, licences and languages in the order of their frequency."""
    facts = sheet.facts
    tags = [item.value for item in facts.languages if item.value]
    codes = list(dict.fromkeys(tag.split("-")[0].lower() for tag in tags))
    licenses = list(dict.fromkeys(hub_license(item.value) for item in facts.licenses))
    # A split without shards must not be named: datasets refuses a pattern that finds no file. Nor is bridge: load_dataset
    # without a split gives all that are named, and who takes these has speakers of validation in training.
    data_files = [
        {"split": split.name, "path": f"shards/{split.name}-*.tar"}
        for split in facts.splits
        if split.shards and split.name != BRIDGE
    ]
    synthetic = sheet.facts.synthetic
    # Where the Hub has no id for a licence it wants its name and its address.
    others = [item.value for item in facts.licenses if item.value and hub_license(item.value) == "other"]
    if others:
        named = {
            "license_name": sheet.stated.get("license_name", printable(others[0]) if len(others) == 1 else "several")
        }
        named["license_link"] = sheet.stated.get("license_url", "README.md")
    else:
        named = {}
    more: dict[str, Any] = {
        **named,
        "annotations_creators": ["machine-generated"],
        "language_creators": ["machine-generated"]
        if sheet.only_synthetic
        else ["found"] + ["machine-generated"] * bool(synthetic),
        "multilinguality": (["monolingual"] if len(codes) == 1 else ["multilingual"]) if codes else None,
        **_gate(sheet),
        **({"source_datasets": ["original"]} if sheet.stated.get("acquisition") == "recorded by the publisher" else {}),
        "language_details": tags or None,
        # One configuration only: datasets reads all of a release with one builder, so the tables cannot be named here.
        "configs": [{"config_name": "default", "data_files": data_files}],
        "dataset_info": {"config_name": "default", "features": sample_features(include_audio=facts.include_audio)},
    }
    return DatasetCardData(
        pretty_name=sheet.title,
        language=codes or None,
        license=licenses[0] if len(licenses) == 1 else licenses,
        task_categories=["audio-to-audio"],
        size_categories=[next((name for limit, name in _SIZES if facts.samples < limit), "n>1B")],
        tags=["audio", "speech", "conversation", "full-duplex", "turn-taking", "webdataset", "duologue"],
        **more,
    ).to_yaml()


def _gate(sheet: Sheet) -> dict[str, Any]:
    """Asks who wants a copy to agree: to what a person stated, and to what consent does not cover."""
    if "gating_text" not in sheet.stated:
        return {}
    fields = (
        {}
        if "speaker_identification" in sheet.in_force
        else {"I agree to not attempt to determine the identity of speakers in this dataset": "checkbox"}
    )
    return {"extra_gated_prompt": sheet.stated["gating_text"], **({"extra_gated_fields": fields} if fields else {})}
