"""Resources and prompts, under the names of the conformance suites."""

import re

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from tests.fakes.mcp_everything.asking import Ask, Context, elicit
from tests.fakes.mcp_everything.content import PNG, dumped, embedded, image, text

_TEMPLATE = re.compile(r"test://template/([^/]+)/data")
RESOURCES = [
    types.Resource(uri="test://static-text", name="static-text", description="A text.", mime_type="text/plain"),
    types.Resource(uri="test://static-binary", name="static-binary", description="A pixel.", mime_type="image/png"),
    types.Resource(uri="test://watched-resource", name="watched", description="Changes.", mime_type="text/plain"),
]
TEMPLATES = [
    types.ResourceTemplate(
        uri_template="test://template/{id}/data", name="template", description="By id.", mime_type="application/json"
    )
]


def read(uri: str, context: Context) -> types.ReadResourceResult:
    """Return a resource; raise MCPError in the words of the client's era where there is none."""
    if uri == "test://static-binary":
        blob = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)
        return types.ReadResourceResult(contents=[blob])
    found = _TEMPLATE.fullmatch(uri)
    texts = {
        "test://static-text": "This is the content of the static text resource.",
        "test://watched-resource": "Watched.",
    }
    if found:
        words = dumped({"id": found[1], "templateTest": True, "data": f"Data for ID: {found[1]}"})
        return _text(uri, words, "application/json")
    if uri in texts:
        return _text(uri, texts[uri], "text/plain")
    code = types.INVALID_PARAMS if context.protocol_version in MODERN_PROTOCOL_VERSIONS else -32002
    raise MCPError(code, "Resource not found", {"uri": uri})


def _text(uri: str, words: str, kind: str) -> types.ReadResourceResult:
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=words)])


def _arguments(*names: str) -> list[types.PromptArgument]:
    return [types.PromptArgument(name=name, description=f"The {name}.", required=True) for name in names]


PROMPTS = [
    types.Prompt(name="test_simple_prompt", description="Without arguments."),
    types.Prompt(
        name="test_prompt_with_arguments", description="With two arguments.", arguments=_arguments("arg1", "arg2")
    ),
    types.Prompt(
        name="test_prompt_with_embedded_resource",
        description="With a resource inside.",
        arguments=_arguments("resourceUri"),
    ),
    types.Prompt(name="test_prompt_with_image", description="With a picture inside."),
    types.Prompt(name="test_input_required_result_prompt", description="Asks before it answers."),
]
COMPLETIONS = ("paris", "park", "party", "tokyo", "東京", "東海道")


def _said(*content: types.ContentBlock) -> types.GetPromptResult:
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=each) for each in content])


async def prompt(name: str, given: dict[str, str], ask: Ask) -> types.GetPromptResult:
    """Return a prompt; raise NeedsInput or MCPError."""
    if name == "test_simple_prompt":
        return _said(text("This is a simple prompt for testing."))
    if name == "test_prompt_with_arguments":
        return _said(text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"))
    if name == "test_prompt_with_embedded_resource":
        resource = embedded(given["resourceUri"], "Embedded resource content for testing.")
        return _said(resource, text("Please process the embedded resource above."))
    if name == "test_prompt_with_image":
        return _said(image(), text("Please analyze the image above."))
    if name == "test_input_required_result_prompt":
        asked = elicit("What context should the prompt use?", {"context": {"type": "string"}})
        answer = (await ask({"user_context": asked}))["user_context"]
        return _said(text(f"With the context {(answer.get('content') or {}).get('context')}."))
    raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {name}")
