"""Finds when each speaker is heard."""
