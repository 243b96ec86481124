"""Token ids from llama.cpp for clients that ask as vLLM is asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from gateway import lenient, wire
from gateway.dialects.tokenize import LLAMA_DETOKENIZE, LLAMA_TOKENIZE
from gateway.errors import InvalidRequest
from gateway.payload import Encoded
from gateway.translation.contract import Asked
from gateway.translation.plain import request_data
from gateway.wire import Members

Fields = dict[str, Any]
_NAMES = {"prompt": "content", "add_special_tokens": "add_special", "return_token_strs": "with_pieces"}
"""llama.cpp's names of vLLM's members."""
_TAKES = frozenset(("model", "tokens", "add_special", "parse_special", "with_pieces", "content"))


def _write(fields: Fields) -> Fields:
    """Return llama.cpp's request. Raises `InvalidRequest` for a conversation, whose template it does not apply."""
    if fields.get("messages") is not None:
        raise InvalidRequest(
            "The model's server tells the tokens of texts alone. Send the text in 'prompt' instead of 'messages'.",
            code="unsupported_parameter",
            param="messages",
        )
    return {_NAMES.get(name, name): value for name, value in fields.items() if value is not None}


def _counted(answer: Members) -> Fields:
    """Return vLLM's answer: ids, and pieces beside them where they were asked for."""
    found = lenient.peek(answer, "tokens")
    tokens = found if isinstance(found, list) else []
    pieces = [each.get("piece") for each in tokens if isinstance(each, dict)]
    ids = [each.get("id") if isinstance(each, dict) else each for each in tokens]
    return {"count": len(ids), "max_model_len": None, "tokens": ids, "token_strs": pieces or None}


def _spelled(answer: Members) -> Fields:
    return {"prompt": lenient.peek(answer, "content")}


class Tokens(msgspec.Struct, frozen=True):
    """The translation of one of the two endpoints; `told` writes the client's answer."""

    told: Callable[[Members], Fields]

    def begin(self, asked: Asked) -> "TokensCrossing":
        return TokensCrossing(self.told, asked)


class TokensCrossing:
    """One request for tokens, or for their text."""

    kept: Mapping[str, bytes] = {}
    """Nothing."""

    def __init__(self, told: Callable[[Members], Fields], asked: Asked) -> None:
        self._told, self._asked = told, asked
        self._fields = _write(request_data(asked.fields))

    @property
    def dropped(self) -> Sequence[str]:
        return [name for name in self._fields if name not in _TAKES]

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        fields = {name: value for name, value in self._fields.items() if name in _TAKES}
        return Encoded("application/json", wire.encode(self._asked.shape(fields)))

    def answer(self, answer: Members) -> Members:
        return {name: msgspec.Raw(wire.encode(value)) for name, value in self._told(answer).items()}

    def relay(self) -> NoReturn:
        raise NotImplementedError("tokens are not streamed")


WAYS = ((LLAMA_TOKENIZE, Tokens(_counted)), (LLAMA_DETOKENIZE, Tokens(_spelled)))
"""The endpoints of llama.cpp, each with its translation."""
