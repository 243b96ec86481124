"""What must work in every pair of client and server: one function a row of the matrix."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated, ToolsListChanged

from tests.fakes.mcp_everything.content import PNG, WAV
from tests.fakes.mcp_everything.more_tools import MORE_TOOLS
from tests.fakes.mcp_everything.tools import TOOLS
from tests.mcp.pairs.peer import Peer, Person, Seen, words

Row = Callable[[Peer], Awaitable[None]]
ROWS: dict[str, Row] = {}
SECONDS = 30


def row(function: Row) -> Row:
    ROWS[function.__name__] = function
    return function


@row
async def opening(peer: Peer) -> None:
    async with peer.client() as client:
        assert client.protocol_version == ("2026-07-28" if peer.is_modern else "2025-11-25")
        capabilities = client.server_capabilities
        assert capabilities.tools
        assert capabilities.tools.list_changed
        assert capabilities.resources
        assert capabilities.resources.subscribe
        assert capabilities.prompts
        assert capabilities.completions is not None
        if not peer.is_modern:
            await client.send_ping()


@row
async def lists(peer: Peer) -> None:
    async with peer.client() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {*TOOLS, *MORE_TOOLS}
        rich = TOOLS["json_schema_2020_12_tool"].tool
        assert tools[rich.name].input_schema == rich.input_schema
        assert tools["echo"].output_schema == MORE_TOOLS["echo"].tool.output_schema
        resources = [str(each.uri) for each in (await client.list_resources()).resources]
        assert sorted(resources) == ["test://static-binary", "test://static-text", "test://watched-resource"]
        templates = (await client.list_resource_templates()).resource_templates
        assert [each.uri_template for each in templates] == ["test://template/{id}/data"]
        prompts = {each.name: each for each in (await client.list_prompts()).prompts}
        assert [each.name for each in prompts["test_prompt_with_arguments"].arguments or []] == ["arg1", "arg2"]


@row
async def content(peer: Peer) -> None:
    async with peer.client() as client:
        assert words(await client.call_tool("test_simple_text")) == "This is a simple text response for testing."
        (image,) = (await client.call_tool("test_image_content")).content
        assert isinstance(image, types.ImageContent)
        assert image.data == PNG
        (audio,) = (await client.call_tool("test_audio_content")).content
        assert isinstance(audio, types.AudioContent)
        assert audio.data == WAV
        mixed = (await client.call_tool("test_multiple_content_types")).content
        assert [block.type for block in mixed] == ["text", "image", "resource"]
        failed = await client.call_tool("test_error_handling")
        assert failed.is_error
        assert "intentionally" in words(failed)


@row
async def structured_content(peer: Peer) -> None:
    given = {"text": "関所", "number": 12345678901234567890, "none": None, "list": [1.5, {"deep": True}]}
    async with peer.client() as client:
        answer = await client.call_tool("echo", given)
        assert answer.structured_content == {"given": given}
        assert json.loads(words(answer)) == given
        listed = await client.call_tool("listed")
        assert words(listed) == "one, two"
        assert listed.structured_content in (["one", "two"], {"all": ["one", "two"]}, None)


@row
async def resources(peer: Peer) -> None:
    async with peer.client() as client:
        (text,) = (await client.read_resource("test://static-text")).contents
        assert isinstance(text, types.TextResourceContents)
        assert (str(text.uri), text.text) == ("test://static-text", "This is the content of the static text resource.")
        (binary,) = (await client.read_resource("test://static-binary")).contents
        assert isinstance(binary, types.BlobResourceContents)
        assert binary.blob == PNG
        (made,) = (await client.read_resource("test://template/東京/data")).contents
        assert isinstance(made, types.TextResourceContents)
        assert json.loads(made.text)["id"] == "東京"
        link = (await client.call_tool("linked")).content[1]
        assert isinstance(link, types.ResourceLink)
        assert (await client.read_resource(str(link.uri))).contents
        with pytest.raises(MCPError) as caught:
            await client.read_resource("test://nowhere")
        assert caught.value.error.code == (types.INVALID_PARAMS if peer.is_modern else -32002)


@row
async def prompts(peer: Peer) -> None:
    async with peer.client() as client:
        answer = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "日本"})
        assert said(answer) == "Prompt with arguments: arg1='a', arg2='日本'"
        answer = await client.get_prompt("test_prompt_with_embedded_resource", {"resourceUri": "test://x"})
        assert [each.content.type for each in answer.messages] == ["resource", "text"]
        prompt = types.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
        completed = await client.complete(prompt, {"name": "arg1", "value": "東"})
        assert completed.completion.values == ["東京", "東海道"]
        template = types.ResourceTemplateReference(type="ref/resource", uri="test://template/{id}/data")
        completed = await client.complete(template, {"name": "id", "value": "par"})
        assert completed.completion.values == ["paris", "park", "party"]


@row
async def progress(peer: Peer) -> None:
    seen = Seen()
    async with peer.client(seen) as client:
        await client.call_tool("slow", {"seconds": 0.6, "steps": 3}, progress_callback=seen.on_progress)
        assert seen.progress[0] == (0, 3, "step 0")
        assert [done for done, _, _ in seen.progress] == sorted({done for done, _, _ in seen.progress})
        assert len(seen.progress) == 3


@row
async def logging(peer: Peer) -> None:
    seen, quiet = Seen(), Seen()
    async with peer.client(seen, **({"log_level": "info"} if peer.is_modern else {})) as client:
        if not peer.is_modern:
            await client.set_logging_level("info")
        await client.call_tool("test_logging_tool")
        await until(lambda: len(seen.logged) >= 2)
        assert [each.level for each in seen.logged] == ["info", "error"]
    if peer.is_modern:
        async with peer.client(quiet) as client:
            await client.call_tool("test_logging_tool")
            assert quiet.logged == []


@row
async def elicitation(peer: Peer) -> None:
    form = {"username": "花子", "email": "h@example.com"}
    person = Person(form, "decline", "cancel")
    async with peer.client(elicitation_callback=person.elicit) as client:
        answers = [words(await client.call_tool("test_elicitation", {"message": "Who?"})) for _ in range(3)]
        assert answers[0] == f"User response: action=accept, content={json.dumps(form, ensure_ascii=False)}"
        assert [each.split(",")[0] for each in answers[1:]] == [
            "User response: action=decline",
            "User response: action=cancel",
        ]
        assert person.asked[0].message == "Who?"
        assert set(person.asked[0].requested_schema["properties"]) == {"username", "email"}


@row
async def elicitation_by_url(peer: Peer) -> None:
    person = Person("accept")
    async with peer.client(elicitation_callback=person.elicit) as client:
        assert words(await client.call_tool("ask_page")) == "page: accept"
        assert person.asked[0].url == "https://example.com/sign-in"


@row
async def sampling_and_roots(peer: Peer) -> None:
    person = Person()
    async with peer.client(**person.everything()) as client:
        assert words(await client.call_tool("test_sampling", {"prompt": "Capital?"})) == "LLM response: Paris"
        assert person.asked[0].messages[0].content.text == "Capital?"
        answer = words(await client.call_tool("test_input_required_result_list_roots"))
        assert answer == "Roots: file:///srv/work"


@row
async def several_rounds(peer: Peer) -> None:
    seen, person = Seen(), Person({"name": "花子"}, {"color": "blue"}, {"reply": "yes"}, {"reply": "no"})
    async with peer.client(seen, **person.everything()) as client:
        assert words(await client.call_tool("test_input_required_result_multi_round")) == "花子 likes blue"
        asked = {"question": "First?"}
        answer = await client.call_tool("ask_twice", asked, progress_callback=seen.on_progress)
        assert words(answer) == "yes / no"
        assert (1, 3, "before the first") in seen.progress
        assert (2, 3, "before the second") in seen.progress
        assert [each.message for each in person.asked[2:]] == ["First?", "And then?"]


@row
async def several_questions_at_once(peer: Peer) -> None:
    person = Person({"name": "花子"})
    async with peer.client(**person.everything()) as client:
        answer = words(await client.call_tool("test_input_required_result_multiple_inputs"))
        assert answer == "Got client_roots, greeting, user_name"
        assert len(person.asked) == 3


@row
async def a_prompt_that_asks(peer: Peer) -> None:
    person = Person({"context": "office"})
    async with peer.client(**person.everything()) as client:
        answer = await client.get_prompt("test_input_required_result_prompt")
        assert said(answer) == "With the context office."


@row
async def a_client_that_cannot_be_asked(peer: Peer) -> None:
    async with peer.client() as client:
        assert await _refused(client) in ([types.MISSING_REQUIRED_CLIENT_CAPABILITY] if peer.is_modern else _REFUSALS)
        assert words(await client.call_tool("test_simple_text"))


@row
async def cancelling(peer: Peer) -> None:
    seen = Seen()
    async with peer.client(seen) as client:
        before = await _cancelled(client)
        arguments = {"seconds": 600, "steps": 6000}
        calling = asyncio.ensure_future(client.call_tool("slow", arguments, progress_callback=seen.on_progress))
        await until(lambda: bool(seen.progress))
        calling.cancel()
        await asyncio.wait({calling})
        async with asyncio.timeout(SECONDS):
            while await _cancelled(client) <= before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def _cancelled(client: Client) -> int:
    return int(words(await client.call_tool("cancelled_calls")))


@row
async def changed_lists(peer: Peer) -> None:
    seen = Seen()
    async with peer.client(seen) as client:
        if peer.is_modern:
            async with client.listen(tools_list_changed=True) as events:
                await client.call_tool("test_trigger_tool_change")
                async with asyncio.timeout(SECONDS):
                    assert isinstance(await anext(aiter(events)), ToolsListChanged)
            return
        await client.list_tools()
        async with asyncio.timeout(SECONDS):
            while not _got(seen, types.ToolListChangedNotification):
                await client.call_tool("test_trigger_tool_change")  # its stream for this opens in the background
                await asyncio.sleep(0.05)


@row
async def watched_resources(peer: Peer) -> None:
    uri, seen = "test://watched-resource", Seen()
    async with peer.client(seen) as client:
        if peer.is_modern:
            listening = client.listen(resource_subscriptions=[uri])
            async with asyncio.timeout(SECONDS), listening as events, _touching(client, uri):
                assert await anext(aiter(events)) == ResourceUpdated(uri=uri)
            return
        await client.subscribe_resource(uri)
        async with _touching(client, uri):
            await until(lambda: _got(seen, types.ResourceUpdatedNotification))
        await client.unsubscribe_resource(uri)


_REFUSALS = (types.INVALID_REQUEST, types.METHOD_NOT_FOUND, "is_error")
"""How a legacy client may be told that it cannot be asked."""


async def _refused(client: Client) -> int | str:
    try:
        answer = await client.call_tool("test_sampling", {"prompt": "Capital?"})
    except MCPError as error:
        return error.error.code
    return "is_error" if answer.is_error else words(answer)


@asynccontextmanager
async def _touching(client: Client, uri: str) -> AsyncIterator[None]:
    """Have the server tell again and again that a resource changed: the first news may come before who listens."""
    enough = asyncio.Event()

    async def touch() -> None:
        while not enough.is_set():
            await client.call_tool("touch_resource", {"uri": uri})
            await asyncio.sleep(0.05)

    touching = asyncio.ensure_future(touch())
    yield
    enough.set()
    await touching


@row
async def arguments_in_headers(peer: Peer) -> None:
    async with peer.client() as client:
        await client.list_tools()
        given = {"region": "東京 ", "priority": 3}
        assert json.loads(words(await client.call_tool("test_x_mcp_header", given))) == given


@row
async def many_at_once(peer: Peer) -> None:
    async with peer.client() as client:
        calls = (client.call_tool("echo", {"number": number}) for number in range(20))
        answers = [json.loads(words(each))["number"] for each in await asyncio.gather(*calls)]
        assert answers == list(range(20))


def said(answer: types.GetPromptResult) -> str:
    """Return the text of a prompt's first message."""
    (block, *_) = [each.content for each in answer.messages]
    assert isinstance(block, types.TextContent)
    return block.text


def _got(seen: Seen, kind: type) -> bool:
    return any(isinstance(each, kind) or isinstance(getattr(each, "root", None), kind) for each in seen.messages)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
