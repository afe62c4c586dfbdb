"""Finds what is said: word files, recognition, lexicons, backchannels, disfluencies."""
