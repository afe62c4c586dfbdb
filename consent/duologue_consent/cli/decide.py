"""Offers the commands of ``duologue consent`` that append a decision: grant, refuse, withdraw, revoke and invalidate."""

from pathlib import Path
from typing import Annotated

import typer

from duologue_consent.cli.asking import Meant, asking_who, require_one_meaning
from duologue_consent.cli.bulk import enter_table
from duologue_consent.cli.confirm import confirm
from duologue_consent.cli.next_steps import ledger_words
from duologue_consent.cli.options import (
    AskedOption,
    AtOption,
    ByOption,
    DetailsOption,
    DryRunOption,
    EncodingOption,
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
    ReferenceOption,
    SamePersonOption,
    SpeakerArgument,
    SpeakerIfAnyArgument,
    TableOption,
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
from duologue_consent.decisions.events import Action, ConsentEvent, format_time
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
    context: typer.Context,
    ledger: LedgerOption,
    speaker: SpeakerIfAnyArgument = None,
    purpose: AskedOption = None,
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
    same_person: SamePersonOption = False,
    table: TableOption = None,
    encoding: EncodingOption = None,
    dry_run: DryRunOption = False,
    details: DetailsOption = False,
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

    With --record it appends every decision of the record, with --from every row of a table, all or none.
    """
    with one_line_errors():
        meant = require_one_meaning(new_person=new_person, same_person=same_person)
        if record is not None:
            if speaker is not None or purpose or table is not None:
                fail("--record says who decided what; leave SPEAKER, --purpose and --from out")
            _append_record(context, ledger, record, meant, details=details)
            return
        if table is not None:
            if speaker is not None:
                fail("--from says who decided; leave SPEAKER out")
            enter_table(context, ledger, table, Action.GRANT, encoding=encoding, dry_run=dry_run, details=details)
            return
        _require_no_table(encoding, dry_run=dry_run)
        if speaker is None or not purpose:
            fail("name SPEAKER and at least one --purpose, a --record, or a table --from")
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

        def append(whom: Meant) -> tuple[ConsentEvent, ...]:
            return opened.grant(
                speaker,
                purposes,
                at=moment,
                expires_at=expires_at,
                terms=terms,
                new_person=whom == "new",
                same_person=whom == "same",
            )

        confirm(
            opened, asking_who(append, meant=meant), asked=speaker, again=ledger_words(context, ledger), details=details
        )
        if not form:
            typer.echo(f"note: covers all forms ({', '.join(Form)}), because no --form names fewer")


def refuse(
    context: typer.Context,
    ledger: LedgerOption,
    speaker: SpeakerIfAnyArgument = None,
    purpose: AskedOption = None,
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
    table: TableOption = None,
    encoding: EncodingOption = None,
    dry_run: DryRunOption = False,
    details: DetailsOption = False,
) -> None:
    """Append that a speaker was asked for purposes and said no. With --from it appends every row of a table, all or none."""
    with one_line_errors():
        if table is not None:
            if speaker is not None:
                fail("--from says who decided; leave SPEAKER out")
            enter_table(context, ledger, table, Action.REFUSE, encoding=encoding, dry_run=dry_run, details=details)
            return
        _require_no_table(encoding, dry_run=dry_run)
        if speaker is None or not purpose:
            fail("name SPEAKER and at least one --purpose, or a table --from")
        terms = Terms(
            forms=read_forms(form),
            notice=read_notice(notice, notice_hash, notice_version, notice_language, notice_url),
            method=method,
            evidence=read_evidence(evidence, evidence_reference),
        )
        purposes, moment = read_purposes(purpose), read_moment(at)
        opened = Ledger.open(ledger)  # a no needs no clock
        refused = opened.refuse(speaker, purposes, at=moment, terms=terms, new_person=new_person)
        confirm(opened, refused, asked=speaker, again=ledger_words(context, ledger), details=details)


def withdraw(
    context: typer.Context,
    ledger: LedgerOption,
    speaker: SpeakerIfAnyArgument = None,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    method: MethodOption = Method.UNKNOWN,
    guardian: GuardianOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
    table: TableOption = None,
    encoding: EncodingOption = None,
    dry_run: DryRunOption = False,
    details: DetailsOption = False,
) -> None:
    """Append that a speaker takes back what was granted. Withdrawing recording ends every other purpose, too.

    With --from it appends every row of a table, all or none.
    """
    with one_line_errors():
        if table is not None:
            if speaker is not None:
                fail("--from says who decided; leave SPEAKER out")
            enter_table(context, ledger, table, Action.WITHDRAW, encoding=encoding, dry_run=dry_run, details=details)
            return
        _require_no_table(encoding, dry_run=dry_run)
        if speaker is None:
            fail("name SPEAKER, or a table --from")
        terms = Terms(
            forms=read_forms(form),
            method=method,
            decided_by=Decider.SUBJECT if guardian is None else Decider.GUARDIAN,
            guardian=read_guardian(guardian, None, None),
            evidence=read_evidence(evidence, evidence_reference),
        )
        _take_back(context, ledger, speaker, purpose, at, terms, new_person, Action.WITHDRAW, details=details)


def revoke(
    context: typer.Context,
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
    details: DetailsOption = False,
) -> None:
    """Append that somebody else than the speaker ends what was granted, from now on."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(context, ledger, speaker, purpose, at, terms, new_person, Action.REVOKE, details=details)


def invalidate(
    context: typer.Context,
    speaker: SpeakerArgument,
    by: ByOption,
    ledger: LedgerOption,
    purpose: GrantedOption = None,
    form: FormsOption = None,
    at: AtOption = None,
    evidence: EvidenceOption = None,
    evidence_reference: ReferenceOption = None,
    new_person: NewPersonOption = False,
    details: DetailsOption = False,
) -> None:
    """Append that what was granted never was a valid consent. It then covers no recording, also none made before."""
    with one_line_errors():
        terms = Terms(forms=read_forms(form), decided_by=by, evidence=read_evidence(evidence, evidence_reference))
        _take_back(context, ledger, speaker, purpose, at, terms, new_person, Action.INVALIDATE, details=details)


def _take_back(
    context: typer.Context,
    ledger: str,
    speaker: str,
    purpose: list[str] | None,
    at: str | None,
    terms: Terms,
    new_person: bool,
    action: Action,
    *,
    details: bool,
) -> None:
    purposes, moment = read_purposes(purpose) if purpose else None, None if at is None else read_moment(at)
    opened = Ledger.open(ledger)  # a no needs no clock
    ended = opened.withdraw(speaker, purposes, at=moment, terms=terms, action=action, new_person=new_person)
    confirm(opened, ended, asked=speaker, again=ledger_words(context, ledger), details=details)


def _require_no_table(encoding: str | None, *, dry_run: bool) -> None:
    """Ends the command where an option is given that is for a table alone, and there is none."""
    if encoding is not None or dry_run:
        fail("--encoding and --dry-run are for a table; name it with --from")


def _append_record(context: typer.Context, ledger: str, file: Path, meant: Meant, *, details: bool) -> None:
    record = read_record(file)
    read_moment(format_time(record.at), f"--record {file}")
    grants = any(event.action is Action.GRANT for event in record.events)
    opened = open_ledger(ledger) if grants else Ledger.open(ledger)  # a no needs no clock
    decisions = [event.to_fields() for event in record.events]

    def append(whom: Meant) -> tuple[ConsentEvent, ...]:
        return opened.append_decisions(decisions, new_person=whom == "new", same_person=whom == "same")

    appended = asking_who(append, meant=meant)
    confirm(opened, appended, asked=record.speaker_id, again=ledger_words(context, ledger), details=details)
