"""Keeps decisions in a ledger: its log, vault, keys and database."""
