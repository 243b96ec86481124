"""Who asks, signed for an agent of the company's own, as the pack's pipe tells it."""

import time
from typing import Protocol
from urllib.parse import quote

import jwt

from gateway.config.schema import Share
from gateway.secret import Secret

LIFETIME_SECONDS = 300
_CLAIMED = ("body", "none")
"""Sources that nobody vouches for."""


class Introduced(Protocol):
    """A person with the chat that the request belongs to, as the ledger's record names them."""

    @property
    def user_id(self) -> str | None: ...
    @property
    def user_email(self) -> str | None: ...
    @property
    def user_name(self) -> str | None: ...
    @property
    def user_role(self) -> str | None: ...
    @property
    def user_groups(self) -> tuple[str, ...]: ...
    @property
    def identity_source(self) -> str: ...
    @property
    def chat_id(self) -> str | None: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def task(self) -> str: ...


def introduction(person: Introduced, share: Share, secret: Secret) -> dict[str, str]:
    """Headers: X-OpenWebUI-User-Jwt (HS256), the chat's id and the message's. Nobody is signed for who only claims
    to be somebody."""
    ids = {"x-openwebui-chat-id": person.chat_id, "x-openwebui-message-id": person.message_id}
    headers = {name: quote(value) for name, value in ids.items() if value}
    if person.user_id and person.identity_source not in _CLAIMED:
        headers["x-openwebui-user-jwt"] = _signed(person, share, secret)
    return headers


def _signed(person: Introduced, share: Share, secret: Secret) -> str:
    now = int(time.time())
    claims = {
        "iss": "sekisho",
        "sub": person.user_id,
        "role": person.user_role or "",
        "groups": list(person.user_groups or ()),
        "chat_id": person.chat_id or "",
        "message_id": person.message_id or "",
        "task": person.task,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    if share != "id":
        claims["email"] = person.user_email or ""
    if share == "all":
        claims["name"] = person.user_name or ""
    return jwt.encode(claims, secret.reveal(), algorithm="HS256")
