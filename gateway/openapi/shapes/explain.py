"""What would happen to a request."""

import msgspec
from msgspec import Struct


class ExplainQuery(Struct, forbid_unknown_fields=True):
    key: str
    """Id or alias of the key whose request it is."""
    api: str = "/v1/chat/completions"
    """The route to which the request would go."""


class ExplainedPerson(Struct):
    user_id: str | None
    source: str
    """What says who it is: `token`, `headers`, `key`, …"""
    team: str | None


class Estimate(Struct):
    input_tokens: int
    answer_tokens: int


class Reserves(Struct):
    tokens: int
    cost_usd: float


class ExplainedDeployment(Struct):
    """A deployment, as it is now."""

    deployment: str
    x_sekisho_deployment: str
    """Its name in the header of answers."""
    model: str
    upstream_model: str
    running: int
    max_concurrency: int | None
    outstanding_tokens: int
    cooling_down: bool
    has_room: bool


class ExplainedKey(Struct):
    alias: str | None
    models: list[str] | None
    networks: list[str] | None
    class_: str | None = msgspec.field(name="class")
    valid: bool


class Explanation(Struct):
    """What would happen to a request."""

    model: str
    api: str
    stream: bool
    class_: str = msgspec.field(name="class")
    """The class of traffic, which is the order in which requests wait."""
    person: ExplainedPerson
    estimate: Estimate
    reserves: Reserves
    """What its limits would hold until it ends."""
    deployments: list[ExplainedDeployment]
    """In the order in which they would be tried, fallbacks included."""
    fallbacks_left_out: dict[str, str]
    """Fallbacks that cannot answer this request, each with the reason."""
    dropped: list[str]
    """Fields of the body that would be taken out."""
    key: ExplainedKey
