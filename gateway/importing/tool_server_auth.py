"""Credentials of LiteLLM's tool servers as ours."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gateway.config.document import Key
from gateway.importing.findings import Findings, Kind
from gateway.importing.values import Values

_BEARER = "bearer "
_VALUES = ("auth_value", "authentication_token")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")


class Entry(Protocol):
    """An entry that is being converted."""

    findings: Findings
    values: Values
    key: Key
    entry: Mapping[str, Any]
    server: dict[str, Any]

    def text(self, name: str, *, secret: bool = False) -> str | None: ...
    def kind(self, name: str) -> Kind: ...
    def tell(self, name: str, kind: Kind, words: str) -> None: ...


def authorize(server: Entry) -> None:
    """Put how the gateway shows itself to a server."""
    kind = str(server.entry.get("auth_type") or "none").lower()
    make = _AUTH.get(kind)
    if make is None or "url" not in server.server:
        server.tell("auth_type", "manual", "credentials of this kind are not sent to a server here")
    else:
        make(server)


def bearer(server: Entry, value: Any, key: Key) -> None:
    """Put the token of a value of the header `Authorization`."""
    text = value if isinstance(value, str) else ""
    if text.lower().startswith(_BEARER) and (found := server.values.text(text[len(_BEARER) :], key, secret=True)):
        server.server["auth"] = {"token": found}
        server.findings.add("exact", key, "auth: token")
    else:
        server.findings.add("manual", key, "only bearer tokens are sent: write 'auth: {token: …}' if it is one")


def _none(server: Entry) -> None:
    server.tell("auth_type", "exact", "no credentials")


def _token(server: Entry) -> None:
    name = _value_of(server)
    if found := server.text(name, secret=True):
        server.server["auth"] = {"token": found}
        server.tell(name, server.kind(name), f"auth: token is {found}; set it where it stood in the file")
    server.tell("auth_type", "exact", "auth: token, sent as a bearer token")


def _api_key(server: Entry) -> None:
    name = _value_of(server)
    if found := server.text(name, secret=True):
        server.server.setdefault("headers", {})["x-api-key"] = found
        server.tell(name, server.kind(name), f"headers: x-api-key is {found}; set it where it stood in the file")
    server.tell("auth_type", "exact", "headers: x-api-key")


def _authorization(server: Entry) -> None:
    for name in _VALUES:
        if name in server.entry:
            bearer(server, server.entry[name], (*server.key, name))
    server.tell("auth_type", "approximate", "auth: token; only bearer tokens are sent")


def _oauth(server: Entry) -> None:
    server.server["auth"] = {"oauth": _settings(server)}
    server.tell("auth_type", "exact", "auth.oauth: each person signs in, or the gateway does")


def _exchange(server: Entry) -> None:
    settings = _settings(server)
    if "client_id" in settings:
        settings["grant"] = "token_exchange"
        if audience := server.text("audience"):
            settings["audience"] = audience
            server.tell("audience", "exact", "auth.oauth.audience")
    server.server["auth"] = {"oauth": settings}
    words = "auth.oauth.grant: the person's signed identity is exchanged; set 'open_webui.identity_secret'"
    server.tell("auth_type", "manual", words)


def _settings(server: Entry) -> dict[str, Any]:
    """Return our settings of OAuth."""
    found: dict[str, Any] = {}
    for name in ("client_id", "client_secret"):
        if (name == "client_id" or found) and (text := server.text(name, secret=name == "client_secret")):
            found[name] = text
            server.tell(name, server.kind(name), f"auth.oauth.{name}")
    scopes = server.entry.get("scopes")
    if isinstance(scopes, list) and scopes and all(isinstance(each, str) and _SCOPE.fullmatch(each) for each in scopes):
        found["scopes"] = list(scopes)
        server.tell("scopes", "exact", "auth.oauth.scopes")
    if _is_machine(server, found):
        found["grant"] = "client_credentials"
    server.tell("oauth2_flow", "exact" if "client_secret" in found else "approximate", "auth.oauth.grant")
    return found


def _is_machine(server: Entry, settings: Mapping[str, Any]) -> bool:
    """Return whether the gateway has a token of its own: where the entry says so, or names no page for people."""
    if "client_secret" not in settings:
        return False
    flow = server.entry.get("oauth2_flow")
    silent = flow is None and "token_url" in server.entry and "authorization_url" not in server.entry
    return flow == "client_credentials" or silent


def _value_of(server: Entry) -> str:
    return next((each for each in _VALUES if each in server.entry), _VALUES[0])


_AUTH: Mapping[str, Callable[[Entry], None]] = {
    "none": _none,
    "bearer_token": _token,
    "token": _token,
    "api_key": _api_key,
    "authorization": _authorization,
    "oauth2": _oauth,
    "oauth2_token_exchange": _exchange,
}
"""By LiteLLM's `auth_type`; `basic` and `aws_sigv4` have no counterpart."""
