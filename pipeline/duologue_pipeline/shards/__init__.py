"""Plans which recording goes where, and writes shards: tar files that are the same each time."""
