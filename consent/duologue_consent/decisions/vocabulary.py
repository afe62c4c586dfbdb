"""Lists the words that a consent record may use: forms, methods, expressions, deciders and age bands.

They are those of ISO/IEC TS 27560:2023 as the guide of the W3C Data Privacy Vocabulary maps them.
"""

from enum import StrEnum
from typing import Final

__all__ = ["ALL_FORMS", "AgeBand", "Decider", "Expression", "Form", "Method"]


class _Named(StrEnum):
    """Closes a list of words: a word that is not on it is refused, and those that are on it are named."""

    @classmethod
    def _missing_(cls, value: object) -> "_Named":
        raise ValueError(f"unknown {cls.__name__.lower()} {value!r}; expected one of {', '.join(cls)}")


class Form(_Named):
    """Names what of a recording a consent covers. A sample is made of these."""

    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    TOKENS = "tokens"
    ANNOTATIONS = "annotations"


ALL_FORMS: Final = tuple(Form)
"""Every form, in the order of :class:`Form`."""


class Method(_Named):
    """Names how the decision was indicated (``dpv:hasIndicationMethod``)."""

    WRITTEN = "written"
    ELECTRONIC = "electronic"
    VERBAL = "verbal"
    UNKNOWN = "unknown"


class Expression(_Named):
    """Names how clearly it was expressed: ``dpv:ExplicitlyExpressedConsent``, ``ExpressedConsent``, ``ImpliedConsent``."""

    EXPLICIT = "explicit"
    EXPRESSED = "expressed"
    IMPLIED = "implied"
    UNKNOWN = "unknown"


class Decider(_Named):
    """Names who decided (``dpv:isIndicatedBy``). ``authority`` is a court or a supervisory authority."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    CONTROLLER = "controller"
    AUTHORITY = "authority"


class AgeBand(_Named):
    """Names how old the speaker was at the decision."""

    ADULT = "adult"
    MINOR = "minor"
    UNKNOWN = "unknown"
