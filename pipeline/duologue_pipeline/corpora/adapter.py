"""Reads what is known of each corpus from its data file (``corpora/data``): layout, tables, terms, and what to be warned of.

A data file holds one corpus or a family: ``shared`` is true of all its corpora, which may say otherwise. What a file of a corpus is
told by is a regular expression for its path below the folder (:class:`FileRule`); what a table says is told by its columns.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final

from duologue_pipeline.errors import UsageError

__all__ = ["USES", "VERDICTS", "Adapter", "FileRule", "adapter_named", "adapters"]

VERDICTS: Final = ("yes", "care", "refuse")
"""Usable as it is; usable with the measure that ``sentence`` names; not usable, for the reason that it gives."""

USES: Final = ("stereo", "side", "words", "shared-words", "table", "metadata", "other", "refuse")
"""What a file is: both tracks, one track, a transcript, one of many recordings, a table of them, a document of one, used otherwise, not used."""


@dataclass(frozen=True, kw_only=True)
class FileRule:
    """Says what the files are whose path below the folder a pattern matches wholly.

    Attributes:
        pattern: a regular expression; its groups name the recording, the ``side``, ``speaker_a``, ``speaker_b``, and ``started``.
        use: a key of :data:`USES`.
        recording: what the recording is called, from the groups.
        sides: what the group ``side`` says -> ``a`` or ``b``; empty where sides are people, who get a and b by the order of their names.
        side_is_speaker: whether the group ``side`` is the corpus' id of the speaker.
        format, encoding: of a transcript.
        tiers: ``a`` and ``b`` -> what the transcript calls its streams, where it names them.
        started: the format of the group ``started``, as ``strptime`` has it.
        reader: of a metadata document (:data:`duologue_pipeline.corpora.readers.READERS`).
        table: how a table is read (:func:`duologue_pipeline.corpora.facts.read_facts`).
        what: what ``other`` files are; what to do about a file that is refused.
        refuse_if: of a transcript: a regular expression for lines that tell that the recording cannot be used, and why.
        example: a path that the pattern matches, for people; the first rule of audio has one.
    """

    pattern: str
    use: str
    recording: str = "{recording}"
    sides: Mapping[str, str] = field(default_factory=dict)
    side_is_speaker: bool = False
    format: str = "auto"
    tiers: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    started: str = ""
    reader: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    refuse_if: Sequence[str] = ()
    example: str = ""


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """Holds what is known of one corpus.

    Attributes:
        name, aliases: what the command line calls it.
        title: what it calls itself.
        verdict, sentence: a key of :data:`VERDICTS`, and why it is not simply yes.
        license: as it is written in the manifest.
        tracks: how the two speakers lie in its files.
        needs: what ``prepare`` has to be given.
        terms: what is known of the terms on which people were recorded, for the steward.
        language, setting, topic, register, synthetic, roles: of every recording, as in the manifest.
        recorded: when all of it was recorded, as ``--started-at`` has it, where no file says it better.
        files: what its files are; the first rule that matches a path counts.
        replace: regular expressions and what they become, in the text of transcripts, before they are read.
        fixes: known slips: recording -> pairs of texts, what stands there and what it has to be.
        marks: token of a transcript -> what it is: laughter, noise, partial, unsure, or nothing: no word at all.
        hashed_ids: whether the names of its files name people.
        notes: what whoever uses it should know.
        sources: where all this comes from.
        recalled: what of it nobody has checked against the corpus or a document.
    """

    name: str
    title: str
    verdict: str
    aliases: Sequence[str] = ()
    sentence: str = ""
    license: str = ""
    tracks: str = ""
    needs: str = ""
    terms: str = ""
    language: str | None = None
    setting: str | None = None
    topic: str | None = None
    register: str | None = None
    synthetic: bool | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    recorded: str | None = None
    files: Sequence[FileRule] = ()
    replace: Sequence[Sequence[str]] = ()
    fixes: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    hashed_ids: bool = False
    notes: Sequence[str] = ()
    sources: Sequence[str] = ()
    recalled: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        """Gives what `duologue corpus list --json` says of it."""
        told = {name: value for name, value in asdict(self).items() if name not in ("replace", "fixes", "marks")}
        told["files"] = [
            {
                name: value
                for name, value in asdict(rule).items()
                if name in ("pattern", "use", "what", "example") and value
            }
            for rule in self.files
        ]
        return told


@cache
def adapters() -> tuple[Adapter, ...]:
    """Reads the data files of all corpora.

    Returns:
        Them by verdict (:data:`VERDICTS`) and name.

    Raises:
        ValueError: a data file is not as it should be, which a test sees before anybody else does.
    """
    found = []
    for path in sorted(files("duologue_pipeline.corpora.data").iterdir(), key=lambda each: each.name):
        if path.name.endswith(".json"):
            document = json.loads(path.read_text(encoding="utf-8"))
            found += [_adapter(document.get("shared", {}) | each, path.name) for each in document["corpora"]]
    return tuple(sorted(found, key=lambda each: (VERDICTS.index(each.verdict), each.name)))


def adapter_named(name: str) -> Adapter:
    """Finds a corpus by its name or another name that it has, whatever the case.

    Raises:
        UsageError: there is none; names that are alike are told.
    """
    names = {each.casefold(): adapter for adapter in adapters() for each in (adapter.name, *adapter.aliases)}
    wanted = name.strip().casefold().replace("_", "-")
    if wanted not in names:
        alike = get_close_matches(wanted, names, n=3)
        told = f"did you mean {' or '.join(alike)}?" if alike else "`duologue corpus list` names those that are"
        raise UsageError(
            f"{name}: is no corpus that is known; {told} Any folder is taken in by `duologue manifest from-folder`"
        )
    return names[wanted]


def _adapter(document: Mapping[str, Any], where: str) -> Adapter:
    rules = tuple(FileRule(**each) for each in document.get("files", ()))
    adapter = Adapter(**{**document, "files": rules})
    if adapter.verdict not in VERDICTS or (adapter.verdict != "yes" and not adapter.sentence):
        raise ValueError(f"{where}: {adapter.name}: the verdict {adapter.verdict!r} needs a sentence")
    if bool(rules) == (adapter.verdict == "refuse"):
        raise ValueError(f"{where}: {adapter.name}: a corpus has files, and one that is refused has none")
    for rule in rules:
        if rule.use not in USES:
            raise ValueError(f"{where}: {adapter.name}: {rule.use!r} is no use of a file")
        re.compile(rule.pattern)
    return adapter
