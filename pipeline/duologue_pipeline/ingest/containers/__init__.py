"""Looks through a file of audio before it is decoded and accounts for every byte of it.

One module a container. Each reads headers only, in bounded memory, believes no size that a header states before it has
seen the bytes, and gives the :class:`~duologue_pipeline.ingest.sections.Layout` of the file or refuses it with the true
reason. :mod:`duologue_pipeline.ingest.containers.find` knows a container by its first bytes, never by the file's name.
"""
