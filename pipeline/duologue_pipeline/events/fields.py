"""Lists the fields of an event once, and writes an event in each of the three forms in which it leaves the pipeline.

The forms differ in what becomes of a field that does not apply, and in where times count from:

- :func:`event_columns`, a row of ``events.parquet`` or of the CSV: it is None (null, empty); the conversation.
- :func:`event_document`, for ``duologue annotate``: it is left out; the conversation.
- :func:`sample_event`, for ``KEY.json``: a value of its type stands for it; the sample.

A new field is one line in :data:`EVENT_FIELDS`, its column in :data:`duologue_schemas.tables.EVENTS` and its place in
``sample.schema.json`` and ``annotation.schema.json``.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from duologue_pipeline.records import Event

__all__ = ["EVENT_COLUMNS", "EVENT_FIELDS", "EventField", "event_columns", "event_document", "sample_event"]


@dataclass(frozen=True)
class EventField:
    """Says what one field of an event is called outside, and how its value is made.

    Attributes:
        name: what it is called outside, e.g. ``fto_s``.
        attribute: of :class:`Event`, e.g. ``fto_ms``; None in it means that the field does not apply.
        holds: ``value``: stays as it is; ``moment``: milliseconds on the conversation's clock; ``length``:
            milliseconds; ``stretch``: a :class:`~duologue_pipeline.records.Span`. Times become seconds.
        always: whether it applies to every event.
        blank: what stands in ``KEY.json`` where it does not apply; for a stretch that is an empty one at the event's
            onset.
    """

    name: str
    attribute: str
    holds: Literal["value", "moment", "length", "stretch"] = "value"
    always: bool = False
    blank: str | bool | float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names its columns in a table: two for a stretch, one for all else."""
        return (f"{self.name}_start_s", f"{self.name}_end_s") if self.holds == "stretch" else (self.name,)

    def of(self, event: Event, *, zero_ms: int = 0) -> Any:
        """Takes the field from an event.

        Args:
            event: to take it from.
            zero_ms: where moments count from, on the conversation's clock.

        Returns:
            The value, times in seconds, a stretch as ``(start_s, end_s)``; None where the field does not apply.
        """
        found = getattr(event, self.attribute)
        if found is None or self.holds == "value":
            return found
        if self.holds == "stretch":
            return (found.start_ms - zero_ms) / 1000, (found.end_ms - zero_ms) / 1000
        return (found - zero_ms if self.holds == "moment" else found) / 1000


EVENT_FIELDS: Final = (
    EventField("kind", "kind", always=True),
    EventField("speaker", "speaker", always=True),
    EventField("start_s", "start_ms", "moment", always=True),
    EventField("end_s", "end_ms", "moment", always=True),
    EventField("subtype", "subtype", blank=""),
    EventField("addressee", "addressee", blank=""),
    EventField("floor_taking", "floor_taking", blank=False),
    EventField("take_over", "take_over", blank=False),
    EventField("fto_s", "fto_ms", "length", blank=0.0),
    EventField("response_latency_s", "response_latency_ms", "length", blank=-1.0),
    EventField("stop_latency_s", "stop_latency_ms", "length", blank=-1.0),
    EventField("success_latency_s", "success_latency_ms", "length", blank=-1.0),
    EventField("penalty_latency_s", "penalty_latency_ms", "length", blank=-1.0),
    EventField("reparandum", "reparandum", "stretch"),
    EventField("interregnum", "interregnum", "stretch"),
    EventField("repair", "repair", "stretch"),
    EventField("confidence", "confidence", always=True),
    EventField("source", "source", always=True),
    EventField("rules", "rules", always=True),
)
"""Every field of an event, in the order of the CSV's columns."""

EVENT_COLUMNS: Final = tuple(column for field in EVENT_FIELDS for column in field.columns)
"""The columns of a table of events, in the order of the CSV; ``events.parquet`` has its own."""


def event_columns(event: Event) -> dict[str, Any]:
    """Writes an event as a row: a value for each of :data:`EVENT_COLUMNS`, None where a field does not apply."""
    row: dict[str, Any] = {}
    for field in EVENT_FIELDS:
        value = field.of(event)
        values = (value or (None, None)) if field.holds == "stretch" else (value,)
        row |= zip(field.columns, values, strict=True)
    return row


def event_document(event: Event) -> dict[str, Any]:
    """Writes an event without what does not apply.

    Returns:
        Name of a field -> value; first what every event has. A stretch is ``[start_s, end_s]``.
    """
    document: dict[str, Any] = {}
    for field in sorted(EVENT_FIELDS, key=lambda field: not field.always):
        if (value := field.of(event)) is not None:
            document[field.name] = list(value) if field.holds == "stretch" else value
    return document


def sample_event(event: Event, *, zero_ms: int) -> dict[str, Any]:
    """Writes an event with every field, where what does not apply has a value of the same type.

    Args:
        event: to write.
        zero_ms: where the sample begins, on the conversation's clock.

    Returns:
        An item of ``events`` of ``KEY.json``; a stretch is ``{"start_s", "end_s"}``.
    """
    onset_s = (event.start_ms - zero_ms) / 1000
    document: dict[str, Any] = {}
    for field in EVENT_FIELDS:
        value = field.of(event, zero_ms=zero_ms)
        if field.holds == "stretch":
            value = dict(zip(("start_s", "end_s"), value or (onset_s, onset_s), strict=True))
        document[field.name] = field.blank if value is None else value
    return document
