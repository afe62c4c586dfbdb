"""Holds the rule sets: every threshold of the pipeline, in versioned JSON files whose version outputs name.

A rule set is a frozen dataclass (``rules/ingest.py``) beside the file that fills it (``rules/ingest.json``)::

    rules = load_rules(IngestRules)
    rules.min_duration_s
    replace(rules, min_duration_s=0.1)  # in a test or a benchmark: the same, but for one threshold
"""

from duologue_pipeline.rules.loader import RulesError, RuleSet, load_rules, parse_rules

__all__ = ["RuleSet", "RulesError", "load_rules", "parse_rules"]
