"""Sign in with a browser of this machine: it is sent to the gateway, and comes back to a port here (RFC 8252)."""

import base64
import hashlib
import hmac
import os
import secrets
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from install.client.signing_in.grants import CLIENT_ID, Granted, GrantError, Server, ask_for_key
from install.wording import say, spoken

_WAIT_SECONDS = 600.0
_SILENT_SECONDS = 5.0
"""For which whoever connects may send nothing."""
_PATH = "/signed-in"
_LONGEST = 4096

Tell = Callable[[str], None]
Open = Callable[[str], bool]


def sign_in(http: httpx2.Client, server: Server, tell: Tell, opening: Open) -> Granted | None:
    """Wait for the browser, and return the key; None where no browser opens. Raises `GatewayError`."""
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
    with _Listener(state, server.issuer) as listener:
        address = _address(server, listener.redirect_uri, verifier, state)
        tell(say("A browser opens for signing in. If none does, open this address on this machine: {url}", url=address))
        listener.open(address, opening)
        code = listener.wait()
        if code is None:
            return None
        return ask_for_key(
            http,
            grant_type="authorization_code",
            code=code,
            redirect_uri=listener.redirect_uri,
            client_id=CLIENT_ID,
            code_verifier=verifier,
        )


def open_browser(address: str) -> bool:
    """Open a browser; return whether one opened."""
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False


def has_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Return whether a window that opens here is seen by whoever runs the command."""
    if environment.get("BROWSER"):
        return True
    if environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"):
        return False
    return platform in ("darwin", "win32") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _address(server: Server, redirect_uri: str, verifier: str, state: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "state": state,
    }
    return f"{server.page}?{urlencode(query)}"


class _Listener(HTTPServer):
    """Listens on loopback for the one request that brings the code; whatever else comes is turned away."""

    timeout = 0.2

    def __init__(self, state: str, issuer: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._state, self._issuer = state, issuer
        self.told: Mapping[str, str] | None = None
        self._failed = threading.Event()
        self.language = spoken()

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{_PATH}"

    def open(self, address: str, opening: Open) -> None:
        """Open the browser beside us: some commands end only when their window is closed."""

        def opened() -> None:
            if not opening(address):
                self._failed.set()

        threading.Thread(target=opened, daemon=True).start()

    def wait(self) -> str | None:
        """Return the code; None where no browser opened. Raises `GrantError` for a no, and where nobody comes."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while self.told is None and time.monotonic() < deadline:
            if self._failed.is_set():
                return None
            self.handle_request()
        told = self.told or {"error": "expired_token"}
        if code := told.get("code"):
            return code
        again, error = say("Run the command again."), told["error"]
        sentences = {
            "expired_token": say("Nobody said yes in time."),
            "access_denied": say("Somebody answered no in the browser."),
        }
        if error in sentences:
            raise GrantError(error, sentences[error], again)
        why = "".join(each for each in told.get("error_description", error)[:600] if each.isprintable())
        raise GrantError(error, say("The gateway gives no key: {why}", why=why), again)

    def accepts(self, told: Mapping[str, str]) -> bool:
        """Return whether a request is the gateway's answer to this sign-in, and to no other."""
        same = hmac.compare_digest(told.get("state", "").encode(), self._state.encode())
        return same and told.get("iss") == self._issuer and ("code" in told or "error" in told)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Go on: who breaks a connection off is not the browser that is waited for."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    timeout = _SILENT_SECONDS

    def do_GET(self) -> None:
        parts = urlsplit(self.path[:_LONGEST])
        told = dict(parse_qsl(parts.query))
        if parts.path != _PATH or not self.server.accepts(told):
            self.send_error(404)
            return
        self.server.told = told
        self._show("code" in told)

    def _show(self, done: bool) -> None:
        words = say("You are signed in. This page can be closed.") if done else say("You are not signed in.")
        page = (
            f'<!doctype html><html lang="{self.server.language}"><meta charset="utf-8"><title>Sekisho</title><p>{words}'
        )
        content = page.encode()
        self.send_response(200)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(content))),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the address holds the code."""
