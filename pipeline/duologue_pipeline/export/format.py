"""Defines what a format of exports is, and what it is told."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from duologue_consent import Form
from duologue_pipeline.export.account import PartResult
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, Speaker

__all__ = ["Context", "Format", "ModelSpeaker", "Need", "Option", "Part"]

Need = Literal["audio", "words", "codes"]
"""What a release must have: audio beside the tokens, transcripts, codes of a Mimi-like codec of 12.5 frames a second."""

ModelSpeaker = str
"""``a``, ``b``, ``both``, or ``role:NAME``: every speaker whom the manifest gives that role."""

_ROLE: Final = "role:"
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")


@dataclass(frozen=True)
class Option:
    """Describes an option of one format, which the command takes as ``--set NAME=VALUE``.

    Attributes:
        default: its value where it is not given; its type is that of the option: bool, int, float or str.
        help: one sentence: a verb and what it does.
        choices: the values that there are; any if empty.
    """

    default: bool | int | float | str
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Context:
    """Tells a format what is exported.

    Attributes:
        release: the document of ``dataset.json``.
        options: name -> value, all of the format's, checked.
        splits: whose samples are exported, in the order of the request.
        purpose: what the export is for.
        model_speaker: whose side the model speaks.
        tokenizer: what views take as a tokenizer, None where none was given.
        public: whether the export may be handed to anybody: then nothing in it tells who speaks.
        part: the name of the part that is written, e.g. ``train-00003``; no two parts have one name. "" in ``finish``.
        numbers: recording -> its number in the part, as :meth:`conversation` gives them out.
    """

    release: Mapping[str, Any]
    options: Mapping[str, Any]
    splits: tuple[str, ...]
    purpose: str
    model_speaker: ModelSpeaker
    tokenizer: Any
    public: bool
    part: str = ""
    numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def name(self, sample: Sample) -> str:
        """Names a sample in files and documents: its key, or in a public export a number that tells nothing.

        Ask it for every sample of a part, in their order: the recordings of a part are numbered as they come.
        """
        if not self.public:
            return _checked(sample.key, sample)
        return f"{self.conversation(sample)}-{sample.metadata['segment']:05d}"

    def conversation(self, sample: Sample) -> str:
        """Names the recording of a sample; as :meth:`name`."""
        recording: str = sample.metadata["recording_id"]
        if not self.public:
            return _checked(recording, sample)
        return f"{self.part}-{self.numbers.setdefault(recording, len(self.numbers)):05d}"

    def model_sides(self, sample: Sample) -> tuple[Speaker, ...]:
        """Lists whose side the model speaks in a sample; none where nobody has the role."""
        if self.model_speaker == "both":
            return SPEAKERS
        if self.model_speaker.startswith(_ROLE):
            wanted, said = self.model_speaker.removeprefix(_ROLE), sample.metadata.get("conditions", {})
            return tuple(side for side in SPEAKERS if said.get(side, {}).get("role") == wanted)
        return tuple(side for side in SPEAKERS if side == self.model_speaker)


def _checked(name: str, sample: Sample) -> str:
    """Gives a name back that files can be called by; that of a release of a stranger may lead out of the folder."""
    if not _FILE_NAME.fullmatch(name):
        raise DamagedReleaseError(
            f"{sample.shard}: {name!r} is no name of a sample or recording; see `duologue shards verify`"
        )
    return name


class Part(Protocol):
    """Stands for a part that is written, when the folder is finished."""

    name: str
    split: str
    index: list[Any]


class Format(Protocol):
    """Writes a release as files that somebody's code reads.

    The frame walks the release shard by shard and calls :meth:`part` for each, then :meth:`finish` once. Each gets an empty
    folder and writes into it the files of the export by their final relative paths; the frame moves them into the export. Two
    parts never write the same path: put the part's name or a sample's name into it. The bytes depend on nothing but the
    arguments: no clock, no random number, no path of this machine.

    Attributes:
        name: as the command takes it.
        description: what reads the files, in one sentence that begins with a verb.
        needs: what the release must have.
        tokenizer: ``none``, ``sentencepiece`` (a model file) or ``json`` (a ``tokenizer.json``), what ``--tokenizer`` must name.
        options: the options of the format.
        version: rises with every change of the bytes, so that a refresh writes them anew.
    """

    name: str
    description: str
    needs: frozenset[Need]
    tokenizer: Literal["none", "sentencepiece", "json"]
    options: Mapping[str, Option]
    version: int

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold, in the terms of consent."""
        ...

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the samples of one shard; memory does not grow with their number.

        Args:
            samples: in their order; each is to be taken or left by an :class:`~duologue_pipeline.export.account.Account`.
            out: an empty folder.
            context: what is exported; ``context.part`` names the part.

        Raises:
            UsageError: a sample cannot be written, and the remedy is in the request or the release.
        """
        ...

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the files that speak of the whole export, e.g. manifests.

        Args:
            out: an empty folder.
            parts: in the order of their names; it may be gone through more than once, and holds one in memory.
            context: what is exported.
        """
        ...
