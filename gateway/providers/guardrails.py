"""A guardrail of Bedrock that the configuration puts before a deployment, whatever the client asks for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment

_HEADER = "x-amzn-bedrock-"


def guarded(deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a request with the deployment's guardrail: Converse has a member for it, others headers."""
    guardrail = deployment.guardrail
    if guardrail is None:
        return fields
    if path == "/converse":
        named = {"guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version}
        return {**fields, "guardrailConfig": named | ({"trace": "enabled"} if guardrail.trace else {})}
    headers[f"{_HEADER}guardrailidentifier"] = guardrail.id
    headers[f"{_HEADER}guardrailversion"] = guardrail.version
    if guardrail.trace:
        headers[f"{_HEADER}trace"] = "ENABLED"
    return fields
