"""What a provider says of itself, and its keys: fetched at first use, kept for a while."""

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key

from gateway.signin.asking import ask
from gateway.signin.errors import SignInFailed
from gateway.upstream.client import UpstreamClient

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
"""Signatures by a private key that only the provider has."""
_KEPT_SECONDS = 3600.0
_BETWEEN_SECONDS = 10.0
"""Between two fetches of keys because a token names one that is not known."""
_MOST_KEYS = 100


class Metadata(msgspec.Struct, frozen=True):
    """OpenID Connect Discovery 1.0, as far as it is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> list[str]:
        """Return what tokens may be signed with: what the provider names, without shared secrets and `none`."""
        return [each for each in self.id_token_signing_alg_values_supported if each in ALGORITHMS] or ["RS256"]


class Provider:
    """One issuer. `ask` errors are `SignInFailed`."""

    def __init__(self, issuer: str, client: UpstreamClient, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self.client = client
        self._clock = clock
        self._metadata: Metadata | None = None
        self._keys: list[Key] = []
        self._metadata_at = self._keys_at = float("-inf")
        self._lock = asyncio.Lock()
        self._failure: SignInFailed | None = None

    async def metadata(self) -> Metadata:
        """Return the provider's description. An old one is good enough while a new one cannot be had."""
        if self._metadata and self._clock() - self._metadata_at < _KEPT_SECONDS:
            return self._metadata
        before = self._failure
        async with self._lock:
            if (failed := self._failure) and failed is not before:  # while this request waited for its turn
                raise SignInFailed(failed.reason, str(failed))
            if self._metadata is None or self._clock() - self._metadata_at >= _KEPT_SECONDS:
                self._metadata_at = self._clock()
                try:
                    self._metadata = await self._described()
                except SignInFailed as error:
                    if self._metadata is None:
                        self._metadata_at = float("-inf")
                    if self._metadata is None or error.reason != "unreachable":
                        self._failure = error
                        raise
        return self._metadata

    async def keys(self, id_: str | None) -> list[Key]:
        """Return the keys that may have signed a token: the one with its `kid`, or all where it names none."""
        found = self._named(id_)
        old = self._clock() - self._keys_at >= _KEPT_SECONDS
        if old or (not found and self._clock() - self._keys_at >= _BETWEEN_SECONDS):
            await self._fetch_keys(found)
        return self._named(id_)

    async def _fetch_keys(self, known: list[Key]) -> None:
        metadata = await self.metadata()
        async with self._lock:
            try:
                status, content = await ask(self.client, metadata.jwks_uri)
            except SignInFailed:
                if not known:
                    raise
                return
            if status != 200:
                raise SignInFailed("setup", f"{metadata.jwks_uri} answers with status {status}")
            self._keys, self._keys_at = _signing(content.get("keys")), self._clock()

    def _named(self, id_: str | None) -> list[Key]:
        return [key for key in self._keys if id_ is None or key.kid == id_]

    async def _described(self) -> Metadata:
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, content = await ask(self.client, url)
        if status != 200:
            raise SignInFailed("setup", f"{url} answers with status {status}; check 'console.oidc.issuer'")
        try:
            metadata = msgspec.convert(content, Metadata)
        except msgspec.ValidationError as error:
            raise SignInFailed("setup", f"{url} is no description of a provider: {error}") from error
        if metadata.issuer != self.issuer:
            raise SignInFailed(
                "setup",
                f"the provider calls itself {metadata.issuer!r:.200}; 'console.oidc.issuer' must be exactly that",
            )
        for name in (
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        ):
            self._check(name, getattr(metadata, name))
        return metadata

    def _check(self, name: str, url: str | None) -> None:
        """Raise `SignInFailed` for an endpoint that is less protected than its issuer."""
        if url is None:
            return
        try:
            parts = urlsplit(url)
            fits = parts.scheme == "https" or parts[:2] == urlsplit(self.issuer)[:2]
        except ValueError:
            fits = False
        if not fits or not parts.hostname or "@" in parts.netloc or not url.isascii() or not url.isprintable():
            raise SignInFailed("setup", f"{name} of the provider is {url!r:.200}, which is not an https address")


def _signing(keys: Any) -> list[Key]:
    """Return the keys of a set that can be read and are for signatures."""
    found = []
    for each in keys[:_MOST_KEYS] if isinstance(keys, list) else []:
        if isinstance(each, dict) and each.get("use", "sig") == "sig" and each.get("kty") in ("RSA", "EC", "OKP"):
            try:
                found.append(import_key(each))
            except (JoseError, ValueError, TypeError, KeyError, AttributeError):
                continue
    return found
