"""Translates licences into ids of the Hugging Face Hub and addresses in the SPDX list."""

from collections.abc import Sequence
from typing import Final

from duologue_cards.facts import Count

__all__ = ["forbids", "hub_license", "is_known", "license_reference", "spdx_id", "together"]

# SPDX ids (spdx.org/licenses) of licences that data are given under, and the ids of the Hugging Face Hub
# (huggingface.co/docs/hub/repositories-licenses). The Hub has no id for licences that are not listed here.
_HUB_IDS: Final[dict[str, str]] = {
    **{
        spdx: spdx.lower()
        for spdx in (
            "Apache-2.0",
            "MIT",
            "CC0-1.0",
            "CC-BY-2.0",
            "CC-BY-2.5",
            "CC-BY-3.0",
            "CC-BY-4.0",
            "CC-BY-SA-3.0",
            "CC-BY-SA-4.0",
            "CC-BY-NC-2.0",
            "CC-BY-NC-3.0",
            "CC-BY-NC-4.0",
            "CC-BY-ND-4.0",
            "CC-BY-NC-ND-3.0",
            "CC-BY-NC-ND-4.0",
            "CC-BY-NC-SA-2.0",
            "CC-BY-NC-SA-3.0",
            "CC-BY-NC-SA-4.0",
            "CDLA-Permissive-1.0",
            "CDLA-Permissive-2.0",
            "CDLA-Sharing-1.0",
        )
    },
    "C-UDA-1.0": "c-uda",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odbl",
    "PDDL-1.0": "pddl",
}
_SPDX_IDS: Final = {spdx.lower(): spdx for spdx in _HUB_IDS}


def hub_license(license_: str | None) -> str:
    """Finds the Hub's id of a licence: ``unknown`` if none is stated, ``other`` if the Hub has no id for it."""
    if license_ is None:
        return "unknown"
    spdx = _SPDX_IDS.get(license_.lower())
    return _HUB_IDS[spdx] if spdx else "other"


def spdx_id(license_: str) -> str | None:
    """Gives the id of a licence in the SPDX list, in its spelling; None where it is not known here."""
    return _SPDX_IDS.get(license_.lower())


def license_reference(license_: str) -> str:
    """Gives the address of a licence in the SPDX list, or the licence as stated where it is not known here."""
    spdx = spdx_id(license_)
    return f"https://spdx.org/licenses/{spdx}.html" if spdx else license_


def is_known(license_: str) -> bool:
    """Tells whether a licence is one that is known here, so that what it allows can be told from its name."""
    return license_.lower() in _SPDX_IDS


def forbids(license_: str, part: str) -> bool:
    """Tells whether a Creative Commons licence has a part in its name: ``NC`` (commercial use) or ``ND`` (changes)."""
    return part in license_.upper().split("-")


def together(licenses: Sequence[Count]) -> str:
    """Says what the licences of a release add up to: a copy of the whole is bound by all of them at once."""
    named = [each.value for each in licenses if each.value]
    parts = []
    if any(forbids(name, "NC") for name in named):
        parts.append("no commercial use")
    if any(forbids(name, "ND") for name in named):
        parts.append("no changed copies")
    if any(forbids(name, "SA") for name in named):
        parts.append("changed copies under the same licence")
    if any(forbids(name, "BY") for name in named):
        parts.append("the authors are named")
    if any(not is_known(name) for name in named):
        parts.append("terms that no program can read: ask the publisher")
    if any(each.value is None for each in licenses):
        parts.append("nothing is allowed where no licence is stated")
    return "; ".join(parts) or ("no conditions" if named else "unknown")
