"""What odd and hostile requests get: an answer of the protocol, and never a failure of the gateway."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.fixtures.gateway import InProcess, in_process
from tests.mcp.hub import everything

VERSION = "2026-07-28"
_META = "io.modelcontextprotocol/"
META = {f"{_META}protocolVersion": VERSION, f"{_META}clientCapabilities": {}}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": VERSION,
    "mcp-method": "tools/call",
    "mcp-name": "echo",
}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {}, "_meta": META}}
ASKS = {f"{_META}protocolVersion": VERSION, f"{_META}clientCapabilities": {"elicitation": {}}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with everything("legacy") as servers:
        config = {"models": [], "mcp": {"servers": {"one": {"url": servers["legacy"][1]}}, "max_parked": 1}}
        with in_process(tmp_path_factory.mktemp("bad"), config) as running:
            yield running


def _with(path: str, value: Any) -> bytes:
    """Return the call with one member changed; `path` with dots."""
    changed = json.loads(json.dumps(CALL))
    *parents, last = path.split(".")
    place = changed
    for each in parents:
        place = place[each]
    place[last] = value
    return json.dumps(changed).encode()


def _post(gateway: InProcess, body: bytes, **headers: str) -> httpx2.Response:
    return gateway.post("/mcp/one", content=body, headers={**HEADERS, **headers})


_WHOLE = json.dumps(CALL).encode()


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (_WHOLE, {}, 200, None),
        (_with("id", "text"), {}, 200, None),
        (_with("id", -5), {}, 200, None),
        (_with("id", 2**80), {}, 200, None),
        (_with("id", None), {}, 400, -32600),
        (_with("id", True), {}, 400, -32600),
        (_with("id", [1]), {}, 400, -32600),
        (_with("id", {"a": 1}), {}, 400, -32600),
        (_with("jsonrpc", "1.0"), {}, 400, -32600),
        (_with("jsonrpc", None), {}, 400, -32600),
        (_with("method", 5), {}, 400, -32600),
        (_with("method", "tools/none"), {"mcp-method": "tools/none"}, 404, -32601),
        (_with("method", ""), {"mcp-method": ""}, 404, -32601),
        (_with("params", []), {}, 400, None),
        (_with("params", None), {}, 400, -32602),
        (_with("params._meta", None), {}, 400, -32602),
        (_with("params._meta", []), {}, 400, -32602),
        (_with(f"params._meta.{'x'}", 1), {}, 200, None),
        (_with("params.name", "other"), {}, 400, -32020),
        (_with("params.name", 5), {}, 400, None),
        (_with("params.arguments", "text"), {}, 400, -32602),
        (_with("params.arguments", {"深い": "値", "a": [[[[1]]]]}), {}, 200, None),
        (_with("params.requestState", "odd"), {}, 400, -32602),
        (_with("params.requestState", 5), {}, 400, -32602),
        (_WHOLE, {"mcp-method": "tools/list"}, 400, -32020),
        (_WHOLE, {"mcp-protocol-version": "2099-01-01"}, 400, None),
        (_WHOLE, {"mcp-protocol-version": "2025-11-25"}, 400, None),
        (_WHOLE, {"accept": "application/json"}, 406, None),
        (_WHOLE, {"content-type": "text/plain"}, 400, None),
        (_WHOLE, {"mcp-session-id": "stolen"}, 200, None),
        (_WHOLE, {"content-encoding": "gzip"}, 415, None),
        (b"[" + _WHOLE + b"]", {}, 400, -32600),
        (b"[]", {}, 400, -32600),
        (b"", {}, 400, -32700),
        (b"nothing", {}, 400, -32700),
        (b"\xff\xfe", {}, 400, -32700),
        (_WHOLE[:-1], {}, 400, -32700),
        (b"[" * 100_000, {}, 400, -32700),
        (b'{"a":' * 50_000, {}, 400, -32700),
        (_WHOLE.replace(b'"arguments": {}', b'"arguments": {"n": NaN}'), {}, None, None),
        (_WHOLE.replace(b'"arguments": {}', b'"arguments": {"t": "\\ud800"}'), {}, None, None),
        (_WHOLE.replace(b'"arguments": {}', b'"arguments": {"n": 1e999}'), {}, None, None),
    ],
)
def test_odd_calls(
    gateway: InProcess, body: bytes, headers: dict[str, str], status: int | None, code: int | None
) -> None:
    answer = _post(gateway, body, **headers)
    assert answer.status_code < 500
    if status is not None:
        assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["error"]["code"] == code
    assert "Traceback" not in answer.text


def test_a_header_twice(gateway: InProcess) -> None:
    given = [*HEADERS.items(), ("authorization", f"Bearer {gateway.key}"), ("mcp-name", "echo")]
    answer = httpx2.post(f"{gateway.url}/mcp/one", content=_WHOLE, headers=given)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32020


def test_too_many_calls_wait(gateway: InProcess) -> None:
    params = {"name": "test_elicitation", "arguments": {"message": "Who?"}, "_meta": ASKS}
    body = json.dumps({**CALL, "params": params}).encode()
    first = _post(gateway, body, **{"mcp-name": "test_elicitation"})
    assert first.json()["result"]["resultType"] == "input_required"
    second = _post(gateway, body, **{"mcp-name": "test_elicitation"})
    assert (second.status_code, second.headers["retry-after"]) == (503, "30")
    assert "Too many calls wait" in second.json()["error"]["message"] or second.json()["error"]["data"]["reason"]
    assert gateway.record(second).error_code == "overloaded"


@pytest.mark.parametrize("path", ["/mcp/%2e%2e%2fadmin", "/mcp/one/x/y", "/mcp/view/%00", "/mcp/view/a/b"])
def test_paths_that_lead_nowhere(gateway: InProcess, path: str) -> None:
    assert gateway.post(path, content=_WHOLE, headers=HEADERS).status_code in (400, 404)


@pytest.mark.parametrize(("verb", "status"), [("PUT", 405), ("PATCH", 405), ("HEAD", 405), ("OPTIONS", 405)])
def test_other_verbs(gateway: InProcess, verb: str, status: int) -> None:
    answer = httpx2.request(verb, f"{gateway.url}/mcp/one", headers={"authorization": f"Bearer {gateway.key}"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" + _WHOLE + b"]", "batches are not taken"),
        (b"null", "an object with 'jsonrpc': '2.0'"),
        (_with("jsonrpc", "1.0"), "an object with 'jsonrpc': '2.0'"),
        (_with("id", None), "The 'id' of a message"),
        (_with("id", 1.5), "The 'id' of a message"),
        (_with("id", {}), "The 'id' of a message"),
        (_with("id", False), "The 'id' of a message"),
        (_with("method", 5), "The 'method' of a message"),
        (_with("params", [1]), "The 'params' of a message"),
    ],
)
def test_what_is_no_message_is_told_to_an_older_client(gateway: InProcess, body: bytes, says: str) -> None:
    older = {name: value for name, value in HEADERS.items() if not name.startswith("mcp-")}
    answer = gateway.post("/mcp/one", content=body, headers=older)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)
    assert says in answer.json()["error"]["message"]
    assert "pydantic" not in answer.text
