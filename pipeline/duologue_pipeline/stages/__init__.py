"""Runs the stages on Beam: one transform for the stages of a recording, and one each for those over all recordings.

Each transform gives two collections: what goes on, and the :class:`~duologue_pipeline.records.Rejected`.
"""
