"""Kinds of images by which they are priced: a size, a quality, or both."""

import re

KINDS = (
    "a size such as 1024x1024, a quality (low, medium, high, xhigh, max, standard, hd) or a resolution (512, 1K, 2K, "
    "4K), or both with a slash between, such as 1024x1536/high"
)
_SIZE = r"[1-9]\d{0,4}x[1-9]\d{0,4}"
_QUALITY = r"low|medium|high|xhigh|max|standard|hd|512|[124]K"
_KIND = re.compile(rf"(?:{_SIZE})(?:/(?:{_QUALITY}))?|{_QUALITY}")
_EDGES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
"""About the square root of an image's pixels, by resolution."""
_is_size, _is_quality = re.compile(_SIZE).fullmatch, re.compile(_QUALITY).fullmatch


def is_kind(key: str) -> bool:
    """Return whether a key of `price.images` names a kind."""
    return _KIND.fullmatch(key) is not None


def kind_of(size: object, quality: object) -> str | None:
    """Return the kind of an image as `size/quality`, what is not known of it empty; None where nothing is."""
    known_size = size if isinstance(size, str) and _is_size(size) else ""
    known_quality = quality if isinstance(quality, str) and _is_quality(quality) else ""
    if known_quality in _EDGES and known_size:
        known_quality = _resolution(known_size)
    return f"{known_size}/{known_quality}" if known_size or known_quality else None


def _resolution(size: str) -> str:
    """Return the resolution in which models make a size that know no pixels."""
    width, _, height = size.partition("x")
    pixels = int(width) * int(height)
    return next((name for name, edge in _EDGES.items() if pixels <= (1.36 * edge) ** 2), "4K")


def keys_of(kind: str) -> tuple[str, str, str]:
    """Return the keys under which the price of a kind may stand, the most exact first."""
    size, _, quality = kind.partition("/")
    return kind, size, quality
