"""Clients of both eras learn of changes at servers of both."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import mcp_types as types
import pytest
from mcp.server.subscriptions import ResourceUpdated

from tests.fakes.mcp_everything.serving import Everything
from tests.fixtures.gateway import InProcess
from tests.mcp.hub import ERAS, Era, client, everything, hub, until

PAIRS = list(product(ERAS, ERAS))
WATCHED = "test://watched-resource"

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, tuple[Everything, str]]]:
    with everything("legacy", "modern") as found:
        yield found


@pytest.fixture(scope="module")
def gateway(
    servers: dict[str, tuple[Everything, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcess]:
    with hub(tmp_path_factory.mktemp("hub"), {name: {"url": url} for name, (_, url) in servers.items()}) as running:
        yield running


@pytest.mark.parametrize("upstream", ERAS)
async def test_an_older_client_follows_a_resource(gateway: InProcess, upstream: Era) -> None:
    told: list[str] = []

    async def heard(message: Any) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            told.append(str(message.params.uri))

    async with client(gateway, f"/{upstream}", "legacy", message_handler=heard) as connected:
        await connected.session.subscribe_resource(WATCHED)

        async def touched() -> bool:
            await connected.call_tool("touch_resource", {"uri": WATCHED})
            return bool(told)

        for _ in range(50):
            if await touched():
                break
        await until(lambda: told)
        assert set(told) == {WATCHED}
        await connected.session.unsubscribe_resource(WATCHED)


@pytest.mark.parametrize("upstream", ERAS)
async def test_a_newer_client_follows_a_resource(gateway: InProcess, upstream: Era) -> None:
    async with (
        client(gateway, f"/{upstream}", "modern") as connected,
        connected.listen(resource_subscriptions=[WATCHED, "test://nobody-has-this-scheme/%00"]) as stream,
    ):
        await connected.call_tool("touch_resource", {"uri": WATCHED})
        async for event in stream:
            assert event == ResourceUpdated(uri=WATCHED)
            break


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_changed_lists_are_told(gateway: InProcess, front: Era, upstream: Era) -> None:
    kinds: list[str] = []

    async def heard(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            kinds.append("tools")

    async with client(gateway, f"/{upstream}", front, message_handler=heard) as connected:
        if front == "legacy":
            for _ in range(50):
                await connected.call_tool("test_trigger_tool_change")
                if kinds:
                    break
            await until(lambda: kinds)
        else:
            async with connected.listen(tools_list_changed=True) as stream:
                assert stream.honored.tools_list_changed
                assert not stream.honored.prompts_list_changed
                await connected.call_tool("test_trigger_tool_change")
                async for _ in stream:
                    break
