"""One request of a person to a page: who it is, which language, what was typed, and how to answer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.api.client import read_body
from gateway.console.calls import Query, Reply, call
from gateway.console.refusals import remedy_of, title_of, words_of
from gateway.console.rendering import ENVIRONMENT, zone_of
from gateway.console.security import secure
from gateway.console.words import text
from gateway.errors import ApiError, Forbidden, InvalidRequest
from gateway.runtime import Runtime
from gateway.sessions.cookies import cookie, set_cookie
from gateway.sessions.session import Session
from gateway.wording.languages import BOTH, Language, languages

LANGUAGE, THEME = "sekisho-language", "sekisho-theme"
THEMES = ("auto", "light", "dark")
_YEAR = 366 * 86_400
_LARGEST_FORM = 64 * 1024
_MOST_FIELDS = 200
_LONGEST_QUERY = 8192
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Visit:
    """A request to a page. `form` is empty until a post was read."""

    def __init__(self, runtime: Runtime, request: Request, session: Session | None, menu: Sequence[Any] = ()) -> None:
        self.runtime, self.request, self.session, self.menu = runtime, request, session, menu
        self.query = dict(_pairs(request.scope["query_string"].decode("latin-1")[:_LONGEST_QUERY], None))
        self.language: Language = self._language()
        self.theme = self._one_of(self.query.get("theme"), THEMES) or self._cookie(THEME, THEMES) or "auto"
        self.form: dict[str, str] = {}
        self.fields: list[tuple[str, str]] = []
        """All fields of a form, for those that come several times."""

    @property
    def person(self) -> Session:
        """Return the session. Raises `Forbidden` where nobody is signed in; pages with a role never see that."""
        if self.session is None:
            raise Forbidden("Sign in first.")
        return self.session

    @property
    def zone(self) -> str | None:
        """Return the person's time zone by its IANA name; None for UTC."""
        name = self.session.person.timezone if self.session else None
        return name if name and zone_of(name) is not UTC else None

    def t(self, key: str, **values: object) -> str:
        """Return a text in the person's language."""
        return text(key, self.language, **values)

    async def read_form(self) -> None:
        """Read the fields of a post. Raises `InvalidRequest`, `TooLarge`."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise InvalidRequest(self.t("error.form"))
        body = await read_body(self.request.scope, self.request.receive, _LARGEST_FORM)
        self.fields = list(_pairs(body.decode("utf-8", "replace")))
        self.form = dict(self.fields)

    async def ask(self, method: str, path: str, *, query: Query = (), json: Any = None) -> Any:
        """Return the JSON of one of our routes. Raises `ApiError` as that refused."""
        return (await self.call(method, path, query=query, json=json)).data()

    async def call(
        self, method: str, path: str, *, query: Query = (), json: Any = None, until_gone: bool = False
    ) -> Reply:
        """Return the answer of one of our routes (`/v1/me/…`, `/admin/…`), refusals too.

        `until_gone`: it ends when the person's browser leaves, which can be seen once a post was read.
        """
        asked = {"query": query, "json": json, "until_gone": until_gone}
        return await call(self.request, self.person, self.language, method, path, **asked)

    def render(self, template: str, status: int = 200, form_action: Iterable[str] = (), **context: Any) -> Response:
        """Return a page. `form_action`: other origins to which its forms may lead."""
        page = ENVIRONMENT.get_template(template).render(
            t=self.t,
            language=self.language,
            theme=self.theme,
            session=self.session,
            zone=self.zone,
            path=self.request.scope["path"],
            menu=self.menu,
            switched=self.switched,
            csrf=self.csrf,
            query=self.query,
            **context,
        )
        return self.finish(HTMLResponse(page, status), form_action)

    def redirect(self, path: str, **query: str) -> Response:
        """Return a redirect to a page of ours, which is then asked for with GET."""
        return self.finish(RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303))

    def finish(self, response: Response, form_action: Iterable[str] = ()) -> Response:
        """Return a response with the headers of a page, and remember what was switched."""
        secure(response, form_action)
        for name, field, allowed in ((LANGUAGE, "lang", BOTH), (THEME, "theme", THEMES)):
            if value := self._one_of(self.query.get(field), allowed):
                set_cookie(response, self.runtime.current.config, self.request.scope, name, value, _YEAR)
        return response

    def refusal(self, error: ApiError) -> Response:
        """Return an error as a page."""
        return self.render(
            "error.html",
            error.status,
            heading=title_of(error, self.language),
            words=words_of(error, self.language),
            how=remedy_of(error, self.language),
        )

    @property
    def csrf(self) -> str:
        """Return the value of the hidden field `csrf`; empty on pages that have no form for a session."""
        return self.session.csrf if self.session else ""

    def switched(self, **query: str) -> str:
        """Return the address of this page with other values in its query."""
        return "?" + urlencode({**self.query, **query})

    def cookie(self, name: str) -> str | None:
        """Return one of our cookies."""
        return cookie(self.runtime.current.config, self.request.scope, name)

    def _language(self) -> Language:
        chosen = self._one_of(self.query.get("lang"), BOTH) or self._cookie(LANGUAGE, BOTH)
        claimed = chosen or (self.session.person.language if self.session else None)
        return languages(claimed, self.request.headers.get("accept-language"))[0]

    def _cookie(self, name: str, allowed: Iterable[str]) -> str | None:
        return self._one_of(self.cookie(name), allowed)

    @staticmethod
    def _one_of(value: str | None, allowed: Iterable[str]) -> str | None:
        return value if value in tuple(allowed) else None


def _pairs(text_: str, most: int | None = _MOST_FIELDS) -> Iterable[tuple[str, str]]:
    """Return the fields of a form or query, without control characters. Raises `InvalidRequest` for more than `most`.

    A query is short enough to have no such bound: there is no page yet that could tell of it.
    """
    try:
        found = parse_qsl(text_, keep_blank_values=True, errors="replace", max_num_fields=most)
    except ValueError as error:
        raise InvalidRequest("Too many fields.") from error
    return [(_NOT_SHOWN.sub("", name), _NOT_SHOWN.sub("", value)) for name, value in found]


def chosen(fields: Mapping[str, str], *names: str) -> dict[str, str]:
    """Return the named fields of a form, empty where they were not sent."""
    return {name: fields.get(name, "").strip() for name in names}
