"""The consent of the six speakers of the embedded sample: a ledger that is the same, byte for byte, every time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from duologue_consent import Ledger, Purpose

__all__ = ["write_ledger"]

LEDGER_ID: Final = "00000000-0000-4000-8000-64756f6c6f67"  # ends in "duolog"
SALT: Final = bytes(range(32))  # no secret: the speakers of the sample are synthetic
OPENED_AT: Final = datetime(2026, 2, 20, 9, 0, tzinfo=UTC)  # before the first recording
REFUSES_REDISTRIBUTION: Final = "spk-fir"


def write_ledger(path: Path, speaker_ids: Sequence[str]) -> None:
    """Writes the ledger anew: everyone grants recording and in-house training, all but one redistribution.

    Args:
        path: replaced if it exists.
        speaker_ids: in the order in which they were asked.
    """
    path.unlink(missing_ok=True)
    ledger = Ledger.create(path, ledger_id=LEDGER_ID, salt=SALT, created_at=OPENED_AT)
    for number, speaker_id in enumerate(speaker_ids, start=1):
        at = OPENED_AT + timedelta(days=1, minutes=10 * number)
        ledger.grant(speaker_id, [Purpose.RECORDING, Purpose.TRAINING_INHOUSE], at=at)
        if speaker_id == REFUSES_REDISTRIBUTION:
            ledger.refuse(speaker_id, [Purpose.REDISTRIBUTION], at=at)
        else:
            ledger.grant(speaker_id, [Purpose.REDISTRIBUTION], at=at)
    path.chmod(0o644)  # a package's file is read by everyone
