"""Scores one side of two-track conversations, a model or a person, by the definitions that the events carry."""
