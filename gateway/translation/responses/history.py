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
_LONGEST_CHAIN = 1000
_encode = msgspec.json.Encoder().encode


class Kept(msgspec.Struct, frozen=True):
    """A request's own input and the answer to it."""

    response: Fields
    input: list[Fields]
    previous: str | None = None


_decode = msgspec.json.Decoder(Kept).decode


def key_of(response_id: str) -> str:
    """Return the key under which an answer is kept."""
    return _PREFIX + response_id


def kept_of(stored: bytes) -> Kept | None:
    """Return what was stored; None where nothing was, or nothing readable."""
    try:
        return _decode(stored) if stored else None
    except (ValueError, RecursionError):
        return None


class ResponsesHistory(History):
    """Walks from an answer to the one before it, until the first."""

    def wanted(self, fields: Fields, found: Mapping[str, bytes]) -> Sequence[str]:
        chain, missing = _chain(fields, found)
        return (key_of(missing),) if missing and len(chain) < _LONGEST_CHAIN else ()

    def continued(self, fields: Fields, found: Mapping[str, bytes], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        """Put what was said before between the instructions, which hold for one request, and its input."""
        earlier = self._earlier(fields, found)
        if not earlier or not turns:
            return earlier or turns
        instructions = 1 if RESPONSES not in turns[0].own else 0
        return (*turns[:instructions], *earlier, *turns[instructions:])

    def _earlier(self, fields: Fields, found: Mapping[str, bytes]) -> tuple[Turn, ...]:
        chain, _ = _chain(fields, found)
        if fields.get("previous_response_id") and not _is_whole(chain):
            raise InvalidRequest(
                "The response that 'previous_response_id' names is not known here any more. Send the whole input "
                "instead.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        items = [item for kept in reversed(chain) for item in (*kept.input, *kept.response.get("output", []))]
        return read_items(items, "previous_response_id")

    def to_keep(self, fields: Fields, answer: Answer) -> Mapping[str, bytes]:
        if fields.get("store") is False:
            return {}
        response = write_answer(answer, fields)
        kept = Kept(response, _items(fields.get("input")), _previous(fields))
        return {key_of(response["id"]): _encode(kept)}


def _previous(fields: Fields) -> str | None:
    found = fields.get("previous_response_id")
    return found if isinstance(found, str) and found else None


def _chain(fields: Fields, found: Mapping[str, bytes]) -> tuple[list[Kept], str | None]:
    """Return the answers that a request continues, the newest first, and the id of the first that `found` lacks."""
    chain: list[Kept] = []
    wanted, seen = _previous(fields), set[str]()
    while wanted and wanted not in seen and len(chain) < _LONGEST_CHAIN:
        seen.add(wanted)
        if key_of(wanted) not in found:
            return chain, wanted
        kept = kept_of(found[key_of(wanted)])
        if kept is None:
            break
        chain.append(kept)
        wanted = kept.previous
    return chain, None


def _is_whole(chain: list[Kept]) -> bool:
    return bool(chain) and chain[-1].previous is None


def _items(found: Any) -> list[Fields]:
    """Return an input as items."""
    if isinstance(found, str):
        return [{"type": "message", "role": "user", "content": found}]
    return found if isinstance(found, list) else []
