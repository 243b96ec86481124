"""One request for an image on its way to another shape, and the image on the way back."""

import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from gateway import lenient
from gateway.payload import Encoded
from gateway.translation.contract import Asked
from gateway.translation.images.asked import Task, read
from gateway.translation.images.shape import Shape, format_of, usage_of
from gateway.translation.plain import as_members
from gateway.translation.uploads import base64_size
from gateway.wire import Members


class Images(msgspec.Struct, frozen=True):
    """The translation between one of OpenAI's endpoints of Images and the shape of an upstream."""

    task: Task
    shape: Shape

    def begin(self, asked: Asked) -> "ImagesCrossing":
        return ImagesCrossing(self, asked)


class ImagesCrossing:
    """One call."""

    kept: Mapping[str, bytes] = {}
    """Nothing."""

    def __init__(self, images: Images, asked: Asked) -> None:
        self._shape, self._asked = images.shape, asked
        self._request = read(images.task, asked.fields, asked.payload)
        self._writing = self._shape.write(self._request)

    @property
    def dropped(self) -> Sequence[str]:
        return self._writing.dropped

    @property
    def memory(self) -> int:
        """Return the bytes of its files that are in memory while it is sent."""
        uploads = self._writing.uploads if self._shape.signed else ()
        return sum(base64_size(each.size) for each in uploads)

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return self._shape.encode(self._asked.shape(self._writing.fields), self._writing.uploads)

    def answer(self, answer: Members) -> Members:
        """Return the client's answer. Raises `NothingMade`."""
        images = self._shape.read({name: lenient.value(raw) for name, raw in answer.items()})
        formats = [format_of(image) for image in images]
        written = [self._written(*pair) for pair in zip(images, formats, strict=True)]
        told = {"output_format": formats[0], "usage": usage_of(self._shape.endpoint.upstream.usage(answer))}
        content = {"created": int(time.time()), "data": written}
        return as_members(content | {name: value for name, value in told.items() if value is not None})

    def relay(self) -> NoReturn:
        raise NotImplementedError("a request for a stream is refused before it is sent")

    def _written(self, image: str, kind: str | None) -> dict[str, str]:
        """Return an image as the client wants it: an address that holds it, or its data."""
        if self._request.as_url:
            return {"url": f"data:image/{kind or 'png'};base64,{image}"}
        return {"b64_json": image}
