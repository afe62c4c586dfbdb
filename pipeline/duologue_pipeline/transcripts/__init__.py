"""Reads transcripts as recognisers, corpora and annotation programs write them: one module a family of formats."""
