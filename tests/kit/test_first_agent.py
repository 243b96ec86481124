"""The guide's agent, and an untouched scaffold, in the real Open WebUI: asked by a person, seen by a person."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from install.kit.check import check, check_text
from install.kit.conversation import Answer, conversation_files
from install.kit.drive import Host, conversations_of, play
from install.kit.recorded import RecordedModels, recorded_models
from install.kit.rules import IDS
from tests.e2e.conftest import account
from tests.e2e.stack import Person, put_back, until
from tests.fixtures.open_webui import OpenWebUIServer
from tests.kit.conftest import ROOT, Run

GUIDES = {language: ROOT / "docs" / f"first-agent{ending}.md" for language, ending in (("en", ""), ("ja", ".ja"))}
MOST_LINES = 40
MODEL = "gemma-3-27b"
EVERYONE = {"principal_type": "user", "principal_id": "*", "permission": "read"}


def blocks(guide: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", guide.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """The files of the guide, saved as it says."""
    plugin = tmp_path / "pipes" / "trips.py"
    conversations = tmp_path / "tests" / "conversations" / "trips.yaml"
    for path, kind in ((plugin, "python"), (conversations, "yaml")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(blocks(GUIDES["en"], kind)[0], encoding="utf-8")
    return plugin


def test_the_agent_has_forty_lines_and_keeps_every_rule(trips: Path) -> None:
    lines = [line for line in trips.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 120
    assert check(trips) == []


def test_both_languages_show_the_same_code_and_name_every_rule() -> None:
    for kind in ("python", "yaml", "sh"):
        english, japanese = ([_code(block) for block in blocks(guide, kind)] for guide in GUIDES.values())
        assert english == japanese
        assert english
    for guide in GUIDES.values():
        table = guide.read_text(encoding="utf-8")
        named = {part.strip("`") for part in re.findall(r"`[a-z-]+`", table)}
        families = {rule.split("-")[0] for rule in IDS}
        whole = named | {f"{family}{name}" for family in families for name in named if name.startswith("-")}
        assert IDS - {"syntax"} <= whole
    assert check_text(Path("trips.py"), blocks(GUIDES["ja"], "python")[0]) == []


def _code(block: str) -> str:
    """Without comments, which are in the reader's language."""
    return re.sub(r" *#.*", "", block)


@pytest.mark.timeout(300)
def test_its_recorded_conversations_pass(host: Host, trips: Path) -> None:
    assert conversation_files(trips)[0].parent.name == "conversations"
    results = list(play(host, trips, conversations_of(trips)))
    assert len(results) == 3
    assert [(each.name, each.trouble, [wrong for *_, wrong in each.turns]) for each in results if not each.passed] == []


@contextmanager
def connected(server: OpenWebUIServer) -> Iterator[RecordedModels]:
    """Open WebUI with one model, which everybody may ask."""
    with recorded_models() as models, put_back(server):
        models.models = (MODEL,)
        config = {"OPENAI_API_BASE_URLS": [models.url], "OPENAI_API_KEYS": ["sk-recorded"], "OPENAI_API_CONFIGS": {}}
        server.request("POST", "/openai/config/update", {"ENABLE_OPENAI_API": True, **config})
        publish(server, MODEL)
        server.request("GET", "/api/models?refresh=true")
        yield models


def publish(server: OpenWebUIServer, model: str) -> None:
    form = {"id": model, "name": model, "access_grants": [EVERYONE]}
    server.request("POST", "/api/v1/models/model/access/update", form)


def push(sekisho: Run, server: OpenWebUIServer, plugin: Path, state: Path) -> None:
    environment = {"SEKISHO_OPEN_WEBUI_URL": server.url, "SEKISHO_OPEN_WEBUI_TOKEN": server.admin_token}
    pushed = sekisho("dev", plugin, "--once", SEKISHO_STATE=str(state), **environment)
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    publish(server, plugin.stem)
    server.request("GET", "/api/models?refresh=true")


def text(message: dict[str, Any]) -> str:
    parts = [item["content"] for item in message["output"] if item["type"] == "message"]
    return "".join(part["text"] for content in parts for part in content)


def asked(models: RecordedModels, question: str) -> list[dict[str, Any]]:
    return [each for each in models.asked if question in json.dumps(each, ensure_ascii=False)]


def with_title(person: Person, chat_id: str, title: str) -> bool:
    return bool(person.get(f"/api/v1/chats/{chat_id}")["title"] == title)


def test_a_person_asks_the_agent_of_the_guide(
    open_webui: OpenWebUIServer, sekisho: Run, trips: Path, tmp_path: Path
) -> None:
    question = "ホテルはいくらまでですか。"
    with connected(open_webui) as models, contextmanager(account)(open_webui, "sora", "sora@example.com") as sora:
        models.answers = (Answer(when="ホテル", text=("1泊", "12,000円までです。")),)
        push(sekisho, open_webui, trips, tmp_path)
        names = {model["id"]: model["name"] for model in sora.get("/api/models")["data"]}
        assert "trips" in names

        turn = sora.ask(question, model="trips")
        assert text(turn.message) == "1泊12,000円までです。"
        assert turn.statuses == ["出張規程を読んでいます", "出張規程をもとに回答しました"]
        assert turn.message["statusHistory"][-1]["done"] is True
        [source] = turn.message["sources"]
        assert source["source"]["url"] == "https://intranet.example.com/travel"
        until(lambda: with_title(sora, turn.chat_id, question), "the chat has no title")
        [request] = asked(models, question)
        assert "12,000 yen a night" in request["messages"][0]["content"]


def test_a_person_asks_an_untouched_scaffold(
    open_webui: OpenWebUIServer, sekisho: Run, plugins: dict[str, Path], tmp_path: Path
) -> None:
    question = "有給休暇は何日ありますか。"
    with connected(open_webui) as models, contextmanager(account)(open_webui, "riku", "riku@example.com") as riku:
        models.answers = (Answer(when="有給", text=("年に", "20日です。")), Answer(when="壊れ", status=500))
        push(sekisho, open_webui, plugins["pipe"], tmp_path)
        turn = riku.ask(question, model="my_pipe")
        assert text(turn.message) == "年に20日です。"
        assert turn.statuses == [f"{MODEL} が作業しています", f"{MODEL} が回答しました"]
        until(lambda: with_title(riku, turn.chat_id, question), "the chat has no title")
        assert len(asked(models, question)) == 1
        broken = riku.ask("壊れますか。", model="my_pipe")
        assert "回答できませんでした" in text(broken.message)
        assert broken.message["statusHistory"][-1]["done"] is True
