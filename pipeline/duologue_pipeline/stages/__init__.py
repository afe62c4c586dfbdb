"""The Beam shell: one thin composite transform per stage, over the pure functions of the package.

Each transform gives two collections: what goes on, and the :class:`~duologue_pipeline.records.Rejected`.
"""
