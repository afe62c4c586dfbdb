"""Follows the ``revocations.jsonl`` of a release while it grows, for a reader that leaves those samples out."""

import time
from collections.abc import Mapping
from typing import Any, Final

from duologue_pipeline.files.file_fault import StoreFaultError
from duologue_pipeline.files.inside import inside_size, read_inside
from duologue_pipeline.files.storage import join
from duologue_pipeline.reader.release import DamagedReleaseError
from duologue_pipeline.reader.revocations import (
    FILE_NAME,
    RevocationError,
    Revocations,
    parse_revocations,
    trusted_keys,
)

__all__ = ["RevocationWatch", "UntrustedError"]

_MAX_BYTES: Final = 1 << 28  # half a million entries
_MAX_KEY_BYTES: Final = 1 << 20


class UntrustedError(DamagedReleaseError):
    """Tells that what must not be read cannot be told."""


class RevocationWatch:
    """Knows the revocations of a release as far as they have been read.

    The file only ever grows, so its size tells whether there is more in it: a look costs one stat, or one HEAD request.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._known = Revocations()
        self._pinned: Any = None
        self._looked_at = float("-inf")

    @property
    def known(self) -> Revocations:
        """Gives the file as far as it has been read."""
        return self._known

    def look(self, release: Mapping[str, Any], *, at_most_every_s: float = 0.0) -> bool:
        """Reads what has been added since the last look.

        Args:
            release: the document of ``dataset.json``.
            at_most_every_s: does nothing where the last look was later than that.

        Returns:
            Whether there was more.

        Raises:
            DamagedReleaseError: the file is not what the ledger signed; nothing is read then.
        """
        now = time.monotonic()
        if now - self._looked_at < at_most_every_s:
            return False
        pinned = release.get("revocations")
        try:
            size = inside_size(self._root, FILE_NAME)
        except FileNotFoundError:
            size = 0
        except (OSError, ValueError):
            size = -1  # reading it says what is wrong
        if size != len(self._known.data) or pinned != self._pinned:
            before, self._known, self._pinned = self._known, self._read(release), pinned
            self._looked_at = now
            return len(self._known.entries) > len(before.entries)
        self._looked_at = now
        return False

    def _read(self, release: Mapping[str, Any]) -> Revocations:
        uri = join(self._root, FILE_NAME)
        try:
            try:
                data = read_inside(self._root, FILE_NAME, max_bytes=_MAX_BYTES)
            except FileNotFoundError:
                data = b""
            try:
                keys = read_inside(self._root, "ledger.pub", max_bytes=_MAX_KEY_BYTES) if data else b""
            except FileNotFoundError:
                raise RevocationError("there is no ledger.pub beside it to check it with") from None
            ledger = release["ledger"]
            return parse_revocations(
                data,
                keys=trusted_keys(keys.decode(), str(ledger.get("checkpoint"))) if data else (),
                ledger_id=ledger["ledger_id"],
                pinned=release.get("revocations"),
                before=self._known,
            )
        except StoreFaultError:
            raise
        except (OSError, ValueError) as error:  # a RevocationError is a ValueError
            raise UntrustedError(
                f"{uri}: {error}; what must not be read cannot be told, so nothing is: fetch the release again from its "
                "source"
            ) from None
