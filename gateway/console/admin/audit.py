"""Who changed what, the newest first."""

import json
from typing import Any

from starlette.responses import Response

from gateway.audit.actions import ACTIONS, AMOUNTS, MOMENTS
from gateway.console.page import Page
from gateway.console.rendering import moment, usd
from gateway.console.visit import Visit

_PAGE = 50
_KINDS = tuple(sorted({name.partition(".")[0] for name in ACTIONS}))


async def show_audit(visit: Visit) -> Response:
    """Show a page of the audit."""
    chosen = {name: value for name in ("action", "actor", "about") if (value := visit.query.get(name, "").strip())}
    before = visit.query.get("before", "")
    page = {"before": before} if before.isascii() and before.isdigit() and len(before) < 16 and int(before) else {}
    asked = {**chosen, **page, "limit": _PAGE, "lang": visit.language}
    found = await visit.ask("GET", "/admin/audit", query=asked)
    rows = [
        {**row, "who": _who(visit, row), "about": _about(visit, row), "changes": _changes(visit, row)}
        for row in found["rows"]
    ]
    return visit.render("admin/audit.html", rows=rows, more=found["more"], kinds=_KINDS)


def _who(visit: Visit, row: dict[str, Any]) -> str:
    actor = row["actor"]
    if not isinstance(actor, dict):
        return visit.t("admin.forgotten")
    name = actor.get("name") or visit.t(f"admin.actor.{actor.get('kind', 'system')}")
    details = [each for each in (actor.get("via"), actor.get("address") or actor.get("host")) if each]
    return f"{name} ({', '.join(details)})" if details else str(name)


def _about(visit: Visit, row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was changed, by the names that the row gives it."""
    found = row["object"] if isinstance(row["object"], dict) else {}
    return [(name, shown) for name, value in found.items() if (shown := _value(visit, name, value)) is not None]


def _changes(visit: Visit, row: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """Return what a row tells: name, before, after."""
    before = row["before"] if isinstance(row["before"], dict) else {}
    after = row["after"] if isinstance(row["after"], dict) else {}
    names = {**before, **after}
    changes = [(name, _value(visit, name, before.get(name)), _value(visit, name, after.get(name))) for name in names]
    return [each for each in changes if each[1] is not None or each[2] is not None][:40]


def _value(visit: Visit, name: str, value: Any) -> str | None:
    """Return a value for people: moments, amounts and lists as such; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return visit.t("admin.yes" if value else "admin.no")
    if isinstance(value, int):
        return moment(value, visit.zone) if name in MOMENTS else usd(value / 1e9) if name in AMOUNTS else f"{value}"
    return value if isinstance(value, str) else _listed(value)


def _listed(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


PAGES = (Page("/console/audit", "administrator", show_audit, menu="admin.audit"),)
