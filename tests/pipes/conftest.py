"""An agent server, and pipes/agents.py in the real Open WebUI in front of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fakes.agent import FakeAgent
from tests.fakes.serving import serving
from tests.fixtures.plugin_host import ROOT, PluginHost, plugin_host_running

Json = dict[str, Any]

KEY = "key-of-the-agents"
SECRET = "a-secret-of-more-than-32-characters"
NAME = "人事案内"


@dataclass(frozen=True)
class Answered:
    """An answer as Open WebUI got it: `chunks` of the stream, and `events` beside it."""

    chunks: list[Json]
    events: list[Json]
    stopped: float = 0.0
    peak: int = 0
    """Bytes that Open WebUI held at most."""
    dialogs: list[Json] = field(default_factory=list)
    """Dialogs that were shown to the person."""
    used: list[Json] = field(default_factory=list)
    """Calls of the person's tools: name and arguments."""

    def joined(self, key: str) -> str:
        return "".join(chunk["choices"][0]["delta"].get(key, "") for chunk in self.chunks if chunk.get("choices"))

    @property
    def text(self) -> str:
        return self.joined("content")

    @property
    def thinking(self) -> str:
        return self.joined("reasoning_content")

    @property
    def error(self) -> str:
        return "".join(chunk["error"]["message"] for chunk in self.chunks if "error" in chunk)

    @property
    def usage(self) -> Json:
        [usage] = (chunk["usage"] for chunk in self.chunks if chunk.get("usage"))
        return dict(usage)

    def data(self, kind: str) -> list[Json]:
        return [event["data"] for event in self.events if event["type"] == kind]

    @property
    def sources(self) -> list[tuple[str, str | None, str]]:
        """Name, address, passage."""
        return [(s["source"]["name"], s["source"].get("url"), *s["document"]) for s in self.data("source")]

    @property
    def items(self) -> list[Json]:
        """Tool calls and results as Open WebUI keeps them: an item takes the place of the one with its id."""
        kept: dict[str, Json] = {}
        for chunk in self.chunks:
            if chunk.get("type") == "response.output_item.added":
                kept[chunk["item"]["id"]] = chunk["item"]
        return list(kept.values())

    @property
    def tools(self) -> list[tuple[str, str, str]]:
        """Name, arguments, result."""
        results = {item["call_id"]: item["output"][0]["text"] for item in self.items if "output" in item}
        calls = [item for item in self.items if item["type"] == "function_call"]
        return [(call["name"], call["arguments"], results[call["call_id"]]) for call in calls]


@dataclass
class Desk:
    """Asks agents as a person would."""

    host: PluginHost
    agent: FakeAgent
    address: str
    user: Json
    valves: Json = field(default_factory=dict)

    def manifest(self, *rows: Json) -> str:
        return json.dumps([{"name": NAME, "url": f"{self.address}/v1", **row} for row in rows], ensure_ascii=False)

    def set(self, manifest: str, **valves: Any) -> None:
        self.host.call("valves", id="agents", values={"agents": manifest, "keys": f"agent={KEY}", **valves})

    def ask(self, shape: str, question: Any = "How many days?", *, language: str = "ja-JP", **options: Any) -> Answered:
        """`shape`: the fake's model. Options: those of the manifest under `agent`, of the pipe under `valves`, else of
        host_operations.pipes.answer."""
        row = {"id": "agent", "model": shape, "timeout": 20, **options.pop("agent", {})}
        if shape == "responses":
            row["dialect"] = "responses"
        self.set(self.manifest(row), **options.pop("valves", {}))
        metadata = {"variables": {"{{USER_LANGUAGE}}": language}, **options.pop("metadata", {})}
        return self.again(question, metadata=metadata, **options)

    def again(self, question: Any, model: str = "agents.agent", user: Json | None = None, **options: Any) -> Answered:
        messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
        user = user or self.user
        return Answered(**self.host.call("answer", model=model, user=user, messages=messages, **options))


@pytest.fixture(scope="package")
def pipe_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginHost]:
    with plugin_host_running(tmp_path_factory.mktemp("pipes")) as host:
        host.call("install", id="agents", content=(ROOT / "pipes" / "agents.py").read_text(encoding="utf-8"))
        yield host


@pytest.fixture(scope="package")
def server() -> Iterator[tuple[FakeAgent, str]]:
    agent = FakeAgent(KEY)
    with serving(agent) as address:
        yield agent, address


@pytest.fixture(scope="package")
def asker(pipe_host: PluginHost) -> Json:
    return dict(pipe_host.call("user", name="山田ハナコ"))


@pytest.fixture
def desk(pipe_host: PluginHost, server: tuple[FakeAgent, str], asker: Json) -> Desk:
    agent, address = server
    agent.asked.clear()
    return Desk(pipe_host, agent, address, asker)
