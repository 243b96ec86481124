"""Forms on the person's page: which one, and what it needs to be told."""

import asyncio
from typing import Any

from mcp.types import PromptReference, ResourceTemplateReference

from plugins.mcp.offers import Argument, Offer
from plugins.mcp.texts import FOR_THE_MODEL
from plugins.mcp.turn import Turn
from plugins.shared.json_values import dict_of, items
from plugins.shared.log import log
from plugins.shared.tool_names import one_line
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json

MILLISECONDS = 240_000  # the longest that Open WebUI waits
CHOSEN = "chosen"
MOST_SUGGESTED = 5
SECONDS_FOR_SUGGESTIONS = 2
LONGEST_VALUE = 20_000
NAMES_IN_A_SENTENCE = 30


async def choose(turn: Turn, offers: list[Offer], kind: str) -> Offer:
    """Let the person choose. Raises Trouble. `kind`: prompt or document."""
    options = [{"const": str(at), "title": _option(offer)} for at, offer in enumerate(offers)]
    field = {"type": "string", "title": turn.text[kind], "oneOf": options}
    answer = await _form(turn, turn.text[f"{kind}s"], turn.text[f"choose_{kind}"], {CHOSEN: field}, [CHOSEN])
    if answer is None:
        names = ", ".join(offer.key for offer in offers[:NAMES_IN_A_SENTENCE])
        raise Trouble("no_page", names=names)
    chosen = answer.get(CHOSEN)
    if not (isinstance(chosen, str) and chosen.isdecimal() and int(chosen) < len(offers)):
        raise Trouble("cancelled")
    return offers[int(chosen)]


def _option(offer: Offer) -> str:
    return f"{offer.title} – {one_line(offer.about)}" if offer.about else offer.title


async def fill(turn: Turn, client: Any, offer: Offer, given: Json) -> Json:
    """Let the person fill in what is needed; what the model gave stands in the form already. Raises Trouble."""
    built = await asyncio.gather(*(_field(turn, client, offer, each, given) for each in offer.arguments))
    fields = {each.name: field for each, field in zip(offer.arguments, built, strict=True)}
    required = [each.name for each in offer.arguments if each.required]
    message = turn.text["fill"].format(name=offer.title, about=offer.about).strip()
    answer = await _form(
        turn, turn.text["prompts" if offer.kind == "prompt" else "documents"], message, fields, required
    )
    if answer is None:
        missing = [each.name for each in offer.arguments if each.required and not given.get(each.name)]
        if missing:
            raise Trouble("missing", name=offer.key, names=", ".join(missing))
        return given
    known = {name: str(value)[:LONGEST_VALUE] for name, value in answer.items() if name in fields}
    return {name: value for name, value in known.items() if value}


async def _field(turn: Turn, client: Any, offer: Offer, argument: Argument, given: Json) -> Json:
    suggested = [one_line(each) for each in await _suggested(client, offer, argument)] if turn.page else []
    example = turn.text["suggested"].format(values=turn.text["between"].join(suggested)) if suggested else ""
    about = "\n".join(filter(None, (argument.about, example)))
    default = {"default": given[argument.name]} if given.get(argument.name) else {}
    return {"type": "string", "title": argument.title, **({"description": about} if about else {}), **default}


async def _suggested(client: Any, offer: Offer, argument: Argument) -> list[str]:
    """Return the first values that the server suggests, none where it suggests nothing."""
    if getattr(client.server_capabilities, "completions", None) is None:
        return []
    reference = PromptReference(name=offer.key) if offer.kind == "prompt" else ResourceTemplateReference(uri=offer.key)
    try:
        async with asyncio.timeout(SECONDS_FOR_SUGGESTIONS):
            answer = await client.complete(reference, {"name": argument.name, "value": ""})
    except Exception as error:
        log.info("mcp: no suggestions (%s)", type(error).__name__)
        return []
    return [each for each in items(answer.completion.values) if isinstance(each, str) and each][:MOST_SUGGESTED]


async def _form(turn: Turn, title: str, message: str, fields: Json, required: list[str]) -> Json | None:
    """Show Open WebUI's own form of tools; None where no page is open. Raises Trouble where the person declines."""
    schema = {"type": "object", "properties": fields, "required": required}
    data = {"mode": "form", "message": message, "requestedSchema": schema, "server_name": title}
    event = {"type": "request:elicitation", "data": {**data, "timeout_ms": MILLISECONDS}}
    answer = dict_of(await turn.page(event)) if turn.page else {"error": "no page"}
    if "error" in answer:  # closed, or of a turn that nobody watches
        return None
    if answer.get("action") != "accept":
        raise Trouble("cancelled")
    return dict_of(answer.get("content"))


def sentence(trouble: Trouble) -> str:
    """Return what the model is told of a trouble."""
    return FOR_THE_MODEL.get(trouble.key, FOR_THE_MODEL["failed"]).format(**trouble.said)
