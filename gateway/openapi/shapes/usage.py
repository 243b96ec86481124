"""Records, usage and audit."""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.ledger.record import Record
from gateway.openapi.shapes.common import Micros, Row


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
