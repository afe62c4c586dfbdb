"""Defines the facts that the cards state about a release; :mod:`duologue_cards.compute` makes them of its tables.

A card takes every figure from :class:`Facts` and computes none of its own. What is not known is None or missing here
and is called unknown on the cards; nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BRIDGE",
    "NOTHING_STATED",
    "CodecFacts",
    "ConsentCell",
    "ConsentFacts",
    "Count",
    "Facts",
    "FaultFacts",
    "FileFacts",
    "IsolationFacts",
    "LedgerFacts",
    "Publication",
    "SplitFacts",
    "TurnTaking",
]

BRIDGE: Final = "bridge"
"""The split that is neither for training nor for validation."""


@dataclass(frozen=True)
class Publication:
    """Holds what only the publisher can say about a release; None is unknown, and stays unknown on every card."""

    creator: str | None = None
    url: str | None = None
    date_published: str | None = None


NOTHING_STATED: Final = Publication()
"""What is known where nobody has said anything: that it is unknown."""


@dataclass(frozen=True)
class Count:
    """Counts how often a value occurs; ``value`` is None where the manifest does not say."""

    value: str | None
    count: int


@dataclass(frozen=True)
class SplitFacts:
    """Describes a split; ``duration_s`` is the duration of its samples together, in seconds."""

    name: str
    shards: int
    samples: int
    recordings: int
    speakers: int
    duration_s: float


@dataclass(frozen=True)
class FileFacts:
    """Describes a file of the release."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class CodecFacts:
    """Describes the codec that made the tokens; ``quality`` is its own sentence on what it is fit for."""

    name: str
    sample_rate_hz: int
    frame_rate_hz: float
    codebooks: int
    cardinalities: tuple[int, ...]
    weights_sha256: str
    quality: str


@dataclass(frozen=True)
class LedgerFacts:
    """Identifies the checkpoint of the consent ledger that the release pins."""

    ledger_id: str
    events: int
    checkpoint: str

    @property
    def root(self) -> str:
        """Reads the root of the log's Merkle tree, in base64, from the third line of the checkpoint."""
        return self.checkpoint.split("\n")[2]


@dataclass(frozen=True)
class ConsentCell:
    """Counts what is covered by a consent; where too few could be told both are None, and ``kept_back`` says why."""

    recordings: int | None
    duration_s: float | None
    kept_back: str = ""


@dataclass(frozen=True)
class ConsentFacts:
    """Says what both speakers of the conversations allow, at a moment.

    Attributes:
        checked_at: the moment, RFC 3339.
        events: leaves of the ledger that was asked.
        notices: conversations in which every grant that is relied on names its notice.
        purposes: purpose -> conversations of which all that is written is covered.
        forms: purpose -> form -> the same of one form, whether it is written or not.
        jurisdictions: purpose -> where a speaker was -> those of ``purposes`` with a speaker from there.
    """

    checked_at: str
    events: int
    notices: int
    purposes: Mapping[str, ConsentCell]
    forms: Mapping[str, Mapping[str, ConsentCell]]
    jurisdictions: Mapping[str, Mapping[str, ConsentCell]]


@dataclass(frozen=True)
class FaultFacts:
    """Counts the conversations in which a fault of the isolation was found, was absent, or could not be judged."""

    name: str
    found: int
    absent: int
    unknown: int


@dataclass(frozen=True)
class IsolationFacts:
    """Sums up the isolation of all conversations, each in two directions: b's voice in a's track, and a's in b's.

    ``bleed_db`` are the 5th, 50th and 95th percentile of the level over the directions in which the other voice was
    seen; ``floor_db`` the same of the lowest level that would have been seen, over those in which it was not. Each is
    None where there are none. ``faults`` has those that were looked for.
    """

    policy: str
    verdicts: tuple[Count, ...]
    directions_bleeding: int
    directions_clean: int
    directions_unjudged: int
    bleed_db: tuple[float, float, float] | None
    floor_db: tuple[float, float, float] | None
    faults: tuple[FaultFacts, ...]


@dataclass(frozen=True)
class TurnTaking:
    """Sums up the turn-taking of all conversations; a share or a rate is None where its divisor is zero.

    ``overlap_share_of_speech`` is the time in which both speak over the time in which anybody speaks;
    ``overlap_share_p5`` and ``_p95`` are its percentiles over the conversations. ``overlapped_transfers_share`` is the
    share of floor transfers whose offset (FTO) is negative. Rates are over the minutes in which both tracks are there.
    """

    duration_s: float
    overlap_share_of_speech: float | None
    overlap_share_p5: float | None
    overlap_share_p95: float | None
    floor_transfers: int
    overlapped_transfers_share: float | None
    fto_median_s: float | None
    backchannels_per_minute: float | None
    interruptions_per_minute: float | None


@dataclass(frozen=True)
class Facts:
    """Holds the facts of one release; its counts are of recordings unless the name says otherwise.

    Lists of counts begin with the most frequent value.

    Of ``synthetic`` recordings it is known that the voices are made by a program, of ``not_synthetic`` ones that they are not.
    In ``delay_unknown`` recordings a track may begin late by a delay that its file does not name. In ``partly_there`` ones a
    speaker joined later or left earlier, so that together ``one_track_s`` seconds of them have one track alone.
    ``withdrawn`` recordings were in an earlier version; of ``one_voice`` only one speaker is left, and neither
    ``isolation`` nor ``turn_taking`` is about those. ``without`` are columns, such as ``index/words``, that the release does
    not have because an earlier version wrote it. ``speakers_by`` counts speakers by each field of
    :data:`duologue_schemas.tables.SAID_OF_SPEAKERS`, None for those of whom the manifest does not say it. ``consent`` is None where the ledger was not asked.
    """

    name: str
    version: str
    made_by: str
    publication: Publication
    purposes: tuple[str, ...]
    codec: CodecFacts
    segment_s: float
    include_audio: bool
    rules: tuple[tuple[str, str], ...]
    ledger: LedgerFacts
    fingerprint: str
    manifest_sha256: str
    splits: tuple[SplitFacts, ...]
    shards: tuple[FileFacts, ...]
    files: tuple[FileFacts, ...]
    read: int
    recordings: int
    rejected: int
    rejected_reasons: tuple[Count, ...]
    samples: int
    speakers: int
    duration_s: float
    shard_bytes: int
    languages: tuple[Count, ...]
    licenses: tuple[Count, ...]
    corpora: tuple[Count, ...]
    routes: tuple[Count, ...]
    settings: tuple[Count, ...]
    registers: tuple[Count, ...]
    synthetic: int
    not_synthetic: int
    speakers_by_jurisdiction: tuple[Count, ...]
    speakers_by: Mapping[str, tuple[Count, ...]]
    first_date: str | None
    last_date: str | None
    undated: int
    delay_unknown: int
    partly_there: int
    one_track_s: float
    transcribed_tracks: int
    bandwidth_min_hz: int | None
    bandwidth_max_hz: int | None
    isolation: IsolationFacts
    turn_taking: TurnTaking
    withdrawn: int = 0
    one_voice: int = 0
    without: tuple[str, ...] = ()
    consent: ConsentFacts | None = None

    @property
    def only_synthetic(self) -> bool:
        """Tells whether it is known of every conversation that its voices are made by a program."""
        return 0 < self.synthetic == self.recordings
