"""Takes back that two tracks lie right to each other where the delay of an encoder is not known.

Two channels of one file share their delay. Of two files, one that does not name its delay may lie late by it, and
whether it does can only be seen where a copy of one voice in the other track shows it.
"""

from collections.abc import Mapping
from dataclasses import replace

from duologue_pipeline.records import FaultReport, IsolationReport, Recording, Speaker

__all__ = ["with_unknown_delay"]


def with_unknown_delay(
    report: IsolationReport, recording: Recording, delays_ms: Mapping[Speaker, int]
) -> IsolationReport:
    """Marks the offset of a recording as unknown where its tracks may lie late by different delays.

    Args:
        report: of the recording; an offset that it has found by a copy stays found.
        recording: whose tracks are one file or two.
        delays_ms: the most by which each track may lie late, 0 where its delay is known.
    """
    late = [speaker for speaker, delay_ms in delays_ms.items() if delay_ms]
    offset = report.faults["offset"]
    if not late or recording.a.uri == recording.b.uri or offset.found:
        return report
    detail = "; ".join(
        f"the file of {speaker} does not name the delay of its encoder, so {speaker} may lie up to {delays_ms[speaker]} ms late"
        for speaker in late
    )
    return replace(report, faults={**report.faults, "offset": FaultReport(None, offset.value, detail=detail)})
