"""Defines ``duologue run`` and ``duologue demo``: run the pipeline and print the summary."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from duologue_consent import Purpose
from duologue_consent.cli.options import LedgerIfAnyOption
from duologue_pipeline.cli.options import AllowNetwork, Asr, Embedding, Laughter, Segmentation
from duologue_pipeline.cli.support import (
    EXIT_HELD_BACK,
    EXIT_NOTHING_WRITTEN,
    EXIT_USAGE,
    fail,
    quiet,
    stoppable,
    usage_errors,
)

if TYPE_CHECKING:
    from duologue_pipeline.run import RunRequest

__all__ = ["DEMO_EXAMPLE", "RUN_EXAMPLE", "demo", "run"]

RUN_EXAMPLE: Final = (
    "Example: duologue run calls/manifest.jsonl --out out --ledger consent.db -- --direct_num_workers=2 "
    "--direct_running_mode=multi_processing"
)
DEMO_EXAMPLE: Final = "Example: duologue demo --out demo-out"

IncludeAudio = Annotated[
    bool, typer.Option("--include-audio", help="Write the audio of both tracks into each sample, as stereo FLAC.")
]


def run(
    context: typer.Context,
    manifest: Annotated[
        str,
        typer.Argument(
            help="Read the recordings from this manifest: JSON Lines, one recording a line.", metavar="MANIFEST"
        ),
    ],
    out: Annotated[str, typer.Option(help="Write the release into this folder, which must not hold another release.")],
    ledger: LedgerIfAnyOption = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="RELEASE|CHECKPOINT",
            help="Begin only if the ledger continues this release (a folder, also s3:// or gs://), or the checkpoint in this file; may "
            "be repeated. It finds a ledger that was restored from an older backup.",
        ),
    ] = None,
    purpose: Annotated[
        str, typer.Option(help=f"Use only recordings that both speakers allow for this purpose: {', '.join(Purpose)}.")
    ] = "training_inhouse",
    codec: Annotated[
        str,
        typer.Option(
            help="Make the tokens with this codec. embedded: comes with the package, for trying things out; mimi: for "
            "training, from the local Hugging Face cache; mimi:PATH: for training, from a folder, also one at s3://, gs:// or "
            "https://. encodec: and dac: as encodec:PATH and dac:PATH, likewise; lyra: as lyra:PATH, with ai-edge-litert. "
            "Options follow a question mark, joined by &: device=cpu, cuda or auto; batch=N, the recordings that a "
            "GPU encodes together, 1 to 64; codebooks=N, 1 to 32 (lyra 46); dtype=float32; sha256=HASH of the weights; "
            "accelerator=KIND, the GPU that a cluster is asked for. Example: 'mimi:gs://models/mimi?device=cuda&batch=16'."
        ),
    ] = "embedded",
    segment_s: Annotated[
        float, typer.Option("--segment-s", help="Cut each recording into samples of this many seconds, 1 to 3600.")
    ] = 120.0,
    include_audio: IncludeAudio = False,
    report_audio: Annotated[
        str,
        typer.Option(
            "--report-audio",
            help="Choose how report.html has the sound of the conversations that it shows, with --include-audio. opus: Ogg Opus, the smallest; "
            "mp3: for Safari before 18.4; none: no sound.",
        ),
    ] = "opus",
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
            "fail; refuse-warn: fail, warn; require-pass: fail, warn, undetermined. What is kept carries its verdict."
        ),
    ] = "refuse-fail",
    same_audio: Annotated[
        str,
        typer.Option(
            help="Choose what is done with recordings of which a track holds the same audio as a track of another one. refuse: "
            "local files that hold it are all refused, a copy in a store or on a server is marked; refuse-all: all are "
            "refused; mark: all are kept in one split, and each names the others."
        ),
    ] = "refuse",
    compare_refused_audio: Annotated[
        bool,
        typer.Option(
            "--compare-refused-audio",
            help="Decode the local audio of recordings without consent too, only to refuse what holds the same audio under "
            "another recording_id. Nothing else is kept of it.",
        ),
    ] = False,
    pyannote_segmentation: Segmentation = None,
    pyannote_embedding: Embedding = None,
    asr: Asr = None,
    laughter: Laughter = None,
    allow_network: AllowNetwork = False,
    allow_private_addresses: Annotated[
        bool,
        typer.Option(
            "--allow-private-addresses",
            help="Fetch audio and words also from addresses of private networks, which the manifest names or its servers "
            "redirect to.",
        ),
    ] = False,
    name: Annotated[str, typer.Option(help="Give the dataset this name on its cards.")] = "duologue-dataset",
    card: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET.YAML",
            help="Take what only a person can say of the dataset (publisher, how it was recorded, ...) from this file, keep it in "
            "the release and write it on the cards; `duologue card init` writes one to fill in.",
        ),
    ] = None,
    validation_share: Annotated[
        float,
        typer.Option(
            help="Put about this share of the conversation time into the validation split, 0 to below 1; no speaker is "
            "in both splits."
        ),
    ] = 0.05,
    bridge_share: Annotated[
        float,
        typer.Option(
            help="Where speakers know one another too well for that, set conversations between speakers of validation and "
            "of train aside, up to this share of the time: they are written as the split bridge, which is for neither; "
            "0: none."
        ),
    ] = 0.15,
    shard_hours: Annotated[
        float | None,
        typer.Option(
            help="Put about this many hours of conversation into each shard.",
            show_default="a 128th of all, but .25 to 10 hours",
        ),
    ] = None,
    retry_rejected: Annotated[
        bool,
        typer.Option(
            "--retry-rejected",
            help="Publish nothing while recordings are refused for reasons that may heal (a server that is away, a file that is "
            "missing); the same command tries them again and keeps what is done.",
        ),
    ] = False,
    wait_s: Annotated[
        float,
        typer.Option(
            "--wait-s", help="Wait up to this many seconds for another run or propagation in the same folder to end."
        ),
    ] = 600.0,
) -> None:
    """Make training shards with labels, consent and a card from two-track recordings of conversations.

    What is refused stands in rejected.jsonl, without names; which file, what was found and what to do stands in a private
    file in LEDGER.refused. Without a ledger every recording is refused. Options after -- go to Apache Beam. Exit status: 0 done, or
    submitted; 2 wrong usage or manifest; 3 nothing could be written; 4 held back by --retry-rejected: give the command again.
    """
    if context.args and not context.args[0].startswith("--"):
        fail(f"unexpected argument {context.args[0]!r}; options for Beam go after --", EXIT_USAGE)
    with usage_errors():
        from duologue_pipeline.run import RunRequest

    request = RunRequest(
        manifest=manifest,
        out=out,
        ledger=ledger,
        against=against,
        purpose=purpose,
        codec=codec,
        segment_s=segment_s,
        include_audio=include_audio,
        report_audio=report_audio,
        words=words,
        isolation_policy=isolation_policy,
        same_audio=same_audio,
        compare_refused_audio=compare_refused_audio,
        pyannote_segmentation=pyannote_segmentation,
        pyannote_embedding=pyannote_embedding,
        asr=asr,
        laughter=laughter,
        allow_network=allow_network,
        allow_private_addresses=allow_private_addresses,
        name=name,
        card=card,
        validation_share=validation_share,
        bridge_share=bridge_share,
        shard_hours=shard_hours,
        retry_rejected=retry_rejected,
        wait_s=wait_s,
        beam_args=tuple(context.args),
    )
    _run(request)


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
        str,
        typer.Option(
            help="Make the tokens with this codec: embedded, mimi, or mimi, encodec, dac or lyra with :PATH, as in `duologue run`."
        ),
    ] = "embedded",
    include_audio: IncludeAudio = False,
) -> None:
    """Run the whole pipeline on the three small conversations that come with the package."""
    from duologue_pipeline.demo import demo_files
    from duologue_pipeline.demo.ledger import ledger_for
    from duologue_pipeline.files.names import check_name

    with usage_errors():
        from duologue_pipeline.run import RunRequest

    files = demo_files()
    with usage_errors():
        check_name(out)
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


def _run(request: "RunRequest") -> None:
    """Runs the pipeline and prints the summary."""
    quiet()
    from duologue_pipeline.cli.summary import summarize
    from duologue_pipeline.run import run as run_pipeline

    then = f"what is done is kept in {request.out}; run the command again to go on"
    with stoppable(then), usage_errors():
        result = run_pipeline(request, progress=sys.stderr)
    if result.pending is not None:
        typer.echo(result.pending)
        if result.held_back:
            raise typer.Exit(EXIT_HELD_BACK)
        return
    typer.echo(summarize(result, private=sys.stdout.isatty()))
    if result.release is None:
        raise typer.Exit(EXIT_NOTHING_WRITTEN)
