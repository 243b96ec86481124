"""A person with a browser: cookies are kept, forms are sent with what their page holds."""

import re
import time
from html.parser import HTMLParser
from typing import Any

import httpx2
import jwt

from tests.fixtures.gateway import ADMIN_KEY, IDENTITY_SECRET


class Form:
    """A form of a page."""

    def __init__(self, attributes: dict[str, str | None]) -> None:
        self.action = attributes.get("action")
        self.method = (attributes.get("method") or "get").lower()
        self.fields: dict[str, str] = {}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(Form(attributes))
        elif tag == "input" and self.forms and (name := attributes.get("name")):
            self.forms[-1].fields[name] = attributes.get("value") or ""


def forms_of(page: httpx2.Response) -> list[Form]:
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def signed(**claims: Any) -> str:
    """Return a signed identity as Open WebUI makes it."""
    return jwt.encode({"iss": "open-webui", "exp": time.time() + 60, **claims}, IDENTITY_SECRET, "HS256")


class Browser:
    """A browser at one gateway."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        nothing_kept = httpx2.Limits(max_keepalive_connections=0)  # so nothing has to be closed
        self.http = httpx2.Client(base_url=url, timeout=60, trust_env=False, headers=headers, limits=nothing_kept)

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(path, headers=headers)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
        sent = {"origin": self.url, "sec-fetch-site": "same-origin", **headers}
        return self.http.post(path, data=fields, headers=sent)

    def submit(self, page: httpx2.Response, action: str | None = None, /, **fields: str) -> httpx2.Response:
        """Send the form of a page that goes to `action` (None: to itself) with some fields filled in."""
        form = next(form for form in forms_of(page) if form.action == action and form.method == "post")
        return self.post(action or page.request.url.path, {**form.fields, **fields})

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Open where a redirect leads."""
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])

    def enter(self, link: str) -> httpx2.Response:
        """Open a one-time link and press its button."""
        path = link.removeprefix(re.match(r"https?://[^/]+", link)[0])  # type: ignore[index]
        return self.submit(self.get(path))

    def with_admin_key(self, key: str = ADMIN_KEY, next_: str = "/console") -> httpx2.Response:
        page = self.http.get("/console/sign-in", params={"next": next_})
        return self.submit(page, "/console/sign-in", admin_key=key)
