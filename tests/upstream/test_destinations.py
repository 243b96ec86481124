"""TLS, the company's own authority, and its web proxy."""

import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
import uvicorn

from gateway.errors import ConfigError, UpstreamUnreachable
from gateway.upstream.client import UpstreamClient
from gateway.upstream.destination import destination_of, is_internal, proxy_of
from tests.fakes.upstream import FakeUpstream
from tests.fakes.wire import WebProxy, saying
from tests.upstream.conftest import Opened
from tests.upstream.test_connection import call

BODY = b'{"model":"echo","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"echo","stream":true,"messages":[{"role":"user","content":"hi"}]}'


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def custom_ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="module")
def secured(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The fake upstream under TLS, for the names localhost and model.example.com; its port."""
    pem = tmp_path_factory.mktemp("server") / "server.pem"
    authority.issue_cert("localhost", "model.example.com").private_key_and_cert_chain_pem.write_to_path(str(pem))
    config = uvicorn.Config(FakeUpstream(), port=0, log_config=None, lifespan="off", ssl_certfile=pem)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(10)


async def _asked(client: UpstreamClient, address: str) -> None:
    """Whole and streamed, twice: over a new connection and over the kept one."""
    for body in (BODY, STREAM) * 2:
        async with await client.send(call(address, stream=body is STREAM, body=body)) as answer:
            assert answer.status == 200
            assert b"Hello" in await answer.read_all()


async def test_tls_under_the_companys_authority(secured: int, custom_ca: Path, opened: Opened) -> None:
    await _asked(opened(custom_ca=custom_ca), f"https://localhost:{secured}")


async def test_an_authority_that_is_not_known(secured: int, opened: Opened) -> None:
    with pytest.raises(UpstreamUnreachable) as failed:
        await _asked(opened(), f"https://localhost:{secured}")
    assert isinstance(failed.value.__cause__, ssl.SSLCertVerificationError)


async def test_tls_through_the_proxy(secured: int, custom_ca: Path, opened: Opened) -> None:
    proxy = WebProxy(("127.0.0.1", secured))
    async with saying(proxy.serve) as address:
        outbound = address.replace("http://", "http://taro:p%40ss@")
        client = opened(outbound_proxy=outbound, custom_ca=custom_ca)
        await _asked(client, "https://model.example.com")
    assert len(proxy.asked) == 1, "the tunnel is kept"
    assert proxy.asked[0].startswith("CONNECT model.example.com:443 HTTP/1.1\r\n")
    assert "proxy-authorization: Basic dGFybzpwQHNz\r\n" in proxy.asked[0]


async def test_plain_http_through_the_proxy(upstream: tuple[FakeUpstream, str], opened: Opened) -> None:
    place = urlsplit(upstream[1])
    proxy = WebProxy((str(place.hostname), place.port or 0))
    async with saying(proxy.serve) as address:
        client = opened(outbound_proxy=address)
        await _asked(client, "http://model.example.com:8080")
    assert proxy.asked[0].startswith("POST http://model.example.com:8080/v1/chat/completions HTTP/1.1\r\n")


async def test_a_proxy_that_refuses(opened: Opened) -> None:
    proxy = WebProxy(("127.0.0.1", 9), refuses=True)
    async with saying(proxy.serve) as address:
        with pytest.raises(UpstreamUnreachable) as failed:
            await _asked(opened(outbound_proxy=address), "https://model.example.com")
    assert "407" in str(failed.value.__cause__)


async def test_neighbours_are_called_directly(upstream: tuple[FakeUpstream, str], opened: Opened) -> None:
    await _asked(opened(outbound_proxy="http://127.0.0.1:9"), upstream[1])


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("gpu1", True),
        ("localhost", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("fd00::1", True),
        ("8.8.8.8", False),
        ("api.openai.com", False),
        ("gpu.corp.example.com", True),
        ("corp.example.com", True),
        ("evilcorp.example.com", False),
    ],
)
def test_who_is_internal(host: str, near: bool) -> None:
    assert is_internal(host, [".corp.example.com"]) is near


def test_ways() -> None:
    proxy = proxy_of("http://proxy.example.com:3128")
    assert destination_of("https://api.openai.com/v1", proxy, ()).proxy == proxy
    assert destination_of("http://[::1]:8000/v1", proxy, ()) == destination_of("http://[::1]:8000", None, ())
    with pytest.raises(ConfigError, match="outbound_proxy"):
        proxy_of("socks5://proxy:1080")


def test_a_bad_authority_is_told_at_start(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(ConfigError, match="custom_ca"):
        UpstreamClient(custom_ca=file)
