"""Tool calls as Open WebUI shows them."""

import uuid
from dataclasses import dataclass, field

from plugins.shared.types import Json

AT_THE_END = 1_000_000


@dataclass
class Call:
    """A tool the agent used. Open WebUI would run a call without a result, so each gets one, if an empty one."""

    name: str
    arguments: str = ""
    result: str | None = None
    id: str = field(default_factory=lambda: f"call_{uuid.uuid4().hex}")


def item_line(item: Json) -> Json:
    """Return a line of the stream that shows an item; Open WebUI replaces an item with a known id."""
    return {"type": "response.output_item.added", "output_index": AT_THE_END, "item": item}


def call_item(call: Call, status: str) -> Json:
    item = {"type": "function_call", "id": call.id, "call_id": call.id, "name": call.name}
    return {**item, "arguments": call.arguments, "status": status}
