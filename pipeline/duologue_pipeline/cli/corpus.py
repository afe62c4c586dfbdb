"""Defines ``duologue corpus list``, ``prepare`` and ``check``: the field's corpora, brought to manifests."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.cli.said import counted
from duologue_pipeline.cli.manifest import AnonymousOption, HashedOption, LanguageOption, OutOption, ZoneOption, tell
from duologue_pipeline.cli.options import AllowNetwork, Embedding, Segmentation
from duologue_pipeline.cli.support import EXIT_FAULTS, on_terminal, quiet, stoppable, usage_errors
from duologue_pipeline.errors import UsageError

__all__ = ["CHECK_EXAMPLE", "LIST_EXAMPLE", "PREPARE_EXAMPLE", "check_corpus", "list_corpora", "prepare"]

CHECK_EXAMPLE: Final = "Example: duologue corpus check fisher --sample 20"
LIST_EXAMPLE: Final = "Example: duologue corpus list"
PREPARE_EXAMPLE: Final = (
    "Example: duologue corpus prepare fisher /ldc/LDC2004S13 --transcripts /ldc/LDC2004T19 --out fisher"
)


def list_corpora(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document with all that is known.")] = False,
) -> None:
    """List the corpora and deliveries that are known: licence, tracks, verdict, and what prepare needs."""
    from duologue_pipeline.corpora.adapter import adapters
    from duologue_pipeline.corpora.table import rows_of, table_of

    if as_json:
        typer.echo(json.dumps([each.document() for each in adapters()], ensure_ascii=False, indent=1))
    elif on_terminal():
        _show(rows_of(adapters()))
    else:
        typer.echo(table_of(adapters()))


def _show(rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for place, name in enumerate(rows[0]):
        table.add_column(name, overflow="fold", no_wrap=place == 0)
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    Console().print(table)


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
            help="Say when the recordings were made, where the corpus does not: name:FORMAT: it stands in the names; metadata: in the files; or a year, a month, a day or an interval.",
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
    from duologue_pipeline.corpora.prepare import prepare_corpus
    from duologue_pipeline.corpora.request import CorpusRequest
    from duologue_pipeline.intake.moments import read_started, read_zone
    from duologue_pipeline.intake.speakers import read_speaker_map
    from duologue_pipeline.intake.tables import read_table
    from duologue_pipeline.intake.write import write_intake

    with stoppable("--out may be there in part; run it again, which writes the same"), usage_errors():
        adapter = adapter_named(corpus)
        if started_at is not None and started_at.startswith("column:"):
            raise UsageError(
                f"--started-at {started_at}: is for the tables of `duologue manifest`; write the times of the map as 2026-03-01T10:00:00Z"
            )
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
            metadata=started_at == "metadata",
            zone=moment_zone,
            language=language,
            hashed_ids=hashed_ids or adapter.hashed_ids,
        )
        intake, beside = prepare_corpus(request)
        tell(write_intake(intake, out, anonymous_sides=anonymous_sides, hashed_ids=request.hashed_ids, beside=beside))


def check_corpus(
    out: Annotated[
        Path,
        typer.Argument(help="Look into this folder, the --out of prepare or of `duologue manifest`.", metavar="OUT"),
    ],
    sample: Annotated[int, typer.Option(help="Look at so many recordings, from all over the corpus.", min=1)] = 20,
    pyannote_segmentation: Segmentation = None,
    pyannote_embedding: Embedding = None,
    allow_network: AllowNetwork = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")] = False,
) -> None:
    """Look at a few recordings as a run would, before hours are spent: files, isolation, words on the right track, same audio.

    Nobody's consent is asked, and nothing is written. The same recordings are chosen every time. Exit status: 0 nothing was found; 1
    something was; 2 there is no manifest, or it cannot be read.
    """
    quiet()
    from duologue_pipeline.corpora.check import CorpusCheck, sample_of
    from duologue_pipeline.isolation.second_opinion import SecondOpinion

    with stoppable("nothing was changed"), usage_errors():
        manifest = out / "manifest.jsonl" if out.is_dir() else out
        opinion = SecondOpinion.of(pyannote_segmentation, pyannote_embedding, allow_network=allow_network)
        recordings, lines = sample_of(str(manifest), sample)
        check = CorpusCheck(listener=opinion.open() if opinion else None)
        found = list(check.findings(recordings))
    if as_json:
        told = {"recordings": lines, "looked_at": [each.recording_id for each in recordings], **check.verdicts}
        typer.echo(json.dumps({**told, "findings": [asdict(each) for each in found]}, ensure_ascii=False, indent=1))
    else:
        for each in found:
            where = f"{each.recording_id}{'' if each.track is None else f' track {each.track}'}"
            typer.echo(f"{where}: {each.what} {each.level}: {each.fault}; {each.remedy}")
        typer.echo(
            f"{manifest}: looked at {len(recordings)} of {counted(lines, 'recording')}, found {counted(len(found), 'fault')}",
            err=True,
        )
        for what, verdicts in check.verdicts.items():
            counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
            typer.echo(f"{what}: {counts or 'none'}", err=True)
    if found:
        raise typer.Exit(EXIT_FAULTS)
