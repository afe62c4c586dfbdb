"""Says of a release what its page shows, from the facts of its cards and the values that they were counted from."""

from collections.abc import Mapping, Sequence
from typing import Final

from duologue_cards import phrases
from duologue_cards.entry import PURPOSES
from duologue_cards.licenses import together
from duologue_cards.reference import told_of_people
from duologue_cards.report.choose import FURTHER_S
from duologue_cards.report.content import Page, Table, Tile
from duologue_cards.report.conversation import LONGEST_S, Conversation, player_document
from duologue_cards.report.page import render_page
from duologue_cards.report.plots import plot_bars, plot_fto, plot_isolation, plot_overlap
from duologue_cards.report.sound import SoundFormat, sound_address
from duologue_cards.report.svg import Plot
from duologue_cards.requirements import judge, usable_for
from duologue_cards.sheet import Sheet
from duologue_cards.tally import Tally

__all__ = ["REPORT", "write_report"]

REPORT: Final = "report.html"
"""Where it lies in a release."""

_NAMES: Final = {
    "capture_at_source": "Full-duplex capture at source",
    "dyadic_spontaneous": "Spontaneous dyadic structure",
    "realistic_overlap": "Realistic overlap",
    "register_coverage": "Register coverage",
    "speaker_diversity": "Speaker diversity",
    "consent_per_speaker": "Consent of every speaker",
    "redistribution_rights": "Redistribution rights",
    "phase_fit": "Phase fit",
}


def write_report(
    sheet: Sheet,
    tally: Tally,
    conversations: Sequence[Conversation],
    cards: Mapping[str, str],
    *,
    among: int,
    sound: SoundFormat | None = "opus",
) -> str:
    """Writes the text of report.html; the same release gives the same bytes.

    Args:
        sheet: the facts of the release.
        tally: of all its tables, of which the sheet was made.
        conversations: what the player shows.
        cards: path of every other card -> SHA-256 in lower-case hex.
        among: of so many conversations these were chosen.
        sound: how the sound is encoded, where the release has audio; None leaves it out.
    """
    facts = sheet.facts
    no_sound = "This release holds no audio, so there is no sound: the blocks show when each of the two is heard."
    if facts.include_audio and sound is None:
        no_sound = "The sound was left out of this page, as the run was told; the release has it. The blocks show when each of the two is heard."
    player = [
        player_document(each, number, sound and sound_address(each.audio, sound), no_sound=no_sound)
        for number, each in enumerate(conversations, 1)
    ]
    found = judge(sheet)
    has_sound = any(each["sound"] for each in player)
    return render_page(
        Page(
            title=sheet.stated.get("name", facts.name),
            version=facts.version,
            lead=phrases.summary(facts),
            warning=_warning(sheet, has_sound=has_sound),
            numbers=_numbers(sheet),
            uses=[(each["use"], each["status"], each["because"]) for each in usable_for(sheet, found)],
            tiles=[Tile(_NAMES[each.id], each.status, each.says.replace("`", "")) for each in found],
            conversations=player,
            chosen=f"Conversations chosen by rule, and not by anybody, {_among(among, facts.recordings)}: the one with most overlap, the "
            "one with the worst verdict on its isolation if one does not pass, the one nearest to the median of overlap, and up to five "
            f"others by the rule that stands beside each; the first {LONGEST_S / 60:g} minutes of the first three, the first "
            f"{FURTHER_S:g} s of the others.",
            people="" if sheet.compared else told_of_people(sheet.rules),
            turns=_turns(sheet, tally),
            isolation=_isolation(sheet, tally),
            consent=_consent(sheet),
            unknown=[each.replace("`", "") for each in phrases.limitations(facts)],
            rest=_rest(sheet, cards),
            made_by=facts.made_by,
        )
    )


def _among(among: int, of: int) -> str:
    return "of all" if among == of else f"of {among:,} of all {of:,}, those of the first shards"


def _warning(sheet: Sheet, *, has_sound: bool) -> str:
    told = []
    if sheet.facts.codec.name == "embedded":
        told.append(f"Not for training: {sheet.facts.codec.quality}")
    if sheet.not_passed_on:
        voices = "This page holds voices. " if has_sound else ""
        told.append(f"{voices}Keep it in the house: {sheet.not_passed_on}.")
    return " ".join(told)


def _numbers(sheet: Sheet) -> list[tuple[str, str]]:
    facts = sheet.facts
    languages = [each.value or phrases.UNKNOWN for each in facts.languages]
    passed = sum(each.count for each in facts.isolation.verdicts if each.value == "pass")
    return [
        (phrases.duration(facts.duration_s), "of conversation"),
        (f"{facts.recordings:,}", "conversations"),
        (f"{facts.speakers:,}", f"{phrases.speaker(facts)}s, none of them in train and in validation"),
        (", ".join(languages[:3]) + (" …" if len(languages) > 3 else ""), "languages"),
        (f"{facts.turn_taking.floor_transfers:,}", "floor transfers"),
        (f"{passed:,} of {sheet.evidence.conversations:,}", "conversations whose tracks are apart"),
    ]


def _turns(sheet: Sheet, tally: Tally) -> list[Plot | Table]:
    median = sheet.evidence.fto_median_s
    why = sheet.compared
    return [
        plot_fto(sheet.evidence.fto_counts, sheet.rules, median.value, median.interval, why_not=why),
        plot_overlap(_counted(tally, "overlap_share"), sheet.reference, why_not=why),
    ]


def _isolation(sheet: Sheet, tally: Tally) -> list[Plot | Table]:
    levels = {
        (level_db, name == "bleed_db"): count
        for name in ("bleed_db", "floor_db")
        for level_db, count in _counted(tally, name).items()
    }
    rules, isolation = sheet.rules, sheet.facts.isolation
    faults = tuple(
        (
            phrases.of_voices(sheet.facts, phrases.FAULT_WORDS[each.name]),
            f"{each.found:,}",
            f"{each.absent:,}",
            f"{each.unknown:,}",
        )
        for each in isolation.faults
    )
    return [
        plot_isolation(
            levels, warn_db=rules.warn_above_db, fail_db=rules.fail_above_db, directions=tally["directions",]
        ),
        Table("Faults looked for", ("fault", "found in", "not in", "cannot tell"), faults),
    ]


def _consent(sheet: Sheet) -> list[Plot | Table]:
    facts = sheet.facts
    bars = [
        (phrases.of_voices(facts, phrases.PURPOSE_WORDS[purpose]), *_allowed(sheet, purpose)) for purpose in PURPOSES
    ]
    asked = (
        f"as the ledger said for the moment {facts.consent.checked_at}"
        if facts.consent
        else "as the ledger said at the checkpoint of the run, which asked for its own purpose only"
    )
    places, who = sheet.value("speakers_by_jurisdiction"), phrases.speaker(facts)
    rows = (
        (f"{who}s by place", ", ".join(f"{place} ({count})" for place, count in places.items()) or phrases.UNKNOWN),
        ("ledger", f"{facts.ledger.ledger_id}, {phrases.count(facts.ledger.events, 'record')}"),
        ("root of the ledger", facts.ledger.root),
        ("withdrawn since", phrases.count(facts.withdrawn, "conversation")),
        (f"one {who} withdrawn", phrases.count(facts.one_voice, "conversation")),
        ("who withdrew, and receipts", "revocations.jsonl and receipts/, once somebody has"),
        ("check it", "duologue shards verify DATASET"),
    )
    told = f"Conversations of which both {who}s allow it in every form that is written, {asked}."
    return [plot_bars(bars, facts.recordings, told), Table("The record of consent", (), rows)]


def _allowed(sheet: Sheet, purpose: str) -> tuple[int | None, str]:
    """Gives for how many conversations both speakers allow a purpose, and the same in words."""
    count: int | None = sheet.value(f"consent_{purpose}_recordings")
    if count is not None:
        return count, f"{count:,} of {sheet.facts.recordings:,}"
    consent = sheet.facts.consent
    return None, "not asked" if consent is None else consent.purposes[purpose].kept_back.partition(",")[0]


def _rest(sheet: Sheet, cards: Mapping[str, str]) -> list[Table]:
    facts = sheet.facts
    account = (
        ("read", f"{facts.read:,}"),
        ("written", f"{facts.recordings:,}"),
        *((f"refused: {each.value}", f"{each.count:,}") for each in facts.rejected_reasons),
        ("licences add up to", together(facts.licenses)),
        ("obtained by", phrases.named(facts.routes)),
    )
    return [
        Table("What was read and refused", (), account),
        Table("The other cards", ("file", "SHA-256"), tuple(sorted(cards.items()))),
    ]


def _counted(tally: Tally, name: str) -> dict[float, int]:
    """Reads the values of a name -> how often each is there."""
    return {key[1]: count for key, count in tally.items() if len(key) == 2 and key[0] == name and count}
