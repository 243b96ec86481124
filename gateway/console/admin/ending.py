"""Models that end: who uses them still, and a draft of what to write to these people."""

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.visit import Visit

DAYS = ("30", "90", "365")
_USERS_SHOWN = 100


async def show_ending(visit: Visit) -> Response:
    """Show the models that end within some days, the nearest first."""
    days = visit.query.get("days", "")
    days = days if days in DAYS else "90"
    found = await visit.ask("GET", "/admin/models/ending", query={"days": days})
    other = "en" if visit.language == "ja" else "ja"
    return visit.render("admin/ending.html", found=found, days=days, spans=DAYS, shown=_USERS_SHOWN, other=other)


PAGES = (Page("/console/ending", "administrator", show_ending, menu="admin.ending"),)
