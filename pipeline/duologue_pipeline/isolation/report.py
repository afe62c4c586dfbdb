"""Writes an isolation report as text and as documents; it is the one place that names the figures.

``duologue isolation``, ``rejected.jsonl``, ``recordings.parquet`` and ``KEY.json`` all take from here.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from duologue_pipeline.records import BleedReport, FaultReport, IsolationReport
from duologue_schemas.tables import FAULT_MEASURES

__all__ = [
    "DIRECTIONS",
    "bleed_figures",
    "fault_columns",
    "findings",
    "isolation_document",
    "isolation_text",
    "sample_isolation",
    "why_not_apart",
]

DIRECTIONS: Final = ("a_from_b", "b_from_a")

_UNIT_WORDS: Final = {"coherence": "", "share": "", "cosine": "", "db": " dB", "s": " s", "ppm": " ppm"}

_OWNERS: Final = {"a_from_b": ("b", "a"), "b_from_a": ("a", "b")}
"""Direction -> whose voice, in whose track."""


def bleed_figures(report: BleedReport) -> dict[str, float | None]:
    """Gives the five figures of one direction by name, with three decimals."""
    names = ("bleed_db", "floor_db", "lag_ms", "coherence", "solo_s")
    return {name: _rounded(getattr(report, name)) for name in names}


def isolation_document(report: IsolationReport) -> dict[str, Any]:
    """Makes the document of ``duologue isolation --format json``; null is what was not measured or judged.

    ``spans`` are pairs ``[start_s, end_s]``; ``value`` of a fault is in its ``unit``.
    """
    return {
        "verdict": report.verdict,
        **{
            direction: {
                **bleed_figures(getattr(report, direction)),
                "spans": [[span.start_ms / 1000, span.end_ms / 1000] for span in getattr(report, direction).spans],
            }
            for direction in DIRECTIONS
        },
        "faults": {
            name: {
                "found": fault.found,
                "value": _rounded(fault.value),
                "unit": _unit(name),
                "confidence": _rounded(fault.confidence),
                "detail": fault.detail,
            }
            for name, fault in report.faults.items()
        },
        "rules": report.rules,
    }


def sample_isolation(report: IsolationReport) -> dict[str, Any]:
    """Makes ``isolation`` of ``KEY.json``, which leaves out what was not measured and so holds no null."""
    figures = [
        (direction, name, value)
        for direction in DIRECTIONS
        for name, value in bleed_figures(getattr(report, direction)).items()
    ]
    figures += [("both", FAULT_MEASURES[name], _rounded(fault.value)) for name, fault in report.faults.items()]
    return {
        "verdict": report.verdict,
        "measurements": [
            {"direction": direction, "name": name, "value": value}
            for direction, name, value in figures
            if value is not None
        ],
        "faults": [
            {"fault": name, "found": _found(fault), "confidence": _rounded(fault.confidence)}
            for name, fault in report.faults.items()
        ],
    }


def fault_columns(report: IsolationReport) -> dict[str, Any]:
    """Gives the columns of ``recordings.parquet`` for each fault: found or not, value, confidence."""
    columns: dict[str, Any] = {}
    for name in FAULT_MEASURES:
        fault = report.faults.get(name, FaultReport(found=None))
        columns |= {
            f"{name}_found": fault.found,
            FAULT_MEASURES[name]: _rounded(fault.value),
            f"{name}_confidence": _rounded(fault.confidence) if fault.found is not None else None,
        }
    return columns


def findings(report: IsolationReport) -> list[str]:
    """Lists what speaks against the recording, a sentence each; the list is empty where nothing was found."""
    sentences = [
        f"{other}'s voice is in {own}'s track at {bleed.bleed_db:.1f} dB, {bleed.lag_ms or 0:.0f} ms late "
        f"(seen in {bleed.solo_s:.0f} s)"
        for bleed, (other, own) in _bleeds(report)
        if bleed.bleed_db is not None
    ]
    sentences += [
        f"{name.replace('_', ' ')}: {fault.detail.rstrip('.') or _value(name, fault)} "
        f"(confidence {fault.confidence:.2f})"
        for name, fault in report.faults.items()
        if fault.found
    ]
    if report.verdict == "undetermined":
        sentences += [
            f"{other} speaks alone for {bleed.solo_s:.1f} s, too little to tell"
            if bleed.floor_db is None
            else f"{other}'s voice in {own}'s track would have been seen above {bleed.floor_db:.1f} dB only"
            for bleed, (other, own) in _bleeds(report)
            if bleed.bleed_db is None
        ]
    return sentences


def why_not_apart(report: IsolationReport) -> str | None:
    """Says why labels of one speaker may be the other's speech, as half a sentence; None where the verdict is not fail."""
    if report.verdict != "fail":
        return None
    told = [report.faults[name].detail for name in ("duplicate", "swap") if report.faults[name].found]
    return " and ".join(told) or "the tracks are not kept apart"


def isolation_text(report: IsolationReport, title: str) -> str:
    """Writes the summary that a person reads: some ten lines of up to about 100 characters."""
    rows = [("", "bleed", "floor", "lag", "coherence", "evidence")]
    for bleed, (other, own) in _bleeds(report):
        rows.append(
            (
                f"{other}'s voice in {own}'s track",
                "none seen" if bleed.bleed_db is None and bleed.floor_db is not None else _figure(bleed.bleed_db, "dB"),
                _figure(bleed.floor_db, "dB"),
                _figure(bleed.lag_ms, "ms"),
                "-" if bleed.coherence is None else f"{bleed.coherence:.3f}",
                f"{bleed.solo_s:.1f} s in {len(bleed.spans)} spans",
            )
        )
    faults = [
        (name, _found(fault), _value(name, fault), "-" if fault.found is None else f"{fault.confidence:.2f}")
        for name, fault in report.faults.items()
    ]
    lines = [f"{title}: {report.verdict} (isolation rules {report.rules})", ""]
    lines += _aligned(rows)
    lines += ["", *_aligned([("fault", "found", "measured", "confidence"), *faults])]
    lines += ["", *findings(report)] if findings(report) else []
    return "\n".join(lines)


def _bleeds(report: IsolationReport) -> Iterator[tuple[BleedReport, tuple[str, str]]]:
    for direction in DIRECTIONS:
        yield getattr(report, direction), _OWNERS[direction]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def _found(fault: FaultReport) -> str:
    return {True: "yes", False: "no", None: "unknown"}[fault.found]


def _unit(name: str) -> str:
    return FAULT_MEASURES[name].rpartition("_")[2]


def _value(name: str, fault: FaultReport) -> str:
    return "-" if fault.value is None else f"{fault.value:.2f}{_UNIT_WORDS[_unit(name)]}"


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.1f} {unit}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Pads the columns of a table: it aligns the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
