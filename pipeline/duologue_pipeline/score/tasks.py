"""Scores what an item is about, where its files say when that happens: the tasks of Full-Duplex-Bench by our events.

Full-Duplex-Bench asks of a whole output whether it takes the turn; here only what the model does at the moment counts, by the
``take_over`` of the events. Both figures are given, with the items in which they differ.

- **pause_handling**: a turn of the model that takes over begins or goes on within the user's pause. Lower is better.
- **smooth_turn_taking**: it begins after the user's turn, or in overlap with its end: it goes on after the moment. Its latency
  counts from the end of the user's turn and is negative in overlap; Full-Duplex-Bench sets negative ones to 0.
- **user_interruption**: it begins, or goes on, after the user has interrupted. Its latency counts from the end of what the user
  says; 0 where the model speaks on. ``stop_latency_s`` counts from the onset until the model is silent, where it was speaking.
- **backchannel**: any turn of the model takes over; ``jsd`` compares where its backchannels lie with where people give them.
- ``overlap_`` and a class of v1.5 (``user_backchannel``, ``user_interruption``, ``talking_to_other``, ``background_speech``): as
  user_interruption; a model that shall not be put off stops late or never. Full-Duplex-Bench has no take-over there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from duologue_pipeline.events.full_duplex_bench import backchannel_takes_turn, divergence, takes_turn
from duologue_pipeline.records import Event, Span
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.score.figures import Draws, times_document
from duologue_pipeline.score.hear import Heard

__all__ = ["TaskResult", "task_result", "tasks_document"]

_LISTED = 20


@dataclass(frozen=True)
class TaskResult:
    """Holds what an item of a task gave.

    Attributes:
        name: of the item.
        group: of its conversation.
        language: primary language subtag, ``und`` where unknown.
        task: which.
        take_over: whether the model took over, by the events.
        benchmark_take_over: by the formula of Full-Duplex-Bench; None without a transcript of the model.
        benchmark_latency_ms: from the moment to the model's first word, 0 if that is before, where it takes over by that formula.
        latency_ms: of the take-over; None where there is none, or the task has no latency.
        stop_latency_ms: until the model was silent; None where it was not speaking, or never stopped.
        jsd: where its backchannels lie against people's; None where that is not known.
        per_second: backchannels a second, as Full-Duplex-Bench counts them.
    """

    name: str
    group: str
    language: str
    task: str
    take_over: bool
    benchmark_take_over: bool | None
    benchmark_latency_ms: int | None = None
    latency_ms: int | None = None
    stop_latency_ms: int | None = None
    jsd: float | None = None
    per_second: float | None = None


def task_result(heard: Heard, rules: ScoreRules) -> TaskResult | None:
    """Scores an item by its task; None where it has none."""
    item, events, language = heard.item, heard.conversation.events, heard.conversation.primary_language
    if item.task == "conversation":
        return None
    turns = [event for event in events if event.kind == "turn" and event.speaker == "b"]
    taking = [turn for turn in turns if turn.take_over]
    formula = None if heard.words is None else takes_turn(heard.words, rules)
    if item.task == "backchannel":
        given = [Span(e.start_ms, e.end_ms) for e in events if e.kind == "backchannel" and e.speaker == "b"]
        duration_ms = heard.conversation.duration_ms
        return TaskResult(
            item.name,
            item.group,
            language,
            item.task,
            bool(taking),
            None if heard.words is None else backchannel_takes_turn(heard.activity.b, heard.words, rules),
            jsd=None if item.truth is None else divergence(given, duration_ms, item.truth, rules),
            per_second=len(given) * 1000 / duration_ms,
        )
    if item.task == "pause_handling":
        premature = any(
            turn.start_ms < pause.end_ms and turn.end_ms > pause.start_ms for turn in taking for pause in item.moments
        )
        return TaskResult(item.name, item.group, language, item.task, premature, formula)
    moment = item.moments[0]
    if item.task == "smooth_turn_taking":
        answer = next((turn for turn in taking if turn.end_ms > moment.start_ms), None)
        latency_ms = None if answer is None else answer.start_ms - moment.start_ms
        begins_ms = _benchmark_ms(heard, formula, moment.start_ms)
        return TaskResult(
            item.name, item.group, language, item.task, answer is not None, formula, begins_ms, latency_ms
        )
    answer = next((turn for turn in taking if turn.end_ms > moment.end_ms), None)
    after = _first_speech(events, moment.end_ms)
    latency_ms = None if answer is None or after is None else max(0, after - moment.end_ms)
    formula = formula if item.task == "user_interruption" else None
    begins_ms = _benchmark_ms(heard, formula, moment.end_ms)
    stop_ms = _stop_ms(events, moment)
    return TaskResult(
        item.name, item.group, language, item.task, answer is not None, formula, begins_ms, latency_ms, stop_ms
    )


def _benchmark_ms(heard: Heard, formula: bool | None, moment_ms: int) -> int | None:
    return max(0, heard.words[0].start_ms - moment_ms) if formula and heard.words else None


def _first_speech(events: Sequence[Event], from_ms: int) -> int | None:
    return next((e.start_ms for e in events if e.kind == "ipu" and e.speaker == "b" and e.end_ms > from_ms), None)


def _stop_ms(events: Sequence[Event], moment: Span) -> int | None:
    """Measures how long the model goes on once the overlap has begun."""
    speaking = (
        event.end_ms - moment.start_ms
        for event in events
        if event.kind == "ipu" and event.speaker == "b" and event.start_ms <= moment.start_ms < event.end_ms
    )
    return next(speaking, None)


def tasks_document(results: Sequence[TaskResult], rules: ScoreRules) -> dict[str, Any]:
    """Forms the figures of each task that there are items of."""
    tasks = sorted({result.task for result in results})
    return {task: _document([each for each in results if each.task == task], rules) for task in tasks}


def _document(results: Sequence[TaskResult], rules: ScoreRules) -> dict[str, Any]:
    draws = Draws([result.group for result in results], rules)
    with_words = [result for result in results if result.benchmark_take_over is not None]
    differ = [result.name for result in with_words if result.benchmark_take_over != result.take_over]
    document: dict[str, Any] = {
        "items": len(results),
        "take_over": _share([result.take_over for result in results], draws),
        "latency_s": times_document([_listed(result.latency_ms) for result in results], draws),
        "stop_latency_s": times_document([_listed(result.stop_latency_ms) for result in results], draws),
        "full_duplex_bench": {
            "items": len(with_words),
            "take_over": _mean([bool(result.benchmark_take_over) for result in with_words]),
            "latency_s": _mean(
                [r.benchmark_latency_ms / 1000 for r in with_words if r.benchmark_latency_ms is not None]
            ),
            "differ": len(differ),
            "differing_items": differ[:_LISTED],
        },
    }
    per_second = [result.per_second for result in results if result.per_second is not None]
    apart = [result.jsd for result in results if result.jsd is not None]
    document["backchannels_per_second"] = _mean(per_second)
    document["jsd"] = {"items": len(apart), "mean": _mean(apart)}
    return document


def _listed(time_ms: int | None) -> list[int]:
    return [] if time_ms is None else [time_ms]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _share(found: Sequence[bool], draws: Draws) -> dict[str, Any]:
    parts = np.array(found, np.float64)
    return {**draws.ratio(parts, np.ones(len(parts))), "part": int(parts.sum()), "whole": len(parts)}
