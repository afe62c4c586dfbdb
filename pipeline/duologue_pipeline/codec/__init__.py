"""Codecs: one interface (:mod:`.base`), one module each."""
