"""Proxies in front of one tool server: ours, mcpo, and FastMCP's."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.install import Unavailable, python_package
from tests.fakes import mcp_hostile
from tests.fakes.serving import free_port
from tests.fixtures.gateway import GatewayProcess

SERVER = [sys.executable, "-I", "-S", mcp_hostile.__file__]
VERSION = "2026-07-28"
_META = "io.modelcontextprotocol/"
_FASTMCP = """
import sys
from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy
port, command, *arguments = sys.argv[1:]
create_proxy(Client(StdioTransport(command, arguments)), name="bench").run(
    transport="http", host="127.0.0.1", port=int(port), path="/mcp", show_banner=False, log_level="ERROR")
"""


@dataclass(frozen=True)
class Target:
    """How a proxy is asked, and its process."""

    name: str
    url: str
    body: bytes
    pid: int
    headers: Mapping[str, str] = field(default_factory=dict)


def message(method: str, **params: Any) -> bytes:
    """A request of the newer era."""
    meta = {f"{_META}protocolVersion": VERSION, f"{_META}clientCapabilities": {}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}).encode()


def headers(method: str, name: str = "", key: str = "") -> dict[str, str]:
    found = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
        "mcp-method": method,
    }
    return found | ({"mcp-name": name} if name else {}) | ({"authorization": f"Bearer {key}"} if key else {})


SIMPLE = "test_simple_text"
SIMPLE_CALL = message("tools/call", name=SIMPLE, arguments={})
CALL = message("tools/call", name="echo", arguments={})


@contextmanager
def ours(servers: Mapping[str, Any], **more: Any) -> Iterator[tuple[GatewayProcess, str]]:
    """Our gateway with tool servers, and a key; `more` are settings of `mcp`."""
    with tempfile.TemporaryDirectory(prefix="sekisho-mcp-") as folder:
        gateway = GatewayProcess(Path(folder), {"models": [], "mcp": {"servers": dict(servers), **more}})
        key = gateway.key("bench")
        gateway.start()
        try:
            yield gateway, key
        finally:
            gateway.stop()


@contextmanager
def sekisho() -> Iterator[Target]:
    with ours({"bench": {"command": SERVER, "protocol": "legacy"}}) as (gateway, key):
        assert gateway.process
        yield Target(
            "sekisho", f"{gateway.url}/mcp/bench", CALL, gateway.process.pid, headers("tools/call", "echo", key)
        )


@contextmanager
def mcpo() -> Iterator[Target]:
    program = python_package("mcpo", "mcpo==0.0.20", "mcpo")
    subprocess.run([str(Path(program).parent / "pip"), "install", "--quiet", "mcp<2", "fastapi==0.128"], check=True)
    port = free_port()
    with _running([program, "--host", "127.0.0.1", "--port", str(port), "--", *SERVER], port) as pid:
        yield Target("mcpo 0.0.20", f"http://127.0.0.1:{port}/echo", b"{}", pid, {"content-type": "application/json"})


@contextmanager
def fastmcp() -> Iterator[Target]:
    program = python_package("fastmcp", "fastmcp==4.2.3", "python")
    port = free_port()
    with _running([program, "-c", _FASTMCP, str(port), *SERVER], port) as pid:
        yield Target("FastMCP 4.2.3", f"http://127.0.0.1:{port}/mcp", CALL, pid, headers("tools/call", "echo"))


@contextmanager
def _running(command: list[str], port: int) -> Iterator[int]:
    """A process that listens on a port."""
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ}) as run:
        try:
            _wait(run, port)
            yield run.pid
        finally:
            run.terminate()
            run.wait(10)


def _wait(run: "subprocess.Popen[bytes]", port: int) -> None:

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if run.poll() is not None:
            raise Unavailable(f"ended with {run.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise Unavailable("does not listen within a minute")


@contextmanager
def everything() -> Iterator[Target]:
    """A server on the SDK itself, over HTTP: what a call costs without a hub."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.mcp_everything", "http", "--port", str(port)]
    with _running(command, port) as pid:
        url = f"http://127.0.0.1:{port}/mcp"
        yield Target("SDK server", url, SIMPLE_CALL, pid, headers("tools/call", SIMPLE))


@contextmanager
def before_everything(url: str) -> Iterator[Target]:
    """Our gateway before such a server."""
    with ours({"bench": {"url": url}}) as (gateway, key):
        assert gateway.process
        sent = headers("tools/call", SIMPLE, key)
        yield Target("sekisho, HTTP", f"{gateway.url}/mcp/bench", SIMPLE_CALL, gateway.process.pid, sent)


PEERS = (sekisho, mcpo, fastmcp)
