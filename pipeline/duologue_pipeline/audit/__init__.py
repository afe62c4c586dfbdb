"""Looks into the tokens of a release: whether they hold what they should, and what they give away."""
