"""A run on Dataflow, as far as it can be had on loopback: the real runner submits to a service that runs nothing; what it was sent
is looked at, and run here as it was sent.
"""

import base64
import bz2
import json
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner

from duologue_consent import Ledger, Purpose
from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.run import RunRequest, RunResult, run
from tests.dataflow_service import DataflowService, serve_dataflow
from tests.google_store import GoogleStore, serve_google_bucket
from tests.pipeline.codec.test_mimi import make_model
from tests.pipeline.run.conftest import JANUARY, Calls

LINK = "https://console.cloud.google.com/dataflow/jobs/europe-west1/{}?project=project-x"
DETACHED = "--no_wait_until_finish"


@dataclass(frozen=True)
class Cloud:
    """A bucket with two conversations, a service, and the request that sends them there."""

    store: GoogleStore
    service: DataflowService
    request: RunRequest

    def asked(self, *options: str, **changes: Any) -> RunRequest:
        return replace(self.request, beam_args=(*self.request.beam_args, *options), **changes)

    def sent(self) -> dict[str, bytes]:
        """Everything that has left this machine: what lies in the bucket beside the recordings, and the jobs."""
        objects = self.store.buckets["bucket"]
        jobs = {f"job {number}": json.dumps(job).encode() for number, job in enumerate(self.service.jobs)}
        return {key: stored.data for key, stored in objects.items() if not key.startswith("calls/")} | jobs

    def staged(self, name: str) -> bytes:
        """The one object of this name in the folder of the job."""
        (found,) = [data for key, data in self.sent().items() if key.startswith("tmp/") and key.endswith(f"/{name}")]
        return found

    def forget_staged(self) -> None:
        """Removes what was staged for the job before."""
        objects = self.store.buckets["bucket"]
        for key in [key for key in objects if key.startswith("tmp/")]:
            del objects[key]

    def graph(self) -> Any:
        return beam_runner_api_pb2.Pipeline.FromString(self.staged("pipeline.pb"))

    def work(self) -> None:
        """Does what the workers would: runs the graph as it was sent, in this process."""
        graph = self.graph()
        for environment in graph.components.environments.values():
            environment.urn, environment.payload = "beam:env:embedded_python:v1", b""
            del environment.dependencies[:]
        fn_runner.FnApiRunner().run_via_runner_api(graph, PipelineOptions([])).wait_until_finish()

    def put(self, path: Path) -> None:
        self.store.put("bucket", f"calls/{path.name}", path.read_bytes())


@pytest.fixture
def cloud(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    quick = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(min(seconds, 0.05)))
    monkeypatch.setattr("apache_beam.runners.dataflow.dataflow_runner.time", quick)
    with serve_google_bucket("bucket") as (uri, store), serve_dataflow() as service:
        options = (*service.options, f"--temp_location={uri}/tmp")
        request = replace(
            calls.request(Path("out")), out=f"{uri}/out", manifest=f"{uri}/calls/manifest.jsonl", beam_args=options
        )
        cloud = Cloud(store, service, request)
        lines = [json.loads(line) for line in calls.manifest.read_text().splitlines()]
        for line in lines:
            for track in line["tracks"]:
                cloud.put(Path(track["uri"]))
                track["uri"] = Path(track["uri"]).name
        calls.manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
        cloud.put(calls.manifest)
        yield cloud


def refusal(request: RunRequest) -> str:
    with pytest.raises(UsageError) as raised:
        run(request)
    return str(raised.value)


def unfolded(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is packed in them: pickles travel as base64 of compressed bytes."""
    yield data
    for found in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", data):
        with suppress(ValueError):
            plain = base64.b64decode(found + b"=" * (-len(found) % 4))
            yield plain
            for unpack in (bz2.decompress, zlib.decompress):
                with suppress(OSError, zlib.error):
                    yield from unfolded(unpack(plain))


# --- what is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_job_that_was_left_alone_becomes_a_release_with_the_same_command(
    cloud: Cloud, calls: Calls, tmp_path: Path
) -> None:
    submitted = run(cloud.asked(DETACHED))
    (job,) = cloud.service.jobs
    assert submitted.release is None
    assert submitted.pending == (
        f"Job {job['id']} is at work: {LINK.format(job['id'])}\nWhen it has ended, run the same command again: it finishes the "
        f"release. To stop it: gcloud dataflow jobs cancel {job['id']} --region=europe-west1 --project=project-x"
    )
    cloud.work()
    finished = run(cloud.asked(DETACHED))
    assert len(cloud.service.jobs) == 1
    assert finished.pending is None
    assert finished.release is not None
    assert [key for key in cloud.sent() if "/.staging/" in key] == []
    here = run(calls.request(tmp_path / "here"))  # the manifest beside the audio, on the runner of this process
    assert here.release is not None
    assert here.release["shards"] == finished.release["shards"]
    assert len(list(open_dataset(cloud.request.out))) == len(list(open_dataset(str(tmp_path / "here")))) > 0


def test_the_graph_is_small_and_has_the_words_of_the_stages(cloud: Cloud) -> None:
    run(cloud.asked(DETACHED))
    graph = cloud.graph()
    labels = {each.unique_name.partition("/")[0] for each in graph.components.transforms.values()}
    assert {"Read", "Ingest", "Isolation", "Activity", "Words", "Events", "Tokens", "Shards", "Release"} <= labels
    assert len(cloud.staged("pipeline.pb")) < 1_000_000
    assert re.fullmatch("duologue-[0-9a-f]{8}-duologue-dataset", cloud.service.jobs[0]["name"])


@pytest.mark.slow
def test_the_graph_does_not_grow_with_recordings_and_speakers(cloud: Cloud, calls: Calls) -> None:
    run(cloud.asked(DETACHED))
    two = len(cloud.staged("pipeline.pb"))
    ledger = Ledger.open(calls.ledger)
    (line, *_) = [json.loads(each) for each in calls.manifest.read_text().splitlines()]
    lines = []
    for number in range(100):
        speakers = [f"s-{number}-{side}" for side in "ab"]
        for speaker in speakers:
            ledger.grant(speaker, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=JANUARY)
        tracks = [{**track, "speaker_id": speaker} for track, speaker in zip(line["tracks"], speakers, strict=True)]
        lines.append({**line, "recording_id": f"call-{number}", "tracks": tracks})
    calls.manifest.write_text("".join(json.dumps(each) + "\n" for each in lines))
    cloud.put(calls.manifest)
    cloud.forget_staged()
    run(cloud.asked(DETACHED, out="gs://bucket/second"))
    assert abs(len(cloud.staged("pipeline.pb")) - two) < 500


@pytest.mark.slow
def test_the_package_arrives_and_installs(cloud: Cloud, tmp_path: Path) -> None:
    run(cloud.asked(DETACHED))
    (name,) = cloud.staged("extra_packages.txt").decode().split()
    (tmp_path / name).write_bytes(cloud.staged(name))
    assert re.search(r"^torch==", cloud.staged("requirements.txt").decode(), re.MULTILINE)
    target = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*pip, str(tmp_path / name)], check=True, capture_output=True, timeout=120)
    code = f"import sys; sys.path[:0] = {[str(target), *sys.path]!r}; import duologue_pipeline.stages.stage as s; print(s.__file__)"
    done = subprocess.run([sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith(str(target))


@pytest.mark.slow
def test_tokens_alone_ask_for_a_gpu(cloud: Cloud, tmp_path: Path) -> None:
    for path in make_model(tmp_path / "mimi").iterdir():
        cloud.store.put("bucket", f"mimi/{path.name}", path.read_bytes())
    run(
        cloud.asked(
            DETACHED, "--sdk_container_image=eu.pkg/duologue:cuda", codec="mimi:gs://bucket/mimi?device=cuda&batch=4"
        )
    )
    graph = cloud.graph()
    hints = {
        transform.unique_name.partition("/")[0]: dict(environment.resource_hints)
        for transform in graph.components.transforms.values()
        if (environment := graph.components.environments.get(transform.environment_id)) and environment.resource_hints
    }
    assert set(hints) == {"Tokens"}
    assert hints["Tokens"]["beam:resources:accelerator:v1"].startswith(b"type:nvidia-tesla-t4;count:1;")


def test_manifest_and_ledger_may_lie_here(cloud: Cloud, tmp_path: Path) -> None:
    here = tmp_path / "here.jsonl"
    here.write_bytes(
        cloud.store.buckets["bucket"]["calls/manifest.jsonl"].data.replace(
            b'"call-0.wav"', b'"gs://bucket/calls/call-0.wav"'
        )
    )
    request = cloud.asked(DETACHED, manifest=str(here))
    said = refusal(request)
    assert said.startswith(
        f"{here}: call-1 names {tmp_path / 'call-1.wav'} (and 1 more such names): the workers of DataflowRunner are"
    )
    assert cloud.sent() == {}
    here.write_text(here.read_text().replace('"call-1.wav"', '"gs://bucket/calls/call-1.wav"'))
    assert run(request).pending is not None
    cloud.work()
    assert run(request).release is not None


def test_what_the_user_requires_is_staged_beside_our_versions(cloud: Cloud, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("numpy<2\n")
    assert "numpy<2: duologue runs with numpy==" in refusal(cloud.asked(DETACHED, f"--requirements_file={own}"))
    assert cloud.sent() == {}
    own.write_text("helper==9\n")
    run(cloud.asked(DETACHED, f"--requirements_file={own}"))
    lines = cloud.staged("requirements.txt").decode().splitlines()
    assert lines[-1] == "helper==9"
    assert any(line.startswith("torch==") for line in lines)


def test_with_an_image_nothing_is_packed(cloud: Cloud) -> None:
    run(cloud.asked(DETACHED, "--sdk_container_image=europe-docker.pkg.dev/project-x/images/duologue:1"))
    names = {key.rpartition("/")[2] for key in cloud.sent() if key.startswith("tmp/")}
    assert names == {"pipeline.pb"}
    (pool,) = cloud.service.jobs[0]["environment"]["workerPools"]
    assert pool["workerHarnessContainerImage"] == "europe-docker.pkg.dev/project-x/images/duologue:1"


@pytest.mark.slow
def test_no_speaker_no_secret_of_the_ledger_and_no_credential_leaves_the_house(
    cloud: Cloud, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-environment")
    calls.withdraw("s-carl")
    run(cloud.asked(DETACHED))
    with suppress(Exception):
        cloud.work()
    folder = calls.ledger.with_name("consent.db.keys")
    keys = [(folder / name).read_bytes() for name in ("signing.key", "vault.key")]
    secrets = [b"s-anna", b"s-ben", b"s-carl", b"secret-of-the-environment", str(calls.ledger).encode()]
    secrets += [line for key in keys for line in key.splitlines() if len(line) >= 16]
    salt = Ledger.open(calls.ledger).snapshot()._salt
    secrets += [salt, salt.hex().encode()]
    found = {
        (name.rpartition("/")[2], secret)
        for name, data in cloud.sent().items()
        for part in unfolded(data)
        for secret in secrets
        if secret in part
    }
    assert found == set()
    assert len(secrets) == 9
    graph = cloud.staged("pipeline.pb")  # what lies in its pickles is seen
    assert b"gs://bucket/out" not in graph
    assert any(b"gs://bucket/out" in part for part in unfolded(graph))


# --- what becomes of it ---------------------------------------------------------------------------------------------


def test_a_job_that_is_at_work_is_not_submitted_again(cloud: Cloud, calls: Calls) -> None:
    cloud.service.state = "JOB_STATE_RUNNING"
    run(cloud.asked(DETACHED))
    (job,) = cloud.service.jobs
    again = run(cloud.asked(DETACHED))
    assert again.pending == (
        f"Job {job['id']} is still at work: {LINK.format(job['id'])}\nRun the same command again to finish the release."
    )
    calls.withdraw("s-ben")
    assert refusal(cloud.asked(DETACHED)).startswith(
        f"gs://bucket/out: job {job['id']} works in it for another run (other manifest, ledger state or options); wait for its end ("
    )
    assert len(cloud.service.jobs) == 1


@pytest.mark.slow
def test_who_withdrew_while_the_job_was_at_work_is_in_no_release(cloud: Cloud, calls: Calls) -> None:
    run(cloud.asked(DETACHED))
    cloud.work()
    cloud.forget_staged()
    calls.withdraw("s-anna")  # of call-0
    second = run(cloud.asked(DETACHED))
    assert second.pending is not None
    assert len(cloud.service.jobs) == 2
    cloud.work()
    result = run(cloud.asked(DETACHED))
    assert result.release is not None
    assert result.release["totals"]["written"] == 1
    assert not any(
        b"call-0" in data for key, data in cloud.sent().items() if key.startswith("out/") and "reject" not in key
    )


def test_a_command_finds_the_job_of_the_one_before_and_waits_for_it(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.service.state = "JOB_STATE_RUNNING"
    run(cloud.asked(DETACHED))
    (job,) = cloud.service.jobs
    cloud.work()
    cloud.service.metrics = {
        ("events", "kept", "s7"): 2,
        ("tokens", "kept", "s9"): 1,
        ("ingest", "audio_missing", "s3"): 1,
    }

    cloud.service.before, cloud.service.state = ["JOB_STATE_RUNNING"] * 4, "JOB_STATE_DONE"
    result: RunResult = run(cloud.request, progress=sys.stderr)
    assert result.release is not None
    assert len(cloud.service.jobs) == 1
    told = capsys.readouterr().err
    assert f"job {job['id']} is at work for this folder: {LINK.format(job['id'])}" in told
    assert "analysed 2/2, tokenized 1/2, refused 1" in told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Traceback (most recent call last):\n  File ...\nModuleNotFoundError: No module named 'duologue_pipeline'",
            "its workers have no duologue: bring the image of docker/ with --sdk_container_image, or none at all (docs/dataflow.md)",
        ),
        (
            (
                "Traceback (most recent call last):\n  File ...\nduologue_pipeline.errors.UsageError: gs://bucket/out: it is full "
                "[while running 'Tokens/Apply']\n\npassed through:\n==>\n    worker/service.cc:1332"
            ),
            "gs://bucket/out: it is full",
        ),
        (
            "Traceback (...):\n  File ...\nValueError: 7 of 9\n\npassed through:\n==>\n    service.cc:1332",
            "ValueError: 7 of 9",
        ),
        ("Workflow failed. Causes: zone has not enough GPUs", "Workflow failed. Causes: zone has not enough GPUs"),
    ],
)
def test_a_job_that_fails_is_a_sentence_with_its_log(message: str, told: str, cloud: Cloud) -> None:
    cloud.service.before, cloud.service.state = ["JOB_STATE_RUNNING"] * 2, "JOB_STATE_FAILED"
    cloud.service.message = message
    said = refusal(cloud.request)
    (job,) = cloud.service.jobs
    assert said == (
        f"job {job['id']} failed: {told}; its log is at {LINK.format(job['id'])}. What it has done is kept: run the command again"
    )


def test_a_job_that_leaves_no_release_is_said(cloud: Cloud) -> None:
    said = refusal(cloud.request)
    (job,) = cloud.service.jobs
    assert said == (
        "gs://bucket/out: DataflowRunner says that the work is done, and no release lies ready there; look at its log: "
        + LINK.format(job["id"])
    )


def test_a_job_that_google_refuses_is_a_sentence(cloud: Cloud) -> None:
    cloud.service.fault = 403
    said = refusal(cloud.request)
    assert said.startswith("Dataflow has not taken the job (403 ")
    assert said.endswith(
        "Dataflow API has not been used before); nothing runs: correct that, and run the command again"
    )


@pytest.mark.parametrize("fault", [503, pytest.param(409, marks=pytest.mark.slow)])
def test_a_submission_without_an_answer_may_run_all_the_same(
    fault: int, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apache_beam.utils.retry.Clock.sleep", lambda *_: None)
    cloud.service.fault = fault
    said = refusal(cloud.request)
    (name,) = re.findall(r"Dataflow was sent the job (duologue-\S+) and has not answered \(", said)
    assert said.endswith(
        "): it may run all the same. Look with `gcloud dataflow jobs list --region=europe-west1 --project=project-x "
        f'--filter="name={name}"` or at https://console.cloud.google.com/dataflow/jobs?project=project-x. Where it runs, wait for its '
        "end and run the command again, which finishes the release, or stop it: gcloud dataflow jobs cancel JOB_ID "
        "--region=europe-west1 --project=project-x. Where it does not, run the command again"
    )


def test_what_fails_before_the_job_is_sent_leaves_nothing_running(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: Any, **__: Any) -> None:
        raise TimeoutError("the bucket does not answer")

    monkeypatch.setattr(
        "apache_beam.runners.dataflow.internal.apiclient.DataflowApplicationClient.stage_file", too_late
    )
    assert refusal(cloud.request).startswith(
        "Dataflow has not taken the job (the bucket does not answer); nothing runs: "
    )


def test_a_dry_run_submits_and_leaves_nothing(cloud: Cloud) -> None:
    result = run(cloud.asked("--dry_run=True"))
    assert result.pending == (
        "Nothing was submitted (--dry_run): Dataflow would take this run. Leave --dry_run out to submit it."
    )
    assert cloud.sent() == {}


def test_a_dry_run_and_a_template_leave_alone_what_another_launch_does(cloud: Cloud) -> None:
    run(cloud.asked("--template_location=gs://bucket/templates/calls"))
    cloud.work()
    before = cloud.sent()
    assert any(key.startswith("out/.staging/next/") for key in before)
    result = run(cloud.asked("--dry_run=True"))
    assert (result.release, result.pending is None) == (None, False)
    assert cloud.sent() == before, "neither published nor marked anew"
    (mark,) = [key for key in before if key.endswith("/run.json")]
    ready = [key for key in before if key.startswith("out/.staging/next/") and key.endswith("/dataset.json")]
    for key in ready:  # its job is still at work
        del cloud.store.buckets["bucket"][key]
    before = cloud.sent()
    said = refusal(cloud.asked("--template_location=gs://bucket/templates/second"))
    assert said.startswith(
        "gs://bucket/out: a launch before this one is marked there, and a job of its template may be"
    )
    assert f"delete gs://bucket/{mark}" in said
    assert cloud.sent() == before


def test_a_template_is_made_and_its_job_becomes_a_release(cloud: Cloud) -> None:
    result = run(cloud.asked("--template_location=gs://bucket/templates/calls"))
    assert cloud.service.jobs == []
    assert result.pending is not None
    assert result.pending.startswith(
        "Nothing was submitted: a template of this run lies at gs://bucket/templates/calls. Start it with `gcloud dataflow jobs run "
        "duologue --gcs-location=gs://bucket/templates/calls --region=europe-west1 --project=project-x`. "
    )
    assert "templates/calls" in cloud.sent()
    cloud.work()
    assert run(cloud.request).release is not None
    assert cloud.service.jobs == []


@pytest.mark.parametrize(
    "how",
    [
        "template",
        *(
            pytest.param(how, marks=pytest.mark.slow)
            for how in ("a job of which the note is gone", "a job", "attached")
        ),
    ],
)
def test_a_job_that_refused_everything_ends_as_an_attached_run_does(
    how: str, cloud: Cloud, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = cloud.store.buckets["bucket"]
    for name in ("calls/call-0.wav", "calls/call-1.wav"):
        objects[name] = replace(objects[name], data=f"no audio, {name}".encode())
    if how == "attached":
        monkeypatch.setattr(cloud.service, "answer", _worked(cloud))
    else:
        run(cloud.asked("--template_location=gs://bucket/templates/calls" if how == "template" else DETACHED))
        cloud.work()
    if how == "a job of which the note is gone":
        del objects["out/.staging/job.json"]
    result = run(cloud.request)
    assert len(cloud.service.jobs) == (how != "template")
    assert (result.release, result.pending, result.refused) == (None, None, {"audio_unreadable": 2})
    assert result.details is not None
    assert len(Path(result.details).read_text().splitlines()) == 2
    assert {key for key in objects if key.startswith("out/")} == {"out/rejected.jsonl"}


def _worked(cloud: Cloud) -> Any:
    """Answers as the service does, and works as soon as a job is asked for."""
    answer, asked = cloud.service.answer, list[str]()

    def answered(method: str, path: str, body: bytes) -> Any:
        if method == "GET" and not asked:
            asked.append(path)
            cloud.work()
        return answer(method, path, body)

    return answered
