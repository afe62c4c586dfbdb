"""Finds what else in a release holds the audio that a withdrawal takes out: the same recording under another id.

Releases have such recordings where they were asked to keep them (``--same-audio mark``), or were written before runs compared
the audio. Whoever is taken out of the one is taken out of the other too: else the receipt would say that the audio is gone while it
lies there. Whole tracks are told by the hash in ``recordings.parquet``; what only begins alike or was cut from one another, by
the traces of samples.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.tables import iter_rows
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.withdrawal.plan import Plan, why_not_silenced
from duologue_pipeline.withdrawal.refusals import Refusal
from duologue_pipeline.withdrawal.rewrite import RewrittenShard
from duologue_pipeline.withdrawal.traces import UNREADABLE, track_traces
from duologue_schemas.tables import WITHDRAWN

__all__ = ["REASON", "causes_of", "live_traces", "with_same_audio"]

REASON: Final = "consent_audio_of_refused"
"""Why a track is taken out that holds the audio of a refused one."""

_GOES_ON: Final = (
    "put back the shard that dataset.json names (`duologue shards verify` compares them), and run the command again: it "
    "goes on from here"
)


def with_same_audio(
    release: Mapping[str, Any], recordings: pa.Table, refusals: Collection[Refusal]
) -> tuple[Refusal, ...]:
    """Adds the tracks that hold the audio of what will be taken out, and of what that takes out in turn.

    Args:
        release: the document of ``dataset.json``.
        recordings: the table of ``recordings.parquet``.
        refusals: who no longer allows it.

    Returns:
        All of them, sorted.
    """
    if not refusals:
        return ()
    columns = ["recording_id", *(f"{name}_{side}" for name in ("speaker", "samples_sha256") for side in SPEAKERS)]
    known = {row["recording_id"]: number for number, row in enumerate(iter_rows(recordings, columns[:1]))}
    places: dict[str, list[tuple[str, Speaker]]] = defaultdict(list)
    for row in iter_rows(recordings, columns):
        for side in SPEAKERS:
            if row[f"speaker_{side}"] != WITHDRAWN:
                places[row[f"samples_sha256_{side}"]].append((row["recording_id"], side))
    refused = {(refusal.recording_id, refusal.side): refusal for refusal in sorted(refusals)}
    waiting = sorted({refusal.recording_id for refusal in refusals})
    dropped = set[str]()
    while waiting:
        name = waiting.pop()
        if name not in known:
            continue
        row = _row(recordings, known[name])
        own = {side: refused[name, side] for side in SPEAKERS if (name, side) in refused}
        stands = {row[f"speaker_{side}"] for side in SPEAKERS if side not in own} - {WITHDRAWN}
        is_dropped = bool(why_not_silenced(row, tuple(own), standing=stands, codec=release["codec"]))
        dropped |= {name} if is_dropped else set()
        for side in SPEAKERS if is_dropped else own:
            cause = own.get(side) or min(own.values())
            for other, place in places.get(row[f"samples_sha256_{side}"], ()):
                if other != name and other not in dropped and (other, place) not in refused:
                    refused[other, place] = _refusal(_row(recordings, known[other]), place, cause)
                    waiting.append(other)
    return tuple(sorted(refused.values()))


def live_traces(
    root: str, release: Mapping[str, Any], recordings: pa.Table, causes: Mapping[str, Refusal]
) -> Iterator[Refusal]:
    """Finds the tracks of which a live sample holds tokens or audio that were taken out elsewhere.

    Words are not looked at: people say the same at the same times where they read it out.

    Args:
        root: the folder of the release.
        release: the document of its ``dataset.json``.
        recordings: the table of its ``recordings.parquet``.
        causes: trace -> whose it was.

    Yields:
        A refusal of each, once.

    Raises:
        UsageError: a shard is damaged or cannot be read.
    """
    columns = ["recording_id", *(f"speaker_{side}" for side in SPEAKERS)]
    rows = {row["recording_id"]: row for row in iter_rows(recordings, columns)}
    found: set[tuple[str, Speaker]] = set()
    for shard in release["shards"]:
        uri = join(root, shard["path"])
        try:
            for key, members in read_members(uri):
                try:
                    row = rows[parse_json(members["json"])["recording_id"]]
                    traces = list(track_traces(members))
                except UNREADABLE as error:
                    raise DamagedReleaseError(f"{uri}: {key} cannot be read ({error!r}); {_GOES_ON}") from None
                for side, trace in traces:
                    place = row["recording_id"], side
                    if trace in causes and place not in found and row[f"speaker_{side}"] != WITHDRAWN:
                        found.add(place)
                        yield _refusal(row, side, causes[trace])
        except OSError as error:
            raise UsageError(f"{uri}: cannot be read ({error}); {_GOES_ON}") from None


def causes_of(
    plan: Plan, rewritten: Iterable[RewrittenShard], refusals: Iterable[Refusal]
) -> Iterator[tuple[str, Refusal]]:
    """Tells of each trace that was taken out whose no it was: the first one of a recording in the same shard.

    Args:
        plan: what was done.
        rewritten: what became of each shard of the plan.
        refusals: by which it was planned.
    """
    first: dict[str, Refusal] = {}
    for refusal in sorted(refusals, key=lambda refusal: (refusal.reason == REASON, refusal)):
        first.setdefault(refusal.recording_id, refusal)
    shards = {shard.path: shard for shard in plan.shards}
    for shard in rewritten:
        names = {sample.key.rpartition("-")[0] for sample in shards[shard.old_path].samples if sample.action != "keep"}
        cause = min((first[name] for name in names), key=lambda refusal: (refusal.reason == REASON, refusal))
        yield from ((trace, cause) for trace in shard.traces)


def _row(table: pa.Table, number: int) -> dict[str, Any]:
    row: dict[str, Any] = table.slice(number, 1).to_pylist()[0]
    return row


def _refusal(row: Mapping[str, Any], side: Speaker, cause: Refusal) -> Refusal:
    return replace(cause, recording_id=row["recording_id"], side=side, commitment=row[f"speaker_{side}"], reason=REASON)
