"""Describes a release in the words of Croissant RAI 1.0, each property with the cardinality that the specification gives it.

Source: docs/croissant-rai-spec.md of github.com/mlcommons/croissant@401f6fff. ONE are dataCollection, dataCollectionMissingData,
dataCollectionRawData, dataImputationProtocol, dataManipulationProtocol, dataAnnotationProtocol, dataSocialImpact and
annotationsPerItem; all others are lists. Of two properties mlcroissant 1.1.1 reads another spelling than the specification's: both
are written.
"""

from typing import Any, Final

from duologue_cards import phrases
from duologue_cards.leakage import linked_in_words
from duologue_cards.requirements import judge, usable_for
from duologue_cards.sheet import Sheet

__all__ = ["responsible_ai"]

_MAINTENANCE: Final = (
    "Who withdraws is taken out, and a new version takes the place of this one; revocations.jsonl names what may no longer be "
    "used. Use the newest version only."
)
_COLLECTED: Final = {"user data": "Others", "other": "Others"}


def responsible_ai(sheet: Sheet) -> dict[str, Any]:
    """Gives the properties; None where nobody knows."""
    facts, stated = sheet.facts, sheet.stated
    privacy = (
        "Voices and what people say. Speakers are named by commitments only; no speaker embeddings are included. "
        f"Consent is held in ledger {facts.ledger.ledger_id}, {phrases.count(facts.ledger.events, 'record')}, "
        f"Merkle root {facts.ledger.root}."
    )
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    dates = [date for date in (facts.first_date, facts.last_date) if date]
    changed = f"Tracks silenced after a withdrawal: {facts.one_voice}; conversations taken out: {facts.withdrawn}."
    uses = [f"{use['use']}: {use['status']} ({use['because']})" for use in usable_for(sheet, judge(sheet))]
    tracks = 2 * facts.recordings - facts.one_voice
    return {
        "rai:dataCollection": _collection(sheet),
        "rai:dataCollectionType": _collection_types(sheet),
        "rai:dataCollectionMissingData": (
            f"{tracks - facts.transcribed_tracks:,} of {phrases.count(tracks, 'track')} have no transcript; "
            f"{facts.undated:,} of {phrases.count(facts.recordings, 'conversation')} have no date. Of the speakers, "
            f"{phrases.people_said(facts)}."
        ),
        "rai:dataCollectionRawData": (
            f"Recordings of two tracks, one a speaker. Corpora: {phrases.named(facts.corpora)}; "
            f"obtained by: {phrases.named(facts.routes)}."
        ),
        "rai:dataCollectionTimeframe": dates,
        "rai:dataCollectionTimeFrame": dates,
        "rai:dataImputationProtocol": "none",
        "rai:dataManipulationProtocol": changed,
        "rai:dataDataManipulationProtocol": changed,
        "rai:dataPreprocessingProtocol": [
            "Decoded, aligned in time, measured for isolation of the tracks, cut into samples, coded; rule sets "
            + rules,
            f"Refused: {phrases.count(facts.rejected, 'recording')} of {facts.read:,}.",
        ],
        "rai:dataAnnotationProtocol": f"Found by program, with the rule sets {rules}",
        "rai:dataAnnotationAnalysis": ["Events and activity were found by program; nobody has checked them by ear."],
        "rai:annotationsPerItem": "0 human labels",
        "rai:machineAnnotationTools": [facts.made_by],
        "rai:dataReleaseMaintenancePlan": [_MAINTENANCE, *([stated["maintenance"]] if "maintenance" in stated else [])],
        "rai:personalSensitiveInformation": [privacy, linked_in_words(sheet.entries)],
        "rai:dataSocialImpact": stated.get("social_impact"),
        "rai:dataBiases": [
            f"languages: {phrases.named(facts.languages)}",
            f"registers: {phrases.named(facts.registers)}",
            f"effective speakers: {phrases.number(sheet.evidence.effective_speakers)}",
        ],
        "rai:dataLimitations": phrases.limitations(facts),
        "rai:dataUseCases": uses,
    }


def _collection(sheet: Sheet) -> str:
    asked = ", ".join(sheet.facts.purposes) or phrases.UNKNOWN
    consent = (
        f"Both {phrases.speaker(sheet.facts)}s of every conversation allowed {asked}: the ledger was asked before their audio was opened, and consent "
        "had to be in force when a conversation was recorded."
    )
    return f"{sheet.stated['collection']} {consent}" if "collection" in sheet.stated else consent


def _collection_types(sheet: Sheet) -> list[str] | None:
    """Gives recommended values of the specification; None where nobody has stated how the recordings were obtained."""
    found = ["Software Collection"] if sheet.facts.synthetic else []
    if "acquisition" in sheet.stated and not sheet.only_synthetic:
        found.insert(0, _COLLECTED.get(sheet.stated["acquisition"], "Physical data collection"))
    return found or None
