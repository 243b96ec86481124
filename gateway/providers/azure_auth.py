"""Tokens of Microsoft Entra ID for Azure, by azure-identity's chain, which is imported only where one is configured.

The chain takes a client's secret or certificate, workload identity, managed identity, or who is signed in here.
"""

import logging
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.providers.authorizing import API_KEY, ApiKey, Authorizer, missing
from gateway.providers.azure import is_azures, is_dated
from gateway.providers.tokens import TokenSource
from gateway.upstream.outbound import DIRECT, Outbound
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

SCOPE = "https://ai.azure.com/.default"
"""Of Foundry, Claude and `/openai/v1`."""
DATED_SCOPE = "https://cognitiveservices.azure.com/.default"
"""Of the dated paths."""
_VARIABLES = ("AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_ID")
"""By which the chain is told who to be, the most telling first."""
_CODE = re.compile(r"AADSTS[0-9]{3,9}")
"""A reason of Entra ID; the words behind it may quote what was sent."""


class EntraSource(TokenSource):
    """A token for a scope, for whom the environment names."""

    def __init__(self, scope: str, outbound: Outbound) -> None:
        super().__init__()
        self._scope = scope
        self._outbound = outbound

    @property
    def name(self) -> str:
        told = next((each for each in _VARIABLES if each in os.environ), None)
        return f"Entra ID ({told or 'the machine, as the environment has no ' + ', '.join(_VARIABLES)})"

    def fetch(self) -> tuple[str, float]:
        """Return a new token and when it ends. Raises what azure-identity raises."""
        from azure.core.pipeline.transport import RequestsTransport
        from azure.identity import DefaultAzureCredential

        from gateway.providers.sessions import asking

        logging.getLogger("azure").setLevel(logging.CRITICAL)  # it logs answers of sign-ins
        with asking(self._outbound) as session:
            transport = RequestsTransport(session=session, session_owner=False)
            found = DefaultAzureCredential(transport=transport, retry_total=1).get_token(self._scope)
        return found.token, float(found.expires_on)

    def explain(self, error: Exception) -> str:
        if isinstance(error, ImportError):
            return "azure-identity is not installed; pip install 'sekisho[azure]'"
        codes = dict.fromkeys(_CODE.findall(str(error)))
        why = " ".join([type(error).__name__, *codes][:4])
        return (
            f"no token for {self._scope} can be had: {why}; set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
            "AZURE_CLIENT_SECRET, or give the machine an identity"
        )


_source = lru_cache(64)(EntraSource)


def scope_of(deployment: "Deployment") -> str:
    """Return the scope of a deployment's tokens: what it says, else that of how it is asked."""
    if isinstance(deployment.entra, str):
        return deployment.entra
    return DATED_SCOPE if is_dated(deployment.api_version) else SCOPE


class KeyOrEntra(Authorizer):
    """Authorizes by a token of Entra ID where the deployment says so, else by its key."""

    def __init__(self, *keys: ApiKey) -> None:
        self._keys = keys

    async def __call__(self, request: UpstreamRequest, deployment: "Deployment", outbound: Outbound) -> None:
        if deployment.entra:
            request.headers["authorization"] = f"Bearer {await _source(scope_of(deployment), outbound).token()}"
            return
        if self.problem(deployment, outbound):
            raise missing()
        for key in self._keys:
            await key(request, deployment, outbound)

    def name(self, deployment: "Deployment") -> str:
        return _source(scope_of(deployment), DIRECT).name if deployment.entra else API_KEY

    def problem(self, deployment: "Deployment", outbound: Outbound) -> str | None:
        if deployment.entra:
            return _source(scope_of(deployment), outbound).problem()
        if deployment.api_key or not is_azures(deployment):
            return None
        return "api_key is missing; set it, such as ${AZURE_API_KEY}, or 'entra: true'"

    def distrust(self, deployment: "Deployment", outbound: Outbound) -> None:
        if deployment.entra:
            _source(scope_of(deployment), outbound).distrust()

    def secrets(self, deployment: "Deployment", outbound: Outbound) -> tuple[str, ...]:
        return _source(scope_of(deployment), outbound).secrets if deployment.entra else ()
