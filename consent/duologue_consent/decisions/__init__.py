"""Says what people decided and what follows from it. Does no I/O."""
