"""The audit as the rest of the program uses it: record a change, or make one that is only made if it is recorded."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.audit.actor import Actor, current_actor
from gateway.audit.chain import Chain
from gateway.audit.row import Row, Sealer
from gateway.db import tables
from gateway.errors import Overloaded

log = logging.getLogger("sekisho.audit")

_ANCHOR = "audit:"


class Change:
    """A transaction on the database of keys whose changes are recorded."""

    def __init__(self, connection: AsyncConnection, audit: "AuditLog") -> None:
        self.connection = connection
        self.row: Row | None = None
        self._audit = audit

    async def note(self, action: str, object_: Any, before: Any = None, after: Any = None) -> None:
        """Record what this transaction changes. Raises `Overloaded` where it cannot be; nothing is changed then."""
        self.row = await self._audit.record(action, object_, before, after)
        if self.row:
            await _anchor(self.connection, self.row)


class AuditLog:
    """Records the changes that are made on this machine."""

    def __init__(self, data_dir: Path, secret: bytes) -> None:
        self.chain = Chain(data_dir, Sealer(secret))

    async def record(
        self,
        action: str,
        object_: Any,
        before: Any = None,
        after: Any = None,
        *,
        actor: Actor | None = None,
        once: tuple[str, str] | None = None,
    ) -> Row | None:
        """Write a row with the actor of this moment; return it when it is on the disk.

        Raises `Overloaded` where it cannot be written: the change must not be made then. `once` as in `Chain.append`.
        """
        values = {"actor": actor or current_actor(), "object": object_, "before": before, "after": after}
        try:
            return await asyncio.to_thread(self.chain.append, action, once, **values)
        except OSError as error:
            log.critical("the audit cannot be written: %s", error)
            raise Overloaded(
                "The change was not made, for it cannot be recorded: the audit's file cannot be written. Make room on "
                "the disk of 'data_dir', check its rights, and try again.",
                code="audit_unavailable",
                retry_after=10,
            ) from error

    @asynccontextmanager
    async def changing(self, engine: AsyncEngine) -> AsyncIterator[Change]:
        """Open a transaction; where it fails after its row was written, another row says so."""
        change: Change | None = None
        try:
            async with engine.begin() as connection:
                change = Change(connection, self)
                yield change
        except BaseException:
            if change and change.row:
                await self.record("change.undone", {"row": change.row.n})
            raise


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """Return what two states differ in; a state that is None differs in everything that is set in the other."""
    names = [name for name in {**(before or {}), **(after or {})} if _of(before, name) != _of(after, name)]
    return _only(before, names), _only(after, names)


def _only(state: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any] | None:
    return None if state is None else {name: state.get(name) for name in names if name in state}


def _of(state: Mapping[str, Any] | None, name: str) -> Any:
    return state.get(name) if state is not None else None


async def anchors(engine: AsyncEngine) -> dict[str, int]:
    """Return by chain how many rows it has at least, as the database of keys knows it."""
    async with engine.connect() as connection:
        rows = (await connection.execute(select(tables.revisions))).mappings().all()
    named = {row["name"]: row["value"] for row in rows}
    return {name.removeprefix(_ANCHOR): value for name, value in named.items() if name.startswith(_ANCHOR)}


async def _anchor(connection: AsyncConnection, row: Row) -> None:
    """Note the length of the chain in the database, away from the chain's file."""
    name = f"{_ANCHOR}{row.chain}"
    await connection.execute(delete(tables.revisions).filter_by(name=name))
    await connection.execute(insert(tables.revisions).values(name=name, value=row.n))
