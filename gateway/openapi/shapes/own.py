"""Answers about the person who asks."""

from typing import Literal

import msgspec
from msgspec import Struct

from gateway.identity.policy import BudgetWindow
from gateway.limits.limit import Kind, Window
from gateway.openapi.shapes.common import Micros, Row


class LimitShown(Struct):
    """A limit: budgets in USD, everything else as counted."""

    scope: str
    """`key:…`, `person:…` or `team:…`."""
    kind: Kind
    window: Window | None
    hard: bool
    """False: counted and shown, never refused."""
    amount: float
    used: float
    reserved: float
    """Held by requests that run now."""
    left: float
    resets_in_seconds: int


class BudgetShown(Struct):
    """A budget that a person's requests count against."""

    scope: str
    """`person`, `team` or `key`."""
    name: str | None
    """Of a team."""
    usd: float
    used_usd: float
    left_usd: float
    warning: Literal["near", "used_up"] | None
    """`near` from 80 % on, `used_up` where nothing is left."""
    window: BudgetWindow
    hard: bool
    """False: spending beyond it is counted and shown, never refused."""
    resets_at: str
    """When it starts anew, in UTC: 2026-05-01T00:00:00Z."""


class PresentedKey(Struct):
    """The key that a request presents."""

    id: str
    alias: str | None
    owner: str | None
    team: str | None
    hint: str
    """Its beginning and end, by which people recognise it."""


class PersonShown(Struct):
    user_id: str | None
    """Open WebUI's id."""
    email: str | None


class ModelNotice(Struct):
    """A model that ends, or is there for a while only."""

    available_until: str | None
    """As the configuration says; null = it does not."""
    end_of_life: str | None
    """The day from which it is not served where it runs."""
    certain: bool
    """False if only the earliest day is known."""
    successor: str | None


class ModelShown(Struct):
    """A model that the key may use."""

    id: str
    """What stands in the field `model` of a request."""
    mode: str
    """`chat`, `completion`, `embedding`, `agent`, …"""
    description: str | None
    context_window: int | None
    """Tokens of prompt and answer together."""
    max_output_tokens: int | None
    price_usd_per_million_tokens: dict[str, float | dict[str, float] | None] | None
    """By the names of `price` in the configuration; null where the model costs nothing."""
    notice: ModelNotice | None
    """Null where nothing is announced."""


class Me(Struct):
    """What a key may do, and what is left of its budgets."""

    key: PresentedKey
    person: PersonShown
    expires_at: Micros | None
    """When the key ends; null = never."""
    limits: list[LimitShown]
    budgets: list[BudgetShown]
    """The person's first, then their team's, then the key's."""
    free_models: list[str]
    """Models without a price: they answer when budgets are used up."""
    team: str | None
    """For which the person's requests count."""
    teams: list[str]
    """All teams of the person."""
    several: Literal["first", "next"]
    """Which of several teams a request counts for: the first, or the next one whose budget is not used up."""
    contact: str | None
    """Whom the person asks for more; null = the administrator."""
    models: list[ModelShown]


class OwnUse(Struct):
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


class MyUsage(Struct):
    """What a person used, over chat and all own keys."""

    currency: str
    from_: str = msgspec.field(name="from")
    """The first day that is counted."""
    to: str
    """The last day that is counted."""
    timezone: str
    as_of: str | None
    """Until when other machines' records are in it, in UTC; null where nobody ships them by the clock."""
    total: OwnUse
    budget: BudgetShown | None
    """The person's own."""
    budgets: list[BudgetShown]
    free_models: list[str]
    team: str | None
    """For which the person's requests count."""
    teams: list[str]
    """All teams of the person."""
    several: Literal["first", "next"]
    contact: str | None
    """Whom the person asks for more; null = the administrator."""
    rows: list[Row]
    """A row a combination of the dimensions in `by`: those, and the names of `total`."""


class NoticeShown(Struct):
    """Something that a person is told once."""

    kind: Literal["budget", "model"]
    text: str
    """In the language of the person."""


class NoticeList(Struct):
    """What the person was not told yet; an answer counts as told."""

    notices: list[NoticeShown]


class AcknowledgementShown(Struct):
    """A notice that a person has read."""

    notice: str
    version: str
    at: Micros


class AcknowledgementList(Struct):
    """What a person has acknowledged, the newest first."""

    data: list[AcknowledgementShown]


class ConsoleLinkAsked(Struct):
    """Who is to be signed in, where that is not in the header `X-OpenWebUI-User-Jwt`."""

    sekisho_identity: str | None = None
    """The signed token of the pack."""


class ConsoleLinkMade(Struct):
    """A link for one use."""

    url: str
    expires_in: int
    """Seconds."""
