"""Names why a word or a sample of a release is not in an export."""

from typing import Final

__all__ = ["REASONS"]

REASONS: Final[dict[str, str]] = {
    # words
    "owned_by_neighbour": "The word crosses a cut and begins in the sample before, which owns it.",
    "before_the_recording": "The word begins before the recording does.",
    "after_the_last_frame": "The word begins after the last whole token frame; no sample owns it.",
    "zero_duration": "The word has no duration, and the format places words by their duration.",
    "empty": "The word is white space only, or nothing of it can be shown.",
    "no_room": "The audio ends before there is a free frame for a token of the word.",
    "no_text": "The format holds no text.",
    "no_turn": "The word lies in no turn, and the format holds turns only.",
    "too_long": "The turn or the text is longer than the format takes.",
    "user_side": "The user says the word, and the format holds what the model says only.",
    "special_token": "The tokenizer reads the word as a command of the model.",
    # samples, with the words in them
    "no_model_side": "No speaker of the sample is one that the model shall speak as.",
    "no_transcript": "Nothing is known of what the model's side says, and the format cannot say so.",
    "silenced": "The speaker whom the model would speak as was taken out on withdrawal.",
    "no_turns": "No turn lies in the sample.",
    "too_short": "It is shorter than what the format cuts.",
    "no_item": "It shows nothing that the benchmark has a task for.",
    # samples that are not read
    "other_purpose": "Its speakers do not allow the purpose.",
    "not_chosen": "It does not fulfil the conditions of --where.",
    "revoked": "A speaker has withdrawn, and the release was not rewritten yet.",
}
"""Reason -> a sentence. A format that has a reason of its own adds it here."""
