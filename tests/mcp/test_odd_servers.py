"""Servers over HTTP that break what the protocol says: the caller learns what happened, nobody else is touched."""

from collections.abc import Iterator
from typing import Any

import httpx2
import jwt
import pytest
from mcp.shared.exceptions import MCPError

from tests.fakes.mcp_odd import Odd
from tests.fakes.serving import serving
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, InProcess, in_process
from tests.mcp.hub import client, texts

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


@pytest.fixture(scope="module")
def odd() -> Iterator[tuple[Odd, Odd, str, str]]:
    """Two servers, of which the second wants a token."""
    open_, closed = Odd(), Odd()
    closed.token = "token-of-ada"
    with serving(open_.app) as first, serving(closed.app) as second:
        yield open_, closed, f"{first}/mcp", f"{second}/mcp"


@pytest.fixture(scope="module")
def gateway(odd: tuple[Odd, Odd, str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    first, second = odd[2:]
    tokens = {"ada@example.com": "token-of-ada", "bob@example.com": "token-of-bob"}
    servers: dict[str, Any] = {
        "odd": {"url": first, "timeouts": {"call": 3}, "headers": {"x-team": "research"}},
        "signed": {"url": first, "auth": {"identity": "id_and_email"}},
        "tokens": {"url": second, "auth": {"user_tokens": tokens}},
        "static": {"url": second, "auth": {"token": "token-of-ada"}},
        "wrong": {"url": second},
        "repeats": {"url": first, "retry_read_only": True},
    }
    config = {
        "models": [],
        "open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"},
        "mcp": {"servers": servers},
    }
    with in_process(tmp_path_factory.mktemp("hub"), config) as running:
        yield running


def _key(gateway: InProcess, alias: str, *options: str) -> str:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    return process.key(alias, *options)


@pytest.mark.parametrize("front", ["legacy", "modern"])
@pytest.mark.parametrize(
    ("tool", "says"),
    [
        ("big", "larger than 16,777,216 bytes"),
        ("big_event", "larger than 16,777,216 bytes"),
        ("cut", "ended before its answer was complete"),
        ("html", "neither with JSON nor with a stream of events"),
        ("error", "HTTP 500"),
        ("redirect", "redirects to another address"),
        ("hangs", "did not answer within 3 s"),
    ],
)
async def test_broken_answers_are_told_to_the_model(gateway: InProcess, front: Any, tool: str, says: str) -> None:
    async with client(gateway, "/odd", front) as connected:
        result = await connected.call_tool(tool)
        assert result.is_error
        assert says in texts(result)[0]
        assert "169.254" not in texts(result)[0]
        assert "secret-host" not in texts(result)[0]
        assert texts(await connected.call_tool("plain")) == ["plain"]


@pytest.mark.parametrize("tool", ["not_json", "list", "null", "odd_error", "accepted"])
async def test_answers_that_are_none_are_errors(gateway: InProcess, tool: str) -> None:
    async with client(gateway, "/odd", "modern") as connected:
        with pytest.raises(MCPError) as refused:
            await connected.call_tool(tool)
        assert refused.value.code < 0
        assert texts(await connected.call_tool("plain")) == ["plain"]


async def test_odd_answers_that_can_be_read(gateway: InProcess) -> None:
    async with client(gateway, "/odd", "legacy") as connected:
        assert texts(await connected.call_tool("pieces")) == ["in pieces 値"]
        assert texts(await connected.call_tool("twice")) == ["first"]
        assert (await connected.call_tool("odd_content")).content == []


async def test_a_lost_session_is_opened_again(gateway: InProcess, odd: tuple[Odd, Odd, str, str]) -> None:
    server = odd[0]
    async with client(gateway, "/odd", "modern") as connected:
        await connected.call_tool("plain")
        server.forget()
        before = len(server.calls)
        assert texts(await connected.call_tool("plain")) == ["plain"]
        assert len(server.calls) == before + 1, "what was refused is sent once more, nothing twice"


async def test_only_harmless_calls_are_repeated(gateway: InProcess, odd: tuple[Odd, Odd, str, str]) -> None:
    server = odd[0]
    for path, tool, times in (("/odd", "cut", 1), ("/repeats", "cut", 2), ("/repeats", "error", 1)):
        async with client(gateway, path, "modern") as connected:
            before = len(server.calls)
            assert (await connected.call_tool(tool)).is_error
            assert len(server.calls) == before + times


async def test_each_person_has_the_own_token_and_no_other(gateway: InProcess, odd: tuple[Odd, Odd, str, str]) -> None:
    ada = _key(gateway, "ada", "--owner", "ada@example.com")
    bob = _key(gateway, "bob", "--owner", "bob@example.com")
    eve = _key(gateway, "eve", "--owner", "eve@example.com")
    async with client(gateway, "/tokens", "modern", key=ada) as connected:
        assert "token-of-ada" in texts(await connected.call_tool("who"))[0]
    for key in (bob, eve, gateway.key):
        async with client(gateway, "/tokens", "modern", key=key) as connected:
            result = await connected.call_tool("who")
            assert result.is_error
            assert "cannot be used" in texts(result)[0]
            assert "169.254" not in texts(result)[0]
    assert {headers["authorization"] for _, headers in odd[1].calls} == {"Bearer token-of-ada"}


async def test_a_token_for_everybody(gateway: InProcess) -> None:
    async with client(gateway, "/static", "legacy") as connected:
        assert "Bearer token-of-ada" in texts(await connected.call_tool("who"))[0]
    async with client(gateway, "/wrong", "modern") as connected:
        assert "cannot be used" in texts(await connected.call_tool("who"))[0]


async def test_what_a_server_is_told_of_the_caller(gateway: InProcess) -> None:
    key = _key(gateway, "chat", "--identity", "open-webui")
    headers = {"x-openwebui-user-id": "u1", "x-openwebui-user-email": "ada@example.com"}
    async with client(gateway, "/signed", "modern", key=key, headers=headers) as connected:
        told = httpx2.Response(200, content=texts(await connected.call_tool("who"))[0].encode()).json()
    assert told["authorization"] == "", "the caller's key never goes on"
    claims = jwt.decode(told["x-openwebui-user-jwt"], IDENTITY_SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["email"]) == ("u1", "ada@example.com")
    async with client(gateway, "/odd", "modern", key=key, headers=headers) as connected:
        plain = httpx2.Response(200, content=texts(await connected.call_tool("who"))[0].encode()).json()
    assert plain == {"authorization": "", "x-openwebui-user-jwt": "", "x-team": "research"}
