"""A page: its address, whom it is for, what it shows (GET) and does (POST)."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.api.client import ClientGone
from gateway.console.refusals import PageError
from gateway.console.security import is_from_here, same
from gateway.console.visit import Visit
from gateway.errors import ApiError
from gateway.runtime import Runtime
from gateway.sessions.cookies import START, set_cookie
from gateway.sessions.session import Role, Session
from gateway.sessions.signing import signed_in

log = logging.getLogger("sekisho.console")

Handler = Callable[[Visit], Awaitable[Response]]
SIGN_IN = "/console/sign-in"
FIRST = "/console"
_START_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Page:
    """A row of the table of pages."""

    path: str
    role: Role | None
    """The least role that sees it; None = everybody, signed in or not."""
    show: Handler | None = None
    act: Handler | None = None
    menu: str | None = None
    """Key of its words in the menu; None = it does not stand there."""
    of_somebody: bool = False
    """Whether it is about the person who is signed in: whoever has only the admin key does not see it in the menu."""

    @property
    def methods(self) -> list[str]:
        return ["GET", "POST"] if self.act else ["GET"]


def menu(pages: Sequence[Page], session: Session | None) -> list[Page]:
    """Return the pages that stand in a person's menu."""
    if session is None:
        return []
    rows = [page for page in pages if page.menu and page.role and session.may(page.role)]
    return [page for page in rows if session.is_somebody or not page.of_somebody]


class PageRoute:
    """The ASGI application of a page."""

    def __init__(self, runtime: Runtime, page: Page, pages: Sequence[Page]) -> None:
        self._runtime, self._page, self._pages = runtime, page, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._runtime.current.config.console is False:
            raise HTTPException(404)
        try:
            response = await self._answered(Request(scope, receive))
        except ClientGone:
            return
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        try:
            session, failed = await signed_in(self._runtime, request.scope), None
        except (SQLAlchemyError, OSError) as error:
            session, failed = None, error
        visit = Visit(self._runtime, request, session, menu(self._pages, session))
        try:
            if failed:
                raise failed
            return self._away(visit) or await self._handled(visit)
        except ApiError as error:
            return visit.refusal(error)
        except (SQLAlchemyError, OSError) as error:
            log.warning("a page cannot be shown: the database does not answer (%s)", type(error).__name__)
            return visit.refusal(PageError(503, "error.database"))
        except ClientGone:
            raise
        except Exception:
            log.exception("a page failed: %s", self._page.path)
            return visit.refusal(PageError(500, "error.internal"))

    def _away(self, visit: Visit) -> Response | None:
        """Return the way to the page for signing in, where one is needed. Raises `PageError` where it would not do."""
        if self._page.role is None:
            return None
        if visit.session is None:
            return visit.redirect(SIGN_IN, next=self._address(visit))
        if not visit.session.may(self._page.role):
            raise PageError(403, "error.role")
        return None

    def _address(self, visit: Visit) -> str:
        query = visit.request.scope["query_string"].decode("latin-1") if self._page.show else ""
        path = visit.request.scope["path"] if self._page.show else FIRST
        return f"{path}?{query}" if query else str(path)

    async def _handled(self, visit: Visit) -> Response:
        if visit.request.method != "POST":
            return await self._page.show(visit) if self._page.show else self._instead(visit)
        assert self._page.act
        await check_form(visit, of_session=self._page.role is not None)
        return await self._page.act(visit)

    def _instead(self, visit: Visit) -> Response:
        """Return the way to the first page where a page is only posted to: links of its error page lead here."""
        return visit.redirect(FIRST, **{name: visit.query[name] for name in ("lang", "theme") if name in visit.query})


async def check_form(visit: Visit, *, of_session: bool) -> None:
    """Read the form of a post. Raises `PageError` where it was not sent from a page that we showed to this browser."""
    if not is_from_here(visit.runtime.current.config, visit.request.scope):
        raise PageError(403, "error.foreign_form")
    await visit.read_form()
    expected = visit.csrf if of_session else visit.cookie(START) or ""
    if not same(visit.form.get("csrf" if of_session else "start", ""), expected):
        raise PageError(403, "error.stale_form")


def started(visit: Visit, template: str, status: int = 200, **context: Any) -> Response:
    """Return a page with a form for whoever is not signed in: field and cookie `start` must be the same."""
    token = visit.cookie(START) or secrets.token_urlsafe(32)
    response = visit.render(template, status, start=token, **context)
    set_cookie(response, visit.runtime.current.config, visit.request.scope, START, token, _START_SECONDS)
    return response
