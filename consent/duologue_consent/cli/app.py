"""Assembles ``duologue consent``: what a data steward does with a ledger.

Everything that can be wrong with a call ends as one line on stderr and exit status 2.
"""

import typer

from duologue_consent.cli import HELP
from duologue_consent.cli.decide import register as register_decide
from duologue_consent.cli.lineage import register as register_lineage
from duologue_consent.cli.log import register as register_log
from duologue_consent.cli.options import LedgerIfAnyOption, LedgerPlace
from duologue_consent.cli.settle import register as register_settle
from duologue_consent.cli.show import register as register_show
from duologue_consent.cli.support import named, one_ledger, one_line_errors
from duologue_consent.ledger.ledger import Ledger

__all__ = ["app"]

app = typer.Typer(
    name="consent",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command(epilog="Example: duologue consent init consent.db")
def init(context: typer.Context, place: LedgerPlace = None, ledger: LedgerIfAnyOption = None) -> None:
    """Make an empty ledger and its keys, which only you can read and write.

    LEDGER is a file that does not exist yet, or an empty database.
    """
    with one_line_errors():
        where = one_ledger(context, place, ledger)
        snapshot = Ledger.create(where).snapshot()
    typer.echo(f"{named(where)}: made, ledger {snapshot.ledger_id}, no events yet, readable by its owner only")


register_decide(app)
register_show(app)
register_log(app)
register_lineage(app)
register_settle(app)
