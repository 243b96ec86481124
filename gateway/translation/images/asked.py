"""A client's request for images in the canonical form, of which the upstreams' shapes write their own."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.errors import InvalidRequest
from gateway.payload import Payload
from gateway.translation import checks
from gateway.translation.plain import request_data
from gateway.translation.uploads import Upload, upload
from gateway.wire import Members

Task = Literal["generate", "edit", "vary"]

_FORMATS = ("png", "jpeg", "webp")
_IMAGE_PARTS = ("image", "image[]")
_READ = ("model", "prompt", "n", "size", "response_format", "output_format", "stream", "partial_images", "user")
_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "background": ("auto", "opaque"),
    "quality": ("auto", "standard"),
    "moderation": ("auto",),
}
"""Values of members that ask for nothing else than what every model does."""


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Images that are wanted, one in each call. What was not said is None."""

    task: Task
    model: str
    """The upstream's name."""
    prompt: str = ""
    images: tuple[Upload, ...] = ()
    mask: Upload | None = None
    size: str | None = None
    output_format: str | None = None
    as_url: bool = False
    more: Mapping[str, Any] = {}
    """All other members that say something, by name; of a form they are texts."""


def read(task: Task, fields: Members, payload: Payload) -> ImageRequest:
    """Read a client's request. Raises `InvalidRequest` naming the member at fault."""
    found = {name: value for name, value in request_data(fields).items() if value not in (None, "")}
    if found.get("stream") in (True, "true", "1"):
        raise InvalidRequest(
            "The field 'stream' cannot be used with this model: its server sends finished images only.",
            code="unsupported_parameter",
            param="stream",
        )
    images, masks = _files(payload, *_IMAGE_PARTS), _files(payload, "mask")
    if len(masks) > 1 or (task == "vary" and len(images) > 1):
        name = "mask" if len(masks) > 1 else "image"
        raise InvalidRequest(f"The form has more than one '{name}'; send one.", param=name)
    return ImageRequest(
        task=task,
        model=checks.required_text(found, "model"),
        prompt=checks.text(found, "prompt") or "",
        images=images,
        mask=masks[0] if masks else None,
        size=checks.text(found, "size"),
        output_format=_one_of(found, "output_format", _FORMATS),
        as_url=_one_of(found, "response_format", ("b64_json", "url")) == "url",
        more={name: value for name, value in found.items() if name not in _READ and _says(name, value)},
    )


def _files(payload: Payload, *names: str) -> tuple[Upload, ...]:
    """Return the files of a form's parts. Raises `InvalidRequest` for one that is empty."""
    found = [(name, upload(file)) for name, file in payload.files if name in names]
    for name, each in found:
        if not each.size:
            raise InvalidRequest(f"A file in '{name}' is empty; it must not be.", param=name)
    return tuple(each for _, each in found)


def _says(name: str, value: Any) -> bool:
    return value not in _HARMLESS.get(name, ())


def _one_of(found: dict[str, Any], name: str, values: tuple[str, ...]) -> str | None:
    said = checks.text(found, name)
    if said is not None and said not in values:
        raise checks.unknown(name, said, ", ".join(f"'{each}'" for each in values))
    return said
