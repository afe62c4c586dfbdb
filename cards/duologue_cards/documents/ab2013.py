"""Writes the documentation that California's AB 2013 asks of the developer of a generative system.

Source: Civil Code 3110 and 3111, section 3111 (a) (1) to (12) (leginfo.legislature.ca.gov); "train" there includes testing, validating
and fine tuning, and "synthetic data generation" the use of seed data to make data with some of its statistical characteristics.
The developer publishes it, of all its training data; this is the part of one dataset, in the twelve items of section 3111 (a).
"""

from typing import Any

from duologue_cards import phrases
from duologue_cards.documents.answers import computed, json_text, listed, prose, stated, unknown
from duologue_cards.licenses import spdx_id
from duologue_cards.sheet import Sheet

__all__ = ["ab2013_items", "write_ab2013", "write_ab2013_page"]

_TITLES = (
    "Sources or owners of the dataset",
    "How it furthers the purpose of the system",
    "Number of data points",
    "Types of data points, and labels",
    "Copyright, trademark or patent, or public domain",
    "Whether it was purchased or licensed",
    "Whether it holds personal information (1798.140 (v))",
    "Whether it holds aggregate consumer information (1798.140 (b))",
    "Cleaning, processing or other modification, and why",
    "When the data was collected, and whether that goes on",
    "When it was first used in development",
    "Whether synthetic data generation is used",
)


def ab2013_items(sheet: Sheet) -> dict[str, dict[str, Any]]:
    """Answers the twelve items: number -> answer, basis, facts."""
    facts = sheet.facts
    policy = facts.isolation.policy
    apart = "" if policy == "keep" else f" and with an isolation of the tracks that the policy {policy} lets pass"
    answers = (
        _sources(sheet),
        stated(sheet, "intended_use"),
        computed(
            f"{phrases.count(facts.samples, 'sample')} from {phrases.count(facts.recordings, 'conversation')}, "
            f"{phrases.duration(facts.duration_s)}",
            "samples",
            "recordings",
            "duration_s",
        ),
        computed(
            f"codec tokens of two speech tracks{' and the audio' if facts.include_audio else ''}; labels made by program: "
            "speech activity, turns, overlaps, backchannels, interruptions, isolation of the tracks"
            + (", and words" if facts.transcribed_tracks else ""),
            "codec",
            "include_audio",
            "transcribed_tracks",
        ),
        _rights(sheet),
        stated(sheet, "acquisition"),
        _personal(sheet),
        computed("yes: statistics.json has figures of groups of speakers, by language", "speakers")
        if not sheet.only_synthetic
        else computed("no: there are no consumers", "synthetic"),
        computed(
            "decoded, aligned, measured, cut into samples and coded; refused: "
            f"{phrases.count(facts.rejected, 'recording')}; tracks silenced after a withdrawal: {facts.one_voice:,}; so that "
            f"only speech with consent{apart} is trained on",
            "rejected",
            "one_voice",
            "rules",
        ),
        _period(sheet),
        unknown("belongs to the developer of the model: a dataset does not know when it is first used"),
        _synthetic(sheet),
    )
    return {str(number): answer for number, answer in enumerate(answers, 1)}


def write_ab2013(sheet: Sheet) -> str:
    """Writes the text of cards/ab2013.json."""
    return json_text(
        {
            "schema": "ab2013/1.0",
            "law": "California Civil Code 3110 to 3111 (AB 2013)",
            "dataset": f"{sheet.facts.name} {sheet.facts.version}",
            "items": ab2013_items(sheet),
        }
    )


def write_ab2013_page(sheet: Sheet) -> str:
    """Writes the text of cards/ab2013.md."""
    items = [(title, item) for title, item in zip(_TITLES, ab2013_items(sheet).values(), strict=True)]
    return prose("ab2013.md.j2", name=sheet.title, version=sheet.facts.version, items=items)


def _sources(sheet: Sheet) -> dict[str, Any]:
    corpora = [each.value for each in sheet.facts.corpora if each.value]
    if "owner" in sheet.stated:
        return stated(sheet, "owner")
    if corpora:
        return computed(f"corpora: {listed(corpora)}", "corpora")
    return unknown("no corpus is named in the manifest, and no owner is stated", "corpora", "stated.owner")


def _rights(sheet: Sheet) -> dict[str, Any]:
    licenses = [each.value for each in sheet.facts.licenses]
    marks = stated(sheet, "trademark_or_patent")["answer"] or "unknown"
    if licenses and all(name and spdx_id(name) == "CC0-1.0" for name in licenses):
        return computed(f"public domain (CC0-1.0); trademark or patent: {marks}", "licenses")
    known = [name for name in licenses if name]
    if not known:
        return unknown(
            "no licence is stated; trademark and patent: not stated", "licenses", "stated.trademark_or_patent"
        )
    unsaid = sum(each.count for each in sheet.facts.licenses if each.value is None)
    rest = f"; of {phrases.count(unsaid, 'conversation')} no licence is stated" if unsaid else ""
    return computed(f"protected by copyright, under {listed(known)}{rest}; trademark or patent: {marks}", "licenses")


def _period(sheet: Sheet) -> dict[str, Any]:
    facts = sheet.facts
    if facts.first_date is None:
        return unknown("no conversation has a date", "first_date")
    ongoing = stated(sheet, "collection_ongoing")["answer"] or "unknown"
    return computed(f"{facts.first_date} to {facts.last_date}; goes on: {ongoing}", "first_date", "last_date")


def _personal(sheet: Sheet) -> dict[str, Any]:
    if sheet.only_synthetic:
        return computed("no: all voices and words are synthetic", "synthetic")
    some = f", but for {sheet.facts.synthetic:,} conversations of synthetic voices" if sheet.facts.synthetic else ""
    return computed(
        f"yes: voices of people and what they say{some}; speakers are named by commitments only",
        "speakers",
        "synthetic",
    )


def _synthetic(sheet: Sheet) -> dict[str, Any]:
    facts = sheet.facts
    if facts.synthetic:
        return computed(f"yes: {facts.synthetic:,} of {facts.recordings:,} conversations are synthetic", "synthetic")
    if "synthetic_generation" in sheet.stated:
        return stated(sheet, "synthetic_generation")
    if sheet.synthetic_unknown:
        return unknown(sheet.why("synthetic_recordings"), "synthetic", "stated.synthetic_generation")
    return computed("no: the manifest says of every conversation that its voices are not synthetic", "synthetic")
