"""Writes a datasheet: the questions of Gebru et al. 2021, "Datasheets for Datasets" (doi:10.1145/3458723), in their seven parts.

The questions are shortened. Each is answered from facts, by a person, or unknown with the reason.
"""

from typing import Any

from duologue_cards import phrases
from duologue_cards.documents.answers import computed, json_text, prose, stated, unknown
from duologue_cards.sheet import Sheet

__all__ = ["datasheet_sections", "write_datasheet", "write_datasheet_page"]

_Answer = tuple[str, dict[str, Any]]


def datasheet_sections(sheet: Sheet) -> dict[str, list[dict[str, Any]]]:
    """Answers the questions: section -> question, answer, basis, and why it is unknown."""
    sections = {
        "motivation": _motivation(sheet),
        "composition": _composition(sheet),
        "collection": _collection(sheet),
        "preprocessing": _preprocessing(sheet),
        "uses": _uses(sheet),
        "distribution": _distribution(sheet),
        "maintenance": _maintenance(sheet),
    }
    return {
        name: [{"question": question, **answer} for question, answer in answers] for name, answers in sections.items()
    }


def write_datasheet(sheet: Sheet) -> str:
    """Writes the text of cards/datasheet.json."""
    return json_text(
        {
            "schema": "datasheet/1.0",
            "dataset": f"{sheet.facts.name} {sheet.facts.version}",
            "source": "Gebru et al. 2021, Datasheets for Datasets, doi:10.1145/3458723",
            "sections": datasheet_sections(sheet),
        }
    )


def write_datasheet_page(sheet: Sheet) -> str:
    """Writes the text of cards/datasheet.md."""
    return prose(
        "datasheet.md.j2", name=sheet.facts.name, version=sheet.facts.version, sections=datasheet_sections(sheet)
    )


def _motivation(sheet: Sheet) -> list[_Answer]:
    return [
        ("For what purpose was the dataset created?", stated(sheet, "curation_rationale")),
        ("Who created it?", stated(sheet, "creator" if "creator" in sheet.stated else "publisher")),
        ("Who funded it?", stated(sheet, "funding")),
    ]


def _composition(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    splits = "; ".join(
        f"{each.name}: {phrases.count(each.samples, 'sample')}, {phrases.count(each.speakers, 'speaker')}"
        for each in facts.splits
    )
    gaps = " ".join(phrases.limitations(facts))
    return [
        ("What do the instances represent?", computed(phrases.summary(facts), "samples", "recordings", "speakers")),
        (
            "How many instances are there?",
            computed(
                f"{phrases.count(facts.samples, 'sample')} from {phrases.count(facts.recordings, 'conversation')}",
                "samples",
                "recordings",
            ),
        ),
        (
            "Does it hold all possible instances or a sample?",
            computed(
                f"what was left of {phrases.count(facts.read, 'recording')}: {facts.rejected:,} were refused, "
                f"{facts.withdrawn:,} were withdrawn since",
                "read",
                "rejected",
                "withdrawn",
            ),
        ),
        (
            "What data does each instance consist of?",
            computed(
                f"tokens of both tracks{' and their audio' if facts.include_audio else ''}, events, activity, words where known, "
                "isolation, and the events of the ledger that allow its use",
                "codec",
                "include_audio",
            ),
        ),
        (
            "Is there a label or target?",
            computed("labels of turn-taking, made by program and checked by nobody", "floor_transfers"),
        ),
        ("Is any information missing?", computed(gaps, "transcribed_tracks")),
        (
            "Are relationships between instances explicit?",
            computed(
                "yes: samples name their recording and segment, recordings their speakers by commitment", "speakers"
            ),
        ),
        ("Are there recommended splits?", computed(splits, *(f"{each.name}_samples" for each in facts.splits))),
        (
            "Are there errors, noise or redundancies?",
            computed(
                f"isolation of the tracks: {sheet.value('isolation_pass'):,} pass, {sheet.value('isolation_warn'):,} warn, "
                f"{sheet.value('isolation_fail'):,} fail, {sheet.value('isolation_undetermined'):,} undetermined",
                "isolation_pass",
                "isolation_warn",
                "isolation_fail",
                "isolation_undetermined",
            ),
        ),
        ("Is it self-contained?", computed("yes: no file of it points outside", "shards")),
        (
            "Does it hold data that is confidential?",
            unknown("what people say was not looked at; consent covers the conversation as a whole"),
        ),
        ("Does it hold data that might be offensive?", stated(sheet, "offensive_content")),
        (
            "Does it relate to people?",
            computed("no: voices are synthetic", "routes") if sheet.only_synthetic else computed("yes", "speakers"),
        ),
        (
            "Does it identify subpopulations?",
            computed("no: age, gender and accent are not recorded; languages and jurisdictions are", "languages"),
        ),
        (
            "Is it possible to identify individuals?",
            computed(
                "speakers are named by commitments; voices and words may identify them, and nothing is anonymised",
                "speakers",
            ),
        ),
        (
            "Does it hold data that is sensitive?",
            unknown("what people say was not looked at; a voice can be used as biometric data"),
        ),
    ]


def _collection(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    dates = (
        computed(f"{facts.first_date} to {facts.last_date}", "first_date", "last_date")
        if facts.first_date
        else unknown("no conversation has a date", "first_date")
    )
    asked = ", ".join(facts.purposes)
    return [
        ("How was the data acquired?", stated(sheet, "acquisition")),
        ("What mechanisms were used to collect it?", stated(sheet, "capture")),
        ("What was the sampling strategy?", stated(sheet, "collection")),
        ("Who was involved, and how were they compensated?", stated(sheet, "compensation")),
        ("Over what timeframe was it collected?", dates),
        ("Were ethical review processes conducted?", stated(sheet, "ethics_review")),
        ("Was it collected from the individuals directly?", stated(sheet, "acquisition")),
        (
            "Were the individuals notified?",
            computed("the ledger holds a record for each of them; its notices are not in the release", "ledger_id"),
        ),
        (
            "Did the individuals consent?",
            computed(f"yes, both speakers of every conversation, to {asked}", "purposes", "ledger_id", "ledger_events"),
        ),
        (
            "Can consent be revoked?",
            computed(
                "yes, at any time; the next version is without them, and they get a receipt", "withdrawn", "one_voice"
            ),
        ),
        ("Was the potential impact analysed?", stated(sheet, "impact_assessment")),
        ("Does it come from people or from a program?", stated(sheet, "synthetic_generation")),
    ]


def _preprocessing(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    return [
        (
            "Was any preprocessing done?",
            computed(f"yes: aligned, cut into samples, coded, labelled; rules {rules}", "rules"),
        ),
        (
            "Is the raw data saved?",
            computed("the audio is in the shards" if facts.include_audio else "not in this dataset", "include_audio"),
        ),
        ("Is the software available?", computed(facts.made_by, "codec")),
    ]


def _uses(sheet: Sheet) -> list[_Answer]:
    return [
        ("Has it been used already?", stated(sheet, "prior_uses")),
        ("Is there a repository of uses?", unknown("nobody keeps one that is known here")),
        ("What other tasks could it be used for?", stated(sheet, "intended_use")),
        ("What may impact future uses?", stated(sheet, "social_impact")),
        (
            "Are there tasks for which it should not be used?",
            stated(sheet, "out_of_scope_use")
            if "out_of_scope_use" in sheet.stated
            else computed(f"all that consent does not cover: it covers {', '.join(sheet.facts.purposes)}", "purposes"),
        ),
    ]


def _distribution(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    licenses = phrases.named(facts.licenses)
    allowed = "may be" if sheet.passes_on else "must not be: consent to redistribution was not asked for"
    return [
        ("Will it be distributed to third parties?", computed(f"by consent it {allowed}", "purposes")),
        ("How will it be distributed?", stated(sheet, "url")),
        ("When will it be distributed?", stated(sheet, "date_published")),
        ("Under which licence?", computed(licenses, "licenses")),
        ("Have third parties imposed restrictions?", stated(sheet, "owner")),
        ("Do export controls apply?", unknown("nobody has looked at that")),
    ]


def _maintenance(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    return [
        ("Who maintains it?", stated(sheet, "maintenance")),
        ("How can the owner be contacted?", stated(sheet, "contact")),
        ("Is there an erratum?", unknown("none is known here")),
        (
            "Will it be updated?",
            computed(f"a withdrawal makes a new version; this is {facts.version}", "withdrawn"),
        ),
        ("Are there limits on retention?", stated(sheet, "retention")),
        (
            "Will older versions be supported?",
            computed("no: use the newest version only, an older one may hold who has withdrawn", "withdrawn"),
        ),
        ("Can others extend or contribute?", unknown("nobody has stated how")),
    ]
