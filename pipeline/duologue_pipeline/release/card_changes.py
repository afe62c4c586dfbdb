"""Says in words what differs between two releases, or two versions of one: counts first, then rights and uses, then the rest."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from duologue_cards import Sheet, judge, usable_for
from duologue_cards.phrases import count, duration, percent
from duologue_pipeline.release.card_files import release_sheet

__all__ = ["card_changes"]

_COUNTS: Final = (
    "samples",
    "recordings",
    "speakers",
    "duration_s",
    "words",
    "withdrawn",
    "one_voice",
    "read",
    "rejected",
    "shards",
    "shard_bytes",
    r"(train|validation|bridge)_(samples|recordings|speakers|duration_s|shards)",
)
_RIGHTS: Final = (
    "purposes",
    "licenses",
    r"consent_\w+",
    r"ledger_\w+",
    r"stated\.(license\w*|payment|out_of_scope_use|gating_text|retention)",
)
_OF_RIGHTS: Final = ("consent_per_speaker", "redistribution_rights")  # requirements

# Pattern of the ids of facts that differ by the purpose only, and are told together where they changed alike.
_BY_PURPOSE: Final = (
    (r"consent_(\w+)_recordings", "conversations with consent to {}"),
    (r"consent_(\w+)_duration_s", "length with consent to {}"),
    (r"consent_(\w+)_forms", "conversations with consent to {}, by form"),
    (r"consent_(\w+)_jurisdictions", "conversations with consent to {}, by place of a speaker"),
)

# Pattern of the id of a fact -> how a person calls it.
_NAMES: Final = (
    (r"recordings", "conversations"),
    (r"licenses", "licences"),
    (r"purposes", "purposes that the ledger was asked for"),
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
    (r"overlap_share_of_speech", "overlap, of the time in which anybody speaks"),
    (r"overlapped_transfers_share", "floor transfers in overlap"),
    (r"speakers_by_jurisdiction", "speakers by place"),
    (r"speakers_by_(\w+)", r"speakers by \1"),
    (r"top_speaker_share", "share of who is recorded most"),
    (r"quieter_share", "share of the speech of who speaks less, on average"),
    (r"balanced_share", "conversations in which both hold a tenth of the speech"),
    (r"synthetic_recordings", "conversations of synthetic voices"),
    (r"synthetic", "conversations, by whether their voices are synthetic"),
)


def card_changes(before: str, after: str) -> list[str]:
    """Says what changed from one release to another, or from one version to the next.

    First what a withdrawal did, where one lies between them; then counts, then rights and uses, then all else. Facts that changed
    alike for several purposes are one line, and of a list only what differs is told. Why something is not known is not compared.

    Args:
        before, after: folders of releases.

    Returns:
        Lines of text: headings, and below each a line a change, indented; none where nothing differs.

    Raises:
        UsageError: one is no release.
    """
    old, new = (release_sheet(root)[1] for root in (before, after))
    names = {*old.entries, *new.entries}
    counts = [name for pattern in _COUNTS for name in sorted(names) if re.fullmatch(pattern, name)]
    rights = [name for pattern in _RIGHTS for name in sorted(names) if re.fullmatch(pattern, name)]
    rest = sorted(names - {*counts, *rights})
    uses, ours, others = _judged(old, new)
    parts = {
        "Counts": _facts(old, new, counts),
        "Rights and uses": uses + ours + _facts(old, new, rights),
        "All else": others + _facts(old, new, rest),
    }
    lines = _changed("name", old.facts.name, new.facts.name) + _changed("version", old.facts.version, new.facts.version)
    lines += _withdrawn(old, new)
    for title, told in parts.items():
        if told:
            lines += [f"{title}:", *(f"  {line}" for line in told)]
    return lines


def _withdrawn(old: Sheet, new: Sheet) -> list[str]:
    """Says what a withdrawal took out, where it made the one version of the other."""
    done = new.changes.get("withdrawal")
    if done is None or new.facts.fingerprint != old.facts.fingerprint:
        return []
    if new.changes["previous"]["version"] != old.facts.version:
        return []
    speakers, dropped = count(done["speakers"], "speaker"), count(done["recordings_dropped"], "conversation")
    left = f"{done['recordings_silenced']:,} left with one voice"
    return [f"a withdrawal of {speakers} lies between them: {dropped} taken out, {left}"]


def _judged(old: Sheet, new: Sheet) -> tuple[list[str], list[str], list[str]]:
    """Says which verdicts changed: on uses, on what is required of rights, on all other requirements."""
    found = [judge(sheet) for sheet in (old, new)]
    was, now = (
        {each["use"]: each["status"] for each in usable_for(sheet, verdicts)}
        for sheet, verdicts in zip((old, new), found, strict=True)
    )
    uses = [line for use in was for line in _changed(f"usable for {use}", was[use], now.get(use, "not judged"))]
    of_rights, others = list[str](), list[str]()
    for a, b in zip(*found, strict=True):
        part = of_rights if a.id in _OF_RIGHTS else others
        part += _changed(f"requirement {a.id.replace('_', ' ')}", a.status, b.status)
    return uses, of_rights, others


def _facts(old: Sheet, new: Sheet, names: Iterable[str]) -> list[str]:
    """Tells the facts of these ids that differ, those that differ by the purpose only and alike in one line."""
    lines: dict[tuple[str, str], list[str]] = {}  # what it is called, how it changed -> the purposes
    for name in names:
        a, b = old.entries.get(name), new.entries.get(name)
        change = _change(a, b)
        if change is None:
            continue
        what, purpose = _called(name)
        lines.setdefault((what, change), []).append(purpose)
    return [f"{what.format(', '.join(purposes))}: {change}" for (what, change), purposes in lines.items()]


def _change(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> str | None:
    """Says how a fact changed; None where it did not, or is not known before and after."""
    was, now = (None if fact is None else fact["value"] for fact in (a, b))
    if was == now:
        return None
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [key for key in (*was, *(key for key in now if key not in was)) if was.get(key) != now.get(key)]
        return "; ".join(f"{key} {was.get(key, 'not there')} before, {now.get(key, 'not there')} now" for key in keys)
    told = [_in_words(a), _in_words(b)]
    if told[0] == told[1]:
        told = [f"{was:.4g}", f"{now:.4g}"] if isinstance(was, float) and isinstance(now, float) else told
    if told[0] == told[1]:
        told = [str(was), str(now)]  # closer to each other than words are
    return f"{told[0]} before, {told[1]} now"


def _changed(what: str, was: str, now: str) -> list[str]:
    return [f"{what}: {was} before, {now} now"] if was != now else []


def _called(name: str) -> tuple[str, str]:
    """Names a fact as a person does, with ``{}`` for the purpose of consent that it is about, and that purpose."""
    for pattern, words in _BY_PURPOSE:
        if found := re.fullmatch(pattern, name):
            return words, found[1].replace("_", " ")
    for pattern, words in _NAMES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, words, name).replace("_", " "), ""
    return re.sub(r"_(s|hz|db)$", "", name).replace("_", " "), ""


def _in_words(fact: Mapping[str, Any] | None) -> str:
    if fact is None:
        return "not there"
    value = fact["value"]
    if value is None:
        return "unknown" if "dataset.yaml" not in fact["unknown"] else "not stated"
    if isinstance(value, dict):
        return ", ".join(f"{name} {told}" for name, told in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        text = str(value)
        return (
            re.sub(r"\.\d+Z$", "Z", text) if fact["unit"] == "time" else text[:12] if fact["unit"] == "base64" else text
        )
    match fact["unit"]:
        case "share":
            return percent(value)
        case "s":
            return duration(value) if abs(value) >= 60 else f"{value:.3f} s"
        case "1/min":
            return f"{value:.1f} a minute"
        case "bytes":
            return f"{value:,} bytes"
        case _ if isinstance(value, int):
            return f"{value:,}"
        case _:
            return f"{value:,.1f}"
