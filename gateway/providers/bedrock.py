"""Amazon Bedrock: where its models are, and how Claude is invoked there.

Source: docs.aws.amazon.com/bedrock/latest: API_Operations_Amazon_Bedrock_Runtime, model-parameters-anthropic-claude.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from gateway import wire
from gateway.dialects.converse import COUNT_PATH
from gateway.profiles.names import parse_name
from gateway.providers.amazon import bearer_of, region_of
from gateway.providers.guardrails import guarded
from gateway.providers.mantle import NAME, is_mantle, openai_base

if TYPE_CHECKING:
    from gateway.providers.contract import Deployment, Provider

ANTHROPIC_VERSION = "bedrock-2023-05-31"
BETAS = frozenset(
    (
        "compact-2026-01-12",
        "computer-use-2024-10-22",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "dev-full-thinking-2025-05-14",
        "effort-2025-11-24",
        "fine-grained-tool-streaming-2025-05-14",
        "interleaved-thinking-2025-05-14",
        "output-128k-2025-02-19",
        "token-efficient-tools-2025-02-19",
        "tool-examples-2025-10-29",
        "tool-search-tool-2025-10-19",
    )
)
"""Betas that Bedrock knows. It refuses a request that names any other; `betas:` of a deployment says what is newer."""
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-isob-": "sc2s.sgov.gov",
    "us-iso-": "c2s.ic.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
"""Domains of the partitions by the beginning of their regions; all others are below amazonaws.com."""
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-isob-": "aws-iso-b",
    "us-iso-": "aws-iso",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
}
"""Names of the partitions, as ARNs begin with; of all others `aws`."""
_OPERATIONS = {
    "/converse": ("converse", "converse-stream"),
    "/messages": ("invoke", "invoke-with-response-stream"),
    COUNT_PATH: ("count-tokens", "count-tokens"),
    **dict.fromkeys(("/titan-embed", "/nova-embed", "/embed", "/stability", "/invoke-rerank"), ("invoke", "invoke")),
}
"""By the endpoint's path: the operations that answer whole and in a stream."""
_RERANK, _INVOKED = "/rerank", "/invoke-rerank"
"""An operation of the agents' runtime, whose address names no model; and a model that is invoked."""
_GUARDED = ("/converse", "/messages", "/chat/completions", "/responses")
"""Before which a guardrail may stand."""
_COHERE_VERSION = 2
"""Of Cohere's API, which its models that rank want to be told."""
_OWN_WIRES = {
    "claude": ("messages",),
    "stability": ("stability",),
    "gpt": ("responses", "chat"),
    "grok": ("chat",),
}
"""By the family of a model."""
_VECTORS = frozenset(("embed", "embeddings"))
"""Words in the names of models that make vectors."""


def url(provider: "Provider", deployment: "Deployment", path: str, stream: bool) -> str:
    """Return the URL of an endpoint's path: an operation on the model, or below OpenAI's own paths there."""
    host = "bedrock-agent-runtime" if path == _RERANK else "bedrock-runtime"
    parts = urlsplit(deployment.base_url or _endpoint(host, region_of(deployment) or ""))
    base = parts.path.rstrip("/")
    if path == _RERANK:
        return urlunsplit(parts._replace(path=base + path))
    if operations := _OPERATIONS.get(path):
        return urlunsplit(parts._replace(path=f"{base}/model/{quote(deployment.model, safe='')}/{operations[stream]}"))
    return urlunsplit(parts._replace(path=openai_base(deployment, base) + path))


def dialects(deployment: "Deployment") -> tuple[str, ...]:
    """Return what a model speaks: Claude, models of vectors and of images their own wire. An ARN tells nothing.

    The agents' runtime, which ranks documents, takes no keys: models of it are invoked with them.
    """
    name = parse_name(deployment.known_model)
    words = name.words
    if words & _VECTORS:
        return tuple(f"{vendor}-embeddings" for vendor in ("titan", "nova", "cohere") if vendor in words)
    if "rerank" in words:
        return ("invoke-rerank",) if bearer_of(deployment) else ("bedrock-rerank",)
    if deployment.guardrail:  # Converse tells whether it intervened, and in streams before their end
        return ("converse",)
    return _OWN_WIRES.get(name.family or "", ("converse",))


def _endpoint(host: str, region: str) -> str:
    suffix = next((each for begin, each in _SUFFIXES.items() if region.startswith(begin)), "amazonaws.com")
    return f"https://{host}.{region}.{suffix}"


def _arn(deployment: "Deployment") -> str:
    """Return the ARN of a model of Bedrock's own, in the partition of its region."""
    if deployment.model.startswith("arn:"):
        return deployment.model
    region = region_of(deployment) or ""
    partition = next((name for begin, name in _PARTITIONS.items() if region.startswith(begin)), "aws")
    return f"arn:{partition}:bedrock:{region}::foundation-model/{deployment.model}"


def shape(deployment: "Deployment", path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the members that invoke Claude: model and stream are in the address, versions and betas in the body.

    Cohere's embed has its model in the address, too, and answers with floats where nothing else is asked for. The
    agents' runtime wants an ARN, Cohere's models that rank the version of its API. A guardrail is put before all.
    """
    fields = guarded(deployment, path, headers, fields) if path in _GUARDED else fields
    if path == _RERANK:
        return _with_arn(deployment, fields)
    if path == _INVOKED and "cohere" in parse_name(deployment.known_model).words:
        return {**fields, "api_version": _COHERE_VERSION}
    if path == "/embed":
        return {name: value for name, value in fields.items() if name not in ("model", "embedding_types")}
    if path != "/messages":
        return fields
    headers.pop("anthropic-version", None)
    asked = [each for each in headers.pop("anthropic-beta", "").split(",") if each]
    own = wire.data(fields.get("anthropic_beta"))
    known = [each for each in own if isinstance(each, str) and each in BETAS] if isinstance(own, list) else []
    shaped = {name: value for name, value in fields.items() if name not in ("model", "stream", "anthropic_beta")}
    shaped["anthropic_version"] = ANTHROPIC_VERSION
    if betas := list(dict.fromkeys([*known, *asked])):
        shaped["anthropic_beta"] = betas
    return shaped


def _with_arn(deployment: "Deployment", fields: dict[str, Any]) -> dict[str, Any]:
    """Return a request for an order that names its model by an ARN."""
    configuration = fields["rerankingConfiguration"]
    ranking = configuration["bedrockRerankingConfiguration"]
    ranking = {**ranking, "modelConfiguration": {"modelArn": _arn(deployment)}}
    return {**fields, "rerankingConfiguration": {**configuration, "bedrockRerankingConfiguration": ranking}}


def problems(deployment: "Deployment") -> Iterator[tuple[str, str]]:
    """Yield the keys of a deployment that are wrong, with the problem."""
    region = region_of(deployment)
    if region is None and not (deployment.base_url and deployment.api_key):
        yield "region", "missing; name the region, such as ap-northeast-1"
    elif region and not region.replace("-", "").isalnum():
        yield "region", f"'{region[:80]}' is not the name of a region, such as ap-northeast-1"
    if deployment.provider != NAME and is_mantle(deployment) and _OWN_WIRES["claude"] == dialects(deployment):
        yield "base_url", f"is that of another endpoint; Claude is asked there by 'provider: {NAME}'"
    for key in ("profile", "role_arn"):
        if getattr(deployment, key) and deployment.api_key:
            yield key, "stands beside 'api_key', which needs no signature; remove one of them"
