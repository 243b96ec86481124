"""Nobody without a key costs anything: sizes, counts and times of a connection are bounded."""

import json
import resource
import time
from collections.abc import Callable

import pytest

from tests.serving.conftest import Client, Running

Serve = Callable[..., Running]

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
CLOSING = b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1]) if answer else 0


def code(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"])


@pytest.mark.parametrize(
    "head",
    [
        b"GET /a HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 3000 + b"\r\n\r\n",
        b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /a?" + b"a" * 3000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\n" + b"x-a: 123456789\r\n" * 90 + b"x-b: " + b"b" * 2000 + b"\r\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\n" + b"n" * 3000 + b": 1\r\n\r\n",
    ],
    ids=["a value", "the path", "the query", "all together", "a name"],
)
def test_a_head_has_a_greatest_size(serve: Serve, head: bytes) -> None:
    server = serve(max_head_bytes=2048)
    answer = server.ask(head)
    assert (status(answer), code(answer)) == (431, "head_too_large")
    assert status(server.ask(CLOSING)) == 200


def test_a_head_without_end_is_cut_off(serve: Serve) -> None:
    server = serve(max_head_bytes=2048)
    with server.client() as client:
        answer = client.ask(b"GET /a HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 5000)
    assert status(answer) == 431


def test_a_long_body_behind_a_short_head_is_no_long_head(serve: Serve) -> None:
    server = serve(max_head_bytes=1024)
    body = b"x" * 200_000
    sent = b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert server.ask(sent + body).endswith(body)


def test_headers_have_a_greatest_number(serve: Serve) -> None:
    server = serve(max_header_fields=20)
    answer = server.ask(b"GET /a HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 25 + b"\r\n")
    assert (status(answer), code(answer)) == (431, "too_many_headers")
    assert (
        status(server.ask(b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + b"a: b\r\n" * 18 + b"\r\n")) == 200
    )


def test_a_head_has_a_greatest_time_however_steadily_it_drips(serve: Serve) -> None:
    server = serve(head_seconds=0.5)
    with server.client() as client:
        client.sendall(b"GET /a HTTP/1.1\r\nhost: x\r\nx: ")
        for _ in range(40):
            try:
                client.send(b"a")
            except ConnectionError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("a head dripped for four seconds")


def test_a_connection_that_never_asks_is_closed(serve: Serve) -> None:
    server = serve(head_seconds=0.5)
    with server.client() as client:
        assert client.closed(4)


def test_a_kept_connection_may_be_idle_for_its_own_time(serve: Serve) -> None:
    server = serve(head_seconds=0.5, idle_seconds=3)
    with server.client() as client:
        client.sendall(GET)
        client.recv(65536)
        assert not client.closed(1.8)
        client.sendall(GET)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert client.closed(6)


def test_the_second_head_of_a_connection_has_the_same_time(serve: Serve) -> None:
    server = serve(head_seconds=0.5, idle_seconds=30)
    with server.client() as client:
        client.sendall(GET)
        client.recv(65536)
        answer = client.ask(b"GET /a HTTP/1.1\r\nhost", seconds=5)
    assert (status(answer), code(answer)) == (408, "request_timeout")


def test_a_body_has_a_greatest_time(serve: Serve) -> None:
    server = serve(body_seconds=0.5)
    with server.client() as client:
        client.sendall(b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
        for _ in range(40):
            try:
                client.send(b"a")
            except ConnectionError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("a body dripped for four seconds")
    assert server.app.left == ["/a"], "the application was told"


def test_a_body_that_nobody_reads_has_a_greatest_time_too(serve: Serve) -> None:
    server = serve(body_seconds=0.5)
    with server.client() as client:
        client.sendall(b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
        assert client.recv(65536).startswith(b"HTTP/1.1 401")
        assert client.closed(5)


def test_an_answer_may_take_longer_than_its_request(serve: Serve) -> None:
    server = serve(head_seconds=0.3, body_seconds=0.3, idle_seconds=0.3)
    assert server.ask(b"GET /silent HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").endswith(b"the end\n\n")


def test_a_client_that_does_not_read_is_left(serve: Serve) -> None:
    server = serve(write_seconds=1)
    with server.client() as client:
        client.sendall(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        deadline = time.monotonic() + 10
        while not server.app.left and time.monotonic() < deadline:
            time.sleep(0.05)
    assert server.app.left == ["/flood"]


def test_an_address_has_so_many_connections(serve: Serve) -> None:
    server = serve(max_connections_per_address=5)
    held = [server.client() for _ in range(5)]
    for each in held:
        each.sendall(b"GET /silent HTTP/1.1\r\nhost: x\r\n\r\n")
    time.sleep(0.2)
    with server.client() as further:
        assert further.closed(1)
    for each in held:
        each.close()
    time.sleep(0.3)
    assert status(server.ask(CLOSING)) == 200
    assert len(server.app.connections) == 0


def test_idle_connections_make_way_for_a_request(serve: Serve) -> None:
    server = serve(max_connections_per_address=5, head_seconds=30)
    held = [server.client() for _ in range(20)]
    held[0].close()
    assert status(server.ask(CLOSING)) == 200
    assert len(server.app.connections) <= 5
    for each in held:
        each.close()


def test_a_trusted_proxy_has_as_many_as_it_wants(serve: Serve) -> None:
    server = serve(max_connections_per_address=2, trusted_proxies=["127.0.0.0/8"])
    held = [server.client() for _ in range(8)]
    assert status(held[-1].ask(CLOSING)) == 200
    for each in held:
        each.close()


@pytest.mark.parametrize("path", ["/stream", "/silent"])
def test_a_client_that_only_stopped_sending_gets_its_answer(serve: Serve, path: str) -> None:
    server = serve()
    with server.client() as client:
        client.sendall(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % path.encode())
        time.sleep(0.2)
        client.shutdown(1)
        answer = client.rest()
    assert b"the end\n\n" in answer
    assert server.app.left == []


@pytest.mark.parametrize("path", ["/stream", "/silent"])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_client_that_leaves_is_noticed_within_a_second(serve: Serve, path: str, version: str) -> None:
    server = serve()
    with server.client() as client:
        client.sendall(f"GET {path} HTTP/{version}\r\nhost: x\r\n\r\n".encode())
        if path == "/stream":
            client.recv(65536)
        time.sleep(0.2)
    left = time.monotonic()
    while not server.app.left and time.monotonic() < left + 1.5:
        time.sleep(0.01)
    assert server.app.left == [path]
    assert server.app.left_at - left < 1


def test_a_thousand_heads_without_end_are_no_memory(serve: Serve) -> None:
    """Each connection holds what a head may have, and no more."""
    server = serve(max_head_bytes=4096, head_seconds=30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clients: list[Client] = []
    for _ in range(200):
        client = server.client()
        client.setblocking(False)
        clients.append(client)
    for _ in range(100):
        for client in clients:
            try:
                client.send(b"x: " + b"a" * 20_000)
            except OSError:
                continue
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    for client in clients:
        client.close()
    assert grown < 100 * 1024, f"{grown} KiB for 200 connections"


def test_an_empty_line_between_requests_is_no_request_that_is_late(serve: Serve) -> None:
    """Its answer would be taken for that of the next request."""
    server = serve(head_seconds=0.5, idle_seconds=30)
    with server.client() as client:
        client.sendall(GET)
        client.recv(65536)
        client.sendall(b"\r\n")
        assert client.rest(4) == b""


def test_a_running_answer_is_no_idle_connection(serve: Serve) -> None:
    server = serve(max_connections_per_address=1, head_seconds=30)
    with server.client() as client:
        client.sendall(b"GET /silent HTTP/1.1\r\nhost: x\r\n\r\nGET /a HTTP/1.1\r\n")
        time.sleep(0.2)
        with server.client() as further:
            assert further.closed(1)
        client.sendall(b"host: x\r\nconnection: close\r\n\r\n")
        answers = client.rest()
    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_an_answer_that_nobody_fetches_does_not_keep_a_closed_connection(serve: Serve) -> None:
    server = serve(write_seconds=1)
    with server.client() as client:
        body = b"x" * 8_000_000
        client.sendall(
            b"POST /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        deadline = time.monotonic() + 8
        while len(server.app.connections) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(server.app.connections) == 0
