"""Where a person is signed in, and out everywhere."""

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.visit import Visit
from gateway.sessions.signing import sessions_of


async def show_account(visit: Visit) -> Response:
    return visit.render("person/account.html", sessions=await sessions_of(visit.runtime, visit.person))


PAGES = (Page("/console/account", "person", show_account, menu="account.menu"),)
