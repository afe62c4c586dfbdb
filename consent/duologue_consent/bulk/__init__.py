"""Reads decisions about many speakers from one table: text, rows, entries. No I/O."""
