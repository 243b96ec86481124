"""From an address and credentials to a client that is known to be allowed: one sign-in a command."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.secret import Secret
from install.errors import OpenWebUIError, Refused, SignInRefused
from install.open_webui.admin import OpenWebUI
from install.open_webui.http import Http, functions_disabled, not_open_webui
from install.open_webui.tokens import TokenCache
from install.wording import say

MINIMUM = "0.11.2"
"""The first with the `request` hook that the pack's filters use."""

TESTED = "0.12"


@dataclass(frozen=True, slots=True)
class Token:
    """An API key (`sk-…`) or a session token."""

    value: Secret


@dataclass(frozen=True, slots=True)
class Password:
    email: str
    value: Secret | Callable[[], Secret]
    """Or who to ask for it, once it is needed."""

    def reveal(self) -> str:
        return (self.value if isinstance(self.value, Secret) else self.value()).reveal()


Credentials = Token | Password


@contextmanager
def connect(url: str, credentials: Credentials, tokens: TokenCache | None = None) -> Iterator[OpenWebUI]:
    """Sign in and make sure that the pack can be installed.

    With `tokens` a former sign-in is used while it lasts, except beside a password: that one is really tried.

    Raises an `OpenWebUIError` that names what is missing: server, version, functions, account or role.
    """
    with Http(url) as http:
        version = _version(http)
        _sign_in(http, credentials, tokens)
        _require_functions(http)
        yield OpenWebUI(http, version)


def _sign_in(http: Http, credentials: Credentials, tokens: TokenCache | None) -> None:
    asks = isinstance(credentials, Password) and not isinstance(credentials.value, Secret)
    if isinstance(credentials, Password) and asks and tokens and (kept := tokens.get(credentials.email)):
        http.authorized(kept)
        try:
            return _require_administrator(http, credentials)
        except SignInRefused:
            tokens.forget(credentials.email)
            http.authorized(None)
    token = _token(http, credentials)
    http.authorized(token)
    _require_administrator(http, credentials)
    if isinstance(credentials, Password) and tokens:
        tokens.put(credentials.email, token)


def at_least(version: str, minimum: str) -> bool:
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _version(http: Http) -> str:
    try:
        answer = http.get("/api/version")
    except Refused as error:
        raise not_open_webui(http.url, say("/api/version answers {status}", status=error.status)) from error
    version = answer.get("version") if isinstance(answer, dict) else None
    if not isinstance(version, str):
        raise not_open_webui(http.url, say("/api/version names no version"))
    if not _numbers(version):
        raise not_open_webui(http.url, say("its version is {version!r}", version=version[:40]))
    if not at_least(version, MINIMUM):
        raise OpenWebUIError(
            say("Open WebUI {version} is too old.", version=version),
            say("Update it to {minimum} or newer.", minimum=MINIMUM),
        )
    return version


def _token(http: Http, credentials: Credentials) -> Secret:
    if isinstance(credentials, Token):
        return credentials.value
    email = credentials.email
    try:
        answer = http.post("/api/v1/auths/signin", {"email": email, "password": credentials.reveal()})
    except Refused as error:
        if error.status == 429:
            raise SignInRefused(
                say("Open WebUI refuses further sign-ins for {email} for the moment.", email=email),
                say("Wait three minutes, or use --token."),
            ) from error
        raise SignInRefused(
            say("Open WebUI does not let {email} in: {detail}", email=email, detail=error.detail),
            say("Check --email and --password."),
        ) from error
    if "token" not in answer:
        raise SignInRefused(
            say("{email} has to sign in with a second factor.", email=email),
            say("Create an API key in Settings > Account (ENABLE_API_KEYS=true) and pass it with --token."),
        )
    return Secret(answer["token"])


def _require_administrator(http: Http, credentials: Credentials) -> None:
    who = credentials.email if isinstance(credentials, Password) else say("The owner of the token")
    try:
        http.get("/openai/config")
    except Refused as error:
        if error.status not in (401, 403):
            raise
        if _is_known(http):
            raise SignInRefused(
                say("{who} is not an administrator of this Open WebUI.", who=who), say("Sign in as an administrator.")
            ) from error
        raise SignInRefused(
            say("Open WebUI does not accept the token: {detail}", detail=error.detail),
            say("Sign in again, or create an API key (ENABLE_API_KEYS=true) and pass it with --token."),
        ) from error


def _is_known(http: Http) -> bool:
    """Return whether the token belongs to any user: this list is open to all of them."""
    try:
        http.get("/api/v1/functions/")
    except Refused:
        return False
    return True


def _require_functions(http: Http) -> None:
    # The flag is shown to sessions only; with an API key a refused upload tells.
    features = http.get("/api/config").get("features", {})
    if features.get("enable_functions") is False:
        raise functions_disabled()
