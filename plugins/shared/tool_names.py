"""Names and addresses of tool servers' things as people read them, and how one of them is cited."""

from typing import Any

from plugins.shared.types import Json
from plugins.shared.visible import visible

LANGUAGE = "sekisho/language"
"""In `_meta` of a request to the hub: the language of who asks, which Open WebUI's connection does not tell."""
LONGEST_LINE = 200  # characters
LONGEST_PASSAGE = 20_000  # characters of a source


def one_line(text: Any, longest: int = LONGEST_LINE) -> str:
    """Return a text of a tool as one short line."""
    return " ".join(visible(text).split())[:longest] if isinstance(text, str) else ""


def shown_name(name: str) -> str:
    """Return the name of a tool as people read it: git__log becomes git: log."""
    return one_line(name.replace("__", ": ", 1))


def server_of(name: str) -> str:
    """Return the tool server in the name of a tool of several servers, empty for one server's own."""
    server, between, _ = name.partition("__")
    return one_line(server) if between else ""


def original(uri: str) -> str:
    """Return an address as its server gave it; the hub's, of several servers, are `sekisho+SERVER:ADDRESS`."""
    return uri.partition(":")[2] if uri.startswith("sekisho+") else uri


def source_event(name: str, uri: str, passage: str) -> Json:
    """Return the event that cites a passage below the answer; only web addresses become links."""
    url = {"url": uri} if uri.lower().startswith(("https://", "http://")) else {}
    about = {"source": uri or name, "name": name, **url}
    document = [passage[:LONGEST_PASSAGE]]
    return {"type": "source", "data": {"source": {"name": name, **url}, "document": document, "metadata": [about]}}
