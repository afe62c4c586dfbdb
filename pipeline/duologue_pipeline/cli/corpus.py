"""Defines ``duologue corpus list``, ``prepare`` and ``check``: the field's corpora, brought to manifests."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_pipeline.cli.manifest import AnonymousOption, HashedOption, LanguageOption, OutOption, ZoneOption, tell
from duologue_pipeline.cli.support import usage_errors

__all__ = ["LIST_EXAMPLE", "PREPARE_EXAMPLE", "list_corpora", "prepare"]

LIST_EXAMPLE: Final = "Example: duologue corpus list"
PREPARE_EXAMPLE: Final = (
    "Example: duologue corpus prepare fisher /ldc/LDC2004S13 --transcripts /ldc/LDC2004T19 --out fisher"
)


def list_corpora(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document with all that is known.")] = False,
) -> None:
    """List the corpora and deliveries that are known: licence, tracks, verdict, and what prepare needs."""
    from duologue_pipeline.corpora.adapter import adapters
    from duologue_pipeline.corpora.table import table_of

    if as_json:
        typer.echo(json.dumps([each.document() for each in adapters()], ensure_ascii=False, indent=1))
    else:
        typer.echo(table_of(adapters()))


def prepare(
    corpus: Annotated[
        str, typer.Argument(help="Take in this corpus: a name of `duologue corpus list`.", metavar="NAME")
    ],
    root: Annotated[Path, typer.Argument(help="Read it from this folder, as it was delivered.", metavar="ROOT")],
    out: OutOption,
    transcripts: Annotated[
        Path | None,
        typer.Option(
            help="Read transcripts and tables from this folder, where they lie apart from the audio.", metavar="ROOT2"
        ),
    ] = None,
    speakers: Annotated[
        str | None,
        typer.Option(
            help="Read from this table who speaks: columns recording, side, speaker, as in speakers.csv. It counts more than the corpus.",
            metavar="CSV",
        ),
    ] = None,
    anonymous_sides: AnonymousOption = False,
    started_at: Annotated[
        str | None,
        typer.Option(
            help="Say when the recordings were made, where the corpus does not: name:FORMAT, or a year, a month, a day or an interval.",
            metavar="WHEN",
        ),
    ] = None,
    zone: ZoneOption = None,
    language: LanguageOption = None,
    hashed_ids: HashedOption = False,
) -> None:
    """Make a manifest of a corpus, with words files and a table of its speakers.

    Every file of the folder is in the manifest, used otherwise, or in refused.jsonl, with the reason. Nobody's consent is granted and
    no speaker is guessed. Exit status: 0 done; 2 wrong usage, or a corpus that is refused: nothing is written.
    """
    from duologue_pipeline.corpora.adapter import adapter_named
    from duologue_pipeline.corpora.one_recording import CorpusRequest
    from duologue_pipeline.corpora.prepare import prepare_corpus
    from duologue_pipeline.intake.moments import read_started, read_zone
    from duologue_pipeline.intake.speakers import read_speaker_map
    from duologue_pipeline.intake.tables import read_table
    from duologue_pipeline.intake.write import write_intake

    with usage_errors():
        adapter = adapter_named(corpus)
        moment_zone = read_zone(zone)
        sides = ["a", "b", *adapter.roles.values()]
        request = CorpusRequest(
            adapter=adapter,
            root=root,
            out=out,
            transcripts=transcripts,
            speakers=None if speakers is None else read_speaker_map(read_table(speakers), sides),
            anonymous_sides=anonymous_sides,
            started=read_started(started_at, moment_zone),
            zone=moment_zone,
            language=language,
            hashed_ids=hashed_ids or adapter.hashed_ids,
        )
        intake, beside = prepare_corpus(request)
        tell(write_intake(intake, out, anonymous_sides=anonymous_sides, hashed_ids=request.hashed_ids, beside=beside))
