"""Stability's models on Bedrock, as Amazon documents them: what they refuse, and what they answer.

Source: docs.aws.amazon.com/bedrock: model-parameters-stability-diffusion, stable-image-services. No recording.
"""

import base64
import json
from typing import Any

from tests.fakes.bedrock import Seen

PNG = b"\x89PNG\r\n\x1a\n a picture"
RATIOS = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
_COMMON = {"prompt": str, "negative_prompt": str, "seed": int, "output_format": str}
_IMAGE = {"image": str, "seed": int, "output_format": str}
_SERVICES: dict[str, tuple[dict[str, type], set[str]]] = {
    "sd3-5-large": ({**_COMMON, "mode": str, "aspect_ratio": str, "image": str, "strength": float}, {"prompt"}),
    "stable-image-core": ({**_COMMON, "aspect_ratio": str, "mode": str}, {"prompt"}),
    "stable-image-inpaint": (
        {**_COMMON, **_IMAGE, "mask": str, "grow_mask": int, "style_preset": str},
        {"prompt", "image"},
    ),
    "stable-image-search-replace": (
        {**_COMMON, **_IMAGE, "search_prompt": str, "grow_mask": int, "style_preset": str},
        {"prompt", "image", "search_prompt"},
    ),
    "stable-image-remove-background": (_IMAGE, {"image"}),
    "stable-style-transfer": (
        {**_COMMON, "init_image": str, "style_image": str, "style_strength": float, "change_strength": float},
        {"init_image", "style_image"},
    ),
}
"""Members and those that are required, by service."""


def check(seen: Seen) -> None:
    """Raise `AssertionError` for what Amazon would refuse."""
    assert seen.operation == "invoke", "The model does not stream."
    assert seen.headers["content-type"] == "application/json"
    service = seen.model.partition("stability.")[2].partition("-v1:")[0]
    known, required = _SERVICES[service]
    assert required <= seen.body.keys(), f"required key [{min(required - seen.body.keys(), default='')}] not found"
    for name, value in seen.body.items():
        assert name in known, f"extraneous key [{name}] is not permitted"
        fits = isinstance(value, (int, float) if known[name] is float else known[name])
        assert fits, f"#/{name}: expected type: {known[name].__name__}"
    assert seen.body.get("aspect_ratio", "1:1") in RATIOS, "#/aspect_ratio: is not a valid enum value"
    assert seen.body.get("output_format", "png") in ("png", "jpeg"), "#/output_format: is not a valid enum value"
    if seen.body.get("mode") == "image-to-image":
        assert {"image", "strength"} <= seen.body.keys()
        assert "aspect_ratio" not in seen.body
    for name in ("image", "mask", "init_image", "style_image"):
        assert base64.b64decode(seen.body.get(name, "YQ=="), validate=True), f"#/{name}: is empty"


def answer(seen: Seen) -> tuple[int, bytes]:
    prompt = seen.body.get("prompt", "")
    found: dict[str, Any] = {"seeds": [seen.body.get("seed", 7)], "finish_reasons": [None]}
    if "forbidden" in prompt:
        found = {"finish_reasons": ["Filter reason: prompt"]}
    elif "broken" in prompt:
        found["finish_reasons"] = ["Inference error"]
    elif "throttled" in prompt:
        return 429, b"Too many requests, please wait before trying again."
    else:
        found["images"] = [base64.b64encode(PNG).decode()]
    return 200, json.dumps(found).encode()
