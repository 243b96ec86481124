"""The table of pages. A new page is a row of a table that stands here."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from gateway.console import approving, oidc_pages, signing_pages, tool_servers
from gateway.console.admin import access, audit, cache, ending, live, overview, people, spend, state
from gateway.console.page import Page, PageRoute
from gateway.console.person import account, attempt, home, keys, models, tools
from gateway.console.refusals import PageError
from gateway.console.rendering import STATIC
from gateway.console.visit import Visit
from gateway.runtime import Runtime

PAGES: tuple[Page, ...] = (
    *home.PAGES,
    *models.PAGES,
    *keys.PAGES,
    *tools.PAGES,
    *attempt.PAGES,
    *overview.PAGES,
    *spend.PAGES,
    *people.PAGES,
    *access.PAGES,
    *live.PAGES,
    *cache.PAGES,
    *ending.PAGES,
    *state.PAGES,
    *audit.PAGES,
    *account.PAGES,
    *signing_pages.PAGES,
    *approving.PAGES,
    *oidc_pages.PAGES,
    *tool_servers.PAGES,
)


def console_routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes of all pages, and of their style sheet and script."""
    pages = [Route(page.path, PageRoute(runtime, page, PAGES), methods=page.methods) for page in PAGES]
    elsewhere = Route(_ELSEWHERE.path, PageRoute(runtime, _ELSEWHERE, PAGES), methods=_ELSEWHERE.methods)
    return [Route("/console/static/{name}", _static, methods=["GET"]), *pages, elsewhere]


async def _missing(visit: Visit) -> Response:
    """Answer for an address below `/console` that is no page's. Raises `PageError`."""
    raise PageError(404, "error.no_page")


_ELSEWHERE = Page("/console/{rest:path}", None, _missing)


async def _static(request: Request) -> Response:
    """Answer with a file; its name changes with its content, so that browsers keep it."""
    found = STATIC.get(request.path_params["name"])
    if found is None or request.app.state.runtime.current.config.console is False:
        return Response(status_code=404)
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(found[0], headers=headers, media_type=found[1])
