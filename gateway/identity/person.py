"""The person behind a request, strongest evidence first.

Only a key with `identity: open-webui` may speak for others: signed token, then the headers the
installer configures, then the body's `user`. Any other key speaks for its owner alone.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import jwt
import msgspec

from gateway.errors import Unauthenticated
from gateway.identity.keys import Key
from gateway.identity.policy import Policy
from gateway.secret import Secret

TOKEN_FIELD = "sekisho_identity"
"""The body field in which the pack's filter puts its signed token."""

_ISSUERS = ("sekisho", "open-webui")
_LEEWAY_SECONDS = 30
_LONGEST = 512
"""Characters kept of any one claim or header."""
_LONGEST_TOKEN = 32 * 1024
"""In bytes; a person may be in many groups."""

_HEADERS = {
    "user_id": "x-openwebui-user-id",
    "email": "x-openwebui-user-email",
    "name": "x-openwebui-user-name",
    "role": "x-openwebui-user-role",
    "chat_id": "x-openwebui-chat-id",
    "message_id": "x-sekisho-message-id",
    "task": "x-sekisho-task",
}
_CLAIMS = {
    "user_id": "sub",
    "email": "email",
    "name": "name",
    "role": "role",
    "chat_id": "chat_id",
    "message_id": "message_id",
    "task": "task",
    "language": "language",
    "timezone": "timezone",
}


class Person(msgspec.Struct, frozen=True):
    """Who asks and in which conversation. `source`: token, jwt, headers, body, key, none."""

    user_id: str | None = None
    email: str | None = None
    name: str | None = None
    role: str | None = None
    groups: tuple[str, ...] = ()
    chat_id: str | None = None
    message_id: str | None = None
    task: str | None = None
    language: str | None = None
    """Of the person's page, as a browser names it: `ja-JP`."""
    timezone: str | None = None
    """As IANA names it: `Asia/Tokyo`."""
    source: str = "none"


NOBODY = Person()


def reader(name: str) -> str:
    """Return the name under which is kept what a person was told; signing out everywhere leaves it."""
    return f"notices of {name}"


def at_tool_servers(name: str) -> str:
    """Return the name under which a person's sign-ins at tool servers are kept; signing out everywhere leaves it."""
    return f"Tool servers of {name}"


@dataclass(frozen=True, slots=True, eq=False)
class PersonalKey(Key):
    """What a person who is signed in acts with: a key without limits of its own, stored nowhere."""

    person: Person = NOBODY


def personal_key(person: Person, team: str | None = None) -> PersonalKey:
    """Return the key of a person who is signed in."""
    named = person.email or person.user_id
    return PersonalKey("session", "", "console", named, team, None, 0, None, Policy(), person=person)


def identify(
    key: Key, headers: Mapping[str, str], token: str | None, claimed: str | None, secret: Secret | None
) -> Person:
    """Return the person of a request.

    `token` is the body's signed token, `claimed` its `user` field. Raises `Unauthenticated` where
    a token is there and does not verify: an attack, or two different secrets.
    """
    if key.identity != "open-webui":
        return owner(key)
    in_headers = _from_headers(headers)
    if secret and token:
        return _joined(_verified(token, secret, "token"), in_headers)
    if secret and (own := headers.get("x-openwebui-user-jwt")):
        return _joined(_verified(own, secret, "jwt"), in_headers)
    if in_headers.user_id:
        return in_headers
    if claimed:
        return msgspec.structs.replace(in_headers, user_id=claimed[:_LONGEST], source="body")
    return _joined(owner(key), in_headers)


def owner(key: Key) -> Person:
    """Return the person to whom a key belongs."""
    if isinstance(key, PersonalKey):
        return key.person
    name = key.owner
    email = name if name and "@" in name else None
    return Person(user_id=name, email=email, source="key" if name else "none")


def _verified(token: str, secret: Secret, source: str) -> Person:
    """Return the person of a token, remembered as tool loops send it many times. Raises `Unauthenticated`."""
    try:
        if len(token) > _LONGEST_TOKEN:
            raise jwt.DecodeError
        person, expires = _decoded(token, secret, source)
        if expires + _LEEWAY_SECONDS < time.time():
            raise jwt.ExpiredSignatureError
    except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
        raise Unauthenticated(
            f"The signed identity does not verify ({type(error).__name__}). The secret of the user_identity filter "
            "and 'open_webui.identity_secret' must be the same, and both clocks right.",
            code="invalid_identity",
        ) from None
    return person


@lru_cache(maxsize=2048)
def _decoded(token: str, secret: Secret, source: str) -> tuple[Person, float]:
    """Return the person of a token that verifies, and until when (Unix seconds). Failures are not remembered."""
    claims = jwt.decode(
        token,
        secret.reveal(),
        algorithms=["HS256"],
        leeway=_LEEWAY_SECONDS,
        options={"require": ["sub", "exp", "iss"], "verify_aud": False},
        issuer=_ISSUERS,
    )
    texts = {field: _text(claims.get(claim)) for field, claim in _CLAIMS.items()}
    return Person(**texts, groups=_groups(claims.get("groups")), source=source), float(claims["exp"])


def _from_headers(headers: Mapping[str, str]) -> Person:
    found = {field: headers[header] for field, header in _HEADERS.items() if header in headers}
    in_headers = headers.get("x-sekisho-groups")
    if not found and in_headers is None:
        return NOBODY
    texts = {field: _text(unquote(value)) for field, value in found.items()}
    groups = _groups(unquote(in_headers or "").split(","))
    return Person(**texts, groups=groups, source="headers" if texts.get("user_id") else "none")


def _joined(person: Person, in_headers: Person) -> Person:
    """Return who the strong source names, with the conversation that the headers add."""
    if in_headers is NOBODY:
        return person
    return msgspec.structs.replace(
        person,
        chat_id=person.chat_id or in_headers.chat_id,
        message_id=person.message_id or in_headers.message_id,
        task=person.task or in_headers.task,
        groups=person.groups or in_headers.groups,
    )


def _text(found: Any) -> str | None:
    """Return a claim's text. Half a surrogate pair, which JSON may hold, can be written nowhere and becomes `?`."""
    return found[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(found, str) and found else None


def _groups(found: Any) -> tuple[str, ...]:
    named = (each.strip() for each in found if isinstance(each, str)) if isinstance(found, list) else ()
    return tuple(text for each in named if (text := _text(each)))[:100]
