"""A ledger and a release that it let through, for whole propagations."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from duologue_consent import ALL_FORMS, Ledger, Purpose, parse_time
from duologue_consent.ledger.publication import publish_log
from duologue_consent.proofs.notes import open_checkpoint
from duologue_pipeline.records import ConsentBasis, GrantRef, Recording, SpeakerConsent
from tests.pipeline.withdrawal.support import CALLS, Call, make_calls

GRANTED_AT = parse_time("2026-01-01T00:00:00Z")
WITHDRAWN_AT = parse_time("2026-05-01T00:00:00Z")
PURPOSES = (Purpose.RECORDING, Purpose.TRAINING_INHOUSE, Purpose.REDISTRIBUTION)


@dataclass(frozen=True)
class World:
    """A release in ``out`` and the ledger that it was made with."""

    out: Path
    path: Path

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened anew."""
        return Ledger.open(self.path)

    def withdraw(self, speaker: str, *purposes: Purpose, at: datetime = WITHDRAWN_AT) -> None:
        """Appends that the speaker withdraws the purposes; all that were granted if none is named."""
        self.ledger.withdraw(speaker, purposes or None, at=at)

    def files(self) -> dict[str, bytes]:
        """Every file of the release."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes() for path in self.out.rglob("*") if path.is_file()
        }


def make_world(
    folder: Path,
    *,
    purpose: str = "training_inhouse",
    expires: dict[str, datetime] | None = None,
    calls: Collection[Call] = CALLS,
) -> World:
    """The release of :func:`make_calls`, for a purpose, with everybody's consent in a ledger; ``expires`` ends some."""
    path = folder / "consent.db"
    ledger = Ledger.create(path)
    for speaker in sorted({speaker for call in calls for speaker in (call.a, call.b)}):
        ledger.grant(speaker, PURPOSES, at=GRANTED_AT, expires_at=(expires or {}).get(speaker))
    snapshot, note = ledger.snapshot(), ledger.checkpoint()

    def consent(recording: Recording, _: str = "") -> ConsentBasis:
        sides = [
            SpeakerConsent(
                snapshot.commitment(track.speaker_id), (GrantRef(purpose, "0" * 64, "2026-01-01T00:00:00Z"),)
            )
            for track in recording.tracks
        ]
        return ConsentBasis(purpose, snapshot.ledger_id, ALL_FORMS, *sides)

    pinned: dict[str, Any] = {
        "ledger_id": snapshot.ledger_id,
        "events": open_checkpoint(note, ledger.verifiers).size,
        "checkpoint": note.decode(),
    }
    with patch("tests.conftest.make_consent", consent):
        out = make_calls(folder, calls, ledger=pinned, purpose=purpose)

    def write(name: str, data: bytes) -> None:
        (out / name).write_bytes(data)

    publish_log(ledger, write, checkpoint=note)
    return World(out, path)
