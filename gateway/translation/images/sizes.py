"""Sizes in pixels, as clients ask for them, and the ratios and resolutions that models take."""

import math
import re

import msgspec

from gateway.errors import InvalidRequest

_SIZE = re.compile(r"([0-9]{1,5})[x×]([0-9]{1,5})", re.ASCII)
_TOLERANCE = 0.04
"""How far a ratio may be from one that a model takes: 1792x1024 is meant as 16:9."""
_LONGEST_SHOWN = 20
_EDGES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
"""About the square root of an image's pixels, by resolution."""
_MIDDLE = 1.36
"""About half the way from one resolution to the next: 3840x2160 is of 4K."""
_SMALLEST = 0.7
"""Of a resolution's edge; an image that was asked for with a shorter one becomes larger."""
_EXAMPLES = ("1024x1024", "1536x1024", "1024x1536", "1792x1024", "1024x1792")


class Sizes(msgspec.Struct, frozen=True):
    """What a model takes."""

    ratios: tuple[str, ...]
    resolutions: tuple[str, ...] = ("1K",)
    """From the smallest."""


class Size(msgspec.Struct, frozen=True):
    """A size as a model takes it."""

    ratio: str
    resolution: str
    exact: bool = True
    """False if the image becomes larger than what was asked for."""


def fitted(asked: str | None, sizes: Sizes) -> Size | None:
    """Return a size as a model takes it; None where none was asked for. Raises `InvalidRequest` that lists them."""
    if asked in (None, "", "auto"):
        return None
    found = _SIZE.fullmatch(asked or "")
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not width or not height:
        raise _unknown(str(asked), sizes)
    ratio = min(sizes.ratios, key=lambda each: _distance(each, width / height))
    edge = math.sqrt(width * height)
    resolution = next((each for each in sizes.resolutions if edge <= _EDGES[each] * _MIDDLE), None)
    if resolution is None or _distance(ratio, width / height) > _TOLERANCE:
        raise _unknown(str(asked), sizes)
    return Size(ratio, resolution, exact=edge >= _EDGES[resolution] * _SMALLEST)


def _distance(ratio: str, wanted: float) -> float:
    """Return by which part a ratio differs from another."""
    width, _, height = ratio.partition(":")
    return abs(math.log(int(width) / int(height) / wanted))


def _unknown(asked: str, sizes: Sizes) -> InvalidRequest:
    most = _EDGES[sizes.resolutions[-1]]
    examples = ", ".join(each for each in _EXAMPLES if _fits(each, sizes))
    return InvalidRequest(
        f"The model does not make images of '{asked[:_LONGEST_SHOWN]}'. Ask for 'auto', {examples}, or another size of "
        f"the ratios {', '.join(sizes.ratios)} up to about {most}x{most}.",
        code="unsupported_value",
        param="size",
    )


def _fits(size: str, sizes: Sizes) -> bool:
    width, _, height = size.partition("x")
    return min(_distance(each, int(width) / int(height)) for each in sizes.ratios) <= _TOLERANCE
