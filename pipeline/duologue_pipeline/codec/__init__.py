"""Encodes audio into tokens and decodes tokens into audio: one interface (:mod:`.base`), one module a codec."""
