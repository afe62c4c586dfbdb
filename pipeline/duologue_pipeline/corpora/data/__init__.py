"""Holds the data files of the corpora, one a corpus or family; :mod:`duologue_pipeline.corpora.adapter` reads them."""
