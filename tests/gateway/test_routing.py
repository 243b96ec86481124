"""Which deployment: least work, who knows the conversation, who is well; and where too long prompts go."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.affinity import Affinity, Hints
from gateway.config.schema import Config
from gateway.dialects.chat import CHAT
from gateway.errors import InvalidRequest, NotFound
from gateway.retries import RetryBudget
from gateway.routing.routes import build_routes
from gateway.routing.serving import Serving, by_load
from gateway.routing.target import FIRST_COOLDOWN_SECONDS
from tests.fakes.upstream import FakeUpstream
from tests.fixtures.gateway import GatewayProcess, deployment, model

MESSAGES = [{"role": "user", "content": "hi"}]


def _servings(count: int = 3, provider: str = "vllm", **more: Any) -> tuple[Serving, ...]:
    rows = [{"provider": provider, "base_url": f"http://gpu{n}/v1", "model": "x", **more} for n in range(count)]
    routes = build_routes(Config.model_validate({"models": [{"name": "m", "deployments": rows}]}), {})
    (group,) = routes.chain(routes.model("m"), CHAT)
    return group


def test_least_outstanding_tokens_for_its_weight() -> None:
    servings = _servings()
    for serving, tokens in zip(servings, (900, 100, 500), strict=True):
        serving.target.health.tokens = tokens
    assert [serving.target.health.tokens for serving in by_load(servings)] == [100, 500, 900]


def test_a_failing_deployment_cools_down_longer_each_time_and_probes_alone() -> None:
    first, *_ = servings = _servings()
    target, health = first.target, first.target.health
    health.failed()
    assert health.cooling
    assert by_load(servings)[-1] is first, "avoided, never left out"
    until = health.cooling_until
    health.failed()
    assert health.cooling_until > until + FIRST_COOLDOWN_SECONDS / 2
    health.cooling_until = 0.0
    assert target.has_room
    health.running = 1
    assert not target.has_room, "one probe at a time"
    health.worked()
    assert target.has_room


def test_the_same_beginning_goes_to_the_same_server_until_it_is_too_busy() -> None:
    servings, affinity = _servings(4), Affinity()
    hints = Hints(prefix=b"You are a helpful assistant.")
    favourite = affinity.preferred(servings, hints)[0]
    assert all(affinity.preferred(by_load(servings), hints)[0] is favourite for _ in range(20))
    others = {affinity.preferred(servings, Hints(prefix=b"%d" % number))[0].target.id for number in range(64)}
    assert len(others) == 4, "conversations spread over all servers"
    favourite.target.health.tokens = 100_000
    assert affinity.preferred(by_load(servings), hints)[0] is not favourite
    plain = _servings(4, "openai-compatible")
    assert affinity.preferred(plain, hints) == list(plain), "only servers with a prefix cache gain from it"


def test_when_a_server_leaves_only_its_conversations_move() -> None:
    servings, affinity = _servings(4), Affinity()
    before = {number: affinity.preferred(servings, Hints(prefix=b"%d" % number))[0].target.id for number in range(64)}
    left = servings[:3]
    for number, target_id in before.items():
        after = affinity.preferred(left, Hints(prefix=b"%d" % number))[0].target.id
        assert after == target_id or target_id == servings[3].target.id


def test_a_response_id_goes_to_who_issued_it() -> None:
    servings, affinity = _servings(4, "openai-compatible"), Affinity()
    affinity.issued("resp_1", servings[2].target.id)
    assert affinity.preferred(servings, Hints(response_id="resp_1"))[0] is servings[2]
    assert affinity.preferred(servings, Hints(response_id="resp_unknown")) == list(servings)


def test_retries_stay_within_a_share_of_the_traffic() -> None:
    budget = RetryBudget()
    spent = sum(budget.spend() for _ in range(1000))
    assert spent == RetryBudget.MOST
    for _ in range(50):
        budget.request()
    assert sum(budget.spend() for _ in range(1000)) in (9, 10)


def test_names_and_dialects() -> None:
    routes = build_routes(
        Config.model_validate(
            {"models": [{"name": "m", "deployments": [{"provider": "openai", "model": "x", "dialects": ["infill"]}]}]}
        ),
        {},
    )
    with pytest.raises(NotFound, match="does not exist"):
        routes.model("n")
    with pytest.raises(InvalidRequest, match="It speaks: infill"):
        routes.chain(routes.model("m"), CHAT)


def test_a_prompt_that_is_too_long_goes_to_the_larger_fallback(
    upstream: tuple[FakeUpstream, str], tmp_path: Path
) -> None:
    address = upstream[1]
    models = [
        model("small", deployment(address, "too-small"), context_window=8192, fallback=["tiny", "large"]),
        model("tiny", deployment(address, "too-small"), context_window=4096),
        model("large", deployment(address), context_window=200_000),
        model("alone", deployment(address, "too-small"), context_window=8192),
    ]
    gateway = GatewayProcess(tmp_path, {"models": models}).start()
    headers = {"authorization": f"Bearer {gateway.key('tests')}"}
    with httpx2.Client(base_url=gateway.url, headers=headers, trust_env=False) as client:
        for stream in (False, True):
            body = {"model": "small", "messages": MESSAGES, "stream": stream}
            answer = client.post("/v1/chat/completions", json=body)
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-sekisho-model"] == "large"
            assert answer.headers["x-sekisho-attempts"] == "2", "the smaller one is not even asked"
        alone = client.post("/v1/chat/completions", json={"model": "alone", "messages": MESSAGES})
        assert (alone.status_code, alone.json()["error"]["code"]) == (400, "context_length_exceeded")
        assert alone.headers["x-sekisho-attempts"] == "1"
    gateway.stop()
