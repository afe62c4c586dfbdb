"""Writes annotations as documents and as files of other programs."""
