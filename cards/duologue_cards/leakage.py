"""Reads how well speakers are linked across conversations, and makes facts of it.

`duologue audit leakage` measures it; the release keeps what it found as a file, from which these facts are made anew whenever the cards
are. A withdrawal makes another release, of which nobody has measured it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from duologue_cards.entry import Entry, known, unknown
from duologue_schemas import iter_faults

__all__ = ["LEAKAGE", "leakage_bytes", "leakage_entries", "linked_in_words", "parse_leakage", "shards_sha256"]

LEAKAGE: Final = "cards/leakage.json"
"""Where a release keeps what was measured; not there where nothing was."""

_NOT_MEASURED: Final = "nobody has measured it of this version (`duologue audit leakage` does)"
_OF: Final = {"tokens": "the tokens", "decoded": "what the tokens decode to", "original": "the recordings themselves"}
_BY: Final = {
    "histogram": "how often each token is used",
    "histogram_within": "how often each token is used, evened out within speakers",
    "network": "a small network that was trained on other speakers",
    "voice": "a published network for voices (Resemblyzer)",
}


def shards_sha256(release: Mapping[str, Any]) -> str:
    """Hashes the hashes of all shards of a release, sorted, a line each: what figures are of."""
    return hashlib.sha256("\n".join(sorted(shard["sha256"] for shard in release["shards"])).encode()).hexdigest()


def parse_leakage(data: bytes, name: str) -> dict[str, Any]:
    """Reads what was measured.

    Args:
        data: the content of the file.
        name: of the file, for messages.

    Raises:
        ValueError: it is no JSON, or does not follow its schema.
    """
    try:
        document: dict[str, Any] = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: is no JSON ({error}); measure again with `duologue audit leakage`") from None
    faults = list(iter_faults("leakage", document))
    if faults:
        raise ValueError(f"{name}: {faults[0]}; measure again with `duologue audit leakage`")
    return document


def leakage_bytes(document: Mapping[str, Any]) -> bytes:
    """Writes what was measured as a release keeps it: the same document gives the same bytes."""
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n"


def leakage_entries(document: Mapping[str, Any]) -> dict[str, Entry]:
    """Gives the error rate of linking by tokens, by decoded audio and by the original, each over the most speech there is.

    Of several ways of linking by tokens the one with the lowest error counts, as whoever links chooses the best.

    Args:
        document: what was measured; empty where nothing was.
    """
    return {f"leakage_{of}_eer": _entry(document, of) for of in _OF}


def linked_in_words(entries: Mapping[str, Entry]) -> str:
    """Says in a sentence how well speakers are linked by the tokens."""
    entry = entries["leakage_tokens_eer"]
    if entry["value"] is None:
        return (
            f"How well speakers can be linked across conversations by the tokens alone is unknown: {entry['unknown']}."
        )
    of_100 = 100 * entry["value"]
    low, high = (f"{100 * each:.0f}" for each in entry["interval"])
    return (
        f"By the tokens alone speakers can be linked across conversations with an error of {of_100:.0f} in 100 (95 % interval {low} to {high}; "
        f"guessing is wrong in 50, and a stronger method may be wrong less often): {entry['method']}."
    )


def _entry(document: Mapping[str, Any], of: str) -> Entry:
    if not document:
        return unknown(_NOT_MEASURED)
    figures = [
        each for each in document["figures"] if each["of"] == of and "codebook" not in each and "control" not in each
    ]
    found = [each for each in figures if each["eer"] is not None]
    if not found:
        return unknown(figures[0]["unknown"] if figures else "; ".join(document["left_out"]) or _NOT_MEASURED)
    longest = max(each["speech_s"] for each in found)
    best = min((each for each in found if each["speech_s"] == longest), key=lambda each: (each["eer"], each["by"]))
    method = (
        f"equal error rate of telling pairs of one speaker from pairs of two, across conversations, {longest} s of speech each, from "
        f"{_OF[of]}, all codebooks, by {_BY[best['by']]}; {best['linked_speakers']} speakers in two conversations or more; "
        "95 % interval: bootstrap by speaker"
    )
    return known(best["eer"], "share", method, LEAKAGE, n=best.get("conversations", 0), interval=list(best["interval"]))
