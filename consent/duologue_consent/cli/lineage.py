"""Offers ``duologue consent lineage``: which release trained what, who has it, and whom to tell of a withdrawal."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from duologue_consent.cli.options import DetailsOption, FormatOption, LedgerOption
from duologue_consent.cli.said import counted
from duologue_consent.cli.support import (
    chosen_format,
    fail,
    named,
    one_line_errors,
    open_ledger,
    read_moment,
    require_continues,
)
from duologue_consent.decisions.events import format_time
from duologue_consent.lineage.lineage import (
    ACKNOWLEDGED,
    ISSUED,
    LINKED,
    Affected,
    Link,
    NoticeState,
    Role,
    affected_links,
    new_notices,
    notice_document,
    notice_text,
)
from duologue_consent.lineage.release_facts import read_release_facts
from duologue_consent.lineage.store import read_links, read_notices

if TYPE_CHECKING:
    from duologue_consent.ledger.ledger import Ledger

__all__ = ["affected_lines", "register"]

_app = typer.Typer(
    help="Record which release trained which model and who received it; tell them of withdrawals.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Adds the commands to an app, as ``lineage``."""
    app.add_typer(_app, name="lineage")


@_app.command(epilog="Example: duologue consent lineage add moshi-ft-3 --dataset out --ledger consent.db")
def add(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name the model, or whoever received the release.")],
    dataset: Annotated[
        str,
        typer.Option("--dataset", metavar="DATASET", help="Read the release from this folder, also s3:// or gs://."),
    ],
    ledger: LedgerOption,
    role: Annotated[
        str, typer.Option("--as", metavar="ROLE", help="Record what MODEL is: model or recipient.")
    ] = "model",
    contact: Annotated[str | None, typer.Option("--contact", metavar="TEXT", help="Record where notices go.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="Record when that was. Left out: now.")] = None,
    details: DetailsOption = False,
) -> None:
    """Append that a release trained a model, or was handed to somebody."""
    with one_line_errors():
        if role not in get_args(Role):
            fail(f"--as {role!r}: there is no such role; write model or recipient")
        moment = read_moment(at)
        opened = open_ledger(ledger)
        facts = read_release_facts(dataset)
        snapshot = opened.snapshot()
        if facts.ledger_id != snapshot.ledger_id:
            fail(f"{dataset}: was made with ledger {facts.ledger_id}, and {named(ledger)} is {snapshot.ledger_id}")
        require_continues(opened, facts.checkpoints)
        link = Link(
            role="model" if role == "model" else "recipient",
            name=name,
            contact=contact,
            release=facts.sha256,
            dataset=facts.label,
            purposes=facts.purposes,
            speakers=tuple(facts.recorded_ms),
            forms=facts.forms,
            at=format_time(moment),
            folder=dataset if "://" in dataset else str(Path(dataset).absolute()),
        )
        entry = opened.append(LINKED, link.to_fields())
        went = "was trained on" if link.role == "model" else "received"
        typer.echo(
            f"Done: on record that {role} {name} {went} {facts.label}, with {counted(len(link.speakers), 'speaker')}."
        )
        if details:
            typer.echo(f"appended seq {entry.seq}: release {link.release} in {link.folder}, at {link.at}")
        for affected in affected_links({entry.seq: link}, snapshot, as_of=datetime.now(UTC)):
            typer.echo(f"note: {_affected_text(affected)}")


@_app.command("list", epilog="Example: duologue consent lineage list --ledger consent.db")
def list_(ledger: LedgerOption, output: FormatOption = "text") -> None:
    """Show every model and recipient, and how many of its speakers have withdrawn since."""
    with one_line_errors():
        chosen_format(output)
        opened = open_ledger(ledger)
        links = read_links(opened)
        gone = {a.seq: len(a.gone) for a in affected_links(links, opened.snapshot(), as_of=datetime.now(UTC))}
    if output == "json":
        rows = [
            {"seq": seq, **link.to_fields(), "speakers": len(link.speakers), "withdrawn": gone.get(seq, 0)}
            for seq, link in links.items()
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not links:
        typer.echo(f"{named(ledger)}: no lineage yet; add some with `duologue consent lineage add`")
    for seq, link in links.items():
        where = "" if link.export is None else f" in {link.export}{' (replaced since)' if link.replaced else ''}"
        typer.echo(
            f"{seq}: {link.role} {link.name}{where}, {link.dataset}, {link.at}: {len(link.speakers)} speakers, "
            f"{gone.get(seq, 0)} of them withdrawn since"
        )


@_app.command(epilog="Example: duologue consent lineage notices --ledger consent.db --out notices")
def notices(
    ledger: LedgerOption,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Issue what is owed, and write every notice that is not yet acknowledged into this folder.",
        ),
    ] = None,
    output: FormatOption = "text",
) -> None:
    """Show the notices that withdrawals call for: owed, issued, acknowledged. With --out, issue and write them.

    You send them; this program sends nothing.
    """
    with one_line_errors():
        chosen_format(output)
        opened = open_ledger(ledger)
        snapshot = opened.snapshot()
        links = read_links(opened)
        states = read_notices(opened, links)
        owed = new_notices(affected_links(links, snapshot, as_of=datetime.now(UTC)), states)
        if out is not None:
            for notice in owed:
                opened.append(ISSUED, notice.to_fields(), once=True)
            states, owed = read_notices(opened, links), []
            _write(out, states, snapshot.ledger_id)
    rows: list[dict[str, Any]] = [{"state": "owed", **notice_document(n, ledger_id=snapshot.ledger_id)} for n in owed]
    for state in states:
        answered = state.acknowledged_at is not None
        rows.append(
            {
                "state": "acknowledged" if answered else "issued",
                **notice_document(state.notice, ledger_id=snapshot.ledger_id),
                **(
                    {"at": state.acknowledged_at, "by": state.acknowledged_by, "remark": state.remark}
                    if answered
                    else {}
                ),
            }
        )
    if output == "json":
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not rows:
        typer.echo("no notice is owed: no speaker of a recorded release has withdrawn")
    for row in rows:
        where = f", {out}/notice-{row['notice_id']}.md" if out is not None and row["state"] == "issued" else ""
        answer = f" at {row['at']}{_by(row['by'])}" if row["state"] == "acknowledged" else ""
        typer.echo(
            f"{row['notice_id']} {row['state']}{answer}: {row['role']} {row['name']}, {row['dataset']}, "
            f"{len(row['withdrawn'])} speakers{where}"
        )


@_app.command(epilog='Example: duologue consent lineage acknowledge 3f2a... --by "Jo, Acme" --ledger consent.db')
def acknowledge(
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="Name the notice by its number.")],
    ledger: LedgerOption,
    by: Annotated[str | None, typer.Option("--by", metavar="TEXT", help="Record who acknowledged it.")] = None,
    remark: Annotated[
        str | None, typer.Option("--remark", metavar="TEXT", help="Record what they say they have done.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Record when it was acknowledged. Left out: now.")
    ] = None,
    details: DetailsOption = False,
) -> None:
    """Append that a notice was acknowledged."""
    with one_line_errors():
        moment = read_moment(at)
        opened = open_ledger(ledger)
        states = {state.notice.notice_id: state for state in read_notices(opened, read_links(opened))}
        if notice not in states:
            fail(f"{named(ledger)}: no notice {notice} was issued; see `duologue consent lineage notices`")
        if states[notice].acknowledged_at is not None:
            fail(f"notice {notice} was acknowledged at {states[notice].acknowledged_at} already")
        fields = {"notice_id": notice, "at": format_time(moment), "by": by, "remark": remark}
        entry = opened.append(ACKNOWLEDGED, fields)
        typer.echo(f"Done: notice {notice} was acknowledged at {format_time(moment)}{_by(by)}.")
        if details:
            typer.echo(f"appended seq {entry.seq}")


def affected_lines(ledger: "Ledger") -> list[str]:
    """Writes a line for each model and recipient that a withdrawal concerns and that was not told yet."""
    links = read_links(ledger)
    if not links:
        return []
    affected = affected_links(links, ledger.snapshot(), as_of=datetime.now(UTC))
    owed = {notice.link_seq for notice in new_notices(affected, read_notices(ledger, links))}
    lines = [f"affected: {_affected_text(each)}" for each in affected if each.seq in owed]
    if lines:
        lines.append("write the notices with `duologue consent lineage notices --out DIR`")
    return lines


def _affected_text(affected: Affected) -> str:
    link, count = affected.link, len(affected.gone)
    if link.export is not None:
        return (
            f"{link.name} in {link.export}, made of {link.dataset}, holds {count} withdrawn speaker{'' if count == 1 else 's'}: after "
            f"`propagate` run `duologue export refresh {shlex.quote(link.export)}`"
        )
    verb = "was trained on" if link.role == "model" else "received"
    return f"{link.role} {link.name} {verb} {link.dataset}, which holds {count} withdrawn speaker{'' if count == 1 else 's'}"


def _write(folder: Path, states: list[NoticeState], ledger_id: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for state in states:
            if state.acknowledged_at is None:
                path = folder / f"notice-{state.notice.notice_id}"
                document = notice_document(state.notice, ledger_id=ledger_id)
                path.with_suffix(".json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
                path.with_suffix(".md").write_text(notice_text(state.notice, ledger_id=ledger_id))
    except OSError as error:
        fail(f"--out {folder}: cannot be written ({error.strerror}); choose another folder")


def _by(who: str | None) -> str:
    return "" if who is None else f" by {who}"
