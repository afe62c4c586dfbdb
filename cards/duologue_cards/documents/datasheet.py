"""Writes a datasheet: the 52 questions of Gebru et al. 2021 (:mod:`duologue_cards.documents.questions`) in their seven parts.

Each is answered from facts, by a person, or unknown with the reason.
"""

from typing import Any

from duologue_cards import phrases
from duologue_cards.documents.answers import computed, json_text, prose, stated, unknown
from duologue_cards.documents.questions import QUESTIONS
from duologue_cards.leakage import linked_in_words
from duologue_cards.licenses import together
from duologue_cards.sheet import Sheet

__all__ = ["datasheet_sections", "write_datasheet", "write_datasheet_page"]

_Answer = dict[str, Any]


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
        name: [{"question": question, **answer} for question, answer in zip(QUESTIONS[name], answers, strict=True)]
        for name, answers in sections.items()
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
    return prose("datasheet.md.j2", name=sheet.title, version=sheet.facts.version, sections=datasheet_sections(sheet))


def _motivation(sheet: Sheet) -> list[_Answer]:
    return [
        stated(sheet, "curation_rationale"),
        stated(sheet, "creator" if "creator" in sheet.stated else "publisher"),
        stated(sheet, "funding"),
    ]


def _people(sheet: Sheet) -> _Answer:
    if sheet.only_synthetic:
        return computed("no: all voices and words are synthetic", "routes")
    return computed("yes: two people speak in every conversation that is not synthetic", "speakers", "routes")


def _composition(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    splits = "; ".join(
        f"{each.name}: {phrases.count(each.samples, 'sample')}, {phrases.count(each.speakers, 'speaker')}"
        for each in facts.splits
    )
    gaps = " ".join(phrases.limitations(facts))
    return [
        computed(phrases.summary(facts), "samples", "recordings", "speakers"),
        computed(
            f"{phrases.count(facts.samples, 'sample')} from {phrases.count(facts.recordings, 'conversation')}",
            "samples",
            "recordings",
        ),
        computed(
            f"what was left of {phrases.count(facts.read, 'recording')}: {facts.rejected:,} were refused, "
            f"{facts.withdrawn:,} were withdrawn since",
            "read",
            "rejected",
            "withdrawn",
        ),
        computed(
            f"tokens of both tracks{' and their audio' if facts.include_audio else ''}, events, activity, words where known, "
            "isolation, and the events of the ledger that allow its use",
            "codec",
            "include_audio",
        ),
        computed("labels of turn-taking, made by program and checked by nobody", "floor_transfers"),
        computed(gaps, "transcribed_tracks"),
        computed("yes: samples name their recording and segment, recordings their speakers by commitment", "speakers"),
        computed(splits, *(f"{each.name}_samples" for each in facts.splits)),
        computed(
            f"isolation of the tracks: {sheet.value('isolation_pass'):,} pass, {sheet.value('isolation_warn'):,} warn, "
            f"{sheet.value('isolation_fail'):,} fail, {sheet.value('isolation_undetermined'):,} undetermined",
            "isolation_pass",
            "isolation_warn",
            "isolation_fail",
            "isolation_undetermined",
        ),
        computed("yes: no file of it points outside", "shards"),
        unknown("what people say was not looked at; consent covers the conversation as a whole"),
        stated(sheet, "offensive_content"),
        _people(sheet),
        computed(
            f"{'yes' if phrases.is_said_of_people(facts) else 'no'}: {phrases.people_said(facts)}; languages and jurisdictions are",
            "languages",
            "speakers_by_age_band",
            "speakers_by_sex",
            "speakers_by_dialect",
        ),
        computed(
            f"speakers are named by commitments; voices and words may identify them, and nothing is anonymised. {linked_in_words(sheet.entries)}",
            "speakers",
            "leakage_tokens_eer",
        ),
        unknown("what people say was not looked at; a voice can be used as biometric data"),
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
        stated(sheet, "acquisition"),
        stated(sheet, "capture"),
        stated(sheet, "collection"),
        stated(sheet, "compensation"),
        dates,
        stated(sheet, "ethics_review"),
        _people(sheet),
        stated(sheet, "acquisition"),
        computed("the ledger holds a record for each of them; its notices are not in the release", "ledger_id"),
        computed(
            f"yes, both speakers of every conversation, to {asked}, as the ledger said at its checkpoint",
            "purposes",
            "ledger_id",
            "ledger_events",
        ),
        computed(
            "yes, at any time; the next version is without them, and they get a receipt", "withdrawn", "one_voice"
        ),
        stated(sheet, "impact_assessment"),
    ]


def _preprocessing(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    return [
        computed(f"yes: aligned, cut into samples, coded, labelled; rules {rules}", "rules"),
        computed("the audio is in the shards" if facts.include_audio else "not in this dataset", "include_audio"),
        computed(facts.made_by, "codec"),
    ]


def _uses(sheet: Sheet) -> list[_Answer]:
    return [
        stated(sheet, "prior_uses"),
        unknown("nobody keeps one that is known here"),
        stated(sheet, "intended_use"),
        stated(sheet, "social_impact"),
        stated(sheet, "out_of_scope_use")
        if "out_of_scope_use" in sheet.stated
        else computed(
            f"all but what consent was asked for and covers: {', '.join(sheet.in_force) or 'nothing'}", "purposes"
        ),
    ]


def _distribution(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    licenses = phrases.named(facts.licenses)
    allowed = f"must not be: {sheet.not_passed_on}" if sheet.not_passed_on else "may be"
    if sheet.passes_on and not sheet.permits:
        allowed += ", but a licence is not stated or not known here: usage.odrl.json offers it to nobody"
    return [
        computed(f"by consent it {allowed}", "purposes"),
        stated(sheet, "url"),
        stated(sheet, "date_published"),
        computed(f"{licenses}; together: {together(facts.licenses)}", "licenses")
        if any(each.value for each in facts.licenses)
        else unknown("no licence is stated", "licenses"),
        computed(f"those of the licences: {together(facts.licenses)}", "licenses")
        if any(each.value for each in facts.licenses)
        else unknown("no licence is stated", "licenses"),
        unknown("nobody has looked at that"),
    ]


def _maintenance(sheet: Sheet) -> list[_Answer]:
    facts = sheet.facts
    return [
        stated(sheet, "maintenance"),
        stated(sheet, "contact"),
        unknown("none is known here"),
        computed(f"a withdrawal makes a new version; this is {facts.version}", "withdrawn"),
        stated(sheet, "retention"),
        computed("no: use the newest version only, an older one may hold who has withdrawn", "withdrawn"),
        unknown("nobody has stated how"),
    ]
