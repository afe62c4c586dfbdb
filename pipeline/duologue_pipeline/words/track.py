"""Brings the words of one speaker to normal form, once, for everything that reads words afterwards.

Disfluencies, backchannels and events compare words as the lexicons spell them, and need to know what is a word and what
is laughter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from duologue_pipeline.records import Word
from duologue_pipeline.words.lexicon import Lexicon, is_laughter, normal_form

__all__ = ["TrackWords", "track_words"]


@dataclass(frozen=True)
class TrackWords:
    """Holds the words of one speaker in order of time, and what their spelling says of each.

    The sequences are all of one length.

    Attributes:
        words: as the transcript has them.
        normals: their normal forms (:func:`duologue_pipeline.words.lexicon.normal_form`).
        spoken: whether each is a word, and no bracketed token or punctuation.
        laughter: whether each is laughter, or a word said while laughing.
        lexicon: of their language.
        known: False where nobody has written down what was said, so that there are no words.
    """

    words: tuple[Word, ...]
    normals: tuple[str, ...]
    spoken: tuple[bool, ...]
    laughter: tuple[bool, ...]
    lexicon: Lexicon
    known: bool = True

    def moved(self, places: Sequence[int | None], words: Sequence[Word]) -> "TrackWords":
        """Gives the same words at other times.

        Args:
            places: which word each of ``words`` is; None for an empty one, which stands for speech without words.
            words: the words to be, in order of time.
        """
        return TrackWords(
            words=tuple(words),
            normals=tuple("" if i is None else self.normals[i] for i in places),
            spoken=tuple(i is not None and self.spoken[i] for i in places),
            laughter=tuple(i is not None and self.laughter[i] for i in places),
            lexicon=self.lexicon,
        )


def track_words(words: Sequence[Word] | None, lexicon: Lexicon) -> TrackWords:
    """Brings the words of one speaker to normal form.

    Args:
        words: of one speaker, in order of time; None where nobody has written them down.
        lexicon: of their language.
    """
    given = tuple(words or ())
    normals = tuple(normal_form(word.word) for word in given)
    return TrackWords(
        words=given,
        normals=normals,
        spoken=tuple(normal[:1].isalnum() for normal in normals),
        laughter=tuple(is_laughter(word.word, normal, lexicon) for word, normal in zip(given, normals, strict=True)),
        lexicon=lexicon,
        known=words is not None,
    )
