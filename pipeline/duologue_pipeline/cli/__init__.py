"""Defines the commands of ``duologue``; no other folder imports them."""
