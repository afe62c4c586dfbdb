"""Measures what an interruption did: four latencies that all go by the name "barge-in latency".

For an interruption that **takes the floor** (the holder stops before the interrupter does):

- ``stop_latency_ms``: from its onset until the holder falls silent. How long the interrupted go on talking: stop
  latency in Full-Duplex-Bench v1.5, barge-in latency in SALM-Duplex.
- ``success_latency_ms``: the same where it is at most 1.5 s, else None: the barge-ins that SALM-Duplex counts as
successful.
- ``response_latency_ms``: from the end of the interrupter's turn to the interrupted's next turn, 0 if that begins
  before the end; None if there is none. Time to next response: user interruption in Full-Duplex-Bench v1, whose code
  sets negative ones to 0 as well.
- ``penalty_latency_ms``: SID-Bench's penalty time of a true positive, which is the stop latency.

One that **fails** has none of the first three. Its ``penalty_latency_ms`` is that of a false negative: from its onset
to the end of the holder's turn, all of which the interrupter has to listen to. SID-Bench's penalty for a false positive
is the length of the turn as planned, which human talk does not show.
"""

from collections.abc import Sequence

from duologue_pipeline.events.floor import Ipu
from duologue_pipeline.rules.events import EventsRules

__all__ = ["latencies"]


def latencies(ipu: Ipu, turns: Sequence[Sequence[Ipu]], turn: int, rules: EventsRules) -> dict[str, int | None]:
    """Measures the four latencies of an interruption, in milliseconds.

    Args:
        ipu: the interruption.
        turns: of the conversation, in order.
        turn: which of them holds the floor when it begins.
        rules: the rule set ``events``.

    Returns:
        The fields of :class:`duologue_pipeline.records.Event` by name.
    """
    onset_ms = ipu.span.start_ms
    if not ipu.takes_floor:
        return {"penalty_latency_ms": turns[turn][-1].span.end_ms - onset_ms}
    assert ipu.over is not None
    stop_ms = ipu.over.span.end_ms - onset_ms
    response_ms = None
    if turn + 2 < len(turns):
        response_ms = max(0, turns[turn + 2][0].span.start_ms - turns[turn + 1][-1].span.end_ms)
    return {
        "stop_latency_ms": stop_ms,
        "success_latency_ms": stop_ms if stop_ms <= rules.success_max_ms else None,
        "response_latency_ms": response_ms,
        "penalty_latency_ms": stop_ms,
    }
