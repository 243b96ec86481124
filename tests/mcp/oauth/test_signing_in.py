"""People sign in at tool servers, each for themselves: from the call that needs it to the tool's answer."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import pytest

from tests.fakes.oauth import Issuer, Protected, issuing, protected
from tests.mcp.hub import ERAS, Era, client, texts
from tests.mcp.oauth.people import Company, company

OAUTH: dict[str, Any] = {"auth": {"oauth": {}}}


class Place:
    """A company, its issuer, and a server of each era."""

    def __init__(self, company_: Company, issuer: Issuer, servers: dict[str, Protected]) -> None:
        self.company, self.issuer, self.servers = company_, issuer, servers

    def path(self, who: str, server: str) -> str:
        """Return the path of a person's link, as a call that needs it gives it."""
        return link_of(asyncio.run(self.call(who, server)))

    async def call(self, who: str, server: str, era: Era = "modern", tool: str = "test_simple_text") -> Any:
        headers = self.company.headers(who)
        async with client(self.company.gateway, f"/{server}", era, self.company.key, headers=headers) as asking:
            return await asking.call_tool(tool, {})

    def sign_in(self, who: str, server: str) -> httpx2.Response:
        return self.company.browser(who).sign_in(self.path(who, server))


def link_of(result: Any) -> str:
    assert result.is_error, result
    link: str = result.meta["sekisho/error"]["sign_in"]
    assert link in texts(result)[0]
    return "/" + link.split("/", 3)[3]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with (
        issuing() as issuer,
        protected(issuer, era="legacy") as legacy,
        protected(issuer, era="modern") as modern,
    ):
        servers = {"legacy": legacy, "modern": modern}
        configured = {name: {"url": each.url, "title": f"The {name}", **OAUTH} for name, each in servers.items()}
        with company(tmp_path_factory.mktemp("oauth"), configured) as found:
            yield Place(found, issuer, servers)


@pytest.mark.parametrize(
    ("language", "words"), [("ja", "サインインしてください"), ("en", "Please sign in"), (5, "Please sign in")]
)
def test_the_link_comes_in_the_language_that_a_request_tells(place: Place, language: Any, words: str) -> None:
    """Open WebUI's connection has no header for it; the filter and the tool of the pack tell it."""

    async def call() -> Any:
        headers, meta = place.company.headers("reader"), cast(Any, {"sekisho/language": language})
        async with client(place.company.gateway, "/modern", "modern", place.company.key, headers=headers) as asking:
            return await asking.call_tool("test_simple_text", {}, meta=meta)

    assert words in texts(asyncio.run(call()))[0]


@pytest.mark.parametrize("front", ERAS)
@pytest.mark.parametrize("server", ERAS)
def test_from_the_link_to_the_answer(place: Place, front: Era, server: Era) -> None:
    who = f"{front}-{server}"
    refused = asyncio.run(place.call(who, server, front))
    assert refused.meta["sekisho/error"]["code"] == "mcp_sign_in_needed"

    done = place.company.browser(who).sign_in(link_of(refused))

    assert done.status_code == 303, done.text
    answered = asyncio.run(place.call(who, server, front))
    assert texts(answered) == ["This is a simple text response for testing."]
    assert {subject for subject, _ in place.servers[server].seen[-1:]} == {who}
    assert place.company.accounts(who)[server]["issuer"] == f"{place.issuer.url}/"
