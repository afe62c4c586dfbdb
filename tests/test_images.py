"""The image of the workers, as far as it can be looked at without Docker: what it copies is there, its versions are those that
were tested together.
"""

import fnmatch
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of every instruction of the Dockerfile, continued lines joined."""
    text = (ROOT / "docker" / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in joined.splitlines() if line.strip()]


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def rest_of(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def copied() -> list[str]:
    """Sources of every COPY from the checkout."""
    return [source for rest in rest_of("COPY") if "--from" not in rest for source in rest.split()[:-1]]


def test_everything_that_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {"constraints.txt", "pyproject.toml", "cards", "consent", "pipeline", "schemas"} <= set(copied())
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    assert set(copied()) == sent
    assert any(fnmatch.fnmatch("pipeline/duologue_pipeline/__pycache__", line) for line in ignored)


def test_what_the_build_of_the_package_reads_is_copied() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert {"README.md", "LICENSE"} <= set(copied())
    for folder in re.findall(r'^    "(\w+)/duologue_\w+",$', project, re.MULTILINE):
        assert folder in copied()


def test_versions_are_those_of_the_constraints() -> None:
    assert f"BEAM_VERSION={pinned()['apache-beam']}" in rest_of("ARG")
    (torch,) = [rest for rest in rest_of("RUN") if "--index-url" in rest]
    assert torch.endswith(f" torch=={pinned()['torch']}")
    images = rest_of("FROM")
    assert images[:2] == [
        "apache/beam_python3.11_sdk:${BEAM_VERSION} AS beam",
        "python:3.11-slim-bookworm AS mimi-less",
    ]
    assert all(rest.split()[0] in ("mimi-less", "mimi") for rest in images[2:])


def test_every_other_package_is_held_by_the_constraints() -> None:
    installs = [rest for rest in rest_of("RUN") if "pip install" in rest]
    assert len(installs) == 2
    assert all("constraints.txt" in rest for rest in installs)


def test_beam_starts_it_and_nothing_is_fetched_from_the_hub() -> None:
    assert rest_of("ENTRYPOINT") == ['["/opt/apache/beam/boot"]']
    assert "--from=beam /opt/apache/beam /opt/apache/beam" in rest_of("COPY")
    (environment,) = rest_of("ENV")
    assert "HF_HUB_OFFLINE=1" in environment
    assert "--from=weights config.json model.safetensors /opt/mimi/" in rest_of("COPY")


def test_the_cluster_of_flink_has_the_versions_of_beam_and_of_its_runner() -> None:
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    services: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.flink.yaml").read_text())["services"]
    newest = FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS[-1]
    assert services["jobserver"]["image"] == f"apache/beam_flink{newest}_job_server:{pinned()['apache-beam']}"
    assert services["jobmanager"]["image"] == services["taskmanager"]["image"] == f"flink:{newest}-java17"
    assert services["workers"]["network_mode"] == "service:taskmanager"
