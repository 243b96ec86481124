"""Media by address over real sockets: what is fetched, and everything that a server or an address may try."""

import asyncio
import base64
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.fetching.fetcher import MOST_MEDIA, MediaFetcher, Wanted
from gateway.fetching.guard import Guard, NotFetched, place_of
from gateway.upstream.destination import proxy_of
from tests.fakes.wire import Caller, WebProxy, saying

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
LOOPBACK = Guard((ip_network("127.0.0.0/8"),))
PUBLIC = Guard()


def answer(body: bytes, media_type: str = "image/png", **headers: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


class Web:
    """A server that answers each path with bytes, and remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Callable[[Caller], Awaitable[None]]] = {}
        self.asked: list[str] = []

    async def serve(self, caller: Caller) -> None:
        head = (await caller.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.asked.append(head)
        page = self.pages[head.split(" ", 2)[1]]
        if isinstance(page, bytes):
            await caller.say(page)
        else:
            await page(caller)


@pytest.fixture
async def web() -> AsyncIterator[tuple[Web, str]]:
    found = Web()
    async with saying(found.serve) as address:
        yield found, address


async def fetch(url: str, guard: Guard = LOOPBACK, kind: str = "image", most: int = 10_000, seconds: float = 30) -> Any:
    wanted = Wanted(kind, url)
    return (await MediaFetcher().fetch([wanted], guard, most, seconds))[wanted]


async def refused(url: str, guard: Guard = LOOPBACK, **more: Any) -> str:
    with pytest.raises(InvalidRequest) as raised:
        await fetch(url, guard, **more)
    assert (raised.value.status, raised.value.code) == (400, "media_not_fetched")
    return raised.value.message


async def test_an_image_is_fetched_without_anything_of_the_caller(web: tuple[Web, str]) -> None:
    web[0].pages["/a%20b.png?x=%E7%8C%AB"] = answer(PNG, "application/octet-stream")
    found = await fetch(f"{web[1]}/a b.png?x=猫#part")
    assert (found.media_type, base64.b64decode(found.data)) == ("image/png", PNG)
    names = {line.partition(":")[0] for line in web[0].asked[0].split("\r\n")[1:] if line}
    assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}


@pytest.mark.parametrize(
    ("kind", "body", "said", "expected"),
    [
        ("image", b"\xff\xd8\xff\xe0", "text/html", "image/jpeg"),
        ("image", b"GIF89a", "", "image/gif"),
        ("image", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", "image/webp"),
        ("document", b"%PDF-1.7", "application/octet-stream", "application/pdf"),
        ("document", "猫".encode(), "text/plain; charset=utf-8", "text/plain"),
        ("document", b"a,b", "text/csv", "text/csv"),
        ("document", PNG, "application/octet-stream", "image/png"),
        ("audio", b"RIFF\0\0\0\0WAVE", "application/octet-stream", "audio/wav"),
        ("audio", b"\0\1", "audio/mpeg", "audio/mpeg"),
    ],
)
async def test_kinds(web: tuple[Web, str], kind: str, body: bytes, said: str, expected: str) -> None:
    web[0].pages["/x"] = answer(body, said)
    assert (await fetch(f"{web[1]}/x", kind=kind)).media_type == expected


@pytest.mark.parametrize(
    ("kind", "body", "said", "words"),
    [
        ("image", b"<html>", "image/png", "it is no image"),
        ("image", b"", "image/png", "it is no image"),
        ("image", b"%PDF-1.7", "application/pdf", "it is no image"),
        ("image", b"<svg>", "image/svg+xml", "it is no image"),
        ("document", b"\0\1", "application/octet-stream", "it is no document"),
        ("document", b"MZ", "application/x-msdownload", "it is no document"),
        ("audio", b"<html>", "text/html", "it is no sound"),
    ],
)
async def test_what_is_none_of_its_kind(web: tuple[Web, str], kind: str, body: bytes, said: str, words: str) -> None:
    web[0].pages["/x"] = answer(body, said)
    told = await refused(f"{web[1]}/x", kind=kind)
    assert words in told
    assert f"'{web[1]}/x'" in told


# Addresses.


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://127.1:{port}/x",
        "http://2130706433:{port}/x",
        "http://0x7f000001:{port}/x",
        "http://0177.0.0.1:{port}/x",
        "http://0.0.0.0:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://[::1]:{port}/x",
        "http://１２７.０.０.１:{port}/x",
        "http://127。0。0。1:{port}/x",
        "http://ⓛocalhost:{port}/x",
        "http://localhost.:{port}/x",
        "HTTP://LOCALHOST:{port}/x",
        "http://nobody.invalid/x",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_nothing_of_our_own_is_asked(web: tuple[Web, str], url: str) -> None:
    web[0].pages["/x"] = answer(PNG)
    told = await refused(url.format(port=web[1].rpartition(":")[2]), PUBLIC)
    assert "its host is not a public one" in told or "a name that cannot be" in told
    assert not web[0].asked


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/x", "only addresses that begin with"),
        ("file:///etc/passwd", "only addresses that begin with"),
        ("gopher://127.0.0.1/x", "only addresses that begin with"),
        ("http:///x", "only addresses that begin with"),
        ("//example.com/x", "only addresses that begin with"),
        ("http://user:secret@example.com/x", "leave them out"),
        ("http://user@example.com/x", "leave them out"),
        ("http://example.com@127.0.0.1/x", "leave them out"),
        ("http://example.com:0/x", "no web address"),
        ("http://example.com:99999/x", "no web address"),
        ("http://[::1/x", "no web address"),
        ("http://exa\r\nmple.com/x", "no web address"),
        ("http://example.com/\r\nx: y", "no web address"),
        ("http://example.com/\0", "no web address"),
        ("http://" + "a" * 9000, "no web address"),
        ("http://" + "猫" * 64 + ".example/x", "a name that cannot be"),
    ],
)
async def test_what_is_no_address(url: str, words: str) -> None:
    assert words in await refused(url, PUBLIC)


def test_a_url_never_breaks_the_request_line() -> None:
    place = place_of('https://BÜCHER.example:8443/a\\b "<>`{}|^?q=é%zz')
    assert place.authority == "xn--bcher-kva.example:8443"
    assert place.target.isascii()
    assert not set(place.target) & set(' "<>\\^`{|}\r\n')


@given(
    st.text(max_size=60)
    | st.builds(
        "{}://{}{}".format, st.sampled_from(["http", "https", "HTTP", "ftp", ""]), st.text(max_size=30), st.text()
    )
)
def test_any_text_is_an_address_or_none(url: str) -> None:
    try:
        place = place_of(url)
    except NotFetched:
        return
    line = f"GET {place.target} HTTP/1.1\r\nhost: {place.authority}\r\n"
    assert line.isascii()
    assert line.count("\r\n") == line.count("\n") == line.count("\r") == 2
    assert place.target.split() == [place.target]
    assert 0 < place.port < 65536


async def test_a_host_with_one_private_address_is_none_of_the_web(
    web: tuple[Web, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is resolved once; what it means the next time, as an attacker's does, is never asked."""
    answers = [["93.184.215.14", "127.0.0.1"], ["93.184.215.14"], ["127.0.0.1"]]
    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers[len(asked) - 1]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    assert "not a public one" in await refused("http://rebinding.example/x", PUBLIC)
    destination, addresses = await PUBLIC.destination(place_of("http://rebinding.example/x"))
    assert [each[4][0] for each in addresses] == ["93.184.215.14"]
    assert (destination.host, asked) == ("rebinding.example", ["rebinding.example"] * 2)
    with pytest.raises(NotFetched):
        await PUBLIC.destination(place_of("http://rebinding.example/x"))


async def test_hosts_may_be_allowed_by_name(web: tuple[Web, str]) -> None:
    web[0].pages["/x"] = answer(PNG)
    port = web[1].rpartition(":")[2]
    assert await fetch(f"http://localhost:{port}/x", Guard(hosts=("localhost",)))
    assert "not a public" in await refused(f"http://127.0.0.1:{port}/x", Guard(hosts=("localhost", ".example.com")))


# Redirects.


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


async def test_redirects_are_followed_three_times(web: tuple[Web, str]) -> None:
    for number in range(4):
        web[0].pages[f"/{number}"] = redirect(f"/{number + 1}", 301 + number % 3)
    web[0].pages["/4"] = answer(PNG)
    assert "redirects more than 3 times" in await refused(f"{web[1]}/0")
    assert (await fetch(f"{web[1]}/1")).media_type == "image/png"
    web[0].pages["/loop"] = redirect("/loop")
    assert "redirects more than 3 times" in await refused(f"{web[1]}/loop")


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/secret",
        "//127.0.0.2:{port}/secret",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1:{port}/secret",
        "http://[",
    ],
)
async def test_a_redirect_is_checked_as_the_first_address(web: tuple[Web, str], location: str) -> None:
    port = web[1].rpartition(":")[2]
    web[0].pages |= {"/x": redirect(location.format(port=port)), "/secret": answer(PNG)}
    only = Guard((ip_network("127.0.0.1/32"),))
    told = await refused(f"http://127.0.0.1:{port}/x", only)
    assert "169.254" not in told
    assert len(web[0].asked) == 1


# Servers that are slow, endless, or lie.


async def _endless(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await caller.say(b"2000\r\n" + PNG + b"\0" * (0x2000 - len(PNG)) + b"\r\n")


async def _silent(caller: Caller) -> None:
    await caller.reader.read()


async def _dripping(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9999\r\n\r\n")
    while True:
        await caller.say(b"\0")
        await asyncio.sleep(0.01)


async def _cut(caller: Caller) -> None:
    await caller.say(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 9999\r\n\r\n" + PNG)


async def _not_http(caller: Caller) -> None:
    await caller.say(b"SSH-2.0-OpenSSH_9.9\r\n")


BOMB = answer(gzip.compress(b"\0" * 10_000_000), content_encoding="gzip")


@pytest.mark.parametrize(
    ("page", "words", "seconds"),
    [
        (_endless, "larger than 10,000 bytes", 30),
        (answer(PNG + b"\0" * 20_000), "larger than 10,000 bytes", 30),
        (BOMB, "larger than 10,000 bytes|compresses it", 30),
        (answer(PNG, content_encoding="gzip"), "compresses it", 30),
        (_silent, "did not answer in time", 0.3),
        (_dripping, "did not answer in time", 0.3),
        (_cut, "cannot be reached", 30),
        (_not_http, "cannot be reached", 30),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "answered with status 404", 30),
        (b"HTTP/1.1 401 No\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n", "answered with status 401", 30),
        (b"HTTP/1.1 304 No\r\n\r\n", "answered with status 304", 30),
    ],
)
async def test_servers_that_do_not_give_it(web: tuple[Web, str], page: Any, words: str, seconds: float) -> None:
    web[0].pages["/x"] = page
    told = await refused(f"{web[1]}/x", seconds=seconds)
    assert any(each in told for each in words.split("|")), told


async def test_a_closed_port_is_told_without_its_reason() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        told = await refused(f"http://127.0.0.1:{probe.getsockname()[1]}/x")
    assert "its server cannot be reached" in told
    assert "Errno" not in told


# Several at once.


async def test_the_files_of_a_request_share_its_bytes(web: tuple[Web, str]) -> None:
    web[0].pages |= {f"/{number}": answer(PNG) for number in range(3)}
    wanted = [Wanted("image", f"{web[1]}/{number}") for number in range(3)]
    assert len(await MediaFetcher().fetch(wanted, LOOPBACK, 3 * len(PNG), 30)) == 3
    with pytest.raises(InvalidRequest, match="larger than"):
        await MediaFetcher().fetch(wanted, LOOPBACK, 3 * len(PNG) - 1, 30)


async def test_only_some_are_fetched_at_the_same_time(web: tuple[Web, str]) -> None:
    several, running, most = asyncio.Barrier(4), 0, 0

    async def together(caller: Caller) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await several.wait()
        running -= 1
        await caller.say(answer(PNG))

    web[0].pages |= {f"/{number}": together for number in range(8)}
    wanted = [Wanted("image", f"{web[1]}/{number}") for number in range(8)]
    assert len(await MediaFetcher().fetch(wanted, LOOPBACK, 10_000, 30)) == 8
    assert most == 4


async def test_one_that_fails_ends_the_others(web: tuple[Web, str]) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def waiting(caller: Caller) -> None:
        asked.set()
        await caller.reader.read()
        gone.set()

    async def missing(caller: Caller) -> None:
        await asked.wait()
        await caller.say(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n")

    web[0].pages |= {"/a": waiting, "/b": missing}
    wanted = [Wanted("image", f"{web[1]}/{name}") for name in "ab"]
    with pytest.raises(InvalidRequest, match="/b'"):
        await MediaFetcher().fetch(wanted, LOOPBACK, 10_000, 30)
    async with asyncio.timeout(30):
        await gone.wait()


async def test_too_many_are_refused_before_any_is_asked() -> None:
    wanted = [Wanted("image", f"http://example.com/{number}") for number in range(MOST_MEDIA + 1)]
    with pytest.raises(InvalidRequest, match="at most 50"):
        await MediaFetcher().fetch(wanted, PUBLIC, 10_000, 30)


# Through the company's proxy: never past it, and to the address that was checked.


async def test_the_proxy_is_asked_for_the_checked_address(
    web: tuple[Web, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def resolve(host: str, port: int, **more: Any) -> list[Any]:
        if host == "images.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]
        return await real(host, port, **more)

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    web[0].pages["/x"] = answer(PNG)
    proxy = WebProxy(("127.0.0.1", int(web[1].rpartition(":")[2])))
    async with saying(proxy.serve) as address:
        guard = Guard(proxy=proxy_of(address))
        assert (await fetch("http://images.example/x", guard)).media_type == "image/png"
        assert "not a public one" in await refused("http://127.0.0.1/x", guard)
        assert "not a public one" in await refused("http://localhost/x", guard)
        for name in ("metadata.google.internal", "wiki.corp", "printer.local.", "gpu1"):
            assert "not a public one" in await refused(f"http://{name}/x", guard)
    assert [each.split("\r\n")[0] for each in proxy.asked] == ["CONNECT 93.184.215.14:80 HTTP/1.1"]
    assert "host: images.example\r\n" in web[0].asked[0]


async def test_tls_is_checked_for_the_name(tmp_path: Path) -> None:
    import ssl

    import trustme

    authority, pem = trustme.CA(), tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(PNG))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        fetcher = MediaFetcher(tmp_path / "ca.pem")
        good, bad = (Wanted("image", f"https://{host}:{port}/x") for host in ("localhost", "127.0.0.1"))
        assert (await fetcher.fetch([good], LOOPBACK, 10_000, 30))[good].media_type == "image/png"
        for one, which in ((fetcher, bad), (MediaFetcher(), good)):
            with pytest.raises(InvalidRequest, match="cannot be reached"):
                await one.fetch([which], LOOPBACK, 10_000, 30)
