"""What shall be in Open WebUI: the manifest, the options and what the gateway offers, as leaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.secret import Secret
from install.errors import GatewayError, ManifestError
from install.pack.manifest import Manifest
from install.pack.manifest.values import UNSET, Ask, Resolver
from install.pack.tree import ABSENT, Json, Leaf
from install.wording import say


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line adds to the manifest."""

    gateway_url: str
    gateway_key: Secret | None = None
    identity_secret: Secret | None = None
    embedding_model: str | None = None
    usual_embedding_model: str | None = None
    """For document search where neither this nor the manifest names one."""
    plugins: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `${NAME}` in the manifest means."""
    force: bool = False
    fewer_models: bool = False
    """The gateway's list of models may have shrunk by half or more."""
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Everything that wanted leaves depend on."""

    manifest: Manifest
    options: Options
    version: str
    offered: tuple[Json, ...]
    prefix: str
    key: Secret
    groups: Mapping[str, str]
    current: Mapping[str, Mapping[str, Json]] = field(repr=False)
    """Records by kind and id."""
    resolver: Resolver = field(repr=False)
    tools_answer: bool = True
    """Whether the gateway offers tools, asked for where the manifest leaves it open."""

    @property
    def url(self) -> str:
        return self.options.gateway_url.rstrip("/")

    def prefixed(self, name: str) -> str:
        return f"{self.prefix}.{name}" if self.prefix else name

    def there(self, kind: str, id: str) -> Json | None:
        return self.current.get(kind, {}).get(id)


def resolver(manifest: Manifest, options: Options) -> Resolver:
    secrets = {name: Secret(value) for name, value in options.environment.items() if value.strip()}
    if options.identity_secret:
        secrets["SEKISHO_IDENTITY_SECRET"] = options.identity_secret
    shown = {"SEKISHO_GATEWAY_URL": options.gateway_url.rstrip("/")}
    return Resolver(secrets, shown, manifest.folder, options.ask)


def model_not_offered(name: str, offered: Iterable[str], where: str) -> GatewayError:
    return GatewayError(
        say("{where}: the gateway does not offer the model {name} for this.", where=where, name=name),
        say("It offers: {offered}.", offered=", ".join(sorted(offered)) or say("none")),
    )


def need(inputs: PlanInputs, value: str, *keys: str | int, stored: Leaf = ABSENT) -> object:
    """Return a value without which its entry makes no sense; `stored` stands in for one that cannot be had now.

    Raises `ManifestError`.
    """
    found = inputs.resolver.value(value, inputs.manifest.where(*keys), str(keys[-1]), there=bool(_text_of(stored)))
    if found is not UNSET:
        return found
    if text := _text_of(stored):
        return Secret(text)
    missing = inputs.resolver.missing(value)
    raise ManifestError(
        inputs.manifest.where(*keys), say("{missing} is not set", missing=missing), say("a value, or the variable set")
    )


def _text_of(stored: Leaf) -> str:
    return stored if isinstance(stored, str) else ""
