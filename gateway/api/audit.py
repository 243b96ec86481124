"""`GET /admin/audit`: who changed what, the newest first."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request

from gateway.audit.actions import sentence
from gateway.audit.listing import LONGEST_LIST, Wanted, newest
from gateway.errors import InvalidRequest
from gateway.identity.keys import KeyStore


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The query. `since` and `until` are Unix seconds; `actor` and `about` parts of texts; `before` a row's number."""

    since: float = 0
    until: float | None = None
    action: str | None = None
    actor: str | None = None
    about: str | None = None
    before: Annotated[int, msgspec.Meta(ge=1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LIST)] = 100
    lang: Literal["en", "ja"] = "en"


async def admin_audit(store: KeyStore, request: Request) -> Any:
    """Return rows of this machine's chain; `more` is the number to ask for as `before`, or None at the end."""
    try:
        asked = msgspec.convert(dict(request.query_params.multi_items()), AuditQuery, strict=False)
    except msgspec.ValidationError as error:
        fields = ", ".join(AuditQuery.__struct_fields__)
        raise InvalidRequest(f"{error}. The query may have {fields}.") from error
    until = float("inf") if asked.until is None else asked.until
    wanted = Wanted(asked.since, until, asked.action, asked.actor, asked.about, asked.before)
    rows = await asyncio.to_thread(newest, store.audit.chain.file, wanted, asked.limit)
    told = [{**row, "sentence": sentence(row["action"], asked.lang)} for row in rows]
    return {"rows": told, "more": rows[-1]["n"] if len(rows) == asked.limit else None}
