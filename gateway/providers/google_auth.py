"""Access tokens for Google Cloud: a fixed one, or google-auth's from a file or the machine itself.

google-auth's `refresh` blocks and must not run twice at once: it runs in a thread, one for each source of credentials.
"""

import asyncio
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.errors import CredentialsMissing
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

log = logging.getLogger("sekisho.providers")

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
EARLY_SECONDS = 300.0
"""So long before its end a token is renewed."""
_SHORTEST_SECONDS = 30.0
"""A token that ends sooner is not used any more where it cannot be renewed."""
_PAUSE_SECONDS = 10.0
"""Between two attempts to renew a token that still works."""


class TokenSource:
    """Credentials and their token of the moment."""

    def __init__(self, file: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock
        self._credentials: Any = None
        self._token = ""
        self._ends = self._renew_at = 0.0
        self._lock = threading.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def token(self) -> str:
        """Return a token that is good for a while. Raises `CredentialsMissing`."""
        if self._clock() < self._renew_at:
            return self._token
        renewing = self._renewing
        if renewing is None or renewing.done() or renewing.get_loop() is not asyncio.get_running_loop():
            renewing = self._renewing = asyncio.ensure_future(asyncio.to_thread(self.renew))
        await asyncio.shield(renewing)
        return self._token

    def renew(self) -> None:
        """Get a new token; blocks. Where that fails the old one is used while it lasts. Raises `CredentialsMissing`."""
        with self._lock:
            if self._clock() < self._renew_at:
                return
            try:
                self._refresh()
            except Exception as error:  # google-auth raises those of its transports and files, too
                self._credentials = None  # a file may have been replaced
                log.error("credentials of Google Cloud (%s): %s", self.name, _said(error))
                if self._clock() > self._ends - _SHORTEST_SECONDS:
                    raise _missing() from None
                self._renew_at = self._clock() + _PAUSE_SECONDS

    @property
    def name(self) -> str:
        """Return where the credentials are from, for the administrator: a file, or what names one."""
        if self._file:
            return f"credentials_file {self._file}"
        return f"{VARIABLE} {os.environ[VARIABLE]}" if VARIABLE in os.environ else f"neither {VARIABLE} nor a file"

    def _refresh(self) -> None:
        from google.auth.transport.requests import Request  # only where Vertex AI is configured

        if self._credentials is None:
            self._credentials = load(self._file)
        self._credentials.refresh(Request())
        self._token = str(self._credentials.token)
        expiry = self._credentials.expiry
        self._ends = expiry.timestamp() if expiry and expiry.tzinfo else _utc(expiry)
        self._renew_at = max(self._ends - EARLY_SECONDS, self._clock() + _PAUSE_SECONDS)


def load(file: Path | None) -> Any:
    """Return google-auth's credentials of a file, or of the environment and the machine; blocks.

    Raises what google-auth raises.
    """
    import google.auth

    if file is None:
        found, _ = google.auth.default(scopes=[SCOPE])
    else:
        with warnings.catch_warnings():
            # It warns of files that a stranger may have written; this one is the administrator's.
            warnings.simplefilter("ignore", DeprecationWarning)
            found, _ = google.auth.load_credentials_from_file(str(file), scopes=[SCOPE])  # type: ignore[no-untyped-call]
    return found


def token_problem(deployment: "Deployment") -> str | None:
    """Return what is wrong with the credentials of a deployment; None where nothing is. Blocks."""
    if deployment.access_token or deployment.api_key:
        return None
    return credentials_problem(deployment.credentials_file) or None


def credentials_problem(file: Path | None) -> str:
    """Return what is wrong with the credentials of a file or of this machine, empty where they are found; blocks."""
    try:
        load(file)
    except ImportError:
        return "needs google-auth: pip install 'sekisho[google]'"
    except Exception as error:
        source = TokenSource(file).name
        return f"no credentials of Google Cloud ({source}): {_said(error)}"
    return ""


def _utc(expiry: Any) -> float:
    """Return the moment of a time without a zone, as google-auth writes it; without one an hour from now."""
    from datetime import UTC

    return float(expiry.replace(tzinfo=UTC).timestamp()) if expiry else time.time() + 3600


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


def _missing() -> CredentialsMissing:
    return CredentialsMissing(
        "The gateway has no valid credentials for the model's server. The administrator sees in the log which."
    )


class GoogleToken:
    """Authorizes by an access token; with a deployment's `api_key` by that."""

    def __init__(self) -> None:
        self._sources: dict[Path | None, TokenSource] = {}
        """As many as files are configured."""

    async def __call__(self, request: UpstreamRequest, deployment: "Deployment") -> None:
        if deployment.api_key:
            request.headers["x-goog-api-key"] = deployment.api_key.reveal()
            return
        if deployment.access_token:
            token = deployment.access_token.reveal()
        else:
            file = deployment.credentials_file
            source = self._sources.get(file) or self._sources.setdefault(file, TokenSource(file))
            token = await source.token()
        request.headers["authorization"] = f"Bearer {token}"
