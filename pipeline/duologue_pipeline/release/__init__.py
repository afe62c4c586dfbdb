"""Writes a release as a whole, and checks it."""
