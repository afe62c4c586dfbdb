"""The words of a track in normal form: what is derived of each, and what stays when words are moved."""

from duologue_pipeline.records import Word
from duologue_pipeline.words.lexicon import load_lexicon
from duologue_pipeline.words.track import TrackWords, track_words

WORDS = [Word("Well,", 0, 200), Word("[laughter-yes]", 200, 400), Word("[noise]", 500, 600), Word("...", 600, 700)]


def make_track() -> TrackWords:
    return track_words(WORDS, load_lexicon("en"))


def test_each_word_has_what_its_spelling_says() -> None:
    track = make_track()
    assert track.words == tuple(WORDS)
    assert track.normals == ("well", "yes", "[noise]", "")
    assert track.spoken == (True, True, False, False)
    assert track.laughter == (False, True, False, False)
    assert track.known


def test_no_transcript_is_not_an_empty_transcript() -> None:
    lexicon = load_lexicon("en")
    assert not track_words(None, lexicon).known
    assert track_words([], lexicon).known
    assert track_words(None, lexicon).words == ()


def test_moved_words_keep_their_normal_form() -> None:
    later = [Word("", 0, 100), Word("[laughter-yes]", 1000, 1300)]
    moved = make_track().moved([None, 1], later)
    assert moved == TrackWords(
        words=tuple(later),
        normals=("", "yes"),
        spoken=(False, True),
        laughter=(False, True),
        lexicon=load_lexicon("en"),
    )
