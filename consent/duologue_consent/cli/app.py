"""``duologue consent``: what a data steward does with a ledger.

Everything that can be wrong with a call ends as one line on stderr and exit status 2.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from duologue_consent.cli.lineage import affected_lines
from duologue_consent.cli.lineage import register as register_lineage
from duologue_consent.cli.log import register as register_log
from duologue_consent.cli.settle import register as register_settle
from duologue_consent.cli.support import (
    PURPOSES,
    LedgerOption,
    SpeakerArgument,
    chosen_format,
    fail,
    named,
    one_line_errors,
    read_evidence,
    read_forms,
    read_guardian,
    read_moment,
    read_notice,
    read_purposes,
    read_record,
    read_time,
)
from duologue_consent.decisions.consent_receipt import consent_receipt, receipt_text
from duologue_consent.decisions.events import Action, ConsentEvent, format_time
from duologue_consent.decisions.jurisdictions.rules import rules_for, unmet
from duologue_consent.decisions.standing import standing
from duologue_consent.decisions.status import print_table, status_document, useless_note
from duologue_consent.decisions.terms import Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS, AgeBand, Decider, Expression, Form, Method
from duologue_consent.ledger.ledger import Ledger

__all__ = ["app"]

app = typer.Typer(
    name="consent",
    help="Record who allowed what, in a ledger that is only ever appended to.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_HASH_PREFIX: Final = 12

PurposesOption = Annotated[
    list[str], typer.Option("--purpose", metavar="PURPOSE", help=f"May be repeated. One of {PURPOSES}.")
]
GrantedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose", metavar="PURPOSE", help=f"May be repeated. One of {PURPOSES}. Left out: all ever granted."
    ),
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="When it takes effect, e.g. 2026-03-01T10:00:00Z. Left out: now."),
]
FormsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--form", metavar="FORM", help=f"What it is about; may be repeated. One of {', '.join(Form)}. Left out: all."
    ),
]
MethodOption = Annotated[Method, typer.Option("--method", help="How it was indicated.")]
NoticeOption = Annotated[
    Path | None, typer.Option("--notice", metavar="FILE", help="What the speaker was shown; its hash is kept.")
]
NoticeHashOption = Annotated[
    str | None, typer.Option("--notice-hash", metavar="SHA256", help="The notice's hash instead of its file.")
]
NoticeVersionOption = Annotated[str | None, typer.Option("--notice-version", metavar="TEXT", help="Its version.")]
NoticeLanguageOption = Annotated[
    str | None,
    typer.Option("--notice-language", metavar="TAG", help="Its language, e.g. en: also that of the receipt."),
]
NoticeUrlOption = Annotated[str | None, typer.Option("--notice-url", metavar="URL", help="Where it lies.")]
EvidenceOption = Annotated[
    Path | None, typer.Option("--evidence", metavar="FILE", help="A scan, form or recording; its hash is kept.")
]
ReferenceOption = Annotated[
    str | None, typer.Option("--evidence-reference", metavar="TEXT", help="Where you keep the evidence.")
]
GuardianOption = Annotated[
    str | None,
    typer.Option("--guardian", metavar="REFERENCE", help="Who decided for a minor, as your own papers name them."),
]


@app.command(epilog="Example: duologue consent init consent.db")
def init(
    ledger: Annotated[
        str, typer.Argument(metavar="LEDGER", help="The file to make (must not exist), or postgresql://…")
    ],
) -> None:
    """Make an empty ledger and its keys, that only you can read and write."""
    with one_line_errors():
        snapshot = Ledger.create(ledger).snapshot()
        name = named(ledger)
    typer.echo(f"{name}: made, ledger {snapshot.ledger_id}, no events yet, readable by its owner only")


@app.command(
    epilog="Example: duologue consent grant spk-17 --purpose recording --purpose training_inhouse --ledger consent.db"
)
def grant(
    ledger: LedgerOption,
    speaker: Annotated[
        str | None, typer.Argument(metavar="SPEAKER", help="The speaker's id, as manifests write it.")
    ] = None,
    purpose: Annotated[
        list[str] | None, typer.Option("--purpose", metavar="PURPOSE", help=f"May be repeated. One of {PURPOSES}.")
    ] = None,
    form: FormsOption = None,
    at: AtOption = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="When it ends by itself. Left out: never.")
    ] = None,
    retention: Annotated[
        int | None, typer.Option("--retention", metavar="DAYS", help="How long after the recording it may be kept.")
    ] = None,
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    notice_version: NoticeVersionOption = None,
    notice_language: NoticeLanguageOption = None,
    notice_url: NoticeUrlOption = None,
    method: MethodOption = Method.UNKNOWN,
    expression: Annotated[
        Expression, typer.Option("--expression", help="How clearly it was expressed.")
    ] = Expression.UNKNOWN,
    jurisdiction: Annotated[
        str | None, typer.Option("--jurisdiction", metavar="CODE", help="Where the speaker was, e.g. DE or US-IL.")
    ] = None,
    age_band: Annotated[AgeBand, typer.Option("--age-band", help="How old the speaker was.")] = AgeBand.UNKNOWN,
    age_years: Annotated[
        int | None, typer.Option("--age-years", metavar="YEARS", help="Completed years, where a law asks for them.")
    ] = None,
    guardian: GuardianOption = None,
    guardian_relation: Annotated[
        str | None, typer.Option("--guardian-relation", metavar="TEXT", help="E.g. parent.")
    ] = None,
    guardian_verified_by: Annotated[
        str | None, typer.Option("--guardian-verified-by", metavar="TEXT", help="How parenthood was verified.")
    ] = None,
    controller: Annotated[str | None, typer.Option("--controller", metavar="NAME", help="Who asked.")] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", metavar="NAME", help="To whom the data may go; may be repeated."),
    ] = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="A whole consent record (JSON) instead of all of the above."),
    ] = None,
) -> None:
    """Append that a speaker allows purposes. Every purpose needs recording as well.

    With --record it appends whatever the record decides, all or nothing.
    """
    with one_line_errors():
        if record is not None:
            if speaker is not None or purpose:
                fail("--record says who decided what; leave SPEAKER and --purpose out")
            _append_record(ledger, record)
            return
        if speaker is None or not purpose:
            fail("name SPEAKER and at least one --purpose, or a --record")
        terms = Terms(
            forms=read_forms(form) or ALL_FORMS,
            notice=read_notice(notice, notice_hash, notice_version, notice_language, notice_url),
            method=method,
            expression=expression,
            decided_by=Decider.SUBJECT if guardian is None else Decider.GUARDIAN,
            jurisdiction=jurisdiction,
            age_band=age_band,
            age_years=age_years,
            guardian=read_guardian(guardian, guardian_relation, guardian_verified_by),
            retention_days=retention,
            evidence=read_evidence(evidence, evidence_reference),
            controller=controller,
            recipients=recipient or (),
        )
        purposes, moment = read_purposes(purpose), read_moment(at)
        expires_at = None if expires is None else read_time("--expires", expires)
        opened = Ledger.open(ledger)
        _confirm(opened, opened.grant(speaker, purposes, at=moment, expires_at=expires_at, terms=terms))
        if not form:
            typer.echo(f"covers all forms ({', '.join(Form)}), because no --form names fewer")


@app.command(epilog="Example: duologue consent refuse spk-17 --purpose likeness --ledger consent.db")
def refuse(
    speaker: SpeakerArgument,
    purpose: PurposesOption,
    ledger: LedgerOption,
    form: FormsOption = None,
    at: AtOption = None,
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    notice_version: NoticeVersionOption = None,
    notice_language: NoticeLanguageOption = None,
    notice_url: NoticeUrlOption = None,
    method: MethodOption = Method.UNKNOWN,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
) -> None:
    """Append that a speaker was asked for purposes and said no."""
    with one_line_errors():
        terms = Terms(
            forms=read_forms(form),
            notice=read_notice(notice, notice_hash, notice_version, notice_language, notice_url),
            method=method,
            evidence=read_evidence(evidence, evidence_reference),
        )
        purposes, moment = read_purposes(purpose), read_moment(at)
        opened = Ledger.open(ledger)
        _confirm(opened, opened.refuse(speaker, purposes, at=moment, terms=terms))


@app.command(epilog="Example: duologue consent withdraw spk-17 --purpose training_inhouse --ledger consent.db")
def withdraw(
    speaker: SpeakerArgument,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    method: MethodOption = Method.UNKNOWN,
    guardian: GuardianOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
) -> None:
    """Append that a speaker takes back what was granted. Withdrawing recording ends every other purpose, too."""
    with one_line_errors():
        terms = Terms(
            forms=read_forms(form),
            method=method,
            decided_by=Decider.SUBJECT if guardian is None else Decider.GUARDIAN,
            guardian=read_guardian(guardian, None, None),
            evidence=read_evidence(evidence, evidence_reference),
        )
        _take_back(ledger, speaker, purpose, at, terms, Action.WITHDRAW)


ByOption = Annotated[Decider, typer.Option("--by", help="Who: controller, or authority (a court or regulator).")]


@app.command(epilog="Example: duologue consent revoke spk-17 --by controller --ledger consent.db")
def revoke(
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
) -> None:
    """Append that somebody else than the speaker ends what was granted, from now on."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(ledger, speaker, purpose, at, terms, Action.REVOKE)


@app.command(epilog="Example: duologue consent invalidate spk-17 --by authority --ledger consent.db")
def invalidate(
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
) -> None:
    """Append that what was granted never was a valid consent. It then covers no recording, also none made before."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(ledger, speaker, purpose, at, terms, Action.INVALIDATE)


@app.command(epilog="Example: duologue consent status spk-17 --ledger consent.db")
def status(
    ledger: LedgerOption,
    speaker: Annotated[
        str | None, typer.Argument(metavar="SPEAKER", help="Only this speaker. Left out: all.", show_default=False)
    ] = None,
    output: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """Show how every purpose stands now."""
    with one_line_errors():
        chosen_format(output)
        snapshot = Ledger.open(ledger).snapshot()
        if speaker is not None and not snapshot.history(speaker):
            fail(f"{named(ledger)}: has no event of speaker {speaker!r}; see all with `duologue consent status`")
    speakers = snapshot.speakers if speaker is None else (speaker,)
    as_of = datetime.now(UTC)
    if output == "json":
        typer.echo(json.dumps(status_document(snapshot, speakers, as_of), indent=2, ensure_ascii=False))
    elif not speakers:
        typer.echo(f"{named(ledger)}: no events yet")
    else:
        print_table(snapshot, speakers, as_of)


@app.command(epilog="Example: duologue consent receipt spk-17 --ledger consent.db > spk-17.md")
def receipt(
    speaker: SpeakerArgument,
    ledger: LedgerOption,
    output: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text: Markdown to read; json: for machines.")
    ] = "text",
) -> None:
    """Print what is on record about a speaker, for the speaker, in the language of the notice."""
    with one_line_errors():
        chosen_format(output)
        document = consent_receipt(Ledger.open(ledger).snapshot(), speaker, as_of=datetime.now(UTC))
    if output == "json":
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        typer.echo(receipt_text(document), nl=False)


register_log(app)
register_lineage(app)
register_settle(app)


def _take_back(
    ledger: str, speaker: str, purpose: list[str] | None, at: str | None, terms: Terms, action: Action
) -> None:
    purposes, moment = read_purposes(purpose) if purpose else None, read_moment(at)
    opened = Ledger.open(ledger)
    _confirm(opened, opened.withdraw(speaker, purposes, at=moment, terms=terms, action=action))
    for line in affected_lines(opened):
        typer.echo(line)


def _append_record(ledger: str, file: Path) -> None:
    record = read_record(file)
    read_moment(format_time(record.at), f"--record {file}")
    opened = Ledger.open(ledger)
    _confirm(opened, opened.append_decisions([event.to_fields() for event in record.events]))


def _confirm(ledger: Ledger, appended: Iterable[ConsentEvent]) -> None:
    """Says what was appended and how it stands now: a decision with a time in the past may be overruled by a later one.

    What a rule of the place would ask of the record is said at once, while whoever enters it can still ask the speaker.
    """
    snapshot, now = ledger.snapshot(), datetime.now(UTC)
    for event in appended:
        state = standing(snapshot.history(event.speaker_id), event.purpose, now).state
        typer.echo(
            f"appended seq {event.seq}, {event.sha256[:_HASH_PREFIX]}: {event.action} {event.speaker_id} "
            f"{event.purpose} at {format_time(event.at)}; now {state}"
        )
        note = useless_note(snapshot, event.speaker_id, event.purpose, now)
        if note is not None:
            typer.echo(note)
        if event.action is Action.GRANT:
            for line in _incomplete(event):
                typer.echo(line)


def _incomplete(grant: ConsentEvent) -> list[str]:
    jurisdiction, minor = grant.terms.jurisdiction, grant.terms.age_band is AgeBand.MINOR
    notes = ["note: a minor's consent counts only with --guardian"] if minor and grant.terms.guardian is None else []
    for rule in rules_for(jurisdiction) if jurisdiction is not None else ():
        missing = (
            unmet(rule, grant, minor=minor, jurisdiction=str(jurisdiction)) if grant.purpose in rule.purposes else None
        )
        if missing is not None:
            notes.append(f"note: does not meet {rule.rule_id} ({rule.citation}): {missing}; {rule.cure}")
    return notes
