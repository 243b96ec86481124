"""Change keys and budgets, for the command line and the admin routes."""

import secrets
import time
from dataclasses import asdict, replace
from typing import Any, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.audit.log import difference
from gateway.casing import lower
from gateway.db import tables
from gateway.db.engine import bounded
from gateway.errors import ConfigError
from gateway.identity.keys import Budget, Key, KeyStore, to_key
from gateway.identity.policy import check_name, checked
from gateway.identity.scopes import normal
from gateway.secret import Secret

PREFIX = "sk-"
DEFAULT_GRACE_SECONDS = 24 * 3600
_CHANGEABLE = ("alias", "owner", "team", "purpose")
_LONGEST = {"alias": 200, "owner": 320, "team": 200, "purpose": 200}
_LONGEST_SCOPE = 400
_LONGEST_GRACE_SECONDS = 3652 * 86_400


@bounded
async def create(
    store: KeyStore,
    alias: str,
    /,
    *,
    owner: str | None = None,
    team: str | None = None,
    identity: str | None = None,
    purpose: str | None = None,
    made_by: Literal["person"] | None = None,
    **policy: Any,
) -> tuple[Key, Secret]:
    """Create a key; its secret is returned here and never again. Raises `ConfigError`, also if the alias is taken."""
    _check_own({"alias": alias, "owner": owner, "team": team, "identity": identity, "purpose": purpose})
    presented = _new_secret()
    values = {
        "id": f"key_{secrets.token_hex(8)}",
        "hash": store.hash(presented.reveal()),
        "hint": _hint(presented),
        "alias": alias,
        "owner": owner,
        "team": team,
        "identity": identity,
        "purpose": purpose,
        "made_by": made_by,
        "created_at": _now(),
        **checked(policy),
    }
    await _write(store, insert(tables.keys).values(**values), alias, "key.created", values["id"])
    return await get(store, alias), presented


@bounded
async def get(store: KeyStore, id_or_alias: str) -> Key:
    """Return one key by id or alias. Raises `ConfigError` if there is none."""
    async with store.engine.connect() as connection:
        return to_key(await _row(connection, id_or_alias))


@bounded
async def change(store: KeyStore, id_or_alias: str, /, **values: Any) -> Key:
    """Set fields of a key; what is not named stays. Raises `ConfigError`."""
    own = {name: values.pop(name) for name in _CHANGEABLE if name in values}
    _check_own(own)
    key = await get(store, id_or_alias)
    if values.get("budget_nano_usd") is not None:
        values.setdefault("budget_window", key.policy.budget_window)
    statement = update(tables.keys).where(tables.keys.c.id == key.id).values(**own, **checked(values))
    await _write(store, statement, own.get("alias", key.alias), "key.changed", key.id)
    return await get(store, key.id)


@bounded
async def rotate(store: KeyStore, id_or_alias: str, grace_seconds: int = DEFAULT_GRACE_SECONDS) -> tuple[Key, Secret]:
    """Give a key a new secret; the old one works for `grace_seconds` more. Raises `ConfigError`."""
    if not 0 <= grace_seconds <= _LONGEST_GRACE_SECONDS:
        raise ConfigError(f"grace: must be 0 to {_LONGEST_GRACE_SECONDS} seconds, which are ten years")
    presented = _new_secret()
    async with store.engine.connect() as connection:
        row = await _row(connection, id_or_alias)
    if row["revoked_at"] is not None:
        raise ConfigError(f"{row['alias']!r} was revoked; make a new key")
    values = {
        "hash": store.hash(presented.reveal()),
        "hint": _hint(presented),
        "previous_hash": row["hash"],
        "previous_until": _now() + grace_seconds * 1_000_000,
    }
    statement = update(tables.keys).where(tables.keys.c.id == row["id"]).values(**values)
    await _write(store, statement, row["alias"], "key.rotated", row["id"])
    return await get(store, row["id"]), presented


@bounded
async def revoke(store: KeyStore, id_or_alias: str) -> Key:
    """Revoke a key, its rotated secret included."""
    key = await get(store, id_or_alias)
    if key.revoked_at is not None:
        return key  # what was done is not told twice
    values = {"revoked_at": _now(), "previous_hash": None, "previous_until": None}
    statement = update(tables.keys).where(tables.keys.c.id == key.id).values(**values)
    await _write(store, statement, key.alias, "key.revoked", key.id)
    return await get(store, key.id)


@bounded
async def set_budget(store: KeyStore, budget: Budget) -> Budget:
    """Give a person, a team, or everybody (`person:*`) a budget. Raises `ConfigError`."""
    kind, _, name = budget.scope.partition(":")
    if kind not in ("person", "team") or not name:
        raise ConfigError(f"scope: {budget.scope!r:.80} is not person:WHO or team:NAME; 'person:*' is everybody")
    check_name("scope", budget.scope, _LONGEST_SCOPE)
    checked({"budget_nano_usd": budget.nano_usd, "budget_window": budget.window})
    made = replace(budget, scope=f"{kind}:{lower(name) if kind == 'person' else name.strip()}")
    present = store.budgets.get(normal(made.scope), made)
    async with store.audit.changing(store.engine) as change:
        await raise_revision(change.connection)
        before = await _budget(change.connection, present.scope)
        theirs = tables.budgets.c.scope.in_((made.scope, present.scope))
        await change.connection.execute(delete(tables.budgets).where(theirs))
        await change.connection.execute(insert(tables.budgets).values(**asdict(made)))
        await change.note("budget.set", {"budget": made.scope}, before, asdict(made))
    await store.refresh()
    return made


@bounded
async def remove_budget(store: KeyStore, scope: str) -> None:
    """Delete a budget. Raises `ConfigError` if there is none."""
    present = store.budgets.get(normal(scope))
    scope = present.scope if present else scope
    async with store.audit.changing(store.engine) as change:
        await raise_revision(change.connection)
        before = await _budget(change.connection, scope)
        if before is None:
            raise ConfigError(f"there is no budget for {scope!r:.80}; `sekisho budgets list` shows them")
        await change.connection.execute(delete(tables.budgets).filter_by(scope=scope))
        await change.note("budget.removed", {"budget": scope}, before)
    await store.refresh()


def _check_own(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name == "identity":
            if value not in (None, "open-webui"):
                raise ConfigError(f"identity: {value!r:.60} is not open-webui, nor is it absent")
        elif value is not None or name == "alias":
            check_name(name, value, _LONGEST[name])


async def _write(store: KeyStore, statement: Any, alias: str, action: str, key_id: str) -> None:
    """Make a change of one key, recorded in the audit in the same transaction."""
    try:
        async with store.audit.changing(store.engine) as change:
            await raise_revision(change.connection)
            before = await _state(change.connection, key_id)
            await change.connection.execute(statement)
            after = await _state(change.connection, key_id)
            about = {"key": key_id, "alias": alias, "owner": (before or after or {}).get("owner")}
            await change.note(action, about, *difference(before, after))
    except IntegrityError:
        raise ConfigError(f"a key with the alias '{alias}' exists; choose another, or revoke that one") from None
    await store.refresh()


async def _row(connection: AsyncConnection, id_or_alias: str) -> Any:
    named = (tables.keys.c.id == id_or_alias) | (tables.keys.c.alias == id_or_alias)
    row = (await connection.execute(select(tables.keys).where(named))).mappings().first()
    if row is None:
        raise ConfigError(f"there is no key {id_or_alias!r:.80}; `sekisho keys list` shows them")
    return row


async def _state(connection: AsyncConnection, key_id: str) -> dict[str, Any] | None:
    """Return what may be told of a key: everything but its hashes."""
    row = (await connection.execute(select(tables.keys).filter_by(id=key_id))).mappings().first()
    return {name: value for name, value in row.items() if not name.endswith("hash")} if row else None


async def _budget(connection: AsyncConnection, scope: str) -> dict[str, Any] | None:
    row = (await connection.execute(select(tables.budgets).filter_by(scope=scope))).mappings().first()
    return dict(row) if row else None


async def raise_revision(connection: AsyncConnection) -> None:
    """Raise the revision, so that running gateways notice that keys or budgets changed."""
    counter = tables.revisions.c.value
    await connection.execute(update(tables.revisions).filter_by(name="keys").values(value=counter + 1))


def _new_secret() -> Secret:
    return Secret(PREFIX + secrets.token_urlsafe(32))


def _hint(presented: Secret) -> str:
    return f"{PREFIX}…{presented.reveal()[-4:]}"


def _now() -> int:
    return time.time_ns() // 1000
