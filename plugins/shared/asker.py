"""Who asks, for calls that the pack itself makes."""

from typing import Any

from plugins.shared.signature import ISSUER, sign


def signed(user: dict[str, Any], secret: str, with_email: bool) -> str:
    """Return a token for one minute that names the person."""
    claims = {"iss": ISSUER, "sub": user["id"]}
    if with_email:
        claims["email"] = user.get("email") or ""
    return sign(claims, secret, 60)
