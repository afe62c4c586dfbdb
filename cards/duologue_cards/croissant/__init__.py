"""Describes a release in Croissant 1.1, for programs that load datasets."""
