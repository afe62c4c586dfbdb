"""The consent gate: what the ledger allows passes, before any audio is opened."""
