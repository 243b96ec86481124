"""Who changed what, the newest first."""

from typing import Any

from starlette.responses import Response

from gateway.audit.actions import ACTIONS
from gateway.console.page import Page
from gateway.console.rendering import moment
from gateway.console.visit import Visit

_PAGE = 50
_MOMENTS = ("created_at", "revoked_at", "expires_at", "previous_until")
_KINDS = tuple(sorted({name.partition(".")[0] for name in ACTIONS}))


async def show_audit(visit: Visit) -> Response:
    """Show a page of the audit."""
    chosen = {name: value for name in ("action", "actor", "about") if (value := visit.query.get(name, "").strip())}
    before = visit.query.get("before", "")
    page = {"before": before} if before.isascii() and before.isdigit() and len(before) < 16 and int(before) else {}
    asked = {**chosen, **page, "limit": _PAGE, "lang": visit.language}
    found = await visit.ask("GET", "/admin/audit", query=asked)
    rows = [{**row, "who": _who(visit, row), "changes": _changes(row)} for row in found["rows"]]
    return visit.render("admin/audit.html", rows=rows, more=found["more"], kinds=_KINDS)


def _who(visit: Visit, row: dict[str, Any]) -> str:
    actor = row["actor"]
    if not isinstance(actor, dict):
        return visit.t("admin.forgotten")
    name = actor.get("name") or visit.t(f"admin.actor.{actor.get('kind', 'system')}")
    details = [each for each in (actor.get("via"), actor.get("address") or actor.get("host")) if each]
    return f"{name} ({', '.join(details)})" if details else str(name)


def _changes(row: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return what a row tells: name, before, after."""
    before = row["before"] if isinstance(row["before"], dict) else {}
    after = row["after"] if isinstance(row["after"], dict) else {}
    names = {**before, **after}
    changes = [(name, _value(name, before.get(name)), _value(name, after.get(name))) for name in names]
    return [each for each in changes if each[1] is not None or each[2] is not None][:40]


def _value(name: str, value: Any) -> Any:
    """Return a value for people: moments as such."""
    return moment(value) if name in _MOMENTS and isinstance(value, int) else value


PAGES = (Page("/console/audit", "administrator", show_audit, menu="admin.audit"),)
