"""Tells where a ledger lies: its database, and the folder of its keys."""

from pathlib import Path

import sqlalchemy as sa

from duologue_consent.errors import LedgerError

__all__ = ["Location"]


class Location:
    """Names where a ledger lies: a SQLite file, or a database by its SQLAlchemy URL.

    Attributes:
        name: what messages call it; without a password, which may stand in the query of a URL too.
        file: the SQLite file, None for a server.
        url: what SQLAlchemy connects to.
        keys: the folder of its keys: ``FILE.keys`` beside a file; for a server the URL's query ``keys=FOLDER``, else
            ``DATABASE.keys`` in the current folder.
    """

    def __init__(self, where: Path | str) -> None:
        text = str(where)
        if "://" not in text:
            self._of_file(Path(where))
            return
        try:
            url = sa.make_url(text)
        except (sa.exc.ArgumentError, ValueError):
            # not the text itself: it may hold a password
            raise LedgerError(
                "the ledger's URL cannot be read; write postgresql+psycopg://USER@HOST/DATABASE"
            ) from None
        if "@" in (url.host or ""):
            raise LedgerError("the ledger's URL has more than one @; write an @ of its password as %40")
        if url.get_backend_name() == "sqlite":
            if not url.database:
                raise LedgerError("a ledger in memory is lost at once; name a file")
            self._of_file(Path(url.database))
            return
        if url.get_backend_name() != "postgresql" or not url.database:
            raise LedgerError(f"{_shown(url)}: a ledger lies in a file or in PostgreSQL; name one of them")
        folder = url.query.get("keys")
        url = url.difference_update_query(["keys"])
        if url.drivername == "postgresql":  # SQLAlchemy's default driver is psycopg2
            url = url.set(drivername="postgresql+psycopg")
        self.name = _shown(url)
        self.file: Path | None = None
        self.url = url
        self.keys = Path(folder if isinstance(folder, str) else f"{url.database}.keys")

    def _of_file(self, path: Path) -> None:
        self.name, self.file = str(path), path
        self.url = sa.make_url("sqlite://")
        self.keys = path.with_name(path.name + ".keys")


def _shown(url: sa.URL) -> str:
    return url.set(query={}).render_as_string(hide_password=True)
