"""What a client sends is what its upstream gets, byte for byte, but for the model's name and the person's."""

import json
from typing import Any

import httpx2
import pytest

from tests.dialects.conftest import OWNER
from tests.fakes.replaying import Replaying, Seen

MESSAGES = (
    b'{"model":"m-text","max_tokens":1024,"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2;"},'
    b'{"type":"text","text":"\\u3042 \\/ caf\xc3\xa9","cache_control":{"type":"ephemeral","ttl":"1h"}}],'
    b'"messages":[{"role":"user","content":[{"type":"text","text":"hi" , "cache_control" : {"type":"ephemeral"}}]},'
    b'{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"EqQBCgIYAhIM+/=="},'
    b'{"type":"tool_use","id":"toolu_1","name":"Read","input":{"limit":1.50,"big":1e400,"n":-0}}]}],'
    b'"thinking":{"type":"adaptive"},"output_config":{"effort":"high"},"stream":true,"new_field":[1.0,2E5]}'
)
RESPONSES = (
    b'{"model":"r-text","stream":true,"input":[{"type":"reasoning","id":"rs_1","encrypted_content":"gAAAA+/==",'
    b'"summary":[]},{"type":"message","role":"user","content":[{"type":"input_text","text":"\\u3042"}]}],"store":false,'
    b'"include":["reasoning.encrypted_content"],"prompt_cache_key":"alice-1","top_p":1.0,"tools":[{"type":"custom"}]}'
)


@pytest.mark.parametrize(
    ("path", "sent", "server"), [("/v1/messages", MESSAGES, "claude"), ("/v1/responses", RESPONSES, "gpt")]
)
def test_bytes(http: httpx2.Client, request: pytest.FixtureRequest, path: str, sent: bytes, server: str) -> None:
    seen = _sent(http, path, sent, request.getfixturevalue(server)[0])
    assert seen.raw == sent.replace(b'"m-text"', b'"text"').replace(b'"r-text"', b'"text"')
    assert seen.path == path


def test_the_query_and_the_wires_own_headers_go_on(http: httpx2.Client, claude: tuple[Replaying, str]) -> None:
    headers = {
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
        "x-claude-code-session-id": "51d0",
        "x-stainless-os": "Linux",
        "cookie": "a=b",
    }
    answer = http.post("/v1/messages?beta=true", content=MESSAGES, headers=headers)
    assert answer.status_code == 200
    seen = claude[0].last
    assert seen.query == "beta=true"
    assert seen.headers["anthropic-version"] == "2026-10-21"
    assert seen.headers["anthropic-beta"] == headers["anthropic-beta"]
    known = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
    assert set(seen.headers) - known == {"anthropic-version", "anthropic-beta"}, "nothing else of the client's"
    assert seen.headers["authorization"] == "Bearer sk-provider-canary-5f2d"


def test_what_the_client_leaves_out(http: httpx2.Client, claude: tuple[Replaying, str]) -> None:
    seen = _sent(http, "/v1/messages", MESSAGES, claude[0])
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in seen.headers
    assert seen.query == ""


def test_anthropic_gets_its_key_its_own_way(http: httpx2.Client, claude: tuple[Replaying, str]) -> None:
    seen = _sent(http, "/v1/messages", MESSAGES.replace(b"m-text", b"anthropic"), claude[0])
    assert seen.headers["x-api-key"] == "sk-provider-canary-5f2d"
    assert "authorization" not in seen.headers
    assert seen.body["metadata"]["user_id"].startswith("u_"), "a provider that wants to know one person from another"


def test_counting_takes_no_person(http: httpx2.Client, claude: tuple[Replaying, str]) -> None:
    body = {"model": "anthropic", "messages": [{"role": "user", "content": "hi"}]}
    http.post("/v1/messages/count_tokens", json=body)
    assert "metadata" not in claude[0].last.body


def test_claude_codes_account_stays_here(http: httpx2.Client, claude: tuple[Replaying, str]) -> None:
    account = json.dumps({"device_id": "5d9b", "account_uuid": "alice", "session_id": "bbd6"})
    metadata = json.dumps({"trace": 1.50, "user_id": account}, separators=(",", ":")).encode()
    sent = MESSAGES.replace(b'"stream":true', b'"metadata":' + metadata + b',"stream":true')
    seen = _sent(http, "/v1/messages", sent, claude[0])
    pseudonym = seen.body["metadata"]["user_id"]
    assert pseudonym.startswith("u_")
    expected = sent.replace(json.dumps(account).encode(), json.dumps(pseudonym).encode())
    assert seen.raw == expected.replace(b'"m-text"', b'"text"')
    again = _sent(http, "/v1/messages", sent, claude[0])
    assert again.body["metadata"]["user_id"] == pseudonym, "the same person has the same name"


@pytest.mark.parametrize("metadata", [None, "alice", [], {}])
def test_metadata_that_names_nobody_is_left_alone(
    http: httpx2.Client, claude: tuple[Replaying, str], metadata: Any
) -> None:
    sent = MESSAGES.replace(b'"stream":true', b'"metadata":' + json.dumps(metadata).encode() + b',"stream":true')
    assert _sent(http, "/v1/messages", sent, claude[0]).raw == sent.replace(b'"m-text"', b'"text"')


def test_people_in_responses(http: httpx2.Client, gpt: tuple[Replaying, str]) -> None:
    named = RESPONSES.replace(b'"stream":true', b'"user":"%s","stream":true' % OWNER.encode())
    seen = _sent(http, "/v1/responses", named, gpt[0])
    assert seen.body["user"].startswith("u_")
    assert list(seen.body)[:2] == ["model", "user"], "members keep their place"
    assert b'"prompt_cache_key":"alice-1"' in seen.raw
    wanted = _sent(http, "/v1/responses", RESPONSES.replace(b"r-text", b"openai"), gpt[0])
    assert wanted.body["safety_identifier"] == seen.body["user"]


def _sent(http: httpx2.Client, path: str, body: bytes, server: Replaying) -> Seen:
    answer = http.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    return server.last
