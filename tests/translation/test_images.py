"""Requests for images in the shape of Gemini, judged by Google's own description, and the sizes that models take."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import wire
from gateway.dialects.gemini_media import IMAGES
from gateway.dialects.image_kinds import kind_of
from gateway.dialects.stability import failure as stability_failure
from gateway.errors import InvalidRequest, NothingMade
from gateway.payload import JsonPayload
from gateway.translation.contract import Asked
from gateway.translation.images import GEMINI, STABILITY, Images
from gateway.translation.images.gemini import sizes_of
from gateway.translation.images.services import service_of
from gateway.translation.images.sizes import Size, fitted
from tests.fakes.discovery import check

SCHEMAS = {"vertex": "GoogleCloudAiplatformV1GenerateContentRequest", "gemini": "GenerateContentRequest"}
MODELS = ("gemini-2.5-flash-image", "gemini-3-pro-image", "gemini-3.1-flash-image", "gemini-nano-banana-2.1")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def crossing(shape: Any, fields: dict[str, Any]) -> Any:
    members = wire.members(wire.encode(fields))
    asked = Asked(payload=JsonPayload(members, 0), fields=members, model="ours", stream=False)
    return Images("generate", shape).begin(asked)


@pytest.mark.parametrize("api", SCHEMAS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [None, "auto", "1024x1024", "1024x1536", "1344x768", "1792x1024"])
def test_requests_are_what_google_describes(api: str, model: str, size: str | None) -> None:
    sent = crossing(GEMINI, {"model": model, "prompt": "a", "size": size, "seed": 3, "n": 1}).encode({}).body
    check(api, SCHEMAS[api], json.loads(sent))


@pytest.mark.parametrize(
    ("model", "asked", "size"),
    [
        ("gemini-2.5-flash-image", "1024x1024", Size("1:1", "1K")),
        ("gemini-2.5-flash-image", "832x1248", Size("2:3", "1K")),
        ("gemini-2.5-flash-image", "1536x672", Size("21:9", "1K")),
        ("gemini-2.5-flash-image", "1184x864", Size("4:3", "1K")),
        ("gemini-3-pro-image", "512x512", Size("1:1", "1K", exact=False)),
        ("gemini-3-pro-image", "2048x2048", Size("1:1", "2K")),
        ("gemini-3-pro-image", "3840x2160", Size("16:9", "4K")),
        ("gemini-3.1-flash-image", "512x512", Size("1:1", "512")),
        ("gemini-3.1-flash-image", "384x3072", Size("1:8", "1K")),
        ("gemini-3-pro-image", "auto", None),
        ("gemini-3-pro-image", None, None),
    ],
)
def test_sizes_become_ratios_and_resolutions(model: str, asked: str | None, size: Size | None) -> None:
    assert fitted(asked, sizes_of(model)) == size


@pytest.mark.parametrize("asked", ["0x0", "x", "1x", "1024", "-1x5", "1e3x1e3", "٣x٣", "1024x1024x1024", "8192x8192"])
def test_other_sizes_are_none(asked: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        fitted(asked, sizes_of("gemini-3-pro-image"))
    assert caught.value.param == "size"
    assert "1:1, 2:3" in caught.value.message


@given(JSON, st.sampled_from((GEMINI, STABILITY)))
def test_whatever_comes_back_is_read_or_refused(answer: Any, shape: Any) -> None:
    for member in ("candidates", "images", "promptFeedback", "finish_reasons", "usageMetadata"):
        fields = wire.members(wire.encode({member: answer}))
        asked = crossing(shape, {"model": "stability.stable-image-core-v1:1", "prompt": "a"})
        IMAGES.upstream.usage(fields)
        IMAGES.upstream.failure(fields)
        stability_failure(fields)
        with suppress(NothingMade):
            assert asked.answer(fields)["data"]


@given(st.dictionaries(st.sampled_from(("prompt", "size", "seed", "n", "quality", "strength", "style_preset")), JSON))
def test_whatever_is_asked_is_carried_or_refused(fields: dict[str, Any]) -> None:
    for shape in (GEMINI, STABILITY):
        with suppress(InvalidRequest):
            crossing(shape, {"model": "stability.sd3-5-large-v1:0", "prompt": "a", **fields}).encode({})


def test_the_services_of_stability_are_known_by_their_ids() -> None:
    assert service_of("us.stability.stable-image-search-recolor-v1:0").required == "select_prompt"
    assert service_of("stability.sd3-5-large-v1:0").generates
    assert service_of("arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc").generates


def test_kinds_of_images() -> None:
    assert kind_of("1024x1024", "high") == "1024x1024/high"
    assert kind_of("auto", "auto") is None
    assert kind_of("2048x2048", "1K") == "2048x2048/2K"
    assert kind_of("1024x1024@x", {"a": 1}) is None
