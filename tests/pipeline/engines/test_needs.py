"""What a runner needs is looked for before anything is written, and its absence is said in a sentence."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from apache_beam.runners.portability import prism_runner
from apache_beam.utils.subprocess_server import JavaJarServer

from duologue_pipeline.engines.needs import require_needs
from duologue_pipeline.engines.options import beam_options, engine_of
from duologue_pipeline.errors import UsageError
from tests.dataflow_service import DataflowService, serve_dataflow
from tests.google_store import GoogleStore, serve_google_bucket

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def without_the_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(JavaJarServer, "MAVEN_CENTRAL_REPOSITORY", NOBODY)
    monkeypatch.setattr(JavaJarServer, "JAR_CACHE", str(tmp_path / "jars"))
    monkeypatch.setattr(prism_runner, "GITHUB_DOWNLOAD_PREFIX", f"{NOBODY}/")
    monkeypatch.setattr(prism_runner.PrismJobServer, "BIN_CACHE", str(tmp_path / "prism"))
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")


def refusal(*arguments: str) -> str | None:
    try:
        require_needs(engine_of(beam_options(arguments)))
    except UsageError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("runner", "jar", "option"),
    [
        ("FlinkRunner", "beam-runners-flink-2.2-job-server-2.77.0.jar", "--flink_job_server_jar"),
        ("SparkRunner", "beam-runners-spark-3-job-server-2.77.0.jar", "--spark_job_server_jar"),
    ],
)
def test_a_jar_that_cannot_be_had_is_named_with_its_place(runner: str, jar: str, option: str, tmp_path: Path) -> None:
    told = refusal(f"--runner={runner}")
    assert told is not None
    assert told.startswith(f"{runner} needs {jar}, and 127.0.0.1 cannot be reached from here (")
    assert told.endswith(f"{jar} elsewhere and put it into {tmp_path / 'jars'}, or name it with {option}")
    assert refusal(f"--runner={runner}", f"{option}=no.jar") == f"{option} no.jar: there is no such jar"
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / jar).touch()
    assert refusal(f"--runner={runner}") is None


def test_flink_without_java_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert refusal("--runner=FlinkRunner") == "FlinkRunner needs Java, and there is none: install Java 17"


def test_prism_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    told = refusal("--runner=PrismRunner")
    assert told is not None
    assert told.startswith("PrismRunner needs the program prism, and 127.0.0.1 cannot be reached from here (")
    (tmp_path / "prism-binary").touch()
    assert refusal("--runner=PrismRunner", f"--prism_location={tmp_path / 'prism-binary'}") is None


def test_a_job_server_that_does_not_answer_is_refused() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{listening.getsockname()[1]}"
        told = refusal("--runner=PortableRunner", f"--job_endpoint={endpoint}")
        assert told is not None
        assert told.startswith(f"--job_endpoint {endpoint}: no job server answers there (")
        listening.listen()
        assert refusal("--runner=PortableRunner", f"--job_endpoint={endpoint}") is None
    assert refusal("--runner=PortableRunner", "--job_endpoint=embed") is None


# --- Dataflow -------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Iterator[GoogleStore]:
    with serve_google_bucket("bucket") as (_, store):
        yield store


@pytest.fixture
def service(store: GoogleStore) -> Iterator[DataflowService]:
    with serve_dataflow() as service:
        yield service


def test_dataflow_takes_a_run_whose_bucket_is_there(service: DataflowService) -> None:
    assert refusal(*service.options, "--temp_location=gs://bucket/tmp") is None


def test_a_bucket_in_another_region_is_told(service: DataflowService, store: GoogleStore) -> None:
    told: list[str] = []
    engine = engine_of(beam_options([*service.options, "--temp_location=gs://bucket/tmp"]))
    for location, kind in (("EUROPE-WEST1", "region"), ("EU", "multi-region"), ("US-EAST1", "region")):
        store.settings["bucket"] = {"location": location, "locationType": kind}
        require_needs(engine, tell=told.append)
    assert told == [
        "gs://bucket lies in us-east1 and the job runs in europe-west1: what goes from region to region is slow and is paid for"
    ]


def test_a_bucket_that_is_not_there_is_refused_with_the_command_that_makes_it(service: DataflowService) -> None:
    assert refusal(*service.options, "--temp_location=gs://bucket/tmp", "--staging_location=gs://no-bucket/s") == (
        "gs://no-bucket: there is no such bucket; make it with `gcloud storage buckets create gs://no-bucket "
        "--location=europe-west1`"
    )


@pytest.mark.parametrize("missing", ["project", "region", "temp_location"])
def test_an_option_that_dataflow_needs_is_asked_for(missing: str, service: DataflowService) -> None:
    options = [*service.options, "--temp_location=gs://bucket/tmp"]
    told = refusal(*(each for each in options if not each.startswith(f"--{missing}=")))
    assert told is not None
    assert told.startswith(f"DataflowRunner needs --{missing} after --: ")


@pytest.mark.parametrize("place", ["/tmp/dataflow", "s3://bucket/tmp", "gs://"])
def test_a_temporary_folder_of_another_store_is_refused(place: str, service: DataflowService) -> None:
    assert refusal(*service.options, f"--temp_location={place}") == (
        f"--temp_location {place}: Dataflow takes a folder of Google's store only, as gs://BUCKET/tmp"
    )


def test_a_store_that_cannot_be_reached_is_said_at_once(
    service: DataflowService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", NOBODY)
    told = refusal(*service.options, "--temp_location=gs://bucket/tmp")
    assert told is not None
    assert told.startswith("gs://bucket: Google's store cannot be reached (")
    assert told.endswith("nothing was submitted: check the network, and run the command again")


def test_a_store_that_never_answers_is_given_up(service: DataflowService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.engines.google._ANSWER_S", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{silent.getsockname()[1]}")
        told = refusal(*service.options, "--temp_location=gs://bucket/tmp")
    assert told is not None
    assert told.startswith("gs://bucket: Google's store cannot be reached (")


def test_nothing_to_sign_in_with_is_said(
    service: DataflowService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    options = [each for each in service.options if each != "--no_auth"]
    told = refusal(*options, "--temp_location=gs://bucket/tmp")
    assert told is not None
    assert told.startswith("gs://bucket: no credentials for Google can be used (")


def test_without_googles_libraries_dataflow_is_refused(
    service: DataflowService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert refusal(*service.options, "--temp_location=gs://bucket/tmp") == (
        'DataflowRunner needs Google\'s libraries: `pip install "duologue[pipeline,gcp]"`'
    )
