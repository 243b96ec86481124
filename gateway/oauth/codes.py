"""The authorization code with PKCE (RFC 7636), for programs that listen on loopback while a browser asks the person."""

import base64
import hashlib
import hmac
import re
from typing import Final

import msgspec

from gateway.db.expiring import ExpiringStore
from gateway.identity.person import Person
from gateway.oauth.errors import OAuthError, invalid_grant, invalid_request
from gateway.oauth.forms import Form, required
from gateway.oauth.grants import Approval, Asked, put_open, subject_of
from gateway.oauth.redirects import is_loopback

GRANT: Final = "authorization_code"
_REQUEST, _CODE, _USED = "authorization", "code", "used_code"
_CODE_SECONDS, _USED_SECONDS = 60, 3600
LONGEST_STATE = 512
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Authorization(msgspec.Struct, frozen=True):
    """A program's request, as it waits for the person."""

    asked: Asked
    client_id: str
    redirect_uri: str
    challenge: str
    state: str


class _Issued(msgspec.Struct, frozen=True):
    """What a code is worth."""

    request: Authorization
    approval: Approval


class CodeGrant:
    """Requests that wait for a person, and codes that were not yet turned in."""

    def __init__(self, store: ExpiringStore) -> None:
        self._store = store

    async def begin(self, request: Authorization) -> str:
        """Keep a request; return the id by which the page finds it. Raises `Overloaded`."""
        return await put_open(self._store, _REQUEST, request.asked, msgspec.json.encode(request))

    async def find(self, id_: str) -> Authorization | None:
        entry = await self._store.get(_REQUEST, id_)
        return msgspec.json.decode(entry.content, type=Authorization) if entry else None

    async def decide(
        self, id_: str, person: Person, team: str | None, allowed: bool
    ) -> tuple[Authorization, str | None] | None:
        """Return a request and its code, once; no code where the person said no, None for an unknown request."""
        entry = await self._store.take(_REQUEST, id_)
        if entry is None:
            return None
        request = msgspec.json.decode(entry.content, type=Authorization)
        if not allowed:
            return request, None
        content = msgspec.json.encode(_Issued(request, Approval(request.asked, person, team)))
        return request, await self._store.put(_CODE, subject_of(person), content, _CODE_SECONDS)

    async def redeem(self, form: Form) -> Approval:
        """Return the person's yes for a code, once. Raises `OAuthError`; a code that is tried wrongly is lost."""
        code, verifier = required(form, "code"), required(form, "code_verifier")
        taken = await self._store.take(_CODE, code)
        if taken is None:
            raise invalid_grant("This code has expired, was used or is not known. Start again.")
        issued = msgspec.json.decode(taken.content, type=_Issued)
        same = issued.request.redirect_uri == form.get("redirect_uri") and issued.request.client_id == form.get(
            "client_id"
        )
        if not same or not answers(issued.request.challenge, verifier):
            raise invalid_grant("This code belongs to another request. Start again.")
        return issued.approval

    async def used(self, code: str, family: str, person: Person) -> None:
        """Remember what a code was turned in for."""
        await self._store.put(_USED, subject_of(person), family.encode(), _USED_SECONDS, id_=code)

    async def family_of_used(self, code: str) -> str | None:
        """Return what a code was turned in for: who shows it again has stolen it, or was robbed."""
        entry = await self._store.get(_USED, code)
        return entry.content.decode() if entry else None


def check_redirect(form: Form, known: frozenset[str]) -> tuple[str, str]:
    """Return client id and redirect URI. Raises `OAuthError`, which is shown and never sent anywhere."""
    client_id, uri = required(form, "client_id"), required(form, "redirect_uri")
    if client_id not in known:
        raise OAuthError("unauthorized_client", "This program is not known here.")
    if not is_loopback(uri):
        raise invalid_request("The redirect_uri must be http://127.0.0.1:PORT or http://[::1]:PORT.")
    return client_id, uri


def check_request(form: Form) -> tuple[str, str]:
    """Return challenge and state. Raises `OAuthError`, which goes to the redirect URI."""
    if form.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The response_type must be 'code'.")
    if form.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(form.get("code_challenge", "")):
        raise invalid_request("PKCE is needed: code_challenge, and code_challenge_method=S256.")
    state = form.get("state", "")
    if len(state) > LONGEST_STATE:
        raise invalid_request(f"The state is longer than {LONGEST_STATE} characters.")
    return form["code_challenge"], state


def answers(challenge: str, verifier: str) -> bool:
    """Return whether a verifier is the one of a challenge (S256)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), challenge)
