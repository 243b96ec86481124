"""The tools that the conformance suites call, under their names."""

import asyncio

from mcp.server.subscriptions import PromptsListChanged, ToolsListChanged

from tests.fakes.mcp_everything.asking import ELICIT, ROOTS, SAMPLE, Fields, elicit, roots, sample
from tests.fakes.mcp_everything.call import Call, Offer, Result, offering, string
from tests.fakes.mcp_everything.content import audio, dumped, embedded, image, result, text

TOOLS: dict[str, Offer] = {}
offer = offering(TOOLS)
NAME: dict[str, Fields] = {"name": {"type": "string"}}
PAUSE = 0.05

_RICH: Fields = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_DEFAULTS: dict[str, Fields] = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}


def _titled(name: str) -> list[dict[str, str]]:
    return [
        {"const": f"value{number}", "title": f"{each} {name}"}
        for number, each in enumerate(("First", "Second", "Third"), 1)
    ]


_PLAIN = ["option1", "option2", "option3"]
_ENUMS: dict[str, Fields] = {
    "untitledSingle": {"type": "string", "enum": _PLAIN},
    "titledSingle": {"type": "string", "oneOf": _titled("Option")},
    "legacyEnum": {
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    },
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _PLAIN}},
    "titledMulti": {"type": "array", "items": {"anyOf": _titled("Choice")}},
}


@offer()
async def test_simple_text(call: Call) -> Result:
    return "This is a simple text response for testing."


@offer()
async def test_image_content(call: Call) -> Result:
    return result(image())


@offer()
async def test_audio_content(call: Call) -> Result:
    return result(audio())


@offer()
async def test_embedded_resource(call: Call) -> Result:
    return result(embedded("test://embedded-resource", "This is an embedded resource content."))


@offer()
async def test_multiple_content_types(call: Call) -> Result:
    resource = embedded("test://mixed-content-resource", dumped({"test": "data", "value": 123}), "application/json")
    return result(text("Multiple content types test:"), image(), resource)


@offer()
async def test_tool_with_logging(call: Call) -> Result:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await call.log("info", words)
        await asyncio.sleep(PAUSE)
    return "Logged three times."


@offer()
async def test_tool_with_progress(call: Call) -> Result:
    for done in (0, 50, 100):
        await call.progress(done, 100, f"{done} of 100")
        await asyncio.sleep(PAUSE)
    return "Done in three steps."


@offer()
async def test_error_handling(call: Call) -> Result:
    return result(text("This tool intentionally returns an error for testing"), is_error=True)


@offer(_RICH)
async def json_schema_2020_12_tool(call: Call) -> Result:
    """Takes an argument of every kind that JSON Schema 2020-12 knows."""
    return dumped(call.arguments)


@offer(string("prompt"))
async def test_sampling(call: Call) -> Result:
    answers = await call.ask({"answer": sample(call.arguments["prompt"])})
    return f"LLM response: {answers['answer']['content'].get('text')}"


@offer(string("message"))
async def test_elicitation(call: Call) -> Result:
    form = elicit(call.arguments["message"], {"username": {"type": "string"}, "email": {"type": "string"}})
    answer = (await call.ask({"answer": form}))["answer"]
    return f"User response: action={answer['action']}, content={dumped(answer.get('content'))}"


@offer()
async def test_elicitation_sep1034_defaults(call: Call) -> Result:
    answer = (await call.ask({"answer": elicit("Please review", _DEFAULTS, ("name",))}))["answer"]
    return f"Elicitation completed: action={answer['action']}, content={dumped(answer.get('content'))}"


@offer()
async def test_elicitation_sep1330_enums(call: Call) -> Result:
    answer = (await call.ask({"answer": elicit("Please choose", _ENUMS, ("untitledSingle",))}))["answer"]
    return f"Elicitation completed: action={answer['action']}, content={dumped(answer.get('content'))}"


@offer()
async def test_reconnection(call: Call) -> Result:
    """Closes its stream in the middle; the client fetches the rest on another one."""
    if call.context.close_sse_stream:
        await call.context.close_sse_stream()
        await asyncio.sleep(2 * PAUSE)
    return "Reconnected."


@offer()
async def test_missing_capability(call: Call) -> Result:
    answers = await call.ask({"answer": sample("Anything?")})
    return dumped(answers)


@offer()
async def test_logging_tool(call: Call) -> Result:
    for level in ("debug", "info", "error"):
        await call.log(level, f"a line of {level}")
    return "Logged at three levels."


@offer()
async def test_streaming_elicitation(call: Call) -> Result:
    await call.progress(1, 2)
    answer = (await call.ask({"answer": elicit("What now?", NAME)}))["answer"]
    return f"Answered: {answer['action']}"


@offer()
async def test_trigger_tool_change(call: Call) -> Result:
    await call.bus.publish(ToolsListChanged())
    if not call.ask.is_modern:
        await call.context.session.send_tool_list_changed()
    return "Told that the tools changed."


@offer()
async def test_trigger_prompt_change(call: Call) -> Result:
    await call.bus.publish(PromptsListChanged())
    if not call.ask.is_modern:
        await call.context.session.send_prompt_list_changed()
    return "Told that the prompts changed."


@offer(string("region", priority={"type": "integer", "x-mcp-header": "Priority"}))
async def test_x_mcp_header(call: Call) -> Result:
    """Has arguments that travel in headers too."""
    return dumped(call.arguments)


TOOLS["test_x_mcp_header"].tool.input_schema["properties"]["region"]["x-mcp-header"] = "Region"


@offer()
async def test_input_required_result_elicitation(call: Call) -> Result:
    answer = (await call.ask({"user_name": elicit("What is your name?", NAME)}))["user_name"]
    return f"Hello, {(answer.get('content') or {}).get('name')}!"


@offer()
async def test_input_required_result_sampling(call: Call) -> Result:
    answers = await call.ask({"capital_question": sample("What is the capital of France?")})
    return f"The model says: {answers['capital_question']['content'].get('text')}"


@offer()
async def test_input_required_result_list_roots(call: Call) -> Result:
    answers = await call.ask({"client_roots": roots()})
    return "Roots: " + ", ".join(each["uri"] for each in answers["client_roots"]["roots"])


@offer()
async def test_input_required_result_request_state(call: Call) -> Result:
    await call.ask({"confirm": elicit("Please confirm", {"ok": {"type": "boolean"}})}, with_state=True)
    return "state-ok"


@offer()
async def test_input_required_result_tampered_state(call: Call) -> Result:
    await call.ask({"confirm": elicit("Please confirm", {"ok": {"type": "boolean"}})}, with_state=True)
    return "The state was whole."


@offer()
async def test_input_required_result_multiple_inputs(call: Call) -> Result:
    requests = {
        "user_name": elicit("What is your name?", NAME),
        "greeting": sample("Generate a greeting", 50),
        "client_roots": roots(),
    }
    return "Got " + ", ".join(sorted(await call.ask(requests, with_state=True)))


@offer()
async def test_input_required_result_multi_round(call: Call) -> Result:
    first = await call.ask({"step1": elicit("Step 1: What is your name?", NAME)}, with_state=True)
    second = await call.ask({"step2": elicit("Step 2: What is your favorite color?", {"color": {"type": "string"}})})
    return f"{first['step1']['content']['name']} likes {second['step2']['content']['color']}"


@offer()
async def test_input_required_result_capabilities(call: Call) -> Result:
    """Asks only what the client can answer."""
    every = {ELICIT: elicit("Name?", NAME), SAMPLE: sample("Name?"), ROOTS: roots()}
    asked = {method.replace("/", "_"): request for method, request in every.items() if call.ask.declares(method)}
    return "Got " + ", ".join(await call.ask(asked)) if asked else "Nobody to ask."
