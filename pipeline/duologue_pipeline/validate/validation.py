"""Goes through a manifest as a run would and says of each recording what the run would say.

It asks the functions that a run asks, in their order, so that both agree: the reader of the manifest, the consent gate, the audio of
refused recordings, decoding and measuring, words, and the same audio under several ids. What needs models (who is heard when, how
well the tracks are kept apart) is left to the run. As in a run, no audio of a recording without consent is opened.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from duologue_pipeline.consent.decide import Refused, decide_all
from duologue_pipeline.consent.gate import recording_time
from duologue_pipeline.consent.look_alikes import check_look_alikes, mistakable_speakers
from duologue_pipeline.consent.same_place import refuse_audio_of
from duologue_pipeline.errors import RejectError
from duologue_pipeline.files.addresses import allow_private_addresses
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import check_name
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.ingest.same_audio import Holder, check_same_audio, hashes_of_refused, sharing
from duologue_pipeline.read.whole import Manifest, load_manifest
from duologue_pipeline.records import SPEAKERS, Recording, Rejected
from duologue_pipeline.run.decided import consent_check
from duologue_pipeline.run.forked import forked_map, usable_processes
from duologue_pipeline.run.ledger import continuing_ledger
from duologue_pipeline.run.request import RunRequest, check_request
from duologue_pipeline.stages.tried import tried
from duologue_pipeline.validate.finding import Finding, Totals, finding_of, warning_of
from duologue_pipeline.validate.lines import line_findings
from duologue_pipeline.validate.look import Looked, look_at
from duologue_pipeline.validate.refused_audio import audio_of_refused

__all__ = ["Validation"]

_TOGETHER: Final = 1000
"""So many recordings are decided on before the first of them is looked at."""

_WORTH_A_PROCESS: Final = 8
"""With fewer recordings this process looks at them itself."""

_Decided = Recording | Refused | Rejected


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
        check_request(request)
        self._request = request
        self._files = files
        self._seen = seen
        self._holders: dict[str, set[Holder]] = {}
        self._first: dict[str, Holder] = {}
        self._refused_after: set[str] = set()
        self._warned: set[str] = set()
        self.totals = Totals()

    def findings(self) -> Iterator[Finding]:
        """Finds all that is wrong: with the lines of the manifest first, then by recording, what several share last.

        Raises:
            UsageError: the manifest or the ledger cannot be read, or a store cannot be asked.
        """
        request = self._request
        if request.allow_private_addresses:
            allow_private_addresses()
        manifest = load_manifest(absolute_uri(request.manifest))
        self.totals.lines = manifest.lines
        yield from line_findings(absolute_uri(request.manifest), speakers=request.ledger is None)
        decided = partial(_decided, manifest, self._check(manifest))
        if not self._files:
            yield from self._by_name(decided())
            return
        yield from self._by_audio(decided, manifest.recordings)
        yield from self._same_audio()

    def _check(self, manifest: Manifest) -> Callable[[Recording], Any] | None:
        """Gives what asks the ledger of a recording; None where there is no ledger to be asked."""
        request, now = self._request, datetime.now(UTC)
        if request.ledger is None:
            return None
        ledger = continuing_ledger(request.ledger, now=now)
        snapshot = None if ledger is None else ledger.snapshot()
        name = request.ledger if ledger is None else ledger.name
        return consent_check(manifest, request, snapshot, ledger_name=name, as_of=request.as_of or now)

    # --- without the files ----------------------------------------------------------------------------------------------

    def _by_name(self, decided: Iterable[_Decided]) -> Iterator[Finding]:
        for each in decided:
            if not isinstance(each, Recording):
                yield from self._refusal(each)
                continue
            fault = _name_fault(each)
            if fault is not None:
                self.totals.refused[fault.what] += 1
                yield fault
                continue
            yield from self._warnings(each.recording_id, self._of_time(each))

    def _refusal(self, refused: Refused | Rejected) -> Iterator[Finding]:
        """Counts a refusal, and gives its finding where the lines of the manifest have not given it."""
        rejected = refused.rejected if isinstance(refused, Refused) else refused
        found = finding_of(rejected)
        self.totals.refused[found.what] += 1
        if found.what != "manifest" and not (rejected.reason == "consent_look_alike" and self._request.ledger is None):
            yield found

    def _of_time(self, recording: Recording) -> list[Finding]:
        """Tells what a consent gate will say of the time of a recording, where none was asked."""
        if self._request.ledger is not None:
            return []
        reason = "consent_recording_time_unknown"
        if recording.started_at is None:
            told = "it is not said when the recording was made, and without that a run refuses it; give started_at"
            return [warning_of(recording.recording_id, None, "consent", reason, told)]
        try:
            recording_time(recording, self._request.as_of or datetime.now(UTC))
        except RejectError as error:
            return [warning_of(recording.recording_id, None, "consent", reason, error.detail)]
        return []

    def _warnings(self, recording_id: str, found: Sequence[Finding]) -> Iterator[Finding]:
        if found:
            self._warned.add(recording_id)
            self.totals.warned = len(self._warned)
        yield from found

    # --- with the files -------------------------------------------------------------------------------------------------

    def _by_audio(self, decided: Callable[[], Iterator[_Decided]], most: int) -> Iterator[Finding]:
        of_refused = audio_of_refused(decided) if self._request.ledger is not None else {}
        unheard = self._hashes_of_refused(decided) if self._request.compare_refused_audio else {}
        done, rest = 0, decided()
        while batch := list(islice(rest, _TOGETHER)):
            to_look = []
            for each in batch:
                passed = each
                if isinstance(each, Recording):
                    passed = tried("consent", refuse_audio_of, each, of_refused.get(each.recording_id, ()))
                if isinstance(passed, Recording):
                    to_look.append(passed)
                else:
                    done += 1
                    yield from self._refusal(passed)
            for recording, looked in zip(to_look, self._looks(to_look), strict=True):
                done += 1
                yield from self._looked(recording, looked, unheard)
                self._seen(done, most, self.totals.duration_ms / 3_600_000)

    def _looks(self, recordings: Sequence[Recording]) -> Iterator[Looked]:
        processes = usable_processes() if len(recordings) >= _WORTH_A_PROCESS else 1
        work = partial(_look_at, tuple(recordings), self._request.words, self._request.asr is not None)
        yield from forked_map(work, len(recordings), processes=processes, fresh=True)

    def _looked(self, recording: Recording, looked: Looked, unheard: dict[str, set[str]]) -> Iterator[Finding]:
        if looked.duration_ms is not None:
            self.totals.looked += 1
            self.totals.duration_ms += looked.duration_ms
        of_unheard = sorted({name for each, _ in looked.hashes for name in unheard.get(each, ())})
        if of_unheard:
            refusal = tried("consent", refuse_audio_of, recording, of_unheard)
            looked = replace(looked, findings=(finding_of(refusal, recording),), words=())
        self._hold(looked)
        self.totals.words.update(name for _, name in looked.words)
        if looked.refused is not None:
            self.totals.refused[looked.refused] += 1
            self._refused_after.add(recording.recording_id)
            yield from looked.findings
            return
        yield from self._warnings(recording.recording_id, [*self._of_time(recording), *looked.findings])

    def _hashes_of_refused(self, decided: Callable[[], Iterator[_Decided]]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for each in decided():
            if isinstance(each, Refused):
                for own, recording_id in hashes_of_refused(each.recording):
                    found.setdefault(own, set()).add(recording_id)
        return found

    # --- what several share ---------------------------------------------------------------------------------------------

    def _hold(self, looked: Looked) -> None:
        """Remembers who holds which track; of a track that one alone holds, only that one."""
        for own, holder in looked.hashes:
            first = self._first.setdefault(own, holder)
            if first != holder:
                self._holders.setdefault(own, {first}).add(holder)

    def _same_audio(self) -> Iterator[Finding]:
        others: dict[str, set[Holder]] = {}
        for holders in self._holders.values():
            for recording_id, own in sharing(holders):
                others.setdefault(recording_id, set()).update(own)
        for recording_id in sorted(others):
            if recording_id in self._refused_after:
                continue
            try:
                ids = check_same_audio(recording_id, sorted(others[recording_id]), policy=self._request.same_audio)
            except RejectError as error:
                self._warned.discard(recording_id)
                self.totals.warned = len(self._warned)
                self.totals.refused["audio"] += 1
                yield finding_of(Rejected(recording_id, "ingest", error.reason, error.detail, error.values))
                continue
            told = f"a track of it holds the same samples as one of {', '.join(ids)}; all are kept in one split, and marked"
            yield from self._warnings(
                recording_id, [warning_of(recording_id, None, "audio", "audio_same_as_other", told)]
            )


def _decided(manifest: Manifest, check: Callable[[Recording], Any] | None) -> Iterator[_Decided]:
    """Decides on all recordings of a manifest; without a ledger only that no speaker stands there under two ids."""
    if check is not None:
        yield from decide_all(manifest, check)
        return
    mistakable = mistakable_speakers(manifest.speaker_ids, None)
    for each in manifest:
        if isinstance(each, Rejected):
            yield each
            continue
        known = partial(check_look_alikes, check=lambda _: None, mistakable=mistakable)  # type: ignore[arg-type, return-value]
        found = tried("consent", known, each)
        yield found if isinstance(found, Rejected) else each


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


def _look_at(recordings: Sequence[Recording], policy: str, asr: bool, number: int) -> Looked:
    return look_at(recordings[number], policy=policy, asr=asr)
