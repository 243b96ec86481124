"""Calls that are left, time out, wait for an answer, or come back with a state that is not theirs."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read
from tests.fakes.mcp_everything.serving import Everything
from tests.fixtures.gateway import GatewayProcess, InProcess
from tests.mcp.hub import ERAS, Era, client, everything, hub, texts, until

PAIRS = list(product(ERAS, ERAS))
VERSION = "2026-07-28"

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, tuple[Everything, str]]]:
    with everything("legacy", "modern") as found:
        yield found


@pytest.fixture(scope="module")
def gateway(
    servers: dict[str, tuple[Everything, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InProcess]:
    configured: dict[str, Any] = {name: {"url": url} for name, (_, url) in servers.items()}
    impatient = {"timeouts": {"call": 2, "total": 4}}
    configured |= {f"quick-{name}": {"url": url, **impatient} for name, (_, url) in servers.items()}
    with hub(tmp_path_factory.mktemp("hub"), configured) as running:
        yield running


def _records(gateway: InProcess) -> list[Record]:
    return [record for record in read(folder(gateway.data_dir)) if record.api == "mcp"]


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_a_call_that_is_left_ends_at_the_server(
    gateway: InProcess, servers: dict[str, tuple[Everything, str]], front: Era, upstream: Era
) -> None:
    happened = servers[upstream][0].happened
    before, records = len(happened.cancelled), len(_records(gateway))
    begun = asyncio.Event()

    async def report(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    async with client(gateway, f"/{upstream}", front) as connected:
        call = asyncio.create_task(connected.call_tool("slow", {"seconds": 60}, progress_callback=report))
        await asyncio.wait_for(begun.wait(), 20)
        call.cancel()
        await until(lambda: len(happened.cancelled) > before)
        await until(lambda: len(_records(gateway)) > records)
    assert _records(gateway)[-1].outcome == "cancelled"


@pytest.mark.parametrize(("front", "upstream"), [("legacy", "modern"), ("modern", "legacy")])
async def test_a_call_without_a_sign_of_life_ends(gateway: InProcess, front: Era, upstream: Era) -> None:
    async with client(gateway, f"/quick-{upstream}", front) as connected:
        result = await connected.call_tool("slow", {"seconds": 60, "steps": 1})
        assert result.is_error
        assert f"mcp.servers.quick-{upstream}.timeouts.call" in texts(result)[0]
        kept_alive = await connected.call_tool("slow", {"seconds": 3, "steps": 30})
        assert texts(kept_alive) == ["slow but done"], "progress keeps a call alive"


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_two_questions_in_a_row(gateway: InProcess, front: Era, upstream: Era) -> None:
    asked: list[str] = []

    async def elicit(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"reply": str(len(asked))})

    async with client(gateway, f"/{upstream}", front, elicitation_callback=elicit) as connected:
        assert texts(await connected.call_tool("ask_twice", {"question": "First?"})) == ["1 / 2"]
    assert asked == ["First?", "And then?"]


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_a_page_to_open(gateway: InProcess, front: Era, upstream: Era) -> None:
    async def elicit(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert isinstance(params, types.ElicitRequestURLParams)
        assert params.url == "https://example.com/sign-in"
        assert front == "modern" or params.elicitation_id
        return types.ElicitResult(action="accept")

    async with client(gateway, f"/{upstream}", front, elicitation_callback=elicit) as connected:
        assert texts(await connected.call_tool("ask_page")) == ["page: accept"]


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_sampling_and_roots(gateway: InProcess, front: Era, upstream: Era) -> None:
    async def sample(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        return types.CreateMessageResult(
            role="assistant", content=types.TextContent(type="text", text="Sampled."), model="m", stop_reason="endTurn"
        )

    async def roots(_: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root(uri="file:///srv/ours", name="ours")])

    options: dict[str, Any] = {"sampling_callback": sample, "list_roots_callback": roots}
    async with client(gateway, f"/{upstream}", front, **options) as connected:
        assert "Sampled." in texts(await connected.call_tool("test_sampling", {"prompt": "Say it"}))[0]
        assert "file:///srv/ours" in texts(await connected.call_tool("test_input_required_result_list_roots"))[0]


def _modern(method: str, params: dict[str, Any], capabilities: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return body and headers of a plain request of the newest revision."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": VERSION,
        "mcp-method": method,
        "mcp-name": params["name"],
    }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}, headers


def _call(gateway: InProcess, server: str, key: str = "", **params: Any) -> Any:
    body, headers = _modern("tools/call", {"name": "test_elicitation", **params}, {"elicitation": {"form": {}}})
    if key:
        headers["authorization"] = f"Bearer {key}"
    answer = gateway.post(f"/mcp/{server}", json=body, headers=headers)
    if answer.headers["content-type"].startswith("text/event-stream"):
        lines = [line for line in answer.text.splitlines() if line.startswith("data:")]
        return httpx2.Response(200, content=lines[-1][5:].encode()).json()
    return answer.json()


def _answers(result: dict[str, Any]) -> dict[str, Any]:
    content = {"username": "ada", "email": "ada@example.com"}
    return {key: {"action": "accept", "content": content} for key in result["inputRequests"]}


@pytest.mark.parametrize("upstream", ERAS)
def test_a_state_belongs_to_its_call_its_key_and_its_view(gateway: InProcess, upstream: Era) -> None:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    other = process.key(f"other-{upstream}")
    arguments = {"message": "Who?"}
    asked = _call(gateway, upstream, arguments=arguments)["result"]
    assert asked["resultType"] == "input_required"
    state, answers = asked["requestState"], _answers(asked)
    again = {"arguments": arguments, "requestState": state, "inputResponses": answers}
    foreign = [
        _call(gateway, upstream, key=other, **again),
        _call(gateway, upstream, **{**again, "arguments": {"message": "Other?"}}),
        _call(gateway, upstream, **{**again, "requestState": state[:-2] + ("AA" if state[-2:] != "AA" else "BB")}),
        _call(gateway, f"quick-{upstream}", **again),
        _call(gateway, upstream, **{**again, "requestState": "odd"}),
    ]
    assert [each["error"]["code"] for each in foreign] == [-32602] * len(foreign)
    done = _call(gateway, upstream, **again)
    assert "ada" in done["result"]["content"][0]["text"]
    repeated = _call(gateway, upstream, **again)
    assert upstream == "modern" or repeated["error"]["code"] == -32602


def test_a_parked_call_waits_for_all_of_its_answers(gateway: InProcess) -> None:
    arguments = {"message": "Who?"}
    asked = _call(gateway, "legacy", arguments=arguments)["result"]
    unanswered = _call(gateway, "legacy", arguments=arguments, requestState=asked["requestState"])["result"]
    assert unanswered["inputRequests"] == asked["inputRequests"]
    odd = {
        "arguments": arguments,
        "requestState": unanswered["requestState"],
        "inputResponses": {"other": {"action": "accept"}},
    }
    still = _call(gateway, "legacy", **odd)["result"]
    answers = _answers(still)
    declined = {key: {"action": "decline"} for key in answers}
    done = _call(gateway, "legacy", arguments=arguments, requestState=still["requestState"], inputResponses=declined)
    assert "decline" in done["result"]["content"][0]["text"]


async def test_many_users_are_asked_their_own_questions(gateway: InProcess) -> None:
    async def one(number: int) -> str:
        async def elicit(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
            assert params.message == f"Who is {number}?"
            return types.ElicitResult(action="accept", content={"username": f"u{number}", "email": "a@example.com"})

        front: Era = ERAS[number % 2]
        async with client(gateway, "/legacy", front, elicitation_callback=elicit) as connected:
            return texts(await connected.call_tool("test_elicitation", {"message": f"Who is {number}?"}))[0]

    found = await asyncio.gather(*(one(number) for number in range(8)))
    assert all(f"u{number}" in found[number] for number in range(8))


@pytest.mark.parametrize("front", ERAS)
async def test_a_limit_is_told_before_anything_starts(gateway: InProcess, front: Era) -> None:
    process = GatewayProcess.__new__(GatewayProcess)
    process.file = gateway.data_dir.parent / "sekisho.yaml"
    key = process.key(f"limited-{front}", "--requests-per-minute", "1")
    async with client(gateway, "/modern", front, key=key) as connected:
        await connected.call_tool("test_simple_text")
        with pytest.raises(MCPError):
            await connected.call_tool("test_simple_text")
    body, headers = _modern("tools/call", {"name": "test_simple_text", "arguments": {}}, {})
    refused = gateway.post("/mcp/modern", json=body, headers={**headers, "authorization": f"Bearer {key}"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json()["error"]["code"] == -32603
    assert _records(gateway)[-1].outcome == "refused"


@pytest.mark.parametrize(("front", "upstream"), PAIRS)
async def test_arguments_that_break_the_schema(gateway: InProcess, front: Era, upstream: Era) -> None:
    async with client(gateway, f"/{upstream}", front) as connected:
        result = await connected.call_tool("ask_twice", {"question": 7})
        assert result.is_error
        assert "'question' must be of type string" in texts(result)[0]


@pytest.mark.parametrize("front", ERAS)
async def test_unknown_fields_pass(gateway: InProcess, front: Era) -> None:
    async with client(gateway, "/modern", front) as connected:
        given = {"nested": {"список": ["値", None, 1.5]}, "": True}
        result = await connected.call_tool("echo", given)
        assert result.structured_content == {"given": given}


async def test_only_programs_that_feed_a_model_get_results_in_parts(gateway: InProcess) -> None:
    long = {"text": "x" * 300_000}
    async with client(gateway, "/modern", "modern") as connected:
        assert len(texts(await connected.call_tool("echo", long))[0]) > 300_000
    async with client(gateway, "/modern", "legacy", headers={"user-agent": "claude-code/2.1"}) as connected:
        result = await connected.call_tool("echo", long)
        assert len(texts(result)[0]) <= 256 * 1024
        link = result.content[-1]
        assert isinstance(link, types.ResourceLink)
        rest = (await connected.read_resource(link.uri)).contents[0]
        assert isinstance(rest, types.TextResourceContents)
        assert "x" * 1000 in rest.text
