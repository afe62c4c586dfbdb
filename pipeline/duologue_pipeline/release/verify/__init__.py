"""Holds every byte of a release against what its manifest, its tables and its ledger say: ``duologue shards verify``."""

from duologue_pipeline.release.verify.whole import VerifyReport, verify_release

__all__ = ["VerifyReport", "verify_release"]
