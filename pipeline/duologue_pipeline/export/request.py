"""Holds what is asked for: the release, the format, and what of it is exported how."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import rfc8785

from duologue_consent import Form, Purpose
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.format import Context, Format, Option
from duologue_pipeline.export.held_out import check_splits
from duologue_pipeline.export.registry import find_format, is_held_out
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.where import parse_where
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_pipeline.views.sides import FRAME_RATE_HZ

__all__ = ["ExportRequest", "check_forms", "check_needs", "open_tokenizer", "part_id"]

_MODEL: Final = (*SPEAKERS, "both")
_NAMES_SOMEBODY: Final = re.compile(r"speaker_|recording_id$|key$|shard$|samples_sha256_|same_audio$")
"""Columns whose values are ids, or hashes of what somebody said."""


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Says what is exported how. It is kept in the folder of the export, so that a refresh does the same again.

    Attributes:
        format: the name of the format.
        splits: whose samples.
        where: (column, operator, value) each (:func:`duologue_pipeline.reader.where.parse_where`).
        model_speaker: ``a``, ``b``, ``both`` or ``role:NAME``.
        tokenizer: a file, as the format needs; None where it needs none.
        public: whether the export may be handed to anybody.
        purpose: what it is for; ``redistribution`` where it is public.
        options: of the format; those that are not given have their defaults.
    """

    format: str
    splits: tuple[str, ...] = ("train",)
    where: tuple[Sequence[Any], ...] = ()
    model_speaker: str = "both"
    tokenizer: str | None = None
    public: bool = False
    purpose: str = "training_inhouse"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks what can be checked without the release.

        Raises:
            UsageError: something cannot be.
        """
        made = find_format(self.format)
        if not self.splits or len(set(self.splits)) < len(self.splits) or not set(self.splits) <= set(SPLITS):
            raise UsageError(f"--split {', '.join(self.splits)}: expected some of {', '.join(SPLITS)}, each once")
        if is_held_out(self.format):
            check_splits(self.format, self.splits)
        role = self.model_speaker.startswith("role:") and self.model_speaker != "role:"
        if self.model_speaker not in _MODEL and not role:
            raise UsageError(
                f"--model-speaker {self.model_speaker!r}: expected a, b, both, or role:NAME, a role that the manifest gives"
            )
        if self.purpose not in list(Purpose):
            raise UsageError(f"--purpose {self.purpose!r}: expected one of {', '.join(Purpose)}")
        if self.public and self.purpose != Purpose.REDISTRIBUTION:
            raise UsageError(
                f"--public --purpose {self.purpose}: what goes to anybody is for redistribution; leave --purpose out"
            )
        if made.tokenizer == "none" and self.tokenizer is not None:
            raise UsageError(f"--tokenizer {self.tokenizer}: {self.format} holds no text tokens; leave it out")
        if made.tokenizer != "none" and self.tokenizer is None:
            raise UsageError(f"{self.format}: needs --tokenizer FILE, {_KINDS[made.tokenizer]}")
        named = [column for column, _, _ in parse_where(self.where) if self.public and _NAMES_SOMEBODY.match(column)]
        if named:
            raise UsageError(
                f"--public --where '{named[0]} ...': the condition would stand in export.json and name a speaker or recording; choose "
                "by another column"
            )
        object.__setattr__(self, "options", _options(made, self.options))

    def context(self, release: Mapping[str, Any], tokenizer: Any) -> Context:
        """Gives what the format is told."""
        return Context(
            release=release,
            options=self.options,
            splits=tuple(split for split in SPLITS if split in self.splits),
            purpose=self.purpose,
            model_speaker=self.model_speaker,
            tokenizer=tokenizer,
            public=self.public,
        )

    def told(self, tokenizer_sha256: str | None) -> dict[str, Any]:
        """Says it in ``export.json``: what decides the bytes, and no place of a machine."""
        return {
            "format": self.format,
            "format_version": find_format(self.format).version,
            "splits": [split for split in SPLITS if split in self.splits],
            "where": [list(condition) for condition in parse_where(self.where)],
            "model_speaker": self.model_speaker,
            "tokenizer_sha256": tokenizer_sha256,
            "public": self.public,
            "purpose": self.purpose,
            "options": dict(sorted(self.options.items())),
        }


_KINDS: Final = {
    "sentencepiece": "a model of sentencepiece (tokenizer.model)",
    "json": "a tokenizer.json of Hugging Face's tokenizers",
}


def open_tokenizer(request: ExportRequest) -> tuple[Any, str | None]:
    """Opens the tokenizer of a request: (what views take, SHA-256 of its file); (None, None) where there is none.

    Raises:
        UsageError: it is not there, or no such tokenizer.
    """
    if request.tokenizer is None:
        return None, None
    kind = find_format(request.format).tokenizer
    try:
        data = Path(request.tokenizer).read_bytes()
    except OSError as error:
        raise UsageError(f"--tokenizer {request.tokenizer}: cannot be read ({error.strerror}); name a file") from None
    try:
        if kind == "sentencepiece":
            from sentencepiece import SentencePieceProcessor

            made: Any = SentencePieceProcessor(model_proto=data)
        else:
            from tokenizers import Tokenizer

            made = Tokenizer.from_buffer(data)
    except ModuleNotFoundError as error:
        raise UsageError(f'--tokenizer: needs {error.name}; `pip install "duologue[export]"`') from None
    except Exception as error:  # noqa: BLE001 - tokenizers raises Exception itself
        raise UsageError(f"--tokenizer {request.tokenizer}: is not {_KINDS[kind]} ({str(error)[:200]})") from None
    return made, hashlib.sha256(data).hexdigest()


def part_id(told: Mapping[str, Any], shard_sha256: str, keys: Sequence[str]) -> str:
    """Names what the files of a part are made of: another id, other files."""
    content: Any = {"made_by": MADE_BY, "told": told, "shard": shard_sha256, "keys": list(keys)}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def check_forms(release: Mapping[str, Any], name: str, forms: Sequence[Form], purpose: str, uri: str) -> None:
    """Checks that a release holds the forms that an export writes: its speakers were asked for what it holds, and for no more.

    Raises:
        UsageError: the export would write audio of a release that holds none.
    """
    if Form.AUDIO in forms and not release.get("include_audio", False):
        raise UsageError(
            f"{uri}: holds no audio, and {name} writes audio, which its speakers were not asked for; make the release with "
            f"`duologue run ... --include-audio --purpose {purpose}`"
        )


def check_needs(release: Mapping[str, Any], made: Format, uri: str) -> None:
    """Checks that a release has what a format cannot do without.

    Raises:
        UsageError: it was made without transcripts, without audio, or with a codec of another clock.
    """
    if "words" in made.needs and release["words"] == "none":
        raise UsageError(
            f"{uri}: was made without transcripts (`--words none`), and {made.name} needs words; make the release with them"
        )
    if "audio" in made.needs and not release["include_audio"]:
        raise UsageError(f"{uri}: holds no audio, which {made.name} needs; make the release with `--include-audio`")
    rate_hz = release["codec"]["frame_rate_hz"]
    if "codes" in made.needs and rate_hz != FRAME_RATE_HZ:
        raise UsageError(
            f"{uri}: its codec gives {rate_hz:g} frames a second, and {made.name} counts {FRAME_RATE_HZ:g}; make the release with "
            "`--codec mimi`"
        )


def _options(made: Format, given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in given if name not in made.options]
    if unknown:
        known = ", ".join(made.options) or "none"
        raise UsageError(f"--set {unknown[0]}: {made.name} has no such option; it has {known}")
    return {name: _value(name, option, given.get(name, option.default)) for name, option in made.options.items()}


def _value(name: str, option: Option, given: Any) -> Any:
    kind = type(option.default)
    try:
        if kind is bool and isinstance(given, str):
            value: Any = {"yes": True, "true": True, "no": False, "false": False}[given.lower()]
        elif kind is bool or isinstance(given, str | int | float):
            value = kind(given)
        else:
            raise ValueError
    except (KeyError, ValueError):
        expected = {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}[kind]
        raise UsageError(f"--set {name}={given}: expected {expected}") from None
    if option.choices and value not in option.choices:
        raise UsageError(f"--set {name}={given}: expected one of {', '.join(option.choices)}")
    return value
