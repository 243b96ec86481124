"""What each of the tools does, at a client of the hub; and what is told where it cannot."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from plugins.mcp.asking import choose, fill, sentence
from plugins.mcp.contents import Content
from plugins.mcp.finding import fitting_offers
from plugins.mcp.hub import answered, opened
from plugins.mcp.offers import Offer, documents, filled, prompts
from plugins.mcp.texts import FOR_THE_MODEL
from plugins.mcp.turn import Turn
from plugins.shared.file_items import file_name
from plugins.shared.json_values import dicts
from plugins.shared.tool_names import LANGUAGE, original, source_event
from plugins.shared.trouble import Trouble
from plugins.shared.types import Json

MOST_LISTED = 100
QUIET = ("missing", "no_page")  # troubles that the model mends by itself
MOST_SOURCES = 20
Work = Callable[[Any, Turn], Awaitable[Any]]
SPELLINGS: tuple[Callable[[Offer], str], ...] = (
    lambda offer: offer.key,
    lambda offer: offer.key.partition("__")[2],
    lambda offer: offer.title,
)
"""How models name a prompt."""


async def run(server: str, turn: Turn, work: Work) -> Any:
    """Return what the model gets, also where something went wrong; the person reads a line about it."""
    try:
        async with opened(turn, server) as client:
            return await work(client, turn)
    except Trouble as trouble:
        if trouble.key not in QUIET:
            await turn.tell(trouble.key, **trouble.said)
        return sentence(trouble)


async def list_prompts(client: Any, turn: Turn) -> str:
    return _rows(await prompts(client, turn), "no_prompts")


async def list_documents(client: Any, turn: Turn) -> str:
    return _rows(await documents(client, turn), "no_documents")


async def search(client: Any, turn: Turn, words: Any) -> str:
    offers = [*await prompts(client, turn), *await documents(client, turn)]
    return _rows(fitting_offers(offers, str(words)), "nothing_found")


def _rows(offers: list[Offer], none: str) -> str:
    rows = [json.dumps(offer.row, ensure_ascii=False) for offer in offers[:MOST_LISTED]]
    more = len(offers) - len(rows)
    return "\n".join([*rows, *([FOR_THE_MODEL["more"].format(count=more)] if more else [])]) or FOR_THE_MODEL[none]


async def use_prompt(client: Any, turn: Turn, name: Any, arguments: Any) -> Any:
    """Let the person choose and fill in what the model did not name, and return the prompt."""
    offers = await prompts(client, turn)
    if not offers:
        raise Trouble("no_prompts")
    named = _meant(offers, name)
    offer = named or await choose(turn, offers, "prompt")
    given = _given(offer, arguments)
    if offer.arguments and (named is None or any(each.required and each.name not in given for each in offer.arguments)):
        given = await fill(turn, client, offer, given)
    answer = await answered(client.get_prompt(offer.key, given or None, meta={LANGUAGE: turn.language}), offer.title)
    content = Content()
    for message in dicts(answer.get("messages")):
        await content.add(message.get("content"), turn)
    await turn.emit(source_event(offer.title, "", content.text))
    await turn.tell("used", name=offer.title)
    return await _for_both(turn, FOR_THE_MODEL["prompt"].format(name=offer.key, text=content.text), content)


def _meant(offers: list[Offer], name: Any) -> Offer | None:
    """Return the one prompt that a model means, which may leave out the server or take the title for the name."""
    if not isinstance(name, str) or not name.strip():
        return None
    wanted = name.strip().casefold()
    for spelling in SPELLINGS:
        fitting = [offer for offer in offers if spelling(offer).casefold() == wanted]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _given(offer: Offer, arguments: Any) -> Json:
    """Return what a model gave, as strings; models also write the object as a text."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            arguments = {}
    known = arguments if isinstance(arguments, dict) else {}
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for name, value in known.items()
        if value not in (None, "")
    }
    return {each.name: texts[each.name] for each in offer.arguments if each.name in texts}


async def read_document(client: Any, turn: Turn, uri: Any) -> Any:
    """Read a document that the model named or the person chooses; cite it below the answer."""
    uri, title = await _address(client, turn, uri.strip() if isinstance(uri, str) else "")
    answer = await answered(client.read_resource(uri, cache_mode="bypass", meta={LANGUAGE: turn.language}), title)
    content = Content()
    for part in dicts(answer.get("contents")):
        await content.add(part, turn)
    texts = [part for part in dicts(answer.get("contents")) if isinstance(part.get("text"), str) and part["text"]]
    await turn.emit(*(source_event(title, original(uri), part["text"]) for part in texts[:MOST_SOURCES]))
    await turn.tell("read", name=title)
    told = FOR_THE_MODEL["document"].format(name=title, uri=uri, text=content.text)
    return await _for_both(turn, told, content)


async def _address(client: Any, turn: Turn, uri: str) -> tuple[str, str]:
    """Return an address without places to fill in, and its title."""
    whole = bool(uri) and "{" not in uri
    offers = await documents(client, None if whole else turn)
    offer = next((each for each in offers if each.key == uri), None)
    if whole:
        return uri, offer.title if offer else file_name(uri)
    if not offers:
        raise Trouble("no_documents")
    offer = offer or await choose(turn, offers, "document")
    if not offer.arguments:
        return offer.key, offer.title
    values = await fill(turn, client, offer, {})
    return filled(offer.key, values), offer.title


async def _for_both(turn: Turn, told: str, content: Content) -> Any:
    """Show files and pictures to the person, and return what the model gets: Open WebUI takes pictures out of lists."""
    if content.files:
        await turn.emit({"type": "files", "data": {"files": content.files}})
    return [told, *content.pictures] if content.pictures else told
