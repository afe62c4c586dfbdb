"""Looks at the files of a manifest: decodes the audio, reads the words, and compares the audio of all recordings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from duologue_pipeline.consent.decide import Refused
from duologue_pipeline.consent.same_place import refuse_audio_of
from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.same_audio import Holder, check_same_audio, hashes_of_refused, sharing
from duologue_pipeline.records import Recording, Rejected
from duologue_pipeline.run.forked import forked_map, usable_processes
from duologue_pipeline.run.request import RunRequest
from duologue_pipeline.stages.tried import tried
from duologue_pipeline.validate.finding import Decided, Finding, Totals, finding_of, warning_of
from duologue_pipeline.validate.look import Looked, look_at
from duologue_pipeline.validate.refused_audio import audio_of_refused

__all__ = ["FilesCheck"]

_TOGETHER: Final = 1000
"""So many recordings are decided on before the first of them is looked at."""

_WORTH_A_PROCESS: Final = 8
"""With fewer recordings this process looks at them itself."""

_NAMED: Final = 10

_AllDecided = Callable[[], Iterator[Decided]]


class FilesCheck:
    """Looks at the files of the recordings that were let through, in their order.

    Args:
        request: what the run would be asked.
        totals: counts what becomes of them.
        refusal: counts what was refused before, and gives its finding.
        of_time: gives what is to be said of the time of a recording.
        seen: as for :class:`duologue_pipeline.validate.validation.Validation`.
    """

    def __init__(
        self,
        request: RunRequest,
        totals: Totals,
        *,
        refusal: Callable[[Refused | Rejected], Iterator[Finding]],
        of_time: Callable[[Recording], list[Finding]],
        seen: Callable[[int, int, float], None],
    ) -> None:
        self._request, self._totals = request, totals
        self._refusal, self._of_time, self._seen = refusal, of_time, seen
        self._first: dict[str, Holder] = {}
        self._several: dict[str, set[Holder]] = {}
        self._refused_after: set[str] = set()

    def findings(self, decided: _AllDecided, *, most: int) -> Iterator[Finding]:
        """Finds what is wrong with the files, of each recording by itself and then of several.

        Args:
            decided: gives what was decided on all recordings; it is gone through up to four times.
            most: how many recordings there are.

        Raises:
            UsageError: a store cannot be asked, or the system is at its end.
        """
        of_refused = audio_of_refused(decided) if self._request.ledger is not None else {}
        unheard = _hashes_of_refused(decided) if self._request.compare_refused_audio else {}
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
                self._seen(done, most, self._totals.duration_ms / 3_600_000)
        yield from self._same_audio()

    def _looks(self, recordings: Sequence[Recording]) -> Iterator[Looked]:
        processes = usable_processes() if len(recordings) >= _WORTH_A_PROCESS else 1
        work = partial(_look_at, tuple(recordings), self._request.words, self._request.asr is not None)
        yield from forked_map(work, len(recordings), processes=processes, fresh=True)

    def _looked(self, recording: Recording, looked: Looked, unheard: Mapping[str, set[str]]) -> Iterator[Finding]:
        if looked.duration_ms is not None:
            self._totals.looked += 1
            self._totals.duration_ms += looked.duration_ms
        if of_unheard := sorted({name for each, _ in looked.hashes for name in unheard.get(each, ())}):
            refusal = tried("consent", refuse_audio_of, recording, of_unheard)
            looked = replace(looked, findings=(finding_of(refusal, recording),), words=())
        for each, holder in looked.hashes:
            first = self._first.setdefault(each, holder)
            if first != holder:
                self._several.setdefault(each, {first}).add(holder)
        self._totals.words.update(name for _, name in looked.words)
        if looked.refused is None:
            told = [*self._of_time(recording), *looked.findings]
            yield from self._totals.warn(recording.recording_id, told)
            return
        self._totals.refuse(looked.refused)
        self._refused_after.add(recording.recording_id)
        yield from looked.findings

    def _same_audio(self) -> Iterator[Finding]:
        """Tells which recordings hold the audio of another one, those that were refused since among the others."""
        others: dict[str, set[Holder]] = {}
        for holders in self._several.values():
            for recording_id, own in sharing(holders):
                others.setdefault(recording_id, set()).update(own)
        for recording_id in sorted(others.keys() - self._refused_after):
            try:
                ids = check_same_audio(recording_id, sorted(others[recording_id]), policy=self._request.same_audio)
            except RejectError as error:
                found = finding_of(Rejected(recording_id, "ingest", error.reason, error.detail, error.values))
                self._totals.refuse(found.what, recording_id)
                yield found
                continue
            named = ", ".join(ids[:_NAMED]) + (f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else "")
            fault = f"a track of it holds the same samples as one of {named}: they are kept in one split, and marked"
            remedy = "keep one of them in the manifest, where they are one recording"
            warning = warning_of(recording_id, None, "audio", "audio_same_as_other", fault, remedy)
            yield from self._totals.warn(recording_id, [warning])


def _hashes_of_refused(decided: _AllDecided) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in decided():
        if isinstance(each, Refused):
            for own, recording_id in hashes_of_refused(each.recording):
                found.setdefault(own, set()).add(recording_id)
    return found


def _look_at(recordings: Sequence[Recording], policy: str, asr: bool, number: int) -> Looked:
    return look_at(recordings[number], policy=policy, asr=asr)
