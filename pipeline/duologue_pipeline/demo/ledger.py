"""Makes the consent ledger of the sample's six speakers, with the same log and signatures every time.

It is made where the demo runs and not shipped, because a ledger's keys are files for its owner only. Its seed is
public: nobody real is in it.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from duologue_consent import ALL_FORMS, Ledger, LedgerError, Notice, Purpose, Terms
from duologue_consent.ledger.seeded import seeded_entropy
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import is_remote

__all__ = ["ledger_for", "write_demo_ledger"]

LEDGER_ID: Final = "00000000-0000-4000-8000-64756f6c6f67"  # ends in "duolog"
SPEAKERS: Final = ("spk-alder", "spk-birch", "spk-cedar", "spk-dogwood", "spk-elm", "spk-fir")
REFUSES_REDISTRIBUTION: Final = "spk-fir"
NOTICE: Final = "A conversation is recorded, and used for what you agree to. You can take that back at any time."
"""What the sample's speakers, who are nobody, were shown."""

_OPENED_AT: Final = datetime(2026, 2, 20, 9, 0, tzinfo=UTC)  # before the first recording


def ledger_for(out: str) -> Path:
    """Gives the ledger of a demo's release, ``OUT.consent.db``, and makes it where there is none.

    With it withdrawing can be tried. It lies beside the release, or in the current folder if the release is remote.

    Raises:
        UsageError: it cannot be made.
    """
    name = out.rstrip("/")
    path = Path(f"{name.rpartition('/')[2] if is_remote(name) else name}.consent.db")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_demo_ledger(path)
    except (LedgerError, OSError) as error:
        raise UsageError(str(error)) from None
    return path


def write_demo_ledger(path: Path) -> Path:
    """Makes the ledger: everyone grants recording and in-house training, all but one redistribution.

    Raises:
        LedgerError: the file exists or cannot be made.
    """
    ledger = Ledger.create(
        path, ledger_id=LEDGER_ID, created_at=_OPENED_AT, entropy=seeded_entropy(b"duologue demo ledger 2.1")
    )
    terms = Terms(forms=ALL_FORMS, notice=Notice(hashlib.sha256(NOTICE.encode()).hexdigest(), "1", "en"))
    for number, speaker_id in enumerate(SPEAKERS, start=1):
        at = _OPENED_AT + timedelta(days=1, minutes=10 * number)
        ledger.grant(speaker_id, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=at, terms=terms, entered_at=at)
        if speaker_id == REFUSES_REDISTRIBUTION:
            ledger.refuse(speaker_id, [Purpose.REDISTRIBUTION], at=at, entered_at=at)
        else:
            ledger.grant(speaker_id, [Purpose.REDISTRIBUTION], at=at, terms=terms, entered_at=at)
    return path
