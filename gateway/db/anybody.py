"""Entries that anybody may make, who is known by nothing but an address: bounded for each, and for all together."""

from gateway.db.expiring import ExpiringStore
from gateway.errors import Overloaded


async def put_for_anybody(
    store: ExpiringStore,
    kind: str,
    subject: str,
    content: bytes,
    seconds: float,
    *,
    together: str,
    most: int,
    most_together: int,
) -> str:
    """Store an entry, count it with all of the kind `together`, and return its id. Raises `Overloaded`.

    Whoever is over their own bound takes nothing from the others.
    """
    id_ = await store.put(kind, subject, content, seconds, most=most, evict=False)
    assert id_, "a random id is not taken"
    try:
        await store.put(together, "all addresses", b"", seconds, id_=id_, most=most_together, evict=False)
    except Overloaded:
        await store.delete(kind, id_)
        raise
    return id_
