"""Which of the hub's tools the doctor may call."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp_types import ToolAnnotations

from gateway.secret import Secret
from install.doctor.examine import _judged
from install.doctor.finding import State
from install.doctor.ledger import Gateway, _is_harmless
from install.doctor.probes import PROBES, Round
from install.doctor.texts import Texts
from tests.fakes.mcp_everything.call import Call, Offer, offering
from tests.fakes.mcp_everything.serving import Everything, everything_app
from tests.fakes.serving import serving
from tests.mcp.hub import hub

EXTRA: dict[str, Offer] = {}
offer = offering(EXTRA)


@offer(
    {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    annotations=ToolAnnotations(read_only_hint=True),
)
async def at_a_zone(call: Call) -> Any:
    """Reads, of what it is told."""
    return "read"


@offer(annotations=ToolAnnotations(read_only_hint=True))
async def only_reads(call: Call) -> Any:
    """Reads."""
    return "read"


@pytest.mark.parametrize(
    ("tool", "harmless"),
    [
        ({"annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object"}}, True),
        ({"name": "wiki__sign_in", "annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object"}}, False),
        ({"annotations": {"readOnlyHint": True}, "inputSchema": {"required": ["a"]}}, True),
        ({"annotations": {"readOnlyHint": "yes"}, "inputSchema": {}}, False),
        ({"annotations": None, "inputSchema": {}}, False),
        ({"inputSchema": {}}, False),
    ],
)
def test_a_tool_that_only_reads(tool: dict[str, Any], harmless: bool) -> None:
    assert _is_harmless({"name": "x__y", **tool}) is harmless


@pytest.mark.parametrize(
    ("rows", "state", "remedy"),
    [
        ([], State.FAILED, "mend.tool"),
        ([{"outcome": "ok"}], State.VERIFIED, ""),
        ([{"outcome": "error", "error_code": "tool_error"}], State.VERIFIED, ""),
        ([{"outcome": "refused", "error_code": "invalid_arguments"}], State.VERIFIED, ""),
        ([{"outcome": "error", "error_code": "mcp_server_down"}], State.FAILED, "mend.hub_call"),
        ([{"outcome": "ok", "user_id": "somebody"}], State.FAILED, "mend.hub_key"),
        ([{"outcome": "ok", "user_id": None, "identity_source": "none"}], State.FAILED, "mend.hub_key"),
    ],
)
def test_what_the_record_of_the_call_proves(rows: list[dict[str, Any]], state: State, remedy: str) -> None:
    text = Texts("en")
    target: Any = SimpleNamespace(text=text, me={"id": "me", "email": "me@example.com"})
    [probe] = [probe for probe in PROBES if probe.name == "tool server"]
    mine = {"user_id": "me", "user_email": None, "identity_source": "jwt"}
    found = _judged(Round(target, "m"), probe, [{**mine, **row} for row in rows])
    assert (found.state, found.remedy) == (state, text(remedy) if remedy else "")


def test_the_real_hub_is_asked(tmp_path: Path) -> None:
    with (
        serving(everything_app("modern", Everything(EXTRA)), lifespan="on") as url,
        hub(tmp_path, {"x": {"url": f"{url}/mcp"}}) as gateway,
        closing(Gateway(gateway.url, None)) as seen,
    ):
        assert seen.harmless_tools("/mcp", Secret(gateway.key)) == ["x__only_reads", "x__at_a_zone"]
        assert seen.harmless_tools(f"{gateway.url}/mcp", Secret(gateway.key)) == ["x__only_reads", "x__at_a_zone"]
        assert seen.harmless_tools("/mcp", Secret("sk-wrong")) == []
        assert seen.harmless_tools("/healthz", Secret(gateway.key)) == []
