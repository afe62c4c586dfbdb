"""Says of one conversation what its page shows: that of ``duologue annotate --report``, which needs no manifest and no release."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from duologue_cards import phrases
from duologue_cards.reference import CardRules, fto_counts, told_of_people
from duologue_cards.report.content import Page, Table
from duologue_cards.report.conversation import Conversation, player_document
from duologue_cards.report.page import render_page
from duologue_cards.report.plots import Levels, plot_fto, plot_isolation, plot_overlap
from duologue_cards.report.sound import SoundFormat, sound_address
from duologue_cards.report.svg import Plot

__all__ = ["ConversationFigures", "write_conversation_report"]


@dataclass(frozen=True)
class ConversationFigures:
    """Holds the figures of one conversation.

    Attributes:
        language: BCP 47 tag; None where not stated.
        ftos_s: every floor-transfer offset.
        overlap_share: of the time in which anybody speaks; None where nobody does.
        events: kind -> how many.
        verdict: on the isolation, pass, warn, fail or undetermined; None where there was no audio.
        levels_db: direction (``b in a``) -> level of the other voice and whether it was heard; without those that cannot be judged.
        faults: fault -> whether it was found; None where it cannot be judged.
        warnings: sentences on what is to be known of the labels.
    """

    language: str | None
    ftos_s: Sequence[float]
    overlap_share: float | None
    events: Mapping[str, int]
    verdict: str | None = None
    levels_db: Mapping[str, tuple[float, bool]] = field(default_factory=dict)
    faults: Mapping[str, bool | None] = field(default_factory=dict)
    warnings: Sequence[str] = ()


def write_conversation_report(
    conversation: Conversation,
    figures: ConversationFigures,
    rules: CardRules,
    *,
    title: str,
    made_by: str,
    sound: SoundFormat = "opus",
) -> str:
    """Writes the page of one conversation; the same conversation gives the same bytes.

    Args:
        conversation: for the player.
        figures: of it.
        rules: what it is held against.
        title: of the page.
        made_by: name and version of the program.
        sound: how the sound is encoded.
    """
    reference = rules.turn_taking
    language = (figures.language or "").partition("-")[0].lower()
    why = (
        None
        if language == reference.language
        else (
            f"the reference is of {reference.language}, and the language is {figures.language or 'not stated (--language)'}"
        )
    )
    ordered = sorted(figures.ftos_s)
    middle = len(ordered) // 2
    median_s = (ordered[middle] + ordered[-1 - middle]) / 2 if ordered else None
    shares = {} if figures.overlap_share is None else {figures.overlap_share: 1}
    turns = [
        plot_fto(
            fto_counts(Counter(round(1000 * each) for each in ordered), reference.fto_edges_s),
            rules,
            median_s,
            None,
            why_not=why,
        ),
        plot_overlap(shares, reference, why_not=why),
    ]
    player = player_document(
        conversation,
        1,
        sound_address(conversation.audio, sound),
        no_sound="There was no audio: the blocks show when each speaks.",
    )
    return render_page(
        Page(
            title=title,
            version="",
            lead=f"One conversation of {phrases.duration(conversation.whole_s)}, labelled by duologue.",
            warning=" ".join(figures.warnings),
            numbers=_numbers(conversation, figures),
            uses=(),
            tiles=(),
            conversations=[player],
            chosen="",
            people="" if why else told_of_people(rules),
            turns=turns,
            isolation=_isolation(figures, rules),
            consent=(),
            unknown=_unknown(conversation),
            rest=(),
            made_by=made_by,
        )
    )


def _unknown(conversation: Conversation) -> tuple[str, ...]:
    """Lists what is not known of the labels."""
    without = [speaker for speaker in "ab" if not any(word["speaker"] == speaker for word in conversation.words)]
    checked = "Events and activity were found by program; nobody has checked them by ear."
    if not without:
        return (checked,)
    tracks = "Both tracks have" if len(without) == 2 else f"Track {without[0]} has"
    return (f"{tracks} no words: their events come from voice activity alone.", checked)


def _numbers(conversation: Conversation, figures: ConversationFigures) -> list[tuple[str, str]]:
    counts = figures.events
    return [
        (phrases.duration(conversation.whole_s), "of conversation"),
        _counted(counts, "turn"),
        _counted(counts, "floor_transfer"),
        (phrases.percent(figures.overlap_share), "of all speech in overlap"),
        _counted(counts, "backchannel"),
        _counted(counts, "interruption"),
    ]


def _counted(counts: Mapping[str, int], kind: str) -> tuple[str, str]:
    amount, _, noun = phrases.count(counts.get(kind, 0), kind.replace("_", " ")).partition(" ")
    return amount, noun


def _isolation(figures: ConversationFigures, rules: CardRules) -> list[Plot | Table]:
    if figures.verdict is None:
        return []
    levels: Levels = Counter(figures.levels_db.values())
    judged = {True: "found", False: "not there", None: "cannot tell"}
    rows = (
        ("verdict", figures.verdict),
        *(
            (f"voice of {way}", f"{level_db:.0f} dB" if heard else f"none above {level_db:.0f} dB")
            for way, (level_db, heard) in figures.levels_db.items()
        ),
        *((phrases.FAULT_WORDS[name], judged[found]) for name, found in figures.faults.items()),
    )
    return [
        plot_isolation(levels, warn_db=rules.warn_above_db, fail_db=rules.fail_above_db, directions=2),
        Table("Verdict and faults looked for", (), rows),
    ]
