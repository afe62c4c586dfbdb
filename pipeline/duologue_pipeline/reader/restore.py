"""Makes the plan of an earlier version of a release again, for a state that was taken before a withdrawal.

What a withdrawal has dropped is still named in ``revocations.jsonl``: with these keys the split is what it was, the samples are
dealt as they were, and what is gone is left out. Where it does not come out as the state says, it is of another release.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.index import Index, digest, shard_stem
from duologue_pipeline.reader.order import key_hashes
from duologue_pipeline.reader.plan import Plan, unpacked
from duologue_pipeline.reader.revocations import Revocation, Revocations, entries_since

__all__ = ["restored_plan"]

_Places = npt.NDArray[np.int64]


def restored_plan(state: Mapping[str, Any], plan: Plan, index: Index, revocations: Revocations, split: str) -> Plan:
    """Finds the plan that a state is of.

    Args:
        state: what was loaded.
        plan: of the version that was opened.
        index: of the version that is there now.
        revocations: what has been published so far.
        split: ``train``, ``validation`` or ``bridge``.

    Raises:
        UsageError: the state is of another release.
    """
    about = {name: state.get(name) for name in plan.about}
    if about == plan.about and state.get("shape") == plan.about.get("shape"):
        return plan
    if any(about[name] != plan.about[name] for name in ("name", "run")):
        raise _other(state, plan)
    try:
        dropped = _dropped(entries_since(revocations, int(state["revocations_bytes"])), index, split)
        keys = pa.concat_arrays([index.keys, pa.array([key for key, _ in dropped], pa.string())])
        hashes = key_hashes(keys)
        if len(keys) != state["samples"] or digest(np.sort(hashes)) != state["keys_sha256"]:
            raise _other(state, plan)
        if "order_sha256" in plan.about:
            order = _order(index, dropped, hashes, state["leads"])
            keys, hashes = keys.take(pa.array(order)), hashes[order]
            if digest(hashes) != state["order_sha256"]:
                raise _other(state, plan)
        shape = np.full(len(keys), 2, np.int64)
        if "shape" in state:
            shape[pc.sort_indices(keys).to_numpy()] = unpacked(state["shape"], len(keys))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"state: it is damaged ({error}); give what state_dict() gave") from None
    told = {name: state[name] for name in (*plan.about, "shape") if name in state}
    return Plan(keys, hashes, shape, told)


def _dropped(entries: tuple[Revocation, ...], index: Index, split: str) -> list[tuple[str, str]]:
    """Lists the (key, stem of its shard) of what the versions since then have dropped from the split."""
    found = {entry.key: shard_stem(entry.shard) for entry in entries}
    named = {key: stem for key, stem in found.items() if stem.rpartition("-")[0] == split}
    rows = index.rows_of(pa.array(list(named), pa.string()))
    return [each for each, row in zip(named.items(), rows, strict=True) if row < 0]


def _order(index: Index, dropped: list[tuple[str, str]], hashes: Any, leads: Mapping[str, list[str]]) -> _Places:
    """Orders samples as the index of their version did: by shard, what it begins with, recording and segment."""
    parsed = [_parsed(key) for key, _ in dropped]
    stems = [index.stem(shard) for shard in index.shard.tolist()] + [stem for _, stem in dropped]
    recordings = pa.concat_arrays(
        [index.recording.cast(pa.string()), pa.array([name for name, _ in parsed], pa.string())]
    )
    segments = np.concatenate([index.segment.astype(np.int64), np.array([number for _, number in parsed], np.int64)])
    first = {int(text, 16): place for texts in leads.values() for place, text in enumerate(texts)}
    begins = np.array([first.get(each, len(first)) for each in hashes.tolist()] if first else np.zeros(len(hashes)))
    return np.lexsort((segments, _ranks(recordings), begins, _ranks(pa.array(stems, pa.string()))))


def _parsed(key: str) -> tuple[str, int]:
    """Takes a key apart: the recording and the segment."""
    recording, _, number = key.rpartition("-")
    return (recording, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else (key, 0)


def _ranks(texts: pa.Array) -> _Places:
    ranks: _Places = pc.rank(texts, tiebreaker="dense").to_numpy().astype(np.int64)
    return ranks


def _other(state: Mapping[str, Any], plan: Plan) -> UsageError:
    return UsageError(
        f"state: it is of another release ({state.get('name')!r}, {state.get('samples')} samples) than the one that was opened "
        f"({plan.about['name']!r}, {plan.about['samples']} samples); open the release, split and version that it was taken of, or a "
        "later version"
    )
