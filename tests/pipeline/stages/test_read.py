"""Workers read what was decided in parallel, and every refusal of the launcher is in the counters of the runner."""

from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from duologue_pipeline.consent.decide import decide_all
from duologue_pipeline.consent.decided_files import write_decided
from duologue_pipeline.engines.options import beam_options
from duologue_pipeline.errors import RejectError
from duologue_pipeline.records import ConsentBasis, Recording, Rejected
from duologue_pipeline.stages.local_runner import local_runner
from duologue_pipeline.stages.progress import result_counters
from duologue_pipeline.stages.read import ReadDecided
from tests.conftest import make_consent, make_recording


def check(recording: Recording) -> ConsentBasis:
    if recording.recording_id.startswith("no"):
        raise RejectError("consent_refused", "said no", {"track": "a"})
    return make_consent(recording)


def test_all_come_as_they_were_decided_and_are_counted(tmp_path: Path) -> None:
    lines: list[Any] = [make_recording(recording_id=name) for name in ("call-1", "no-1", "call-2", "no-2")]
    lines += [Rejected("twice", "read", "manifest_duplicate_id", "x")] * 2
    paths = [
        *write_decided(decide_all(lines[:3], check), f"{tmp_path}/1"),
        *write_decided(decide_all(lines[3:], check), f"{tmp_path}/2"),
    ]
    options = beam_options([])
    pipeline = beam.Pipeline(runner=local_runner(options), options=options)
    consented, refused, unheard = pipeline | ReadDecided(paths=paths)
    assert_that(consented | "1" >> beam.Map(lambda each: each.recording_id), equal_to(["call-1", "call-2"]))
    assert_that(unheard | "2" >> beam.Map(lambda each: each.recording_id), equal_to(["no-1", "no-2"]), label="unheard")
    reasons = refused | "3" >> beam.Map(lambda each: each.reason)
    assert_that(reasons, equal_to(["consent_refused"] * 2 + ["manifest_duplicate_id"] * 2), label="refused")
    counted = result_counters(pipeline.run())
    assert {key: count for key, count in counted.items() if key[0] in ("read", "consent")} == {
        ("read", "kept"): 4,
        ("read", "manifest_duplicate_id"): 2,
        ("consent", "kept"): 2,
        ("consent", "consent_refused"): 2,
    }
