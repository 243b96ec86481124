"""Deployments and the queue as they are now, updated while the page is open."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from gateway.console.page import Page
from gateway.console.refusals import PageError
from gateway.console.rendering import ENVIRONMENT
from gateway.console.visit import Visit
from gateway.sessions.signing import signed_in

_MOST_LISTENERS = 20
_EVENTS = "text/event-stream"
_SECONDS = 2.0
_LONGEST_SECONDS = 600.0
"""How long a page is told of changes at a stretch; it asks again by itself."""
_listeners: set[object] = set()


async def show_live(visit: Visit) -> Response:
    return visit.render("admin/live.html", live=await visit.ask("GET", "/admin/live"))


async def tell_live(visit: Visit) -> Response:
    """Return server-sent events with the fragment of the page. Raises `PageError` for too many listeners."""
    if visit.request.method == "HEAD":
        return visit.finish(Response(media_type=_EVENTS))  # a stream without an end would hold the connection
    if len(_listeners) >= _MOST_LISTENERS:
        raise PageError(503, "admin.live.full")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return visit.finish(StreamingResponse(_events(visit), media_type=_EVENTS, headers=headers))


async def _events(visit: Visit) -> AsyncIterator[str]:
    """Yield an event whenever something changed, until the session ends or loses its role."""
    me, ends, before = object(), time.monotonic() + _LONGEST_SECONDS, ""
    _listeners.add(me)
    try:
        while time.monotonic() < ends and not visit.runtime.stopping and await _is_open(visit):
            live = await visit.ask("GET", "/admin/live")
            html = ENVIRONMENT.get_template("admin/live_now.html").render(t=visit.t, live=live, zone=visit.zone)
            text = "".join(f"data: {line}\n" for line in html.splitlines())
            yield f"event: live\n{text}\n" if text != before else ": same\n\n"
            before = text
            await asyncio.sleep(_SECONDS)
    finally:
        _listeners.discard(me)


async def _is_open(visit: Visit) -> bool:
    session = await signed_in(visit.runtime, visit.request.scope)
    return session is not None and session.may("administrator")


PAGES = (
    Page("/console/live", "administrator", show_live, menu="admin.live"),
    Page("/console/live/events", "administrator", tell_live),
)
