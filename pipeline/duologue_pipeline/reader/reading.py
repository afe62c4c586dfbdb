"""Reads the units of a plan one after the other, while speakers withdraw and new versions take the place of the release."""

import copy
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from duologue_consent.decisions.events import Purpose
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.reader.crop import crop_key, crop_sample, parse_crop_key
from duologue_pipeline.reader.fetch import Place, Shards
from duologue_pipeline.reader.index import Index, read_index
from duologue_pipeline.reader.plan import Plan, plan_of
from duologue_pipeline.reader.release import DamagedReleaseError, read_release
from duologue_pipeline.reader.restore import restored_plan
from duologue_pipeline.reader.runs import crop_frames
from duologue_pipeline.reader.shard import Sample, read_sample
from duologue_pipeline.reader.trust import sample_fault
from duologue_pipeline.reader.version import Version, runs_of
from duologue_pipeline.reader.watch import RevocationWatch, UntrustedError
from duologue_pipeline.reader.where import Condition, is_unicode

__all__ = ["OnDamage", "PurposeError", "Reading", "Request", "check_purpose"]

OnDamage = Literal["raise", "skip"]
"""What becomes of a sample that is damaged or not there: an error, or it is left out and counted."""

_LOOK_EVERY_S: Final = 0.5
_LOOKS: Final = 4
_CHUNK: Final = 1 << 12
_KEPT: Final = 4
"""So many samples that crops were cut from are kept: the next crop is often of the same."""

_Places = npt.NDArray[np.int64]
_Read = Callable[[Place], bytes]


class PurposeError(UsageError):
    """Says that the release does not carry the purpose that the reader asked for."""


class _MissingFileError(DamagedReleaseError, FileNotFoundError):
    """Tells that a file of the release is not there."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Holds what is read: the folder of a release, and the samples of it that are asked for."""

    root: str
    split: str
    purpose: str
    shuffle: int | None
    where: tuple[Condition, ...]
    crop_s: float | None
    on_damage: OnDamage

    def told(self) -> dict[str, Any]:
        """Says what of it a state must be of."""
        return {
            "split": self.split,
            "purpose": self.purpose,
            "where": [list(condition) for condition in self.where],
            "shuffle": self.shuffle,
            "crop_s": self.crop_s,
        }


class Reading:
    """Reads what is asked for in the version of the release that is there.

    Attributes:
        request: what is asked for.
        plan: what an epoch is made of, of the version that was there at the start.
        damaged: how many units were left out because they are damaged or not there.
    """

    def __init__(self, request: Request, release: dict[str, Any]) -> None:
        self.request = request
        self.damaged = 0
        self._revoked = RevocationWatch(request.root)
        self._length = (
            None if request.crop_s is None else crop_frames(request.crop_s, release["codec"]["frame_rate_hz"])
        )
        index = self._index(release)
        units = None if self._length is None else runs_of(index, index.chosen, self._length).units
        self.plan = plan_of(index, units, shuffled=request.shuffle is not None)
        self._version = Version(request.root, index, self.plan, self._length)
        self._renewed_at = float("-inf")
        self._look()

    @property
    def release(self) -> dict[str, Any]:
        """Gives the document of ``dataset.json``, of the version that is being read."""
        return self._version.release

    def copy(self) -> "Reading":
        """Gives another reading of the same version, which goes its own way."""
        other = copy.copy(self)
        other._revoked, other.damaged = copy.copy(self._revoked), 0
        other._version = self._version.with_plan(self.plan)
        return other

    def restore(self, state: Mapping[str, Any]) -> Plan:
        """Finds the plan that a state is of; raises UsageError where it is of another release."""
        self._look()
        return restored_plan(state, self.plan, self._version.index, self._revoked.known, self.request.split)

    def gone(self, plan: Plan, units: _Places) -> npt.NDArray[np.bool_]:
        """Tells which units of a plan were withdrawn, as far as is known: bool."""
        return self._version_for(plan).gone(units)

    def keys(self) -> list[str]:
        """Lists the keys of the units of the plan, but those that were withdrawn."""
        version, plan = self._version_for(self.plan), self.plan
        there = np.flatnonzero(~version.gone(np.arange(len(plan))))
        keys: list[str] = plan.keys.take(pa.array(plan.sample[there])).to_pylist()
        starts = version.starts(there)
        return keys if starts is None else [crop_key(key, start) for key, start in zip(keys, starts, strict=True)]

    def shards(self) -> list[tuple[int, _Places]]:
        """Lists the shards that hold units of the plan, by their places in the release, and their units but the withdrawn ones."""
        self._look()
        version, plan = self._version_for(self.plan), self.plan
        units = np.arange(len(plan))
        units = units[~version.gone(units)]
        shards = version.shards(units)
        return [(int(shard), units[shards == shard]) for shard in np.unique(shards) if shard >= 0]

    def has(self, key: str) -> bool:
        """Tells whether there is a unit of a key, and it was not withdrawn as far as is known."""
        units = np.array(self._units_of(key), np.int64)
        return len(units) > 0 and not self.gone(self.plan, units).any()

    def one(self, key: str) -> Sample | None:
        """Reads the unit of a key; None where there is none, or it was withdrawn."""
        self._look()
        with closing(Shards(self.request.root)) as shards:
            for unit in self._units_of(key):
                return self._unit(self.plan, unit, shards.read, shards, {})
        return None

    def units(self, plan: Plan, units: _Places) -> Iterator[Sample | None]:
        """Reads units of a plan in their order; None stands for one that was withdrawn, or is damaged and may be left out."""
        kept: dict[tuple[str, str], Sample] = {}
        with closing(Shards(self.request.root)) as shards:
            reads = shards.ahead(self._places(plan, unit) for unit in _numbers(units))
            for unit, read in zip(_numbers(units), reads, strict=False):
                self._look(at_most_every_s=_LOOK_EVERY_S)
                try:
                    yield self._unit(plan, unit, read, shards, kept)
                except DamagedReleaseError as error:
                    if self.request.on_damage == "raise" or isinstance(error, UntrustedError):
                        raise
                    self._count(error)
                    yield None

    def _places(self, plan: Plan, unit: int) -> tuple[Place, ...]:
        version = self._version_for(plan)
        found = version.find(unit)
        return () if found is None else tuple(version.place(row) for row in found[0])

    def _unit(
        self, plan: Plan, unit: int, read: _Read, shards: Shards, kept: dict[tuple[str, str], Sample]
    ) -> Sample | None:
        while True:
            version = self._version_for(plan)
            found = version.find(unit)
            if found is None:
                return None
            rows, start, stop = found
            if any(version.struck[row] for row in rows):
                if self._renew():
                    continue
                return None
            try:
                if version.length is None:
                    return self._sample(version, rows[0], read)
                return self._crop(version, rows, start, stop, read, kept)
            except OSError as error:
                if self._renew(at_once=True):
                    continue
                raise _told(error, version.uri(rows[0])) from None

    def _crop(
        self,
        version: Version,
        rows: tuple[int, ...],
        start: int,
        stop: int,
        read: _Read,
        kept: dict[tuple[str, str], Sample],
    ) -> Sample:
        segments = []
        for row in rows:
            name = (version.uri(row), version.index.keys[row].as_py())
            kept[name] = kept.pop(name) if name in kept else self._sample(version, row, read)
            segments.append(kept[name])
            if len(kept) > max(_KEPT, len(rows)):
                del kept[next(iter(kept))]
        try:
            return crop_sample(segments, start, stop)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DamagedReleaseError(
                f"{segments[0].shard}: no crop can be cut of {segments[0].key} ({error!r}); the shard is damaged: fetch it again"
            ) from None

    def _sample(self, version: Version, row: int, read: _Read) -> Sample:
        """Reads a sample, and holds it against the release."""
        root, uri, key = self.request.root, version.uri(row), version.index.keys[row].as_py()
        try:
            sample = read_sample(read(version.place(row)), key, uri)
        except DamagedReleaseError:
            raise
        except ValueError as error:
            raise DamagedReleaseError(
                f"{uri}: the shard is damaged ({error}): fetch it again (`duologue shards verify {root}` tells)"
            ) from None
        fault = sample_fault(sample, version.release, split=self.request.split)
        # The gate let only such samples in; a reader does not take that on trust.
        if not fault and self.request.purpose not in sample.metadata["purposes"]:
            fault = f"it is not for {self.request.purpose}, and the index says so"
        if not fault and sample.codes.shape[2] != version.index.frames[row]:
            fault = f"it has {sample.codes.shape[2]} frames, and the index says {version.index.frames[row]}"
        if fault:
            raise DamagedReleaseError(
                f"{uri}: the shard is damaged (sample {key}: {fault}): fetch it again (`duologue shards verify {root}` tells)"
            )
        return sample

    def _units_of(self, key: str) -> list[int]:
        plan, version = self.plan, self._version_for(self.plan)
        name, start = (key, None) if version.length is None else parse_crop_key(key)
        place = plan.place_of(name) if is_unicode(name) else -1
        units = np.flatnonzero(plan.sample == place) if place >= 0 else np.zeros(0, np.int64)
        starts = version.starts(units)
        return [int(unit) for number, unit in enumerate(units) if starts is None or starts[number] == start]

    def _version_for(self, plan: Plan) -> Version:
        if self._version.plan is not plan:
            self._version = self._version.with_plan(plan)
        return self._version

    def _count(self, fault: Exception) -> None:
        if not self.damaged:
            warnings.warn(f"{fault}; such samples are left out and counted", stacklevel=4)
        self.damaged += 1

    def _look(self, *, at_most_every_s: float = 0.0) -> None:
        if self._revoked.look(self.release, at_most_every_s=at_most_every_s):
            self._version.strike(self._revoked.known.entries)

    def _renew(self, *, at_once: bool = False) -> bool:
        """Goes over to the version that is there now; False where it is the same one."""
        now = time.monotonic()
        if not at_once and now - self._renewed_at < _LOOK_EVERY_S:
            return False
        self._renewed_at = now
        try:
            release = read_release(self.request.root)
        except DamagedReleaseError as error:  # of no one sample: nothing is left out for it
            raise UntrustedError(str(error)) from None
        if release == self.release:
            return False
        check_purpose(self.request.root, release, self.request.purpose)
        index = self._index(release)
        self._version = Version(self.request.root, index, self._version.plan, self._length)
        self._revoked.look(index.release)
        self._version.strike(self._revoked.known.entries)
        return True

    def _index(self, release: dict[str, Any]) -> Index:
        """Reads the index of a version, or of the one that takes its place meanwhile."""
        request, looks = self.request, 0
        while True:
            try:
                return read_index(
                    request.root, release, split=request.split, purpose=request.purpose, where=request.where
                )
            except UsageError:
                before, release, looks = release, read_release(request.root), looks + 1
                if release == before or looks == _LOOKS:
                    raise
                check_purpose(request.root, release, request.purpose)


def check_purpose(uri: str, release: Mapping[str, Any], purpose: str) -> None:
    """Checks that a release carries a purpose; raises PurposeError where it does not."""
    if purpose not in list(Purpose):
        raise PurposeError(f"purpose {purpose!r}: expected one of {', '.join(Purpose)}")
    if purpose not in release["purposes"]:
        raise PurposeError(
            f"{uri}: this release may be used for {', '.join(release['purposes'])} and not for {purpose}; "
            f"make one with `duologue run ... --purpose {purpose}`: it will hold what its speakers allow"
        )


def _told(error: OSError, uri: str) -> Exception:
    """Says what cannot be read. A store that does not answer is no damage: what it holds may be well."""
    if isinstance(error, FileNotFoundError):
        return _MissingFileError(
            f"{uri}: is not there, and dataset.json lists it ({error.strerror or error}); fetch it again (`duologue shards verify` "
            "tells what else is missing), or leave such samples out with on_damage='skip'"
        )
    if isinstance(error, FileFault):
        return error
    return DamagedReleaseError(
        f"{uri}: cannot be read ({error.strerror or error}); see that the file is well and may be read, or fetch the release again"
    )


def _numbers(units: _Places) -> Iterator[int]:
    """Gives the numbers of an array, without a list of all of them."""
    for start in range(0, len(units), _CHUNK):
        yield from units[start : start + _CHUNK].tolist()
