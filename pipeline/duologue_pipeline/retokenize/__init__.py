"""Gives the samples of a release other tokens: the same cuts, annotations and consent, encoded from the audio in the shards."""
