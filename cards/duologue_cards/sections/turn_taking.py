"""Writes what README.md says of turn taking, beside people on the telephone."""

from collections.abc import Callable
from typing import Final

from duologue_cards import phrases
from duologue_cards.picture import PICTURE, picture_text
from duologue_cards.reference import LimitsOfConversations, limit
from duologue_cards.sections.words import FEW_VALUES, estimated, span, table
from duologue_cards.sheet import Sheet

__all__ = ["turn_taking"]

# People on the telephone: Switchboard, measured from its word times; the card names the source below its table.
_HUMAN_OVERLAP: Final = "4.7 %"
_HUMAN_OVERLAP_SPREAD: Final = "0.8 % to 8.8 %"
_HUMAN_OVERLAPPED_TRANSFERS: Final = "33.5 %"
_HUMAN_FTO: Final = "0.13 s"


def turn_taking(sheet: Sheet) -> str:
    """Writes the section on turn taking, with the picture."""
    facts, evidence = sheet.facts, sheet.evidence
    turns = facts.turn_taking
    overlap = estimated(evidence.overlap_share, phrases.percent)
    spread = (
        f"fewer than {FEW_VALUES} conversations"
        if evidence.conversations < FEW_VALUES and turns.overlap_share_p5 is not None
        else span(*(phrases.percent(share) for share in (turns.overlap_share_p5, turns.overlap_share_p95)))
    )
    overlapped = estimated(evidence.overlapped_share, phrases.percent)
    rows = [
        ("overlap, of the time in which anybody speaks", overlap, _HUMAN_OVERLAP),
        ("the same by conversation, 5th to 95th percentile", spread, _HUMAN_OVERLAP_SPREAD),
        ("floor transfers in overlap", overlapped, _HUMAN_OVERLAPPED_TRANSFERS),
        ("median floor-transfer offset (FTO)", estimated(evidence.fto_median_s, phrases.seconds), _HUMAN_FTO),
        ("backchannels a minute", phrases.number(turns.backchannels_per_minute), phrases.UNKNOWN),
        ("interruptions a minute", phrases.number(turns.interruptions_per_minute), phrases.UNKNOWN),
    ]
    as_many = _of_as_many(sheet) if sheet.compared is None else ("",) * len(rows)
    told = [(*row, limits) for row, limits in zip(rows, as_many, strict=True)]
    if list(evidence.languages) != [sheet.reference.language]:
        told = [(name, ours, "not compared: another language", "") for name, ours, *_ in rows]
    return f"""## Turn taking

![{phrases.escaped(picture_text(sheet))}]({PICTURE})

Over {phrases.duration(turns.duration_s)} of conversation with {phrases.count(turns.floor_transfers, "floor transfer")}:

{table(("", "this release", "people on the telephone", "as many of their calls"), told)}

In brackets: 95 % interval, by a bootstrap by conversation. As many of their calls: within what 95 % of draws of as many conversations lie.
People on the telephone: Switchboard (American English), measured from its word times. Far less overlap than theirs can
mean that an echo canceller or a separation has cut overlaps out before the recording came here."""


def _of_as_many(sheet: Sheet) -> tuple[str, ...]:
    """Writes within what as many conversations of people lie, for each row of the table."""

    def within(read: Callable[[LimitsOfConversations], float], write: Callable[[float | None], str]) -> str:
        return write(limit(sheet.reference, sheet.evidence.conversations, read))

    rows = (
        (lambda row: row.overlap_share_low, lambda row: row.overlap_share_high, phrases.percent),
        (lambda row: row.overlapped_transfers_low, lambda row: row.overlapped_transfers_high, phrases.percent),
        (lambda row: row.fto_median_low_s, lambda row: row.fto_median_high_s, phrases.seconds),
    )
    share, transfers, median = (f"{within(low, write)} to {within(high, write)}" for low, high, write in rows)
    return share, "", transfers, median, "", ""
