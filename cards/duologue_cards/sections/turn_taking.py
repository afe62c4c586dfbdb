"""Writes what README.md says of turn taking, beside people on the telephone."""

from collections.abc import Callable
from typing import Final

from duologue_cards import phrases
from duologue_cards.picture import PICTURE, picture_text
from duologue_cards.reference import LimitsOfConversations, limit, others_report
from duologue_cards.sections.words import FEW_VALUES, estimated, span, table
from duologue_cards.sheet import Sheet

__all__ = ["turn_taking"]

_OF_PEOPLE: Final = {
    "overlap_share_of_speech": "overlap",
    "overlapped_transfers_share": "floor transfers in overlap",
    "fto_median_s": "median offset",
}
"""Name of a figure of people in the rules -> what the card calls it."""


def turn_taking(sheet: Sheet) -> str:
    """Writes the section on turn taking, with the picture."""
    facts, evidence, people = sheet.facts, sheet.evidence, sheet.rules.people
    turns, human = facts.turn_taking, people["overlap_share_of_speech"]
    overlap = estimated(evidence.overlap_share, phrases.percent)
    spread = (
        f"fewer than {FEW_VALUES} conversations"
        if evidence.conversations < FEW_VALUES and turns.overlap_share_p5 is not None
        else span(*(phrases.percent(share) for share in (turns.overlap_share_p5, turns.overlap_share_p95)))
    )
    overlapped = estimated(evidence.overlapped_share, phrases.percent)
    rows = [
        ("overlap, of the time in which anybody speaks", overlap, phrases.percent(human.value)),
        (
            "the same by conversation, 5th to 95th percentile",
            spread,
            span(phrases.percent(human.low), phrases.percent(human.high)),
        ),
        ("floor transfers in overlap", overlapped, phrases.percent(people["overlapped_transfers_share"].value)),
        (
            "median floor-transfer offset (FTO)",
            estimated(evidence.fto_median_s, phrases.seconds),
            phrases.seconds(people["fto_median_s"].value),
        ),
        ("backchannels a minute", phrases.number(turns.backchannels_per_minute), phrases.UNKNOWN),
        ("interruptions a minute", phrases.number(turns.interruptions_per_minute), phrases.UNKNOWN),
    ]
    as_many = _of_as_many(sheet) if sheet.compared is None else ("",) * len(rows)
    told = [(*row, limits) for row, limits in zip(rows, as_many, strict=True)]
    others = sheet.of_others is not None
    if others:
        told = [(name, ours, "not compared", "") for name, ours, *_ in rows]
    not_held = f" Not held against people: {phrases.escaped(sheet.compared)}." if sheet.compared else ""
    people_told = "" if others else f"\n\n{_told(sheet)}"
    return f"""## Turn taking

![{phrases.escaped(picture_text(sheet))}]({PICTURE})

Over {phrases.duration(turns.duration_s)} of conversation with {phrases.count(turns.floor_transfers, "floor transfer")}:

{table(("", "this release", "people on the telephone", "as many of their calls"), told)}

In brackets: 95 % interval, by a bootstrap by conversation. As many of their calls: within what 95 % of draws of as many conversations lie.{not_held}{people_told}"""


def _told(sheet: Sheet) -> str:
    """Says where each figure of people comes from, and what it can mean to be unlike them."""
    people = sheet.rules.people
    sources = "; ".join(f"{name}: {people[each].of} ({people[each].source})" for each, name in _OF_PEOPLE.items())
    return (
        f"Where the figures of people come from: {sources}. They come from word times, those of this release from voice activity.\n"
        f"{others_report(sheet.rules)} Far less overlap than theirs can mean that an echo canceller or a separation has cut overlaps\n"
        "out before the recording came here."
    )


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
