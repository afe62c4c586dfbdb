"""Decodes files with FFmpeg's libraries (PyAV) or desphere in a process of its own, which a hostile file may kill but not the run.

:mod:`duologue_pipeline.ingest.apart.worker` is that process, :mod:`duologue_pipeline.ingest.apart.decoder` reads what it gives.
"""
