"""Holds a sample against the release that it comes from, before it is given to anybody."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from duologue_pipeline.reader.shard import Sample

__all__ = ["sample_fault"]


def sample_fault(sample: Sample, release: Mapping[str, Any], *, split: str) -> str:
    """Finds what a reader cannot rely on: types, names, the shape of the tokens, their range; "" where all is well.

    It looks at what the reader itself uses and at what would do harm in a training loop. Everything else that a document
    should hold, ``duologue shards verify`` checks.
    """
    about, codec = sample.metadata, release["codec"]
    if about.get("key") != sample.key or about.get("split") != split:
        return f"its json is of key {about.get('key')!r}, split {about.get('split')!r}"
    purposes = about.get("purposes")
    if not isinstance(purposes, list) or not all(isinstance(purpose, str) for purpose in purposes):
        return "its json does not list purposes"
    start_s, end_s = about.get("start_s"), about.get("end_s")
    if not (isinstance(start_s, int | float) and isinstance(end_s, int | float)):
        return "its json does not say when it begins and ends"
    codes = sample.codes
    if codes.dtype != np.uint16 or codes.shape[:2] != (2, codec["codebooks"]) or codes.ndim != 3:
        return f"codes.npy is {codes.dtype} {list(codes.shape)}, expected uint16 [2, {codec['codebooks']}, frames]"
    if codes.size and (codes.max(axis=(0, 2)) >= codec["cardinalities"]).any():
        return "codes.npy: a code lies outside its codebook"
    if not -1 < codes.shape[2] - (end_s - start_s) * codec["frame_rate_hz"] < 2:
        return f"its {codes.shape[2]} frames do not fit the {end_s - start_s:.3f} s that its json says"
    for name in ("activity", "events", "words"):
        entries = about.get(name)
        if not isinstance(entries, list) or not set(map(type, entries)) <= {dict}:
            return f"its json has no list of {name}"
    return ""
