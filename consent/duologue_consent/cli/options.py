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
    "LedgerOption",
    "MethodOption",
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

LedgerOption = Annotated[
    str,
    typer.Option(
        "--ledger", metavar="LEDGER", help="Names the ledger: its file, or postgresql://…", show_default=False
    ),
]
SpeakerArgument = Annotated[
    str, typer.Argument(metavar="SPEAKER", help="Names the speaker by the id that manifests use.")
]
FormatOption = Annotated[str, typer.Option("--format", metavar="FORMAT", help="Chooses the output: text or json.")]
PurposesOption = Annotated[
    list[str],
    typer.Option("--purpose", metavar="PURPOSE", help=f"Names a purpose; may be repeated. One of {PURPOSES}."),
]
GrantedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose",
        metavar="PURPOSE",
        help=f"Names a purpose; may be repeated. One of {PURPOSES}. Left out: every purpose that was ever granted.",
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="Says when the decision takes effect, e.g. 2026-03-01T10:00:00Z. Left out: now."
    ),
]
FormsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--form",
        metavar="FORM",
        help=f"Names a form of the data that the decision covers; may be repeated. One of {', '.join(Form)}. "
        "Left out: all.",
    ),
]
MethodOption = Annotated[Method, typer.Option("--method", help="Says how the decision was indicated.")]
NoticeOption = Annotated[
    Path | None,
    typer.Option(
        "--notice", metavar="FILE", help="Names the notice that the speaker was shown; the ledger keeps its hash."
    ),
]
NoticeHashOption = Annotated[
    str | None,
    typer.Option("--notice-hash", metavar="SHA256", help="Gives the hash of the notice instead of its file."),
]
NoticeVersionOption = Annotated[
    str | None, typer.Option("--notice-version", metavar="TEXT", help="Names the version of the notice.")
]
NoticeLanguageOption = Annotated[
    str | None,
    typer.Option(
        "--notice-language",
        metavar="TAG",
        help="Names the language of the notice, e.g. en; the speaker's receipt comes in the same one.",
    ),
]
NoticeUrlOption = Annotated[str | None, typer.Option("--notice-url", metavar="URL", help="Says where the notice lies.")]
EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        help="Names a scan, form or recording that shows the decision; the ledger keeps its hash.",
    ),
]
ReferenceOption = Annotated[
    str | None, typer.Option("--evidence-reference", metavar="TEXT", help="Says where you keep the evidence.")
]
GuardianOption = Annotated[
    str | None,
    typer.Option("--guardian", metavar="REFERENCE", help="Names who decided for a minor, as your own papers do."),
]
ByOption = Annotated[
    Decider, typer.Option("--by", help="Says who decided: controller, or authority (a court or regulator).")
]
