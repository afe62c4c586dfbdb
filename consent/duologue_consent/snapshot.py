"""The ledger at one moment as a plain value, which the pipeline ships to its workers. No database."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from .events import ConsentEvent
from .policy import Decision, decide
from .terms import ALL_FORMS, Form

__all__ = ["Snapshot"]


@dataclass(frozen=True)
class Snapshot:
    """All events of a ledger up to ``head_sha256``. Picklable; holds raw speaker ids and the salt, so never write it.

    Attributes:
        ledger_id: which ledger.
        events: how many events it holds.
        head_sha256: hash of the last one, or the ledger's genesis hash where there is none.
    """

    ledger_id: str
    events: int
    head_sha256: str
    _salt: bytes = field(repr=False)
    _by_speaker: dict[str, tuple[ConsentEvent, ...]] = field(repr=False, hash=False)

    @classmethod
    def of(cls, *, ledger_id: str, salt: bytes, head_sha256: str, events: Iterable[ConsentEvent]) -> "Snapshot":
        """Sorts the events of a ledger by speaker."""
        by_speaker: dict[str, list[ConsentEvent]] = {}
        for event in events:
            by_speaker.setdefault(event.speaker_id, []).append(event)
        frozen = {speaker_id: tuple(own) for speaker_id, own in sorted(by_speaker.items())}
        return cls(ledger_id, sum(map(len, frozen.values())), head_sha256, salt, frozen)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The ids of all speakers with an event, sorted."""
        return tuple(self._by_speaker)

    def history(self, speaker_id: str) -> tuple[ConsentEvent, ...]:
        """The events of a speaker in the order in which they were appended; empty for an unknown one."""
        return self._by_speaker.get(speaker_id, ())

    def commitment(self, speaker_id: str) -> str:
        """What stands for the speaker in every output: HMAC-SHA256 of the id keyed with the ledger's salt.

        Lower-case hex. The same speaker has the same commitment in all runs with this ledger, also before the first
        event; without the salt nobody can find the id by trying.
        """
        return hmac.new(self._salt, speaker_id.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def decide(
        self,
        speaker_id: str,
        *,
        purpose: str,
        recorded_at: datetime | None,
        as_of: datetime,
        forms: Iterable[Form] = ALL_FORMS,
        jurisdiction: str | None = None,
    ) -> Decision:
        """Whether the speaker allows the use: :func:`duologue_consent.policy.decide` over the speaker's events.

        ``forms`` are what of the recording is used (all that there is if not said), ``jurisdiction`` is where the
        speaker was by the manifest; the rules of that place and of the one on record both hold.

        Raises:
            ValueError: the purpose or a form is none, or a time has no zone.
        """
        return decide(
            self.history(speaker_id),
            purpose,
            recorded_at,
            as_of,
            speaker_id=speaker_id,
            forms=forms,
            jurisdiction=jurisdiction,
        )
