"""Brings folders and tables of recordings to a manifest: what people have, before anything of it is run."""
