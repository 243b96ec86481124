"""Who signs the requests to a provider: by a key, or by credentials that are fetched and end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import CredentialsMissing
from gateway.upstream.outbound import Outbound
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

API_KEY = "its api_key"


class Authorizer:
    """Signs a request, whose body is encoded, by changing its headers. Runs last."""

    async def __call__(self, request: UpstreamRequest, deployment: "Deployment", outbound: Outbound) -> None:
        """Put the headers. Raises `UpstreamError`."""
        raise NotImplementedError

    def name(self, deployment: "Deployment") -> str:
        """Return where what signs a deployment's requests is from, for the administrator: no secret."""
        return API_KEY

    def problem(self, deployment: "Deployment", outbound: Outbound) -> str | None:
        """Return what is wrong with what signs a deployment's requests; None where nothing is. Blocks."""
        return None

    def distrust(self, deployment: "Deployment", outbound: Outbound) -> None:
        """Fetch other credentials for the next request, as the provider did not take these. Never waits."""

    def secrets(self, deployment: "Deployment", outbound: Outbound) -> tuple[str, ...]:
        """Return what was fetched to sign a deployment's requests, and nobody else may see."""
        return ()


@dataclass(frozen=True, slots=True)
class ApiKey(Authorizer):
    """Authorizes by the deployment's `api_key` in a header."""

    header: str = "authorization"
    prefix: str = "Bearer "
    variable: str | None = None
    """Where the vendor's own programs look for the key. At the vendor's address there must be one; None = without a key
    the request stays as it is."""

    async def __call__(self, request: UpstreamRequest, deployment: "Deployment", outbound: Outbound) -> None:
        if deployment.api_key:
            request.headers[self.header] = self.prefix + deployment.api_key.reveal()
        elif self.problem(deployment, outbound):
            raise missing()

    def problem(self, deployment: "Deployment", outbound: Outbound) -> str | None:
        if deployment.api_key or deployment.base_url or not self.variable:
            return None
        return f"api_key is missing; set it, such as ${{{self.variable}}}"


def missing() -> CredentialsMissing:
    """Return the error of a request that cannot be authorized."""
    return CredentialsMissing(
        "The gateway has no valid credentials for the model's server. The administrator sees in the log which are "
        "missing or expired."
    )
