"""Writes cards/files.sha256: the hash of every shard and every file of a table, as ``sha256sum --check`` reads them.

Croissant demands the hash of each file that it names, and a card of 100,000 files is none. Nor can it name ``dataset.json``, which
has the hash of croissant.json in it. So it names this list, by its hash.
"""

from typing import Final

from duologue_cards.sheet import Sheet

__all__ = ["CHECKSUMS", "write_checksums"]

CHECKSUMS: Final = "cards/files.sha256"
"""Where it lies in a release."""


def write_checksums(sheet: Sheet) -> str:
    """Writes the text of cards/files.sha256: a line a file, in the order of their paths from the folder of the release."""
    tables = (entry for entry in sheet.facts.files if entry.path.endswith(".parquet"))
    return "".join(
        f"{entry.sha256}  {entry.path}\n"
        for entry in sorted((*sheet.facts.shards, *tables), key=lambda entry: entry.path)
    )
