"""Holds recognised words against the activity of their track: leaves out invented ones, and mends the times of the others.

Recognisers invent words where nobody speaks (Koenecke et al. 2024), and their times are rough: Whisper's ends are stretched over
pauses, and its words begin some tenths of a second early or late. The activity of the track is the better witness of when
somebody speaks. So each word belongs to the stretch of speech that it overlaps most, or else to the nearest one, if that
is near enough; no word lies in an earlier stretch than the word before it. Its times are then brought into that stretch.

Invented is

- what lies in no stretch, nor near one;
- what the recogniser itself doubts (:class:`duologue_pipeline.words.asr.SpokenWord`);
- all of a stretch that would have to be said faster than anybody speaks;
- all of a short stretch that the recogniser is rather not sure of: Whisper writes a sentence for "mm-hm" that it cannot spell.

A stretch without words stays what it is: activity. Short answers that a recogniser misses are found by their timing.

What is left of a short stretch of which the recogniser is not quite sure is marked ``unsure``: a backchannel of one syllable is now
and then heard as other words. So such words never say that their stretch is no backchannel
(:mod:`duologue_pipeline.events.floor`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from duologue_pipeline.records import HeardWords, Span, Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.words_check import WordsCheckRules

__all__ = ["words_in_activity"]


def words_in_activity(
    words: Sequence[Word], doubted: Sequence[bool], activity: Sequence[Span], *, rules: WordsCheckRules | None = None
) -> HeardWords:
    """Leaves out recognised words that nobody can have said, and brings the others into the speech of their track.

    Args:
        words: in the order in which they are said, on the conversation's clock.
        doubted: of each, whether the recogniser takes it for no speech.
        activity: of their track, sorted and disjoint.
        rules: the rule set ``words_check``, the packaged one if None.

    Returns:
        The words that are left, in that order, none beginning before the one before it ends, marked where they are unsure;
        and how many there were.
    """
    rules = load_rules(WordsCheckRules) if rules is None else rules
    stretches = _joined(activity, rules.heard_join_ms)
    placed = list(_in_stretches([w for w, doubt in zip(words, doubted, strict=True) if not doubt], stretches, rules))
    kept: list[Word] = []
    for place, group in groupby(placed, key=lambda each: each[0]):
        said = [word for _, word in group]
        stretch, sure = stretches[place], _confidence(said)
        if _too_fast(said, stretch, rules) or (
            stretch.duration_ms <= rules.heard_short_ms and sure < rules.heard_short_min_confidence
        ):
            continue
        unsure = stretch.duration_ms <= rules.heard_unsure_ms and sure < rules.heard_unsure_below_confidence
        kept += (
            replace(word, marks=("unsure",)) if unsure else word
            for word in _fitted(said, stretch, rules.heard_word_min_ms)
        )
    return HeardWords(tuple(kept), given=len(words))


def _joined(activity: Sequence[Span], most_ms: int) -> list[Span]:
    """Joins stretches between which there is less silence than ``most_ms``."""
    joined: list[Span] = []
    for span in activity:
        if joined and span.start_ms - joined[-1].end_ms < most_ms:
            joined[-1] = Span(joined[-1].start_ms, span.end_ms)
        else:
            joined.append(span)
    return joined


def _in_stretches(
    words: Sequence[Word], stretches: Sequence[Span], rules: WordsCheckRules
) -> Iterator[tuple[int, Word]]:
    """Gives each word with the place of its stretch, in order; leaves out what is near none."""
    least = 0  # no word lies in an earlier stretch than the word before it
    for word in words:
        while least < len(stretches) and stretches[least].end_ms + rules.heard_reach_ms <= word.start_ms:
            least += 1
        best, most_ms = None, -rules.heard_reach_ms
        for place in range(least, len(stretches)):
            stretch = stretches[place]
            if stretch.start_ms - rules.heard_reach_ms >= word.end_ms:
                break
            overlap_ms = min(word.end_ms, stretch.end_ms) - max(word.start_ms, stretch.start_ms)  # below 0: a gap
            if overlap_ms > most_ms:
                best, most_ms = place, overlap_ms
        if best is not None:
            least = best
            yield best, word


def _too_fast(words: Sequence[Word], stretch: Span, rules: WordsCheckRules) -> bool:
    """Tells whether nobody can say these words in that time; what lies near the stretch may be speech, too."""
    letters = sum(character.isalnum() for word in words for character in word.word)
    return letters * 1000 > rules.heard_max_letters_per_s * (stretch.duration_ms + 2 * rules.heard_reach_ms)


def _confidence(words: Sequence[Word]) -> float:
    """Gives the mean confidence of words, 1 where the recogniser gives none."""
    sure = [word.confidence for word in words if word.confidence is not None]
    return sum(sure) / len(sure) if sure else 1.0


def _fitted(words: Sequence[Word], stretch: Span, least_ms: int) -> Iterator[Word]:
    """Brings words into a stretch, one after the other, each at least so long or an equal share of it."""
    least_ms = min(least_ms, stretch.duration_ms // len(words))
    at_ms = stretch.start_ms
    for left, word in zip(range(len(words), 0, -1), words, strict=True):
        start_ms = min(max(word.start_ms, at_ms), stretch.end_ms - left * least_ms)
        end_ms = min(max(word.end_ms, start_ms + least_ms), stretch.end_ms - (left - 1) * least_ms)
        at_ms = end_ms
        yield Word(word.word, start_ms, end_ms, word.confidence)
