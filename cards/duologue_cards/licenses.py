"""Translates licences into ids of the Hugging Face Hub and addresses in the SPDX list."""

from typing import Final

__all__ = ["hub_license", "license_reference"]

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


def license_reference(license_: str) -> str:
    """Gives the address of a licence in the SPDX list, or the licence as stated where it is not known here."""
    spdx = _SPDX_IDS.get(license_.lower())
    return f"https://spdx.org/licenses/{spdx}.html" if spdx else license_
