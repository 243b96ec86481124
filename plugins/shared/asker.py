"""Who asks, for calls that the pack itself makes."""

from typing import Any

from plugins.shared.groups import group_names
from plugins.shared.signature import ISSUER, sign


async def signed(user: dict[str, Any], secret: str, with_email: bool, **more: str) -> str:
    """Return a token for one minute that names the person, their groups and `more` claims."""
    claims = {"iss": ISSUER, "sub": user["id"], "groups": await group_names(user["id"]), **more}
    if with_email:
        claims["email"] = user.get("email") or ""
    return sign(claims, secret, 60)
