"""The Beam shell: one generic transform for the stages of a recording, and one each for what looks at all of them.

Each transform gives two collections: what goes on, and the :class:`~duologue_pipeline.records.Rejected`.
"""
