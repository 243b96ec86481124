"""Images by Gemini: `generateContent` with images as what is answered, and among what is asked.

Source: ai.google.dev/gemini-api/docs/image-generation; Vertex AI's discovery document (`ImageConfig`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.dialects.gemini_media import IMAGES, data_of, filter_of, text_of
from gateway.errors import InvalidRequest
from gateway.profiles.names import parse_name
from gateway.translation.images.asked import ImageRequest
from gateway.translation.images.shape import Fields, Shape, Writing, filtered, without_image
from gateway.translation.images.sizes import Sizes, fitted
from gateway.translation.uploads import check_inline, json_with

_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_WIDE = ("1:4", "4:1", "1:8", "8:1")
_FIRST = Sizes(_RATIOS)
"""Of Gemini 2.5, which is told no resolution."""
_LATER = Sizes(_RATIOS, ("1K", "2K", "4K"))
_FLASH = Sizes((*_RATIOS, *_WIDE), ("512", "1K", "2K", "4K"))
_FORMATS = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_VARY = "Make a variation of this image: the same subject and style, with other details."
"""Stands in for a prompt, which variations do not have."""
_LARGEST_SEED = 2**31 - 1


def sizes_of(model: str) -> Sizes:
    """Return what a model takes; of names that say no version, what most take."""
    name = parse_name(model)
    if (0,) < name.version < (3,):
        return _FIRST
    return _FLASH if "flash" in name.words and name.version >= (3, 1) else _LATER


def _write(request: ImageRequest) -> Writing:
    if request.mask:
        raise InvalidRequest(
            "The model takes no 'mask'. Leave it out and say in the prompt what is to be changed.",
            code="unsupported_parameter",
            param="mask",
        )
    sizes = sizes_of(request.model)
    size, more = fitted(request.size, sizes), dict(request.more)
    config: Fields = {"responseModalities": ["IMAGE"]}
    if size:
        image = {"aspectRatio": size.ratio}
        config["imageConfig"] = image if len(sizes.resolutions) == 1 else image | {"imageSize": size.resolution}
    if (seed := _seed(more.pop("seed", None))) is not None:
        config["seed"] = seed
    check_inline(request.images, "image", "Images", _FORMATS)
    parts: list[Fields] = [{"inlineData": {"mimeType": each.media_type, "data": each.mark}} for each in request.images]
    parts.append({"text": request.prompt if request.task != "vary" else _VARY})
    fields = {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}
    return Writing(fields, request.images, _dropped(request, more, larger=size is not None and not size.exact))


def _dropped(request: ImageRequest, more: Fields, *, larger: bool) -> tuple[str, ...]:
    """Return what the model does not take; an image that becomes larger than asked for counts as that, too."""
    format_ = ("output_format",) if request.output_format else ()
    return (*more, *format_, *(("size",) if larger else ()))


def _seed(said: Any) -> int | None:
    if said is None:
        return None
    number = int(said) if isinstance(said, str) and said.isdecimal() and len(said) < 12 else said
    if type(number) is not int or not 0 <= number <= _LARGEST_SEED:
        raise InvalidRequest(f"The field 'seed' must be a whole number up to {_LARGEST_SEED:,}.", param="seed")
    return number


def _read(answer: Mapping[str, Any]) -> Sequence[str]:
    if images := data_of(answer):
        return images
    if reason := filter_of(answer):
        raise filtered(reason)
    raise without_image(text_of(answer))


GEMINI = Shape(IMAGES, _write, json_with, _read)
