"""Reads the manifest and turns its lines into recordings."""
