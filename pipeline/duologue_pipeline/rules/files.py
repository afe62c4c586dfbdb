"""Holds the rule set ``files``: how much is read of a file, and how long a server is waited for."""

from dataclasses import dataclass
from typing import ClassVar

from duologue_pipeline.rules.loader import RuleSet

__all__ = ["FilesRules"]


@dataclass(frozen=True, kw_only=True)
class FilesRules(RuleSet):
    """Bounds what is read and waited for, whatever a header or a server says.

    Attributes:
        max_file_bytes: a larger file of audio is refused.
        max_kept_bytes: so much is kept by a process of what it has fetched and decoded, for the steps that read it again.
        max_words_bytes: a larger word file than this is refused, too.
        max_words: so is one with more entries.
        max_manifest_line_bytes: a longer line of a manifest is refused.
        max_manifest_bytes: a larger manifest is not read.
        connect_s: how long a connection may take to come about.
        silence_s: how long a server that is connected may send nothing.
        pace_window_s: in each stretch of this length ...
        pace_bytes_per_s: ... a server must send this much on average, its answer's head included in the first.
        max_fetch_s: how long one file may take in all.
        max_redirects: how often a server may name another address.
        attempts: how often a request is made where a web server or the way to it fails for a while.
        store_attempts: the same of an object store.
        retry_s: how long one call of an object store is tried again.
        backoff_s: how long is waited before the second attempt; the wait doubles from one to the next.
        max_backoff_s: the longest wait, also where a server asks for a longer one.
    """

    name: ClassVar[str] = "files"
    max_file_bytes: int
    max_kept_bytes: int
    max_words_bytes: int
    max_words: int
    max_manifest_line_bytes: int
    max_manifest_bytes: int
    connect_s: float
    silence_s: float
    pace_window_s: float
    pace_bytes_per_s: int
    max_fetch_s: float
    max_redirects: int
    attempts: int
    store_attempts: int
    retry_s: float
    backoff_s: float
    max_backoff_s: float
