"""Pages on which people sign in at tool servers: which one, where and for what; the way back; and a list."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import cast
from urllib.parse import urlsplit

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.refusals import PageError
from gateway.console.visit import Visit
from gateway.mcp.accounts import Accounts
from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.words import told
from gateway.sessions.cookies import public_url

_LIST = "/console/tool-servers"
Handler = Callable[[Visit], Awaitable[Response]]


def _telling(handler: Handler) -> Handler:
    """Let a page tell a sign-in that failed in the person's language."""

    @wraps(handler)
    async def handled(visit: Visit) -> Response:
        if not visit.person.is_somebody:
            raise PageError(403, "tool_servers.nobody")
        try:
            return await handler(visit)
        except OAuthFailed as error:
            status = 403 if error.code == "other_person" else 400 if error.code in _OF_THE_PERSON else 502
            heading, words = visit.t("tool_servers.failed"), told(error, visit.language)
            return visit.render("error.html", status, heading=heading, words=words, how=None)

    return handled


_OF_THE_PERSON = ("state", "denied", "other_issuer", "issuer_missing", "issuer_refuses")


@_telling
async def show_server(visit: Visit) -> Response:
    """Show at which server a person signs in, where, and what is granted."""
    server, accounts = _server(visit), _accounts(visit)
    settings = accounts.server(server)
    _check_mark(visit)
    offer = await accounts.offer(server, visit.person.person)
    return visit.render(
        "tool_sign_in.html",
        server=settings.title or server,
        about=settings.description,
        host=urlsplit(settings.url or "").netloc,
        issuer=offer.found.issuer.identifier,
        scopes=offer.scopes,
    )


@_telling
async def leave(visit: Visit) -> Response:
    """Send the browser to the issuer.

    A page does that, not a redirect: browsers hold redirects after a form against the policy of the form's page, and
    nobody knows over how many hosts an issuer signs its people in.
    """
    server, session = _server(visit), visit.person
    _check_mark(visit)
    base = public_url(visit.runtime.current.config, visit.request.scope)
    url = await _accounts(visit).begin(server, session.person, session.handle, base)
    return visit.render("tool_leaving.html", url=url, host=urlsplit(url).netloc)


@_telling
async def come_back(visit: Visit) -> Response:
    """Take the issuer's answer."""
    server, session = _server(visit), visit.person
    query = visit.request.scope["query_string"].decode("latin-1")
    accounts = _accounts(visit)
    await accounts.finish(server, query, session.person, session.handle)
    return visit.redirect(_LIST, signed_in=server)


@_telling
async def show_list(visit: Visit) -> Response:
    """Show the servers at which a person can sign in."""
    found = (await visit.ask("GET", "/v1/me/tool-servers"))["data"]
    new = next((each["title"] for each in found if each["server"] == visit.query.get("signed_in")), None)
    return visit.render("tool_servers.html", servers=found, new=new)


@_telling
async def sign_out(visit: Visit) -> Response:
    """End a person's sign-in at a server."""
    server = visit.form.get("server", "")
    await _accounts(visit).end(server, visit.person.person)
    return visit.redirect(_LIST)


def _server(visit: Visit) -> str:
    return cast(str, visit.request.path_params["server"])


def _accounts(visit: Visit) -> Accounts:
    return cast(Accounts, visit.request.app.state.tool_accounts)


def _check_mark(visit: Visit) -> None:
    """Raise `PageError` for a link that was made for somebody else: their tools would act with these rights."""
    mark = visit.query.get("for")
    if mark is not None and not _accounts(visit).is_for(mark, _server(visit), visit.person.person):
        raise PageError(403, "tool_servers.other_person")


PAGES = (
    Page("/mcp-sign-in/{server}", "person", show_server, leave),
    Page("/mcp-sign-in/{server}/callback", "person", come_back),
    Page(_LIST, "person", show_list, sign_out, menu="tool_servers.menu", of_somebody=True),
)
