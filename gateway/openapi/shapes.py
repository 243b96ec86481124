"""Bodies and answers that the code builds by hand; the rest is described by the structs that the code itself uses.

Every answer of the tests is compared with these.
"""

from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.identity.keys import Budget, Key
from gateway.identity.policy import BudgetWindow, Policy
from gateway.ledger.record import Record
from gateway.limits.limit import Kind, Window

Micros = Annotated[int, Meta(description="UTC, in microseconds since 1970.")]
Cell = str | int | float | bool | None
Row = dict[str, Cell]


class ErrorObject(Struct):
    """What went wrong."""

    message: str
    """For people; it names the remedy."""
    type: str
    """The class of error, in OpenAI's words."""
    param: str | None
    """The field at fault."""
    code: str | None
    """For programs."""


class Error(Struct):
    """The answer to a request that failed."""

    error: ErrorObject


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


class OwnKey(Struct):
    """A key of one's own, without its secret."""

    id: str
    alias: str
    purpose: str | None
    hint: str
    """Its beginning and end, by which people recognise it."""
    team: str | None
    made_by: str
    """`person` or `administrator`."""
    created_at: Micros
    expires_at: Micros | None
    """When it ends; null = never."""
    revoked_at: Micros | None
    models: list[str] | None
    """Globs of the models that it may use; null = every model."""
    valid: bool
    presented: bool
    """True for the key that this request came with."""


class OwnKeyMade(OwnKey):
    """A key of one's own; `key` is its secret, shown this once."""

    key: str


class LastUse(Struct):
    hour: str
    """In UTC."""
    client: str | None
    """The program that used it."""
    client_ip: str | None


class OwnKeyDetails(OwnKey):
    """A key of one's own, and when it was used last."""

    last_used: LastUse | None
    """Within 90 days."""


class OwnKeyRules(Struct):
    most: int
    """Valid keys at a time."""
    longest_days: int


class OwnKeyList(Struct):
    """A person's keys, the newest first, at most 1,000."""

    data: list[OwnKey]
    own_keys: OwnKeyRules | None
    """What one may make; null where administrators make all keys."""


@dataclass(frozen=True, kw_only=True)
class KeyMade(Key):
    """An API key; `key` is its secret, shown this once."""

    key: str


class KeyList(Struct):
    """Every key, oldest first."""

    data: list[Key]


def _change_of(*more: tuple[str, Any, Any]) -> list[tuple[str, Any, Any]]:
    """Return the fields of a policy as those of a body in which none is needed."""
    hints = get_type_hints(Policy)
    policy = [
        (each.name, hints[each.name], None if each.default is MISSING else each.default) for each in fields(Policy)
    ]
    return [*more, *policy]


_NAMES: tuple[tuple[str, Any, Any], ...] = tuple((name, str | None, None) for name in ("owner", "team", "purpose"))
NewAdminKey = msgspec.defstruct(
    "NewAdminKey",
    [("alias", str), *_change_of(*_NAMES, ("identity", str | None, None))],
    forbid_unknown_fields=True,
    namespace={"__doc__": "A new key: whose it is, and what it may do."},
)
KeyChange = msgspec.defstruct(
    "KeyChange",
    _change_of(("alias", str | UnsetType, UNSET), *_NAMES),
    forbid_unknown_fields=True,
    namespace={"__doc__": "What is to be changed; what is left out stays, null takes a limit away."},
)


class AdminRotation(Struct, forbid_unknown_fields=True):
    """For how long the old secret works on."""

    grace_seconds: Annotated[int, Meta(ge=0)] = 86_400


class BudgetList(Struct):
    """Every budget."""

    data: list[Budget]


class NewBudget(Struct, forbid_unknown_fields=True):
    """A budget of the scope that the path names."""

    nano_usd: int
    """Billionths of a USD."""
    window: BudgetWindow
    """Calendar windows in UTC."""
    hard: bool = True
    """False: spending over it is warned about, not refused."""


class Removed(Struct):
    """The budget that was taken away."""

    removed: str
    """The scope."""


class RecordList(Struct):
    """Records of this machine that are not shipped yet, newest first."""

    records: list[Record]


class Use(Struct):
    requests: int
    errors: int
    refused: int
    cancelled: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cost_usd: float


class Usage(Struct):
    """What was used, by the dimensions in `by`."""

    from_: str = msgspec.field(name="from")
    to: str
    timezone: str
    currency: str
    by: list[str]
    total: Use
    rows: list[Row]
    """A row a combination of the dimensions in `by`: those, and the names of `total`."""
    more: int
    """Rows beyond `limit`."""


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


class ConsoleLinkAsked(Struct):
    """Who is to be signed in, where that is not in the header `X-OpenWebUI-User-Jwt`."""

    sekisho_identity: str | None = None
    """The signed token of the pack."""


class ConsoleLinkMade(Struct):
    """A link for one use."""

    url: str
    expires_in: int
    """Seconds."""


class AuditRow(Struct):
    """A recorded change. A part is null where there was none, or where the person whom it named was forgotten."""

    chain: str
    """The chain of a machine."""
    n: int
    """Number within the chain, from 1."""
    at: Micros
    action: str
    sentence: str
    """The action in words, in the language that was asked for."""
    actor: Any
    """Who did it: `kind` (person, admin_key, system, gateway), `name`, `via`, `address`, `host`."""
    object: Any
    """What it was done to."""
    before: Any
    """The values that changed, as they were."""
    after: Any
    """The values that changed, as they are since."""
    forgotten: list[str]
    """Parts that were taken out because a person was forgotten."""
    hash: str


class AuditList(Struct):
    """Rows of the audit, the newest first."""

    rows: list[AuditRow]
    more: int | None
    """What to ask for as `before` to get the next page; null at the end."""
