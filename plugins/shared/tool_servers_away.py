"""Which tool servers the hub says are away."""

from plugins.shared.json_values import dict_of, items
from plugins.shared.tool_names import one_line
from plugins.shared.types import Json


def away(page: Json) -> tuple[list[str], list[str]]:
    """Return the servers that do not answer, and those that want a sign-in, of a list as the hub gives it."""
    meta = dict_of(page.get("_meta"))
    signing = [name for name in (one_line(each) for each in items(meta.get("sekisho/sign_in"))) if name]
    missing = [name for name in map(one_line, dict_of(meta.get("sekisho/unavailable"))) if name]
    return sorted(set(missing) - set(signing)), sorted(signing)
