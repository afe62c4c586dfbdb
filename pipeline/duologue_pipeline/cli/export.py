"""Defines ``duologue export``: writes a release as files that others' own code reads, and keeps them up to date."""

import sys
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from duologue_consent import Purpose
from duologue_pipeline.cli.support import quiet, stoppable, usage_errors

__all__ = ["export_app"]

_PURPOSES: Final = ", ".join(Purpose)


def export_app() -> typer.Typer:
    """Makes the group of commands: one a format, and those that look after exports."""
    from duologue_pipeline.export.registry import FORMATS, find_format

    app = typer.Typer(rich_markup_mode=None)
    for name in FORMATS:
        made = find_format(name)
        options = "".join(f"\n\n--set {key}={_shown(each.default)}: {each.help}" for key, each in made.options.items())
        example = f"Example: duologue export {name} out --out {name}-out"
        app.command(name, help=f"{made.description}{options}", epilog=example)(_command(name))
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
                show_default="train",
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
    ) -> None:
        quiet()
        with stoppable("run the command again to go on from here"), usage_errors():
            from duologue_pipeline.cli.export_options import parse_condition, parse_settings
            from duologue_pipeline.export.request import ExportRequest

            request = ExportRequest(
                format=name,
                splits=tuple(split or ["train"]),
                where=tuple(parse_condition(each) for each in where or ()),
                model_speaker=model_speaker,
                tokenizer=tokenizer,
                public=public,
                purpose=purpose or ("redistribution" if public else "training_inhouse"),
                options=parse_settings(settings or ()),
            )
            _make(dataset, out, request)

    return export


def _make(dataset: str, out: str, request: Any) -> None:
    from duologue_pipeline.export.make import make_export
    from duologue_pipeline.progress import ProgressShow

    with ProgressShow(sys.stderr) as show:

        def progress(done: int, total: int, hours: float) -> None:
            show.show(done / total, f"{done} of {total} samples", hours=hours, last=done == total)

        outcome = make_export(dataset, out, request, progress=progress)
    typer.echo(_summary(out, outcome))


def _summary(out: str, outcome: Any) -> str:
    document = outcome.document
    release, words, samples = document["release"], document["words"], document["samples"]
    head = f"{out}: {document['format']} of {release['name']} {release['version']}"
    if not outcome.changed:
        return f"{head} is there already, and up to date"
    lines = [
        f"Done: {head}, {samples['written']} samples, {document['duration_s'] / 3600:.2f} h, {document['files']['count']} files",
        f"words: {words['written']} of {words['listed']} that the samples list{_left_out(words['left_out'])}",
    ]
    if samples["left_out"]:
        lines.append(f"samples left out{_left_out(samples['left_out'])}")
    return "\n".join(lines)


def _left_out(reasons: dict[str, int]) -> str:
    return f": {', '.join(f'{count} {reason}' for reason, count in reasons.items())}" if reasons else ""


def _shown(default: Any) -> str:
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default)
