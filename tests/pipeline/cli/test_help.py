"""The help texts name what the code takes: every policy and purpose, with what it does."""

import inspect

from duologue_consent import Purpose
from duologue_pipeline.cli.run import run
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES
from duologue_pipeline.words.files import WORDS_POLICIES


def help_of(option: str) -> str:
    """The help text of an option of ``duologue run``."""
    (declared,) = inspect.signature(run).parameters[option].annotation.__metadata__
    text: str = declared.help
    return text


def test_the_help_lists_what_each_isolation_policy_refuses() -> None:
    listed = "; ".join(f"{policy}: {', '.join(refused) or 'none'}" for policy, refused in ISOLATION_POLICIES.items())
    assert f". {listed}. What is kept carries its verdict." in help_of("isolation_policy")


def test_the_help_lists_every_words_policy() -> None:
    for policy in WORDS_POLICIES:
        assert f" {policy}: " in help_of("words")


def test_the_help_lists_every_purpose() -> None:
    assert f": {', '.join(Purpose)}." in help_of("purpose")
