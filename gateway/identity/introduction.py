"""Who asks, signed for an agent of the company's own, as the pack's pipe tells it."""

import time
from urllib.parse import quote

import jwt

from gateway.config.schema import Share
from gateway.ledger.record import Record
from gateway.secret import Secret

LIFETIME_SECONDS = 300
_CLAIMED = ("body", "none")
"""Sources that nobody vouches for."""


def introduction(record: Record, share: Share, secret: Secret) -> dict[str, str]:
    """Headers: X-OpenWebUI-User-Jwt (HS256), the chat's id and the message's. Nobody is signed for who only claims
    to be somebody."""
    ids = {"x-openwebui-chat-id": record.chat_id, "x-openwebui-message-id": record.message_id}
    headers = {name: quote(value) for name, value in ids.items() if value}
    if record.user_id and record.identity_source not in _CLAIMED:
        headers["x-openwebui-user-jwt"] = _signed(record, share, secret)
    return headers


def _signed(record: Record, share: Share, secret: Secret) -> str:
    now = int(time.time())
    claims = {
        "iss": "sekisho",
        "sub": record.user_id,
        "role": record.user_role or "",
        "groups": list(record.user_groups or ()),
        "chat_id": record.chat_id or "",
        "message_id": record.message_id or "",
        "task": record.task,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
    }
    if share != "id":
        claims["email"] = record.user_email or ""
    if share == "all":
        claims["name"] = record.user_name or ""
    return jwt.encode(claims, secret.reveal(), algorithm="HS256")
