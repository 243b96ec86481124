"""Further tools, for what the conformance suites do not try."""

import asyncio

from mcp.server.subscriptions import ResourceUpdated

from tests.fakes.mcp_everything.asking import elicit, elicit_url
from tests.fakes.mcp_everything.call import Call, Offer, Result, offering, string
from tests.fakes.mcp_everything.content import dumped, link, result, text

MORE_TOOLS: dict[str, Offer] = {}
offer = offering(MORE_TOOLS)


@offer({"type": "object"}, output_schema={"type": "object", "properties": {"given": {"type": "object"}}})
async def echo(call: Call) -> Result:
    """Says its arguments again."""
    return result(text(dumped(call.arguments)), structured_content={"given": call.arguments})


@offer()
async def linked(call: Call) -> Result:
    """Names a resource to read."""
    return result(text("See:"), link("test://static-text"))


@offer()
async def listed(call: Call) -> Result:
    """Has a structured result that is a list, which only the newer era knows."""
    return result(
        text("one, two"), structured_content=["one", "two"] if call.ask.is_modern else {"all": ["one", "two"]}
    )


@offer(string("question"))
async def ask_twice(call: Call) -> Result:
    """Asks two questions, one after the other, with progress before each."""
    await call.progress(1, 3, "before the first")
    first = await call.ask({"first": elicit(call.arguments["question"], {"reply": {"type": "string"}})})
    await call.progress(2, 3, "before the second")
    second = await call.ask({"second": elicit("And then?", {"reply": {"type": "string"}})})
    replies = [(each.get("content") or {}).get("reply") for each in (*first.values(), *second.values())]
    return " / ".join(map(str, replies))


@offer()
async def ask_page(call: Call) -> Result:
    """Asks the user to open a page."""
    answers = await call.ask({"page": elicit_url("Please sign in", "https://example.com/sign-in")})
    return f"page: {answers['page']['action']}"


@offer({"type": "object", "properties": {"seconds": {"type": "number"}, "steps": {"type": "integer"}}})
async def slow(call: Call) -> Result:
    """Takes its time, with progress; notes when it is cancelled."""
    steps = int(call.arguments.get("steps", 10))
    call.happened.started.append("slow")
    try:
        for step in range(steps):
            await call.progress(step, steps, f"step {step}")
            await asyncio.sleep(float(call.arguments.get("seconds", 60)) / steps)
    except asyncio.CancelledError:
        call.happened.cancelled.append("slow")
        raise
    return "slow but done"


@offer()
async def cancelled_calls(call: Call) -> Result:
    """Counts calls that were cancelled."""
    return str(len(call.happened.cancelled))


@offer()
async def who_asks(call: Call) -> Result:
    """Tells what it knows of the client: protocol, capabilities, headers."""
    capabilities = call.context.session.client_capabilities
    request = call.context.request
    return dumped(
        {
            "protocol": call.context.protocol_version,
            "capabilities": capabilities.model_dump(mode="json", exclude_none=True) if capabilities else {},
            "headers": dict(request.headers) if request is not None else {},
        }
    )


@offer(string("uri"))
async def touch_resource(call: Call) -> Result:
    """Tells that a resource was changed."""
    await call.bus.publish(ResourceUpdated(uri=call.arguments["uri"]))
    if not call.ask.is_modern and call.arguments["uri"] in call.happened.subscribed:
        await call.context.session.send_resource_updated(call.arguments["uri"])
    return "touched"


@offer()
async def subscriptions(call: Call) -> Result:
    """Names the resources that are subscribed to, in the older era."""
    return dumped(call.happened.subscribed)
