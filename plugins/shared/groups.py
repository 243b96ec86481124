"""Groups of a person."""

from open_webui.models.groups import Groups


async def groups_of(user_id: str) -> dict[str, str]:
    """Return the names of the person's groups by their ids, parents of a group included."""
    groups = await Groups.get_groups_by_member_id(user_id, include_inherited=True)
    return {group.id: group.name for group in groups}
