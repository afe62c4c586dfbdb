"""Tells whose words are found where several people said the same words at the same times."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.files.storage import digest, join
from duologue_pipeline.files.text import read_json
from duologue_pipeline.reader.release import MANIFEST
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.withdrawal.scan.formats import commitments
from duologue_pipeline.withdrawal.scan.removed import Removed
from duologue_schemas.tables import WITHDRAWN

__all__ = ["Owners"]


class Owners:
    """Knows the speakers who stay, and whether words in a file are rightfully theirs.

    People say the same at the same times where they read it out, or where a machine speaks, and what a speaker who stays
    has said is theirs also when somebody else who said it is gone.

    Theirs are the words of a track of a released shard of which the commitment is in the index and was not removed. It
    is a released shard while its bytes are those that ``dataset.json`` names, so all in it was there before: the shard
    was not touched, or was made of such a one by dropping and silencing.
    """

    def __init__(self, root: str, index: pa.Table, removed: Removed) -> None:
        self._root = root
        self._standing = {name for side in SPEAKERS for name in pc.unique(index[f"speaker_{side}"]).to_pylist()}
        self._standing -= {WITHDRAWN, *removed.names}
        self._released: dict[str, bool] = {}

    def stands(self, path: str, document: Any, speaker: str) -> bool:
        """Tells whether what ``speaker`` says in a sample's document, found in the file ``path``, is rightfully there."""
        return commitments(document).get(speaker) in self._standing and self._is_released(path)

    def _is_released(self, path: str) -> bool:
        if path not in self._released:
            release = read_json(join(self._root, MANIFEST))
            digests = [shard["sha256"] for shard in release["shards"] if shard["path"] == path]
            self._released[path] = bool(digests) and digests[0] == digest(join(self._root, path))[0]
        return self._released[path]
