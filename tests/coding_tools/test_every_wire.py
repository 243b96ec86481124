"""Claude Code, Codex, Qwen Code and Gemini CLI work in a project over models of each wire: read, edit, write, run."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.coding_tools.test_codex import CONFIG, FREELY
from tests.coding_tools.tools import Workplace, installed
from tests.fakes.acting import Acting, Call, Say, Script, Step, Think
from tests.fakes.serving import serving
from tests.fixtures.gateway import GatewayProcess, deployment, model

pytestmark = pytest.mark.timeout(400)

WIRES = ("chat", "responses", "messages")


class Worker:
    """A model whose script a test sets."""

    def __init__(self) -> None:
        self.script: Script = lambda results: [Say("")]
        self.acting = Acting(lambda results: self.script(results))


@pytest.fixture(scope="module")
def workers() -> dict[str, Worker]:
    return {wire: Worker() for wire in WIRES}


@pytest.fixture(scope="module")
def office(workers: dict[str, Worker], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Serves `claude-chat`, `claude-responses`, `claude-messages`, each over a server that speaks nothing else."""
    with serving(workers["chat"].acting) as one, serving(workers["responses"].acting) as two, serving(workers["messages"].acting) as three:  # fmt: skip  # noqa: E501
        addresses = dict(zip(WIRES, (one, two, three), strict=True))
        models = [model(f"claude-{wire}", deployment(addresses[wire], "theirs", dialects=[wire])) for wire in WIRES]
        process = GatewayProcess(tmp_path_factory.mktemp("office"), {"models": models}).start()
        yield process
        assert process.stop() == 0, process.log


@pytest.fixture(scope="module")
def key_of_office(office: GatewayProcess) -> str:
    return office.key("alice-laptop", "--owner", "alice@example.com")


def call(name: str, number: int, **arguments: Any) -> Call:
    return Call(name, json.dumps(arguments, ensure_ascii=False), f"call_{number}")


def as_claude_code(project: Path) -> Script:
    """Six turns with Claude Code's tools; two files are read at once."""
    one, two, three = (str(project / name) for name in ("one.txt", "two.txt", "three.txt"))
    turns: dict[int, Callable[[], list[Step]]] = {
        0: lambda: [
            Think("Two files first.", "c2VhbA=="),
            Say("I read both."),
            call("Read", 1, file_path=one),
            call("Read", 2, file_path=two),
        ],
        2: lambda: [call("Edit", 3, file_path=one, old_string="first", new_string="最初")],
        3: lambda: [
            Think("Now together."),
            call("Bash", 4, command="cat one.txt two.txt > three.txt", description="Join"),
        ],
        4: lambda: [call("Read", 5, file_path=three)],
        5: lambda: [call("Write", 6, file_path=str(project / "four.txt"), content='quotes " and \\ and\nlines\n')],
    }
    return lambda results: turns.get(len(results), lambda: [Say("All done.")])()


def as_codex(project: Path) -> Script:
    """The same with Codex's one tool."""
    turns: dict[int, Callable[[], list[Step]]] = {
        0: lambda: [
            Think("Two files first.", "c2VhbA=="),
            Say("I read both."),
            call("exec_command", 1, cmd="cat one.txt"),
            call("exec_command", 2, cmd="cat two.txt"),
        ],
        2: lambda: [call("exec_command", 3, cmd="sed -i 's/first/最初/' one.txt")],
        3: lambda: [Think("Now together."), call("exec_command", 4, cmd="cat one.txt two.txt > three.txt")],
        4: lambda: [call("exec_command", 5, cmd="cat three.txt")],
        5: lambda: [call("exec_command", 6, cmd="printf 'quotes \" and \\\\ and\\nlines\\n' > four.txt")],
    }
    return lambda results: turns.get(len(results), lambda: [Say("All done.")])()


def as_qwen_code(project: Path, edit: str = "edit", **more: Any) -> Script:
    """The same with Qwen Code's tools; `edit` is what the tool that edits is called, `more` what else it wants."""
    one, two, three = (str(project / name) for name in ("one.txt", "two.txt", "three.txt"))
    turns: dict[int, Callable[[], list[Step]]] = {
        0: lambda: [
            Think("Two files first.", "c2VhbA=="),
            Say("I read both."),
            call("read_file", 1, file_path=one),
            call("read_file", 2, file_path=two),
        ],
        2: lambda: [call(edit, 3, file_path=one, old_string="first", new_string="最初", **more)],
        3: lambda: [
            Think("Now together."),
            call("run_shell_command", 4, command="cat one.txt two.txt > three.txt", is_background=False),
        ],
        4: lambda: [call("read_file", 5, file_path=three)],
        5: lambda: [call("write_file", 6, file_path=str(project / "four.txt"), content='quotes " and \\ and\nlines\n')],
    }
    return lambda results: turns.get(len(results), lambda: [Say("All done.")])()


def _prepare(project: Path) -> None:
    (project / "one.txt").write_text("first line\n")
    (project / "two.txt").write_text("second line\n")


def _check_files(project: Path) -> None:
    assert (project / "one.txt").read_text() == "最初 line\n"
    assert (project / "three.txt").read_text() == "最初 line\nsecond line\n"
    assert (project / "four.txt").read_text() == 'quotes " and \\ and\nlines\n'


def _check_records(office: GatewayProcess, client: str, wire: str) -> None:
    records = [each for each in office.records() if each.client == client and each.model == f"claude-{wire}"]
    assert len(records) >= 6
    assert {(each.outcome, each.user_id, each.usage_source) for each in records} == {
        ("ok", "alice@example.com", "provider")
    }


@pytest.mark.parametrize("wire", WIRES)
def test_claude_code(
    office: GatewayProcess, key_of_office: str, workplace: Workplace, workers: dict[str, Worker], wire: str
) -> None:
    program = installed("claude")
    _prepare(workplace.project)
    workers[wire].script = as_claude_code(workplace.project)
    environment = {
        "ANTHROPIC_BASE_URL": office.url,
        "ANTHROPIC_AUTH_TOKEN": key_of_office,
        "ANTHROPIC_MODEL": f"claude-{wire}",
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": f"claude-{wire}",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    asked = ("-p", "Work on the files.", "--allowedTools", "Read,Edit,Write,Bash")
    assert workplace.run(program, *asked, environment=environment).strip() == "All done."
    _check_files(workplace.project)
    _check_records(office, "claude-code", wire)


@pytest.mark.parametrize("wire", WIRES)
def test_codex(
    office: GatewayProcess, key_of_office: str, workplace: Workplace, workers: dict[str, Worker], wire: str
) -> None:
    program = installed("codex")
    _prepare(workplace.project)
    workers[wire].script = as_codex(workplace.project)
    folder = workplace.home / ".codex"
    folder.mkdir()
    config = CONFIG.format(url=office.url, more="supports_websockets = false").replace('"coder"', f'"claude-{wire}"')
    (folder / "config.toml").write_text(config)
    printed = workplace.run(
        program, "exec", *FREELY, "Work on the files.", environment={"SEKISHO_API_KEY": key_of_office}
    )
    assert printed.strip() == "All done."
    _check_files(workplace.project)
    _check_records(office, "codex", wire)


@pytest.mark.parametrize("wire", WIRES)
def test_qwen_code(
    office: GatewayProcess, key_of_office: str, workplace: Workplace, workers: dict[str, Worker], wire: str
) -> None:
    program = installed("qwen")
    _prepare(workplace.project)
    workers[wire].script = as_qwen_code(workplace.project)
    folder = workplace.home / ".qwen"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"privacy": {"usageStatisticsEnabled": False}}))
    environment = {
        "OPENAI_API_KEY": key_of_office,
        "OPENAI_BASE_URL": f"{office.url}/v1",
        "OPENAI_MODEL": f"claude-{wire}",
    }
    asked = ("-p", "Work on the files.", "--yolo", "--auth-type", "openai")
    assert workplace.run(program, *asked, environment=environment).strip().endswith("All done.")
    _check_files(workplace.project)
    _check_records(office, "qwen-code", wire)


@pytest.mark.parametrize("wire", WIRES)
def test_gemini_cli(
    office: GatewayProcess, key_of_office: str, workplace: Workplace, workers: dict[str, Worker], wire: str
) -> None:
    program = installed("gemini")
    _prepare(workplace.project)
    workers[wire].script = as_qwen_code(workplace.project, "replace", instruction="In Japanese")
    folder = workplace.home / ".gemini"
    folder.mkdir()
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    environment = {
        "GEMINI_API_KEY": key_of_office,
        "GOOGLE_GEMINI_BASE_URL": office.url,
        "GEMINI_MODEL": f"claude-{wire}",
    }
    asked = ("-p", "Work on the files.", "--yolo", "--skip-trust")
    assert workplace.run(program, *asked, environment=environment).strip().endswith("All done.")
    _check_files(workplace.project)
    _check_records(office, "gemini-cli", wire)
