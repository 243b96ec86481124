"""Access to files."""

from typing import Any

from open_webui.utils.access_control.files import has_access_to_file


async def may_read(file: Any, user: Any) -> bool:
    """Return whether the user, Open WebUI's UserModel, may read the file."""
    return bool(file.user_id == user.id or user.role == "admin" or await has_access_to_file(file.id, "read", user))
