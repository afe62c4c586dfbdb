"""Declares the arguments and options that several commands of ``duologue consent`` share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.decisions.events import Purpose
from duologue_consent.decisions.vocabulary import Decider, Form, Method

__all__ = [
    "LEDGER_VARIABLE",
    "PURPOSES",
    "AskedOption",
    "AtOption",
    "ByOption",
    "DetailsOption",
    "DryRunOption",
    "EncodingOption",
    "EvidenceOption",
    "FormatOption",
    "FormsOption",
    "GrantedOption",
    "GuardianOption",
    "LedgerIfAnyOption",
    "LedgerOption",
    "LedgerPlace",
    "MethodOption",
    "NewPersonOption",
    "NoticeHashOption",
    "NoticeLanguageOption",
    "NoticeOption",
    "NoticeUrlOption",
    "NoticeVersionOption",
    "ReferenceOption",
    "SamePersonOption",
    "SpeakerArgument",
    "SpeakerIfAnyArgument",
    "TableOption",
]

PURPOSES: Final = ", ".join(Purpose)
"""The purposes, for help texts."""

LEDGER_VARIABLE: Final = "DUOLOGUE_LEDGER"
"""The environment variable that names the ledger where ``--ledger`` is left out."""

_LEDGER: Final = typer.Option(
    "--ledger",
    metavar="LEDGER",
    envvar=LEDGER_VARIABLE,
    help="Use this ledger of consent, a file or postgresql://…",
    show_default=False,
)
LedgerOption = Annotated[str, _LEDGER]
LedgerIfAnyOption = Annotated[str | None, _LEDGER]
LedgerPlace = Annotated[
    str | None, typer.Argument(metavar="LEDGER", help="The same as --ledger LEDGER.", show_default=False)
]
SpeakerArgument = Annotated[
    str, typer.Argument(metavar="SPEAKER", help="Name the speaker by the id that manifests use.")
]
SpeakerIfAnyArgument = Annotated[
    str | None,
    typer.Argument(metavar="SPEAKER", help="Name the speaker by the id that manifests use.", show_default=False),
]
DetailsOption = Annotated[
    bool,
    typer.Option("--details", help="Print as well what stands where in the ledger, and everything else that is known."),
]
TableOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="TABLE",
        help="Enter every row of this table, all or none: CSV with a header, of which the columns are named as the options "
        "(speaker, purpose, at, …; several values in a cell with ;), or JSON Lines. An option holds for every row where "
        "the table does not fill in that column.",
        show_default=False,
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="Read the table in this encoding, e.g. cp1252. Left out: UTF-8, or UTF-16 with a mark.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print what would be appended, and append nothing; with --from.")
]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="Print text to read, or json for programs.")
]
AskedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose", metavar="PURPOSE", help=f"Decide about this purpose; may be repeated. One of {PURPOSES}."
    ),
]
GrantedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose",
        metavar="PURPOSE",
        help=f"Decide about this purpose; may be repeated. One of {PURPOSES}. Left out: every purpose that was ever granted.",
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Let the decision take effect at this time, e.g. 2026-03-01T10:00:00Z. Left out: now.",
    ),
]
FormsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--form",
        metavar="FORM",
        help=f"Cover this form of the data; may be repeated. One of {', '.join(Form)}. Left out: all.",
    ),
]
MethodOption = Annotated[Method, typer.Option("--method", help="Record how the decision was indicated.")]
NoticeOption = Annotated[
    Path | None,
    typer.Option(
        "--notice", metavar="FILE", help="Record the hash of this file, the notice that the speaker was shown."
    ),
]
NoticeHashOption = Annotated[
    str | None,
    typer.Option("--notice-hash", metavar="SHA256", help="Record this hash of the notice, instead of its file."),
]
NoticeVersionOption = Annotated[
    str | None, typer.Option("--notice-version", metavar="TEXT", help="Record this version of the notice.")
]
NoticeLanguageOption = Annotated[
    str | None,
    typer.Option(
        "--notice-language",
        metavar="TAG",
        help="Record this language of the notice, e.g. en; the speaker's receipt comes in the same one.",
    ),
]
NoticeUrlOption = Annotated[
    str | None, typer.Option("--notice-url", metavar="URL", help="Record where the notice lies.")
]
EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Record the hash of this file, a scan, form or recording that shows the decision.",
    ),
]
ReferenceOption = Annotated[
    str | None, typer.Option("--evidence-reference", metavar="TEXT", help="Record where you keep the evidence.")
]
GuardianOption = Annotated[
    str | None,
    typer.Option(
        "--guardian", metavar="REFERENCE", help="Record who decided for a minor, as your own papers name them."
    ),
]
NewPersonOption = Annotated[
    bool,
    typer.Option(
        "--new-person",
        help="Mean this very id: it is of another person than those in the ledger whose id looks like it.",
    ),
]
SamePersonOption = Annotated[
    bool,
    typer.Option(
        "--same-person", help="Mean the person in the ledger whose id looks like this one, and enter it for that id."
    ),
]
ByOption = Annotated[
    Decider, typer.Option("--by", help="Record who decided: controller, or authority (a court or regulator).")
]
