"""The runner a run uses when none is named: Beam's FnApiRunner in this process (docs/adr/0007)."""

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from duologue_pipeline.errors import UsageError

__all__ = ["beam_options", "local_runner"]

_LOG_LEVEL = "--default_sdk_harness_log_level"


def beam_options(arguments: Sequence[str]) -> PipelineOptions:
    """Parses what stands after ``--``; worker processes log errors only, unless the user says otherwise.

    Raises:
        UsageError: Beam has no such option (by itself it would pass over it).
    """
    quiet = [] if any(argument.startswith(_LOG_LEVEL) for argument in arguments) else [f"{_LOG_LEVEL}=ERROR"]
    options = PipelineOptions([*arguments, *quiet])
    known = options.get_all_options()
    unknown = [name for name in options.get_all_options(retain_unknown_options=True) if name not in known]
    if unknown:
        raise UsageError(f"--{unknown[0]}: Apache Beam has no such option; after -- stand options for Beam only")
    return options


def local_runner(options: PipelineOptions) -> fn_runner.FnApiRunner | None:
    """The embedded runner, or None where the options name another one."""
    if "runner" in options.get_all_options(drop_default=True):
        return None
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)  # else workers never see the options
    return fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(provision))
