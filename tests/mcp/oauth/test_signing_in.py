"""People sign in at tool servers, each for themselves: from the call that needs it to the tool's answer."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import httpx2
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.console.person import forms_of
from tests.fakes.oauth import Issuer, Protected, issuing, protected
from tests.mcp.hub import ERAS, Era, client, texts, until
from tests.mcp.oauth.people import Company, company, make_key

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


ACCEPT = types.ElicitResult(action="accept")


@pytest.mark.parametrize("server", ERAS)
def test_a_newer_client_is_shown_the_link_and_the_call_goes_on(place: Place, server: Era) -> None:
    """The person signs in while the client shows the link; then the same call has its result."""
    who, asked = f"asked-{server}", list[Any]()

    async def show(context: Any, params: Any) -> types.ElicitResult:
        asked.append(params)
        await asyncio.to_thread(lambda: place.company.browser(who).sign_in("/" + params.url.split("/", 3)[3]))
        return ACCEPT

    async def run() -> Any:
        headers = place.company.headers(who, language="ja-JP")
        path, key = f"/{server}", place.company.key
        gateway = place.company.gateway
        async with client(gateway, path, "modern", key, headers=headers, elicitation_callback=show) as asking:
            names = [tool.name for tool in (await asking.list_tools()).tools]
            assert names == ["sign_in"]
            done = await asking.call_tool("sign_in", {})
            return done, await asking.call_tool("test_simple_text", {})

    done, answered = asyncio.run(run())
    assert not done.is_error, done
    assert texts(answered) == ["This is a simple text response for testing."]
    assert len(asked) == 1
    assert asked[0].mode == "url"
    assert f"The {server}" in asked[0].message
    assert "サインイン" in asked[0].message
    assert who not in asked[0].url


def test_a_newer_client_whose_person_does_not_want_to(place: Place) -> None:
    async def decline(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="decline")

    async def run() -> Any:
        headers, company_ = place.company.headers("declines"), place.company
        async with client(
            company_.gateway, "/modern", "modern", company_.key, headers=headers, elicitation_callback=decline
        ) as asking:
            return await asking.call_tool("test_simple_text", {})

    answered = asyncio.run(run())
    assert answered.is_error
    assert "did not want to sign in" in texts(answered)[0]
    assert link_of(answered)


def test_an_older_client_is_told_by_an_error_and_when_it_is_done(place: Place) -> None:
    who, told = "older", list[str]()

    async def never(context: Any, params: Any) -> types.ElicitResult:
        raise AssertionError("it is not asked, it is told")

    async def heard(message: Any) -> None:
        if getattr(message, "method", "") == "notifications/elicitation/complete":
            told.append(message.params.elicitation_id)

    async def run() -> None:
        headers, company_ = place.company.headers(who), place.company
        options: dict[str, Any] = {"headers": headers, "elicitation_callback": never, "message_handler": heard}
        async with client(company_.gateway, "/legacy", "legacy", company_.key, **options) as asking:
            with pytest.raises(MCPError) as raised:
                await asking.call_tool("test_simple_text", {})
            assert raised.value.code == -32042
            (asked,) = raised.value.data["elicitations"]
            assert asked["mode"] == "url"
            path = "/" + asked["url"].split("/", 3)[3]
            await asyncio.to_thread(lambda: company_.browser(who).sign_in(path))
            await until(lambda: told)
            assert told == [asked["elicitationId"]]
            assert texts(await asking.call_tool("test_simple_text", {}))

    asyncio.run(run())


def test_a_link_of_somebody_else(place: Place) -> None:
    path = place.path("alice", "modern")
    mallory = place.company.browser("mallory")
    page = mallory.get(path)
    assert page.status_code == 403
    assert "not yours" in page.text
    assert mallory.post(path, {"csrf": "x"}).status_code == 403
    assert mallory.get(f"{path.partition('=')[0]}={'0' * 32}").status_code == 403
    # Without a session the person is led to sign in, and back.
    nobody = place.company.browser("alice")
    nobody.http.cookies.clear()
    away = nobody.get(path)
    assert away.status_code == 303
    assert away.headers["location"].startswith("/console/sign-in?next=%2Fmcp-sign-in%2Fmodern")


def test_an_answer_that_another_person_or_browser_brings_back(place: Place) -> None:
    for thief in ("mallory2", "alice2"):  # alice2 in a second browser of her own
        alice = place.company.browser("alice2")
        back = alice.visit_issuer(alice.leave("/mcp-sign-in/modern"))
        stolen = place.company.browser(thief).return_to(back)
        assert stolen.status_code == 403, stolen.text
        assert "somebody else" in stolen.text
        assert alice.return_to(back).status_code == 400, "it was used up"
        assert not place.company.accounts(thief)["modern"]["signed_in"]


def test_the_page_says_where_and_for_what_in_both_languages(place: Place) -> None:
    alice = place.company.browser("reader")
    english, japanese = (alice.get(f"/mcp-sign-in/modern?lang={each}") for each in ("en", "ja"))
    for page in (english, japanese):
        assert f"{place.issuer.url}/" in page.text
        assert "offline_access" in page.text
        assert "The modern" in page.text
    assert "act in your name" in english.text
    assert "あなたの権限で" in japanese.text
    assert alice.get("/mcp-sign-in/nobody").status_code == 404


def test_who_signs_out_is_signed_out(place: Place) -> None:
    who = "leaves"
    assert place.sign_in(who, "modern").status_code == 303
    alice = place.company.browser(who)
    page = alice.get("/console/tool-servers")
    assert "signed in at" in page.text
    before = len(place.issuer.revoked)
    assert place.company.sign_out(who, "modern") == {"server": "modern", "was_signed_in": True}
    assert len(place.issuer.revoked) == before + 2
    assert link_of(asyncio.run(place.call(who, "modern")))
    assert not place.company.accounts(who)["modern"]["signed_in"]
    again = place.sign_in(who, "modern")
    assert "signed_in=modern" in again.headers["location"]
    form = next(each for each in forms_of(alice.get("/console/tool-servers")) if each.fields.get("server"))
    assert alice.post("/console/tool-servers", form.fields).status_code == 303
    assert not place.company.accounts(who)["modern"]["signed_in"]


def test_who_signs_out_everywhere_stays_signed_in_there_as_the_page_says(place: Place) -> None:
    who = "everywhere"
    assert place.sign_in(who, "modern").status_code == 303
    browser = place.company.browser(who)
    page = browser.get("/console/account")
    assert "ツールサーバー」のページ" in page.text or "on the page “Tool servers”" in page.text
    before = len(place.issuer.revoked)
    browser.submit(page, "/console/sign-out", everywhere="1")
    assert browser.get("/console").status_code == 303
    assert place.company.accounts(who)["modern"]["signed_in"], "its issuer was told nothing, and no row of the audit"
    assert place.company.sign_out(who, "modern") == {"server": "modern", "was_signed_in": True}
    assert len(place.issuer.revoked) == before + 2


def test_a_token_that_the_server_refuses_is_refreshed_and_then_given_up(place: Place) -> None:
    who, server = "refused", place.servers["modern"]
    place.sign_in(who, "modern")
    asyncio.run(place.call(who, "modern"))
    place.issuer.access.pop(server.tokens[-1])
    answered = asyncio.run(place.call(who, "modern"))
    assert answered.is_error, "it was given a moment ago: another one would be refused as well"
    assert link_of(answered)


def test_two_people_at_once_are_never_mixed(place: Place) -> None:
    """Forty people's calls at the same time, through both eras; the servers say who each of them was."""
    people = [f"person-{number}" for number in range(4)]
    for who in people:
        for server in ERAS:
            assert place.sign_in(who, server).status_code == 303
    for each in place.servers.values():
        each.seen.clear()
        each.tokens.clear()

    async def run() -> None:
        async def calls(who: str, server: Era) -> None:
            headers = place.company.headers(who)
            async with client(place.company.gateway, f"/{server}", "modern", place.company.key, headers=headers) as ask:
                results = await asyncio.gather(*(ask.call_tool("test_simple_text", {}) for _ in range(10)))
                assert not any(result.is_error for result in results)

        await asyncio.gather(*(calls(who, server) for who in people for server in ERAS))

    asyncio.run(run())
    for each in place.servers.values():
        assert each.mixed == []
        counted = [subject for subject, _ in each.seen]
        assert all(counted.count(who) >= 10 for who in people)
        assert set(counted) == set(people)
        owners = {token: place.issuer.access[token].subject for token in each.tokens}
        assert [owners[token] for token in each.tokens] == counted


def test_another_account_at_the_issuer_gets_other_connections(place: Place) -> None:
    """A session of an older server belongs to the account that opened it."""
    alice = place.company.browser("switches")
    for account in ("account-1", "account-2"):
        alice.who = account
        assert alice.sign_in("/mcp-sign-in/legacy").status_code == 303
        assert texts(asyncio.run(place.call("switches", "legacy")))
        assert place.servers["legacy"].seen[-1][0] == account
    assert place.servers["legacy"].mixed == []


def test_a_key_without_an_owner_cannot_sign_in(place: Place) -> None:
    async def run() -> Any:
        async with client(place.company.gateway, "/modern", "modern") as asking:
            assert (await asking.list_tools()).tools == []
            return await asking.call_tool("test_simple_text", {})

    answered = asyncio.run(run())
    assert answered.is_error
    assert "names no person" in texts(answered)[0]


def test_a_key_of_a_person_and_the_chat_share_a_sign_in(place: Place) -> None:
    who = "owner"
    place.sign_in(who, "modern")
    key = make_key(place.company.gateway, "hers", owner=f"{who}@EXAMPLE.com")

    async def run() -> Any:
        async with client(place.company.gateway, "/modern", "legacy", key) as asking:
            return await asking.call_tool("test_simple_text", {})

    assert not asyncio.run(run()).is_error


def test_the_audit_has_both_and_no_token(place: Place) -> None:
    place.sign_in("audited", "modern")
    place.company.sign_out("audited", "modern")
    files = [each for each in place.company.gateway.data_dir.rglob("*") if each.is_file() and "audit" in str(each)]
    rows = b"".join(each.read_bytes() for each in files)
    assert b"consent.given" in rows
    assert b"consent.withdrawn" in rows
    assert not any(token.encode() in rows for token in place.issuer.access)
