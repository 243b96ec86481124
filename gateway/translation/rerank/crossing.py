"""One request for an order on its way to another shape, and the order on the way back."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from gateway import lenient, wire
from gateway.errors import UpstreamUnreachable
from gateway.ids import request_id
from gateway.payload import Encoded
from gateway.translation.contract import Asked as Request
from gateway.translation.rerank.asked import Asked, read
from gateway.translation.rerank.shapes import Shape
from gateway.wire import Members

_CUT = "documents.text"
"""How a text that was cut is told."""


class Reranks(msgspec.Struct, frozen=True):
    """The translation between the shape of Cohere's v1 and Jina, and another one of an upstream."""

    shape: Shape

    def begin(self, asked: Request) -> "RerankCrossing":
        return RerankCrossing(self.shape, asked)


class RerankCrossing:
    """One request and its order."""

    kept: Mapping[str, bytes] = {}
    """Nothing."""

    def __init__(self, shape: Shape, request: Request) -> None:
        self._shape, self._request = shape, request
        self._asked, self._cut = _shortened(read(request.fields), shape.longest)

    @property
    def dropped(self) -> Sequence[str]:
        names = [name for name in self._asked.said if name not in self._shape.takes]
        return [*names, _CUT] if self._cut else names

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return Encoded("application/json", wire.encode(self._request.shape(self._shape.write(self._asked))))

    def answer(self, answer: Members) -> Members:
        """Return the client's answer. Raises `UpstreamUnreachable` where the order is none of its documents."""
        results = _scores(answer, self._shape.score, len(self._asked.texts))
        found = [(self._asked.places[index], score) for index, score in results]
        ranked = {place for place, _ in found}
        if len(results) == len(self._asked.texts):  # those without a text have nothing to do with the query
            found += [(place, 0.0) for place in range(len(self._asked.documents)) if place not in ranked]
        told = lenient.peek(answer, "id")
        written: dict[str, Any] = {
            "id": told if isinstance(told, str) and told else request_id(),
            "model": self._request.model,
            "results": [self._result(*each) for each in found[: self._asked.top]],
        }
        return {**{name: msgspec.Raw(wire.encode(value)) for name, value in written.items()}, **_meta(answer)}

    def relay(self) -> NoReturn:
        raise NotImplementedError("an order is not streamed")

    def _result(self, place: int, score: float) -> dict[str, Any]:
        result: dict[str, Any] = {"index": place, "relevance_score": score}
        if self._asked.return_documents:
            document = self._asked.documents[place]
            result["document"] = {"text": document} if isinstance(document, str) else document
        return result


def _shortened(asked: Asked, longest: int | None) -> tuple[Asked, bool]:
    """Return a request whose texts are not too long, and whether any was cut."""
    if longest is None or max(len(asked.query), *map(len, asked.texts)) <= longest:
        return asked, False
    texts = tuple(text[:longest] for text in asked.texts)
    return msgspec.structs.replace(asked, query=asked.query[:longest], texts=texts), True


def _meta(answer: Members) -> Members:
    return {"meta": answer["meta"]} if wire.kind(answer, "meta") is dict else {}


def _scores(answer: Members, name: str, count: int) -> list[tuple[int, float]]:
    """Return places and scores, the best first. Raises `UpstreamUnreachable` for what is no order of `count` texts."""
    results = lenient.peek(answer, "results")
    found = [_score(each, name, count) for each in results] if isinstance(results, list) else []
    if not found or len({place for place, _ in found}) < len(found):
        raise _wrong("answered with an order of other documents than it was asked for")
    return found


def _score(result: Any, name: str, count: int) -> tuple[int, float]:
    place, score = (result.get("index"), result.get(name)) if isinstance(result, dict) else (None, None)
    if type(place) is not int or not 0 <= place < count:
        raise _wrong("answered with an order of other documents than it was asked for")
    if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
        raise _wrong("answered with scores that are no numbers")
    return place, score


def _wrong(why: str) -> UpstreamUnreachable:
    return UpstreamUnreachable(f"The model's server {why}.", code="upstream_invalid_answer")
