"""Access tokens for Google Cloud: a fixed one, or google-auth's from a file or the machine itself."""

import os
import time
import warnings
from collections.abc import Callable
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.providers.authorizing import API_KEY, Authorizer
from gateway.providers.tokens import TokenSource
from gateway.upstream.outbound import DIRECT, Outbound
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


class GoogleSource(TokenSource):
    """Credentials of Google Cloud, of a file or, for None, of the environment and the machine."""

    def __init__(self, file: Path | None, outbound: Outbound = DIRECT, clock: Callable[[], float] = time.time) -> None:
        super().__init__(clock)
        self._file = file
        self._outbound = outbound
        self._credentials: Any = None

    @property
    def name(self) -> str:
        if self._file:
            return f"Google Cloud (credentials_file {self._file})"
        given = f"{VARIABLE} {os.environ[VARIABLE]}" if VARIABLE in os.environ else f"neither {VARIABLE} nor a file"
        return f"Google Cloud ({given})"

    def fetch(self) -> tuple[str, float]:
        """Return a new token and when it ends. Raises what google-auth and its transports raise."""
        from google.auth.transport.requests import Request  # only where Vertex AI is configured

        from gateway.providers.sessions import asking

        with asking(self._outbound) as session:
            request = Request(session)
            credentials, self._credentials = self._credentials or _load(self._file, request), None
            credentials.refresh(request)
        self._credentials = credentials  # after a failure a file is read again, as it may have been replaced
        return str(credentials.token), _end_of(credentials.expiry)

    def explain(self, error: Exception) -> str:
        if isinstance(error, ImportError):
            return "google-auth is not installed; pip install 'sekisho[google]'"
        return f"no credentials can be had: {type(error).__name__}: {str(error)[:300]}"


def _load(file: Path | None, request: Any) -> Any:
    import google.auth

    if file is None:
        found, _ = google.auth.default(scopes=[SCOPE], request=request)
        return found
    with warnings.catch_warnings():
        # It warns of files that a stranger may have written; this one is the administrator's.
        warnings.simplefilter("ignore", DeprecationWarning)
        found, _ = google.auth.load_credentials_from_file(str(file), scopes=[SCOPE])  # type: ignore[no-untyped-call]
    return found


def _end_of(expiry: Any) -> float:
    """Return the second of a time without a zone, as google-auth writes it; without one an hour from now."""
    if not expiry:
        return time.time() + 3600
    return float((expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)).timestamp())


_source = lru_cache(256)(GoogleSource)


class GoogleToken(Authorizer):
    """Authorizes by an access token; with a deployment's `api_key` by that."""

    async def __call__(self, request: UpstreamRequest, deployment: "Deployment", outbound: Outbound) -> None:
        if deployment.api_key:
            request.headers["x-goog-api-key"] = deployment.api_key.reveal()
            return
        fixed = deployment.access_token
        token = fixed.reveal() if fixed else await _source(deployment.credentials_file, outbound).token()
        request.headers["authorization"] = f"Bearer {token}"

    def name(self, deployment: "Deployment") -> str:
        if deployment.api_key:
            return API_KEY
        return "its access_token" if deployment.access_token else _source(deployment.credentials_file, DIRECT).name

    def problem(self, deployment: "Deployment", outbound: Outbound) -> str | None:
        if deployment.access_token or deployment.api_key:
            return None
        return _source(deployment.credentials_file, outbound).problem()

    def distrust(self, deployment: "Deployment", outbound: Outbound) -> None:
        if not (deployment.access_token or deployment.api_key):
            _source(deployment.credentials_file, outbound).distrust()

    def secrets(self, deployment: "Deployment", outbound: Outbound) -> tuple[str, ...]:
        return _source(deployment.credentials_file, outbound).secrets
