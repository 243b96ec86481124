"""The input of an answer as a list of items, a page at a time. Source: the same page as of `answer_writer`."""

from typing import Any

from gateway.errors import InvalidRequest
from gateway.translation.responses.answer_writer import item_id
from gateway.translation.responses.names import dicts_in

Fields = dict[str, Any]

_MOST_SHOWN = 100
_SHOWN = "20"
_KINDS = {"message": "msg", "reasoning": "rs"}
_TEXTS = {"assistant": {"type": "output_text", "annotations": [], "logprobs": []}}
_ORDERS = ("asc", "desc")


def page_of(response_id: str, items: list[Fields], query: dict[str, str]) -> Fields:
    """Return the page that `limit`, `order` and `after` of a query ask for. Raises `InvalidRequest`."""
    order, limit = query.get("order", "desc"), _limit(query.get("limit", _SHOWN))
    if order not in _ORDERS:
        raise InvalidRequest(f"The parameter 'order' must be one of: {', '.join(_ORDERS)}.", param="order")
    listed = [_shown(item, response_id, number) for number, item in enumerate(dicts_in(items))]
    if order == "desc":
        listed.reverse()
    after = query.get("after")
    begin = next((at + 1 for at, item in enumerate(listed) if item["id"] == after), 0) if after else 0
    data = listed[begin : begin + limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(listed) > begin + limit,
    }


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= _MOST_SHOWN:
        return int(text[:5])
    raise InvalidRequest(f"The parameter 'limit' must be a number from 1 to {_MOST_SHOWN}.", param="limit")


def _shown(item: Fields, response_id: str, number: int) -> Fields:
    """Return an item with an id and a content that is an array, as the vendor shows it."""
    kind = item.get("type") or "message"
    its_id = item.get("id")
    if not isinstance(its_id, str) or not its_id:
        its_id = item_id(f"{_KINDS.get(kind, 'item')}_in", response_id, number)
    shown = {"status": "completed", **item, "type": kind, "id": its_id}
    if kind == "message" and isinstance(item.get("content"), str):
        text = _TEXTS.get(item.get("role", ""), {"type": "input_text"})
        shown["content"] = [{**text, "text": item["content"]}]
    return shown
