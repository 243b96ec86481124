"""Tokens: refreshed ahead by one process for all, rotated, revoked, never another's."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.records import Grant
from gateway.mcp.oauth.service import OAuth
from gateway.mcp.oauth.signing_in import belongs
from tests.fakes.oauth import Issuer, Protected, issuing, protected
from tests.mcp.oauth.flows import OURS, WIKI, configured, flow, service, sign_in, to_issuer

Setting = tuple[Issuer, Protected]


@pytest.fixture(scope="module")
def servers() -> Iterator[Setting]:
    with issuing() as issuer, protected(issuer) as server:
        yield issuer, server


@pytest.fixture
def setting(servers: Setting) -> Setting:
    for each in servers:
        each.reset()
    return servers


async def aged(oauth: OAuth, grant: Grant, seconds: float = 3590) -> Grant:
    """Let a grant be older than it is."""
    ends = (grant.expires_at or 0) - seconds
    older = msgspec.structs.replace(grant, expires_at=ends, obtained_at=grant.obtained_at - seconds)
    await oauth.store.save("alice", older)
    oauth.tokens.forget(WIKI)
    return older


def test_two_processes_with_many_requests_refresh_once(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def run() -> None:
        config = configured(tmp_path, server.url)
        async with AsyncExitStack() as stack:
            processes = [await stack.enter_async_context(service(config)) for _ in range(2)]
            before = await aged(processes[0], await sign_in(processes[0]))
            asked = [each.tokens.grant(WIKI, server.url, ()) for each in processes for _ in range(20)]
            grants = await asyncio.gather(*asked)
            assert issuer.refreshes == 1
            assert len({grant.access for grant in grants if grant}) == 1
            assert None not in grants
            found = await processes[1].store.find(*WIKI)
            assert found
            assert (found.id, found.since) == (before.id, before.since)
            assert found.access != before.access
            assert found.refresh != before.refresh

    asyncio.run(run())


def test_a_refused_token_is_refreshed_once_too(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def run() -> None:
        config = configured(tmp_path, server.url)
        async with AsyncExitStack() as stack:
            processes = [await stack.enter_async_context(service(config)) for _ in range(2)]
            token = (await sign_in(processes[0])).access
            asked = [each.tokens.renewed(WIKI, token, server.url, ()) for each in processes for _ in range(10)]
            assert len({grant.access for grant in await asyncio.gather(*asked) if grant} - {token}) == 1
            assert issuer.refreshes == 1

    asyncio.run(run())


def test_a_revoked_grant_needs_a_new_sign_in(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def work(oauth: OAuth) -> None:
        await aged(oauth, await sign_in(oauth))
        issuer.forget()
        assert await oauth.tokens.grant(WIKI, server.url, ()) is None
        assert await oauth.store.find(*WIKI) is None
        assert await oauth.store.count("wiki") == 0

    flow(tmp_path, server.url, work)


def test_an_issuer_that_is_away_costs_nobody_a_token_that_works(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def work(oauth: OAuth) -> None:
        grant = await aged(oauth, await sign_in(oauth))
        issuer.instead["/token"] = PlainTextResponse("", 503)
        for _ in range(3):
            found = await oauth.tokens.grant(WIKI, server.url, ())
            assert found
            assert found.access == grant.access
        assert issuer.asked.count("/token") == 2, "the sign-in's, and one refresh that failed"
        await aged(oauth, grant, 10)  # its life is over now
        with pytest.raises(OAuthFailed, match="token_refused"):
            await oauth.tokens.grant(WIKI, server.url, ())
        assert await oauth.store.find(*WIKI), "the sign-in is kept for when the issuer is back"
        del issuer.instead["/token"]
        renewed = await oauth.tokens.grant(WIKI, server.url, ())
        assert renewed
        assert renewed.access != grant.access

    flow(tmp_path, server.url, work)


def test_a_grant_without_a_refresh_token_ends_with_its_token(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting
    issuer.change_tokens = lambda tokens: tokens.pop("refresh_token")

    async def work(oauth: OAuth) -> None:
        grant = await aged(oauth, await sign_in(oauth))
        assert (await oauth.tokens.grant(WIKI, server.url, ())) == grant
        await aged(oauth, grant, 11)
        assert await oauth.tokens.grant(WIKI, server.url, ()) is None

    flow(tmp_path, server.url, work)


def test_signing_out_revokes_at_the_issuer(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def work(oauth: OAuth) -> None:
        grant = await sign_in(oauth)
        assert await oauth.store.count("wiki") == 1
        assert await oauth.signing_in.end(*WIKI)
        assert not await oauth.signing_in.end(*WIKI)
        assert issuer.revoked == [grant.refresh, grant.access]
        assert await oauth.store.of("alice") == []
        assert await oauth.store.count("wiki") == 0

    flow(tmp_path, server.url, work)


def test_an_issuer_that_is_away_does_not_keep_anybody_signed_in(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting
    issuer.instead["/revoke"] = PlainTextResponse("", 500)

    async def work(oauth: OAuth) -> None:
        await sign_in(oauth)
        assert await oauth.signing_in.end(*WIKI)
        assert await oauth.store.find(*WIKI) is None

    flow(tmp_path, server.url, work)


def test_the_gateway_registers_once_a_server_and_issuer(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def run() -> None:
        config = configured(tmp_path, server.url)
        async with AsyncExitStack() as stack:
            processes = [await stack.enter_async_context(service(config)) for _ in range(2)]
            begun = [
                each.signing_in.begin("wiki", f"person-{number}", "b", OURS)
                for each in processes
                for number in range(5)
            ]
            await asyncio.gather(*begun)
            assert len(issuer.clients) == 1

    asyncio.run(run())


def test_a_registration_that_its_issuer_forgot_is_made_anew(tmp_path: Path, setting: Setting) -> None:
    issuer, server = setting

    async def work(oauth: OAuth) -> None:
        answer = await to_issuer(oauth)
        issuer.clients.clear()
        with pytest.raises(OAuthFailed, match="token_refused"):
            await oauth.signing_in.finish("wiki", answer, "alice", "b")
        assert await sign_in(oauth)

    flow(tmp_path, server.url, work)


def test_nothing_readable_is_stored(tmp_path: Path, setting: Setting) -> None:
    _, server = setting

    async def work(oauth: OAuth) -> Grant:
        return await sign_in(oauth)

    grant = flow(tmp_path, server.url, work)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    assert kept
    for secret in (grant.access, grant.refresh, "alice", grant.relation.client.secret):
        assert secret
        assert secret.encode() not in kept


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"issuer": "https://other.example"}, False),
        ({"client_id": "other"}, False),
        ({"scopes": ["read"]}, True),
    ],
)
def test_a_changed_configuration_needs_a_new_sign_in(
    tmp_path: Path, setting: Setting, change: dict[str, Any], same: bool
) -> None:
    _, server = setting
    grant = flow(tmp_path, server.url, sign_in)
    mcp = configured(tmp_path, server.url, **change).mcp
    assert mcp
    assert belongs(grant, mcp.servers["wiki"]) is same
    moved = configured(tmp_path, "https://elsewhere.example/mcp").mcp
    assert moved
    assert not belongs(grant, moved.servers["wiki"])


def test_scopes_that_are_wanted_later_are_asked_for_beside_the_old_ones(tmp_path: Path, setting: Setting) -> None:
    from gateway.mcp.oauth.records import Wanted

    issuer, server = setting
    server.instead["/.well-known/oauth-protected-resource/mcp"] = JSONResponse(
        {"resource": server.url, "authorization_servers": [f"{issuer.url}/"], "scopes_supported": ["read"]}
    )

    async def work(oauth: OAuth) -> None:
        first = await sign_in(oauth)
        assert set(first.asked) == {"read", "offline_access"}
        await oauth.store.want(*WIKI, Wanted(("write",), ""))
        second = await sign_in(oauth)
        assert set(second.asked) == {"read", "offline_access", "write"}
        assert set(issuer.access[second.access].scopes) == {"read", "offline_access", "write"}
        assert second.id != first.id

    flow(tmp_path, server.url, work)


def test_a_refresh_that_another_process_began_and_never_ended(tmp_path: Path, setting: Setting) -> None:
    """The lock of a process that was killed ends by itself; until then the token is not refreshed twice."""
    _, server = setting

    async def work(oauth: OAuth) -> None:
        await aged(oauth, await sign_in(oauth))
        assert await oauth.store._expiring.put("mcp_lock", "x", b"", 0.5, id_='["refresh","wiki","alice"]')
        began = time.monotonic()
        assert await oauth.tokens.grant(WIKI, server.url, ())
        assert time.monotonic() > began

    flow(tmp_path, server.url, work)
