"""Images by Stability's models on Amazon Bedrock, and changes of images by its services there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway import wire
from gateway.dialects.stability import STABILITY as ENDPOINT
from gateway.dialects.stability import filter_of, images_of
from gateway.errors import InvalidRequest
from gateway.payload import Encoded
from gateway.translation.images.asked import ImageRequest
from gateway.translation.images.services import Kind, Service, service_of
from gateway.translation.images.shape import Fields, Shape, Writing, filtered, without_image
from gateway.translation.images.sizes import Sizes, fitted
from gateway.translation.uploads import Upload, check_inline

_SIZES = Sizes(("1:1", "2:3", "3:2", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9"))
_FORMATS = ("png", "jpeg")
_TAKEN = ("image/png", "image/jpeg", "image/webp")
_LARGEST_SEED = 4_294_967_294
_LONGEST_PROMPT = 10_000
_TRANSPARENT = (4, 6)
"""Kinds of colour of a PNG with an alpha channel; the byte at `_COLOUR` of its head."""
_COLOUR = 25
_NUMBERS: Mapping[Kind, str] = {"whole": "a whole number", "number": "a number"}


def _write(request: ImageRequest) -> Writing:
    service, more = service_of(request.model), dict(request.more)
    _check(request, service)
    fields: Fields = {}
    if service.prompt:
        fields["prompt"] = request.prompt
    for name, each in zip(service.images, request.images, strict=False):
        fields[name] = each.mark
    if request.task == "edit" and service.generates:
        fields |= {"mode": "image-to-image", "strength": _DEFAULT_STRENGTH}
    if request.mask:
        fields["mask"] = request.mask.mark
    fields |= dict(_own(more, {**service.takes, "seed": "whole"}))
    size = fitted(request.size, _SIZES) if service.ratio else None
    if size and request.task == "generate":
        fields["aspect_ratio"] = size.ratio
    fields["output_format"] = request.output_format or _FORMATS[0]
    uploads = (*request.images, *((request.mask,) if request.mask else ()))
    carried = request.size in (None, "auto") or (request.task == "generate" and size is not None and size.exact)
    return Writing(fields, uploads, (*more, *(() if carried else ("size",))))


_DEFAULT_STRENGTH = 0.6
"""How much of the image may change, where the request does not say: it must."""


def _check(request: ImageRequest, service: Service) -> None:
    """Check what a model does at all. Raises `InvalidRequest` naming what it takes instead."""
    if request.task == "vary":
        raise _refused("image", "makes no variations; ask '/v1/images/edits' with a prompt")
    if request.task == "generate" and not service.generates:
        raise _refused("model", "only changes images; ask '/v1/images/edits'")
    if request.task == "edit" and not service.images:
        raise _refused("model", "only makes images of words; ask '/v1/images/generations'")
    if request.task == "edit" and len(request.images) != len(service.images):
        raise _refused("image", f"takes {len(service.images)} image(s) in 'image[]', not {len(request.images)}")
    if request.mask and not service.mask:
        raise _refused("mask", "takes no mask")
    if request.output_format not in (None, *_FORMATS):
        raise _refused("output_format", f"makes: {', '.join(_FORMATS)}")
    if len(request.prompt) > _LONGEST_PROMPT:
        raise _refused("prompt", f"takes prompts of at most {_LONGEST_PROMPT:,} characters")
    if service.required and not request.more.get(service.required):
        raise _refused(service.required, f"needs the field '{service.required}': what to look for in the image")
    check_inline(request.images, "image", "Images", _TAKEN)
    if request.mask:
        _check_mask(request.mask)


def _check_mask(mask: Upload) -> None:
    check_inline((mask,), "mask", "Masks", _TAKEN)
    head = mask.head()
    if mask.media_type == "image/png" and len(head) > _COLOUR and head[_COLOUR] in _TRANSPARENT:
        raise _refused("mask", "takes masks in black and white, what is white is changed; this one has transparency")


def _refused(name: str, does: str) -> InvalidRequest:
    return InvalidRequest(f"The model {does}.", code="unsupported_value", param=name)


def _own(more: Fields, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Any]]:
    """Take the members that a model knows out of `more`; those of forms are texts."""
    for name in [name for name in more if name in kinds]:
        kind, said = kinds[name], more.pop(name)
        value = said if kind == "text" else _number(said, kind)
        if not isinstance(value, str if kind == "text" else int | float) or (name == "seed" and not _is_seed(value)):
            most = f" from 0 to {_LARGEST_SEED:,}" if name == "seed" else ""
            wanted = _NUMBERS.get(kind, "a string")
            raise InvalidRequest(f"The field '{name}' must be {wanted}{most}.", code="invalid_type", param=name)
        yield name, value


def _is_seed(value: Any) -> bool:
    return bool(0 <= value <= _LARGEST_SEED)


def _number(said: Any, kind: Kind) -> int | float | None:
    """Return a number, also where it is written as a text; None where it is none."""
    if isinstance(said, bool) or not isinstance(said, int | float | str) or len(str(said)) > 24:
        return None
    try:
        number = float(said)
    except ValueError:
        return None
    whole = int(number) if math.isfinite(number) and number.is_integer() else None
    return whole if kind == "whole" else number if math.isfinite(number) else None


def _encode(fields: Fields, uploads: Sequence[Upload]) -> Encoded:
    """Return all of a request in memory: it is signed over its bytes."""
    data = {each.mark: each for each in uploads}
    return Encoded(
        "application/json",
        wire.encode({name: data[value].base64() if value in data else value for name, value in fields.items()}),
    )


def _read(answer: Mapping[str, Any]) -> Sequence[str]:
    if reason := filter_of(answer.get("finish_reasons")):
        raise filtered(reason)
    if images := images_of(answer.get("images")):
        return images
    raise without_image("")


STABILITY = Shape(ENDPOINT, _write, _encode, _read, signed=True)
