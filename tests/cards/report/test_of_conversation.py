"""What the page of one conversation says is so: how often, and what is not known of its labels."""

import re
from dataclasses import replace
from typing import Any

import pytest

from duologue_cards.report.conversation import Conversation
from duologue_cards.report.of_conversation import ConversationFigures, write_conversation_report
from duologue_pipeline.labels.page import card_rules

SILENT = Conversation(why="", about=(), duration_s=42.0, whole_s=42.0, activity={"a": [], "b": []}, words=[], events=[])


def page_of(conversation: Conversation, **events: int) -> str:
    figures = ConversationFigures("en", [], 0.05, events)
    return write_conversation_report(conversation, figures, card_rules(), title="call", made_by="duologue")


def words(speakers: str) -> list[dict[str, Any]]:
    return [{"speaker": each, "word": "yes", "start_s": 1.0, "end_s": 2.0, "tags": []} for each in speakers]


@pytest.mark.parametrize(
    ("speakers", "told"),
    [("", "Both tracks have no words"), ("a", "Track b has no words"), ("b", "Track a has no words"), ("ab", None)],
)
def test_it_says_which_track_has_no_words(speakers: str, told: str | None) -> None:
    page = page_of(replace(SILENT, words=words(speakers)))
    assert re.findall(r"<li>(.*) no words: their events come from voice", page) == (
        [told.removesuffix(" no words")] if told else []
    )
    assert "nobody has checked them by ear" in page


def test_one_of_a_kind_is_not_called_many() -> None:
    page = page_of(SILENT, interruption=1, turn=3, floor_transfer=1)
    found = dict(re.findall(r"<strong>([^<]*)</strong>\s*([^<]*?)\s*</li>", page))
    assert "1 interruptions" not in re.sub(r"<[^>]*>", "", page)
    assert found["3"] == "turns"
    assert found["1"] in ("interruption", "floor transfer")
    assert found["0"] == "backchannels"
