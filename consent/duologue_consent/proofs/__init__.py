"""Makes and checks what anybody can check: trees, notes, envelopes, leaves, receipts. Does no I/O."""
