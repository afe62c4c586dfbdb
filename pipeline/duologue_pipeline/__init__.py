"""Turns two-track recordings of conversations into training shards, with labels and consent."""
