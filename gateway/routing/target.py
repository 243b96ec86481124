"""A deployment with everything that a call needs, and how it has been doing."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gateway.config.addresses import secrets_in
from gateway.config.models import Deployment, Model
from gateway.pricing import Priced
from gateway.profiles.fim import family_of
from gateway.profiles.known import Life
from gateway.profiles.profile import DEFAULT_PROFILE, Profile
from gateway.providers.contract import Provider
from gateway.routing.ending import ending_headers
from gateway.translation.completion.ways import Abilities
from gateway.upstream.outbound import DIRECT, Outbound
from gateway.upstream.request import UpstreamRequest

FIRST_COOLDOWN_SECONDS = 5.0
LONGEST_COOLDOWN_SECONDS = 60.0


@dataclass(slots=True)
class Health:
    """What lives on across configurations: running work, and how a deployment has been doing."""

    running: int = 0
    tokens: int = 0
    """Estimated tokens of the running requests: the work that is still to be done."""
    failures: int = 0
    """Failures since the last success."""
    cooling_until: float = 0.0

    def failed(self, retry_after: float | None = None) -> None:
        """Avoid it for a while, longer every time."""
        cooldown = FIRST_COOLDOWN_SECONDS * 2 ** min(self.failures, 5)
        self.failures += 1
        self.cooling_until = time.monotonic() + (retry_after or min(cooldown, LONGEST_COOLDOWN_SECONDS))

    def worked(self) -> None:
        self.failures, self.cooling_until = 0, 0.0

    @property
    def cooling(self) -> bool:
        return self.failures > 0 and self.cooling_until > time.monotonic()


@dataclass(slots=True)
class Quirks:
    """Facts about a deployment that its answers taught us; forgotten with the configuration."""

    refuses_stream_options: bool = False
    lacks_counting: bool = False
    """It has no endpoint that counts tokens."""
    counting: int = 0
    """Counts of tokens that it is asked for now."""


@dataclass(frozen=True)
class Target:
    """A deployment with everything a call needs."""

    id: str
    """Its name for the administrator, as long as it stays where it is."""
    public_name: str
    """Its name in response headers: model and number in the configuration, without a host."""
    model: Model
    deployment: Deployment
    provider: Provider
    health: Health
    price: Priced | None = None
    """The model's own, or the public one of where it runs."""
    profile: Profile = DEFAULT_PROFILE
    """What its family of models accepts."""
    life: Life | None = None
    """When its model ends there; None = nobody said."""
    outbound: Outbound = DIRECT
    """How those who fetch its credentials reach servers outside."""
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def dialects(self) -> tuple[str, ...]:
        found: tuple[str, ...] | None = self.deployment.dialects
        if found is None and self.provider.dialects_of:
            found = self.provider.dialects_of(self.deployment)
        return found or self.provider.dialects

    @cached_property
    def betas(self) -> frozenset[str] | None:
        """Return the values of `anthropic-beta` that it takes; None = any."""
        configured = self.deployment.betas
        return self.provider.betas if configured is None else frozenset(configured)

    @property
    def base_url(self) -> str:
        return (self.deployment.base_url or self.provider.base_url or "").rstrip("/")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what the upstream is sent and nobody else may see."""
        keys = (self.deployment.api_key, self.deployment.access_token)
        fetched = self.provider.authorize.secrets(self.deployment, self.outbound)
        return (*(key.reveal() for key in keys if key), *secrets_in(self.base_url), *fetched)

    async def authorize(self, request: UpstreamRequest) -> None:
        """Sign a request. Raises `UpstreamError`."""
        await self.provider.authorize(request, self.deployment, self.outbound)

    @property
    def credentials_name(self) -> str:
        """Return where what signs its requests is from, for the administrator."""
        return self.provider.authorize.name(self.deployment)

    def distrust_credentials(self) -> None:
        """Fetch other credentials for the next request, where they are fetched at all."""
        self.provider.authorize.distrust(self.deployment, self.outbound)

    def credentials_problem(self) -> str | None:
        """Return what is wrong with what signs its requests; None where nothing is. Blocks."""
        return self.provider.authorize.problem(self.deployment, self.outbound)

    @property
    def has_room(self) -> bool:
        """Return whether a request may run here: after a failure one request at a time probes, until one works."""
        limit = self.deployment.max_concurrency
        if self.health.failures and not self.health.cooling:
            limit = 1
        return limit is None or self.health.running < limit

    @property
    def asks_for_usage(self) -> bool:
        """Return whether a stream is asked to end with its token counts."""
        return self.provider.stream_usage and not self.quirks.refuses_stream_options

    @cached_property
    def record_fields(self) -> Mapping[str, str | None]:
        """Return the fields by which records name it."""
        return {
            "provider": self.provider.name,
            "deployment": self.id,
            "upstream_model": self.deployment.model,
        }

    @cached_property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers by which answers name it and tell the end of its model."""
        return [
            *ending_headers(self.life),
            (b"x-sekisho-model", self.model.name.encode()),
            (b"x-sekisho-deployment", self.public_name.encode()),
        ]

    @cached_property
    def completes(self) -> Abilities:
        """Return how it may be asked for code completion."""
        setting = self.model.fim
        return Abilities(
            self.dialects,
            family_of(setting, self.deployment.known_model),
            setting == "native" or (setting is None and self.provider.takes_suffix),
            for_completion=self.model.mode == "completion" or setting == "native",
            fills=setting != "none",
        )

    def speaks(self, dialect: str) -> bool:
        return dialect in self.dialects

    def serves_natively(self, dialect: str) -> bool:
        """Return whether clients of a dialect are best served in it: some models take tools only in another one."""
        bridged = dialect == "chat" and self.profile.tools_need_responses and not self.deployment.dialects
        return self.speaks(dialect) and not (bridged and self.speaks("responses"))

    @property
    def translated_dialects(self) -> tuple[str, ...]:
        """Return the dialects in which clients of others are served, the best first."""
        if self.profile.tools_need_responses and self.speaks("responses"):
            return ("responses", *(each for each in self.dialects if each != "responses"))
        return self.dialects
