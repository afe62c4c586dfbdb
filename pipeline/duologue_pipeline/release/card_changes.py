"""Says in words what differs between two releases, or two versions of one."""

import re
from collections.abc import Mapping
from typing import Any, Final

from duologue_cards import judge, usable_for
from duologue_cards.phrases import count, duration, percent
from duologue_pipeline.release.card_files import release_sheet

__all__ = ["card_changes"]

_FIRST: Final = ("samples", "recordings", "speakers", "duration_s", "words", "withdrawn", "one_voice", "rejected")

# Pattern of the id of a fact -> how a person calls it.
_NAMES: Final = (
    (r"recordings", "conversations"),
    (r"duration_s", "length of all samples"),
    (r"one_voice", "conversations of which one voice is left"),
    (r"withdrawn", "conversations withdrawn since the first version"),
    (r"rejected", "recordings refused"),
    (r"read", "recordings read"),
    (r"shard_bytes", "size of the shards"),
    (r"conversations", "conversations with both voices"),
    (r"(train|validation|bridge)_recordings", r"conversations in \1"),
    (r"(train|validation|bridge)_duration_s", r"length of \1"),
    (r"(train|validation|bridge)_(\w+)", r"\2 in \1"),
    (r"isolation_bleeding_s", "length of conversations in which the other voice is heard too loudly"),
    (r"isolation_(\w+)", r"conversations whose isolation is \1"),
    (r"fault_(\w+)", r"conversations with the fault \1"),
    (r"consent_(\w+)_recordings", r"conversations with consent to \1"),
    (r"consent_(\w+)_duration_s", r"length with consent to \1"),
    (r"consent_(\w+)_forms", r"conversations with consent to \1, by form"),
    (r"consent_(\w+)_jurisdictions", r"conversations with consent to \1, by place of a speaker"),
    (r"consent_checked_at", "moment for which consent was checked"),
    (r"consent_events", "records of the ledger that were asked"),
    (r"consent_notices", "conversations whose grants name their notice"),
    (r"ledger_events", "records of the ledger at the checkpoint"),
    (r"ledger_root", "root of the ledger at the checkpoint"),
    (r"stated\.(\w+)", r"stated by the publisher, \1"),
    (r"fto_median_s", "median floor-transfer offset"),
    (r"fto_distance_s", "distance of the floor-transfer offsets to those of people"),
    (r"fto_distance_limit_s", "limit of that distance"),
    (r"overlap_s", "time in which both speak"),
    (r"top_speaker_share", "share of who is recorded most"),
    (r"quieter_share", "share of the speech of who speaks less, on average"),
    (r"balanced_share", "conversations in which both hold a tenth of the speech"),
    (r"synthetic_recordings", "conversations of synthetic voices"),
    (r"synthetic", "conversations, by whether their voices are synthetic"),
)


def card_changes(before: str, after: str) -> list[str]:
    """Says what changed from one release to another, or from one version to the next, a line for each fact.

    What it is usable for comes first, then the requirements, the most asked figures and the others.

    Args:
        before, after: folders of releases.

    Raises:
        UsageError: one is no release.
    """
    old, new = (release_sheet(root)[1] for root in (before, after))
    judged = [judge(sheet) for sheet in (old, new)]
    uses = [
        {each["use"]: each["status"] for each in usable_for(sheet, found)}
        for sheet, found in zip((old, new), judged, strict=True)
    ]
    verdicts = [{each.id: each.status for each in found} for found in judged]
    lines = _changed("name", old.facts.name, new.facts.name) + _changed("version", old.facts.version, new.facts.version)
    for use, was in uses[0].items():
        lines += _changed(f"usable for {use}", was, uses[1].get(use, "not judged"))
    for name, was in verdicts[0].items():
        lines += _changed(f"requirement {name.replace('_', ' ')}", was, verdicts[1][name])
    names = {*old.entries, *new.entries}
    for name in (*(each for each in _FIRST if each in names), *sorted(names - set(_FIRST))):
        was, now = (_in_words(sheet.entries.get(name)) for sheet in (old, new))
        lines += _changed(_called(name), was, now)
    return lines


def _changed(what: str, was: str, now: str) -> list[str]:
    return [f"{what}: {was} before, {now} now"] if was != now else []


def _called(name: str) -> str:
    """Names a fact as a person does."""
    for pattern, words in _NAMES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, words, name).replace("_", " ")
    return re.sub(r"_(s|hz|db)$", "", name).replace("_", " ")


def _in_words(fact: Mapping[str, Any] | None) -> str:
    if fact is None:
        return "not there"
    value = fact["value"]
    if value is None:
        return f"unknown ({fact['unknown']})"
    if isinstance(value, dict):
        return ", ".join(f"{name} {told}" for name, told in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    match fact["unit"]:
        case "share":
            return percent(value)
        case "s":
            return duration(value) if abs(value) >= 60 else f"{value:.3f} s"
        case "1/min":
            return f"{value:.1f} a minute"
        case unit if isinstance(value, int):
            return count(value, unit.removesuffix("s")) if unit.endswith("s") else f"{value:,} {unit}"
        case unit:
            return f"{value:,.1f} {unit}"
