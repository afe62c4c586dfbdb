"""Defines what a user asks of a corpus."""

from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from duologue_pipeline.corpora.adapter import Adapter
from duologue_pipeline.errors import UsageError
from duologue_pipeline.intake.moments import NamePattern, Started
from duologue_pipeline.intake.speakers import SpeakerMap

__all__ = ["CorpusRequest"]


@dataclass(frozen=True, kw_only=True)
class CorpusRequest:
    """Holds what the user asks of a corpus: the options of ``duologue corpus prepare``.

    Attributes:
        adapter: what is known of it.
        root, transcripts, out: folders, as in :func:`duologue_pipeline.corpora.layout.arrange`.
        speakers: the user's map; what it says counts more than what the corpus says.
        anonymous_sides: whether a side of which nobody knows the speaker is a person of its own.
        started: when all was recorded, where the user says it.
        metadata: whether the metadata of the audio files say it.
        zone: of times that have none.
        language: of all, where the user says it.
        hashed_ids: whether recording ids show nothing of names.

    Raises:
        UsageError: the corpus is one that is refused.
    """

    adapter: Adapter
    root: Path
    out: Path
    transcripts: Path | None = None
    speakers: SpeakerMap | None = None
    anonymous_sides: bool = False
    started: Started | NamePattern | None = None
    metadata: bool = False
    zone: tzinfo | None = None
    language: str | None = None
    hashed_ids: bool = False

    def __post_init__(self) -> None:
        if self.adapter.verdict == "refuse":
            raise UsageError(f"{self.adapter.title} is not taken: {self.adapter.sentence}")
