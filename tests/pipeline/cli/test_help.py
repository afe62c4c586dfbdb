"""The help texts name what the code takes: every policy and purpose, with what it does."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields

from duologue_consent import Purpose
from duologue_pipeline.cli.run import demo, run
from duologue_pipeline.codec.spec import CODEC_NAMES
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES
from duologue_pipeline.run import RunRequest
from duologue_pipeline.words.files import WORDS_POLICIES

NOT_OF_THE_COMMAND = {"as_of", "beam_args"}
"""The moment is that of the call, and what Beam is told stands after ``--``."""


def help_of(option: str, of: Callable[..., None] = run) -> str:
    """The help text of an option of ``duologue run``, or of another command."""
    (declared,) = inspect.signature(of).parameters[option].annotation.__metadata__
    text: str = declared.help
    return text


def test_the_command_takes_every_option_of_a_run_and_has_its_defaults() -> None:
    taken = {name: each.default for name, each in inspect.signature(run).parameters.items() if name != "context"}
    asked = {each.name: each.default for each in fields(RunRequest) if each.name not in NOT_OF_THE_COMMAND}
    assert taken == {name: inspect.Parameter.empty if x is MISSING else x for name, x in asked.items()}


def test_the_help_lists_every_codec() -> None:
    for name in CODEC_NAMES:
        assert f" {name}: " in help_of("codec")
        assert name in help_of("codec", of=demo)


def test_the_help_lists_what_each_isolation_policy_refuses() -> None:
    listed = "; ".join(f"{policy}: {', '.join(refused) or 'none'}" for policy, refused in ISOLATION_POLICIES.items())
    assert f". {listed}. What is kept carries its verdict." in help_of("isolation_policy")


def test_the_help_lists_every_words_policy() -> None:
    for policy in WORDS_POLICIES:
        assert f" {policy}: " in help_of("words")


def test_the_help_lists_every_purpose() -> None:
    assert f": {', '.join(Purpose)}." in help_of("purpose")
