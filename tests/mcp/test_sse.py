"""HTTP with SSE, the transport of 2024-11-05: directly, through the company's proxy, under the company's authority."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from mcp.server.sse import SseServerTransport
from starlette.types import Receive, Scope, Send

from tests.fakes.mcp_everything.serving import Everything
from tests.fakes.serving import serving
from tests.fakes.wire import WebProxy, saying
from tests.fixtures.gateway import in_process
from tests.mcp.hub import ERAS, Era, client, texts

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
