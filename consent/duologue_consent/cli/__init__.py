"""``duologue consent``."""
