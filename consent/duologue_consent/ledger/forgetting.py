"""Forgets one person: deletes the person's key and sealed records, and appends that somebody was forgotten, not who."""

from datetime import UTC, datetime

from duologue_consent.decisions.events import format_time
from duologue_consent.errors import LedgerError
from duologue_consent.ledger.access import Access
from duologue_consent.ledger.drafting import SEE_STATUS, check_speaker
from duologue_consent.ledger.reading import FORGOTTEN
from duologue_consent.ledger.tables import RECORDS, SUBJECTS
from duologue_consent.ledger.vault import LEDGER_ITSELF

__all__ = ["forget_subject"]


def forget_subject(access: Access, subject: str, *, at: datetime | None) -> int:
    """Deletes all that tells whose the subject's leaves are; gives how many records went.

    Arguments and faults are those of :meth:`duologue_consent.ledger.ledger.Ledger.forget`.
    """
    check_speaker(subject)
    at_text = format_time(at or datetime.now(UTC))
    with access.writing() as transaction:
        connection, tag = transaction.connection, transaction.vault_key.tag(subject)
        gone = connection.execute(RECORDS.delete().where(RECORDS.c.tag == tag)).rowcount
        if not connection.execute(SUBJECTS.delete().where(SUBJECTS.c.tag == tag)).rowcount:
            raise access.store.error(f"has no event of speaker {subject!r}, so nobody to forget; {SEE_STATUS}")
        transaction.append([(FORGOTTEN, {"at": at_text, "records": gone}, LEDGER_ITSELF)])
    try:
        access.store.compact()
    except LedgerError as error:
        raise LedgerError(
            f"{error}. The speaker is forgotten, but stale copies of rows may be left in the database until it is "
            "rewritten: run VACUUM (SQLite) or VACUUM FULL (PostgreSQL)"
        ) from None
    return gone
