"""Record what the configuration changed in: values by their names, secrets only as changed or not."""

import asyncio
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec
from pydantic import BaseModel

from gateway.audit.actor import Actor
from gateway.audit.log import AuditLog, difference
from gateway.audit.row import Sealer
from gateway.config.load import Loaded
from gateway.files import write_file
from gateway.secret import Secret

_MOST = 100
"""Values that a row tells of by name."""
_LONGEST = 100
_NAMES: tuple[str, str] = ("configuration", "configuration.refused")


async def record_applied(audit: AuditLog, loaded: Loaded) -> None:
    """Record a configuration that is about to be used, if it is not the last one. Raises `Overloaded`, `OSError`."""
    file = audit.chain.folder / "configuration.json"
    after = values_of(loaded.config, audit.chain.sealer)
    before = await asyncio.to_thread(_read, audit)
    content = msgspec.json.encode(after)
    fingerprint = sha256(content).hexdigest()
    told = {"files": [path.name for path in loaded.document.files], "fingerprint": fingerprint[:16]}
    changed = _shown(*difference(before, after)) if before is not None else (None, {"values": len(after)})
    row = await audit.record("configuration.applied", told, *changed, actor=_ACTOR, once=(_NAMES[0], fingerprint))
    if row:
        await asyncio.to_thread(write_file, file, content)


async def record_refused(audit: AuditLog, files: list[str], problem: str) -> None:
    """Record a changed configuration that was refused, with the reason; each once. Raises `Overloaded`."""
    fingerprint = sha256(problem.encode(errors="replace")).hexdigest()
    told = {"files": files}
    reason = {"problem": problem[:4000]}
    await audit.record("configuration.refused", told, None, reason, actor=_ACTOR, once=(_NAMES[1], fingerprint))


_ACTOR = Actor("gateway", via="file")


def values_of(config: BaseModel, sealer: Sealer) -> dict[str, str]:
    """Return every value by its dotted name, as JSON; a secret as a keyed hash."""
    values = dict(_leaves(config.model_dump(mode="json", by_alias=True), ()))
    secrets = {_dotted(key): sealer.hide(secret.reveal()) for key, secret in _secrets(config, ())}
    return {**values, **{name: each for name, each in secrets.items() if name in values}}


def _leaves(node: Any, key: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if not children or not node:
        yield _dotted(key), json.dumps(node, ensure_ascii=False)
    for name, child in children:
        yield from _leaves(child, (*key, name))


def _secrets(node: Any, key: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Secret]]:
    if isinstance(node, Secret):
        yield key, node
    elif isinstance(node, BaseModel):
        for name, field in type(node).model_fields.items():
            yield from _secrets(getattr(node, name), (*key, field.serialization_alias or field.alias or name))
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _secrets(child, (*key, name))
    elif isinstance(node, list | tuple):
        for number, child in enumerate(node):
            yield from _secrets(child, (*key, number))


def _dotted(key: tuple[Any, ...]) -> str:
    return ".".join(map(str, key))


def _read(audit: AuditLog) -> dict[str, str] | None:
    try:
        content = (audit.chain.folder / "configuration.json").read_bytes()
        return msgspec.json.decode(content, type=dict[str, str])
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _shown(before: Any, after: Any) -> tuple[Any, Any]:
    return _short(before, "a secret"), _short(after, "another secret")


def _short(values: dict[str, str | None], secret: str) -> dict[str, str | int | None]:
    """Return at most `_MOST` values, each cut, and how many more there are; secrets as words."""
    shown: dict[str, str | int | None] = {}
    for name, value in list(values.items())[:_MOST]:
        shown[name[:_LONGEST]] = None if value is None else secret if value.startswith("secret:") else value[:_LONGEST]
    return {**shown, "more": len(values) - _MOST} if len(values) > _MOST else shown
