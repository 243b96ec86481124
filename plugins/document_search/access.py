"""Groups that may use the folder and the index."""

from plugins.document_search.turn import Turn, split_list
from plugins.shared.groups import groups_of


async def may_use(turn: Turn, groups: str) -> bool:
    """Return whether the person is in one of these groups; False where none is named."""
    named = set(split_list(groups))
    if "*" in named or not named:
        return bool(named)
    return bool(named & set((await groups_of(turn.user["id"])).values()))
