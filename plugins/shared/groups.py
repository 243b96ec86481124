"""Groups of a person."""

from open_webui.models.groups import Groups

MOST_NAMES = 100
LONGEST_NAMES = 2_000  # characters of all names in a signature: Japanese ones take eight bytes a character there


async def groups_of(user_id: str) -> dict[str, str]:
    """Return the names of the person's groups by their ids, parents of a group included."""
    groups = await Groups.get_groups_by_member_id(user_id, include_inherited=True)
    return {group.id: group.name for group in groups}


async def group_names(user_id: str) -> list[str]:
    """Return the names that a signature carries: in alphabetical order, as many as a request has room for."""
    names, length = list[str](), 0
    for name in sorted(set((await groups_of(user_id)).values())):
        length += len(name)
        if len(names) < MOST_NAMES and length <= LONGEST_NAMES:
            names.append(name)
    return names
