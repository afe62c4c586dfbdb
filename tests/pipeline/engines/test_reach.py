"""What workers on other machines cannot reach is refused, with the place where it has to go."""

import socket
from collections.abc import Iterable
from typing import Any

import pytest

from duologue_pipeline.engines import reach
from duologue_pipeline.engines.options import beam_options, engine_of
from duologue_pipeline.engines.reach import require_reachable
from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Recording, Rejected, Track

HERE = engine_of(beam_options([]))
ELSEWHERE = engine_of(beam_options(["--runner=DataflowRunner"]))
WITH_IMAGE = engine_of(beam_options(["--runner=DataflowRunner", "--sdk_container_image=eu.pkg/duologue"]))
WHO = "the workers of DataflowRunner are on other machines"


def call(uri: str, words_uri: str | None = None, name: str = "call-1") -> Recording:
    return Recording(name, Track("s-a", "gs://bucket/a.wav"), Track("s-b", uri, words_uri=words_uri))


THERE: list[Recording | Rejected] = [
    call("gs://bucket/b.wav", "gs://bucket/b.json"),
    call("https://example.org/b.wav"),
    Rejected(None, "read", "manifest_invalid", "no JSON"),
]


def refusal(
    engine: Any = ELSEWHERE,
    out: str = "gs://bucket/out",
    codec: str = "embedded",
    models: Iterable[tuple[str, str | None]] = (("--asr", None),),
    recordings: Iterable[Recording | Rejected] = THERE,
) -> str | None:
    try:
        require_reachable(engine, manifest="calls.jsonl", out=out, codec=codec, models=models, recordings=recordings)
    except UsageError as error:
        return str(error)
    return None


def test_what_lies_in_stores_is_reached_by_all_and_what_lies_here_by_workers_here() -> None:
    assert refusal() is None
    assert refusal(HERE, "out", "mimi", [("--asr", "models/asr")], [call("/calls/b.wav")]) is None


def test_an_output_folder_here_is_refused() -> None:
    assert refusal(out="/data/out") == (
        f"--out /data/out: {WHO}, and cannot write to this disk; name a folder of a store, as gs://BUCKET/FOLDER"
    )


def test_s3_is_not_for_workers_of_googles_that_have_no_credentials() -> None:
    told = refusal(out="s3://bucket/out")
    assert told is not None
    assert told.startswith(f"--out s3://bucket/out: {WHO}, of Google's, and have no credentials for S3; ")
    assert refusal(WITH_IMAGE, out="s3://bucket/out") is None
    portable = engine_of(beam_options(["--runner=PortableRunner", "--job_endpoint=cluster:8099"]))
    assert refusal(portable, out="s3://bucket/out") is None
    assert refusal(portable, recordings=[call("s3://bucket/b.wav")], models=[("--asr", "s3://bucket/asr")]) is None


def test_audio_words_and_models_of_s3_neither() -> None:
    several = [*THERE, call("s3://bucket/b.wav", name="call-7"), call("gs://bucket/b.wav", "s3://bucket/b.json")]
    assert refusal(recordings=several) == (
        f"calls.jsonl: call-7 names s3://bucket/b.wav (and 1 more such names): {WHO}, of Google's, and have no credentials for S3; "
        "copy it to gs:// (`gcloud storage cp -r s3://BUCKET/FOLDER gs://BUCKET/`), or name an image whose environment has some with "
        "--sdk_container_image; what is public is read by its https:// address"
    )
    assert refusal(WITH_IMAGE, recordings=several) is None
    for codec, asr, begins in (
        ("mimi:s3://bucket/mimi", None, "--codec mimi:s3://bucket/mimi: "),
        ("embedded", "s3://bucket/asr@aa", "--asr s3://bucket/asr: "),
    ):
        told = refusal(codec=codec, models=[("--asr", asr)])
        assert told is not None
        assert told.startswith(f"{begins}{WHO}, of Google's, and have no credentials for S3; ")
        assert refusal(WITH_IMAGE, codec=codec, models=[("--asr", asr)]) is None


@pytest.mark.parametrize(
    "uri", ["/calls/b.wav", "file:///calls/b.wav", "http://localhost:8000/b.wav", "http://127.0.0.1/b.wav"]
)
def test_audio_and_words_here_are_refused_with_how_many_there_are(uri: str) -> None:
    several = [*THERE, call(uri, name="call-7"), call("gs://bucket/b.wav", uri)]
    assert refusal(recordings=several) == (
        f"calls.jsonl: call-7 names {uri} (and 1 more such names): {WHO}, and cannot read it; copy the audio and the words to a "
        "store (`gcloud storage cp -r FOLDER gs://BUCKET/`), and the manifest beside them, or write gs://, s3:// or https:// "
        "addresses in it"
    )


def test_an_address_with_a_secret_is_refused_without_telling_it() -> None:
    told = refusal(recordings=[call("https://example.org/b.wav?signature=abc")])
    assert told is not None
    assert told.startswith("calls.jsonl: call-1 names https://example.org/b.wav?… with a signature or a password: ")
    assert "abc" not in told


SIGNED = [call("https://example.org/b.wav?signature=abc")]
POOL = ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=EXTERNAL"]


def test_an_address_with_a_secret_is_for_workers_that_this_process_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_answers", lambda _: True)
    told = refusal(engine_of(beam_options([*POOL, "--environment_config=localhost:50000"])), "out", recordings=SIGNED)
    assert told is not None
    assert told.startswith("calls.jsonl: call-1 names https://example.org/b.wav?… with a signature or a password: ")
    process = ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=PROCESS"]
    told = refusal(engine_of(beam_options(process)), "out", recordings=SIGNED)
    assert told is not None
    assert "were not started by this process" in told
    loopback = ["--runner=PortableRunner", "--job_endpoint=localhost:1", "--environment_type=LOOPBACK"]
    for arguments in ([], ["--direct_running_mode=multi_processing"], loopback):
        assert refusal(engine_of(beam_options(arguments)), "out", recordings=SIGNED) is None


def test_a_pool_at_localhost_is_here_where_it_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        pool = f"localhost:{server.getsockname()[1]}"
        engine = engine_of(beam_options([*POOL, f"--environment_config={pool}"]))
        assert refusal(engine, "out", recordings=[call("/calls/b.wav")]) is None
    assert refusal(engine, "out") == (
        f"--out out: no pool of workers answers at {pool} from here, so they are taken to be in a container or on another machine "
        "(docs/runners.md), and cannot write to this disk; name a folder of a store, as gs://BUCKET/FOLDER"
    )
    assert refusal(engine, "s3://bucket/out") is None


@pytest.mark.parametrize(
    ("codec", "models", "begins"),
    [
        ("mimi:models/mimi", (), "--codec mimi:models/mimi: "),
        ("mimi:models/mimi?device=cuda", (), "--codec mimi:models/mimi: "),
        ("mimi", (), "--codec mimi: "),
        ("mimi?device=cuda", (), "--codec mimi: "),
        ("mimi?batch=4", (), "--codec mimi: "),
        ("embedded", [("--asr", "models/asr")], "--asr models/asr: "),
        ("embedded", [("--pyannote-embedding", "m.bin@aa")], "--pyannote-embedding m.bin: "),
    ],
)
def test_a_model_here_is_refused_unless_an_image_was_named(
    codec: str, models: Iterable[tuple[str, str | None]], begins: str
) -> None:
    told = refusal(codec=codec, models=models)
    assert told is not None
    assert told.startswith(begins + WHO)
    assert told.endswith("an image that holds the model with --sdk_container_image (docs/dataflow.md)")
    assert ("gs://BUCKET/FOLDER" in told) == (codec != "embedded")  # of all models a codec alone is fetched from stores
    assert refusal(WITH_IMAGE, codec=codec, models=models) is None


def test_a_model_in_a_store_is_taken() -> None:
    assert refusal(codec="mimi:gs://bucket/mimi") is None


def test_a_gpu_is_not_paid_for_where_the_staged_torch_knows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = "mimi:gs://bucket/mimi?device=cuda"
    monkeypatch.setattr(reach, "version", lambda _: "2.13.0+cpu")
    told = refusal(codec=codec)
    assert told is not None
    assert told.startswith(
        f"--codec {codec}: the workers would get the versions of this machine, whose torch (2.13.0+cpu)"
    )
    assert refusal(WITH_IMAGE, codec=codec) is None
    monkeypatch.setattr(reach, "version", lambda _: "2.13.0")
    assert refusal(codec=codec) is None
