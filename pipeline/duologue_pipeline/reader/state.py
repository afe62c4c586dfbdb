"""Says where readers stand in an epoch, so that others can go on: in one document, whatever the position.

A state is JSON. ``given`` says how many samples of its share a reader has had; the states of all readers together are whole,
and go on with any number of readers. ``rounds`` are those of before, see :mod:`duologue_pipeline.reader.deal`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.deal import Rounds

__all__ = ["MIX_SCHEMA", "MOST", "POSITION", "SCHEMA", "check_counts", "joined_states", "merge_states"]

SCHEMA: Final = "reader/1.0"
"""The version of a state of a dataset."""

MIX_SCHEMA: Final = "mix/1.0"
"""The version of a state of a mix."""

MOST: Final = 1 << 40
"""Epochs and samples are counted below that."""

POSITION: Final = ("rounds", "consumers", "given")
"""The fields of a state that say where readers stand; all others say in what."""


def merge_states(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Joins the states of several readers into one.

    Raises:
        UsageError: they are not of one and the same epoch, or two are of one reader and differ.
    """
    if not isinstance(states, Sequence) or not states:
        raise UsageError("state: none was given; give that of every reader")
    for state in states:
        _check(state)
    first = states[0]
    given: dict[str, int] = {}
    for state in states:
        for field in first:
            if field != "given" and state.get(field) != first[field]:
                raise UsageError(
                    f"state: the states differ in {field} ({str(first[field])[:60]!r} and {str(state.get(field))[:60]!r}); "
                    "give those that all readers had at one moment"
                )
        for reader, count in state["given"].items():
            if given.setdefault(reader, count) != count:
                raise UsageError(f"state: two states of reader {reader} differ; give one of each")
    return {**first, "given": {reader: given[reader] for reader in sorted(given, key=int)}}


def joined_states(
    states: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, consumer: int, consumers: int
) -> tuple[dict[str, Any], Rounds, int]:
    """Finds where a reader goes on.

    Args:
        states: of this reader, or of all readers of before, however many there were.
        consumer, consumers: which reader it is now, and of how many.

    Returns:
        (the joined state, the rounds that are over, how many samples of its share the reader has had).

    Raises:
        UsageError: the states are not of one moment, or some are missing.
    """
    state = merge_states([states] if isinstance(states, Mapping) else states)
    rounds = tuple(tuple(counts) for counts in state["rounds"])
    if state["consumers"] == consumers and str(consumer) in state["given"]:
        return state, rounds, state["given"][str(consumer)]
    if len(state["given"]) < state["consumers"]:
        raise UsageError(
            f"state: it is of {len(state['given'])} of {state['consumers']} readers, and reader {consumer} of {consumers} needs "
            "those of all of them; give a list of the states of all readers"
        )
    counts = tuple(state["given"][str(reader)] for reader in range(state["consumers"]))
    return state, (*rounds, counts) if any(counts) else rounds, 0


def _check(state: Any) -> None:
    if not isinstance(state, Mapping) or state.get("schema") not in (SCHEMA, MIX_SCHEMA):
        raise UsageError(f"state: it is no state of a reader of version {SCHEMA}; give what state_dict() gave")
    rounds, consumers, given = (state.get(field) for field in POSITION)
    well = (
        isinstance(rounds, list | tuple)
        and all(isinstance(counts, list | tuple) and counts and all(map(_is_count, counts)) for counts in rounds)
        and _is_count(state.get("epoch"))
        and type(consumers) is int
        and consumers > 0
        and isinstance(given, Mapping)
        and all(_is_count(count) for count in given.values())
        and all(_is_reader(reader, consumers) for reader in given)
    )
    if not well:
        raise UsageError("state: it is damaged; give what state_dict() gave")


def check_counts(state: Mapping[str, Any], count: int) -> None:
    """Checks that no reader of a joined state has had more than its share of an epoch of so many samples.

    Raises:
        UsageError: one has.
    """
    for counts in (*state["rounds"], state["given"]):
        readers = state["consumers"] if isinstance(counts, Mapping) else len(counts)
        told = counts.items() if isinstance(counts, Mapping) else enumerate(counts)
        for reader, had in told:
            share = max(0, -((int(reader) - count) // readers))
            if had > share:
                raise UsageError(
                    f"state: it says that reader {reader} of {readers} has had {had} samples, and its share is {share}; give what "
                    "state_dict() gave"
                )
        count -= sum(counts) if not isinstance(counts, Mapping) else 0


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def _is_reader(name: Any, consumers: int) -> bool:
    return (
        isinstance(name, str)
        and name.isascii()
        and name.isdigit()
        and len(name) < 10
        and str(int(name)) == name
        and int(name) < consumers
    )
