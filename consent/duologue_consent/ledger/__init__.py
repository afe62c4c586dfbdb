"""Keeps decisions: log, vault, keys, database."""
