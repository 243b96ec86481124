"""The gateway's models, published to people. What an administrator decided about a model stays."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

from install.errors import GroupMissing
from install.open_webui import OpenWebUI
from install.open_webui.admin import Json
from install.pack.change import Action, Change
from install.pack.desired import Model

Grant = tuple[str, str, str]
"""Principal type, principal id, permission."""

EVERYONE: Grant = ("user", "*", "read")
STAMP = "sekisho"


def diff(wanted: Model, row: Json | None, groups: Mapping[str, str]) -> Iterator[Change]:
    """`groups`: group ids by name. Raises `GroupMissing`."""
    grants = _grants(wanted, groups)
    readers = f"read: {', '.join(wanted.groups) if wanted.groups else 'everyone'}"
    if row is None:
        yield Change("model", wanted.id, Action.CREATE, (readers,), partial(_create, wanted, grants))
    elif kept := _decided_otherwise(row):
        yield Change("model", wanted.id, Action.UNCHANGED, (kept,))
    else:
        yield from _diff_row(wanted, row, grants, readers)


def _grants(wanted: Model, groups: Mapping[str, str]) -> frozenset[Grant]:
    if not wanted.groups:
        return frozenset({EVERYONE})
    for group in wanted.groups:
        if group not in groups:
            raise GroupMissing(group, groups)
    return frozenset(("group", groups[group], "read") for group in wanted.groups)


def _decided_otherwise(row: Json) -> str | None:
    if row.get("base_model_id"):
        return "a workspace model has this name: kept"
    if not row["is_active"]:
        return "switched off by an administrator: kept"
    return None


def _diff_row(wanted: Model, row: Json, grants: frozenset[Grant], readers: str) -> Iterator[Change]:
    missing = _missing_grants(wanted, row, grants)
    meta = _merged_meta(wanted, row["meta"])
    details = [readers] if missing else []
    details += [f"{key}: {value}" for key, value in _shown(meta, row["meta"])]
    if not missing and meta == row["meta"]:
        yield Change("model", wanted.id, Action.UNCHANGED)
    else:
        yield Change("model", wanted.id, Action.UPDATE, tuple(details), partial(_update, wanted, grants))


def _missing_grants(wanted: Model, row: Json, grants: frozenset[Grant]) -> frozenset[Grant]:
    """Grants that the manifest asks for by name are added; otherwise only a model nobody decided about is opened.

    Our stamp without any grant means that an administrator withdrew the model after we had published it.
    """
    existing = {_key(grant) for grant in row["access_grants"]}
    undecided = not existing and STAMP not in row["meta"]
    return grants - existing if wanted.groups is not None or undecided else frozenset()


def _key(grant: Json) -> Grant:
    return grant["principal_type"], grant["principal_id"], grant["permission"]


def _merged_meta(wanted: Model, meta: Json, *, created: bool = False) -> Json:
    """Ours under theirs: a value that is set stays, also a capability switched off by hand."""
    capabilities = meta.get("capabilities") or {}
    usage = capabilities.get("usage")
    return {
        **meta,
        "description": meta.get("description") or wanted.description or None,
        "capabilities": {**capabilities, "usage": True if usage is None else usage},
        STAMP: meta.get(STAMP) or {"created": created},
    }


def _shown(meta: Json, before: Json) -> Iterator[tuple[str, str]]:
    if meta["description"] != before.get("description"):
        yield "description", meta["description"]
    if meta["capabilities"] != (before.get("capabilities") or {}):
        yield "usage", "on"
    if STAMP not in before:
        yield "mark", "managed by sekisho"


def _create(wanted: Model, grants: frozenset[Grant], client: OpenWebUI) -> None:
    client.create_model(
        {
            "id": wanted.id,
            "name": wanted.name,
            "params": {},
            "meta": _merged_meta(wanted, {}, created=True),
            "access_grants": _as_json(grants),
        }
    )


def _update(wanted: Model, grants: frozenset[Grant], client: OpenWebUI) -> None:
    row = client.model_rows()[wanted.id]
    if missing := _missing_grants(wanted, row, grants):
        client.set_model_access(wanted.id, [*row["access_grants"], *_as_json(missing)])
    meta = _merged_meta(wanted, row["meta"])
    if meta != row["meta"]:
        form = {"id": wanted.id, "name": row["name"], "params": row["params"], "meta": meta}
        client.update_model({**form, "commit_message": "sekisho"})


def _as_json(grants: Iterable[Grant]) -> list[Json]:
    keys = ("principal_type", "principal_id", "permission")
    return [dict(zip(keys, grant, strict=True)) for grant in sorted(grants)]
