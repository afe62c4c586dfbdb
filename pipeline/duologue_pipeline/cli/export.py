"""Defines ``duologue export``: writes a release as files that others' own code reads, and keeps them up to date."""

import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from duologue_consent import Purpose
from duologue_consent.cli.options import FormatOption, LedgerIfAnyOption
from duologue_consent.cli.said import counted, joined
from duologue_pipeline.cli.support import EXIT_FAULTS, EXIT_USAGE, fail, quiet, stoppable, usage_errors

__all__ = ["export_app"]

_PURPOSES: Final = ", ".join(Purpose)
_SHOWN: Final = 20
_Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="DATASET", help="Find the release here.", show_default="where it was when it was exported"
    ),
]


def export_app() -> typer.Typer:
    """Makes the group of commands: one a format, and those that look after exports."""
    from duologue_pipeline.export.registry import FORMATS, find_format

    app = typer.Typer(rich_markup_mode=None)
    for name in FORMATS:
        made = find_format(name)
        options = "".join(f"\n\n--set {key}={_shown(each.default)}: {each.help}" for key, each in made.options.items())
        example = f"Example: duologue export {name} out --out {name}-out"
        app.command(name, help=f"{made.description}{options}", epilog=example)(_command(name))
    app.command(epilog="Example: duologue export refresh moshi-data --ledger consent.db")(refresh)
    app.command(epilog="Example: duologue export status moshi-data")(status)
    return app


def _command(name: str) -> Callable[..., None]:
    def export(
        dataset: Annotated[
            str,
            typer.Argument(
                metavar="DATASET", help="Export the release in this folder, also s3://, gs:// or http(s)://."
            ),
        ],
        out: Annotated[str, typer.Option("--out", metavar="DIR", help="Write the files into this local folder.")],
        split: Annotated[
            list[str] | None,
            typer.Option(
                "--split",
                metavar="SPLIT",
                help="Export train, validation or bridge; may be repeated.",
                show_default="train; validation where models are tested",
            ),
        ] = None,
        where: Annotated[
            list[str] | None,
            typer.Option(
                "--where",
                metavar="CONDITION",
                help="Export only samples for which this holds, e.g. 'language == en-US' or 'frames >= 125'; may be repeated. "
                "The columns are those of index.parquet and recordings.parquet.",
            ),
        ] = None,
        model_speaker: Annotated[
            str,
            typer.Option(
                "--model-speaker",
                metavar="WHO",
                help="Let the model speak the side a, b, both (each sample twice), or role:NAME, the speakers with that role.",
            ),
        ] = "both",
        tokenizer: Annotated[
            str | None, typer.Option("--tokenizer", metavar="FILE", help="Make text tokens with this tokenizer.")
        ] = None,
        public: Annotated[
            bool,
            typer.Option(
                "--public",
                help="Write what may be handed to anybody: only what both speakers allow for redistribution, and no id of a "
                "speaker or recording.",
            ),
        ] = False,
        purpose: Annotated[
            str | None,
            typer.Option(
                "--purpose",
                metavar="PURPOSE",
                help=f"Export for this purpose, one that the release was made for: {_PURPOSES}.",
                show_default="training_inhouse; redistribution with --public",
            ),
        ] = None,
        settings: Annotated[
            list[str] | None,
            typer.Option(
                "--set", metavar="NAME=VALUE", help="Set an option of the format, see above; may be repeated."
            ),
        ] = None,
        ledger: LedgerIfAnyOption = None,
    ) -> None:
        quiet()
        with stoppable("run the command again to go on from here"), usage_errors():
            from duologue_pipeline.cli.export_options import parse_condition, parse_settings
            from duologue_pipeline.export.held_out import HELD_OUT
            from duologue_pipeline.export.registry import is_held_out
            from duologue_pipeline.export.request import ExportRequest

            request = ExportRequest(
                format=name,
                splits=tuple(split or [HELD_OUT if is_held_out(name) else "train"]),
                where=tuple(parse_condition(each) for each in where or ()),
                model_speaker=model_speaker,
                tokenizer=tokenizer,
                public=public,
                purpose=purpose or ("redistribution" if public else "training_inhouse"),
                options=parse_settings(settings or ()),
            )
            outcome = _make(dataset, out, request, ledger)
        typer.echo(_summary(out, outcome))

    return export


def refresh(
    out: Annotated[str, typer.Argument(metavar="DIR", help="Bring the export in this folder up to date.")],
    dataset: _Dataset = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer", metavar="FILE", help="Find the tokenizer here.", show_default="where it was at first"
        ),
    ] = None,
    ledger: LedgerIfAnyOption = None,
) -> None:
    """Bring an export to the newest version of its release, and search it for what was withdrawn.

    Only the parts are written anew of which the shard has changed. Exit status: 0 done, or up to date already; 2 it cannot be done.
    """
    quiet()
    with stoppable("run the command again to go on from here"), usage_errors():
        from duologue_pipeline.export.folder import Folder
        from duologue_pipeline.export.upkeep import kept_request, scan_export

        searched = 0

        def search() -> None:
            nonlocal searched
            searched = scan_export(out, uri)

        uri, request, _ = kept_request(Folder(out), dataset, tokenizer)
        outcome = _make(uri, out, request, ledger, then=search)
    typer.echo(_summary(out, outcome))
    if outcome.changed:
        typer.echo(f"parts: {outcome.written} written, {outcome.kept} kept, {outcome.removed} removed")
    typer.echo(f"searched: {searched} files, each as the release makes it now, and none names what was withdrawn")


def status(
    out: Annotated[str, typer.Argument(metavar="DIR", help="Look at the export in this folder.")],
    dataset: _Dataset = None,
    output: FormatOption = "text",
) -> None:
    """Tell whether an export is whole and holds the newest version of its release; nothing is written.

    Exit status: 0 it is; 1 it is stale, unfinished, or its files were changed; 2 it cannot be told.
    """
    quiet()
    if output not in ("text", "json"):
        fail(f"--format {output!r}: there is no such format; write text or json", EXIT_USAGE)
    with usage_errors():
        from duologue_pipeline.export.upkeep import export_status

        found = export_status(out, dataset=dataset)
    if output == "json":
        typer.echo(json.dumps({**asdict(found), "is_current": found.is_current}, indent=2))
    else:
        for fault in found.faults[:_SHOWN]:
            typer.echo(f"{out}: {fault}")
        if found.is_current:
            typer.echo(f"{out}: {found.name} of {found.holds}, up to date")
        else:
            held = "is unfinished" if found.holds is None else f"holds {found.holds}"
            typer.echo(
                f"{out}: {found.name} {held}, and the release is {found.now}; run `duologue export refresh {out}`, which "
                f"writes what has changed of {counted(found.parts, 'part')}"
            )
    if not found.is_current:
        raise typer.Exit(EXIT_FAULTS)


def _make(dataset: str, out: str, request: Any, ledger: str | None, *, then: Callable[[], None] = lambda: None) -> Any:
    from duologue_pipeline.export.folder import Folder
    from duologue_pipeline.export.make import make_export
    from duologue_pipeline.export.recipient import Recipient
    from duologue_pipeline.progress import ProgressShow
    from duologue_pipeline.withdrawal.protocol import faults_as_usage

    recipient = None
    if ledger is not None:
        from duologue_consent import Ledger

        with faults_as_usage():
            opened = Ledger.open(ledger, now=datetime.now(UTC))
        recipient = Recipient(opened, dataset, str(Folder(out).root), request)
    with ProgressShow(sys.stderr) as show, warnings.catch_warnings():

        def progress(done: int, total: int, hours: float) -> None:
            show.show(done / total, f"{done} of {total} samples", hours=hours, last=done == total)

        warnings.showwarning = lambda message, *_, **__: show.say(f"note: {message}")
        outcome = make_export(
            dataset,
            out,
            request,
            progress=progress,
            **({"before_writing": recipient.before_writing} if recipient else {}),
        )
        then()
        if recipient is not None:
            recipient.done()
        elif outcome.changed and (request.public or outcome.document["release"]["ledger_id"] is not None):
            show.say(
                "note: the export is on nobody's record; with --ledger LEDGER a withdrawal names it and its folder"
            )
    return outcome


def _summary(out: str, outcome: Any) -> str:
    document = outcome.document
    release, words, samples = document["release"], document["words"], document["samples"]
    head = f"{out}: {document['format']} of {release['name']} {release['version']}, {joined(document['splits'])}"
    if not outcome.changed:
        return f"{head} is there already, and up to date"
    lines = [
        f"Done: {head}: {_head_count(samples, document['duration_s'])}, {counted(document['files']['count'], 'file')}",
        f"words: {words['written']:,} of {words['listed']:,} that the samples list",
        *_left_out("word", words["left_out"], document["why_left_out"]),
        *_left_out("sample", samples["left_out"], document["why_left_out"]),
    ]
    if not samples["written"]:
        lines.append(f"note: nothing is in it. {' '.join(document['why_left_out'].values())}")
    return "\n".join(lines)


def _head_count(samples: dict[str, Any], duration_s: float) -> str:
    # the duration is that of all samples that were read
    length = f"{duration_s / 3600:.2f} h"
    if not samples["left_out"]:
        return f"{counted(samples['written'], 'sample')}, {length}"
    return f"{counted(samples['written'], 'sample')}, made of {length} that were read"


def _left_out(what: str, reasons: dict[str, int], why: dict[str, str]) -> list[str]:
    return [f"  left out: {counted(count, what)} ({reason}): {why[reason]}" for reason, count in reasons.items()]


def _shown(default: Any) -> str:
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default)
