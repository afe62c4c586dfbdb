"""Holds one module per format: which files others' code reads, and how a sample becomes them."""
