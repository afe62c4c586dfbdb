"""Defines the ``duologue`` command; heavy libraries are imported by the commands that need them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from duologue_consent import Purpose
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
    help="Make training shards for full-duplex speech models from two-track recordings of conversations, with consent.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
shards_app = typer.Typer(help="Check the shards of a release.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(shards_app, name="shards")
app.add_typer(consent_app, name="consent")


IncludeAudio = Annotated[
    bool, typer.Option("--include-audio", help="Write the audio of both tracks into each sample, as stereo FLAC.")
]


@app.command(
    context_settings={"allow_extra_args": True},
    epilog="Example: duologue run calls/manifest.jsonl --out out --ledger consent.db -- --direct_num_workers=2 "
    "--direct_running_mode=multi_processing",
)
def run(
    context: typer.Context,
    manifest: Annotated[
        str,
        typer.Argument(
            help="Read the recordings from this manifest: JSON Lines, one recording a line.", metavar="MANIFEST"
        ),
    ],
    out: Annotated[str, typer.Option(help="Write the release into this folder, which must not hold another release.")],
    ledger: Annotated[
        str | None,
        typer.Option(
            help="Read the speakers' consent from this ledger, a file or postgresql://…; without one every recording "
            "is "
            "refused."
        ),
    ] = None,
    purpose: Annotated[
        str, typer.Option(help=f"Use only recordings that both speakers allow for this purpose: {', '.join(Purpose)}.")
    ] = "training_inhouse",
    codec: Annotated[
        str,
        typer.Option(
            help="Make the tokens with this codec. embedded: comes with the package, for trying things out; mimi: for "
            "training, from the local Hugging Face cache; mimi:PATH: for training, from a folder."
        ),
    ] = "embedded",
    segment_s: Annotated[
        float, typer.Option("--segment-s", help="Cut each recording into samples of this many seconds, 1 to 3600.")
    ] = 120.0,
    include_audio: IncludeAudio = False,
    words: Annotated[
        str,
        typer.Option(
            help="Choose what is done with the words of the tracks (their transcripts in the manifest, or --asr). "
            "optional: written where a track has some; required: a recording is refused if a track has none, or if a "
            "transcript does not fit the audio; none: neither read nor written."
        ),
    ] = "optional",
    isolation_policy: Annotated[
        str,
        typer.Option(
            help="Choose which recordings are refused by the verdict on their isolation. keep: none; refuse-fail: "
            "fail; "
            "refuse-warn: fail, warn; require-pass: fail, warn, undetermined. What is kept carries its verdict."
        ),
    ] = "refuse-fail",
    pyannote_segmentation: Segmentation = None,
    pyannote_embedding: Embedding = None,
    asr: Asr = None,
    allow_network: AllowNetwork = False,
    name: Annotated[str, typer.Option(help="Give the dataset this name on its cards.")] = "duologue-dataset",
    validation_share: Annotated[
        float,
        typer.Option(
            help="Put about this share of the conversation time into the validation split, 0 to below 1; no speaker is "
            "in both splits."
        ),
    ] = 0.05,
    shard_hours: Annotated[
        float, typer.Option(help="Put about this many hours of conversation into each shard.")
    ] = 10.0,
) -> None:
    """Make training shards with labels, consent and a card from two-track recordings of conversations.

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
    out: Annotated[
        str,
        typer.Option(help="Write the release into this folder, and its consent ledger to OUT.consent.db beside it."),
    ] = "demo-out",
    purpose: Annotated[
        str,
        typer.Option(
            help="Use only recordings that both speakers allow for this purpose. One speaker refuses `redistribution`: "
            "try it."
        ),
    ] = "training_inhouse",
    codec: Annotated[
        str, typer.Option(help="Make the tokens with this codec: embedded, mimi or mimi:PATH, as in `duologue run`.")
    ] = "embedded",
    include_audio: IncludeAudio = False,
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
    manifest: Annotated[
        str, typer.Argument(help="Check this manifest: JSON Lines, one recording a line.", metavar="MANIFEST")
    ],
) -> None:
    """List every fault of a manifest with its line and field.

    Exit status: 0 no faults; 1 faults; 2 the manifest cannot be read.
    """
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
    directory: Annotated[
        str, typer.Argument(help="Check the release in this folder, the --out of a run.", metavar="DIR")
    ],
) -> None:
    """Check the hashes, members, frame counts and totals of a release.

    Exit status: 0 no faults; 1 faults; 2 there is no release.
    """
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
        from duologue_pipeline.tokens.samples import MADE_BY

        typer.echo(MADE_BY)
        raise typer.Exit


def main() -> None:
    """Runs the ``duologue`` command."""
    app(prog_name="duologue")
