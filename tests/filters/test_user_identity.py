"""filters/user_identity.py, run by the real Open WebUI: what reaches the gateway about the user."""

import base64
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.fixtures.plugin_host import ROOT, PluginHost

Json = dict[str, Any]

SECRET = "0123456789abcdef0123456789abcdef"
FORGED = jwt.encode({"sub": "root", "iss": "sekisho"}, "another secret, of the attacker himself", algorithm="HS256")

Turn = Callable[..., Json]


@pytest.fixture
def user(plugin_host: PluginHost) -> Json:
    return dict(plugin_host.call("user", name="山田 太郎"))


@pytest.fixture
def turn(plugin_host: PluginHost, user: Json) -> Turn:
    """turn(hooks, body, valves=…) -> the body as Open WebUI sends it on."""
    content = (ROOT / "filters" / "user_identity.py").read_text(encoding="utf-8")
    plugin_host.call("install", id="user_identity", content=content)
    plugin_host.call("only", ids=["full_text", "user_identity"])

    def run(*hooks: str, body: Json | None = None, valves: Json | None = None, **arguments: Any) -> Json:
        plugin_host.call("valves", id="user_identity", values={"secret": SECRET, **(valves or {})})
        arguments.setdefault("metadata", {"chat_id": "chat-1", "message_id": "message-1"})
        body = {"model": "model-a", "messages": [], **(body or {})}
        answer = plugin_host.call("run", hooks=hooks, filter_ids=[], user=user, body=body, **arguments)
        return dict(answer["body"])

    return run


def claims(body: Json) -> Json:
    """As the gateway reads them."""
    return dict(jwt.decode(body["sekisho_identity"], SECRET, algorithms=["HS256"], issuer="sekisho"))


def test_the_gateway_learns_who_asks(turn: Turn, user: Json, plugin_host: PluginHost) -> None:
    for name in ("営業部", "All staff"):
        plugin_host.call("group", name=name, user_ids=[user["id"]])
    said = claims(turn("inlet", "request"))
    assert abs(said.pop("iat") - time.time()) < 5
    assert abs(said.pop("exp") - time.time() - 300) < 5
    assert said == {
        "iss": "sekisho",
        "sub": user["id"],
        "email": user["email"],
        "name": "山田 太郎",
        "role": "user",
        "groups": ["All staff", "営業部"],
        "chat_id": "chat-1",
        "message_id": "message-1",
        "task": "",
        "language": "",
        "timezone": "",
    }


def test_the_gateway_learns_the_language_and_the_time_zone_of_the_page(turn: Turn) -> None:
    variables = {"{{USER_LANGUAGE}}": "ja-JP", "{{CURRENT_TIMEZONE}}": "Asia/Tokyo"}
    said = claims(turn("inlet", metadata={"chat_id": "c", "message_id": "m", "variables": variables}))
    assert (said["language"], said["timezone"]) == ("ja-JP", "Asia/Tokyo")


@pytest.mark.parametrize("variables", [None, [], {"{{USER_LANGUAGE}}": 7, "{{CURRENT_TIMEZONE}}": ["Asia/Tokyo"]}])
def test_a_page_that_tells_nonsense_is_no_page(turn: Turn, variables: Any) -> None:
    said = claims(turn("inlet", metadata={"chat_id": "c", "message_id": "m", "variables": variables}))
    assert (said["language"], said["timezone"]) == ("", "")


def test_what_a_page_tells_is_cut(turn: Turn) -> None:
    variables = {"{{USER_LANGUAGE}}": "x" * 100_000}
    said = claims(turn("inlet", metadata={"chat_id": "c", "message_id": "m", "variables": variables}))
    assert said["language"] == "x" * 64


@pytest.mark.parametrize("hook", ["inlet", "request"])
def test_either_hook_signs(turn: Turn, user: Json, hook: str) -> None:
    assert claims(turn(hook))["sub"] == user["id"]


def test_the_token_is_ascii_and_standard(turn: Turn) -> None:
    token = turn("inlet")["sekisho_identity"]
    assert token.isascii()
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


@pytest.mark.parametrize(("share", "missing"), [("id", {"email", "name"}), ("id_and_email", {"name"}), ("all", set())])
def test_share(turn: Turn, share: str, missing: set[str]) -> None:
    said = claims(turn("inlet", valves={"share": share}))
    assert {"email", "name"} - said.keys() == missing
    assert {"sub", "role", "groups"} <= said.keys()


def test_what_the_client_claims_is_removed(turn: Turn, user: Json) -> None:
    spoofed = {"sekisho_identity": FORGED, "user": "root", "safety_identifier": "root"}
    body = turn("inlet", "request", body=spoofed)
    assert claims(body)["sub"] == user["id"]
    assert body.keys() == {"model", "messages", "sekisho_identity"}


@pytest.mark.parametrize("forged", [FORGED, "", None, 7, {"sub": "root"}, "a.b.c"])
def test_a_forged_token_never_survives(turn: Turn, user: Json, forged: Any) -> None:
    assert claims(turn("request", body={"sekisho_identity": forged}))["sub"] == user["id"]


def test_an_unsigned_token_never_survives(turn: Turn, user: Json) -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    unsigned = f"{header}.{FORGED.split('.')[1]}."
    assert claims(turn("request", body={"sekisho_identity": unsigned}))["sub"] == user["id"]


def test_without_a_secret_nothing_is_signed_and_claims_are_removed(turn: Turn) -> None:
    spoofed = {"sekisho_identity": FORGED, "user": "root", "safety_identifier": "root"}
    body = turn("inlet", "request", body=spoofed, valves={"secret": ""})
    assert body.keys() == {"model", "messages"}


def test_the_missing_secret_is_logged_once(turn: Turn, plugin_host: PluginHost) -> None:
    for _ in range(3):
        turn("inlet", "request", valves={"secret": ""})
    assert plugin_host.log.read_text(errors="replace").count("no secret is set") == 1


def test_the_request_hook_keeps_a_young_token(turn: Turn) -> None:
    first = turn("inlet")
    time.sleep(1.1)  # a new signature would have another second in it
    assert turn("request", body=first)["sekisho_identity"] == first["sekisho_identity"]


@pytest.mark.parametrize(("age", "kept"), [(140, True), (160, False), (400, False)])
def test_a_token_past_half_its_life_is_renewed(turn: Turn, age: int, kept: bool) -> None:
    said = claims(turn("inlet"))
    issued = int(time.time()) - age
    old = jwt.encode({**said, "iat": issued, "exp": issued + 300}, SECRET, algorithm="HS256")
    body = turn("request", body={"sekisho_identity": old})
    assert (body["sekisho_identity"] == old) == kept
    assert claims(body)["sub"] == said["sub"]


def test_a_token_of_another_message_is_renewed(turn: Turn) -> None:
    first = turn("inlet")
    other = {"chat_id": "chat-1", "message_id": "message-2"}
    assert claims(turn("request", body=first, metadata=other))["message_id"] == "message-2"


def test_a_token_of_another_user_is_replaced(turn: Turn, user: Json) -> None:
    said = claims(turn("inlet"))
    stolen = jwt.encode({**said, "sub": "somebody-else"}, SECRET, algorithm="HS256")
    assert claims(turn("request", body={"sekisho_identity": stolen}))["sub"] == user["id"]


def test_the_lifetime_valve(turn: Turn) -> None:
    said = claims(turn("inlet", valves={"lifetime_seconds": 30}))
    assert said["exp"] - said["iat"] == 30


def test_a_direct_connection_gets_no_token(turn: Turn) -> None:
    """It leads through the user's browser to an address of the user's choice."""
    body = turn("inlet", "request", body={"user": "root"}, metadata={"direct": True})
    assert body.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("model", "signed"),
    [
        ({"id": "on-gateway"}, True),
        ({"id": "assistant", "info": {"base_model_id": "on-gateway"}}, True),
        ({"id": "elsewhere"}, False),
        ({"id": "assistant", "info": {"base_model_id": "elsewhere"}}, False),
        ({"id": "a-pipe", "pipe": {"type": "pipe"}}, False),
    ],
)
def test_only_models_of_the_gateway_get_a_token(turn: Turn, plugin_host: PluginHost, model: Json, signed: bool) -> None:
    urls = ["https://api.example.com/v1", "http://gateway:4000/v1"]
    plugin_host.call("config", values={"openai.api_base_urls": urls})
    upstream = {"on-gateway": {"urlIdx": 1}, "elsewhere": {"urlIdx": 0}}
    arguments = {"model": model, "openai_models": upstream, "body": {"sekisho_identity": FORGED}}
    body = turn("inlet", "request", valves={"gateway_url": "http://gateway:4000/v1/"}, **arguments)
    assert ("sekisho_identity" in body) == signed


def test_messages_and_parameters_are_untouched(turn: Turn) -> None:
    sent = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 0.2, "tools": [], "stream": True}
    body = turn("inlet", "request", body=sent)
    assert {key: body[key] for key in sent} == sent


def test_it_runs_last(turn: Turn, plugin_host: PluginHost, user: Json) -> None:
    content = (ROOT / "filters" / "full_text.py").read_text(encoding="utf-8")
    plugin_host.call("install", id="full_text", content=content)
    turn("inlet")
    answer = plugin_host.call("run", hooks=[], filter_ids=["full_text"], user=user, body={"messages": []})
    assert answer["filters"] == ["full_text", "user_identity"]


def test_it_is_cheap(turn: Turn, plugin_host: PluginHost, user: Json) -> None:
    """Prints what a call costs, Open WebUI's own filter machinery included."""
    turn("inlet")
    body = {"model": "model-a", "messages": []}
    answer = plugin_host.call("run", hooks=["request"] * 200, filter_ids=[], user=user, body=body)
    microseconds = sorted(second * 1e6 for second in answer["seconds"])[100]
    print(f"\nuser_identity: {microseconds:.0f} µs a call (median of 200)")
    assert microseconds < 50_000
