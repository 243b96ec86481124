"""Recorded conversations inside the real Open WebUI, its web server aside."""

import json
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from install.errors import InstallError
from install.kit.conversation import Answer, Conversation, conversation_files
from install.kit.drive import Host, Played, conversations_of, play
from install.kit.kinds import BY_NAME
from install.kit.recorded import recorded_models
from tests.kit.conftest import KINDS, PYTHON, ROOT, Run

pytestmark = pytest.mark.timeout(300)
"""Whoever comes first also waits for Open WebUI."""


def played(host: Host, plugin: Path, **conversation: object) -> Played:
    [found] = play(host, plugin, [Conversation.model_validate({"name": "one", **conversation})])
    return found


def wrong(found: Played) -> list[str]:
    return [found.trouble] if found.trouble else [line for _, _, lines in found.turns for line in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_passes_its_conversations(kind: str, host: Host, plugins: dict[str, Path]) -> None:
    plugin = plugins[kind]
    assert conversation_files(plugin) == [plugin.parents[1] / "tests" / "conversations" / f"my_{kind}.yaml"]
    results = list(play(host, plugin, conversations_of(plugin)))
    assert [line for each in results for line in wrong(each)] == []
    assert len(results) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_open_webui_finds_every_setting_and_its_texts(kind: str, host: Host, plugins: dict[str, Path]) -> None:
    about = host.load(plugins[kind])
    assert about["kind"] == kind
    assert about["schemas"]["Valves"]["properties"]
    keys = {
        f"{prefix}.{name}.{text}"
        for cls, prefix in (("Valves", "valves"), ("UserValves", "user_valves"))
        for name in about["schemas"].get(cls, {}).get("properties", {})
        for text in ("title", "description")
    }
    for texts in about["i18n"].values():
        assert set(texts) == {"name", "description"} | keys


def test_what_a_plugin_does_differently_is_found(host: Host, plugins: dict[str, Path]) -> None:
    """The same plugin, with expectations that it cannot meet."""
    turn = {"user": "Hello", "expect": {"contains": "nonsense", "calls": 3, "statuses": "never"}}
    lines = wrong(played(host, plugins["pipe"], answers=[{"text": "Hi."}], turns=[turn]))
    assert len(lines) == 3
    assert "not said: 'nonsense' in 'Hi.'" in lines


def test_a_stop_closes_what_runs_behind(host: Host, plugins: dict[str, Path]) -> None:
    words = [f"word{number} " for number in range(200)]
    turn = {"user": "Count", "stop_after_ms": 900}
    found = played(host, plugins["pipe"], answers=[{"text": words, "silent_ms": 100}], turns=[turn])
    [(_, observed, lines)] = found.turns
    assert observed.stopped
    assert lines == ()
    assert "word0" in observed.text
    assert "word199" not in observed.text


def test_files_and_people_reach_the_plugin(host: Host, tmp_path: Path) -> None:
    plugin = tmp_path / "files_of.py"
    plugin.write_text(
        "class Pipe:\n"
        "    async def pipe(self, body, __user__, __files__, __metadata__):\n"
        "        names = [file['name'] for file in __files__]\n"
        "        return f\"{__user__['role']} {__user__['name']} {names} {body['messages'][-1]['content']}\"\n",
        encoding="utf-8",
    )
    turn = {
        "user": "Read",
        "files": [{"name": "a.txt", "text": "secret"}],
        "expect": {"equals": "admin Hana ['a.txt'] Read"},
    }
    assert wrong(played(host, plugin, user={"name": "Hana", "role": "admin"}, turns=[turn])) == []


def test_a_pipe_with_several_entries_is_asked_under_one(host: Host, tmp_path: Path) -> None:
    plugin = tmp_path / "two_desks.py"
    plugin.write_text(
        "class Pipe:\n"
        "    async def pipes(self):\n"
        "        return [{'id': 'a', 'name': 'A'}, {'id': 'b', 'name': 'B'}]\n"
        "    async def pipe(self, body):\n"
        "        return body['model']\n",
        encoding="utf-8",
    )
    for entry, model in ((None, "two_desks.a"), ("b", "two_desks.b")):
        turns = [{"user": "Hi", "expect": {"equals": model}}]
        assert wrong(played(host, plugin, pipe=entry, turns=turns)) == []


def test_an_error_inside_is_what_the_person_reads(host: Host, tmp_path: Path) -> None:
    plugin = tmp_path / "quota.py"
    plugin.write_text(
        "class Filter:\n    async def inlet(self, body):\n        raise Exception('quota used up')\n", encoding="utf-8"
    )
    turns = [{"user": "Hi", "assistant": "Hello"}]
    assert wrong(played(host, plugin, turns=turns)) == ["an error: 'quota used up'"]
    accepted = [{**turns[0], "expect": {"error": "quota"}}]
    assert wrong(played(host, plugin, turns=accepted)) == []


def test_a_silent_host_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    pipe = subprocess.PIPE
    with (
        (tmp_path / "log").open("w") as log,
        recorded_models() as models,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process,
    ):
        silent = Host(process, Path(sys.executable), log, models, silence=0.5)
        with pytest.raises(InstallError, match="silent for too long"):
            silent.call("person", name="Taro", role="user")
        assert process.wait(30) != 0


def test_the_models_behind_answer_as_recorded() -> None:
    answers = (Answer(when="leave", text=("20", " days"), thinking="hm"),)
    with recorded_models() as models, httpx2.Client() as client:
        models.models, models.answers = ("house-model",), answers
        assert client.get(f"{models.url}/models").json()["data"][0]["id"] == "house-model"
        asked = {"model": "house-model", "messages": [{"role": "user", "content": "leave?"}]}
        message = client.post(f"{models.url}/chat/completions", json=asked).json()["choices"][0]["message"]
        assert (message["content"], message["reasoning_content"]) == ("20 days", "hm")
        streamed = client.post(f"{models.url}/chat/completions", json={**asked, "stream": True}).text
        assert streamed.count("data: ") == 5
        assert streamed.rstrip().endswith("data: [DONE]")
        assert [each.get("stream") for each in models.asked] == [None, True]


def test_the_command_tells_what_failed_and_the_scaffolds_test_passes(sekisho: Run, plugins: dict[str, Path]) -> None:
    if not PYTHON.exists():
        pytest.skip("Open WebUI is not installed: run `make .venv-open-webui`")
    tool, action = plugins["tool"], plugins["action"]
    conversations = conversation_files(tool)[0]
    text = conversations.read_text(encoding="utf-8")
    conversations.write_text(text.replace('equals: "5"', 'equals: "6"'), encoding="utf-8")
    broken = tool.with_name("broken.py")
    broken.write_text("import no_such_module\n\n\nclass Tools:\n    pass\n")
    (conversations.parent / "broken.yaml").write_text("conversations: [{name: any, turns: [{tool: x}]}]")

    # Both start an Open WebUI of their own: at the same time.
    with scaffolds_own_test(action) as own:
        told = sekisho("test", tool, broken, action, "--json", "--python", PYTHON)
        output, _ = own.communicate(timeout=240)
    assert told.returncode == 1, told.stderr
    found = {each["name"]: each for each in json.loads(told.stdout)["conversations"]}
    assert found["a week"]["turns"][0]["wrong"] == ["said '5', not '6'"]
    assert "no_such_module" in found["any"]["trouble"]
    assert [found[name]["passed"] for name in ("a week", "no dates", "any", "in Japanese")] == [
        False,
        True,
        False,
        True,
    ]
    assert "2 of 6 conversations failed." in told.stderr

    assert own.returncode == 0, output
    assert "2 passed" in output


def scaffolds_own_test(plugin: Path) -> "subprocess.Popen[str]":
    folder = plugin.parents[1]
    test = folder / "tests" / f"test_{plugin.stem}.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "SEKISHO_OPEN_WEBUI_PYTHON": str(PYTHON)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def test_what_is_missing_is_named(sekisho: Run, plugins: dict[str, Path]) -> None:
    none = sekisho("test", plugins["pipe"], "--python", "/nowhere/python")
    assert none.returncode == 2
    assert "Pass its Python with --python or SEKISHO_OPEN_WEBUI_PYTHON" in none.stderr
    if not PYTHON.exists():
        return
    conversation_files(plugins["pipe"])[0].unlink()
    unrecorded = sekisho("test", plugins["pipe"], "--python", PYTHON)
    assert unrecorded.returncode == 2
    assert "pass it with --conversation" in unrecorded.stderr
    other = sekisho("test", plugins["tool"], "--python", sys.executable)
    assert other.returncode == 1
    assert "0.12.4 is installed there" in other.stderr
    assert {BY_NAME[kind].folder for kind in KINDS} == {path.parent.name for path in plugins.values()}
