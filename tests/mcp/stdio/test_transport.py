"""Servers that flood, hang, lie and die: each ends by itself, with a reason, and leaves nothing."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import CallToolResult, JSONRPCRequest, TextContent

from gateway.mcp.errors import UpstreamDown
from gateway.mcp.stdio import StdioCommand, StdioTransport
from tests.fakes import mcp_hostile
from tests.fakes.mcp_hostile import SECRET
from tests.mcp.stdio.conftest import Connect


def words(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_a_call(connect: Connect) -> None:
    async with connect() as (transport, session):
        assert words(await session.call_tool("echo", {"text": "関所"})) == json.dumps({"text": "関所"})
        assert transport.pid
    assert transport.ended.is_set()
    assert transport.pid is None
    assert transport.last_words() == "exited with status 0"


async def test_a_server_sees_only_what_its_entry_names(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_KEY", "canary")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    async with connect(env={"MINE": "1"}) as (_, session):
        seen = json.loads(words(await session.call_tool("environment")))
        _, folder = words(await session.call_tool("where")).split()
    assert {name: seen[name] for name in ("TZ", "MINE", "HOME")} == {"TZ": "Asia/Tokyo", "MINE": "1", "HOME": folder}
    assert set(seen) - {"LC_CTYPE"} == {"PATH", "LANG", "TZ", "MINE", "HOME"}


@pytest.mark.parametrize("size", [1, 15])
async def test_a_long_line_within_the_limit(connect: Connect, size: int) -> None:
    async with connect() as (_, session):
        assert len(words(await session.call_tool("big", {"mib": size}))) == size * 1024 * 1024


@pytest.mark.parametrize("tool", ["big", "unending"])
async def test_a_line_over_the_limit_ends_the_server(connect: Connect, tool: str) -> None:
    async with connect() as (transport, session):
        with pytest.raises(MCPError, match="Connection closed"):
            await session.call_tool(tool, {"mib": 100})
        await transport.ended.wait()
        assert transport.last_words() == "sent a message of more than 16 MiB"


@pytest.mark.parametrize("mode", ["floods", "floods-noise"])
async def test_a_flood_ends_the_server(connect: Connect, mode: str) -> None:
    async with connect(mode, opened=False) as (transport, _):
        await transport.ended.wait()
        assert transport.last_words() == "sends far more messages than anybody asked for"


async def test_noise_is_skipped_and_counted(connect: Connect) -> None:
    async with connect("noisy") as (transport, session):
        assert words(await session.call_tool("broken-json")) == "whole"
        assert transport.noise_lines == 5


@pytest.mark.parametrize("mode", ["marked", "stderr-flood", "ignores-sigterm"])
async def test_a_server_that_works_all_the_same(connect: Connect, mode: str) -> None:
    async with connect(mode, stop_seconds=0.2) as (_, session):
        assert words(await session.call_tool("echo")) == "{}"


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("twice", "first"),
        ("half-pair", "half ? of a pair"),
        ("bad-utf8", "\ufffd cut"),
        ("batch", "batched"),
        ("answer-and-exit", "the last words"),
    ],
)
async def test_odd_answers_arrive(connect: Connect, tool: str, expected: str) -> None:
    async with connect() as (_, session):
        assert words(await session.call_tool(tool)) == expected


@pytest.mark.parametrize("tool", ["float-id", "text-id"])
async def test_odd_ids_find_their_request(connect: Connect, tool: str) -> None:
    async with connect() as (_, session):
        assert (await session.call_tool(tool)).content == []


async def test_numbers_that_json_does_not_know(connect: Connect) -> None:
    async with connect() as (_, session):
        answer = await session.call_tool("not-a-number")
        assert answer.structured_content == {"value": None, "most": None}


@pytest.mark.parametrize(("tool", "message"), [("plain-result", "not a JSON object"), ("error-text", "it broke")])
async def test_answers_of_the_wrong_shape_are_errors_at_once(connect: Connect, tool: str, message: str) -> None:
    async with connect() as (_, session):
        with pytest.raises(MCPError, match=message):
            await session.call_tool(tool)


async def test_a_server_that_dies_in_a_call(connect: Connect) -> None:
    async with connect(secrets=(SECRET,)) as (transport, session):
        with pytest.raises(MCPError, match="Connection closed"):
            await session.call_tool("exit")
        assert transport.last_words() == "exited with status 7; its last lines: crash with ***"


@pytest.mark.parametrize("whom", ["server", "guard"])
async def test_a_server_that_is_killed_in_a_call(connect: Connect, whom: str) -> None:
    async with connect() as (transport, session):
        server = int(words(await session.call_tool("where")).split()[0])
        left = await _children(session)
        calling = asyncio.ensure_future(session.call_tool("silence"))
        await session.send_ping()
        assert transport.pid
        os.kill(server if whom == "server" else transport.pid, signal.SIGKILL)
        with pytest.raises(MCPError, match="Connection closed"):
            await calling
        assert transport.last_words() == "was killed"
        await _gone(server, left[0], *(left if whom == "server" else ()))


async def test_a_server_that_exits_at_once(connect: Connect) -> None:
    async with connect("exits", opened=False, secrets=(SECRET,)) as (transport, session):
        with pytest.raises(MCPError, match="Connection closed"):
            await session.initialize()
        assert transport.last_words() == (
            "exited with status 3; its last lines: cannot connect with ***\nfatal: no database"
        )


async def test_a_server_that_closes_its_output(connect: Connect) -> None:
    async with connect("closes-output", opened=False) as (transport, session):
        with pytest.raises(MCPError, match="Connection closed"):
            await session.initialize()
        assert transport.last_words() == "closed its output"


@pytest.mark.parametrize("mode", ["good", "ignores-everything"])
async def test_nothing_of_a_server_is_left(connect: Connect, mode: str) -> None:
    async with connect(mode, opened=mode == "good", stop_seconds=0.2) as (transport, session):
        left = await _children(session) if mode == "good" else []
        pid = transport.pid
        assert pid
    await _gone(pid, *left)


async def test_a_cancelled_stop_still_waits_for_the_end(command: Callable[..., StdioCommand]) -> None:
    transport = StdioTransport(command("ignores-everything", stop_seconds=60))
    await transport.__aenter__()
    pid = transport.pid
    assert pid
    stopping = asyncio.ensure_future(transport.__aexit__(None, None, None))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert transport.ended.is_set()
    await _gone(pid)


async def test_a_server_that_does_not_read(command: Callable[..., StdioCommand]) -> None:
    """What is written to it stays within a message and the pipe; the rest of the senders wait."""
    transport = StdioTransport(command("deaf", stop_seconds=0.2))
    async with transport as (_, writing):

        def sending(number: int) -> asyncio.Task[None]:
            big = JSONRPCRequest(jsonrpc="2.0", id=number, method="x", params={"x": "x" * 1024 * 1024})
            return asyncio.ensure_future(writing.send(SessionMessage(big)))

        sends = [sending(number) for number in range(20)]
        await asyncio.wait(sends, timeout=0.2)
        assert sum(each.done() for each in sends) == 1
        for each in sends[1:]:
            each.cancel()
        await asyncio.wait(sends)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"command": ("no-such-program",)}, "its command no-such-program is not installed or not executable here"),
        ({"command": ("./nothing",)}, "its command nothing is not installed or not executable here"),
        ({"command": ("true", "a\0b")}, r"it cannot be started \(embedded null byte\)"),
        ({"cwd": Path("/no/such/folder")}, r"its working folder \(`cwd`\) does not exist"),
        ({"folder": Path("/dev/null/home")}, r"its folder cannot be made \(Not a directory\)"),
    ],
)
async def test_a_server_that_cannot_be_started(tmp_path: Path, broken: dict[str, object], reason: str) -> None:
    whole = {"name": "broken", "command": ("true",), "env": {}, "folder": tmp_path, **broken}
    with pytest.raises(UpstreamDown, match=reason):
        await StdioTransport(StdioCommand(**whole)).__aenter__()  # type: ignore[arg-type]


async def test_a_program_that_the_system_refuses(tmp_path: Path) -> None:
    program = tmp_path / "no-program"
    program.write_bytes(b"\x00\x01")
    program.chmod(0o755)
    transport = StdioTransport(StdioCommand("broken", (str(program),), {}, tmp_path))
    async with transport as (reading, _):
        assert [each async for each in reading] == []
        assert transport.last_words() == "exited with status 127; its last lines: cannot be started: Exec format error"


@pytest.mark.parametrize(
    ("limits", "code", "reason"),
    [
        ({"memory_bytes": 64 * 1024 * 1024}, "x = bytearray(256 * 1024 * 1024)", "MemoryError"),
        ({"open_files": 16}, "import os\nwhile True: os.dup(1)", "Too many open files"),
        ({"cpu_seconds": 1}, "while True: pass", "used more CPU seconds than it may"),
        ({}, "import resource; raise SystemExit(str(resource.getrlimit(resource.RLIMIT_CORE)))", r"\(0, 0\)"),
    ],
)
async def test_limits(tmp_path: Path, limits: dict[str, int], code: str, reason: str) -> None:
    program = (sys.executable, "-I", "-S", "-c", code)
    transport = StdioTransport(StdioCommand("greedy", program, {}, tmp_path, **limits))  # type: ignore[arg-type]
    async with transport as (reading, _):
        assert [each async for each in reading] == []
        assert re.search(reason, transport.last_words())


async def test_a_killed_gateway_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(_GATEWAY)
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, str(script), mcp_hostile.__file__, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert gateway.stdout
    pids = [int(each) for each in (await gateway.stdout.readline()).split()]
    assert len(pids) == 5
    assert all(map(_runs, pids))
    gateway.kill()
    await gateway.wait()
    await _gone(*pids)


_GATEWAY = """
import asyncio, sys
from pathlib import Path
from mcp.client.session import ClientSession
from gateway.mcp.stdio import StdioCommand, StdioTransport

async def main():
    transport = StdioTransport(StdioCommand("x", (sys.executable, "-I", "-S", sys.argv[1]), {}, Path(sys.argv[2])))
    async with transport as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        await session.list_tools()
        where = (await session.call_tool("where")).content[0].text.split()[0]
        left = (await session.call_tool("child")).content[0].text
        print(transport.pid, where, left, flush=True)
        await session.call_tool("silence")

asyncio.run(main())
"""


async def _children(session: ClientSession) -> list[int]:
    return [int(each) for each in words(await session.call_tool("child")).split()]


async def _gone(*pids: int) -> None:
    """Wait until none of the processes runs; a zombie does not."""
    async with asyncio.timeout(30):
        while any(map(_runs, pids)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
