"""Makes the entries of facts.json that are counted: totals, isolation, speakers and consent."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from duologue_cards.entry import (
    BOTH,
    INDEX,
    PURPOSES,
    RECORDINGS,
    REJECTED,
    RELEASE,
    Entry,
    by_name,
    known,
    or_unknown,
    unknown,
)
from duologue_cards.evidence import Evidence
from duologue_cards.facts import ConsentCell, Facts
from duologue_cards.few import FEW, counts_by_place, counts_by_text
from duologue_cards.reference import CardRules

__all__ = ["consent_entries", "isolation_entries", "speaker_entries", "total_entries"]

_NOT_ASKED: Final = (
    "the release does not say it: its run had no ledger to ask, or an earlier version made it; "
    "`duologue card build --ledger` asks"
)


def total_entries(facts: Facts) -> dict[str, Entry]:
    """Counts samples, conversations, people and files, of all and of each split."""
    release = partial(known, source=RELEASE)
    found = {
        "samples": known(facts.samples, "samples", "rows counted", INDEX),
        "recordings": known(facts.recordings, "conversations", "rows counted", RECORDINGS),
        "speakers": known(facts.speakers, "speakers", "distinct commitments, withdrawn ones left out", RECORDINGS),
        "shards": release(sum(split.shards for split in facts.splits), "files", "entries counted"),
        "shard_bytes": release(facts.shard_bytes, "bytes", "sizes of the shards added up"),
        "duration_s": release(facts.duration_s, "s", "durations of the samples added up"),
        "read": release(facts.read, "recordings", "recordings that the run has read"),
        "rejected": known(facts.rejected, "recordings", "lines counted", REJECTED),
        "rejected_reasons": known(by_name(facts.rejected_reasons), "recordings", "lines counted", REJECTED),
        "withdrawn": release(facts.withdrawn, "conversations", "taken out since the first version"),
        "one_voice": known(
            facts.one_voice, "conversations", "one speaker withdrew, their track is silence", RECORDINGS
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


def isolation_entries(facts: Facts, evidence: Evidence, rules: CardRules) -> dict[str, Entry]:
    """Counts conversations by verdict and by fault of the isolation."""
    rows = partial(known, source=RECORDINGS)
    found = {
        f"isolation_{verdict}": rows(evidence.isolation.get(verdict, 0), "conversations", f"verdict {verdict}, {BOTH}")
        for verdict in ("pass", "warn", "fail", "undetermined")
    }
    found["isolation_bleeding_s"] = rows(
        round(3600 * evidence.bleeding_hours, 3),
        "s",
        f"conversations in which the other voice is above {rules.warn_above_db:g} dB in a track",
    )
    for fault in facts.isolation.faults:
        found[f"fault_{fault.name}"] = rows(fault.found, "conversations", f"in which the fault was found, {BOTH}")
    return found


def speaker_entries(facts: Facts, evidence: Evidence, *, later: bool) -> dict[str, Entry]:
    """Says how many speakers there are in effect, and where they were; ``later`` whether a withdrawal made this version."""
    nobody = "there is no speaker"
    return {
        "effective_speakers": or_unknown(
            evidence.effective_speakers,
            "speakers",
            "(sum of s)^2 / sum of s^2, s the recorded seconds of a speaker",
            RECORDINGS,
            nobody,
        ),
        "top_speaker_share": or_unknown(
            evidence.top_speaker_share, "share", "recorded seconds of who has most, of all", RECORDINGS, nobody
        ),
        "speakers_by_jurisdiction": known(
            counts_by_place(by_name(facts.speakers_by_jurisdiction), later=later),
            "speakers",
            f"distinct speakers; none is counted out where a place has fewer than {FEW}, or somebody has withdrawn",
            RECORDINGS,
        ),
        **{
            f"speakers_by_{name}": or_unknown(
                counts_by_text(by_name(counts), later=later)
                if any(each.value is not None for each in counts)
                else None,
                "speakers",
                "distinct speakers, as the manifest says; groups of few are other, and not counted out",
                RECORDINGS,
                "the manifest says it of nobody",
            )
            for name, counts in facts.speakers_by.items()
        },
    }


def consent_entries(facts: Facts) -> dict[str, Entry]:
    """Says which ledger was asked for what, and how much both speakers allow."""
    found = {
        "purposes": known(list(facts.purposes), "purposes", "what the run asked the ledger for", RELEASE),
        "ledger_id": known(facts.ledger.ledger_id, "id", "the ledger that was asked", RELEASE),
        "ledger_events": known(facts.ledger.events, "records", "leaves of the log at the checkpoint", RELEASE),
        "ledger_root": known(facts.ledger.root, "base64", "root of the Merkle tree at the checkpoint", RELEASE),
    }
    consent, not_asked = facts.consent, unknown(_NOT_ASKED)
    if consent is None:
        found |= dict.fromkeys(("consent_checked_at", "consent_events", "consent_notices"), not_asked)
    else:
        found["consent_checked_at"] = known(
            consent.checked_at, "time", "the moment that the run was told, else the last one in the ledger", RELEASE
        )
        found["consent_events"] = known(consent.events, "records", "leaves of the log that were asked", RELEASE)
        found["consent_notices"] = known(
            consent.notices, "conversations", "each grant that is relied on names a notice", RELEASE
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
        found[names[0]] = or_unknown(cell.recordings, "conversations", method, RELEASE, cell.kept_back)
        found[names[1]] = or_unknown(cell.duration_s, "s", method, RELEASE, cell.kept_back)
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
                else known(_recordings_of(told), "conversations", f"{how}; few are not counted out", RELEASE)
            )
    return found


def _recordings_of(cells: Mapping[str, ConsentCell]) -> dict[str, int | str]:
    return {name: cell.kept_back if cell.recordings is None else cell.recordings for name, cell in cells.items()}
