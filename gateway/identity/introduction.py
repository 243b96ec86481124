"""Sign the caller's identity for an agent of the company's own, as the pack's pipe does."""

import time
from urllib.parse import quote

import jwt

from gateway.config.section import Share
from gateway.identity.person import Person
from gateway.secret import Secret

LIFETIME_SECONDS = 300
_CLAIMED = ("body", "none")
"""Identity sources that are not verified."""


def introduction(person: Person, task: str, share: Share, secret: Secret) -> dict[str, str]:
    """Return headers: X-OpenWebUI-User-Jwt (HS256), the chat's id and the message's.

    Nobody is signed for who only claims to be somebody.
    """
    ids = {"x-openwebui-chat-id": person.chat_id, "x-openwebui-message-id": person.message_id}
    headers = {name: quote(value) for name, value in ids.items() if value}
    if person.user_id and person.source not in _CLAIMED:
        headers["x-openwebui-user-jwt"] = _signed(person, task, share, secret)
    return headers


def _signed(person: Person, task: str, share: Share, secret: Secret) -> str:
    now = int(time.time())
    claims = {
        "iss": "sekisho",
        "sub": person.user_id,
        "role": person.role or "",
        "groups": list(person.groups),
        "chat_id": person.chat_id or "",
        "message_id": person.message_id or "",
        "task": task,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    if share != "id":
        claims["email"] = person.email or ""
    if share == "all":
        claims["name"] = person.name or ""
    return jwt.encode(claims, secret.reveal(), algorithm="HS256")
