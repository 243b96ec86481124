"""The first page: a person's own, or the administrator's where only the admin key is known."""

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.visit import Visit


async def show_home(visit: Visit) -> Response:
    return visit.render("home.html")


PAGES = (Page("/console", "person", show_home, menu="home.menu", of_somebody=True),)
