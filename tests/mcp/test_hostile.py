"""Servers that flood, hang, lie and die, behind the hub: errors that a model can go on from, and no other suffers."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from tests.fakes import mcp_hostile
from tests.fakes.mcp_hostile import CALLS, LISTS, SECRET, START
from tests.fixtures.gateway import InProcess
from tests.mcp.hub import ERAS, Era, client, hub, texts

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
COMMAND = [sys.executable, "-I", "-S", mcp_hostile.__file__]
QUICK = {"open": 5, "list": 5, "call": 3, "total": 6}


def hostile(mode: str, **more: Any) -> dict[str, Any]:
    return {"command": [*COMMAND, mode], "env": {"TOKEN": SECRET}, "protocol": "legacy", "timeouts": QUICK, **more}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    servers = {mode: hostile(mode) for mode in ("good", "swallows", *START, *LISTS)}
    servers["unknown-era"] = hostile("swallows") | {"protocol": "auto"}
    with hub(tmp_path_factory.mktemp("hostile"), servers) as running:
        yield running


async def call(gateway: InProcess, server: str, tool: str, era: Era = "modern", **given: Any) -> CallToolResult:
    async with client(gateway, f"/{server}", era) as connected:
        return await connected.call_tool(tool, given)


async def still_works(gateway: InProcess, server: str = "good") -> None:
    assert texts(await call(gateway, server, "echo", number=1)) == ['{"number": 1}']


@pytest.mark.parametrize("mode", ["good", "swallows", "noisy", "marked", "stderr-flood", "ignores-sigterm"])
@pytest.mark.parametrize("era", ERAS)
async def test_odd_servers_that_work(gateway: InProcess, mode: str, era: Era) -> None:
    async with client(gateway, f"/{mode}", era) as connected:
        assert {tool.name for tool in (await connected.list_tools()).tools} == set(CALLS)
        assert texts(await connected.call_tool("echo", {"text": "関所"})) == ['{"text": "\\u95a2\\u6240"}']


async def test_a_server_that_swallows_the_probe_is_taken_for_an_old_one(gateway: InProcess) -> None:
    await still_works(gateway, "unknown-era")


@pytest.mark.parametrize("mode", ["exits", "ignores-everything", "floods", "floods-noise", "closes-output", "deaf"])
async def test_servers_that_never_work(gateway: InProcess, mode: str) -> None:
    answer = await call(gateway, mode, "echo")
    assert answer.is_error
    (told,) = texts(answer)
    assert f"'{mode}'" in told
    assert SECRET not in told
    await still_works(gateway)


REASONS = {
    "exits": "fatal: no database",
    "floods": "far more messages",
    "floods-noise": "far more messages",
    "closes-output": "closed its output",
}


@pytest.mark.parametrize("mode", REASONS)
async def test_the_reason_is_told(gateway: InProcess, mode: str) -> None:
    assert REASONS[mode] in texts(await call(gateway, mode, "echo"))[0]


GOOD_BESIDE_BAD = [mode for mode in LISTS if mode not in ("silent-list", "many-tools", "no-list", "endless-cursor")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("mode", GOOD_BESIDE_BAD)
async def test_one_bad_definition_does_not_hide_the_others(gateway: InProcess, mode: str, era: Era) -> None:
    async with client(gateway, f"/{mode}", era) as connected:
        names = [tool.name for tool in (await connected.list_tools()).tools]
        assert names.count("echo") == 1
        assert all(0 < len(name) <= 128 for name in names)
        assert texts(await connected.call_tool("echo", {})) == ["{}"]


@pytest.mark.parametrize(("mode", "most"), [("endless-cursor", 500), ("many-tools", 500), ("no-list", 0)])
async def test_lists_have_an_end(gateway: InProcess, mode: str, most: int) -> None:
    async with client(gateway, f"/{mode}", "modern") as connected:
        assert len((await connected.list_tools()).tools) <= most


@pytest.mark.parametrize("tool", ["big", "unending"])
@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_without_end(gateway: InProcess, tool: str, era: Era) -> None:
    answer = await call(gateway, "good", tool, era, mib=100)
    assert answer.is_error
    assert "more than 16 MiB" in texts(answer)[0]
    await still_works(gateway)


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_dies_in_a_call(gateway: InProcess, era: Era) -> None:
    answer = await call(gateway, "good", "exit", era)
    assert answer.is_error
    assert "crash with ***" in texts(answer)[0]
    await still_works(gateway)


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_is_killed_in_a_call(gateway: InProcess, era: Era) -> None:
    async with client(gateway, "/good", era) as connected:
        server = int(texts(await connected.call_tool("where"))[0].split()[0])
        calling = asyncio.ensure_future(connected.call_tool("sleep", {"seconds": 600}))
        await asyncio.sleep(0.2)
        os.kill(server, signal.SIGKILL)
        answer = await calling
        assert answer.is_error
        assert "was killed" in texts(answer)[0]
        assert int(texts(await connected.call_tool("where"))[0].split()[0]) != server


async def test_a_call_that_never_answers(gateway: InProcess) -> None:
    answer = await call(gateway, "good", "silence")
    assert answer.is_error
    assert "3 s" in texts(answer)[0] or "3 seconds" in texts(answer)[0]
    await still_works(gateway)


@pytest.mark.parametrize(
    "tool",
    [
        *("twice", "broken-json", "not-a-number", "half-pair", "bad-utf8", "float-id", "text-id", "batch"),
        *("unknown-content", "lying-output", "progress-flood"),
    ],
)
@pytest.mark.parametrize("era", ERAS)
async def test_odd_answers(gateway: InProcess, tool: str, era: Era) -> None:
    answer = await call(gateway, "good", tool, era)
    assert not answer.is_error
    await still_works(gateway)


@pytest.mark.parametrize("tool", ["plain-result", "error-text"])
async def test_answers_of_no_shape(gateway: InProcess, tool: str) -> None:
    async with client(gateway, "/good", "modern") as connected:
        with pytest.raises(MCPError):
            await connected.call_tool(tool)
    await still_works(gateway)


async def test_what_a_server_leaves_behind_goes_with_it(gateway: InProcess) -> None:
    left = [int(each) for each in texts(await call(gateway, "good", "child"))[0].split()]
    assert all(map(_runs, left))
    await call(gateway, "good", "exit")
    async with asyncio.timeout(30):
        while any(map(_runs, left)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_all_of_them_at_once(gateway: InProcess) -> None:
    """One that misbehaves does not keep the others waiting."""
    bad = [call(gateway, mode, "echo") for mode in ("floods", "deaf", "exits", "ignores-everything", "floods-noise")]
    bad += [call(gateway, "noisy", "big", mib=100), call(gateway, "marked", "unending")]
    waiting = [asyncio.ensure_future(each) for each in bad]
    for _ in range(10):
        await still_works(gateway)
    assert all(answer.is_error for answer in await asyncio.gather(*waiting))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
