"""Refuses recordings whose speakers do not allow the run's purpose, before any audio is opened."""
