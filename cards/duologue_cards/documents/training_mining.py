"""Says what an exported file of a release may be used for, as the assertion ``cawg.training-mining`` of Content Credentials.

Source: CAWG Training and Data Mining Assertion 1.1 (ratified 2025-05-16;
github.com/decentralized-identity/cawg-training-and-data-mining-assertion@e203ac5e): four entries, each ``allowed``, ``notAllowed`` or
``constrained``, with ``constraint_info`` as its CDDL spells it. Nobody consents to data mining or to being the input of a model, so both
are not allowed; training is constrained to the purposes of consent.
"""

from typing import Any, Final

from duologue_cards.entry import PURPOSES
from duologue_cards.licenses import together
from duologue_cards.sheet import Sheet

__all__ = ["TRAINING_MINING", "training_mining"]

TRAINING_MINING: Final = "cawg.training-mining"
"""The label of the assertion."""

_TRAINING: Final = ("cawg.ai_training", "cawg.ai_generative_training")
_OTHERS: Final = ("cawg.ai_inference", "cawg.data_mining")


def training_mining(sheet: Sheet) -> dict[str, Any]:
    """Builds the data of the assertion by the purposes that the ledger was asked for."""
    purposes = sheet.in_force
    trains: dict[str, str] = {"use": "notAllowed"}
    if sheet.trains_anybody or "training_inhouse" in purposes:
        who = "anybody who has a copy by right" if sheet.trains_anybody else "the holder of the ledger only"
        not_for = ", ".join(each for each in PURPOSES if each not in (*purposes, "recording"))
        trains = {
            "use": "constrained",
            "constraint_info": f"Training by {who}, by consent of both speakers to {', '.join(purposes)} in ledger "
            f"{sheet.facts.ledger.ledger_id}; not for {not_for or 'anything else'}; licences: {together(sheet.facts.licenses)}. Consent can "
            "be withdrawn.",
        }
    entries = {name: trains for name in _TRAINING} | {name: {"use": "notAllowed"} for name in _OTHERS}
    return {"entries": dict(sorted(entries.items()))}
