"""One of our deployments, made from the parameters of an entry of LiteLLM's `model_list`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.config.addresses import secrets_in
from gateway.config.document import Key
from gateway.importing.findings import Findings, Kind
from gateway.importing.values import Values, is_secret, number, whole
from gateway.importing.vendors import VENDORS, Vendor

_SPOKEN_BY_NAME = ("converse", "invoke")
"""What may stand between `bedrock/` and the name of a model."""


@dataclass
class Deployed:
    """A deployment, and what its entry says of the model."""

    cloud: str
    deployment: dict[str, Any]
    model: dict[str, Any] = field(default_factory=dict)


@dataclass
class Making:
    """The deployment of one entry."""

    findings: Findings
    values: Values
    place: Key
    found: tuple[str, str]
    params: Mapping[str, Any]
    own: frozenset[str]
    """Parameters of the entry itself, not of its credential."""

    def deployed(self) -> Deployed | None:
        name, model = self.found
        vendor, dialects = VENDORS[name], None
        made: dict[str, Any] = {"provider": vendor.provider, "model": model}
        if vendor.provider == "bedrock":
            dialects = self._bedrock(made, model)
        elif vendor.provider == "vertex":
            self._vertex(made)
        else:
            addressed = self._addressed(made, vendor, name)
            if addressed is None:
                return None
            vendor = addressed
        self._keyed(made, vendor)
        self._numbers(made)
        if dialects:
            made["dialects"] = dialects
        self._tell("model", "exact", f"provider: {made['provider']}")
        self._tell("custom_llm_provider", "exact", f"provider: {made['provider']}")
        self._tell("litellm_credential_name", "exact", "its values stand on the deployment itself")
        return Deployed(vendor.cloud, made, {"mode": "completion"} if name.startswith("text-completion") else {})

    def _addressed(self, made: dict[str, Any], vendor: Vendor, name: str) -> Vendor | None:
        """Put the address; None where there is none."""
        told = self.params.get("api_base") or self.params.get("base_url")
        which = "api_base" if self.params.get("api_base") else "base_url"
        secret = isinstance(told, str) and ("@" in told or bool(secrets_in(told)))
        address = self.values.text(told, (*self.place, which), secret=secret) or vendor.base_url
        if vendor.provider == "azure":
            vendor, address = self._azure(made, vendor, address)
        elif vendor.provider == "openai" and address and "api.openai.com" not in address:
            vendor = Vendor("openai-compatible", "onprem", address, vendor.key)
        if vendor.provider in ("openai-compatible", "vllm", "azure", "azure-anthropic") and not address:
            self.findings.add("manual", self.place[:-1], "names no address: write 'base_url:'; it is left out")
            return None
        if address and name.startswith("ollama") and not address.rstrip("/").endswith("/v1"):
            address = address.rstrip("/") + "/v1"
        made["provider"] = vendor.provider
        if address:
            made["base_url"] = address.rstrip("/")
            self._tell(which, "exact", "base_url of the deployment")
        return vendor

    def _azure(self, made: dict[str, Any], vendor: Vendor, address: str | None) -> tuple[Vendor, str | None]:
        """Return Azure's vendor and address: its v1 API, or Messages of Claude in Foundry."""
        base = (address or "").split("/openai/deployments")[0] or None
        if "claude" in str(made["model"]):
            return Vendor("azure-anthropic", "azure", None, vendor.key), base
        if version := self._text("api_version", "api_version of the deployment"):
            made["api_version"] = version
        return vendor, base

    def _bedrock(self, made: dict[str, Any], model: str) -> list[str] | None:
        """Put region, profile and role; return the dialect that the name demands."""
        first, _, rest = model.partition("/")
        dialects, region = None, self._text("aws_region_name", "region of the deployment")
        if first in _SPOKEN_BY_NAME and rest:
            dialects, model = (["converse"] if first == "converse" else None), rest
        elif rest and not model.startswith("arn:") and first.count("-") >= 2:
            region, model = first, rest
        made["model"] = model
        made["region"] = region or self.values.variable("AWS_REGION", (*self.place, "aws_region_name"))
        for theirs, ours in (("aws_profile_name", "profile"), ("aws_role_name", "role_arn")):
            if found := self._text(theirs, f"{ours} of the deployment"):
                made[ours] = found
        if endpoint := self._text("aws_bedrock_runtime_endpoint", "base_url of the deployment"):
            made["base_url"] = endpoint
        return dialects

    def _vertex(self, made: dict[str, Any]) -> None:
        """Put project, location and the file of credentials."""
        project = self._text("vertex_project", "project of the deployment")
        made["project"] = project or self.values.variable("VERTEXAI_PROJECT", (*self.place, "vertex_project"))
        if location := self._text("vertex_location", "location of the deployment"):
            made["location"] = location
        credentials = self.params.get("vertex_credentials")
        if isinstance(credentials, str) and not credentials.lstrip().startswith("{"):
            made["credentials_file"] = self.values.text(credentials, (*self.place, "vertex_credentials"))
            self._tell("vertex_credentials", "exact", "credentials_file of the deployment")
        else:
            self._tell("vertex_credentials", "manual", "put the JSON into a file and name it in 'credentials_file:'")

    def _keyed(self, made: dict[str, Any], vendor: Vendor) -> None:
        """Put the key: the file's, or the variable that LiteLLM reads."""
        key = (*self.place, "api_key")
        told = self.params.get("api_key")
        if found := self.values.text(told, key, secret=True):
            made["api_key"] = found
            moved = self.values.is_literal(told)
            words = (
                f"the secret stood in the file; set the variable of {found}" if moved else "api_key of the deployment"
            )
            self._tell("api_key", "manual" if moved else "exact", words)
        elif made["provider"].startswith("azure") and _ENTRA & set(self.params):
            made["entra"] = True
        elif vendor.key:
            made["api_key"] = self.values.variable(vendor.key, key)

    def _numbers(self, made: dict[str, Any]) -> None:
        for name, (ours, kind, read) in _NUMBERS.items():
            if found := read(self.params.get(name)):
                made.setdefault(ours, found)
                self._tell(name, kind, f"{ours} of the deployment")

    def _text(self, name: str, words: str) -> str | None:
        found = self.values.text(self.params.get(name), (*self.place, name), secret=is_secret(name))
        if found:
            self._tell(name, "exact", words)
        return found

    def _tell(self, name: str, kind: Kind, words: str) -> None:
        if name in self.own:
            self.findings.add(kind, (*self.place, name), words)


_ENTRA = frozenset(("tenant_id", "client_id", "client_secret", "azure_ad_token", "azure_username"))
"""Parameters of who signs in with Entra ID."""
_NUMBERS: Mapping[str, tuple[str, Kind, Callable[[Any], float | None]]] = {
    "timeout": ("timeout", "exact", number),
    "request_timeout": ("timeout", "exact", number),
    "stream_timeout": ("idle_timeout", "approximate", number),
    "max_parallel_requests": ("max_concurrency", "exact", whole),
    "weight": ("weight", "exact", whole),
}
"""Numbers of an entry: ours, how well they agree, how they are read."""
