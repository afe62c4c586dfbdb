"""Reads dataset.yaml: what only a person can say of a release, and keeps it in the release.

It is kept as a file of the release, without comments and with sorted keys, so that whoever makes the cards again, a
withdrawal on another machine as well, has what was stated.
"""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, Final

import yaml

from duologue_cards.printable import UNPRINTABLE
from duologue_schemas import iter_faults, load_schema

__all__ = ["STATEMENT", "commented_statement", "parse_statement", "statement_bytes"]

STATEMENT: Final = "cards/dataset.yaml"
"""Where a release keeps what was stated; not there where nothing was."""

_MAX_BYTES: Final = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """Reads dates as text, and only true and false as true and false: ``no`` is a language and a country.

    An alias is refused: a few of them make a text without end, which whoever looks for a name in it would never come through.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Reads the next node."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it holds an alias (*NAME); write out what it stands for")
        return super().compose_node(parent, index)


_PlainLoader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
        or (tag.endswith("bool") and letter in "tfTF")
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_statement(data: bytes, name: str) -> dict[str, Any]:
    """Reads what was stated.

    Args:
        data: the content of the file, YAML in UTF-8.
        name: of the file, for messages.

    Returns:
        The fields that say something; a field without a value is left out.

    Raises:
        ValueError: it is no YAML, or a field is not what it may be; every fault is a line of the message.
    """
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{name}: has {len(data)} bytes, and {_MAX_BYTES} are the most; write it shorter")
    try:
        document = yaml.load(data.decode("utf-8"), Loader=_PlainLoader)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{name}: is no YAML ({' '.join(str(error).split())}); correct it there") from None
    if document is None:
        return {}
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if value is not None}
        odd = next((key for key in document if not isinstance(key, str)), None)
        if odd is not None:
            raise ValueError(f"{name}: the name {odd!r} of a field is no text; put it into quotes")
    faults = [f"{name}: {fault}" for fault in iter_faults("dataset", document)]
    if isinstance(document, dict):
        faults += [
            f"{name}: {key} holds {found[0]!r}, a character that no page may hold; leave it out"
            for key, value in document.items()
            if (found := next(filter(None, map(UNPRINTABLE.search, _texts({key: value}))), None))
        ]
    if faults:
        raise ValueError("\n".join(faults))
    stated: dict[str, Any] = document
    return stated


def _texts(value: Any) -> Iterator[str]:
    """Lists every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, content in value.items():
            yield from (*_texts(name), *_texts(content))
    elif isinstance(value, list | tuple | set):
        for content in value:
            yield from _texts(content)


def statement_bytes(stated: Mapping[str, Any]) -> bytes:
    """Writes what was stated as a release keeps it: the same statement gives the same bytes."""
    return yaml.safe_dump(dict(stated), sort_keys=True, allow_unicode=True, width=120).encode("utf-8")


def commented_statement() -> str:
    """Writes an empty dataset.yaml with a comment on each field, from its schema."""
    lines = [
        "# What only a person can say of this dataset. What is left out is called unknown on the cards; nothing is guessed.",
        "# Everything here is published. Fields that begin with x_ are yours.",
    ]
    for name, field in load_schema("dataset")["properties"].items():
        text = field["description"]
        if "enum" in field:
            text += f" One of: {'; '.join(field['enum'])}."
        if field.get("type") == "boolean":
            text += " true or false."
        if "x-expected" in field:
            text += f" ({field['x-expected']})"
        lines += ["", *(f"# {line}" for line in wrap(text, 110)), f"{name}:"]
    return "\n".join(lines) + "\n"
