"""On Beam: the same audio is refused or marked from any order and any number of workers, and a refused person's is seen."""

import random
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import soundfile
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to

from duologue_pipeline.ingest.measure import measure_audio
from duologue_pipeline.records import Consented, Ingested, Recording, Statistics, Tokenized
from duologue_pipeline.stages.refused_audio import RefusedAudio
from duologue_pipeline.stages.same_audio import HeardRefused, SameAudio
from tests.conftest import make_consent, make_noise, make_recording

TWO_PROCESSES = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]


def write(path: Path, *seeds: int, pad: int = 0) -> Path:
    """A file with one track of noise for each seed."""
    tracks = [make_noise(1.0, channels=1, seed=seed)[:, 0] for seed in seeds]
    pcm = [[0.0] * len(seeds)] * pad + [list(frame) for frame in zip(*tracks, strict=True)]
    soundfile.write(path, pcm, 8000)
    return path


def ingested(path: Path, name: str) -> Ingested:
    recording = make_recording(path, recording_id=name)
    return Ingested(Consented(**vars(recording), consent=make_consent(recording)), measure_audio(recording))


def outcome(element: Any) -> tuple[str, Any]:
    if isinstance(element, Tokenized):
        return element.recording_id, element.same_audio
    name = element.recording.recording_id if isinstance(element, Ingested) else element.recording_id
    return name, (element.stage, element.reason) if hasattr(element, "reason") else ()


def tokenized(element: Ingested) -> Tokenized:
    return Tokenized(element.recording.recording_id, "", "", ("", ""), None, Statistics(0, 0, 0, 0))


def add(
    pipeline: Any, label: str, elements: list[Any], policy: str, expected: list[tuple[str, Any]], but: str = ""
) -> None:
    """Compares the recordings; of one the part is not written, because it is refused after it was decoded."""
    made = pipeline | f"{label} made" >> beam.Create(elements)
    parts = made | f"{label} parts" >> beam.Map(tokenized)
    parts |= f"{label} kept" >> beam.Filter(lambda part: part.recording_id != but)
    kept, refused = parts | f"{label} compared" >> SameAudio(policy=policy, ingested=made)
    found = (kept, refused) | f"{label} all" >> beam.Flatten() | f"{label} outcome" >> beam.Map(outcome)
    assert_that(found, equal_to(expected), label=f"{label} found")


def add_refused_file(pipeline: Any, folder: Path) -> None:
    """Compares recordings with the file of a refused one, by name, by link and by content."""
    file = write(folder / "refused.wav", 1, 2)
    (folder / "copy.wav").write_bytes(file.read_bytes())
    (folder / "link.wav").symlink_to(file)
    write(folder / "fine.wav", 3, 4)
    names = {"copy": "copy.wav", "link": "link.wav", "same": "refused.wav", "fine": "fine.wav", "lost": "missing.wav"}
    passing = [make_recording(folder / file, recording_id=name) for name, file in names.items()]
    unheard = pipeline | "Refused" >> beam.Create([make_recording(file, recording_id="refused")])
    consented = pipeline | beam.Create(passing) | beam.Map(_consented)
    kept, refused = consented | RefusedAudio(refused=unheard)
    found = (kept, refused) | beam.Flatten() | beam.Map(outcome)
    no = ("consent", "consent_audio_of_refused")
    assert_that(found, equal_to([("copy", no), ("link", no), ("same", no), ("fine", ()), ("lost", ())]))


@pytest.fixture
def four(tmp_path: Path) -> list[Ingested]:
    """1 and 2 share a track, 2 and 3 another one; 4 is like none."""
    seeds = {"call-1": (1, 2), "call-2": (3, 1), "call-3": (5, 3), "call-4": (7, 8)}
    return [
        ingested(write(tmp_path / f"{name}.wav", *own, pad=99 if name == "call-2" else 0), name)
        for name, own in seeds.items()
    ]


REFUSED = ("ingest", "audio_same_as_other")
EXPECTED: dict[str, list[tuple[str, Any]]] = {
    "refuse": [("call-1", REFUSED), ("call-2", REFUSED), ("call-3", REFUSED), ("call-4", ())],
    "mark": [("call-1", ("call-2",)), ("call-2", ("call-1", "call-3")), ("call-3", ("call-2",)), ("call-4", ())],
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("policy", EXPECTED)
def test_all_of_a_group_are_refused_or_marked(policy: str, seed: int, four: list[Ingested]) -> None:
    with beam.Pipeline() as pipeline:
        add(pipeline, policy, random.Random(seed).sample(four, 4), policy, EXPECTED[policy])


def test_the_audio_of_one_that_is_refused_meanwhile_counts_as_well(four: list[Ingested]) -> None:
    expected = [("call-1", REFUSED), ("call-3", REFUSED), ("call-4", ())]
    with beam.Pipeline() as pipeline:
        add(pipeline, "refuse", four, "refuse", expected, but="call-2")


@pytest.mark.slow
def test_two_processes_say_the_same(four: list[Ingested], tmp_path: Path) -> None:
    """All of it in one pipeline: each process takes seconds to start."""
    with beam.Pipeline(options=PipelineOptions(TWO_PROCESSES)) as pipeline:
        for policy, expected in EXPECTED.items():
            for seed in (0, 1):
                add(pipeline, f"{policy} {seed}", random.Random(seed).sample(four, 4), policy, expected)
        add_refused_file(pipeline, tmp_path)


def test_there_is_no_other_policy() -> None:
    with pytest.raises(ValueError, match="expected one of refuse, refuse-all, mark"):
        SameAudio(policy="drop", ingested=None)  # type: ignore[arg-type]


# --- of somebody who has not agreed -----------------------------------------------------------------------------------


def test_a_refused_recording_is_known_by_its_file(tmp_path: Path) -> None:
    with beam.Pipeline() as pipeline:
        add_refused_file(pipeline, tmp_path)


def test_its_sound_is_compared_only_where_that_is_asked(tmp_path: Path) -> None:
    write(tmp_path / "refused.wav", 1, 2)
    elements = [
        ingested(write(tmp_path / "padded.wav", 9, 1, pad=50), "padded"),
        ingested(write(tmp_path / "fine.wav", 3, 4), "fine"),
    ]
    names = {"refused": "refused", "refused-too": "missing"}
    recordings = [make_recording(tmp_path / f"{file}.wav", recording_id=name) for name, file in names.items()]
    with beam.Pipeline() as pipeline:
        unheard = pipeline | "Unheard" >> beam.Create(recordings)
        made = pipeline | beam.Create(elements)
        kept, refused = made | HeardRefused(refused=unheard)
        found = (kept, refused) | beam.Flatten() | beam.Map(outcome)
        assert_that(found, equal_to([("padded", ("consent", "consent_audio_of_refused")), ("fine", ())]))


def _consented(recording: Recording) -> Consented:
    return Consented(**vars(recording), consent=make_consent(recording))
