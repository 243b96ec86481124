"""Servers over HTTP that misbehave, behind the hub."""

from collections.abc import Iterator

import pytest

from tests.fakes.mcp_hostile_http import WAYS, HostileHttp
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess
from tests.mcp.hub import ERAS, Era, client, hub, texts

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
QUICK = {"open": 5, "list": 5, "call": 3, "total": 6}
WORKING = ("good", "pieces", "forgetful")
BROKEN = tuple(way for way in WAYS if way not in WORKING)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[HostileHttp, str]]:
    app = HostileHttp()
    with serving(app) as url:
        yield app, url


@pytest.fixture(scope="module")
def gateway(server: tuple[HostileHttp, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    servers = {way: {"url": f"{server[1]}/{way}", "timeouts": QUICK} for way in WAYS}
    with hub(tmp_path_factory.mktemp("hostile"), servers) as running:
        yield running


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", WORKING)
async def test_odd_servers_that_work(gateway: InProcess, way: str, era: Era) -> None:
    async with client(gateway, f"/{way}", era) as connected:
        assert [tool.name for tool in (await connected.list_tools()).tools] == ["echo"]
        for number in range(4):
            assert texts(await connected.call_tool("echo", {"number": number})) == [f'{{"number": {number}}}']


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", BROKEN)
async def test_what_a_model_is_told(gateway: InProcess, way: str, era: Era) -> None:
    async with client(gateway, f"/{way}", era) as connected:
        answer = await connected.call_tool("echo", {})
    assert answer.is_error
    (told,) = texts(answer)
    assert f"'{way}'" in told
    for inside in ("Traceback", "secret of the server", "169.254", "127.0.0.1", "<html>"):
        assert inside not in told


async def test_no_other_address_is_asked(gateway: InProcess, server: tuple[HostileHttp, str]) -> None:
    """Neither a redirect nor the metadata of a sign-in is followed."""
    before = len(server[0].reached)
    for way in ("redirects", "refuses"):
        async with client(gateway, f"/{way}", "modern") as connected:
            assert (await connected.call_tool("echo", {})).is_error
    assert {path for path in server[0].reached[before:]} <= {"/redirects", "/refuses"}
