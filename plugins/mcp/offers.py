"""What tool servers offer besides tools: prompts, documents, and documents by a name that one fills in."""

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from plugins.mcp.turn import Turn
from plugins.shared.json_values import dicts, label
from plugins.shared.tool_names import one_line, original
from plugins.shared.tool_servers_away import away
from plugins.shared.types import Json
from plugins.shared.visible import visible

MOST_PAGES = 20
MOST_OFFERS = 500
MOST_ARGUMENTS = 20
VARIABLE = re.compile(r"\{(\+?)([A-Za-z0-9_.]+)\}")
Kind = Literal["prompt", "resource", "template"]


@dataclass(frozen=True)
class Argument:
    """What a prompt or an address needs to be told."""

    name: str
    title: str
    about: str
    required: bool


@dataclass(frozen=True)
class Offer:
    """A prompt by its name, a document by its address, or an address with places to fill in."""

    kind: Kind
    key: str
    title: str
    about: str
    arguments: tuple[Argument, ...] = ()

    @property
    def row(self) -> Json:
        """Return what the model is told."""
        needs = {"arguments": [_told(each) for each in self.arguments]} if self.arguments else {}
        about = {"about": self.about} if self.about else {}
        name = {"name": self.key} if self.kind == "prompt" else {"title": self.title, "uri": self.key}
        return {**name, **about, **needs}

    @property
    def words(self) -> str:
        """Return what is searched."""
        return " ".join((self.key, self.title, self.about, *(each.name for each in self.arguments))).casefold()


def _told(argument: Argument) -> Json:
    about = {"about": argument.about} if argument.about else {}
    return {"name": argument.name, **about, "required": argument.required}


async def prompts(client: Any, turn: Turn | None) -> list[Offer]:
    return [_prompt(each) for each in await _listed(client.list_prompts, "prompts", turn) if _named(each)]


async def documents(client: Any, turn: Turn | None) -> list[Offer]:
    """Return documents and addresses to fill in. `turn`: whose person is told what is away, None for nobody."""
    plain = await _listed(client.list_resources, "resources", turn)
    places = await _listed(client.list_resource_templates, "resourceTemplates", turn)
    found = [_document(each, "resource", "uri") for each in plain if isinstance(each.get("uri"), str)]
    return found + [_document(each, "template", "uriTemplate") for each in places if _fillable(each)]


async def _listed(ask: Any, member: str, turn: Turn | None) -> list[Json]:
    """Return all pages of a list, and tell once a turn which servers are away."""
    found: list[Json] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = (await ask(cursor=cursor)).model_dump(mode="json", by_alias=True)
        found += dicts(page.get(member))
        if turn:
            await _tell_away(page, turn)
        cursor = page.get("nextCursor")
        if not cursor or len(found) >= MOST_OFFERS:
            break
    return found[:MOST_OFFERS]


async def _tell_away(page: Json, turn: Turn) -> None:
    told = turn.metadata.setdefault("sekisho_servers_told", [])
    for key, servers in zip(("away", "sign_in_first"), away(page), strict=True):
        if new := [name for name in servers if name not in told]:
            told += new
            await turn.tell(key, servers=turn.text["between"].join(new))


def _named(entry: Json) -> bool:
    return isinstance(entry.get("name"), str) and bool(entry["name"])


def _fillable(entry: Json) -> bool:
    """Return whether an address has only places that are simply filled in."""
    uri = entry.get("uriTemplate")
    return isinstance(uri, str) and "{" not in VARIABLE.sub("", uri)


def _prompt(entry: Json) -> Offer:
    arguments = tuple(
        Argument(each["name"], _title(each, each["name"]), description_of(each), each.get("required") is True)
        for each in dicts(entry.get("arguments"))[:MOST_ARGUMENTS]
        if _named(each)
    )
    return Offer("prompt", entry["name"], _title(entry, entry["name"]), description_of(entry), arguments)


def _document(entry: Json, kind: Kind, member: str) -> Offer:
    uri = entry[member]
    names = dict.fromkeys(name for _, name in VARIABLE.findall(uri)) if kind == "template" else {}
    arguments = tuple(Argument(name, one_line(name), "", True) for name in names)
    return Offer(kind, uri, _title(entry, original(uri)), description_of(entry), arguments)


def _title(entry: Json, otherwise: str) -> str:
    """Return the title, behind the server's name where the hub gave one: wiki: Weekly report."""
    name = entry.get("name") if isinstance(entry.get("name"), str) else ""
    server, between, own = str(name).partition("__")
    title = one_line(entry.get("title")) or one_line(own if between else name) or one_line(otherwise)
    return f"{one_line(server)}: {title}" if between else title


def description_of(entry: Json) -> str:
    text = entry.get("description")
    return label(visible(text)) if isinstance(text, str) else ""


def filled(template: str, values: Json) -> str:
    """Return the address that a template stands for with these values."""

    def value(found: re.Match[str]) -> str:
        safe = "/:?#[]@!$&'()*+,;=" if found[1] else ""
        return quote(str(values.get(found[2], "")), safe=safe)

    return VARIABLE.sub(value, template)
