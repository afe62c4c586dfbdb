"""Looks at a manifest, its files and the consent as a run would, by the functions of a run, and makes nothing."""
