"""Brings the field's corpora and the deliveries of recorders to manifests: what is known of each stands in a data file."""
