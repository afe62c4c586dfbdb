"""Writes the page of one conversation: the labels beside its sound, and its turn-taking beside that of people."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_cards import CardRules
from duologue_cards.report.conversation import Conversation
from duologue_cards.report.of_conversation import ConversationFigures, write_conversation_report
from duologue_cards.report.sound import SoundFormat
from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.events.fields import event_document
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.records import SPEAKERS, IsolationReport, TaggedWord
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from duologue_pipeline.rules.isolation import IsolationRules

__all__ = ["LONGEST_PAGE_S", "card_rules", "write_page_of"]

LONGEST_PAGE_S: Final = 1800.0
"""So much of a conversation is on its page."""


def card_rules() -> CardRules:
    """Takes out of the rules what a release or a conversation is held against on its cards and pages."""
    isolation, human = load_rules(IsolationRules), load_rules(HumanReferenceRules)
    language = human.turn_taking.language
    return CardRules(
        turn_taking=human.turn_taking,
        people={figure.name: figure for figure in human.figures if figure.language == language},
        cited=human.cited,
        warn_above_db=isolation.warn_above_db,
        fail_above_db=isolation.fail_above_db,
    )


def write_page_of(
    annotation: Annotation,
    *,
    name: str,
    isolation: IsolationReport | None = None,
    audio: tuple[npt.NDArray[np.float32], int] | None = None,
    warnings: Sequence[str] = (),
    sound: SoundFormat = "opus",
) -> str:
    """Writes the page.

    Args:
        annotation: what was found.
        name: of the conversation, its title.
        isolation: what was measured between the tracks; None without audio.
        audio: float32 [2, T] in [-1, 1] from the beginning on, and its rate in Hz; None without.
        warnings: sentences that stand at the top.
        sound: how the sound is encoded.
    """
    statistics = annotation.statistics
    end_s = min(statistics.duration_ms / 1000, LONGEST_PAGE_S)
    words = [
        _word(word, side)
        for side in SPEAKERS
        for word in (getattr(annotation, f"words_{side}") or ())
        if word.start_ms < 1000 * end_s
    ]
    anybody_ms = statistics.speech_a_ms + statistics.speech_b_ms - statistics.overlap_ms
    overlap_share = statistics.overlap_ms / anybody_ms if anybody_ms > 0 else None
    conversation = Conversation(
        why="",
        about=(
            annotation.language or "language not stated",
            *([f"isolation {isolation.verdict}"] if isolation else ()),
        ),
        duration_s=end_s,
        whole_s=statistics.duration_ms / 1000,
        activity={
            side: [
                (span.start_ms / 1000, min(span.end_ms / 1000, end_s))
                for span in getattr(annotation.activity, side)
                if span.start_ms < 1000 * end_s
            ]
            for side in SPEAKERS
        },
        words=sorted(words, key=lambda word: (word["start_s"], word["speaker"])),
        events=[
            {**document, "end_s": min(document["end_s"], end_s)}
            for document in map(event_document, annotation.events)
            if document["start_s"] < end_s
        ],
        audio=None if audio is None else (audio[0][:, : round(end_s * audio[1])], audio[1]),
    )
    figures = ConversationFigures(
        language=annotation.language,
        ftos_s=[fto_ms / 1000 for fto_ms in (*statistics.ftos_a_ms, *statistics.ftos_b_ms)],
        overlap_share=overlap_share,
        events={total.kind: statistics.events(total.kind) for total in statistics.kinds},
        verdict=isolation.verdict if isolation else None,
        levels_db=_levels(isolation),
        faults={name: fault.found for name, fault in isolation.faults.items()} if isolation else {},
        warnings=warnings,
    )
    return write_conversation_report(conversation, figures, card_rules(), title=name, made_by=MADE_BY, sound=sound)


def _word(word: TaggedWord, speaker: str) -> dict[str, Any]:
    return {
        "speaker": speaker,
        "word": word.word,
        "start_s": word.start_ms / 1000,
        "end_s": word.end_ms / 1000,
        "tags": list(word.tags),
    }


def _levels(isolation: IsolationReport | None) -> dict[str, tuple[float, bool]]:
    if isolation is None:
        return {}
    found = {}
    for way, bleed in (("b in track a", isolation.a_from_b), ("a in track b", isolation.b_from_a)):
        if bleed.bleed_db is not None:
            found[way] = (bleed.bleed_db, True)
        elif bleed.floor_db is not None:
            found[way] = (bleed.floor_db, False)
    return found
