"""Joins samples into shards: which recording goes where, and tar files that are the same each time."""
