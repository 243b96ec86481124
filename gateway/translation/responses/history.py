"""What `previous_response_id` continues, for upstreams that keep nothing: answers with their input, linked."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import InvalidRequest
from gateway.translation.answer import Answer
from gateway.translation.codec import History
from gateway.translation.conversation import Turn
from gateway.translation.responses.answer_writer import write_answer
from gateway.translation.responses.item_reader import read_items
from gateway.translation.responses.names import RESPONSES

Fields = dict[str, Any]

_PREFIX = "response:"
_MOST_FOUND = 12_000
"""Of answers in a chain, with the kept reasoning of a conversation."""
_encode = msgspec.json.Encoder().encode


class Kept(msgspec.Struct, frozen=True):
    """A request's own input and the answer to it."""

    response: msgspec.Raw
    """The answer without its output, as it is shown."""
    input: list[Fields]
    output: list[Fields]


_decode = msgspec.json.Decoder(Kept).decode


def key_of(response_id: str) -> str:
    """Return the key under which an answer is kept."""
    return _PREFIX + response_id


def stored_of(kept: Kept, previous: str | None) -> bytes:
    """Return what is stored: the id of the answer before it, so that a chain is walked without reading it, and it."""
    return (previous or "").encode("utf-8", "replace").replace(b"\n", b"") + b"\n" + _encode(kept)


def kept_of(stored: bytes) -> Kept | None:
    """Return what was stored; None where nothing was, or nothing readable."""
    try:
        return _decode(stored[stored.index(b"\n") :]) if stored else None
    except (ValueError, RecursionError):
        return None


def shown(kept: Kept) -> Fields:
    """Return an answer as it was given."""
    return {**msgspec.json.decode(kept.response), "output": kept.output}


class ResponsesHistory(History):
    """Walks from an answer to the one before it, until the first."""

    def wanted(self, fields: Fields, found: Mapping[str, bytes]) -> Sequence[str]:
        """Go on from the answer that was found last: chains of thousands are walked step by step."""
        last = next((key for key in reversed(list(found)) if key.startswith(_PREFIX)), None)
        wanted = _previous(fields) if last is None else _before(found[last])
        return (key_of(wanted),) if wanted and key_of(wanted) not in found and len(found) < _MOST_FOUND else ()

    def continued(self, fields: Fields, found: Mapping[str, bytes], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        """Put what was said before between the instructions, which hold for one request, and its input."""
        earlier = self._earlier(fields, found)
        if not earlier or not turns:
            return earlier or turns
        instructions = 1 if RESPONSES not in turns[0].own else 0
        return (*turns[:instructions], *earlier, *turns[instructions:])

    def _earlier(self, fields: Fields, found: Mapping[str, bytes]) -> tuple[Turn, ...]:
        keys, missing = _chain(fields, found)
        chain = [kept_of(found[key]) for key in reversed(keys)]
        items = [item for kept in chain if kept for item in (*kept.input, *kept.output)]
        if missing or None in chain:
            raise InvalidRequest(
                "The response that 'previous_response_id' names is not known here any more. Send the whole input "
                "instead.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        return read_items(items, "previous_response_id")

    def to_keep(self, fields: Fields, answer: Answer) -> Mapping[str, bytes]:
        if fields.get("store") is False:
            return {}
        response = write_answer(answer, fields)
        output = response.pop("output")
        kept = Kept(msgspec.Raw(_encode(response)), _items(fields.get("input")), output)
        return {key_of(response["id"]): stored_of(kept, _previous(fields))}


def _previous(fields: Fields) -> str | None:
    found = fields.get("previous_response_id")
    return found if isinstance(found, str) and found else None


def _before(stored: bytes) -> str | None:
    """Return the id of the answer before a stored one."""
    return stored[: stored.find(b"\n") + 1].decode("utf-8", "replace").rstrip("\n") or None


def _chain(fields: Fields, found: Mapping[str, bytes]) -> tuple[list[str], str | None]:
    """Return the keys of the answers that a request continues, the newest first, and the id of one that is missing."""
    keys: dict[str, None] = {}
    wanted = _previous(fields)
    while wanted and (stored := found.get(key_of(wanted))) and key_of(wanted) not in keys:
        keys[key_of(wanted)] = None
        wanted = _before(stored)
    return list(keys), wanted


def _items(found: Any) -> list[Fields]:
    """Return an input as items."""
    if isinstance(found, str):
        return [{"type": "message", "role": "user", "content": found}]
    return found if isinstance(found, list) else []
