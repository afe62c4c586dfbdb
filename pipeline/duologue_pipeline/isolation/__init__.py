"""Measures how well the two tracks are kept apart, and what else is wrong with them."""
