"""Offers the commands of ``duologue consent`` that append a decision: grant, refuse, withdraw, revoke and invalidate."""

from pathlib import Path
from typing import Annotated

import typer

from duologue_consent.cli.confirm import confirm
from duologue_consent.cli.lineage import affected_lines
from duologue_consent.cli.options import (
    PURPOSES,
    AtOption,
    ByOption,
    EvidenceOption,
    FormsOption,
    GrantedOption,
    GuardianOption,
    LedgerOption,
    MethodOption,
    NewPersonOption,
    NoticeHashOption,
    NoticeLanguageOption,
    NoticeOption,
    NoticeUrlOption,
    NoticeVersionOption,
    PurposesOption,
    ReferenceOption,
    SpeakerArgument,
)
from duologue_consent.cli.support import (
    fail,
    one_line_errors,
    open_ledger,
    read_evidence,
    read_forms,
    read_guardian,
    read_moment,
    read_notice,
    read_purposes,
    read_record,
    read_time,
)
from duologue_consent.decisions.events import Action, format_time
from duologue_consent.decisions.terms import Terms
from duologue_consent.decisions.vocabulary import ALL_FORMS, AgeBand, Decider, Expression, Form, Method
from duologue_consent.ledger.ledger import Ledger

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to an app."""
    app.command(
        epilog="Example: duologue consent grant spk-17 --purpose recording --purpose training_inhouse --ledger consent.db"
    )(grant)
    app.command(epilog="Example: duologue consent refuse spk-17 --purpose likeness --ledger consent.db")(refuse)
    app.command(epilog="Example: duologue consent withdraw spk-17 --purpose training_inhouse --ledger consent.db")(
        withdraw
    )
    app.command(epilog="Example: duologue consent revoke spk-17 --by controller --ledger consent.db")(revoke)
    app.command(epilog="Example: duologue consent invalidate spk-17 --by authority --ledger consent.db")(invalidate)


def grant(
    ledger: LedgerOption,
    speaker: Annotated[
        str | None, typer.Argument(metavar="SPEAKER", help="Name the speaker by the id that manifests use.")
    ] = None,
    purpose: Annotated[
        list[str] | None,
        typer.Option(
            "--purpose", metavar="PURPOSE", help=f"Decide about this purpose; may be repeated. One of {PURPOSES}."
        ),
    ] = None,
    form: FormsOption = None,
    at: AtOption = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Let the grant end by itself at this time. Left out: never."),
    ] = None,
    retention: Annotated[
        int | None,
        typer.Option(
            "--retention", metavar="DAYS", help="Allow the data to be kept for this many days after the recording."
        ),
    ] = None,
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    notice_version: NoticeVersionOption = None,
    notice_language: NoticeLanguageOption = None,
    notice_url: NoticeUrlOption = None,
    method: MethodOption = Method.UNKNOWN,
    expression: Annotated[
        Expression, typer.Option("--expression", help="Record how clearly the decision was expressed.")
    ] = Expression.UNKNOWN,
    jurisdiction: Annotated[
        str | None,
        typer.Option(
            "--jurisdiction", metavar="CODE", help="Record where the speaker was, by ISO 3166 code, e.g. DE or US-IL."
        ),
    ] = None,
    age_band: Annotated[
        AgeBand, typer.Option("--age-band", help="Record how old the speaker was at the decision.")
    ] = AgeBand.UNKNOWN,
    age_years: Annotated[
        int | None,
        typer.Option(
            "--age-years", metavar="YEARS", help="Record the age in completed years, where a law asks for it."
        ),
    ] = None,
    guardian: GuardianOption = None,
    guardian_relation: Annotated[
        str | None,
        typer.Option(
            "--guardian-relation", metavar="TEXT", help="Record how the guardian is related to the minor, e.g. parent."
        ),
    ] = None,
    guardian_verified_by: Annotated[
        str | None,
        typer.Option(
            "--guardian-verified-by", metavar="TEXT", help="Record how it was verified that the guardian may decide."
        ),
    ] = None,
    controller: Annotated[
        str | None, typer.Option("--controller", metavar="NAME", help="Record who asked the speaker.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", metavar="NAME", help="Record to whom the data may go; may be repeated."),
    ] = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="FILE",
            help="Read a whole consent record from this file (JSON), instead of all of the above.",
        ),
    ] = None,
) -> None:
    """Append that a speaker allows purposes. Every purpose needs recording as well.

    With --record it appends every decision of the record, all or none.
    """
    with one_line_errors():
        if record is not None:
            if speaker is not None or purpose:
                fail("--record says who decided what; leave SPEAKER and --purpose out")
            _append_record(ledger, record, new_person=new_person)
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
        opened = open_ledger(ledger)
        granted = opened.grant(speaker, purposes, at=moment, expires_at=expires_at, terms=terms, new_person=new_person)
        confirm(opened, granted, asked=speaker)
        if not form:
            typer.echo(f"covers all forms ({', '.join(Form)}), because no --form names fewer")


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
    new_person: NewPersonOption = False,
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
        opened = Ledger.open(ledger)  # a no needs no clock
        refused = opened.refuse(speaker, purposes, at=moment, terms=terms, new_person=new_person)
        confirm(opened, refused, asked=speaker)


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
    new_person: NewPersonOption = False,
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
        _take_back(ledger, speaker, purpose, at, terms, new_person, Action.WITHDRAW)


def revoke(
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
) -> None:
    """Append that somebody else than the speaker ends what was granted, from now on."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(ledger, speaker, purpose, at, terms, new_person, Action.REVOKE)


def invalidate(
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
) -> None:
    """Append that what was granted never was a valid consent. It then covers no recording, also none made before."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(ledger, speaker, purpose, at, terms, new_person, Action.INVALIDATE)


def _take_back(
    ledger: str,
    speaker: str,
    purpose: list[str] | None,
    at: str | None,
    terms: Terms,
    new_person: bool,
    action: Action,
) -> None:
    purposes, moment = read_purposes(purpose) if purpose else None, None if at is None else read_moment(at)
    opened = Ledger.open(ledger)  # a no needs no clock
    ended = opened.withdraw(speaker, purposes, at=moment, terms=terms, action=action, new_person=new_person)
    confirm(opened, ended, asked=speaker)
    for line in affected_lines(opened):
        typer.echo(line)


def _append_record(ledger: str, file: Path, *, new_person: bool) -> None:
    record = read_record(file)
    read_moment(format_time(record.at), f"--record {file}")
    grants = any(event.action is Action.GRANT for event in record.events)
    opened = open_ledger(ledger) if grants else Ledger.open(ledger)  # a no needs no clock
    decisions = [event.to_fields() for event in record.events]
    confirm(opened, opened.append_decisions(decisions, new_person=new_person), asked=record.speaker_id)
