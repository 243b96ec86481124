"""Amazon's credentials and signatures, with botocore, which is imported only where a deployment needs it.

Finding credentials reads files and asks servers, so it is done beside the event loop, once at a time for an identity.
"""

import asyncio
import logging
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ConfigError
from gateway.providers.authorizing import API_KEY, Authorizer, missing
from gateway.providers.aws_sessions import reached_by
from gateway.upstream.outbound import DIRECT, Outbound
from gateway.upstream.request import UpstreamRequest

log = logging.getLogger("sekisho.providers")

BEARER_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"
"""The variable in which Amazon's own tools find a key of Bedrock."""
_SESSION_NAME = "sekisho"
_MANTLE = "bedrock-mantle"
"""A service with signatures of its own, at hosts that begin with its name."""
_LEAST_SECONDS = 60
"""Credentials that end sooner are not used any more."""
_AGAIN_SECONDS = 60.0
"""Time between two attempts to renew credentials that still hold."""
_STATIC_SECONDS = 300.0
"""After so long, credentials without an end are looked up again: a file of them may have been written anew."""
_FAILED_SECONDS = 5.0
"""So long a failure is told without another attempt."""
_LARGE_BYTES = 1024 * 1024
"""A body from this size on is hashed beside the event loop."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: names of a profile and a role, None = the environment's, the container's or the machine's own."""

    region: str
    profile: str | None = None
    role_arn: str | None = None
    outbound: Outbound = DIRECT
    """How Amazon's servers of credentials are reached."""

    def __str__(self) -> str:
        names = [f"profile '{self.profile}'"] * bool(self.profile) + [f"role_arn '{self.role_arn}'"] * bool(
            self.role_arn
        )
        return ", ".join(names) or "AWS_ACCESS_KEY_ID or another source of credentials"


class Keeper:
    """Keeps the credentials of one identity. Those that are about to end are renewed while they are still used."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="aws-credentials")
        self._pending: Future[None] | None = None
        self._source: Any = None
        self._frozen: Any = None
        self._tried = float("-inf")
        self._failure: ConfigError | None = None

    async def current(self) -> Any:
        """Return credentials that hold. Raises `CredentialsMissing`, whose cause names profile or variable."""
        if not self._holds():
            if self._failure is None or time.monotonic() - self._tried > _FAILED_SECONDS:
                await asyncio.shield(asyncio.wrap_future(self._begun()))
            if not self._holds():
                raise missing() from self._failure
        elif self._is_old():
            self._begun()
        return self._frozen

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the key and the token of the session, which no log and no client may see."""
        found = self._frozen
        return tuple(each for each in (found.secret_key, found.token) if each) if found else ()

    def problem(self) -> str | None:
        """Look for credentials, unless that was just done, and return what is wrong with them. Blocks."""
        if self._is_old() or (not self._holds() and time.monotonic() - self._tried > _FAILED_SECONDS):
            self._begun().result()
        return None if self._holds() else str(self._failure)

    def distrust(self) -> None:
        """Look for others at the next request: the cloud says that these have expired."""
        if time.monotonic() - self._tried > _FAILED_SECONDS:
            self._source = self._frozen = self._failure = None

    def _holds(self) -> bool:
        return self._frozen is not None and not self._ends_within(_LEAST_SECONDS)

    def _is_old(self) -> bool:
        passed = time.monotonic() - self._tried
        return passed > _STATIC_SECONDS or (passed > _AGAIN_SECONDS and self._ends_within(None))

    def _ends_within(self, seconds: int | None) -> bool:
        """Return whether credentials end within `seconds`; None = botocore's quarter of an hour."""
        needed = getattr(self._source, "refresh_needed", None)
        return bool(needed and needed(seconds))

    def _begun(self) -> Future[None]:
        """Return the renewal that is under way; a new one where none is."""
        if self._pending is None or self._pending.done():
            self._pending = self._threads.submit(self._renew)
        return self._pending

    def _renew(self) -> None:
        try:
            source = self._source if hasattr(self._source, "refresh_needed") else _source_of(self._identity)
            self._frozen = source.get_frozen_credentials()
            self._source, self._failure = source, None
        except Exception as error:  # botocore's have no common root, and files and servers have their own
            self._failure = _problem(self._identity, error)
            log.warning("aws: %s", self._failure)
        finally:
            self._tried = time.monotonic()


@lru_cache(256)
def keeper_of(identity: Identity) -> Keeper:
    return Keeper(identity)


def _source_of(identity: Identity) -> Any:
    """Return botocore's credentials of an identity. Raises its errors, and `LookupError` where there are none."""
    import botocore.auth
    import botocore.awsrequest  # for `_sign`, which runs in the event loop
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    logging.getLogger("botocore").setLevel(logging.CRITICAL)  # it would log answers that may hold a secret
    session = botocore.session.Session(profile=identity.profile)
    reached_by(session, identity.outbound, identity.region)
    found = session.get_credentials()
    if found is None:
        raise LookupError("none were found")
    if identity.role_arn is None:
        return found

    def client(service: str, **settings: Any) -> Any:
        return session.create_client(service, region_name=identity.region, **settings)

    fetcher = AssumeRoleCredentialFetcher(
        client, found, identity.role_arn, extra_args={"RoleSessionName": _SESSION_NAME}
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def _problem(identity: Identity, error: Exception) -> ConfigError:
    """Return what is wrong, without the words of others, which may quote a secret."""
    if isinstance(error, ModuleNotFoundError):
        return ConfigError("botocore is not installed; install sekisho[aws]")
    if isinstance(error, LookupError) and not isinstance(error, KeyError):
        return ConfigError(
            f"{identity}: no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, 'profile' or "
            f"'api_key', or give the machine a role"
        )
    said = getattr(error, "response", None)
    code = said.get("Error", {}).get("Code", "") if isinstance(said, dict) else ""
    why = f"{type(error).__name__}{f' ({code})' if code else ''}"
    return ConfigError(f"{identity}: the credentials cannot be used: {why}; sign in again, or correct the names")


def bearer_of(deployment: Any) -> str | None:
    """Return the key of a deployment: its own, or the environment's where it names nobody who signs."""
    if deployment.api_key:
        return str(deployment.api_key.reveal())
    return None if deployment.profile or deployment.role_arn else os.environ.get(BEARER_VARIABLE) or None


def identity_of(deployment: Any, outbound: Outbound) -> Identity:
    return Identity(region_of(deployment) or "", deployment.profile, deployment.role_arn, outbound)


def region_of(deployment: Any) -> str | None:
    """Return the region of a deployment: its own, or that of the ARN which it names."""
    if deployment.region:
        return str(deployment.region)
    parts = deployment.model.split(":")
    return (parts[3] or None) if parts[0] == "arn" and len(parts) > 5 else None


@dataclass(frozen=True, slots=True)
class SignatureV4(Authorizer):
    """Authorizes by a signature over the encoded body, or by a key where there is one."""

    service: str

    async def __call__(self, request: UpstreamRequest, deployment: Any, outbound: Outbound) -> None:
        """Put the headers. Raises `CredentialsMissing`."""
        if key := bearer_of(deployment):
            request.headers["authorization"] = f"Bearer {key}"
            return
        identity = identity_of(deployment, outbound)
        credentials = await keeper_of(identity).current()
        if isinstance(request.body, bytes) and len(request.body) < _LARGE_BYTES:
            self.sign(request, credentials, identity.region)
        else:
            await asyncio.to_thread(self.sign, request, credentials, identity.region)

    def sign(self, request: UpstreamRequest, credentials: Any, region: str) -> None:
        """Put the headers of a signature over what is sent. No header that a proxy changes is signed."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        assert isinstance(request.body, bytes), "bodies of models are not streamed"
        where = urlsplit(request.url)
        signed = {"host": where.netloc}
        if media_type := request.headers.get("content-type"):
            signed["content-type"] = media_type
        service = _MANTLE if (where.hostname or "").startswith(f"{_MANTLE}.") else self.service
        made = AWSRequest(request.method, request.url, headers=signed, data=request.body)
        SigV4Auth(credentials, service, region).add_auth(made)
        request.headers |= {name.lower(): value for name, value in made.headers.items() if name.lower() not in signed}

    def name(self, deployment: Any) -> str:
        if deployment.api_key:
            return API_KEY
        return BEARER_VARIABLE if bearer_of(deployment) else str(identity_of(deployment, DIRECT))

    def problem(self, deployment: Any, outbound: Outbound) -> str | None:
        """Return why nothing can be signed for a deployment, or None. Blocks: reads files, asks servers."""
        return None if bearer_of(deployment) else keeper_of(identity_of(deployment, outbound)).problem()

    def distrust(self, deployment: Any, outbound: Outbound) -> None:
        if not bearer_of(deployment):
            keeper_of(identity_of(deployment, outbound)).distrust()

    def secrets(self, deployment: Any, outbound: Outbound) -> tuple[str, ...]:
        """Return the secrets that sign a deployment's requests now."""
        if key := bearer_of(deployment):
            return (key,)
        return keeper_of(identity_of(deployment, outbound)).secrets
