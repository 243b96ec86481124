"""A certified authorization server, npm's `oidc-provider`, gives the tokens: JWTs that name the tool server."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import msgspec
import pytest

from gateway.mcp.oauth.failures import OAuthFailed
from gateway.mcp.oauth.records import Grant
from gateway.mcp.oauth.service import OAuth
from tests.fakes.oauth import Protected, protected
from tests.mcp import node
from tests.mcp.hub import client, texts
from tests.mcp.oauth.flows import OURS, WIKI, flow
from tests.mcp.oauth.people import Company, Person, company
from tests.signin import certified
from tests.signin.certified import AtProvider

SCRIPT = Path(__file__).parent / "issuer.mjs"


class Tokens:
    """Stands for what an issuer has given: a token is what its key has signed."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks")

    def get(self, token: str) -> Any:
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, ["RS256"], issuer=self._issuer, options={"verify_aud": False})
        except jwt.PyJWTError:
            return None
        return SimpleNamespace(subject=claims["sub"], resource=claims["aud"], scopes=claims.get("scope", "").split())


@contextmanager
def serving(resource_lifetime: int = 600) -> Iterator[tuple[str, Protected]]:
    """Serve an issuer and a tool server that believes it."""
    certified._installed()
    issuer: Any = SimpleNamespace(url="http://127.0.0.1:9", access={})
    with protected(issuer) as server:
        process = subprocess.Popen(
            [str(node.node()), str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin
        assert process.stdout
        try:
            given = {"resource": server.url, "scopes": ["tools:read"], "lifetime": resource_lifetime}
            process.stdin.write(f"{json.dumps(given)}\n")
            process.stdin.flush()
            url = json.loads(process.stdout.readline())["issuer"]
            issuer.access = Tokens(url)
            server.instead["/.well-known/oauth-protected-resource/mcp"] = certified_metadata(server.url, url)
            yield url, server
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def certified_metadata(resource: str, issuer: str) -> Any:
    from starlette.responses import JSONResponse

    named = {"resource": resource, "authorization_servers": [issuer], "scopes_supported": ["tools:read"]}
    return JSONResponse(named)


def test_two_people_with_pages_and_a_browser(tmp_path: Path) -> None:
    with (
        serving() as (issuer, server),
        company(tmp_path, {"wiki": {"url": server.url, "auth": {"oauth": {}}}}) as place,
    ):
        for who in ("alice", "bob"):
            person = place.browser(who)
            assert sign_in(place, person, issuer) == 303
            assert texts(asyncio.run(call(place, who)))
        assert {subject for subject, _ in server.seen} == {"alice", "bob"}
        for who in ("alice", "bob"):
            assert place.accounts(who)["wiki"]["scopes"] == ["tools:read"]
            assert place.sign_out(who, "wiki")["was_signed_in"]
            assert asyncio.run(call(place, who)).is_error


def sign_in(place: Company, person: Person, issuer: str) -> int:
    url = person.leave("/mcp-sign-in/wiki")
    assert url.startswith(f"{issuer}/auth?")
    back = AtProvider().sign_in(url, person.who, f"{place.url}/mcp-sign-in/wiki/callback")
    return person.return_to(back).status_code


async def call(place: Company, who: str) -> Any:
    headers = place.headers(who)
    async with client(place.gateway, "/wiki", "modern", place.key, headers=headers) as asking:
        return await asking.call_tool("test_simple_text", {})


def test_tokens_are_rotated_and_revoked(tmp_path: Path) -> None:
    with serving() as (_, server):

        async def work(oauth: OAuth) -> None:
            url = await oauth.signing_in.begin("wiki", "alice", "b", OURS)
            back = await asyncio.to_thread(AtProvider().sign_in, url, "alice", OURS.redirect)
            grant = await oauth.signing_in.finish("wiki", back.partition("?")[2], "alice", "b")
            assert grant.refresh
            assert (grant.relation.issuer, grant.relation.resource) == (grant.relation.issuer, server.url)
            renewed = await oauth.tokens.renewed(WIKI, grant.access, server.url, ())
            assert renewed
            assert renewed.access != grant.access
            assert renewed.refresh != grant.refresh
            # A refresh token that was used before is a stolen one: the issuer ends the whole grant.
            await oauth.store.save("alice", stolen(renewed, grant))
            oauth.tokens.forget(WIKI)
            assert await oauth.tokens.renewed(WIKI, renewed.access, server.url, ()) is None
            assert await oauth.store.find(*WIKI) is None

        flow(tmp_path, server.url, work)


def stolen(renewed: Grant, before: Grant) -> Grant:
    return msgspec.structs.replace(renewed, refresh=before.refresh)


def test_a_wrong_verifier(tmp_path: Path) -> None:
    with serving() as (_, server):

        async def work(oauth: OAuth) -> None:
            one = await oauth.signing_in.begin("wiki", "alice", "b", OURS)
            two = await oauth.signing_in.begin("wiki", "alice", "b", OURS)
            backs = [await asyncio.to_thread(AtProvider().sign_in, each, "alice", OURS.redirect) for each in (one, two)]
            queries = [dict(part.split("=", 1) for part in back.partition("?")[2].split("&")) for back in backs]
            mixed = {**queries[0], "code": queries[1]["code"]}
            with pytest.raises(OAuthFailed, match="token_refused"):
                await oauth.signing_in.finish("wiki", "&".join(f"{k}={v}" for k, v in mixed.items()), "alice", "b")

        flow(tmp_path, server.url, work)
