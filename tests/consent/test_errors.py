"""Every exception class of the consent part: one family, one ending."""

import importlib
import pkgutil

import duologue_consent
from duologue_consent import ConsentError

NAMES = [
    found.name
    for found in pkgutil.walk_packages(duologue_consent.__path__, "duologue_consent.")
    if found.name != "duologue_consent.verify"  # runs alone
]


def test_every_exception_is_a_consent_error_and_is_named_so() -> None:
    classes = {
        value
        for name in NAMES
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == name
    }
    assert len(classes) > 8
    assert {found for found in classes if not issubclass(found, ConsentError)} == set()
    assert {found for found in classes if not found.__name__.endswith("Error")} == set()
