"""Scans a dataset's folder for anything of what was removed."""
