"""Offers the ledger to a data steward, as ``duologue consent``."""
