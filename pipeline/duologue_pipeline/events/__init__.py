"""Finds what happens between the speakers, and counts it."""
