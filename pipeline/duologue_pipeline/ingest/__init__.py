"""Decodes both tracks of a recording and measures them."""
