"""What is HTTP, and what is refused: the kinds of case that h11, llhttp and httpcore are tested with, and attacks."""

from collections.abc import Callable, Iterator

import pytest

from tests.serving.conftest import Running

Serve = Callable[..., Running]

GET = b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    running = Running({})
    yield running
    running.stop()


def post(*headers: bytes, body: bytes = b"", path: bytes = b"/a", version: bytes = b"1.1") -> bytes:
    lines = b"".join(header + b"\r\n" for header in (b"host: x", *headers))
    return b"POST " + path + b" HTTP/" + version + b"\r\n" + lines + b"\r\n" + body


ACCEPTED = {
    "no body": (GET, b"GET /a "),
    "a length": (post(b"content-length: 5", b"connection: close", body=b"hello"), b"POST /a hello"),
    "chunks": (
        post(b"transfer-encoding: chunked", b"connection: close", body=b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
        b"POST /a hello",
    ),
    "chunk extensions": (
        post(b"transfer-encoding: chunked", b"connection: close", body=b'5;a=b;c="d"\r\nhello\r\n0\r\n\r\n'),
        b"POST /a hello",
    ),
    "trailers": (
        post(b"transfer-encoding: chunked", b"connection: close", body=b"5\r\nhello\r\n0\r\nx-late: 1\r\n\r\n"),
        b"POST /a hello",
    ),
    "hexadecimal sizes": (
        post(b"transfer-encoding: chunked", b"connection: close", body=b"000A\r\n0123456789\r\n0\r\n\r\n"),
        b"POST /a 0123456789",
    ),
    "a whole address": (b"GET http://other/a?b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"GET /a "),
    "names in capitals": (
        b"POST /a HTTP/1.1\r\nHOST: x\r\nCONTENT-LENGTH: 1\r\nConnection: Close\r\n\r\n!",
        b"POST /a !",
    ),
    "an escaped path": (b"GET /a%20b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"GET /a b "),
    "HTTP/1.0 without a host": (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a "),
    "an upgrade nobody follows": (
        b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n",
        b"GET /a ",
    ),
    "empty lines before": (b"\r\n\r\n" + GET, b"GET /a "),
}

REFUSED = {
    "both lengths": post(b"content-length: 5", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "both lengths, the other way": post(b"transfer-encoding: chunked", b"content-length: 5", body=b"0\r\n\r\n"),
    "two lengths": post(b"content-length: 5", b"content-length: 6", body=b"hello!"),
    "a negative length": post(b"content-length: -1"),
    "a length with a plus": post(b"content-length: +5", body=b"hello"),
    "a length in hexadecimal": post(b"content-length: 0x5", body=b"hello"),
    "a length as a list": post(b"content-length: 5, 5", body=b"hello"),
    "a length beyond 64 bits": post(b"content-length: 99999999999999999999"),
    "an unknown encoding": post(b"transfer-encoding: gzip", body=b"hello"),
    "chunked that is not last": post(b"transfer-encoding: chunked, identity", body=b"0\r\n\r\n"),
    "chunked with a tail": post(b"transfer-encoding: chunkedx", body=b"0\r\n\r\n"),
    "a chunk size beyond 64 bits": post(b"transfer-encoding: chunked", body=b"fffffffffffffffff\r\n"),
    "a chunk size with a sign": post(b"transfer-encoding: chunked", body=b"-1\r\n"),
    "a chunk longer than its size": post(b"transfer-encoding: chunked", body=b"2\r\nhello\r\n0\r\n\r\n"),
    "a space before the colon": b"GET /a HTTP/1.1\r\nhost : x\r\n\r\n",
    "a folded header": b"GET /a HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n  2\r\n\r\n",
    "a header without a colon": b"GET /a HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n",
    "a header without a name": b"GET /a HTTP/1.1\r\nhost: x\r\n: 1\r\n\r\n",
    "a NUL in a value": b"GET /a HTTP/1.1\r\nhost: x\r\nx-a: 1\x002\r\n\r\n",
    "a carriage return in a value": b"GET /a HTTP/1.1\r\nhost: x\r\nx-a: 1\r2\r\n\r\n",
    "no host": b"GET /a HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /a HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version 2.0": b"GET /a HTTP/2.0\r\nhost: x\r\n\r\n",
    "version 1.9": b"GET /a HTTP/1.9\r\nhost: x\r\n\r\n",
    "no version": b"GET /a\r\n\r\n",
    "an unknown method": b"FETCH /a HTTP/1.1\r\nhost: x\r\n\r\n",
    "a method in small letters": b"get /a HTTP/1.1\r\nhost: x\r\n\r\n",
    "an upgrade with a body": post(b"connection: upgrade", b"upgrade: h2c", b"content-length: 5", body=b"hello"),
    "CONNECT": b"CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n",
    "a space in the address": b"GET /a b HTTP/1.1\r\nhost: x\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_http_is_served(server: Running, name: str) -> None:
    sent, expected = ACCEPTED[name]
    answer = server.ask(sent)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + expected)


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_may_come_byte_by_byte(server: Running, name: str) -> None:
    sent, expected = ACCEPTED[name]
    with server.client() as client:
        for byte in sent[:-1]:
            client.send(bytes([byte]))
        assert client.ask(sent[-1:]).endswith(expected)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_is_refused_and_the_connection_closed(server: Running, name: str) -> None:
    before = len(server.app.seen)
    answer = server.ask(REFUSED[name], seconds=5)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer
    assert b"\r\nconnection: close\r\n" in answer
    assert b'"code":"malformed_http"' in answer
    assert answer.count(b"HTTP/1.1 400") == 1
    assert len(server.app.seen) == before, "a request came out of what is none"


def test_a_smuggled_request_is_never_served(server: Running) -> None:
    hidden = b"GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n"
    for name, sent in REFUSED.items():
        server.ask(sent + hidden, seconds=5)
        assert all(path != "/hidden" for _, path, _ in server.app.seen), name


def test_a_trailer_is_no_header(server: Running) -> None:
    body = b"0\r\nauthorization: Bearer sk-stolen\r\n\r\n"
    server.ask(post(b"transfer-encoding: chunked", b"connection: close", body=body))
    assert all(name != b"authorization" for name, _ in server.app.scopes[-1]["headers"])


def test_requests_sent_ahead_are_answered_in_their_order(server: Running) -> None:
    first = post(b"content-length: 3", body=b"one")
    answer = server.ask(first + first.replace(b"one", b"two") + GET)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"POST /a one") < answer.index(b"POST /a two") < answer.index(b"GET /a ")


def test_far_too_many_requests_sent_ahead_are_not_kept(server: Running) -> None:
    answer = server.ask(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n" * 2000)
    assert 1 <= answer.count(b"HTTP/1.1 200 OK") <= 2000
    assert server.ask(GET).startswith(b"HTTP/1.1 200")


def test_garbage_behind_a_request_does_not_take_its_answer(server: Running) -> None:
    answer = server.ask(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n\x00\x01garbage")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"HTTP/1.1 400") <= 1


def test_a_connection_is_kept_and_closed_as_asked(server: Running) -> None:
    with server.client() as client:
        for _ in range(3):
            client.sendall(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
        answer = client.ask(GET)
    assert b"\r\nconnection: close\r\n" in answer


def test_head_has_no_body(server: Running) -> None:
    answer = server.ask(b"HEAD /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 8\r\n" in answer


def test_a_stream_for_http_1_0_ends_with_the_connection(server: Running) -> None:
    answer = server.ask(b"GET /stream HTTP/1.0\r\n\r\n")
    assert b"chunked" not in answer
    assert answer.endswith(b"data: one\n\nthe end\n\n")


def test_a_stream_for_http_1_1_is_chunked(server: Running) -> None:
    answer = server.ask(b"GET /stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert b"transfer-encoding: chunked\r\n" in answer
    assert answer.endswith(b"b\r\ndata: one\n\n\r\n9\r\nthe end\n\n\r\n0\r\n\r\n")


def test_a_client_that_waits_to_be_asked_is_asked(server: Running) -> None:
    with server.client() as client:
        client.sendall(post(b"content-length: 5", b"expect: 100-continue", b"connection: close"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.ask(b"hello").endswith(b"POST /a hello")


def test_a_client_that_waits_and_is_refused_is_not_asked(server: Running) -> None:
    answer = server.ask(post(b"content-length: 5", b"expect: 100-continue", path=b"/early"))
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"100 Continue" not in answer
    assert b"connection: close" in answer


def test_a_body_that_nobody_reads_does_not_hide_the_answer(server: Running) -> None:
    """A client that writes all before it reads must still learn why."""
    with server.client() as client:
        client.sendall(post(b"content-length: 20000000", path=b"/early") + b"x" * 20_000_000)
        assert client.recv(65536).startswith(b"HTTP/1.1 401")
        assert client.ask(GET).startswith(b"HTTP/1.1 200"), "the connection goes on behind the body"
