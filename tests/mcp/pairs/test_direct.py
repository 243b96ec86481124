"""The rows of the matrix against the everything-server itself: they judge the hub only if they pass here."""

from collections.abc import Iterator

import pytest

from tests.fakes.mcp_everything import everything_app
from tests.fakes.serving import serving
from tests.mcp.pairs.peer import Peer
from tests.mcp.pairs.rows import ROWS

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(everything_app(), lifespan="on") as url:
        yield f"{url}/mcp"


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("row", ROWS)
async def test_a_row(address: str, era: str, row: str) -> None:
    await ROWS[row](Peer(address, era))
