"""Lays the facts of a release down once, as cards/facts.json; every other document is a view of them.

A fact has a value with unit, method and source, and where it is an estimate the number of conversations and an interval; or it
says why it is unknown. What a person stated stands under ``stated.NAME``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from duologue_cards.compute import facts_from_tally
from duologue_cards.counted import consent_entries, isolation_entries, speaker_entries, total_entries
from duologue_cards.entry import (
    BOTH,
    PURPOSES,
    RECORDINGS,
    RELEASE,
    Entry,
    by_name,
    estimated,
    known,
    or_unknown,
    unknown,
)
from duologue_cards.evidence import Evidence, measure
from duologue_cards.facts import Facts, Publication
from duologue_cards.leakage import leakage_entries
from duologue_cards.licenses import forbids, is_known
from duologue_cards.reference import CardRules, HumanTurnTaking, distance_s, limit
from duologue_cards.statement import STATEMENT
from duologue_cards.tally import Tally
from duologue_schemas import load_schema

__all__ = ["Sheet", "make_sheet", "write_facts"]


@dataclass(frozen=True)
class Sheet:
    """Holds everything that the cards state about one release.

    Attributes:
        facts, evidence: what was counted and measured.
        stated: what a person stated (:mod:`duologue_cards.statement`).
        rules: what they are held against.
        entries: id -> fact, as in facts.json.
        changes: the version before and what a withdrawal took out of it, as in ``dataset.json``; empty in the first version.
        leakage: what was measured of how well speakers are linked (:mod:`duologue_cards.leakage`); empty where nothing was.
    """

    facts: Facts
    evidence: Evidence
    stated: Mapping[str, Any]
    rules: CardRules
    entries: Mapping[str, Entry]
    changes: Mapping[str, Any]
    leakage: Mapping[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """Gives the value of a fact; None where it is unknown."""
        return self.entries[name]["value"]

    def why(self, name: str) -> str:
        """Says why a fact is unknown."""
        reason: str = self.entries[name]["unknown"]
        return reason

    @property
    def title(self) -> str:
        """Names the release for people: as a person stated it, else by its own name."""
        return str(self.stated.get("name", self.facts.name))

    @property
    def reference(self) -> HumanTurnTaking:
        """Gives the turn-taking of people."""
        return self.rules.turn_taking

    @property
    def in_force(self) -> tuple[str, ...]:
        """Gives the purposes that the release is for and both speakers of every conversation allow, as the ledger said when it was asked last."""
        purposes, consent = self.facts.purposes, self.facts.consent
        if consent is None:
            return purposes
        whole = self.facts.recordings
        return tuple(each for each in purposes if each in PURPOSES and consent.purposes[each].recordings == whole)

    @property
    def passes_on(self) -> bool:
        """Tells whether both speakers of every conversation allow that the data is passed on."""
        return "redistribution" in self.in_force

    @property
    def not_passed_on(self) -> str | None:
        """Says why the data may not be passed on by consent; None where it may."""
        if "redistribution" not in self.facts.purposes:
            return "consent to redistribution was not asked for"
        if self.passes_on:
            return None
        return f"consent to redistribution does not cover every conversation any more, checked for {self.value('consent_checked_at')}"

    @property
    def permits(self) -> bool:
        """Tells whether anybody may be offered it: consent lets it be passed on, and each licence is stated and known here.

        Where no licence is stated nothing is allowed, and what a licence of unknown terms allows no program can tell.
        """
        licenses = self.facts.licenses
        readable = all(each.value is not None and is_known(each.value) for each in licenses)
        return self.passes_on and bool(licenses) and readable

    @property
    def trains_anybody(self) -> bool:
        """Tells whether anybody may be offered to train with it: it is offered, and no licence forbids changed copies.

        Whether a model is a changed copy of what it was trained with is not settled; what is not settled is not offered.
        """
        return self.permits and not any(forbids(each.value or "", "ND") for each in self.facts.licenses)

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
    def of_others(self) -> str | None:
        """Says of whom else turn-taking is than the people of the reference; None where they speak one language."""
        wanted, found = self.reference.language, self.evidence.languages
        if list(found) == [wanted]:
            return None
        told = ", ".join(language or "not stated" for language in found) or "none"
        return f"the reference is of {wanted}, and the languages are: {told}"

    @property
    def compared(self) -> str | None:
        """Says why turn-taking cannot be held against people; None where it can."""
        if self.of_others is not None:
            return self.of_others
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
    leakage: Mapping[str, Any] | None = None,
) -> Sheet:
    """Lays down the facts of a release.

    Args:
        release, tally, rejected: as for :func:`duologue_cards.compute.facts_from_tally`.
        stated: what a person stated; empty where nobody did.
        rules: what the release is held against.
        leakage: what was measured of how well speakers are linked, if anything.

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
        **total_entries(facts),
        **_turn_taking(bare),
        **isolation_entries(facts, evidence, rules),
        **speaker_entries(facts, evidence, later="previous" in changes),
        **consent_entries(facts),
        **_about(bare),
        **leakage_entries(leakage or {}),
        **_stated(stated),
    }
    return Sheet(facts, evidence, stated, rules, entries, changes, leakage or {})


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


def _turn_taking(sheet: Sheet) -> dict[str, Entry]:
    evidence, turns = sheet.evidence, sheet.facts.turn_taking
    rows = partial(known, source=RECORDINGS)
    bootstrap = "95 % interval: bootstrap by conversation"
    no_speech, no_transfers, no_time = (
        "nobody speaks",
        "the floor never changes",
        "there is no conversation with both voices",
    )
    recognised = missing = ""
    if evidence.recognised_words:
        recognised = f"; {evidence.recognised_words:,} of those {BOTH} are recognised, not written"
        missing = "; those of recognised words lack most fillers and repetitions"
    found = {
        "conversations": rows(evidence.conversations, "conversations", "rows with both voices counted"),
        "floor_transfers": rows(turns.floor_transfers, "floor transfers", f"counted {BOTH}"),
        "overlap_s": rows(evidence.overlap_s, "s", f"seconds in which both speak, added up {BOTH}"),
        "overlap_share_of_speech": estimated(
            evidence.overlap_share,
            "share",
            f"overlap over the time in which anybody speaks, {BOTH}; {bootstrap}",
            no_speech,
        ),
        "overlapped_transfers_share": estimated(
            evidence.overlapped_share,
            "share",
            f"floor transfers with a negative offset, {BOTH}; {bootstrap}",
            no_transfers,
        ),
        "fto_median_s": estimated(
            evidence.fto_median_s, "s", f"median floor-transfer offset, {BOTH}; {bootstrap}", no_transfers
        ),
        "backchannels_per_minute": or_unknown(
            turns.backchannels_per_minute,
            "1/min",
            f"events of both speakers while both tracks are there, {BOTH}",
            RECORDINGS,
            no_time,
        ),
        "interruptions_per_minute": or_unknown(
            turns.interruptions_per_minute,
            "1/min",
            f"events of both speakers while both tracks are there, {BOTH}",
            RECORDINGS,
            no_time,
        ),
        "words": or_unknown(
            evidence.words,
            "words",
            f"words of the transcripts added up{recognised}",
            RECORDINGS,
            "no track has a transcript",
        ),
        "disfluencies": rows(evidence.disfluencies, "events", f"of the words, counted {BOTH}{missing}"),
        "disfluencies_per_100_words": or_unknown(
            evidence.disfluencies_per_100_words,
            "per 100 words",
            f"disfluencies of the tracks with a written transcript over their words, {BOTH}",
            RECORDINGS,
            "all words are recognised, and recognisers leave out most fillers and repetitions"
            if evidence.recognised_words
            else "no track has a transcript",
        ),
        "quieter_share": or_unknown(
            evidence.quieter_share,
            "share",
            f"mean share of the speech of who speaks less, {BOTH}",
            RECORDINGS,
            no_speech,
        ),
        "balanced_share": or_unknown(
            evidence.balanced_share,
            "share",
            "conversations in which each speaker holds a tenth of the speech at least",
            RECORDINGS,
            no_speech,
        ),
    }
    why = sheet.compared
    distance = distance_s(evidence.fto_counts, sheet.reference.fto_counts, sheet.reference.fto_edges_s)
    if why is not None or distance is None:
        return {
            **found,
            "fto_distance_s": unknown(why or no_transfers),
            "fto_distance_limit_s": unknown(why or no_transfers),
        }
    highest_s = limit(sheet.reference, evidence.conversations, lambda row: row.distance_p99_s)
    highest_s = max(highest_s, sheet.reference.lowest_limit_s)
    method = f"Wasserstein-1 distance of the floor-transfer offsets to those of {sheet.reference.of}"
    return {
        **found,
        "fto_distance_s": rows(distance, "s", method, n=evidence.conversations),
        "fto_distance_limit_s": rows(
            highest_s, "s", "99th percentile of that distance of as many conversations of people"
        ),
    }


def _about(sheet: Sheet) -> dict[str, Entry]:
    facts = sheet.facts
    found = {
        name: known(
            by_name(getattr(facts, name)), "conversations", "rows counted, as the manifest names them", RECORDINGS
        )
        for name in ("languages", "licenses", "corpora", "routes", "settings", "registers")
    }
    codec = facts.codec
    found |= {
        "first_date": or_unknown(facts.first_date, "date", "earliest start", RECORDINGS, "no conversation has a date"),
        "last_date": or_unknown(facts.last_date, "date", "latest start", RECORDINGS, "no conversation has a date"),
        "transcribed_tracks": known(facts.transcribed_tracks, "tracks", "rows counted", RECORDINGS),
        "codec": known(codec.name, "name", "as the run was told", RELEASE),
        "codec_quality": known(codec.quality, "sentence", "the codec's own", RELEASE),
        "include_audio": known(facts.include_audio, "true or false", "as the run was told", RELEASE),
        "segment_s": known(facts.segment_s, "s", "as the run was told", RELEASE),
        "rules": known(dict(facts.rules), "versions", "rule sets of the run", RELEASE),
    }
    if sheet.synthetic_unknown:
        why = f"the manifest does not say it of {sheet.synthetic_unknown:,} conversations, and nobody has stated that none is"
        found["synthetic_recordings"] = unknown(why)
    else:
        found["synthetic_recordings"] = known(
            facts.synthetic, "conversations", "rows of which the manifest, or its route, says so", RECORDINGS
        )
    found["synthetic"] = known(
        {
            "true": facts.synthetic,
            "false": facts.not_synthetic,
            "unknown": facts.recordings - facts.synthetic - facts.not_synthetic,
        },
        "conversations",
        "rows counted: whether the voices are made by a program",
        RECORDINGS,
    )
    return found


def _stated(stated: Mapping[str, Any]) -> dict[str, Entry]:
    return {
        f"stated.{name}": known(stated[name], "statement", "stated by a person", STATEMENT)
        if name in stated
        else unknown("nobody has stated it in dataset.yaml")
        for name in load_schema("dataset")["properties"]
    }
