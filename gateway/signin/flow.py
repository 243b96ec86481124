"""The code flow: to the provider and back, each way once, in one browser."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit, urlunsplit

import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.config.oidc import Oidc
from gateway.db.anybody import put_for_anybody
from gateway.db.expiring import ExpiringStore
from gateway.identity.person import Person
from gateway.signin.asking import ask
from gateway.signin.errors import Reason, SignInFailed
from gateway.signin.people import lacks, person_of
from gateway.signin.provider import Metadata, Provider
from gateway.signin.tokens import verified

KIND = "oidc_state"
_SECONDS = 600
_OPEN = "oidc_open"
_MOST_OF_AN_ADDRESS = 1000
"""Ways to the provider that have not come back; a whole company may come from one address."""
MOST_OPEN = 20_000
"""The same, of all addresses together: whoever has many addresses fills no database."""
_LONGEST_CODE = 8192


class Pending(msgspec.Struct, frozen=True):
    """A way to the provider that has not come back."""

    issuer: str
    client_id: str
    browser: str
    """Of the browser's cookie."""
    nonce: str
    verifier: str
    redirect_uri: str
    next: str
    """Path of ours to go to."""


class SignedIn(msgspec.Struct, frozen=True):
    person: Person
    id_token: str
    next: str


async def begin(
    provider: Provider, oidc: Oidc, store: ExpiringStore, *, browser: str, address: str, redirect_uri: str, next_: str
) -> str:
    """Return the provider's address to send a browser to. Raises `SignInFailed`, `Overloaded`."""
    metadata = await provider.metadata()
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    pending = Pending(oidc.issuer, oidc.client_id, browser, nonce, verifier, redirect_uri, next_)
    content = msgspec.json.encode(pending)
    state = await put_for_anybody(
        store,
        KIND,
        f"address:{address}",
        content,
        _SECONDS,
        together=_OPEN,
        most=_MOST_OF_AN_ADDRESS,
        most_together=MOST_OPEN,
    )
    url: str = prepare_grant_uri(
        metadata.authorization_endpoint,
        oidc.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=" ".join(oidc.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return url


async def finish(
    provider: Provider, oidc: Oidc, store: ExpiringStore, *, browser: str | None, query: Mapping[str, str]
) -> SignedIn:
    """Return who came back from the provider. Raises `SignInFailed`."""
    pending = await _pending(store, oidc, browser, query.get("state", ""))
    metadata = await provider.metadata()
    _check_sender(metadata, query)
    code = query.get("code", "")
    if not code or len(code) > _LONGEST_CODE:
        raise SignInFailed("refused", f"the provider sent no code, but {query.get('error', 'nothing')!r:.100}")
    tokens = await _tokens(provider, metadata, oidc, pending, code)
    claims = await verified(provider, tokens.get("id_token"), oidc.client_id, pending.nonce, tokens.get("access_token"))
    if lacks(claims, oidc) and metadata.userinfo_endpoint:
        claims = await _completed(provider, metadata.userinfo_endpoint, claims, tokens.get("access_token"))
    return SignedIn(person_of(claims, oidc), str(tokens["id_token"]), pending.next)


def sign_out_url(metadata: Metadata, oidc: Oidc, id_token: str | None, back: str) -> str | None:
    """Return the provider's address that ends the session there (RP-Initiated Logout 1.0); None where it has none."""
    if not metadata.end_session_endpoint:
        return None
    parts = urlsplit(metadata.end_session_endpoint)
    given = {"client_id": oidc.client_id, "post_logout_redirect_uri": back}
    if id_token:
        given["id_token_hint"] = id_token
    query = "&".join(part for part in (parts.query, urlencode(given)) if part)
    return urlunsplit((*parts[:3], query, ""))


async def _pending(store: ExpiringStore, oidc: Oidc, browser: str | None, state: str) -> Pending:
    """Return what was begun with a state, which ends with it."""
    if not browser:
        raise SignInFailed("state", "the browser has no cookie of this gateway: another one, or cookies are off")
    entry = await store.take(KIND, state) if 0 < len(state) <= 200 else None
    if entry is None:
        raise SignInFailed("state", "the state is not known: old, used, or never given")
    await store.delete(_OPEN, state)
    pending = msgspec.json.decode(entry.content, type=Pending)
    if not secrets.compare_digest(pending.browser.encode(), browser.encode(errors="replace")):
        raise SignInFailed("state", "the state was given to another browser")
    if (pending.issuer, pending.client_id) != (oidc.issuer, oidc.client_id):
        raise SignInFailed("state", "the state was given for another provider: the configuration has changed")
    return pending


def _check_sender(metadata: Metadata, query: Mapping[str, str]) -> None:
    """Raise `SignInFailed` for an answer of another provider (RFC 9207)."""
    sender = query.get("iss")
    if sender is None and metadata.authorization_response_iss_parameter_supported:
        raise SignInFailed("token", "the answer does not say which provider it is of")
    if sender is not None and sender != metadata.issuer:
        raise SignInFailed("token", f"the answer is of another provider, {sender!r:.200}")


async def _tokens(provider: Provider, metadata: Metadata, oidc: Oidc, pending: Pending, code: str) -> dict[str, Any]:
    """Return what the provider gives for a code."""
    form = prepare_token_request(
        "authorization_code", "", redirect_uri=pending.redirect_uri, code=code, code_verifier=pending.verifier
    )
    secret = oidc.client_secret.reveal() if oidc.client_secret else None
    auth = ClientAuth(oidc.client_id, secret, _method(metadata, secret))
    url, headers, body = auth.prepare("POST", metadata.token_endpoint, {}, form)
    status, content = await ask(provider.client, url, form=body, headers=headers)
    if status == 200:
        return content
    said, more = content.get("error"), content.get("error_description")
    reason: Reason = "state" if said == "invalid_grant" else "setup"
    raise SignInFailed(reason, f"the provider gives no token: {said!r:.100} ({more!r:.300})")


def _method(metadata: Metadata, secret: str | None) -> Any:
    """Return how to authenticate at the token endpoint."""
    if secret is None:
        return "none"
    supported = metadata.token_endpoint_auth_methods_supported
    return _basic if "client_secret_basic" in supported else "client_secret_post"


def _basic(client: Any, method: str, uri: str, headers: dict[str, str], body: str) -> tuple[str, dict[str, str], str]:
    """Authenticate as RFC 6749 says: both parts form-encoded first, which keeps `:` and `%` of a secret whole."""
    text = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    return uri, {**headers, "authorization": f"Basic {b64encode(text.encode()).decode()}"}, body


async def _completed(provider: Provider, url: str, claims: dict[str, Any], access_token: object) -> dict[str, Any]:
    """Return the claims with those of the user info, which must be of the same person."""
    if not isinstance(access_token, str) or not access_token.isascii() or not access_token.isprintable():
        return claims
    status, content = await ask(provider.client, url, headers={"authorization": f"Bearer {access_token}"})
    if status != 200:
        return claims
    if content.get("sub") != claims.get("sub"):
        raise SignInFailed("token", "the user info is of another person than the token")
    return {**content, **claims}


def query_of(text: str) -> dict[str, str]:
    """Return the parameters of a query; of one that is given twice nothing is taken."""
    given = parse_qs(text[:32_768], keep_blank_values=True, max_num_fields=50)
    return {name: values[0] for name, values in given.items() if len(values) == 1}
