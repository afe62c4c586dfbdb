"""Holds what the law of each jurisdiction asks of a consent record: data files with their sources, and the code that reads them."""
