"""The command line: ``duologue``. Heavy libraries are imported by the commands that need them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from duologue_consent.cli.app import app as consent_app
from duologue_pipeline.cli.annotate import EXAMPLE as ANNOTATE_EXAMPLE
from duologue_pipeline.cli.annotate import Asr, annotate
from duologue_pipeline.cli.explain import EXAMPLE as EXPLAIN_EXAMPLE
from duologue_pipeline.cli.explain import explain
from duologue_pipeline.cli.isolation import AllowNetwork, Embedding, Segmentation, isolation
from duologue_pipeline.cli.propagate import EXAMPLE as PROPAGATE_EXAMPLE
from duologue_pipeline.cli.propagate import propagate
from duologue_pipeline.cli.simulate import EXAMPLE as SIMULATE_EXAMPLE
from duologue_pipeline.cli.simulate import simulate
from duologue_pipeline.cli.support import EXIT_FAULTS, EXIT_NOTHING_WRITTEN, EXIT_USAGE, fail, quiet, usage_errors
from duologue_pipeline.errors import UsageError

if TYPE_CHECKING:
    from duologue_pipeline.run import RunRequest

__all__ = ["app", "main"]

app = typer.Typer(
    name="duologue",
    help="Two-channel conversations into consented training shards for full-duplex speech models.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
shards_app = typer.Typer(help="Look after the shards of a release.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(shards_app, name="shards")
app.add_typer(consent_app, name="consent")


@app.command(
    context_settings={"allow_extra_args": True},
    epilog="Example: duologue run calls/manifest.jsonl --out out --ledger consent.db -- --direct_num_workers=2 "
    "--direct_running_mode=multi_processing",
)
def run(
    context: typer.Context,
    manifest: Annotated[str, typer.Argument(help="Recording manifest, JSON Lines.", metavar="MANIFEST")],
    out: Annotated[str, typer.Option(help="Folder for the release; it must not hold another one.")],
    ledger: Annotated[str | None, typer.Option(help="Consent ledger. Without one, nothing passes.")] = None,
    purpose: Annotated[str, typer.Option(help="What the release is for.")] = "training_inhouse",
    codec: Annotated[
        str, typer.Option(help="`embedded` for trying things out; `mimi` or `mimi:PATH` for training.")
    ] = "embedded",
    segment_s: Annotated[float, typer.Option("--segment-s", help="Length of a sample in seconds.")] = 120.0,
    include_audio: Annotated[bool, typer.Option("--include-audio", help="Put a stereo FLAC into each sample.")] = False,
    words: Annotated[
        str, typer.Option(help="`optional`: take words where the manifest names them; `required`; `none`.")
    ] = "optional",
    isolation_policy: Annotated[
        str,
        typer.Option(
            help="Which verdicts on the isolation of the tracks are refused: `refuse-fail`; `refuse-warn`: and warn; "
            "`require-pass`: and undetermined; `keep`: none. The rest is kept and marked."
        ),
    ] = "refuse-fail",
    pyannote_segmentation: Segmentation = None,
    pyannote_embedding: Embedding = None,
    asr: Asr = None,
    allow_network: AllowNetwork = False,
    name: Annotated[str, typer.Option(help="Name of the dataset on its cards.")] = "duologue-dataset",
    validation_share: Annotated[
        float, typer.Option(help="Share of the time for the validation split; no speaker is in both splits.")
    ] = 0.05,
    shard_hours: Annotated[float, typer.Option(help="Hours of conversation in a shard.")] = 10.0,
) -> None:
    """Make training shards with labels, consent and a card from recorded conversations.

    Options after -- go to Apache Beam. Exit status: 0 done; 2 wrong usage or manifest; 3 nothing could be written.
    """
    if context.args and not context.args[0].startswith("--"):
        fail(f"unexpected argument {context.args[0]!r}; options for Beam go after --", EXIT_USAGE)
    with usage_errors():
        from duologue_pipeline.run import RunRequest

    request = RunRequest(
        manifest=manifest,
        out=out,
        ledger=ledger,
        purpose=purpose,
        codec=codec,
        segment_s=segment_s,
        include_audio=include_audio,
        words=words,
        isolation_policy=isolation_policy,
        pyannote_segmentation=pyannote_segmentation,
        pyannote_embedding=pyannote_embedding,
        asr=asr,
        allow_network=allow_network,
        name=name,
        validation_share=validation_share,
        shard_hours=shard_hours,
        beam_args=tuple(context.args),
    )
    _run(request)


def _run(request: "RunRequest") -> None:
    """Runs the pipeline and prints the summary."""
    quiet()
    from duologue_pipeline.cli.summary import summarize
    from duologue_pipeline.run import run as run_pipeline

    with usage_errors():
        result = run_pipeline(request, progress=sys.stderr)
    typer.echo(summarize(result))
    if result.release is None:
        raise typer.Exit(EXIT_NOTHING_WRITTEN)


@app.command(epilog="Example: duologue demo --out demo-out")
def demo(
    out: Annotated[str, typer.Option(help="Folder for the release.")] = "demo-out",
    purpose: Annotated[
        str, typer.Option(help="What the release is for. One speaker has refused `redistribution`: try it.")
    ] = "training_inhouse",
    codec: Annotated[str, typer.Option(help="As for `duologue run`.")] = "embedded",
    include_audio: Annotated[bool, typer.Option("--include-audio", help="As for `duologue run`.")] = False,
) -> None:
    """Run the whole pipeline on the three small conversations that come with the package."""
    from duologue_pipeline.demo import demo_files
    from duologue_pipeline.demo.ledger import ledger_for

    with usage_errors():
        from duologue_pipeline.run import RunRequest

    files = demo_files()
    with usage_errors():
        ledger = ledger_for(out)
    request = RunRequest(
        manifest=str(files.manifest),
        out=out,
        ledger=str(ledger),
        purpose=purpose,
        codec=codec,
        include_audio=include_audio,
        name="duologue-demo",
        segment_s=30.0,
    )
    _run(request)


@app.command(epilog="Example: duologue validate calls/manifest.jsonl")
def validate(
    manifest: Annotated[str, typer.Argument(help="Recording manifest, JSON Lines.", metavar="MANIFEST")],
) -> None:
    """List every fault of a manifest with its line and field. Exit status: 0 none; 1 some; 2 it cannot be read."""
    from duologue_pipeline.files.storage import open_input
    from duologue_schemas import validate_manifest_lines

    with usage_errors():
        try:
            with open_input(manifest) as stream:
                lines = stream.read().splitlines()
        except OSError as error:
            raise UsageError(f"{manifest}: the manifest cannot be read ({error})") from None
    faults = list(validate_manifest_lines(lines))
    for fault in faults:
        where = f" {fault.field}:" if fault.field else ""
        typer.echo(f"{manifest}:{fault.line}:{where} {fault.message}")
    recordings = sum(bool(line.strip()) for line in lines)
    if faults:
        broken = len({fault.line for fault in faults})
        typer.echo(f"{len(faults)} faults on {broken} of {recordings} lines", err=True)
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(f"{manifest}: {recordings} recordings, no faults")


@shards_app.command(epilog="Example: duologue shards verify out")
def verify(
    directory: Annotated[str, typer.Argument(help="Output folder of a run.", metavar="DIR")],
) -> None:
    """Check hashes, members, frame counts and totals of a release. Exit status: 0 all well; 1 faults; 2 no release."""
    from duologue_pipeline.release.verify import verify_release

    with usage_errors():
        report = verify_release(directory)
    for fault in report.faults:
        typer.echo(fault)
    if report.faults:
        typer.echo(f"{directory}: {len(report.faults)} faults", err=True)
        raise typer.Exit(EXIT_FAULTS)
    typer.echo(
        f"{directory}: all well: {report.shards} shards, {report.samples} samples, {report.frames} frames, "
        f"{report.bytes} bytes"
    )


app.command(epilog="Example: duologue isolation agent.wav caller.wav --plot isolation.png")(isolation)
app.command(epilog=ANNOTATE_EXAMPLE)(annotate)
app.command(epilog=SIMULATE_EXAMPLE)(simulate)
consent_app.command(epilog=EXPLAIN_EXAMPLE)(explain)
consent_app.command(epilog=PROPAGATE_EXAMPLE)(propagate)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from duologue_pipeline.made_by import MADE_BY

        typer.echo(MADE_BY)
        raise typer.Exit


def main() -> None:
    """The entry point of the ``duologue`` command."""
    app(prog_name="duologue")
