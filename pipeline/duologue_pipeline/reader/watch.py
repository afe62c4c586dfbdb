"""Follows the ``revocations.jsonl`` of a release while it grows, for a reader that leaves those samples out."""

import time
from typing import Any

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import file_size, join, read_bytes
from duologue_pipeline.reader.revocations import (
    FILE_NAME,
    RevocationError,
    Revocations,
    parse_revocations,
    trusted_keys,
)

__all__ = ["RevocationWatch"]


class RevocationWatch:
    """Knows the revocations of a release as far as they have been read.

    The file only ever grows, so its size tells whether there is more in it: a look costs one stat, or one HEAD request.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._known = Revocations()
        self._pinned: Any = None
        self._looked_at = float("-inf")

    def strikes(self, shard: str, key: str) -> bool:
        """Tells whether the sample of the shard must not be read, by what has been read of the file."""
        return self._known.strike(shard, key)

    def look(self, release: dict[str, Any], *, at_most_every_s: float = 0.0) -> None:
        """Reads what has been added since the last look.

        Args:
            release: the document of ``dataset.json``.
            at_most_every_s: does nothing where the last look was later than that.

        Raises:
            UsageError: the file is not what the ledger signed; nothing is read then.
        """
        now = time.monotonic()
        if now - self._looked_at < at_most_every_s:
            return
        self._looked_at = now
        pinned = release.get("revocations")
        size = file_size(join(self._root, FILE_NAME)) or 0
        if size != len(self._known.data) or pinned != self._pinned:
            self._known, self._pinned = self._read(release), pinned

    def _read(self, release: dict[str, Any]) -> Revocations:
        uri = join(self._root, FILE_NAME)
        try:
            try:
                data = read_bytes(uri)
            except FileNotFoundError:
                data = b""
            try:
                key_text = read_bytes(join(self._root, "ledger.pub")).decode() if data else ""
            except FileNotFoundError:
                raise RevocationError("there is no ledger.pub beside it to check it with") from None
            ledger = release["ledger"]
            return parse_revocations(
                data,
                keys=trusted_keys(key_text, str(ledger.get("checkpoint"))) if data else (),
                ledger_id=ledger["ledger_id"],
                pinned=release.get("revocations"),
                before=self._known,
            )
        except (RevocationError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{uri}: {error}; what must not be read cannot be told, so nothing is: fetch the release again from its "
                "source"
            ) from None
