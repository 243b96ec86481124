"""One request for vectors on its way to another shape, and the vectors on the way back."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from gateway import wire
from gateway.dialects.vectors import as_base64, check_count, data_of, floats, is_base64, wrong_vectors
from gateway.payload import Encoded
from gateway.translation.contract import Asked as Request
from gateway.translation.embeddings.asked import read
from gateway.translation.embeddings.shape import Shape
from gateway.wire import Members

_LIST = msgspec.Raw(b'"list"')


class Embeddings(msgspec.Struct, frozen=True):
    """The translation between OpenAI's Embeddings and another shape of an upstream."""

    shape: Shape

    def begin(self, asked: Request) -> "EmbeddingsCrossing":
        return EmbeddingsCrossing(self.shape, asked)


class EmbeddingsCrossing:
    """One request of at most as many texts as the upstream takes in one call."""

    kept: Mapping[str, bytes] = {}
    """Nothing."""

    def __init__(self, shape: Shape, request: Request) -> None:
        self._shape, self._request = shape, request
        self._asked = read(request.fields, request.known_model)

    @property
    def dropped(self) -> Sequence[str]:
        return [name for name in self._asked.said if name not in self._shape.takes]

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return Encoded("application/json", wire.encode(self._request.shape(self._shape.write(self._asked))))

    def answer(self, answer: Members) -> Members:
        """Return the client's answer. Raises `UpstreamUnreachable` where not every text has its vector."""
        vectors = self._shape.read(answer)
        check_count(len(vectors), len(self._asked.texts))
        numbers = [floats(vector) for vector in vectors]
        if len({len(each) for each in numbers}) > 1:
            raise wrong_vectors("answered with vectors of different lengths")
        written = (self._written(*pair) for pair in zip(vectors, numbers, strict=True))
        return {"object": _LIST, "data": data_of(written), "model": msgspec.Raw(wire.encode(self._request.model))}

    def relay(self) -> NoReturn:
        raise NotImplementedError("vectors are not streamed")

    def _written(self, vector: msgspec.Raw, numbers: list[float]) -> bytes:
        """Return a vector as the client wants it; a list stays as it came."""
        if self._asked.base64:
            return as_base64(numbers)
        return wire.encode(numbers) if is_base64(vector) else bytes(vector)
