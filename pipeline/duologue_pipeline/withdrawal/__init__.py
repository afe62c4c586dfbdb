"""Withdrawal that reaches what was already written: planned, rewritten, switched, scanned and proved."""
