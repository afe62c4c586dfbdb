"""Tells figures of leakage in plain words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

__all__ = ["leakage_lines"]

_WAYS: Final = {
    ("tokens", "network"): "tokens, small network",
    ("tokens", "histogram"): "tokens, how often each is used",
    ("tokens", "histogram_within"): "  the same, evened out",
    ("decoded", "voice"): "decoded audio, Resemblyzer",
    ("original", "voice"): "original audio, Resemblyzer",
}
_WIDTH: Final = 14


def leakage_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Gives what was measured, line by line.

    Args:
        document: of ``cards/leakage.json``.
    """
    figures, codec = document["figures"], document["codec"]
    release = document["release"]
    yield f"{release['name']} {release['version']}, tokens of {codec['name']}, {codec['codebooks']} codebooks"
    if document["conversations"] == "within":
        yield (
            "WITHIN CONVERSATIONS: pairs of one speaker may be two halves of one conversation. Line, room and topic are the same in "
            "both and link them as well: the error is too low, and says nothing about linking across conversations."
        )
    yield ""
    yield "Wrong in 100, where as many pairs of one speaker are missed as pairs of two speakers are taken for one:"
    yield "0 is always right, 50 is guessing. In brackets the 95 % interval. ? is unknown."
    yield ""
    seconds = sorted({each["speech_s"] for each in figures})
    yield f"{'':34}" + "".join(f"{f'{each} s':>{_WIDTH}}" for each in seconds)
    plain = [each for each in figures if "codebook" not in each and "control" not in each]
    for way, told in _WAYS.items():
        own = [each for each in plain if (each["of"], each["by"]) == way]
        if own:
            yield f"{told:34}" + "".join(_cell(own, each) for each in seconds)
    yield from _chance(plain)
    yield from _alone(figures)
    yield from _controls(figures)
    reasons = dict.fromkeys(each["unknown"] for each in plain if each["eer"] is None)
    if reasons or document["left_out"]:
        yield ""
    for reason in reasons:
        ways = dict.fromkeys(_WAYS[each["of"], each["by"]].strip() for each in plain if each.get("unknown") == reason)
        yield f"unknown of {', '.join(ways)}: {reason}"
    yield from document["left_out"]
    yield ""
    yield from _meaning(plain)


def _cell(figures: Sequence[Mapping[str, Any]], seconds: int) -> str:
    found = next((each for each in figures if each["speech_s"] == seconds), None)
    return f"{_rate(found) if found else '':>{_WIDTH}}"


def _rate(figure: Mapping[str, Any]) -> str:
    if figure["eer"] is None:
        return "?"
    low, high = (f"{100 * each:.0f}" for each in figure["interval"])
    return f"{100 * figure['eer']:.0f} ({low}-{high})"


def _chance(figures: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    found = [each["chance"] for each in figures if "chance" in each]
    if found:
        low, high = min(each[0] for each in found), max(each[2] for each in found)
        middle = sorted(each[1] for each in found)[len(found) // 2]
        yield f"{'names shuffled (chance)':34}{f'{100 * middle:.0f} ({100 * low:.0f}-{100 * high:.0f})':>{_WIDTH}} at any length"


def _alone(figures: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Gives the codebooks alone, by the way that does best with each, over the most speech there is."""
    alone = [each for each in figures if "codebook" in each and each["eer"] is not None]
    if not alone:
        return
    longest = max(each["speech_s"] for each in alone)
    yield ""
    yield f"Each codebook alone, {longest} s, the better of network and histograms:"
    best = {
        number: min((each for each in alone if each["codebook"] == number and each["speech_s"] == longest), key=_eer)
        for number in sorted({each["codebook"] for each in alone if each["speech_s"] == longest})
    }
    cells = [f"{number}: {_rate(figure)}" for number, figure in best.items()]
    for at in range(0, len(cells), 6):
        yield "  " + "".join(f"{cell:<18}" for cell in cells[at : at + 6]).rstrip()


def _eer(figure: Mapping[str, Any]) -> float:
    rate: float = figure["eer"]
    return rate


def _controls(figures: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    told = {
        "channels": "one speaker on two channels against two speakers on one",
        "background": "tokens of what is heard while nobody speaks",
    }
    own = [each for each in figures if "control" in each]
    if own:
        yield ""
        yield "Controls: is it the voice, or the line and the room?"
    for each in own:
        reason = f": {each['unknown']}" if each["eer"] is None else ""
        yield f"  {told[each['control']]}, {each['speech_s']} s: {_rate(each)}{reason}"
    hard = [each for each in figures if "taken_for_one_in_one_conversation" in each and "codebook" not in each]
    hard = [each for each in hard if each["of"] == "tokens" and "control" not in each]
    if hard:
        worst = max(hard, key=lambda each: (each["speech_s"], -each["eer"]))
        share = 100 * worst["taken_for_one_in_one_conversation"]
        yield (
            f"  both speakers of one conversation, {worst['speech_s']} s: taken for one speaker in {share:.0f} of 100 pairs "
            f"(of any two speakers {100 * worst['eer']:.0f})"
        )


def _meaning(figures: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    known = [each for each in figures if each["of"] == "tokens" and each["eer"] is not None]
    if not known:
        yield "Nothing is said about how well speakers can be linked: it is unknown, which is not the same as impossible."
        return
    longest = max(each["speech_s"] for each in known)
    best = min((each for each in known if each["speech_s"] == longest), key=_eer)
    wrong = 100 * best["eer"]
    yield (
        f"In words: given {longest} s of speech of somebody, and {longest} s from another conversation, of the same speaker or of another, "
        f"whoever decides from the tokens alone which it is errs in {wrong:.0f} of 100 cases; who guesses, in 50."
    )
    yield "Another method, or one that learnt from more speakers, may err less often: this is the least that leaks, not the most."
