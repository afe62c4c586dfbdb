"""Goes through a manifest as a run would and says of each recording what the run would say.

It asks the functions that a run asks, in their order, so that both agree: the reader of the manifest, the consent gate, and of the
files what :mod:`duologue_pipeline.validate.files` asks. What needs models (who is heard when, how well the tracks are kept apart) is
left to the run. As in a run, no audio of a recording without consent is opened.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from duologue_pipeline.consent.decide import Refused, decide_all
from duologue_pipeline.consent.gate import recording_time
from duologue_pipeline.consent.look_alikes import check_look_alikes, mistakable_speakers
from duologue_pipeline.errors import REMEDIES, RejectError, UsageError
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import absolute_uri, check_name
from duologue_pipeline.read.whole import Manifest, load_manifest
from duologue_pipeline.records import SPEAKERS, Recording, Rejected
from duologue_pipeline.run.forked import shared_map
from duologue_pipeline.run.request import RunRequest, check_judging
from duologue_pipeline.stages.tried import tried
from duologue_pipeline.validate.finding import Decided, Finding, Totals, finding_of, split_told, warning_of
from duologue_pipeline.validate.lines import line_findings

__all__ = ["Validation"]


class Validation:
    """Looks at a manifest for a run.

    Args:
        request: what the run would be asked; ``out`` is not looked at. Without a ``ledger`` nobody is asked for consent.
        files: whether audio and words are read.
        seen: is told after each recording that was looked at: how many are done, of how many, and the hours of audio in them.

    Attributes:
        totals: what became of the recordings, complete when all findings were taken.

    Raises:
        UsageError: an option is not what it may be.
    """

    def __init__(
        self, request: RunRequest, *, files: bool, seen: Callable[[int, int, float], None] = lambda *_: None
    ) -> None:
        check_judging(request)
        self._request = request
        self._files = files
        self._seen = seen
        self.totals = Totals()

    def findings(self) -> Iterator[Finding]:
        """Finds all that is wrong: with the lines of the manifest first, then by recording, what several share last.

        Raises:
            UsageError: the manifest or the ledger cannot be read, or a store cannot be asked.
        """
        request = self._request
        if request.allow_private_addresses:
            allow_private_addresses()
        uri = absolute_uri(request.manifest)
        manifest = load_manifest(uri, each=shared_map)
        self.totals.lines = manifest.lines
        yield from line_findings(uri, speakers=request.ledger is None)
        decided = partial(_decided, manifest, self._check(manifest))
        if not self._files:
            yield from self._by_name(decided())
            return
        from duologue_pipeline.validate.files import FilesCheck  # with what decodes and compares

        check = FilesCheck(request, self.totals, refusal=self._refusal, of_time=self._of_time, seen=self._seen)
        yield from check.findings(decided, most=manifest.recordings)

    def _check(self, manifest: Manifest) -> Callable[[Recording], Any] | None:
        """Gives what asks the ledger of a recording; None where there is no ledger to be asked."""
        request, now = self._request, datetime.now(UTC)
        if request.ledger is None:
            return None
        from duologue_consent.decisions.remembered import RememberingSnapshot
        from duologue_pipeline.run.decided import consent_check
        from duologue_pipeline.run.ledger import continuing_ledger

        ledger = continuing_ledger(request.ledger, now=now)
        if ledger is None:
            raise UsageError(
                f"{request.ledger}: there is no such consent ledger, and a run would refuse every recording; correct the name, or make one "
                "with `duologue consent init LEDGER`"
            )
        as_of = request.as_of or now
        snapshot = RememberingSnapshot.of_snapshot(ledger.snapshot())
        return consent_check(manifest, request, snapshot, ledger_name=ledger.name, as_of=as_of)

    def _by_name(self, decided: Iterable[Decided]) -> Iterator[Finding]:
        """Tells what the names of files and the times say, which are not opened."""
        for each in decided:
            if not isinstance(each, Recording):
                yield from self._refusal(each)
            elif (fault := _name_fault(each)) is not None:
                self.totals.refuse(fault.what)
                yield fault
            else:
                yield from self.totals.warn(each.recording_id, self._of_time(each))

    def _refusal(self, refused: Refused | Rejected) -> Iterator[Finding]:
        """Counts a refusal, and gives its finding where the lines of the manifest have not given it."""
        rejected = refused.rejected if isinstance(refused, Refused) else refused
        found = finding_of(rejected)
        self.totals.refuse(found.what)
        if found.what != "manifest" and not (rejected.reason == "consent_look_alike" and self._request.ledger is None):
            yield found

    def _of_time(self, recording: Recording) -> list[Finding]:
        """Tells what a consent gate will say of the time of a recording, where none was asked."""
        if self._request.ledger is not None:
            return []
        reason = "consent_recording_time_unknown"
        if recording.started_at is None:
            fault = "it is not said when the recording was made, and without that a run refuses it"
            return [warning_of(recording.recording_id, None, "consent", reason, fault, REMEDIES[reason])]
        try:
            recording_time(recording, self._request.as_of or datetime.now(UTC))
        except RejectError as error:
            return [warning_of(recording.recording_id, None, "consent", reason, *split_told(error.detail))]
        return []


def _decided(manifest: Manifest, check: Callable[[Recording], Any] | None) -> Iterator[Decided]:
    """Decides on all recordings of a manifest; without a ledger only that no speaker stands there under two ids."""
    if check is not None:
        yield from decide_all(manifest, check)
        return
    mistakable = mistakable_speakers(manifest.speaker_ids, None)
    known = partial(check_look_alikes, check=_nobody_asked, mistakable=mistakable)
    for each in manifest:
        found = each if isinstance(each, Rejected) else tried("consent", known, each)
        yield found if isinstance(found, Rejected) else each


def _nobody_asked(_: Recording) -> Any:
    return None


def _name_fault(recording: Recording) -> Finding | None:
    """Finds a uri of a recording that is none of any place, as the run does when it opens it."""
    for stage, field, reason in (("ingest", "uri", "audio_not_allowed"), ("words", "words_uri", "words_missing")):
        for speaker, track in zip(SPEAKERS, recording.tracks, strict=True):
            uri = getattr(track, field)
            try:
                if uri is not None:
                    check_name(uri)
            except FileFault as fault:
                values = {**fault.values, "track": speaker}
                return finding_of(Rejected(recording.recording_id, stage, reason, str(fault), values))
    return None
