"""Who may use something: Open WebUI's list of grants as a set."""

from collections.abc import Iterable, Mapping

from install.errors import InstallError
from install.pack.tree import Json, Path

KEYS = ("principal_type", "principal_id", "permission")

EVERYONE = "user:*:read"
GRANTS = "access_grants"


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
                f"The manifest names the group {group}, which Open WebUI does not have.",
                f"Create it in Admin > Users > Groups; it has: {', '.join(sorted(known)) or 'none'}.",
            )
    return {(GRANTS, f"group:{known[group]}:read"): True for group in named}
