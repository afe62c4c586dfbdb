"""Tells whether the words of a track can be its words, by when its speaker is heard.

A transcript may have been given to the wrong track, or be timed by another clock; labels made from it would be wrong.
So its words are held against the activity of both tracks before they are used.

The times of the words and the activity of a track are two pictures of the same speech. Each becomes a row of zeros and
ones, 10 ms a place; how well two rows agree is their correlation (the phi coefficient), at each shift up to
``max_shift_ms`` against each other. A transcript of this track agrees best with this track, and near shift 0. One that
lies on the wrong track agrees with the other speaker's activity instead; one with another clock agrees elsewhere.

Speakers alternate, so words on the wrong track agree less than by chance with the track they are on, which makes the
test sharp. Words before or after the audio of their track are counted and left out first; a transcript of which most lie
there is ``outside``. What has too few words, or agrees nowhere, is ``undetermined``: never a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import fft

from duologue_pipeline.records import Activity, Span, Speaker, Word, WordsCheck, WordsVerdict
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.words_check import WordsCheckRules

__all__ = ["MISFITS", "check_words", "explain_check", "explain_outside", "fitting_words", "words_inside"]

MISFITS: Final = ("shifted", "wrong_track", "outside", "invalid")
"""Verdicts after which the words are not used."""

_STEP_MS: Final = 10
_FAR: Final = 20
"""So many times as long as its track no transcript is by a slip: its times are in another unit."""


def check_words(
    words: Sequence[Word],
    activity: Activity,
    *,
    speaker: str,
    duration_ms: int,
    delay_ms: int = 0,
    rules: WordsCheckRules | None = None,
) -> WordsCheck:
    """Checks the words of one speaker against when both are heard.

    Args:
        words: of the speaker, in any order.
        activity: of both, found from the audio.
        speaker: ``a`` or ``b``: on whose track the words are said to be.
        duration_ms: of the conversation.
        delay_ms: the most by which the track may lie late, where the delay of its encoder is not known.
        rules: the rule set ``words_check``, the packaged one if None.

    Returns:
        ``wrong_track`` where they agree better with the other track by ``min_gain``; else ``shifted`` where the best
        shift is at least ``shift_ms`` and agrees better than none by ``min_gain``; ``undetermined`` under ``min_words``
        words, ``min_words_ms`` of words or of activity, where the best agreement is under ``min_agreement``, or where
        no more than ``delay_ms`` makes the shift too large; else ``fits``.
    """
    rules = load_rules(WordsCheckRules) if rules is None else rules
    own, other = (activity.a, activity.b) if speaker == "a" else (activity.b, activity.a)
    spoken = [Span(word.start_ms, word.end_ms) for word in words]
    places = max(1, -(-duration_ms // _STEP_MS))
    said = _raster(spoken, places)
    if len(words) < rules.min_words or min(said.sum(), _raster(own, places).sum()) * _STEP_MS < rules.min_words_ms:
        return WordsCheck("undetermined")
    reach = min(rules.max_shift_ms // _STEP_MS, places - 1)
    with_own, with_other = (_agreement(said, _raster(spans, places), reach) for spans in (own, other))
    best = int(with_own.argmax())
    agreement, best_agreement = float(with_own[reach]), float(with_own[best])
    agreement_other = float(with_other.max())
    found = WordsCheck(
        verdict="fits",
        agreement=round(agreement, 3),
        best_agreement=round(best_agreement, 3),
        shift_ms=(best - reach) * _STEP_MS,
        agreement_other=round(agreement_other, 3),
    )
    verdict = _verdict(found, rules)
    if verdict == "shifted" and abs((best - reach) * _STEP_MS) - delay_ms < rules.shift_ms:
        verdict = "undetermined"
    return replace(found, verdict=verdict)


def fitting_words(
    words: Mapping[Speaker, tuple[Word, ...] | None],
    activity: Activity,
    *,
    audio: Mapping[Speaker, Span],
    duration_ms: int,
    delays_ms: Mapping[Speaker, int] = MappingProxyType({}),
) -> tuple[dict[Speaker, tuple[Word, ...] | None], dict[Speaker, WordsCheck]]:
    """Leaves out the words that lie outside of their track, and those of a speaker that cannot be theirs.

    Args:
        words: of each, on the conversation's clock; None for who has none.
        activity: of both, found from the audio.
        audio: where the audio of each track lies on that clock.
        duration_ms: of the conversation.
        delays_ms: the most by which each track may lie late, for those whose delay is not known.

    Returns:
        The words, None also in place of those that cannot be that speaker's (:data:`MISFITS`); and what was found of
        everybody who had some.
    """
    kept: dict[Speaker, tuple[Word, ...] | None] = {}
    checks: dict[Speaker, WordsCheck] = {}
    for speaker, own in words.items():
        if own is None:
            kept[speaker] = None
            continue
        inside, found = words_inside(own, audio[speaker])
        if found.verdict != "outside":
            delay_ms = delays_ms.get(speaker, 0)
            check = check_words(inside, activity, speaker=speaker, duration_ms=duration_ms, delay_ms=delay_ms)
            found = replace(check, given=found.given, outside=found.outside, detail=found.detail)
        checks[speaker] = found
        kept[speaker] = None if found.verdict in MISFITS else inside
    return kept, checks


def words_inside(words: Sequence[Word], audio: Span) -> tuple[tuple[Word, ...], WordsCheck]:
    """Leaves out the words that lie outside of the audio of their track.

    Args:
        words: of one speaker, on the conversation's clock.
        audio: where the audio of the track lies on that clock.

    Returns:
        The others; and what was found, of which the verdict is ``outside`` where most lie there, else ``undetermined``: nothing
        has been held against what is heard.
    """
    inside = tuple(word for word in words if _is_inside(word, audio))
    outside = len(words) - len(inside)
    most = outside > load_rules(WordsCheckRules).max_outside_share * len(words)
    detail = _reach(words, audio, most=most) if outside else ""
    return inside, WordsCheck("outside" if most else "undetermined", given=len(words), outside=outside, detail=detail)


def _is_inside(word: Word, audio: Span) -> bool:
    """Tells whether a word lies in the audio of its track, wholly or in part; a moment counts where it falls."""
    return word.start_ms < audio.end_ms and (
        word.end_ms > audio.start_ms or word.start_ms == word.end_ms == audio.start_ms
    )


def _reach(words: Sequence[Word], audio: Span, *, most: bool) -> str:
    """Says how far words reach beyond their track, and what that looks like."""
    last_ms = max(word.end_ms for word in words)
    if last_ms <= audio.end_ms:
        return f"the first begins at {min(word.start_ms for word in words) / 1000:g} s, the track at {audio.start_ms / 1000:g} s"
    told = f"the last ends at {last_ms / 1000:g} s, the track at {audio.end_ms / 1000:g} s"
    return told + (": are these milliseconds?" if most and last_ms > _FAR * audio.end_ms else "")


def explain_check(check: WordsCheck, *, speaker: str) -> str:
    """Explains in one sentence what is wrong with words and what to do; gives ``""`` where they fit."""
    other = "b" if speaker == "a" else "a"
    if check.verdict == "invalid":
        return check.detail
    if check.verdict == "outside":
        return (
            f"{check.outside} of the {check.given} words of {speaker} lie before or after the audio of {speaker}: see that "
            "the transcript is of this recording, and correct its times or the track's offset_s" + _more(check)
        )
    if check.verdict == "wrong_track":
        return (
            f"the words of {speaker} agree with the speech of {other} ({check.agreement_other}) and not with that of "
            f"{speaker} ({check.best_agreement}): give the transcripts to the right tracks"
        )
    if check.verdict == "shifted" and check.shift_ms is not None:
        late = "after" if check.shift_ms > 0 else "before"
        return (
            f"the words of {speaker} lie {abs(check.shift_ms) / 1000:g} s {late} the speech of {speaker} (agreement "
            f"{check.best_agreement} there, {check.agreement} as they are): correct the times of the transcript"
        )
    if check.verdict == "undetermined":
        if check.agreement is None:
            return f"the words of {speaker} could not be held against the audio: too few words or too little speech"
        if check.best_agreement is not None and check.best_agreement >= load_rules(WordsCheckRules).min_agreement:
            return (
                f"the words of {speaker} lie {abs(check.shift_ms or 0) / 1000:g} s off the speech of {speaker}, and the "
                "MP3 does not name the delay of its encoder, so either may be right: give the track in another format"
            )
        return (
            f"the words of {speaker} agree with the speech of nobody (at best {check.best_agreement}): see that the "
            "transcript is of this recording"
        )
    return ""


def explain_outside(check: WordsCheck, *, speaker: str) -> str:
    """Says in one sentence how many words lie outside of the audio; gives ``""`` where none does, or most do."""
    if not check.outside or check.verdict == "outside":
        return ""
    return (
        f"{check.outside} of the {check.given} words of {speaker} lie before or after the audio of {speaker}, and "
        "are left out: see that neither the audio nor the transcript is cut short, and correct the times or the track's offset_s"
        + _more(check)
    )


def _more(check: WordsCheck) -> str:
    return f" ({check.detail})" if check.detail else ""  # how far they reach


def _verdict(found: WordsCheck, rules: WordsCheckRules) -> WordsVerdict:
    assert found.agreement is not None
    assert found.best_agreement is not None
    assert found.shift_ms is not None
    assert found.agreement_other is not None
    if max(found.best_agreement, found.agreement_other) < rules.min_agreement:
        return "undetermined"
    if found.agreement_other >= found.best_agreement + rules.min_gain:
        return "wrong_track"
    if abs(found.shift_ms) >= rules.shift_ms and found.best_agreement >= found.agreement + rules.min_gain:
        return "shifted"
    return "fits"


def _raster(spans: Sequence[Span], places: int) -> npt.NDArray[np.float64]:
    """Draws when somebody speaks as a row of 0 and 1, 10 ms a place: float64 [places]."""
    row = np.zeros(places)
    for span in spans:
        row[max(0, round(span.start_ms / _STEP_MS)) : max(0, round(span.end_ms / _STEP_MS))] = 1
    return row


def _agreement(said: npt.NDArray[np.float64], heard: npt.NDArray[np.float64], reach: int) -> npt.NDArray[np.float64]:
    """Correlates two rows at every shift of ``said`` from ``-reach`` to ``reach`` places.

    The means are those of the whole rows, so that what slides out at an end counts as silence.

    Args:
        said, heard: float64 [T] of 0 and 1.
        reach: below T.

    Returns:
        float64 [2 * reach + 1] in [-1, 1]; 0 everywhere where a row does not vary.
    """
    x, y = said - said.mean(), heard - heard.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    if norm == 0:
        return np.zeros(2 * reach + 1)
    size = fft.next_fast_len(x.size + reach, real=True)
    # sum over t of said[t + shift] * heard[t], for a shift of the words that makes them late
    products = fft.irfft(fft.rfft(x, size) * np.conj(fft.rfft(y, size)), size)
    return np.concatenate([products[-reach:] if reach else products[:0], products[: reach + 1]]) / norm
