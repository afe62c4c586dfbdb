"""Writes the sections of README.md that stand alone; readme.py puts them in their order."""
