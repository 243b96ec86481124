"""Each rule finds what it is for, in a plugin that breaks nothing else, and leaves sound code alone."""

import re
from pathlib import Path

import pytest

from install.kit.check import check_text
from install.kit.rules import IDS
from install.kit.sentences import SENTENCES

TEMPLATES = Path(__file__).parents[2] / "install" / "kit" / "templates"
PLUGIN = Path("my_plugin.py")
HEAD = '"""\n\n'
"""The end of the frontmatter."""

Break = tuple[str, str, str]
"""The template, what stands there, what takes its place."""

BROKEN: dict[str, Break] = {
    "syntax": ("pipe", "class Pipe:", "class Pipe(:"),
    "plugin-class": ("pipe", "def first_model", "class Filter:\n    pass\n\n\ndef first_model"),
    "frontmatter-start": ("pipe", '"""\ntitle:', '"""title:'),
    "frontmatter-keys": ("pipe", "version: 0.1.0\n", ""),
    "frontmatter-line": ("pipe", "author:", "author-name:"),
    "frontmatter-version": ("pipe", "version: 0.1.0\n", "version: 1.0\n"),
    "frontmatter-id": ("pipe", "id: my_plugin", "id: another"),
    "requirements": ("pipe", "license: MIT", "license: MIT\nrequirements: requests"),
    "rewritten-text": ("pipe", "Answer briefly,", "Answer from main points,"),
    "future-import": ("pipe", HEAD, f"{HEAD}from __future__ import annotations\n"),
    "foreign-import": ("pipe", HEAD, f"{HEAD}import langchain_community\n"),
    "type-by-import": ("tool", HEAD, f"{HEAD}from asyncio import Event\n"),
    "print-call": ("pipe", "        if __task__:", "        print(body)\n        if __task__:"),
    "hook-missing": ("filter", "async def inlet(", "async def inlets("),
    "hook-sync": (
        "filter",
        "    async def inlet(",
        "    def outlet(self, body: Json) -> Json:\n        return body\n\n    async def inlet(",
    ),
    "hook-first-argument": ("action", "self, body: Json", "self, message: Json"),
    "hook-argument": ("action", "__request__: Any,", "__request__: Any, __metadata__: Json,"),
    "hook-rest": ("action", "__event_emitter__: Emitter | None = None)", "**more: Any)"),
    "hook-returns-nothing": ("filter", "            return body\n", "            return\n"),
    "task-ignored": ("pipe", '        if __task__:\n            return ""\n', ""),
    "state-on-self": ("filter", "        if not rules:", "        self.last = body\n        if not rules:"),
    "valves-read-twice": ("filter", "        if not rules:", "        if not self.valves.rules:"),
    "tool-helper": (
        "tool",
        "        holidays = self.valves.holidays.split()",
        "        holidays = await self.days_off()",
    ),
    "tool-undescribed": (
        "tool",
        "    # Every method",
        "    async def today(self) -> str:\n        return date.today().isoformat()\n\n    # Every method",
    ),
    "tool-untyped": ("tool", "first: str,", "first,"),
    "valves-not-set": ("filter", "        self.valves = self.Valves()", "        pass"),
    "valve-default": ("action", 'speed: int = valve(500, "valves.speed", ge=1)', "speed: int"),
    "valve-lost": ("pipe", "valves.model", "valves.chat_model"),
    "valve-type": ("action", "speed: int =", "speed: str ="),
    "not-awaited": ("pipe", "await Users.get_user_by_id(user_id)", "Users.get_user_by_id(user_id)"),
    "blocking-call": ("pipe", "        if __task__:", "        time.sleep(1)\n        if __task__:"),
    "language-missing": ("pipe", '"ja-JP": {', '"fr-FR": {'),
    "text-missing": ("pipe", '        "valves.model.title": "モデル",\n', ""),
    "text-placeholders": ("pipe", "{model} が作業しています", "作業しています"),
    "text-language": (
        "pipe",
        "このサーバーのモデルに、指示を添えて回答させます。",
        "Answers with a model of this server.",
    ),
    "text-in-code": ("pipe", '"description": description', '"description": "Working"'),
    "status-done": ("pipe", ', "done": done', ""),
    "status-left-open": ("pipe", "done=True", "done=False"),
}

WITH = {
    "tool-helper": (
        "    # Every method",
        '    async def days_off(self) -> list[str]:\n        """Days."""\n        return []\n\n    # Every method',
    ),
    "valve-lost": ("        model: str = valve", "        chat_model: str = valve"),
}
"""What some examples need besides."""


def template(kind: str) -> str:
    return (TEMPLATES / f"{kind}.py").read_text(encoding="utf-8")


def replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the template has no {old!r} any more"
    return text.replace(old, new)


@pytest.mark.parametrize("rule", sorted(IDS))
def test_a_rule_finds_its_example_and_nothing_else_does(rule: str) -> None:
    kind, old, new = BROKEN[rule]
    text = replaced(template(kind), old, new)
    if rule in WITH:
        text = replaced(text, *WITH[rule])
    found = check_text(PLUGIN, text, former=template(kind))
    assert {finding.rule for finding in found} == {rule}
    for finding in found:
        for language in ("en", "ja"):
            said = finding.problem(language) + finding.remedy(language)
            assert "{name" not in said.replace("{names}", "").replace("{名前}", "")
        assert 1 <= finding.line <= len(text.splitlines())
        assert finding.rule in check_ids(text, kind)
    assert check_text(PLUGIN, text, former=template(kind), ignored=frozenset({rule})) == [] or rule == "syntax"


def check_ids(text: str, kind: str) -> set[str]:
    return {finding.rule for finding in check_text(PLUGIN, text, former=template(kind))}


def test_every_rule_has_sentences_in_both_languages_with_the_same_values() -> None:
    assert set(SENTENCES) == IDS
    for rule, said in SENTENCES.items():
        assert set(said) == {"en", "ja"}, rule
        english, japanese = (" ".join(said[language]).replace("{{", "").replace("}}", "") for language in ("en", "ja"))
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", japanese)), rule
        assert re.search(r"[\u3040-\u30ff]", japanese)
        assert not re.search(r"[\u3040-\u30ff]", english)


AWAITED = {
    "gathered": "await asyncio.gather(*(Users.get_user_by_id(id) for id in ('a', 'b')))",
    "as a task": "task = asyncio.create_task(Users.get_user_by_id('a'))",
    "later": "waiting = Users.get_user_by_id('a')\n        user = await waiting",
    "with a limit": "user = await asyncio.wait_for(Users.get_user_by_id('a'), 5)",
    "collected": "tasks = []\n        tasks.append(Users.get_user_by_id('a'))\n        await asyncio.gather(*tasks)",
    "given to who awaits it": "await patient(Users.get_user_by_id('a'))",
    "a method of an object that is not known": "path.open()",
    "a sync method": "done = Users.is_active(None)",
    "a sync function of the same name": "first_model({})",
}
LOST = {
    "a statement": "Users.get_user_by_id('a')",
    "an attribute of it": "name = Users.get_user_by_id('a').name",
    "a condition": "if Users.get_user_by_id('a'): pass",
    "a comparison": "known = Users.get_user_by_id('a') is not None",
    "kept and read": "user = Users.get_user_by_id('a')\n        name = user.name",
    "shown": "name = f\"{Users.get_user_by_id('a')}\"",
    "an emitter": "__event_emitter__({'type': 'message', 'data': {'content': '.'}})",
    "its own": "show(None, '', done=True)",
    "an emitter under another name": "tell = None\n        emit(tell)",
    "a part of a tuple": "first, second = Users.get_user_by_id('a')",
    "a choice": "user = Users.get_user_by_id('a') if model else None",
    "an argument by name": "first_model(models=Users.get_user_by_id('a'))",
    "an argument of its own function": "first_model(Users.get_user_by_id('a'))",
    "what a loop goes through": "names = [each for each in Users.get_user_by_id('a')]",
    "a named value": "if user := Users.get_user_by_id('a'): pass",
    "a pause": "asyncio.sleep(1)",
    "returned": "return Users.get_user_by_id('a')",
    "kept in a dict": "body['user'] = Users.get_user_by_id('a')",
    "a method of a declared type": "desk.open()",
    "an emitter of a declared type": "desk.emitter({})",
}
DESK = "\n\nclass Desk:\n    emitter: Emitter\n\n    async def open(self) -> None:\n        await asyncio.sleep(0)\n"
PATIENT = "async def patient(waiting: Any) -> Any:\n    return await waiting"
NEXT = "        valves = self.valves\n"


def in_pipe(line: str) -> str:
    text = replaced(template("pipe"), NEXT, f"{NEXT}        {line}\n")
    text = replaced(text, "def first_model", f"{PATIENT}\n\n\ndef first_model")
    return replaced(text, "import json\n", "import asyncio\nimport json\n")


@pytest.mark.parametrize("line", AWAITED.values(), ids=AWAITED.keys())
def test_what_is_awaited_is_left_alone(line: str) -> None:
    assert check_text(PLUGIN, in_pipe(line)) == []


@pytest.mark.parametrize("line", LOST.values(), ids=LOST.keys())
def test_what_nothing_awaits_is_found(line: str) -> None:
    task = "__task__: str | None = None,"
    text = replaced(in_pipe(line), task, f"{task} emit: Emitter = show, desk: Desk | None = None,")
    text = replaced(text, "\n\nclass Pipe:", f"{DESK}\n\nclass Pipe:")
    found = [finding for finding in check_text(PLUGIN, text) if finding.rule != "hook-argument"]
    assert [finding.rule for finding in found] == ["not-awaited"]
    assert text.splitlines()[found[0].line - 1].strip() in line


def test_a_guarded_import_and_an_alias_are_left_alone() -> None:
    guarded = "try:\n    import langchain_community\nexcept ImportError:\n    langchain_community = None\n"
    text = replaced(template("pipe"), "log = ", f"{guarded}from asyncio import Event as Signal\nlog = ")
    assert check_text(PLUGIN, text) == []


def test_a_status_that_the_caller_ends_is_left_alone() -> None:
    """`pieces` runs within `told`, whose `finally` ends what it says."""
    asked = "    response = await generate_chat_completion("
    text = replaced(template("pipe"), asked, f"    await show(None, str(asked), done=False)\n{asked}")
    assert check_text(PLUGIN, text) == []


def test_a_wider_setting_keeps_what_is_stored() -> None:
    former = template("action")
    for wider in ("float", "int | None"):
        assert check_text(PLUGIN, replaced(former, "speed: int", f"speed: {wider}"), former=former) == []


def test_a_renamed_setting_names_its_new_name() -> None:
    text = replaced(template("pipe"), "valves.model", "valves.chat_model")
    text = replaced(text, "        model: str = valve", "        chat_model: str = valve")
    [finding] = check_text(PLUGIN, text, former=template("pipe"))
    assert "chat_model" in finding.problem()


@pytest.mark.parametrize(
    "text", ["", "\x00", "(" * 500, '"""', "class Pipe: pass", "I18N = {**x}\nTEXT = 3\nclass Tools: pass"]
)
def test_no_text_breaks_the_rules_themselves(text: str) -> None:
    assert check_text(PLUGIN, text)
