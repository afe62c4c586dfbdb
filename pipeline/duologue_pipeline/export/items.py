"""Plans the items of a pack for evaluation: which stretch of a sample shows what a model is to be tested with.

One speaker is the user, the other one's side is what a model will be asked to speak. Every stretch lies wholly in one sample, and
both speakers' turns in it are known, so that nothing has to be guessed at its edges:

- **pause_handling**: a turn of the user with silences in it that the listener left alone; until the turn ends, or the other
  begins a turn.
- **smooth_turn_taking**: a turn of the user and the answer, which takes over after a gap; until the answer ends or the user is
  heard again.
- **backchannel**: a long turn of the user in which the listener gives backchannels.
- **user_interruption**: a turn of the user, the answer to it, the user's turn that begins within the answer and takes the floor,
  and what the other says then.
- **user_backchannel**: a turn of the user, and the answer to it in which the user gives a backchannel.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Span, Speaker
from duologue_pipeline.views.sides import milliseconds, other_speaker
from duologue_pipeline.views.spans import sample_end_ms
from duologue_pipeline.views.words import has_transcript

__all__ = ["ItemPlan", "Limits", "plan_items"]

_START: Final = attrgetter("start_ms")


@dataclass(frozen=True)
class Limits:
    """Says which stretches make items; all in milliseconds.

    Attributes:
        pause_ms: the shortest pause that tests a model.
        talk_ms: the shortest turn in which backchannels are looked for.
        gap_ms: the longest gap before an answer.
        room_ms: so long an answer is heard at least: an item must leave room for a take-over.
        item_ms: the longest item.
    """

    pause_ms: int
    talk_ms: int
    gap_ms: int
    room_ms: int
    item_ms: int


@dataclass(frozen=True)
class ItemPlan:
    """Plans an item; times are milliseconds of the sample.

    Attributes:
        task: which of the above.
        user: who is the user.
        span: the stretch.
        moments: when what it is about happens.
        context: the user's turn before, where the task has one.
        event: what the user does then, where the task has one: an interruption or a backchannel.
        backchannels: of the other, in the stretch.
    """

    task: str
    user: Speaker
    span: Span
    moments: tuple[Span, ...]
    context: Span | None = None
    event: Span | None = None
    backchannels: tuple[Span, ...] = ()


@dataclass(frozen=True)
class _Turn:
    speaker: Speaker
    start_ms: int
    end_ms: int
    take_over: bool

    @property
    def span(self) -> Span:
        return Span(self.start_ms, self.end_ms)


@dataclass
class _Scene:
    """Holds the events of a sample that lie in it wholly."""

    end_ms: int
    turns: list[_Turn] = field(default_factory=list)
    ipus: Mapping[Speaker, list[Span]] = field(default_factory=lambda: {side: [] for side in SPEAKERS})
    events: list[dict[str, Any]] = field(default_factory=list)

    def spans(self, kind: str, speaker: Speaker, inside: Span, **fields: Any) -> tuple[Span, ...]:
        """Lists the events of a kind that lie in a stretch."""
        return tuple(
            sorted(
                span
                for event in self.events
                if event["kind"] == kind
                and event["speaker"] == speaker
                and all(event[name] == value for name, value in fields.items())
                and inside.start_ms <= (span := _span(event)).start_ms
                and span.end_ms <= inside.end_ms
            )
        )

    def speaks(self, speaker: Speaker, at_ms: int) -> bool:
        """Tells whether somebody is heard at a moment."""
        return any(span.start_ms <= at_ms < span.end_ms for span in self.ipus[speaker])

    def heard_after(self, speaker: Speaker, at_ms: int) -> int:
        """Finds when somebody is heard next; the end of the sample if never."""
        own = self.ipus[speaker]
        place = bisect_left(own, at_ms, key=_START)
        return own[place].start_ms if place < len(own) else self.end_ms


def plan_items(sample: Sample, model: Speaker, limits: Limits) -> Iterator[ItemPlan]:
    """Plans the items of a sample in which one speaker's side is a model's.

    Args:
        sample: with events.
        model: whose side that is.
        limits: which stretches make items.

    Yields:
        Task by task, in order of time. Those that need text (``context``) only where the user has a transcript.
    """
    scene, user = _scene(sample), other_speaker(model)
    turns = scene.turns
    for place, turn in enumerate(turns):
        if turn.speaker != user or scene.speaks(model, turn.start_ms):
            continue
        after = turns[place + 1] if place + 1 < len(turns) else None
        for made in (
            _pause(scene, turn, after, limits),
            _answer(scene, turn, after, limits),
            _backchannels(scene, turn, after, limits),
        ):
            if made is not None and made.span.duration_ms <= limits.item_ms:
                yield made
        if after is not None and has_transcript(sample, user):
            for made in (*_interruption(scene, turns, place, limits), *_user_backchannels(scene, turn, after)):
                if made.span.duration_ms <= limits.item_ms:
                    yield made


def _scene(sample: Sample) -> _Scene:
    scene = _Scene(sample_end_ms(sample))
    whole = Span(0, scene.end_ms)
    for event in sample.metadata["events"]:
        span = _span(event)
        if not whole.start_ms <= span.start_ms <= span.end_ms <= whole.end_ms:
            continue
        scene.events.append(event)
        if event["kind"] == "turn":
            scene.turns.append(_Turn(event["speaker"], span.start_ms, span.end_ms, event["take_over"]))
    for event in sample.metadata["events"]:
        if event["kind"] == "ipu":
            scene.ipus[event["speaker"]].append(_span(event))
    scene.turns.sort(key=lambda turn: (turn.start_ms, turn.end_ms))
    for spans in scene.ipus.values():
        spans.sort()
    return scene


def _span(event: Mapping[str, Any]) -> Span:
    return Span(milliseconds(event["start_s"]), milliseconds(event["end_s"]))


def _until(turn: _Turn, after: _Turn | None) -> int:
    """Finds the end of a turn, or the onset of the other's in it."""
    return turn.end_ms if after is None else min(turn.end_ms, after.start_ms)


def _pause(scene: _Scene, turn: _Turn, after: _Turn | None, limits: Limits) -> ItemPlan | None:
    span = Span(turn.start_ms, _until(turn, after))
    held = [each for each in scene.spans("hold", turn.speaker, span) if each.duration_ms >= limits.pause_ms]
    return ItemPlan("pause_handling", turn.speaker, span, tuple(held)) if held else None


def _answer(scene: _Scene, turn: _Turn, after: _Turn | None, limits: Limits) -> ItemPlan | None:
    if after is None or after.speaker == turn.speaker or not after.take_over:
        return None
    if not 0 <= after.start_ms - turn.end_ms <= limits.gap_ms:
        return None
    end_ms = min(after.end_ms, scene.heard_after(turn.speaker, turn.end_ms))
    if end_ms - after.start_ms < limits.room_ms:
        return None
    return ItemPlan(
        "smooth_turn_taking", turn.speaker, Span(turn.start_ms, end_ms), (Span(turn.end_ms, after.start_ms),)
    )


def _backchannels(scene: _Scene, turn: _Turn, after: _Turn | None, limits: Limits) -> ItemPlan | None:
    span = Span(turn.start_ms, _until(turn, after))
    given = scene.spans("backchannel", other_speaker(turn.speaker), span)
    if span.duration_ms < limits.talk_ms or not given:
        return None
    return ItemPlan("backchannel", turn.speaker, span, (), backchannels=given)


def _interruption(scene: _Scene, turns: Sequence[_Turn], place: int, limits: Limits) -> Iterator[ItemPlan]:
    """Plans the item of a user's turn that is answered, where the user then interrupts the answer and is answered again."""
    around = turns[place : place + 4]
    if len(around) < 4 or [turn.speaker == around[0].speaker for turn in around] != [True, False, True, False]:
        return
    context, answer, taking, reply = around
    began = scene.spans("interruption", taking.speaker, Span(taking.start_ms, taking.end_ms), floor_taking=True)
    if not any(each.start_ms == taking.start_ms for each in began) or context.end_ms > answer.start_ms:
        return
    end_ms = min(reply.end_ms, scene.heard_after(taking.speaker, taking.end_ms))
    if end_ms - max(reply.start_ms, taking.end_ms) < limits.room_ms:
        return
    span = Span(context.start_ms, end_ms)
    yield ItemPlan("user_interruption", taking.speaker, span, (taking.span,), context.span, taking.span)


def _user_backchannels(scene: _Scene, turn: _Turn, after: _Turn) -> Iterator[ItemPlan]:
    if after.speaker == turn.speaker or turn.end_ms > after.start_ms:
        return
    for given in scene.spans("backchannel", turn.speaker, after.span, addressee="speaking"):
        span = Span(turn.start_ms, after.end_ms)
        yield ItemPlan("user_backchannel", turn.speaker, span, (given,), turn.span, given)
