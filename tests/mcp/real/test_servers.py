"""Servers that people use, behind the hub: those of npm, two of the newer era, and one that does not start."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.gateway import PROVIDER_KEY, InProcess
from tests.mcp.hub import ERAS, Era, client, hub, texts, until
from tests.mcp.node import environment, module, node

pytestmark = pytest.mark.timeout(400)
PROGRAMS = Path(sys.executable).parent
CANARY = "GATEWAY_CANARY"


def npm(name: str, *arguments: str) -> list[str]:
    return [str(node()), str(module(f"@modelcontextprotocol/server-{name}/dist/index.js")), *arguments]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository of one commit."""
    made = tmp_path_factory.mktemp("files")
    (made / "note.txt").write_text("関所 4711\n")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(made))
    for arguments in (("init", "--quiet"), ("add", "note.txt"), ("commit", "--quiet", "-m", "The first one")):
        subprocess.run([*git, *arguments], check=True)
    return made


@pytest.fixture(scope="module")
def gateway(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    servers: dict[str, Any] = {
        "everything": {"command": npm("everything", "stdio"), "env": {**environment(), "MINE": "1"}},
        "filesystem": {"command": npm("filesystem", str(folder))},
        "memory": {"command": npm("memory"), "env": {"MEMORY_FILE_PATH": str(folder / "memory.json")}},
        "time": {"command": [str(PROGRAMS / "mcp-server-time"), "--local-timezone", "Asia/Tokyo"]},
        "git": {"command": [str(PROGRAMS / "mcp-server-git"), "--repository", str(folder)]},
        "sqlite": {"command": [str(PROGRAMS / "mcp-server-sqlite"), "--db-path", "x.db"]},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CANARY, "of-the-gateway")
        with hub(tmp_path_factory.mktemp("real"), servers) as running:
            yield running


TOOLS = {"filesystem": 14, "memory": 9, "time": 2, "git": 12}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("server", TOOLS)
async def test_it_lists(gateway: InProcess, server: str, era: Era) -> None:
    async with client(gateway, f"/{server}", era) as connected:
        assert len((await connected.list_tools()).tools) == TOOLS[server]


@pytest.mark.parametrize("era", ERAS)
async def test_the_everything_server_of_npm(gateway: InProcess, era: Era) -> None:
    steps: list[float] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async with client(gateway, "/everything", era) as connected:
        names = {tool.name for tool in (await connected.list_tools()).tools}
        assert {"echo", "get-sum", "get-env", "trigger-long-running-operation"} <= names
        assert texts(await connected.call_tool("echo", {"message": "関所"})) == ["Echo: 関所"]
        slow = {"duration": 1, "steps": 3}
        await connected.call_tool("trigger-long-running-operation", slow, progress_callback=progress)
        await until(lambda: len(steps) >= 3)
        assert len((await connected.list_prompts()).prompts) == 4
        assert len((await connected.list_resources()).resources) == 7


async def test_nothing_of_the_gateway_in_its_environment(gateway: InProcess) -> None:
    async with client(gateway, "/everything", "legacy") as connected:
        (printed,) = texts(await connected.call_tool("get-env"))
    seen = json.loads(printed)
    assert seen["MINE"] == "1"
    assert not {CANARY, "PROVIDER_KEY", "SEKISHO_IDENTITY_SECRET", "VIRTUAL_ENV"} & set(seen)
    assert PROVIDER_KEY not in printed
    assert seen["HOME"].startswith(str(gateway.data_dir))


@pytest.mark.parametrize("era", ERAS)
async def test_files_and_memory(gateway: InProcess, folder: Path, era: Era) -> None:
    async with client(gateway, "/filesystem", era) as connected:
        assert "関所 4711" in texts(await connected.call_tool("read_text_file", {"path": str(folder / "note.txt")}))[0]
        outside = await connected.call_tool("read_text_file", {"path": "/etc/hostname"})
        assert outside.is_error
        assert "Access denied" in texts(outside)[0]
    async with client(gateway, "/memory", era) as connected:
        entity = {"name": f"花子-{era}", "entityType": "person", "observations": ["drinks tea"]}
        await connected.call_tool("create_entities", {"entities": [entity]})
        assert f"花子-{era}" in texts(await connected.call_tool("read_graph"))[0]


@pytest.mark.parametrize("era", ERAS)
async def test_time_and_git(gateway: InProcess, folder: Path, era: Era) -> None:
    async with client(gateway, "/time", era) as connected:
        answer = await connected.call_tool("get_current_time", {"timezone": "Asia/Tokyo"})
        assert json.loads(texts(answer)[0])["timezone"] == "Asia/Tokyo"
    async with client(gateway, "/git", era) as connected:
        answer = await connected.call_tool("git_log", {"repo_path": str(folder)})
        assert "The first one" in texts(answer)[0]


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_does_not_start(gateway: InProcess, era: Era) -> None:
    """It was written for another release of the SDK; what it wrote before it ended is told."""
    async with client(gateway, "/sqlite", era) as connected:
        answer = await connected.call_tool("read_query", {"query": "select 1"})
    assert answer.is_error
    (told,) = texts(answer)
    assert "sqlite" in told
    assert "AttributeError" in told
    assert "list_resources" in told


def test_the_inspector(gateway: InProcess) -> None:
    program = module(".bin/mcp-inspector")
    header = f"Authorization: Bearer {gateway.key}"

    def inspect(*arguments: str) -> Any:
        address = ("--cli", f"{gateway.url}/mcp/filesystem", "--transport", "http", "--header", header)
        command = [str(node()), str(program.resolve()), *address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(), check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    listed = inspect("--method", "tools/list")
    assert len(listed["tools"]) == TOOLS["filesystem"]
    answer = inspect("--method", "tools/call", "--tool-name", "list_allowed_directories")
    assert "files" in answer["content"][0]["text"]
