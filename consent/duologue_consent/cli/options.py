"""Declares the arguments and options that several commands of ``duologue consent`` share."""

from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.decisions.events import Purpose
from duologue_consent.decisions.vocabulary import Decider, Form, Method

__all__ = [
    "PURPOSES",
    "AtOption",
    "ByOption",
    "EvidenceOption",
    "FormatOption",
    "FormsOption",
    "GrantedOption",
    "GuardianOption",
    "LedgerArgument",
    "LedgerOption",
    "MethodOption",
    "NewPersonOption",
    "NoticeHashOption",
    "NoticeLanguageOption",
    "NoticeOption",
    "NoticeUrlOption",
    "NoticeVersionOption",
    "PurposesOption",
    "ReferenceOption",
    "SpeakerArgument",
]

PURPOSES: Final = ", ".join(Purpose)
"""The purposes, for help texts."""

_LEDGER_HELP: Final = "Use this ledger, a file or postgresql://…"
LedgerArgument = Annotated[str, typer.Argument(metavar="LEDGER", help=_LEDGER_HELP)]
LedgerOption = Annotated[str, typer.Option("--ledger", metavar="LEDGER", help=_LEDGER_HELP, show_default=False)]
SpeakerArgument = Annotated[
    str, typer.Argument(metavar="SPEAKER", help="Name the speaker by the id that manifests use.")
]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help="Print text to read, or json for programs.")
]
PurposesOption = Annotated[
    list[str],
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
ByOption = Annotated[
    Decider, typer.Option("--by", help="Record who decided: controller, or authority (a court or regulator).")
]
