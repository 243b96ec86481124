"""A company whose tool servers want people to sign in, and those people's browsers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.console.person import Browser, forms_of, signed
from tests.fixtures.gateway import ADMIN_KEY, InProcess, in_process

CONFIG: dict[str, Any] = {
    "admin_key": "${ADMIN_KEY}",
    "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
    "models": [],
}


class Company:
    """A gateway with the key of its Open WebUI."""

    def __init__(self, gateway: InProcess) -> None:
        self.gateway = gateway
        self.url = gateway.url
        self.key = make_key(gateway, "chat", identity="open-webui")

    def headers(self, who: str, **claims: Any) -> dict[str, str]:
        """Return with what Open WebUI calls for a person."""
        return {"authorization": f"Bearer {self.key}", "x-openwebui-user-jwt": token(who, **claims)}

    def browser(self, who: str) -> "Person":
        """Return the browser of a person who is signed in at the gateway."""
        person = Person(self, who)
        answer = httpx2.post(f"{self.url}/v1/me/console-link", headers=self.headers(who), timeout=30)
        assert answer.status_code == 200, answer.text
        person.enter(answer.json()["url"])
        return person

    def accounts(self, who: str) -> dict[str, dict[str, Any]]:
        answer = httpx2.get(f"{self.url}/v1/me/tool-servers", headers=self.headers(who), timeout=30)
        assert answer.status_code == 200, answer.text
        return {each["server"]: each for each in answer.json()["data"]}

    def sign_out(self, who: str, server: str) -> dict[str, Any]:
        answer = httpx2.delete(f"{self.url}/v1/me/tool-servers/{server}", headers=self.headers(who), timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


class Person(Browser):
    """A browser whose person is known to the issuers, too."""

    def __init__(self, company: Company, who: str) -> None:
        super().__init__(company.url)
        self.company = company
        self.who = who

    def sign_in(self, link: str) -> httpx2.Response:
        """Sign in at a tool server: through the page, to the issuer, and back. Gives the last page."""
        return self.return_to(self.visit_issuer(self.leave(link)))

    def leave(self, link: str) -> str:
        """Agree on the page; gives the address of the issuer to which the browser is sent."""
        page = self.get(link)
        assert page.status_code == 200, page.text
        sent = self.post(link, forms_of(page)[-1].fields)
        assert sent.status_code == 200, sent.text
        found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', sent.text)
        assert found, sent.text
        return unescape(found.group(1))

    def visit_issuer(self, url: str) -> str:
        """Sign in at an issuer; gives the address to which it sends the browser back."""
        answer = httpx2.get(url, headers={"x-user": self.who}, timeout=30)
        assert answer.status_code == 302, (answer.status_code, answer.text)
        return answer.headers["location"]

    def return_to(self, url: str) -> httpx2.Response:
        parts = urlsplit(url)
        return self.get(f"{self.company.url}{parts.path}?{parts.query}")


def token(who: str, **claims: Any) -> str:
    return signed(**{"sub": f"id-{who}", "email": f"{who}@example.com", "name": who, **claims})


def make_key(gateway: InProcess, alias: str, **more: Any) -> str:
    headers = {"authorization": f"Bearer {ADMIN_KEY}"}
    made = httpx2.post(f"{gateway.url}/admin/keys", headers=headers, json={"alias": alias, **more}, timeout=60)
    assert made.status_code == 200, made.text
    return str(made.json()["key"])


@contextmanager
def company(folder: Path, servers: dict[str, Any], **more: Any) -> Iterator[Company]:
    """Serve a gateway with these tool servers."""
    with in_process(folder, {**CONFIG, "mcp": {"servers": servers}, **more}) as gateway:
        yield Company(gateway)
