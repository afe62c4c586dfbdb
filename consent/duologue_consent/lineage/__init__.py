"""Keeps where releases went and what is owed for them."""
