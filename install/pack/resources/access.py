"""Who may use something: Open WebUI's list of grants as a set."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar

from install.errors import InstallError
from install.pack.tree import Json, Path
from install.wording import say, term

KEYS = ("principal_type", "principal_id", "permission")

EVERYONE = "user:*:read"
GRANTS = "access_grants"

_group_names: ContextVar[Mapping[str, str]] = ContextVar("group_names", default={})  # noqa: B039 - never written into


def name_groups(ids: Mapping[str, str]) -> None:
    """Let labels show these groups (id by name) by their names."""
    _group_names.set({id: name for name, id in ids.items()})


def grant_label(grant: str) -> str:
    """Return a grant such as `group:ID:read` in words."""
    who, _, may = grant.rpartition(":")
    kind, _, id = who.partition(":")
    name = say("everyone") if who == "user:*" else f"{term(kind)} {_group_names.get().get(id, id)}"
    return say("{may} for {who}", may=term(may), who=name)


def to_set(grants: Iterable[Json]) -> dict[str, bool]:
    return {":".join(grant[key] for key in KEYS): True for grant in grants}


def to_list(grants: Mapping[str, bool]) -> list[Json]:
    # An id may hold colons, type and permission never do.
    parts = ((name.partition(":")[0], name.partition(":")[2].rpartition(":")) for name in grants)
    return [dict(zip(KEYS, (kind, rest[0], rest[2]), strict=True)) for kind, rest in parts]


def reading(groups: Iterable[str], known: Mapping[str, str]) -> dict[Path, bool]:
    """Return leaves that let these groups read; none named = everyone. Raises `InstallError`."""
    named = list(groups)
    if not named:
        return {(GRANTS, EVERYONE): True}
    for group in named:
        if group not in known:
            raise InstallError(
                say("The manifest names the group {group}, which Open WebUI does not have.", group=group),
                say(
                    "Create it in Admin > Users > Groups; it has: {known}.",
                    known=", ".join(sorted(known)) or say("none"),
                ),
            )
    return {(GRANTS, f"group:{known[group]}:read"): True for group in named}
