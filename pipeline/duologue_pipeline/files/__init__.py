"""Reads and writes files wherever they lie: on a disk or in an object store, under conditions, as tables."""
