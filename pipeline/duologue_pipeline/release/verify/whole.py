"""Checks a whole release: its manifest, its files, its ledger, and when all of those are right what is in the files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.release import MANIFEST, DamagedReleaseError, manifest_faults, read_manifest
from duologue_pipeline.release.verify.faults import Faults
from duologue_pipeline.release.verify.folder import file_faults, stray_faults, unlisted_faults
from duologue_pipeline.release.verify.history import history_faults
from duologue_pipeline.release.verify.owners import ADJOINING, adjoining_faults
from duologue_pipeline.release.verify.samples import shard_faults
from duologue_pipeline.release.verify.speakers import speaker_faults
from duologue_pipeline.release.verify.tables import hold_tables
from duologue_pipeline.release.verify.totals import rejected_faults, statistics_faults, table_faults, total_faults

__all__ = ["VerifyReport", "verify_release"]


@dataclass(frozen=True)
class VerifyReport:
    """Holds what a verification found: ``faults`` is empty where all is well.

    Attributes:
        shards, samples, frames, bytes: what was looked at.
        faults: a line each; of very many the first, and a last line that says how many more there are.
        fault_count: how many there are.
        notes: what is no fault and good to know, e.g. columns that the release of an earlier version does not have.
    """

    shards: int
    samples: int
    frames: int
    bytes: int
    faults: tuple[str, ...]
    fault_count: int = 0
    notes: tuple[str, ...] = ()


def verify_release(uri: str) -> VerifyReport:
    """Checks a release: hashes and sizes of all files, members and frame counts of all samples, rows, totals, its ledger.

    Whatever is in the folder, it ends with a list of faults.

    Args:
        uri: the output folder of a run.

    Returns:
        All faults found, each a sentence that names the file.

    Raises:
        UsageError: there is no release to verify.
    """
    root = absolute_uri(uri)
    faults = Faults()
    release: dict[str, Any] = {}
    try:
        release, found = manifest_faults(read_manifest(root), MANIFEST)
        faults.extend(found)
    except DamagedReleaseError as error:
        faults.add(str(error).removeprefix(f"{root}/"))
    if faults.count:
        return _report(faults)
    for entry in (*release["files"], *release["shards"]):
        faults.extend(file_faults(root, entry))
    faults.extend(unlisted_faults(release))
    faults.extend(stray_faults(root, release))
    faults.extend(history_faults(root, release))
    if faults.count:  # contents of files that are not what they should be would only repeat it
        return _report(faults, shards=len(release["shards"]))
    notes: list[str] = []
    samples, frames = _contents(root, release, faults, notes)
    return _report(
        faults,
        notes,
        shards=len(release["shards"]),
        samples=samples,
        frames=frames,
        size=sum(shard["bytes"] for shard in release["shards"]),
    )


def _report(
    faults: Faults, notes: Sequence[str] = (), *, shards: int = 0, samples: int = 0, frames: int = 0, size: int = 0
) -> VerifyReport:
    return VerifyReport(shards, samples, frames, size, faults.lines(), faults.count, tuple(notes))


def _contents(root: str, release: dict[str, Any], faults: Faults, notes: list[str]) -> tuple[int, int]:
    """Checks what is in the files; gives how many samples and frames there are."""
    tables = hold_tables(root, release, faults)
    if tables is None:
        return 0, 0
    notes += [
        f"{name}.parquet: an earlier version wrote it, without the columns {', '.join(missing)}"
        for name, missing in tables.missing.items()
        if missing
    ]
    samples = frames = 0
    for shard in release["shards"]:
        rows = [row for part in tables.index.get(shard["path"], ()) for row in part.to_pylist()]
        faults.extend(shard_faults(root, release, shard, rows))
        samples, frames = samples + len(rows), frames + sum(row["frames"] for row in rows)
    known = {shard["path"] for shard in release["shards"]}
    faults.extend(
        f"index.parquet: {sum(map(len, own))} rows name {path}, which is not in dataset.json"
        for path, own in tables.index.items()
        if path not in known
    )
    rejected, found = rejected_faults(root, release)
    faults.extend(adjoining_faults(tables.samples(ADJOINING)))
    faults.extend(total_faults(release, tables, rejected))
    faults.extend(found)
    faults.extend(table_faults(release, tables.rows))
    if "speakers" in tables.rows:
        faults.extend(speaker_faults(root, release))
    faults.extend(statistics_faults(root, release))
    return samples, frames
