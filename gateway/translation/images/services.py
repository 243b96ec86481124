"""What each of Stability's models on Bedrock takes: data with its source.

Source: docs.aws.amazon.com/bedrock: model-parameters-diffusion-3-5-large, -stable-image-core, -stable-ultra,
stable-image-services (November 2026).
"""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

Kind = Literal["text", "whole", "number"]

_STYLED: Mapping[str, Kind] = {"negative_prompt": "text", "style_preset": "text"}
_GROWN: Mapping[str, Kind] = {"grow_mask": "whole"}
_TEXT = re.compile(r"stability\.([a-z0-9-]+?)(?:-v[0-9]+)?(?::[0-9]+)*$")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A model."""

    generates: bool = False
    """It makes images of words alone."""
    images: tuple[str, ...] = ("image",)
    """The members for the images that it changes; empty = none."""
    prompt: bool = True
    mask: bool = False
    ratio: bool = False
    required: str | None = None
    """A member of its own without which it does nothing."""
    takes: Mapping[str, Kind] = {}
    """Members of its own."""


_GENERATES = Service(generates=True, images=(), ratio=True, takes={"negative_prompt": "text"})
_CONTROLS = Service(takes={**_STYLED, "control_strength": "number"})
_UNKNOWN = Service(generates=True, ratio=True, takes={**_STYLED, "strength": "number"})
"""Of a name that tells nothing, such as an ARN."""
_SERVICES: Mapping[str, Service] = {
    "sd3-5-large": Service(generates=True, ratio=True, takes={"negative_prompt": "text", "strength": "number"}),
    "stable-image-core": _GENERATES,
    "stable-image-ultra": _GENERATES,
    "stable-image-inpaint": Service(mask=True, takes={**_STYLED, **_GROWN}),
    "stable-image-erase-object": Service(prompt=False, mask=True, takes=_GROWN),
    "stable-image-remove-background": Service(prompt=False),
    "stable-image-search-recolor": Service(
        required="select_prompt", takes={**_STYLED, **_GROWN, "select_prompt": "text"}
    ),
    "stable-image-search-replace": Service(
        required="search_prompt", takes={**_STYLED, **_GROWN, "search_prompt": "text"}
    ),
    "stable-image-control-sketch": _CONTROLS,
    "stable-image-control-structure": _CONTROLS,
    "stable-image-style-guide": Service(ratio=True, takes={**_STYLED, "fidelity": "number"}),
    "stable-style-transfer": Service(
        images=("init_image", "style_image"),
        takes={
            "negative_prompt": "text",
            "composition_fidelity": "number",
            "style_strength": "number",
            "change_strength": "number",
        },
    ),
    "stable-outpaint": Service(
        takes={
            "style_preset": "text",
            "creativity": "number",
            "left": "whole",
            "right": "whole",
            "up": "whole",
            "down": "whole",
        }
    ),
    "stable-conservative-upscale": Service(takes={"negative_prompt": "text", "creativity": "number"}),
    "stable-creative-upscale": Service(takes={**_STYLED, "creativity": "number"}),
    "stable-fast-upscale": Service(prompt=False),
}


def service_of(model: str) -> Service:
    """Return what a model takes, by its id or that of an inference profile."""
    found = _TEXT.search(model.lower())
    return _SERVICES.get(found[1], _UNKNOWN) if found else _UNKNOWN
