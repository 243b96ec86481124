"""Configuration with findings and origins, models, and how the ledger stands."""

from starlette.responses import Response

from gateway.casing import lower
from gateway.console.page import Page
from gateway.console.visit import Visit

_SHOWN = 300


async def show_state(visit: Visit) -> Response:
    """Show findings first, then the values that fit the search: those that somebody wrote, unless all are asked for."""
    found = await visit.ask("GET", "/admin/configuration")
    wanted, everything = lower(visit.query.get("q", "").strip()), visit.query.get("all") == "1"
    values = [each for each in found["values"] if everything or wanted or each["origin"] != "default"]
    fitting = [each for each in values if wanted in lower(f"{each['key']} {each['value']} {each['origin']}")]
    ledger = await visit.ask("GET", "/admin/ledger")
    return visit.render(
        "admin/state.html",
        found=found,
        values=fitting[:_SHOWN],
        count=len(fitting),
        ledger=ledger,
        shipped_at=round(ledger["shipped_at"] * 1e6) if ledger["shipped_at"] else None,
    )


PAGES = (Page("/console/state", "administrator", show_state, menu="admin.state"),)
