"""Lays the facts of a release down once, as cards/facts.json; every other document is a view of them.

A fact has a value with unit, method and source, and where it is an estimate the number of conversations and an interval; or it
says why it is unknown. What a person stated stands under ``stated.NAME``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from duologue_cards.compute import facts_from_tally
from duologue_cards.draws import Estimate
from duologue_cards.evidence import Evidence, measure
from duologue_cards.facts import ConsentCell, Count, Facts, Publication
from duologue_cards.licenses import is_known
from duologue_cards.reference import CardRules, HumanTurnTaking, distance_s, limit
from duologue_cards.statement import STATEMENT
from duologue_cards.tally import Tally
from duologue_schemas import load_schema

__all__ = ["FEW", "PURPOSES", "Sheet", "make_sheet", "with_few_hidden", "write_facts"]

FEW: Final = 5
"""Groups of fewer speakers are not counted out: who is in them could be told."""

_KEPT_BACK: Final = "not counted out"

PURPOSES: Final = ("recording", "training_inhouse", "redistribution", "speaker_identification", "likeness")
"""Every purpose that a ledger knows."""

_RECORDINGS, _INDEX, _RELEASE, _REJECTED = "recordings.parquet", "index.parquet", "dataset.json", "rejected.jsonl"
_NOT_ASKED: Final = (
    "the release does not say it: its run had no ledger to ask, or an earlier version made it; "
    "`duologue card build --ledger` asks"
)
_TOO_FEW: Final = f"fewer than {FEW} are not counted out: they could be told"
_BOTH: Final = "over the conversations with both voices"

_Fact = dict[str, Any]


@dataclass(frozen=True)
class Sheet:
    """Holds everything that the cards state about one release.

    Attributes:
        facts, evidence: what was counted and measured.
        stated: what a person stated (:mod:`duologue_cards.statement`).
        rules: what they are held against.
        entries: id -> fact, as in facts.json.
        changes: the version before and what a withdrawal took out of it, as in ``dataset.json``; empty in the first version.
    """

    facts: Facts
    evidence: Evidence
    stated: Mapping[str, Any]
    rules: CardRules
    entries: Mapping[str, _Fact]
    changes: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Gives the value of a fact; None where it is unknown."""
        return self.entries[name]["value"]

    def why(self, name: str) -> str:
        """Says why a fact is unknown."""
        reason: str = self.entries[name]["unknown"]
        return reason

    @property
    def reference(self) -> HumanTurnTaking:
        """Gives the turn-taking of people."""
        return self.rules.turn_taking

    @property
    def passes_on(self) -> bool:
        """Tells whether both speakers of every conversation allow that the data is passed on."""
        return "redistribution" in self.facts.purposes

    @property
    def permits(self) -> bool:
        """Tells whether anybody may be offered it: all consent to passing on is in force, and each licence is stated and known here.

        Where no licence is stated nothing is allowed, and what a licence of unknown terms allows no program can tell.
        """
        consent, facts = self.facts.consent, self.facts
        in_force = consent is None or consent.purposes["redistribution"].recordings == facts.recordings
        readable = all(each.value is not None and is_known(each.value) for each in facts.licenses)
        return self.passes_on and in_force and bool(facts.licenses) and readable

    @property
    def only_synthetic(self) -> bool:
        """Tells whether it is known of every conversation that its voices are made by a program."""
        return self.facts.only_synthetic

    @property
    def synthetic_unknown(self) -> int:
        """Counts the conversations of which nobody has said whether they are synthetic; a statement that none is counts for all."""
        if self.stated.get("synthetic_generation") is False:
            return 0
        return self.facts.recordings - self.facts.synthetic - self.facts.not_synthetic

    @property
    def compared(self) -> str | None:
        """Says why turn-taking cannot be held against people; None where it can."""
        wanted, found = self.reference.language, self.evidence.languages
        if list(found) != [wanted]:
            told = ", ".join(language or "not stated" for language in found) or "none"
            return f"the reference is of {wanted}, and the languages are: {told}"
        few, least = self.evidence.conversations, self.reference.fewest_conversations
        if few < least or self.evidence.transfers < self.reference.fewest_transfers:
            return (
                f"{few} conversations with {self.evidence.transfers} floor transfers are too few; "
                f"{least} with {self.reference.fewest_transfers} are the least"
            )
        return None


def make_sheet(
    release: Mapping[str, Any],
    tally: Tally,
    rejected: Mapping[str, int],
    *,
    stated: Mapping[str, Any],
    rules: CardRules,
) -> Sheet:
    """Lays down the facts of a release.

    Args:
        release, tally, rejected: as for :func:`duologue_cards.compute.facts_from_tally`.
        stated: what a person stated; empty where nobody did.
        rules: what the release is held against.

    Raises:
        ValueError: document and tables do not belong together.
    """
    maker = stated.get("creator", stated.get("publisher"))
    publication = Publication(maker, stated.get("url"), stated.get("date_published"))
    facts = facts_from_tally(release, tally, rejected, publication=publication)
    evidence = measure(facts, tally, fto_edges_s=rules.turn_taking.fto_edges_s, bleeding_db=rules.warn_above_db)
    changes = {name: release[name] for name in ("previous", "withdrawal") if name in release}
    bare = Sheet(facts, evidence, stated, rules, {}, changes)
    entries = {
        **_totals(facts),
        **_turn_taking(bare),
        **_isolation(facts, evidence, rules),
        **_speakers(facts, evidence),
        **_consent(facts),
        **_about(bare),
        **_stated(stated),
    }
    return Sheet(facts, evidence, stated, rules, entries, changes)


def write_facts(sheet: Sheet) -> str:
    """Writes the text of cards/facts.json; the same release gives the same bytes."""
    facts = sheet.facts
    document = {
        "schema": "facts/1.0",
        "dataset": {
            "name": facts.name,
            "version": facts.version,
            "made_by": facts.made_by,
            "run": facts.fingerprint,
        },
        "facts": dict(sheet.entries),
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def with_few_hidden(counts: tuple[Count, ...]) -> dict[str, int | str]:
    """Gives counts of speakers by name, ``unknown`` for None; fewer than five are ``fewer than 5``.

    Where one group alone is so small, the smallest of the others is not counted out either: all speakers are counted elsewhere, and
    the difference would be the small group.
    """
    shown: dict[str, int | str] = {
        each.value or "unknown": each.count if each.count >= FEW else f"fewer than {FEW}" for each in counts
    }
    large = [each for each in counts if each.count >= FEW]
    if large and len(large) == len(counts) - 1:
        shown[min(large, key=lambda each: (each.count, each.value or "unknown")).value or "unknown"] = _KEPT_BACK
    return shown


def _known(value: Any, unit: str, method: str, source: str, **more: Any) -> _Fact:
    return {"value": value, "unit": unit, "method": method, "source": source, **more}


def _unknown(why: str) -> _Fact:
    return {"value": None, "unknown": why}


def _estimated(estimate: Estimate, unit: str, method: str, missing: str) -> _Fact:
    if estimate.value is None:
        return _unknown(missing)
    more: dict[str, Any] = {"n": estimate.n}
    if estimate.interval:
        more["interval"] = list(estimate.interval)
    return _known(estimate.value, unit, method, _RECORDINGS, **more)


def _or_unknown(value: Any, unit: str, method: str, source: str, why: str) -> _Fact:
    return _unknown(why) if value is None else _known(value, unit, method, source)


def _totals(facts: Facts) -> dict[str, _Fact]:
    release = partial(_known, source=_RELEASE)
    found = {
        "samples": _known(facts.samples, "samples", "rows counted", _INDEX),
        "recordings": _known(facts.recordings, "conversations", "rows counted", _RECORDINGS),
        "speakers": _known(facts.speakers, "speakers", "distinct commitments, withdrawn ones left out", _RECORDINGS),
        "shards": release(sum(split.shards for split in facts.splits), "files", "entries counted"),
        "shard_bytes": release(facts.shard_bytes, "bytes", "sizes of the shards added up"),
        "duration_s": release(facts.duration_s, "s", "durations of the samples added up"),
        "read": release(facts.read, "recordings", "recordings that the run has read"),
        "rejected": _known(facts.rejected, "recordings", "lines counted", _REJECTED),
        "rejected_reasons": _known(_by_name(facts.rejected_reasons), "recordings", "lines counted", _REJECTED),
        "withdrawn": release(facts.withdrawn, "conversations", "taken out since the first version"),
        "one_voice": _known(
            facts.one_voice, "conversations", "one speaker withdrew, their track is silence", _RECORDINGS
        ),
    }
    for split in facts.splits:
        for name, unit in (
            ("samples", "samples"),
            ("recordings", "conversations"),
            ("speakers", "speakers"),
            ("shards", "files"),
            ("duration_s", "s"),
        ):
            found[f"{split.name}_{name}"] = release(getattr(split, name), unit, f"{unit} of the split {split.name}")
    return found


def _turn_taking(sheet: Sheet) -> dict[str, _Fact]:
    evidence, turns = sheet.evidence, sheet.facts.turn_taking
    rows = partial(_known, source=_RECORDINGS)
    bootstrap = "95 % interval: bootstrap by conversation"
    no_speech, no_transfers, no_time = (
        "nobody speaks",
        "the floor never changes",
        "there is no conversation with both voices",
    )
    found = {
        "conversations": rows(evidence.conversations, "conversations", "rows with both voices counted"),
        "floor_transfers": rows(turns.floor_transfers, "floor transfers", f"counted {_BOTH}"),
        "overlap_s": rows(evidence.overlap_s, "s", f"seconds in which both speak, added up {_BOTH}"),
        "overlap_share_of_speech": _estimated(
            evidence.overlap_share,
            "share",
            f"overlap over the time in which anybody speaks, {_BOTH}; {bootstrap}",
            no_speech,
        ),
        "overlapped_transfers_share": _estimated(
            evidence.overlapped_share,
            "share",
            f"floor transfers with a negative offset, {_BOTH}; {bootstrap}",
            no_transfers,
        ),
        "fto_median_s": _estimated(
            evidence.fto_median_s, "s", f"median floor-transfer offset, {_BOTH}; {bootstrap}", no_transfers
        ),
        "backchannels_per_minute": _or_unknown(
            turns.backchannels_per_minute, "1/min", f"events of both speakers, {_BOTH}", _RECORDINGS, no_time
        ),
        "interruptions_per_minute": _or_unknown(
            turns.interruptions_per_minute, "1/min", f"events of both speakers, {_BOTH}", _RECORDINGS, no_time
        ),
        "words": _or_unknown(
            evidence.words, "words", "words of the transcripts added up", _RECORDINGS, "no track has a transcript"
        ),
        "disfluencies": rows(evidence.disfluencies, "events", f"of the words, counted {_BOTH}"),
        "quieter_share": _or_unknown(
            evidence.quieter_share,
            "share",
            f"mean share of the speech of who speaks less, {_BOTH}",
            _RECORDINGS,
            no_speech,
        ),
        "balanced_share": _or_unknown(
            evidence.balanced_share,
            "share",
            "conversations in which each speaker holds a tenth of the speech at least",
            _RECORDINGS,
            no_speech,
        ),
    }
    why = sheet.compared
    distance = distance_s(evidence.fto_counts, sheet.reference.fto_counts, sheet.reference.fto_edges_s)
    if why is not None or distance is None:
        return {
            **found,
            "fto_distance_s": _unknown(why or no_transfers),
            "fto_distance_limit_s": _unknown(why or no_transfers),
        }
    highest_s = limit(sheet.reference, evidence.conversations, lambda row: row.distance_p99_s)
    highest_s = max(highest_s, sheet.reference.lowest_limit_s)
    method = f"Wasserstein-1 distance of the floor-transfer offsets to those of {sheet.reference.of}"
    return {
        **found,
        "fto_distance_s": rows(distance, "s", method),
        "fto_distance_limit_s": rows(
            highest_s, "s", "99th percentile of that distance of as many conversations of people"
        ),
    }


def _isolation(facts: Facts, evidence: Evidence, rules: CardRules) -> dict[str, _Fact]:
    rows = partial(_known, source=_RECORDINGS)
    found = {
        f"isolation_{verdict}": rows(evidence.isolation.get(verdict, 0), "conversations", f"verdict {verdict}, {_BOTH}")
        for verdict in ("pass", "warn", "fail", "undetermined")
    }
    found["isolation_bleeding_s"] = rows(
        round(3600 * evidence.bleeding_hours, 3),
        "s",
        f"conversations in which the other voice is above {rules.warn_above_db:g} dB in a track",
    )
    for fault in facts.isolation.faults:
        found[f"fault_{fault.name}"] = rows(fault.found, "conversations", f"in which the fault was found, {_BOTH}")
    return found


def _speakers(facts: Facts, evidence: Evidence) -> dict[str, _Fact]:
    nobody = "there is no speaker"
    return {
        "effective_speakers": _or_unknown(
            evidence.effective_speakers,
            "speakers",
            "(sum of s)^2 / sum of s^2, s the recorded seconds of a speaker",
            _RECORDINGS,
            nobody,
        ),
        "top_speaker_share": _or_unknown(
            evidence.top_speaker_share, "share", "recorded seconds of who has most, of all", _RECORDINGS, nobody
        ),
        "speakers_by_jurisdiction": _known(
            with_few_hidden(facts.speakers_by_jurisdiction),
            "speakers",
            "distinct speakers; few are not counted out",
            _RECORDINGS,
        ),
    }


def _consent(facts: Facts) -> dict[str, _Fact]:
    found = {
        "purposes": _known(list(facts.purposes), "purposes", "what the run asked the ledger for", _RELEASE),
        "ledger_id": _known(facts.ledger.ledger_id, "id", "the ledger that was asked", _RELEASE),
        "ledger_events": _known(facts.ledger.events, "records", "leaves of the log at the checkpoint", _RELEASE),
        "ledger_root": _known(facts.ledger.root, "base64", "root of the Merkle tree at the checkpoint", _RELEASE),
    }
    consent, not_asked = facts.consent, _unknown(_NOT_ASKED)
    if consent is None:
        found |= dict.fromkeys(("consent_checked_at", "consent_events", "consent_notices"), not_asked)
    else:
        found["consent_checked_at"] = _known(
            consent.checked_at, "time", "the moment that the run was told, else the last one in the ledger", _RELEASE
        )
        found["consent_events"] = _known(consent.events, "records", "leaves of the log that were asked", _RELEASE)
        found["consent_notices"] = _known(
            consent.notices, "conversations", "each grant that is relied on names a notice", _RELEASE
        )
    for purpose in PURPOSES:
        names = (f"consent_{purpose}_recordings", f"consent_{purpose}_duration_s")
        if consent is not None:
            cells = (consent.purposes[purpose], "both speakers allow it in every form that is written")
        elif purpose in facts.purposes:
            cells = (
                ConsentCell(facts.recordings, facts.duration_s),
                "every conversation passed the ledger for it, and a withdrawal takes out who no longer allows it",
            )
        else:
            found |= dict.fromkeys((*names, f"consent_{purpose}_forms", f"consent_{purpose}_jurisdictions"), not_asked)
            continue
        cell, method = cells
        found[names[0]] = _or_unknown(cell.recordings, "conversations", method, _RELEASE, _TOO_FEW)
        found[names[1]] = _or_unknown(cell.duration_s, "s", method, _RELEASE, _TOO_FEW)
        for kind, told, how in (
            (
                "forms",
                None if consent is None else consent.forms[purpose],
                "both speakers allow it in that form, written or not",
            ),
            (
                "jurisdictions",
                None if consent is None else consent.jurisdictions[purpose],
                f"a speaker was there, and {method}",
            ),
        ):
            found[f"consent_{purpose}_{kind}"] = (
                not_asked
                if told is None
                else _known(_recordings_of(told), "conversations", f"{how}; few are not counted out", _RELEASE)
            )
    return found


def _recordings_of(cells: Mapping[str, ConsentCell]) -> dict[str, int | str]:
    return {name: f"fewer than {FEW}" if cell.recordings is None else cell.recordings for name, cell in cells.items()}


def _about(sheet: Sheet) -> dict[str, _Fact]:
    facts = sheet.facts
    found = {
        name: _known(
            _by_name(getattr(facts, name)), "conversations", "rows counted, as the manifest names them", _RECORDINGS
        )
        for name in ("languages", "licenses", "corpora", "routes", "settings", "registers")
    }
    codec = facts.codec
    found |= {
        "first_date": _or_unknown(
            facts.first_date, "date", "earliest start", _RECORDINGS, "no conversation has a date"
        ),
        "last_date": _or_unknown(facts.last_date, "date", "latest start", _RECORDINGS, "no conversation has a date"),
        "transcribed_tracks": _known(facts.transcribed_tracks, "tracks", "rows counted", _RECORDINGS),
        "codec": _known(codec.name, "name", "as the run was told", _RELEASE),
        "codec_quality": _known(codec.quality, "sentence", "the codec's own", _RELEASE),
        "include_audio": _known(facts.include_audio, "true or false", "as the run was told", _RELEASE),
        "segment_s": _known(facts.segment_s, "s", "as the run was told", _RELEASE),
        "rules": _known(dict(facts.rules), "versions", "rule sets of the run", _RELEASE),
    }
    if sheet.synthetic_unknown:
        why = f"the manifest does not say it of {sheet.synthetic_unknown:,} conversations, and nobody has stated that none is"
        found["synthetic_recordings"] = _unknown(why)
    else:
        found["synthetic_recordings"] = _known(
            facts.synthetic, "conversations", "rows of which the manifest, or its route, says so", _RECORDINGS
        )
    found["synthetic"] = _known(
        {
            "true": facts.synthetic,
            "false": facts.not_synthetic,
            "unknown": facts.recordings - facts.synthetic - facts.not_synthetic,
        },
        "conversations",
        "rows counted: whether the voices are made by a program",
        _RECORDINGS,
    )
    return found


def _stated(stated: Mapping[str, Any]) -> dict[str, _Fact]:
    return {
        f"stated.{name}": _known(stated[name], "statement", "stated by a person", STATEMENT)
        if name in stated
        else _unknown("nobody has stated it in dataset.yaml")
        for name in load_schema("dataset")["properties"]
    }


def _by_name(counts: tuple[Count, ...]) -> dict[str, int]:
    return {each.value or "unknown": each.count for each in counts}
