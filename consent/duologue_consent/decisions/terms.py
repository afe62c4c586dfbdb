"""Holds what a consent record says beside who decided what and when: values and their JSON form, no I/O.

The fields are those of ISO/IEC TS 27560:2023 as the guide of the W3C Data Privacy Vocabulary maps them
(https://w3id.org/dpv/guides/consent-27560); docs/consent.md names the DPV term of each. What a record does not say is
unknown: None, empty or ``unknown``. It never counts as a yes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from duologue_consent.decisions.vocabulary import AgeBand, Decider, Expression, Form, Method

__all__ = ["Evidence", "Guardian", "Notice", "Terms"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LONGEST_RETENTION_DAYS: Final = 36_500  # a hundred years
_ADULT_YEARS: Final = 18
_OLDEST_MINOR_YEARS: Final = 20  # the age of majority is 21 in some jurisdictions


@dataclass(frozen=True)
class Notice:
    """Names the text that the speaker was shown. ``sha256`` (lower-case hex) is that of its bytes, ``language`` BCP 47.

    Raises:
        ValueError: the hash or the language is not written as above.
    """

    sha256: str
    version: str | None = None
    language: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        _check_sha256("notice.sha256", self.sha256)
        if self.language is not None and not _LANGUAGE.fullmatch(self.language):
            raise ValueError(f"notice.language {self.language!r} is no BCP 47 tag; write one such as en or pt-BR")
        _check_texts(notice_version=self.version, notice_url=self.url)


@dataclass(frozen=True)
class Guardian:
    """Names who may decide for a minor.

    ``reference`` is the steward's own name for the guardian's papers; ``verified_by`` says how it was made sure that
    this person holds parental responsibility, None where it was not.
    """

    reference: str
    relation: str | None = None
    verified_by: str | None = None

    def __post_init__(self) -> None:
        _check_texts(
            guardian_reference=self.reference,
            guardian_relation=self.relation,
            guardian_verified_by=self.verified_by,
        )


@dataclass(frozen=True)
class Evidence:
    """Names what shows the decision: the hash of a scan, a form or a recording, and where the steward keeps it.

    ``sha256`` is lower-case hex.

    Raises:
        ValueError: both are missing, or the hash is not written so.
    """

    sha256: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        if self.sha256 is None and self.reference is None:
            raise ValueError("evidence needs a sha256 or a reference")
        if self.sha256 is not None:
            _check_sha256("evidence.sha256", self.sha256)
        _check_texts(evidence_reference=self.reference)


@dataclass(frozen=True)
class Terms:
    """Holds the particulars of one decision.

    Attributes:
        forms: what a grant covers, what a denial takes away; each once, in the order of :class:`Form`. Empty: a
            grant covers nothing, a denial all.
        notice: what the speaker was shown.
        method, expression, decided_by: how, how clearly and by whom.
        jurisdiction: where the speaker was, ISO 3166 (``DE``, ``US-IL``).
        age_band, age_years: how old the speaker was, ``age_years`` in completed years where it is known.
        guardian: who decided for a minor.
        retention_days: for how many days after the recording was made the data may be kept.
        evidence: what shows it.
        controller: who asked, by name.
        recipients: to whom the data may be handed on, by name.

    Raises:
        ValueError: a field has a value that it cannot have, or two contradict each other.
    """

    forms: Sequence[Form] = ()
    notice: Notice | None = None
    method: Method = Method.UNKNOWN
    expression: Expression = Expression.UNKNOWN
    decided_by: Decider = Decider.SUBJECT
    jurisdiction: str | None = None
    age_band: AgeBand = AgeBand.UNKNOWN
    age_years: int | None = None
    guardian: Guardian | None = None
    retention_days: int | None = None
    evidence: Evidence | None = None
    controller: str | None = None
    recipients: Sequence[str] = ()

    def __post_init__(self) -> None:
        named = set(map(Form, self.forms))
        object.__setattr__(self, "forms", tuple(form for form in Form if form in named))
        object.__setattr__(self, "recipients", tuple(dict.fromkeys(self.recipients)))
        if self.jurisdiction is not None and not _JURISDICTION.fullmatch(self.jurisdiction):
            raise ValueError(f"jurisdiction {self.jurisdiction!r} is no ISO 3166 code; write one such as DE or US-IL")
        if self.retention_days is not None and not 1 <= self.retention_days <= _LONGEST_RETENTION_DAYS:
            raise ValueError(f"retention_days is {self.retention_days}; write 1 to {_LONGEST_RETENTION_DAYS} days")
        self._check_age()
        _check_texts(controller=self.controller, **{f"recipients_{n}": name for n, name in enumerate(self.recipients)})

    def _check_age(self) -> None:
        years = self.age_years
        if years is not None and not 0 <= years <= 150:
            raise ValueError(f"age_years is {years}; write completed years")
        if years is not None and (
            (self.age_band is AgeBand.ADULT and years < _ADULT_YEARS)
            or (self.age_band is AgeBand.MINOR and years > _OLDEST_MINOR_YEARS)
        ):
            raise ValueError(f"age_band {self.age_band} and age_years {years} contradict each other; correct one")
        if self.age_band is AgeBand.UNKNOWN and years is not None and years < _ADULT_YEARS:
            object.__setattr__(self, "age_band", AgeBand.MINOR)
        if self.decided_by is Decider.GUARDIAN and self.guardian is None:
            raise ValueError("decided_by is guardian and no guardian is named; name one")

    def to_fields(self) -> dict[str, Any]:
        """Gives the terms as JSON values, every field always present."""
        return {
            "forms": [form.value for form in self.forms],
            "notice": None if self.notice is None else _fields_of(self.notice),
            "method": self.method.value,
            "expression": self.expression.value,
            "decided_by": self.decided_by.value,
            "jurisdiction": self.jurisdiction,
            "age_band": self.age_band.value,
            "age_years": self.age_years,
            "guardian": None if self.guardian is None else _fields_of(self.guardian),
            "retention_days": self.retention_days,
            "evidence": None if self.evidence is None else _fields_of(self.evidence),
            "controller": self.controller,
            "recipients": list(self.recipients),
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Terms":
        """Reads what :meth:`to_fields` gives; what is left out is unknown, other fields are passed over.

        Raises:
            ValueError: a field holds what it cannot hold; the message names the field.
        """
        return cls(
            forms=tuple(map(Form, _texts(fields, "forms"))),
            notice=_part(fields, "notice", Notice),
            method=Method(_text(fields, "method") or "unknown"),
            expression=Expression(_text(fields, "expression") or "unknown"),
            decided_by=Decider(_text(fields, "decided_by") or "subject"),
            jurisdiction=_text(fields, "jurisdiction"),
            age_band=AgeBand(_text(fields, "age_band") or "unknown"),
            age_years=_whole(fields, "age_years"),
            guardian=_part(fields, "guardian", Guardian),
            retention_days=_whole(fields, "retention_days"),
            evidence=_part(fields, "evidence", Evidence),
            controller=_text(fields, "controller"),
            recipients=_texts(fields, "recipients"),
        )


def _fields_of(part: Notice | Guardian | Evidence) -> dict[str, Any]:
    return dict(vars(part))


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}; write text")
    return value


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"{name} is {value!r}; write a whole number")
    return value


def _texts(fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is {value!r}; write a list of texts")
    return tuple(value)


_Part = TypeVar("_Part", Notice, Guardian, Evidence)


def _part(fields: Mapping[str, Any], name: str, kind: type[_Part]) -> _Part | None:
    value = fields.get(name)
    if value is None:
        return None
    known = kind.__dataclass_fields__.keys()
    if not isinstance(value, Mapping) or not value.keys() <= known:
        raise ValueError(f"{name} is {value!r}; write an object with {', '.join(known)}")
    try:
        return kind(**{key: _text(value, key) for key in value})  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} lacks {next(iter(known))}; write an object with {', '.join(known)}") from None


def _check_sha256(name: str, value: str) -> None:
    if not _SHA256.fullmatch(value):
        raise ValueError(f"{name} {value!r} is no SHA-256; write 64 lower-case hex digits")


def _check_texts(**texts: str | None) -> None:
    for name, text in texts.items():
        if text is not None and (not text.strip() or not text.isprintable()):
            raise ValueError(f"{name.replace('_', ' ')} {text!r} says nothing; write printable text or leave it out")
