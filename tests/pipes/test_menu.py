"""What stands in the model menu, and who may ask it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.plugin_host import ROOT
from tests.pipes.conftest import NAME, Desk

MISTAKE = {
    "id": "agents.settings",
    "name": "⚠ エージェントの設定に誤りがあります / The settings of the agents have a mistake",
}


def menu(desk: Desk) -> list[dict[str, str]]:
    return [{"id": model["id"], "name": model["name"]} for model in desk.host.call("menu")["models"]]


def log(desk: Desk) -> str:
    return Path(desk.host.log).read_text(encoding="utf-8")


def test_every_agent_is_a_model(desk: Desk) -> None:
    desk.set(desk.manifest({"id": "hr", "icon": "🏖"}, {"id": "law-2", "name": "法務", "description": "契約を調べます"}))
    assert menu(desk) == [{"id": "agents.hr", "name": f"🏖 {NAME}"}, {"id": "agents.law-2", "name": "法務"}]


@pytest.mark.parametrize(
    ("guide", "names"),
    [("agents.md", ["🏖 Personnel desk", "Research"]), ("agents.ja.md", ["🏖 人事案内", "調査"])],
)
def test_the_guide_s_example_is_right(desk: Desk, guide: str, names: list[str]) -> None:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    desk.set(text.split("```json\n")[1].split("```")[0])
    assert [entry["name"] for entry in menu(desk)] == names


def test_no_agents_no_entries(desk: Desk) -> None:
    desk.set("")
    assert menu(desk) == []


@pytest.mark.parametrize(
    ("manifest", "named"),
    [
        ('[{"id": "a",}]', "line 1, column 13"),
        ('{"id": "a"}', "it is not a list"),
        ('["a"]', "agent 1: Input should be"),
        (
            '[{"id": "a", "name": "A", "url": "http://x/v1", "dialect": "soap"}]',
            "agent 1 (a), dialect: Input should be",
        ),
        ('[{"id": "a", "name": "A", "url": "ftp://x/v1"}]', "agent 1 (a), url"),
        ('[{"id": "a b", "name": "A", "url": "http://x/v1"}]', "agent 1 (a b), id"),
        ('[{"id": "a", "name": "A", "url": "http://x/v1", "modell": "m"}]', "agent 1 (a), modell: Extra inputs"),
        ("[" + ",".join(['{"id": "a", "name": "A", "url": "http://x/v1"}'] * 201) + "]", "more than 200 agents"),
        ("[" * 100_000, "this is not JSON"),
    ],
)
def test_a_mistake_is_named_in_the_log_and_shown_in_one_entry(desk: Desk, manifest: str, named: str) -> None:
    desk.set(manifest)
    before = len(log(desk))
    assert menu(desk)[-1] == MISTAKE
    assert sum(entry == MISTAKE for entry in menu(desk)) == 1
    assert named in log(desk)[before:]


def test_a_mistake_hides_no_other_agent_and_says_who_corrects_it(desk: Desk) -> None:
    good, bad = {"id": "hr"}, {"id": "law", "dialect": "soap"}
    desk.set(desk.manifest(good, bad))
    assert menu(desk) == [{"id": "agents.hr", "name": NAME}, MISTAKE]
    person = desk.again("何日ですか。", model="agents.settings").error
    assert "setting" in person
    assert "law" not in person
    admin = desk.host.call("user", role="admin")
    japanese = {"variables": {"{{USER_LANGUAGE}}": "ja-JP"}}
    told = desk.again("何日ですか。", model="agents.settings", user=admin, metadata=japanese).error
    assert told.startswith("エージェントの設定に誤りがある")
    assert "agent 2 (law), dialect" in told


def test_the_menu_asks_nobody_and_is_read_once(desk: Desk) -> None:
    """An address that never answers costs nothing."""
    rows: list[dict[str, Any]] = [{"id": f"a{n}", "url": "http://10.255.255.1/v1"} for n in range(200)]
    desk.set(desk.manifest(*rows))
    assert len(menu(desk)) == 200
    assert min(desk.host.call("menu")["seconds"] for _ in range(5)) < 0.2
    assert desk.agent.asked == []


def test_an_agent_that_is_gone(desk: Desk) -> None:
    desk.set(desk.manifest({"id": "hr"}))
    assert desk.again("?", model="agents.law").error.startswith("There is no agent law any more.")


def test_groups(desk: Desk) -> None:
    """By name or by id; an administrator may always."""
    colleague, stranger, admin = (desk.host.call("user", role=role) for role in ("user", "user", "admin"))
    group = desk.host.call("group", name="人事部", user_ids=[colleague["id"]])
    for known in ("人事部", group):
        row = {"id": "hr", "model": "chat", "groups": [known]}
        desk.set(desk.manifest(row), keys=json.dumps({"hr": desk.agent.key}))
        assert desk.again("何日ですか。", model="agents.hr", user=colleague).error == ""
        assert desk.again("何日ですか。", model="agents.hr", user=admin).error == ""
        calls = len(desk.agent.asked)
        assert "is not open to your group" in desk.again("何日ですか。", model="agents.hr", user=stranger).error
        assert len(desk.agent.asked) == calls
