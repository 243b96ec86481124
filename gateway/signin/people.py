"""Claims of a provider as a person."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.casing import lower
from gateway.config.oidc import Oidc
from gateway.identity.person import Person
from gateway.signin.errors import SignInFailed

_MAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LONGEST = 256
_MOST_GROUPS = 500


def person_of(claims: Mapping[str, Any], oidc: Oidc) -> Person:
    """Return the person of claims. Raises `SignInFailed` for one without a verified address of an allowed domain."""
    mail = _mail(claims, oidc)
    return Person(
        user_id=f"oidc:{_subject(claims)}",
        email=mail,
        name=_text(claims.get("name")),
        groups=groups_of(claims, oidc),
        language=_text(claims.get("locale")),
        timezone=_text(claims.get("zoneinfo")),
        source="oidc",
    )


def lacks(claims: Mapping[str, Any], oidc: Oidc) -> bool:
    """Return whether the ID token leaves out what may stand in the user info."""
    wanted = (oidc.email_claim, *([oidc.groups_claim] if oidc.groups_claim else ()))
    unproved = oidc.email_verified == "claim" and "email_verified" not in claims
    return unproved or any(name not in claims for name in wanted)


def groups_of(claims: Mapping[str, Any], oidc: Oidc) -> tuple[str, ...]:
    """Return the person's groups: texts of a list, or one text.

    Raises `SignInFailed` where the provider keeps them elsewhere (OpenID Connect Core, 5.6.2), as Entra does with many:
    without them the person would be in no team.
    """
    elsewhere = claims.get("_claim_names")
    if oidc.groups_claim not in claims and isinstance(elsewhere, dict) and oidc.groups_claim in elsewhere:
        raise SignInFailed("setup", "the person is in more groups than the provider tells; let it send fewer")
    value = claims.get(oidc.groups_claim) if oidc.groups_claim else None
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    texts = (_text(each) for each in listed[:_MOST_GROUPS])
    return tuple(dict.fromkeys(text for text in texts if text))


def _mail(claims: Mapping[str, Any], oidc: Oidc) -> str:
    value = claims.get(oidc.email_claim)
    found = _MAIL.fullmatch(value) if isinstance(value, str) else None
    if not found or not isinstance(value, str) or not value.isprintable():
        raise SignInFailed(
            "no_mail", f"the claim '{oidc.email_claim}' is no e-mail address; see 'console.oidc.email_claim'"
        )
    if oidc.email_verified == "claim" and claims.get("email_verified") not in (True, "true"):
        raise SignInFailed("no_mail", "'email_verified' is not true; see 'console.oidc.email_verified'")
    if oidc.email_domains and lower(found[1]) not in {lower(each) for each in oidc.email_domains}:
        raise SignInFailed("domain", "the address is of none of 'console.oidc.email_domains'")
    return lower(value)


def _subject(claims: Mapping[str, Any]) -> str:
    """Return who it is for the provider. Raises `SignInFailed` for what would make two people one."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or _text(subject) != subject:
        raise SignInFailed("token", "the claim 'sub' is no text of at most 256 characters that can be shown")
    return subject


def _text(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value.strip() and value.isprintable() else None
