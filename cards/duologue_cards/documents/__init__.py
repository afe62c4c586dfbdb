"""Writes the documents that are views of the facts, one module each; they compute nothing of their own."""
