"""HTTP with SSE, the transport of 2024-11-05: directly, through the company's proxy, under the company's authority."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from mcp.server.sse import SseServerTransport
from mcp.shared.exceptions import MCPError
from starlette.types import Receive, Scope, Send

from tests.fakes.mcp_everything.serving import Everything
from tests.fakes.mcp_sse import INSTRUCTIONS, OddSse
from tests.fakes.serving import serving
from tests.fakes.wire import WebProxy, saying
from tests.fixtures.gateway import InProcess, in_process
from tests.mcp.hub import ERAS, Era, client, hub, texts

_OLD = {"url": "https://tools.example.com/sse", "transport": "sse", "timeouts": {"open": 60}}


class _Sse:
    """An everything-server at `/sse`, as servers of 2024-11-05 are."""

    def __init__(self) -> None:
        self._server = Everything().server()
        self._transport = SseServerTransport("/messages")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            async with self._transport.connect_sse(scope, receive, send) as streams:
                await self._server.run(streams[0], streams[1], self._server.create_initialization_options())
        else:
            await self._transport.handle_post_message(scope, receive, send)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def place(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    pem = tmp_path_factory.mktemp("server") / "server.pem"
    authority.issue_cert("tools.example.com").private_key_and_cert_chain_pem.write_to_path(str(pem))
    with serving(_Sse(), ssl_certfile=pem) as url:
        yield "127.0.0.1", urlsplit(url).port or 0


@pytest.mark.parametrize("front", ERAS)
async def test_through_the_proxy_under_the_companys_authority(
    authority: trustme.CA, place: tuple[str, int], tmp_path: Path, front: Era
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    proxy = WebProxy(place)
    async with saying(proxy.serve) as address:
        outbound = address.replace("http://", "http://taro:p%40ss@")
        config = {
            "models": [],
            "server": {"outbound_proxy": outbound, "custom_ca": str(file)},
            "mcp": {"servers": {"old": _OLD}},
        }
        with in_process(tmp_path, config) as gateway:
            async with client(gateway, "/old", front) as connected:
                assert texts(await connected.call_tool("echo", {"text": "hello"}))
    assert all(head.startswith("CONNECT tools.example.com:443 HTTP/1.1\r\n") for head in proxy.asked)
    assert all("basic dGFybzpwQHNz" in head.replace("Basic", "basic") for head in proxy.asked)


async def test_an_authority_that_is_not_known(place: tuple[str, int], tmp_path: Path) -> None:
    proxy = WebProxy(place)
    async with saying(proxy.serve) as address:
        config = {"models": [], "server": {"outbound_proxy": address}, "mcp": {"servers": {"old": _OLD}}}
        with in_process(tmp_path, config) as gateway:
            async with client(gateway, "/old", "modern") as connected:
                told = await connected.call_tool("echo", {"text": "hello"})
    assert told.is_error
    assert "does not answer" in texts(told)[0]


_STRANGE = {
    "elsewhere": ("http://127.0.0.1:9/post", "it names an address of another server for messages"),
    "foreign": ("/p\u00f6st", "the address that it names for messages is none"),
    "spaced": ("/post x", "the address that it names for messages is none"),
}
"""Addresses that servers name for messages, and what is said of them."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OddSse, InProcess]]:
    server, bounds = OddSse(), {"message_bytes": 4 * 1024 * 1024}
    servers = {"odd": server, "fresh": OddSse(), **{name: OddSse(named) for name, (named, _) in _STRANGE.items()}}
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(each.app)) for name, each in servers.items()}
        entries = {name: {"url": f"{url}/sse", "transport": "sse", "bounds": bounds} for name, url in urls.items()}
        yield server, stack.enter_context(hub(tmp_path_factory.mktemp("odd"), entries))


async def test_large_results_and_too_large_ones(odd: tuple[OddSse, InProcess]) -> None:
    server, gateway = odd
    async with client(gateway, "/odd", "modern") as connected:
        before, sizes = server.streams, (3_000_000, 5_000_000, 7)
        told = [texts(await connected.call_tool("言う", {"size": size}))[0] for size in sizes]
    assert (len(told[0]), told[2]) == (3_000_000, "x" * 7)
    assert "its message is larger than 4,194,304 bytes" in told[1]
    assert server.streams > before


@pytest.mark.parametrize(
    ("status", "says", "opens"),
    [(400, "it answers with HTTP 400", 0), (404, "it no longer knows the connection", 1), (500, "ended", 1)],
)
async def test_a_message_that_is_refused(odd: tuple[OddSse, InProcess], status: int, says: str, opens: int) -> None:
    server, gateway = odd
    async with client(gateway, "/odd", "legacy") as connected:
        await connected.call_tool("言う", {"size": 1})
        before = server.streams
        try:
            told = texts(await connected.call_tool("言う", {"status": status}))[0]
        except MCPError as error:
            told = error.error.message
        assert texts(await connected.call_tool("言う", {"size": 3})) == ["xxx"]
    assert says in told
    assert server.streams == before + opens


async def test_who_stands_alone_is_known_from_the_start(odd: tuple[OddSse, InProcess]) -> None:
    async with client(odd[1], "/fresh", "legacy") as connected:
        assert connected.instructions == INSTRUCTIONS
        (tool,) = (await connected.list_tools()).tools
        assert [texts(await connected.call_tool(name, {"size": 2})) for name in (tool.name, "言う")] == [["xx"], ["xx"]]
    assert tool.name != "言う"


@pytest.mark.parametrize("name", _STRANGE)
async def test_addresses_that_are_not_called(odd: tuple[OddSse, InProcess], name: str) -> None:
    async with client(odd[1], f"/{name}", "modern") as connected:
        assert _STRANGE[name][1] in str((await connected.list_tools()).meta)
