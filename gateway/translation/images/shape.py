"""What a shape of an upstream is to the translation of images, and what shapes share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.dialects.endpoint import Endpoint
from gateway.dialects.usage import Usage
from gateway.errors import NothingMade
from gateway.payload import Encoded
from gateway.translation.images.asked import ImageRequest
from gateway.translation.uploads import Upload

Fields = dict[str, Any]
_BEGINNINGS = {"iVBOR": "png", "/9j/": "jpeg", "UklGR": "webp"}
"""How images begin in base64."""
_LONGEST_QUOTED = 300


class Writing(msgspec.Struct):
    """One request on its way into a shape."""

    fields: Fields = {}
    uploads: tuple[Upload, ...] = ()
    """Files whose marks stand in `fields`."""
    dropped: tuple[str, ...] = ()
    """Members that the model does not take."""


class Shape(msgspec.Struct, frozen=True):
    """How an upstream is asked for an image, and its answer is read. Pure."""

    endpoint: Endpoint
    write: Callable[[ImageRequest], Writing]
    """Raises `InvalidRequest` for what can neither be carried nor left out."""
    encode: Callable[[Fields, Sequence[Upload]], Encoded]
    read: Callable[[Mapping[str, Any]], Sequence[str]]
    """Returns the images of an answer in base64. Raises `NothingMade`."""
    signed: bool = False
    """Its requests are signed over all their bytes, so that files are in memory while they are sent."""


def format_of(image: str) -> str | None:
    """Return the format of an image in base64; None where it is none of those that clients know."""
    return next((name for begin, name in _BEGINNINGS.items() if image.startswith(begin)), None)


def filtered(reason: str) -> NothingMade:
    """Return the error for images that a filter of the provider took away."""
    return NothingMade(
        f"The provider's filter refused to make this image ({reason[:_LONGEST_QUOTED]}). Change the prompt or the "
        "images.",
        param="prompt",
    )


def without_image(words: str) -> NothingMade:
    """Return the error for an answer in words where an image was wanted."""
    said = f" It says: {words[:_LONGEST_QUOTED]}" if words else ""
    return NothingMade(
        f"The model made no image. Describe in the prompt what is to be seen.{said}", code="no_image", param="prompt"
    )


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    """Return counts as OpenAI's Images write them; None where nobody counted tokens."""
    if usage is None or usage.input is None:
        return None
    media, output = usage.media, usage.output or 0
    pictures, drawn = (media.image_input, media.image_output) if media else (0, 0)
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"image_tokens": pictures, "text_tokens": max(usage.input - pictures, 0)},
        "output_tokens": output,
        "output_tokens_details": {"image_tokens": drawn, "text_tokens": max(output - drawn, 0)},
        "total_tokens": usage.input + output,
    }
