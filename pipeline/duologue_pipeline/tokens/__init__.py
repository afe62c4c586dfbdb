"""Cuts an annotated conversation into samples: codec tokens, documents, rows of the tables."""
