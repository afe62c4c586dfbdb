"""Finds the edit terms of a speaker: words such as "uh" or "I mean" that announce a repair or hold the floor.

Edit terms are fillers, the lexicon's edit terms, and its discourse markers where their conditions hold: "you know" is
an edit term in "it's, you know, big" and none in "do you know". A discourse marker is an edit term unless the word
before is in its ``not_after`` (at the start of a clause that does not count), or the word after is in ``not_before`` or
outside of ``only_before``; if it has ``needs``, ``after`` or ``before``, one of them must hold: ``start`` of a clause
(silence or an edit term before), a ``break`` after it (silence or a filled pause), a ``conjunction`` before, or the given
word. With ``not`` ``alone`` it is none between two silences of ``alone_silence_ms``: "oh" is then an answer of its own.
"""

from collections.abc import Mapping, Sequence

from duologue_pipeline.records import Word
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.lexicon import Lexicon, phrase_end
from duologue_pipeline.words.track import TrackWords

__all__ = ["edit_terms", "filled_pauses"]


def edit_terms(track: TrackWords, filler: Sequence[bool], *, rules: DisfluencyRules) -> list[bool]:
    """Tells for each word of a speaker whether it is an edit term.

    Args:
        track: their words.
        filler: whether each is a filled pause of the lexicon; those are edit terms wherever they stand.
        rules: the rule set ``disfluency``.

    Returns:
        One flag a word, in their order.
    """
    words, normals, lexicon = track.words, track.normals, track.lexicon
    edit = list(filler)
    phrases = sorted({*lexicon.edit_terms, *lexicon.discourse_markers}, key=lambda phrase: (-len(phrase), phrase))
    for i in range(len(words)):
        silence_ms = words[i].start_ms - words[i - 1].end_ms if i else rules.clause_silence_ms + 1
        starts = silence_ms > rules.clause_silence_ms or (i > 0 and edit[i - 1])
        for phrase in phrases:
            end = phrase_end(normals, i, phrase)
            if end is None:
                continue
            conditions = lexicon.discourse_markers.get(phrase, {})
            before, after = normals[i - 1] if i else "", normals[end] if end < len(normals) else ""
            if "alone" in conditions.get("not", ()) and _is_alone(words, i, end, rules.alone_silence_ms):
                continue
            breaks = _breaks_after(words, end - 1, edit, rules=rules)
            if phrase in lexicon.edit_terms or _is_marker(conditions, before, after, starts, breaks, lexicon):
                edit[i:end] = [True] * (end - i)
                break
    return edit


def _is_alone(words: Sequence[Word], start: int, end: int, silence_ms: int) -> bool:
    before = start == 0 or words[start].start_ms - words[start - 1].end_ms > silence_ms
    return before and (end == len(words) or words[end].start_ms - words[end - 1].end_ms > silence_ms)


def filled_pauses(track: TrackWords, *, rules: DisfluencyRules) -> list[bool]:
    """Tells for each word of a speaker whether it is a filled pause, or a part of one that the transcript cuts.

    Args:
        track: their words.
        rules: the rule set ``disfluency``.

    Returns:
        One flag a word, in their order.
    """
    normals, lexicon = track.normals, track.lexicon
    filler = [normal in lexicon.fillers for normal in normals]
    if not lexicon.spaces:  # "え っ と"; of two letters ("あ の") nobody can tell
        for i in range(len(normals)):
            ends = (phrase_end(normals, i, (each,)) for each in lexicon.fillers if len(each) > 2)
            end = max((end for end in ends if end is not None), default=i)
            filler[i:end] = [True] * (end - i)
    for i in reversed(range(len(normals))):  # from behind: "あの その" breaks off twice
        if normals[i] in lexicon.fillers_before_break:
            filler[i] = _breaks_after(track.words, i, filler, rules=rules)
    return filler


def _breaks_after(words: Sequence[Word], i: int, filler: Sequence[bool], *, rules: DisfluencyRules) -> bool:
    """Tells whether the speaker breaks off after a word: a silence, a filled pause or nothing comes next."""
    if i + 1 == len(words):
        return True
    return filler[i + 1] or words[i + 1].start_ms - words[i].end_ms > rules.clause_silence_ms


def _is_marker(
    conditions: Mapping[str, frozenset[str]], before: str, after: str, starts: bool, breaks: bool, lexicon: Lexicon
) -> bool:
    if before in conditions.get("not_after", ()) and not starts:
        return False
    if after in conditions.get("not_before", ()) or after not in conditions.get("only_before", {after}):
        return False
    needs = conditions.get("needs", frozenset())
    return (
        conditions.keys().isdisjoint({"needs", "after", "before"})
        or ("start" in needs and starts)
        or ("break" in needs and breaks)
        or ("conjunction" in needs and before in lexicon.word_classes.get("conjunction", ()))
        or before in conditions.get("after", ())
        or after in conditions.get("before", ())
    )
