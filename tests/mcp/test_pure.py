"""Names, addresses, views, capabilities, arguments and results: pure functions against tables."""

from contextlib import nullcontext
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from gateway.config.mcp import Mcp, McpServer
from gateway.errors import ApiError
from gateway.identity.policy import Policy
from gateway.mcp.capabilities import missing_for, relayed
from gateway.mcp.catalog.clean import clean_named, clean_tools
from gateway.mcp.catalog.merged import _matches
from gateway.mcp.catalog.schemas import mend
from gateway.mcp.front.security import check_headers
from gateway.mcp.names import LONGEST, public_name
from gateway.mcp.relay.arguments import wrong_argument
from gateway.mcp.relay.cutting import Rests, cut
from gateway.mcp.relay.failures import translated
from gateway.mcp.relay.results import for_client, readable, tool_result
from gateway.mcp.upstream.events import Event, EventStream
from gateway.mcp.uris import map_contents, public_uri, split_uri
from gateway.mcp.views import allowed_servers, may_use_rest, may_use_tool, view_of


@pytest.mark.parametrize(
    ("server", "name", "public"),
    [
        ("git", "log", "git__log"),
        ("git", "a.b", "git__a_b_b4b2d5"),
        ("git", "検索", None),
        ("git", "x" * 200, None),
        ("a-very-long-server-name", "log", None),
    ],
)
def test_public_names(server: str, name: str, public: str | None) -> None:
    found = public_name(server, name)
    assert len(found) <= LONGEST
    assert found.replace("_", "").replace("-", "").isalnum()
    assert found.isascii()
    assert found == public_name(server, name)
    assert public_name(server, name) != public_name(server, f"{name}x")
    assert public is None or found.startswith(public[:8])


def test_names_that_look_alike_stay_apart() -> None:
    names = ["a.b", "a_b", "a b", "a/b", "x" * 100, "x" * 101]
    assert len({public_name("git", name) for name in names}) == len(names)


def test_addresses_of_resources() -> None:
    assert split_uri(public_uri("my_Wiki", "file:///a"), ["other", "my_Wiki"]) == ("my_Wiki", "file:///a")
    assert public_uri("wiki", "ui://widget") == "ui://widget"
    assert split_uri("sekisho+gone:file:///a", ["wiki"]) is None
    assert split_uri("file:///a", ["wiki"]) is None
    blocks = [
        {"type": "resource_link", "uri": "a:b", "name": "n"},
        {"type": "resource", "resource": {"uri": "a:c", "text": "t"}},
        {"type": "text", "text": "a:d"},
        "odd",
    ]
    assert map_contents(blocks, str.upper) == [
        {"type": "resource_link", "uri": "A:B", "name": "n"},
        {"type": "resource", "resource": {"uri": "A:C", "text": "t"}},
        {"type": "text", "text": "a:d"},
        "odd",
    ]


@pytest.mark.parametrize(
    ("template", "uri", "fits"),
    [
        ("test://template/{id}/data", "test://template/7/data", True),
        ("test://template/{id}/data", "test://template/7/other", False),
        ("file:///{+path}", "file:///a/b/c", True),
        ("a{x}a", "a", False),
        ("{x}", "anything", True),
        ("x:" + "{a}" * 500, "y:", False),
    ],
)
def test_templates(template: str, uri: str, fits: bool) -> None:
    assert _matches(template, uri) is fits


MCP = Mcp(
    servers={
        "git": McpServer(command=("git-server",), deny=("push*",)),
        "wiki": McpServer(url="http://wiki/mcp", access="listed"),
    },
    views={"dev": {"servers": ("git", "wiki"), "tools": ("git/*",)}},
)


@pytest.mark.parametrize(
    ("globs", "servers", "log", "push", "prompts"),
    [
        (None, ["git"], True, False, True),
        (("wiki",), ["wiki"], False, False, False),
        (("git/log", "wiki"), ["git", "wiki"], True, False, False),
        (("git/*",), ["git"], True, False, True),
        (("*",), ["git", "wiki"], True, False, True),
        ((), [], False, False, False),
    ],
)
def test_what_a_key_may_use(
    globs: tuple[str, ...] | None, servers: list[str], log: bool, push: bool, prompts: bool
) -> None:
    policy, view = Policy(mcp=globs), view_of(MCP, "")
    assert view
    assert allowed_servers(view, MCP, policy) == servers
    assert may_use_tool(view, "git", MCP.servers["git"], "log", policy) is log
    assert may_use_tool(view, "git", MCP.servers["git"], "push_all", policy) is push
    assert may_use_rest(view, "git", MCP.servers["git"], policy) is prompts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "*"),
        ("/", "*"),
        ("/git", "git"),
        ("/view/dev", "view/dev"),
        ("/view/no", None),
        ("/no", None),
        ("/view", None),
    ],
)
def test_addresses_of_views(path: str, name: str | None) -> None:
    view = view_of(MCP, path)
    assert (view.name if view else None) == name


@pytest.mark.parametrize(
    ("declared", "method", "params", "missing"),
    [
        ({}, "elicitation/create", {}, {"elicitation": {}}),
        ({"elicitation": {}}, "elicitation/create", {}, None),
        ({"elicitation": {"form": {}}}, "elicitation/create", {"mode": "url"}, {"elicitation": {"url": {}}}),
        ({"elicitation": {"url": {}}}, "elicitation/create", {}, {"elicitation": {"form": {}}}),
        ({"sampling": {}}, "sampling/createMessage", {"tools": [1]}, {"sampling": {"tools": {}}}),
        ({"roots": {}}, "roots/list", {}, None),
        ({"roots": {}}, "tasks/get", {}, {}),
    ],
)
def test_what_a_client_can_be_asked(declared: Any, method: str, params: Any, missing: Any) -> None:
    assert missing_for(method, params, declared) == missing


def test_only_what_the_hub_relays_is_declared() -> None:
    assert relayed({"roots": {"listChanged": True}, "tasks": {}, "extensions": {}, "sampling": None}) == {
        "roots": {"listChanged": True}
    }
    assert relayed("odd") == {}


SCHEMA = {
    "properties": {"n": {"type": "integer"}, "s": {"type": ["string", "null"]}, "e": {"enum": [1, "a"]}, "odd": True},
    "required": ["n", 7],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n": 1}, None),
        ({"n": 1.0, "s": None, "e": "a", "odd": object}, None),
        ({}, "'n' is missing"),
        ({"n": True}, "'n' must be of type integer"),
        ({"n": 1.5}, "'n' must be of type integer"),
        ({"n": float("nan")}, "'n' must be of type integer"),
        ({"n": 1, "s": 3}, "'s' must be of type string or null"),
        ({"n": 1, "e": True}, "'e' must be one of 1, a"),
        ({"n": 1, "x": 1}, "There is no argument 'x'; allowed: n, s, e, odd"),
    ],
)
def test_arguments(arguments: dict[str, Any], says: str | None) -> None:
    found = wrong_argument(SCHEMA, arguments)
    assert found is None if says is None else says in (found or "")


@pytest.mark.parametrize("schema", [{}, {"properties": [], "required": "n"}, {"properties": {"a": {"type": 7}}}])
def test_odd_schemas_refuse_nothing(schema: dict[str, Any]) -> None:
    assert wrong_argument(schema, {"a": 1}) is None


def _tools(*tools: Any, **options: Any) -> tuple[list[str], list[str]]:
    left_out: list[str] = []
    server = McpServer(url="http://wiki/mcp", **options)
    return [tool["name"] for tool in clean_tools(list(tools), server, left_out)], left_out


def test_one_bad_tool_spoils_nothing() -> None:
    good = {"name": "good", "inputSchema": {"type": "object"}, "extra": 1}
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"properties": {"a": deep}}
    header = {"properties": {"a": {"type": "array", "x-mcp-header": "A"}}}
    names, left_out = _tools(
        good,
        {"name": "no-schema"},
        {"name": "true", "inputSchema": True},
        {"name": "good", "inputSchema": {}},
        {"name": ""},
        {"name": 7},
        "odd",
        None,
        {"name": "deep", "inputSchema": deep},
        {"name": "large", "inputSchema": {"description": "x" * 70_000}},
        {"name": "list", "inputSchema": []},
        {"name": "header", "inputSchema": header},
        {"name": "text", "description": 7, "annotations": [], "icons": {}, "inputSchema": {}},
    )
    assert names == ["good", "no-schema", "true", "text"]
    assert len(left_out) == 9
    assert any("twice" in each for each in left_out)


def test_descriptions_are_cut_and_fields_kept() -> None:
    left_out: list[str] = []
    server = McpServer(url="http://wiki/mcp")
    tools = [{"name": "a", "description": "あ" * 3000, "inputSchema": {}, "vendor": {"x": 1}}]
    (tool,) = clean_tools(tools, server, left_out)
    assert len(tool["description"].encode()) <= 4096 + 3
    assert tool["vendor"] == {"x": 1}
    assert clean_named([{"uri": "a:b"}, {"uri": "a:b"}, {}], "uri", server.bounds, left_out) == [
        {"uri": "a:b", "name": "a:b"}
    ]


@pytest.mark.parametrize(
    ("block", "version", "kind"),
    [
        ({"type": "text", "text": "t"}, "2024-11-05", "text"),
        ({"type": "audio", "data": "AA==", "mimeType": "audio/wav"}, "2024-11-05", "text"),
        ({"type": "audio", "data": "AA==", "mimeType": "audio/wav"}, "2025-03-26", "audio"),
        ({"type": "resource_link", "uri": "a:b", "name": "n"}, "2025-03-26", "text"),
        ({"type": "resource_link", "uri": "a:b"}, "2025-06-18", "resource_link"),
        ({"type": "hologram", "data": "x"}, "2026-07-28", "text"),
        ({"type": "text"}, "2026-07-28", "text"),
        ({"type": ["text"]}, "2026-07-28", "text"),
        (None, "2026-07-28", "text"),
    ],
)
def test_content_that_a_revision_does_not_know(block: Any, version: str, kind: str) -> None:
    found = readable(block, version)
    assert found["type"] == kind
    assert kind != "text" or isinstance(found["text"], str)


def test_results_of_another_era() -> None:
    result = {"content": None, "structuredContent": [1], "resultType": "complete", "extra": 1, "isError": "yes"}
    older = for_client(tool_result(result, "2025-11-25", False), False)
    assert older == {"content": [], "extra": 1, "isError": True}
    newer = for_client(tool_result(result, "2026-07-28", True), True)
    assert newer["structuredContent"] == [1]
    assert newer["resultType"] == "complete"
    meta = {"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "behind"}, "vendor": 1}}
    assert for_client(meta, False) == {"_meta": {"vendor": 1}}
    assert for_client(meta, True)["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "sekisho"


def test_events_in_single_bytes() -> None:
    stream = EventStream(1000)
    sent = b': hi\r\n\r\nid: 7\r\ndata:\r\n\r\nevent: message\r\ndata: {"a":1}\r\n\r\nretry: 50\ndata: x\ndata: y\n\n'
    events = [event for byte in sent for event in stream.feed(bytes([byte]))]
    assert events == [
        Event(b"message", b"", "7"),
        Event(b"message", b'{"a":1}'),
        Event(b"message", b"x\ny", None, 50),
    ]


@pytest.mark.parametrize(
    ("headers", "listens", "error"),
    [
        ({"host": "localhost:4000"}, "127.0.0.1", None),
        ({"host": "[::1]:4000"}, "::1", None),
        ({"host": "gateway.example.com"}, "127.0.0.1", "Misdirected"),
        ({"host": "gateway.example.com"}, "0.0.0.0", None),
        ({"host": ""}, "0.0.0.0", "Misdirected"),
        ({"host": "localhost:4000", "origin": "http://localhost:3000"}, "127.0.0.1", None),
        ({"host": "localhost:4000", "origin": "null"}, "127.0.0.1", "Forbidden"),
        ({"host": "a.example.com", "origin": "https://a.example.com"}, "0.0.0.0", None),
        ({"host": "a.example.com", "origin": "https://a.example.com.evil.com"}, "0.0.0.0", "Forbidden"),
        ({"host": "localhost", "origin": "http://[::1"}, "127.0.0.1", "Forbidden"),
    ],
)
def test_hosts_and_origins(headers: dict[str, str], listens: str, error: str | None) -> None:
    with pytest.raises(ApiError) if error else nullcontext() as raised:
        check_headers(headers, MCP, listens)
    assert raised is None or raised.type.__name__ == error


def test_long_results_are_cut_and_can_be_read_to_their_end() -> None:
    rests, whole = Rests(), "値" * 1000
    image = {"type": "image", "data": "AA==", "mimeType": "image/png"}
    result = {"content": [{"type": "text", "text": "short"}, image, {"type": "text", "text": whole}]}
    assert cut(result, 4000, "2026-07-28", "ada", rests) is result
    found = cut(result, 1000, "2026-07-28", "ada", rests)["content"]
    assert [block["type"] for block in found] == ["text", "image", "text", "text", "resource_link"]
    assert len((found[0]["text"] + found[2]["text"]).encode()) <= 1000
    read, uri = found[2]["text"], found[-1]["uri"]
    while True:
        contents = rests.read("ada", uri, 700)["contents"]
        read += contents[0]["text"]
        if len(contents) == 1:
            break
        uri = contents[1]["uri"]
    assert read == whole
    with pytest.raises(MCPError):
        rests.read("bob", uri, 700)
    with pytest.raises(MCPError):
        rests.read("ada", "sekisho+rest:none", 700)
    assert cut(result, 1000, "2025-03-26", "ada", rests)["content"][-1]["type"] == "text"


@pytest.mark.parametrize(
    ("schema", "mended"),
    [
        ({"type": "object", "required": None}, {"type": "object"}),
        ({"properties": []}, {}),
        ({"properties": {"a": {"type": "array"}}}, {"properties": {"a": {"type": "array", "items": {}}}}),
        ({"anyOf": [], "enum": []}, {}),
        ({"properties": {"a": {"required": True, "description": None}}}, {"properties": {"a": {}}}),
        ({"anyOf": [{"type": "array"}, True]}, {"anyOf": [{"type": "array", "items": {}}, True]}),
    ],
)
def test_schemas_that_vendors_refuse(schema: dict[str, Any], mended: dict[str, Any]) -> None:
    assert mend(schema) == mended


def test_a_schema_that_is_right_stays_as_it_is() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"a": {"type": "object", "properties": {"required": {"type": "boolean"}}}},
        "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"const": {"type": "array"}, "enum": [{"required": 1}]}},
        "required": ["a"],
        "additionalProperties": False,
        "x-vendor": {"type": None},
    }
    assert mend(schema) == schema


@pytest.mark.parametrize(
    ("code", "era", "to_modern", "told"),
    [
        (-32002, "legacy", True, -32602),
        (-32602, "modern", False, -32002),
        (-32602, "legacy", False, -32602),
        (-32002, "legacy", False, -32002),
        (-32602, "modern", True, -32602),
    ],
)
def test_numbers_of_errors(code: int, era: Any, to_modern: bool, told: int) -> None:
    assert translated(MCPError(code, "no"), "resources/read", era, to_modern).code == told
