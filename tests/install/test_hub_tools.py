"""Which of the hub's tools the doctor may call."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mcp_types import ToolAnnotations

from gateway.secret import Secret
from install.doctor.ledger import Gateway, _is_harmless
from tests.fakes.mcp_everything.call import Call, Offer, offering
from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.serving import serving
from tests.mcp.hub import hub

EXTRA: dict[str, Offer] = {}
offer = offering(EXTRA)


@offer(annotations=ToolAnnotations(read_only_hint=True))
async def only_reads(call: Call) -> Any:
    """Reads."""
    return "read"


@pytest.mark.parametrize(
    ("tool", "harmless"),
    [
        ({"annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object"}}, True),
        ({"name": "wiki__sign_in", "annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object"}}, False),
        ({"annotations": {"readOnlyHint": True}, "inputSchema": {"required": ["a"]}}, False),
        ({"annotations": {"readOnlyHint": "yes"}, "inputSchema": {}}, False),
        ({"annotations": None, "inputSchema": {}}, False),
        ({"inputSchema": {}}, False),
    ],
)
def test_a_tool_that_only_reads_and_needs_nothing(tool: dict[str, Any], harmless: bool) -> None:
    assert _is_harmless({"name": "x__y", **tool}) is harmless


def test_the_real_hub_is_asked(tmp_path: Path) -> None:
    with (
        serving(everything_app("modern", Everything(EXTRA)), lifespan="on") as url,
        hub(tmp_path, {"x": {"url": f"{url}/mcp"}}) as gateway,
        closing(Gateway(gateway.url, None)) as seen,
    ):
        assert seen.harmless_tools("/mcp", Secret(gateway.key)) == ["x__only_reads"]
        assert seen.harmless_tools(f"{gateway.url}/mcp", Secret(gateway.key)) == ["x__only_reads"]
        assert seen.harmless_tools("/mcp", Secret("sk-wrong")) == []
        assert seen.harmless_tools("/healthz", Secret(gateway.key)) == []
