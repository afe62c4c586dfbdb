"""Shows a release's folder to the verifier of receipts, wherever it lies."""

from dataclasses import dataclass

from duologue_pipeline.files.object_store import object_store
from duologue_pipeline.files.storage import digest, exists, is_remote, join, list_entries, read_bytes

__all__ = ["ReleaseFolder", "keeps_old_versions"]


@dataclass(frozen=True)
class ReleaseFolder:
    """Reads the files of a release by their paths, as :class:`duologue_consent.verify.Folder` does."""

    root: str

    def __str__(self) -> str:
        return self.root

    def read(self, path: str) -> bytes:
        """Reads the bytes of a file; raises OSError where it cannot be read."""
        return read_bytes(join(self.root, path))

    def sha256(self, path: str) -> str:
        """Hashes a file; raises OSError where it cannot be read."""
        return digest(join(self.root, path))[0]

    def exists(self, path: str) -> bool:
        """Tells whether there is such a file."""
        return exists(join(self.root, path))

    def list(self, folder: str) -> list[str]:
        """Lists the paths of all files in a folder, sorted."""
        return [f"{folder}/{name}" for name in list_entries(join(self.root, folder))]


def keeps_old_versions(root: str) -> bool:
    """Tells whether what is deleted there stays as an earlier version or for a while, as in a versioned bucket."""
    if not is_remote(root):
        return False
    store, path = object_store(root)
    return store.keeps_versions(path)
