"""Claims about a person, of which a signature is made."""

from typing import Any

from plugins.shared.language import variable
from plugins.shared.signature import ISSUER


def identity(user: dict[str, Any], metadata: dict[str, Any], groups: list[str], share: str) -> dict[str, Any]:
    """Return the claims about a person. `share`: id, id_and_email or all."""
    claims = {
        "iss": ISSUER,
        "sub": user.get("id", ""),
        "role": user.get("role") or "",
        "groups": groups,
        "chat_id": metadata.get("chat_id") or "",
        "message_id": metadata.get("message_id") or "",
        "task": metadata.get("task") or "",
        "language": variable(metadata, "USER_LANGUAGE"),
        "timezone": variable(metadata, "CURRENT_TIMEZONE"),
    }
    if share in ("id_and_email", "all"):
        claims["email"] = user.get("email") or ""
    if share == "all":
        claims["name"] = user.get("name") or ""
    return claims
