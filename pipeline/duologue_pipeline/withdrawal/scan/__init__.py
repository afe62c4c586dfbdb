"""Proves that nothing of what was removed is left."""
