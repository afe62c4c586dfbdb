"""Makes a recording from the audio files of one conversation, without a manifest."""

from duologue_pipeline.files.names import absolute_uri
from duologue_pipeline.records import Recording, Track

__all__ = ["recording_of_files"]


def recording_of_files(
    a: str,
    b: str | None = None,
    *,
    language: str | None = None,
    words_a: str | None = None,
    words_b: str | None = None,
    offsets_s: tuple[float, float] = (0.0, 0.0),
    channels: tuple[int, int | None] = (0, None),
    words_channels: tuple[str | None, str | None] = (None, None),
) -> Recording:
    """Makes a recording from audio files, without a manifest.

    Args:
        a: path or uri of speaker a's track, or of a stereo file with both.
        b: of speaker b's track; None where ``a`` holds both.
        language: a BCP 47 tag, which chooses the lexicon.
        words_a, words_b: of their word files (schemas/words.schema.json) or transcripts (docs/transcripts.md).
        offsets_s: by how many seconds each file began late.
        channels: of each track in its file, counted from 0; None for b is 0, or 1 of a stereo file.
        words_channels: which stream of its transcript is each track's: a channel counted from 0, or a name.
    """
    channel_b = (0 if b else 1) if channels[1] is None else channels[1]
    words = [words_uri and absolute_uri(words_uri) for words_uri in (words_a, words_b)]
    label_a, label_b = words_channels
    return Recording(
        recording_id="conversation",
        a=Track("a", absolute_uri(a), channels[0], offsets_s[0], words_uri=words[0], words_channel=label_a),
        b=Track("b", absolute_uri(b or a), channel_b, offsets_s[1], words_uri=words[1], words_channel=label_b),
        language=language,
    )
