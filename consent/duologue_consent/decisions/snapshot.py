"""Holds the ledger at one moment as a plain value: no database, and no key. It names people, and stays where it was made."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from duologue_consent.decisions.events import ConsentEvent
from duologue_consent.decisions.in_force import RUN_WITHOUT
from duologue_consent.decisions.names import by_skeleton, escaped, look_alikes, named_by
from duologue_consent.decisions.policy import Decision, decide
from duologue_consent.decisions.recorded import Recorded
from duologue_consent.decisions.vocabulary import ALL_FORMS, Form

__all__ = ["DENIALS", "Snapshot"]

DENIALS: Final = ("consent_invalidated", "consent_revoked", "consent_withdrawn", "consent_refused")
"""The reasons by which somebody has said no, or somebody for them."""


@dataclass(frozen=True)
class Snapshot:
    """Holds all decisions in the first ``events`` leaves of a ledger. Picklable; holds raw speaker ids, so never write it.

    Attributes:
        ledger_id: which ledger.
        events: how many leaves of the log it covers, of decisions and of everything else.
        latest: the latest time at which anything in the ledger is dated, None where nothing is; a clock that shows less
            is behind (:mod:`duologue_consent.decisions.clock`).
    """

    ledger_id: str
    events: int
    _salt: bytes = field(repr=False)
    _by_speaker: dict[str, tuple[ConsentEvent, ...]] = field(repr=False, hash=False)
    _pseudonyms: dict[str, str] = field(repr=False, hash=False)
    _by_skeleton: dict[str, tuple[str, ...]] = field(repr=False, hash=False)
    latest: datetime | None = None

    @classmethod
    def of(
        cls,
        *,
        ledger_id: str,
        events: int,
        salt: bytes,
        decisions: Iterable[ConsentEvent],
        pseudonyms: Mapping[str, str],
        latest: datetime | None = None,
    ) -> "Snapshot":
        """Sorts the decisions of a ledger by speaker.

        Args:
            ledger_id: which ledger.
            events: how many leaves of the log the decisions are of.
            salt: 32 bytes that blind the ids of speakers who are not in the ledger.
            decisions: in the order of the log.
            pseudonyms: one for every speaker of the decisions.
            latest: the latest time that anything in the ledger is dated.
        """
        by_speaker: dict[str, list[ConsentEvent]] = {}
        for event in decisions:
            by_speaker.setdefault(event.speaker_id, []).append(event)
        frozen = {speaker_id: tuple(own) for speaker_id, own in sorted(by_speaker.items())}
        known = {speaker_id: pseudonyms[speaker_id] for speaker_id in frozen}
        return cls(ledger_id, events, salt, frozen, known, by_skeleton(frozen), latest)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Lists the ids of all speakers with an event, sorted."""
        return tuple(self._by_speaker)

    def history(self, speaker_id: str) -> tuple[ConsentEvent, ...]:
        """Lists the events of a speaker in the order in which they were appended; none for an unknown one."""
        return self._by_speaker.get(speaker_id, ())

    def look_alikes(self, speaker_id: str) -> tuple[str, ...]:
        """Lists the speakers whose id looks like this one and is not it (:mod:`duologue_consent.decisions.names`)."""
        return look_alikes(speaker_id, self._by_skeleton)

    def perhaps_the_same(self, speaker_id: str) -> tuple[str, ...]:
        """Lists those of :meth:`look_alikes` of whom it is not on record that they are another person than this one."""
        if self._is_declared(speaker_id):
            return ()
        return tuple(each for each in self.look_alikes(speaker_id) if not self._is_declared(each))

    def _is_declared(self, speaker_id: str) -> bool:
        return any(event.new_person for event in self.history(speaker_id))

    def commitment(self, speaker_id: str) -> str:
        """Gives what stands for the speaker in every output: a pseudonym of 64 lower-case hex digits.

        The same speaker has the same one in all runs with this ledger, until the speaker is forgotten: it comes from the
        speaker's secret in the vault (:meth:`duologue_consent.ledger.vault.SubjectSecret.pseudonym`), and cannot be found again
        without it. Of somebody who is not in the ledger it is the HMAC-SHA256 of the id keyed with the ledger's salt; that
        one stands in rejections only.
        """
        known = self._pseudonyms.get(speaker_id)
        if known is not None:
            return known
        return hmac.new(self._salt, speaker_id.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def decide(
        self,
        speaker_id: str,
        *,
        purpose: str,
        recorded_at: datetime | Recorded | None,
        as_of: datetime,
        forms: Iterable[Form] = ALL_FORMS,
        jurisdiction: str | None = None,
        run_without: Mapping[Form, str] = RUN_WITHOUT,
    ) -> Decision:
        """Decides whether the speaker allows a use: :func:`duologue_consent.decisions.policy.decide` over the speaker's events.

        Where somebody whose id looks like the speaker's has said no, and it is not on record that they are two people, it is
        not allowed: ``consent_look_alike``.

        ``forms`` are what of the recording is used (all that there is if not said), ``jurisdiction`` is where the
        speaker was by the manifest; the rules of that jurisdiction and of the one on record both hold. ``run_without`` says
        how the run leaves a form out.

        Raises:
            ValueError: the purpose or a form is none, or a time has no zone.
        """
        used = tuple(forms)

        def decided(each: str) -> Decision:
            return decide(
                self.history(each),
                purpose,
                recorded_at,
                as_of,
                speaker_id=each,
                forms=used,
                jurisdiction=jurisdiction,
                run_without=run_without,
            )

        own = decided(speaker_id)
        if own.reason == "consent_unknown_speaker" and self.look_alikes(speaker_id):
            detail = (
                f"{own.detail} {escaped(speaker_id)} looks like {named_by(self.look_alikes(speaker_id))}, who is in the ledger: correct the manifest, or, where "
                "they are two people, enter the decision with --new-person."
            )
            return replace(own, detail=detail)
        if own.allowed:
            for other in self.perhaps_the_same(speaker_id):
                found = decided(other)
                if found.reason in DENIALS:
                    detail = (
                        f"Speaker {speaker_id!r}, purpose {purpose}: {escaped(speaker_id)} looks like {escaped(other)}, who is in "
                        f"the ledger and does not allow it ({found.reason}); leave the recording out, or, where they are two "
                        "people, enter the decision again with its own --at and --new-person."
                    )
                    return Decision(False, "consent_look_alike", detail, ())
        return own
