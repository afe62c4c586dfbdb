"""duologue."""
