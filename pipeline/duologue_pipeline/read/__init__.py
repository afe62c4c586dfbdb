"""The manifest: its lines become recordings."""
