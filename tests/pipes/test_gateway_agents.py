"""Agents that the gateway lists, asked through the real gateway: counted there, and told there who asks."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.ledger.record import Record
from tests.fakes.agent import ANSWER, PASSAGE, RULES, FakeAgent
from tests.fakes.serving import free_port
from tests.fixtures.gateway import IDENTITY_SECRET, PROVIDER_KEY, GatewayProcess, deployment, model
from tests.pipes.conftest import NAME, SECRET, Answered, Desk, Json

pytestmark = pytest.mark.timeout(400)

PRICE = {"input": 100.0, "output": 100.0}
ABOUT = {"session_id": "s", "chat_id": "chat-of-the-agent", "message_id": "message-of-the-agent"}


@dataclass
class Counter:
    """The pipe before a gateway before the agents."""

    desk: Desk
    gateway: GatewayProcess
    secret: str = IDENTITY_SECRET

    def menu(self) -> dict[str, str]:
        return {entry["id"]: entry["name"] for entry in self.desk.host.call("menu")["models"]}

    def connect(self, key: str) -> None:
        values = {"openai.api_base_urls": [f"{self.gateway.url}/v1"], "openai.api_keys": [key]}
        self.desk.host.call("config", values=values)

    def ask(self, question: str, agent: str = "perplexity", **valves: Any) -> Answered:
        given = {"gateway_url": f"{self.gateway.url}/v1/", "identity_secret": self.secret, **valves}
        self.desk.set(self.desk.manifest({"id": "own", "model": "chat"}), **given)
        metadata = {"variables": {"{{USER_LANGUAGE}}": "ja-JP"}, **ABOUT}
        return self.desk.again(question, model=f"agents.{agent}", metadata=metadata)

    def asked(self) -> Any:
        return self.desk.agent.asked[-1]

    def record(self) -> Record:
        return self.gateway.records()[-1]


@pytest.fixture(scope="module")
def gateway(server: tuple[FakeAgent, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    agent, address = server
    agent.key = PROVIDER_KEY  # which the gateway alone knows
    about = {"mode": "agent", "price": PRICE}
    models = [
        model("perplexity", deployment(address, "perplexity", identity="all"), **about, description="Knows rules"),
        model("id/only", deployment(address, "perplexity", identity="id"), **about),
        model("stranger", deployment(address, "perplexity"), **about),
        model("dies", deployment(address, "dies"), **about),
        model("no-agent", deployment(address, "chat")),
    ]
    config = {"open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"}, "models": models}
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"), config).start()
    yield process
    agent.key = "key-of-the-agents"
    assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def chat_key(gateway: GatewayProcess) -> str:
    return gateway.key("chat", "--identity", "open-webui")


@pytest.fixture
def counter(desk: Desk, gateway: GatewayProcess, chat_key: str) -> Counter:
    counter = Counter(desk, gateway)
    counter.connect(chat_key)
    return counter


def test_the_gateway_s_agents_stand_behind_the_list_and_its_models_do_not(counter: Counter) -> None:
    counter.ask("まず一覧を。")
    names = {"agents.own": NAME, "agents.perplexity": "perplexity", "agents.id-only": "id/only"}
    expected = {**names, "agents.stranger": "stranger", "agents.dies": "dies"}
    assert list(counter.menu().items()) == list(expected.items())


def test_answer_and_sources_come_through_and_are_counted_under_the_person(counter: Counter) -> None:
    answer = counter.ask("休暇は何日ですか。")
    assert answer.text == "".join(ANSWER)
    assert (answer.sources[0][1], answer.sources[0][2]) == (RULES, PASSAGE)
    assert answer.usage["cost"] == pytest.approx(49 * 100 / 1_000_000)
    record = counter.record()
    assert (record.model, record.user_id, record.identity_source) == ("perplexity", counter.desk.user["id"], "jwt")
    assert (record.chat_id, record.message_id) == (ABOUT["chat_id"], ABOUT["message_id"])
    assert record.cost_nano_usd == 4_900_000


def told(counter: Counter) -> Json:
    headers = counter.asked().headers
    return dict(jwt.decode(headers["x-openwebui-user-jwt"], IDENTITY_SECRET, algorithms=["HS256"], issuer="sekisho"))


def test_the_gateway_tells_the_agent_who_asks(counter: Counter) -> None:
    counter.ask("私は誰ですか。")
    said, headers = told(counter), counter.asked().headers
    user = counter.desk.user
    assert (said["sub"], said["email"], said["role"]) == (user["id"], user["email"], "user")
    assert said["name"] == user["name"]
    assert said["exp"] > time.time()
    assert headers["x-openwebui-chat-id"] == said["chat_id"] == ABOUT["chat_id"]
    assert headers["x-openwebui-message-id"] == ABOUT["message_id"]
    assert headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert "sekisho_identity" not in counter.asked().body


def test_an_agent_that_may_know_the_id_knows_no_more(counter: Counter) -> None:
    counter.ask("誰ですか。", "id-only")
    said = told(counter)
    assert said["sub"] == counter.desk.user["id"]
    assert not {"email", "name"} & said.keys()


def test_an_agent_to_whom_nothing_is_told_gets_a_pseudonym_at_most(counter: Counter) -> None:
    counter.ask("誰でしょう。", "stranger")
    asked = counter.asked()
    assert not [name for name in asked.headers if name.startswith(("x-openwebui", "x-sekisho"))]
    assert counter.desk.user["id"] not in str(asked)
    assert counter.desk.user["email"] not in str(asked)


def test_without_a_secret_the_connection_s_key_is_believed(counter: Counter) -> None:
    counter.ask("署名なしです。", identity_secret="")
    record = counter.record()
    assert (record.user_id, record.identity_source) == (counter.desk.user["id"], "headers")


def test_another_secret_than_the_gateway_s_is_said(counter: Counter) -> None:
    answer = counter.ask("秘密が違います。", identity_secret=SECRET)
    assert (answer.text, answer.error) == ("", "perplexity が設定のキーを受け付けません。管理者にお知らせください。")


def test_a_budget_that_is_used_up_is_said(counter: Counter) -> None:
    options = ("--identity", "open-webui", "--budget-usd", "0.000001", "--budget-per", "day")
    counter.connect(counter.gateway.key("poor", *options))
    answer = counter.ask("予算がありません。")
    assert "予算を使い切っています" in answer.error
    assert counter.desk.agent.asked == []


def test_an_agent_that_dies_behind_the_gateway_leaves_a_sentence(counter: Counter) -> None:
    answer = counter.ask("最後まで。", "dies")
    assert answer.text == "".join(ANSWER[:2])
    assert answer.error


def test_a_gateway_that_is_away_hides_nobody_else(desk: Desk) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    desk.set(desk.manifest({"id": "own", "model": "chat"}), gateway_url=address)
    told = desk.host.call("menu")
    assert [entry["id"] for entry in told["models"]] == ["agents.own"]
    assert "does not list its agents" in Path(desk.host.log).read_text(encoding="utf-8")
