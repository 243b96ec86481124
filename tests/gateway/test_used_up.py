"""What is refused for limits, budgets, models and ended keys is a sentence in each language and dialect."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import ADMIN_KEY, ENVIRONMENT, deployment, in_process, model

Json = dict[str, Any]
CHAT: Json = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
DIALECTS: dict[str, tuple[str, Json]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "messages": ("/v1/messages", CHAT),
    "responses": ("/v1/responses", {"input": "hi"}),
    "gemini": ("/v1beta/models/{model}:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    "completions": ("/v1/completions", {"prompt": "hi", "max_tokens": 5}),
    "embeddings": ("/v1/embeddings", {"input": "hi"}),
}
MODES = {"completions": "completion", "embeddings": "embedding"}
_numbers = itertools.count()
Send = Callable[..., httpx2.Response]


@pytest.fixture(scope="module")
def send(upstream: tuple[FakeUpstream, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Send]:
    price = {"input": 3, "output": 15}
    models = [
        model(f"{kind}-{mode}", deployment(upstream[1]), mode=mode, **more)
        for mode in ("chat", "completion", "embedding")
        for kind, more in (("dear", {"price": price}), ("free", {}))
    ]
    config = {
        "admin_key": "${ADMIN_KEY}",
        "contact": "it-help@example.com",
        "teams": {"研究": {"contact": "研究のSlack #ai"}},
        "models": models,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with (
            in_process(tmp_path_factory.mktemp("used-up"), config) as served,
            httpx2.Client(base_url=served.url, timeout=60, trust_env=False) as client,
        ):

            def call(method: str, path: str, key: str, body: Any = None, **headers: str) -> httpx2.Response:
                sent = {name.replace("_", "-"): value for name, value in headers.items()}
                return client.request(method, path, json=body, headers={"authorization": f"Bearer {key}", **sent})

            yield call


def make(send: Send, **more: Any) -> str:
    return str(send("POST", "/admin/keys", ADMIN_KEY, {"alias": f"k{next(_numbers)}", **more}).json()["key"])


def ask(send: Send, key: str, dialect: str, language: str | None, kind: str = "dear") -> httpx2.Response:
    path, body = DIALECTS[dialect]
    name = f"{kind}-{MODES.get(dialect, 'chat')}"
    more = {"accept_language": language} if language else {}
    return send("POST", path.format(model=name), key, {**body, "model": name}, **more)


def said(answer: httpx2.Response) -> str:
    error = answer.json()["error"]
    return str(error["message"])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("language", ["en", "ja", None])
def test_a_used_up_budget(send: Send, dialect: str, language: str | None) -> None:
    """Whose, how much, when it starts anew, what goes on, whom to ask; and no tool tries again."""
    send("PUT", "/admin/budgets/team:研究", ADMIN_KEY, {"nano_usd": 0, "window": "month"})
    key = make(send, owner="hanako@example.com", team="研究")
    answer = ask(send, key, dialect, language)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    if dialect != "messages":  # whose contract wants it
        assert "retry-after" not in answer.headers, "nobody waits in silence for weeks"
    words = said(answer)
    for part in {"en": ["team"], "ja": ["チーム「研究」", "に新しくなります"], None: ["team", "チーム「研究」"]}[
        language
    ]:
        assert part in words, words
    for part in ("研究", "0.00", "UTC", "free-chat", "研究のSlack #ai"):
        assert part in words, words
    if language is not None and dialect != "embeddings":
        assert ask(send, key, dialect, language, "free").status_code == 200, "what costs nothing goes on"


def test_a_used_up_budget_is_shown_by_claude_code(send: Send) -> None:
    key = make(send, budget_nano_usd=0, budget_window="week")
    answer = ask(send, key, "messages", "en")
    assert answer.json()["error"]["type"] == "billing_error"
    names = {name.removeprefix("anthropic-ratelimit-unified-"): value for name, value in answer.headers.items()}
    assert (names["status"], names["overage-period"]) == ("rejected", "weekly")
    assert names["overage-disabled-reason"] == "org_spend_cap_reached"
    assert not {"representative-claim", "overage-status"} & names.keys(), "else the client hides our words"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        ({"requests_per_minute": 0}, {"en": "requests", "ja": "利用上限"}),
        ({"parallel_requests": 0}, {"en": "requests running", "ja": "同時に0件"}),
        ({"tokens_per_minute": 0}, {"en": "tokens", "ja": "トークン"}),
        ({"models": ["other"]}, {"en": "is not among those that this key may use", "ja": "公開されていません"}),
    ],
)
def test_limits_and_models(send: Send, dialect: str, policy: Json, wanted: dict[str, str]) -> None:
    key = make(send, **policy)
    for language, part in wanted.items():
        answer = ask(send, key, dialect, language)
        assert answer.status_code == (404 if "models" in policy else 429), answer.text
        assert part in said(answer), answer.text
        if language == "ja":
            assert "it-help@example.com" in said(answer)
        if "models" in policy:
            assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("path", "code", "english", "japanese"),
    [
        ("expired", "key_expired", "This API key ended on ", "期限が切れています"),
        ("revoked", "key_revoked", "revoked or replaced", "失効したか"),
        ("rotated", "key_revoked", "revoked or replaced", "失効したか"),
        ("unknown", "invalid_api_key", "is not known or was revoked", "無効か"),
    ],
)
def test_keys_that_ended(send: Send, dialect: str, path: str, code: str, english: str, japanese: str) -> None:
    key = make(send, **({"expires_at": time.time_ns() // 1000 - 1} if path == "expired" else {}))
    alias = f"k{next(_numbers) - 1}"
    if path == "revoked":
        assert send("DELETE", f"/admin/keys/{alias}", ADMIN_KEY).status_code == 200
    if path == "rotated":
        assert send("POST", f"/admin/keys/{alias}/rotate", ADMIN_KEY, {"grace_seconds": 0}).status_code == 200
    key = "sk-unknown" if path == "unknown" else key
    for language, part in (("en", english), ("ja", japanese)):
        answer = ask(send, key, dialect, language)
        assert (answer.status_code, answer.headers["x-should-retry"]) == (401, "false")
        assert part in said(answer)
        assert key not in answer.text
        if dialect == "chat":
            assert answer.json()["error"]["code"] == code
    read = send("GET", "/v1/me", key, accept_language="ja")
    assert (read.status_code, read.json()["error"]["code"]) == (401, code)
    assert "管理者（it-help@example.com）" in read.json()["error"]["message"]
