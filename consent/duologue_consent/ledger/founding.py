"""Founds a ledger: an empty database, new keys, and the first checkpoint, signed over the empty tree."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from duologue_consent.decisions.events import format_time
from duologue_consent.ledger.access import Access, seal_salt
from duologue_consent.ledger.location import Location
from duologue_consent.ledger.signing import store_first_checkpoint
from duologue_consent.ledger.tables import HEAD, META, SCHEMA_VERSION
from duologue_consent.proofs.keys import UnusableKeyError

__all__ = ["found_ledger"]


def found_ledger(
    location: Location,
    *,
    ledger_id: str | None,
    salt: bytes | None,
    created_at: datetime | None,
    origin: str | None,
    entropy: Callable[[int], bytes],
) -> Access:
    """Makes an empty ledger with new keys; takes everything back where that fails.

    Arguments are those of :meth:`duologue_consent.ledger.ledger.Ledger.create`.

    Raises:
        LedgerError: there is a ledger already, or the ledger or its keys cannot be made.
    """
    ledger_id = str(uuid.uuid4()) if ledger_id is None else ledger_id
    origin = f"duologue/{ledger_id}" if origin is None else origin
    access = Access.to(location, entropy=entropy)
    store, folder = access.store, access.folder
    store.create()
    try:
        folder.create(origin, entropy=entropy)
    except (UnusableKeyError, OSError) as error:
        store.drop()
        said = f"{error.strerror}" if isinstance(error, OSError) else str(error)
        raise store.error(f"the keys in {folder.path} cannot be made ({said}); name another place") from None
    try:
        salt = entropy(32) if salt is None else salt
        vault_key = folder.vault_key()
        identity = {
            "ledger_id": ledger_id,
            "origin": origin,
            "schema_version": SCHEMA_VERSION,
            "created_at": format_time(created_at or datetime.now(UTC)),
        }
        with store.transaction(write=True) as connection:
            sealed_salt = seal_salt(salt, identity, vault_key, entropy=entropy)
            connection.execute(META.insert().values(**identity, sealed_salt=sealed_salt))
            connection.execute(HEAD.insert().values(size=0, roots=b""))
            note = store_first_checkpoint(connection, folder, origin)
        folder.write_witness(note)
    except BaseException:
        store.drop()
        folder.delete()
        raise
    return access
