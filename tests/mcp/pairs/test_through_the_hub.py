"""Clients and servers of both eras with the hub between them, the servers over HTTP and stdio: eight combinations."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.mcp_everything import everything_command
from tests.fixtures.gateway import InProcess
from tests.mcp.hub import everything, hub
from tests.mcp.pairs.peer import Peer
from tests.mcp.pairs.rows import ROWS

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
SERVERS = ("legacy-http", "modern-http", "legacy-stdio", "modern-stdio")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with everything("legacy", "modern") as servers:
        configured: dict[str, Any] = {f"{era}-http": {"url": url} for era, (_, url) in servers.items()}
        for era in ("legacy", "modern"):
            command, env = everything_command("legacy" if era == "legacy" else "both")
            configured[f"{era}-stdio"] = {"command": command, "env": env, "roots": True}
        with hub(tmp_path_factory.mktemp("pairs"), configured) as running:
            yield running


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("row", ROWS)
async def test_a_row(gateway: InProcess, server: str, era: str, row: str) -> None:
    headers = {"authorization": f"Bearer {gateway.key}"}
    await ROWS[row](Peer(f"{gateway.url}/mcp/{server}", era, headers))
