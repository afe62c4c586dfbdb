"""Reads the options after ``--``, and tells where the workers of a run will be."""

import io
import socket
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.runner import create_runner

from duologue_pipeline.errors import UsageError

__all__ = ["EMBEDDED", "Engine", "beam_options", "check_options", "engine_of"]

EMBEDDED: Final = "FnApiRunner"
"""The runner where none is named (docs/adr/0007)."""

_USUAL: Final = {
    "--default_sdk_harness_log_level": "ERROR",
    "--job_server_timeout": str(
        30 * 86400
    ),  # Beam ends its watch over a job of a job server after it, a minute if not told
}
_OURS: Final = (
    "FnApiRunner",
    "DirectRunner",
    "PortableRunner",
    "PrismRunner",
    "FlinkRunner",
    "SparkRunner",
    "DataflowRunner",
)
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]", "embed")


@dataclass(frozen=True)
class Engine:
    """Says which runner a run is for, and where its workers are.

    Attributes:
        name: of the runner, without its module.
        options: all options of Beam.
        elsewhere: whether its workers may be on other machines, which have neither the disk nor the packages of this one.
        image: the container image that the user named for them, None where none was.
        containers: whether Beam starts them in containers, and brings files into these.
        inherits: whether they are started by this process, and so have its environment.
        pool: the address of the pool that they are asked of, None where there is none.
    """

    name: str
    options: PipelineOptions
    elsewhere: bool
    image: str | None
    containers: bool
    inherits: bool = True
    pool: str | None = None

    @property
    def is_dataflow(self) -> bool:
        """Tells whether the runner is Google's service."""
        return self.name == "DataflowRunner"

    @property
    def waits(self) -> bool:
        """Tells whether a job that was submitted is waited for."""
        return not self.get("no_wait_until_finish")

    def get(self, option: str) -> Any:
        """Gives the value of an option of Beam by its name, without the dashes."""
        return self.options.get_all_options().get(option)


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Parses the options after ``--``; worker processes log errors only, unless the user says otherwise.

    Raises:
        UsageError: Beam has no such option (by itself it would pass over it), no such value for it, or no such runner.
    """
    usual = [
        f"{option}={value}"
        for option, value in _USUAL.items()
        if not any(given.startswith(option) for given in arguments)
    ]
    said = io.StringIO()
    try:
        with redirect_stderr(said):  # of argparse, which ends the process
            options = PipelineOptions([*arguments, *usual])
            known = options.get_all_options()
    except SystemExit:
        fault = said.getvalue().rpartition("error: ")[2].strip()
        cure = "; give it a value, as --OPTION=VALUE (a switch such as --dry_run too: --dry_run=True)"
        raise UsageError(
            f"{fault} (an option of Apache Beam){cure if 'expected one argument' in fault else ''}"
        ) from None
    runner = options.get_all_options(drop_default=True).get("runner")
    if runner is not None:
        _check_runner(runner)
    unknown = [name for name in options.get_all_options(retain_unknown_options=True) if name not in known]
    if unknown:
        close = get_close_matches(unknown[0], known, n=1)
        meant = f" (did you mean --{close[0]}?)" if close else ""
        raise UsageError(f"--{unknown[0]}: Apache Beam has no such option{meant}; after -- stand options for Beam only")
    return options


def engine_of(options: PipelineOptions) -> Engine:
    """Tells what the options of Beam mean for where the work is done.

    Workers are here when they are processes of this machine: those of a runner in this process, of ``LOOPBACK``, and of a
    job server or a worker pool that is named as ``localhost``. Everything else is elsewhere, containers too: they have another disk.
    Whether a pool at ``localhost`` answers from here, :func:`duologue_pipeline.engines.reach.require_reachable` looks before a run.
    """
    told = options.get_all_options()
    name = EMBEDDED
    if "runner" in options.get_all_options(drop_default=True):
        name = str(told["runner"]).rpartition(".")[2]
        name = next((each for each in StandardOptions.KNOWN_RUNNER_NAMES if _same(each, name)), name)
    kind = str(told["environment_type"] or _usual_environment(name, told)).upper()
    kind = kind.removeprefix("BEAM:ENV:").partition(":")[0]  # Beam takes its own names for them as well
    named = told["sdk_container_image"] or told.get("worker_harness_container_image")
    image = named or _image_of(told) if kind == "DOCKER" else None
    containers = kind == "DOCKER"
    elsewhere = containers or (
        (kind == "EXTERNAL" and not _is_here(_external(told)))
        or (kind in ("EXTERNAL", "PROCESS") and not _job_server_is_here(name, told))
    )
    pool = _external(told) if kind == "EXTERNAL" else None
    return Engine(name, options, elsewhere, image, containers, kind not in ("DOCKER", "EXTERNAL", "PROCESS"), pool)


def check_options(engine: Engine) -> None:
    """Has Beam check the options together, as it would when the pipeline is made.

    Raises:
        UsageError: they do not go together, or the runner would pass over one that changes what is done.
    """
    for option in () if engine.is_dataflow else ("no_wait_until_finish", "dry_run", "template_location"):
        if engine.get(option):
            raise UsageError(
                f"--{option}: only DataflowRunner does that, and this run is for {engine.name}; leave it out"
            )
    runner = None if engine.name == EMBEDDED else create_runner(engine.get("runner"))
    faults = PipelineOptionsValidator(engine.options, runner).validate()
    if faults:
        raise UsageError(f"{'; '.join(faults)} (options of Apache Beam, after --)")


def _check_runner(name: str) -> None:
    known = StandardOptions.KNOWN_RUNNER_NAMES
    plain = "." not in name
    if plain and not any(_same(each, name) for each in known):
        close = get_close_matches(name.lower(), {each.lower(): each for each in known}, n=1, cutoff=0.5)
        meant = next((each for each in known if close and each.lower() == close[0]), None)
        raise UsageError(
            f"--runner {name}: Apache Beam has no such runner"
            + (f"; did you mean {meant}?" if meant else ".")
            + f" Known here are {', '.join(_OURS)}; leave it out to run on this machine"
        )
    try:
        create_runner(name)
    except Exception as error:  # noqa: BLE001 - whatever the module of a runner raises that is not there, or not installed
        told = str(error)
        if plain and "dataflow" in name.lower() and isinstance(error, ImportError):
            told = 'it needs Google\'s libraries: `pip install "duologue[pipeline,gcp]"`'
        raise UsageError(
            f"--runner {name}: Apache Beam cannot make this runner ({told}); leave it out to run on this machine"
        ) from None


def _same(known: str, given: str) -> bool:
    return known.lower() in (given.lower(), f"{given.lower()}runner")


def _usual_environment(runner: str, told: dict[str, Any]) -> str:
    """Gives the kind of environment that a runner takes where the user names none."""
    if runner == "DataflowRunner":
        return "DOCKER"
    if runner == "FlinkRunner":
        return "LOOPBACK" if told["flink_master"] in ("[local]", "[auto]") else "DOCKER"
    if runner == "SparkRunner":
        return "LOOPBACK" if str(told["spark_master_url"]).startswith("local") else "DOCKER"
    return "DOCKER" if runner == "PortableRunner" else "LOOPBACK"


def _image_of(told: dict[str, Any]) -> str | None:
    return told["environment_config"] or _environment_option(told, "docker_container_image")


def _external(told: dict[str, Any]) -> str:
    return str(told["environment_config"] or _environment_option(told, "external_service_address") or "")


def _environment_option(told: dict[str, Any], name: str) -> str | None:
    found = (each.partition("=") for each in told["environment_options"] or ())
    return next((value for key, _, value in found if key == name), None)


def _job_server_is_here(runner: str, told: dict[str, Any]) -> bool:
    if runner == "FlinkRunner":
        return told["flink_master"] in ("[local]", "[auto]") or _is_here(str(told["flink_master"]))
    if runner == "SparkRunner":
        master = str(told["spark_master_url"])
        return master.startswith("local") or _is_here(master)
    return runner != "PortableRunner" or _is_here(str(told["job_endpoint"] or "embed"))


def _is_here(address: str) -> bool:
    host = address.rpartition("://")[2].rpartition("@")[2].partition("/")[0]
    host = host if host.endswith("]") else host.rpartition(":")[0] or host
    return host.lower() in (*_LOOPBACK, socket.gethostname().lower())
