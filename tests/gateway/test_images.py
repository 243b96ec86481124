"""Images of Gemini, on both of Google's hosts, and of Stability on Bedrock, for clients of OpenAI's Images."""

import base64
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import openai
import pytest

from tests.fakes import stability
from tests.fakes.bedrock import BEARER, KEY_ID, SECRET, Bedrock
from tests.fakes.bedrock import TOKEN as SESSION
from tests.fakes.google import KEY, PROJECT, TOKEN, Google
from tests.fakes.google_media import BLOCKED, PICTURE
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(8) + b"\x08\x02\0\0\0"
TRANSPARENT = PNG[:25] + b"\x06" + PNG[26:]
PRICES = {"input": 2, "output": 12, "image_input": 1, "image_output": 120, "images": {"2K": 0.3, "1K": 0.1}}
GOOGLES = ("on-gemini", "on-vertex")


class Setting(NamedTuple):
    gateway: InProcess
    google: Google
    bedrock: Bedrock
    client: openai.OpenAI


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    google = Google(lambda results: [])
    bedrock = Bedrock(stability.answer, "us-west-2", stability.check)
    with serving(google) as googles, serving(bedrock) as amazons, pytest.MonkeyPatch.context() as patch:
        for name, value in (("ACCESS_KEY_ID", KEY_ID), ("SECRET_ACCESS_KEY", SECRET), ("SESSION_TOKEN", SESSION)):
            patch.setenv(f"AWS_{name}", value)
        gemini = {"provider": "gemini", "base_url": googles, "api_key": KEY}
        vertex = {"provider": "vertex", "base_url": googles, "project": PROJECT, "access_token": TOKEN}
        amazon = {"provider": "bedrock", "base_url": amazons, "region": "us-west-2", "api_key": BEARER}
        services = {
            "sd": "stability.sd3-5-large-v1:0",
            "core": "stability.stable-image-core-v1:1",
            "inpaint": "us.stability.stable-image-inpaint-v1:0",
            "replace": "us.stability.stable-image-search-replace-v1:0",
            "cut-out": "us.stability.stable-image-remove-background-v1:0",
            "style": "us.stability.stable-style-transfer-v1:0",
        }
        signed = {name: value for name, value in amazon.items() if name != "api_key"}
        deployments: dict[str, dict[str, Any]] = {
            "signed": {**signed, "model": services["sd"]},
            "on-gemini": {**gemini, "model": "gemini-3-pro-image"},
            "on-vertex": {**vertex, "model": "gemini-3-pro-image", "location": "global"},
            "first": {**gemini, "model": "gemini-2.5-flash-image"},
            **{name: {**amazon, "model": model} for name, model in services.items()},
        }
        models: list[dict[str, Any]] = [
            {"name": name, "mode": "image", "price": PRICES, "deployments": [each]}
            for name, each in deployments.items()
        ]
        models.append({**models[0], "name": "strict", "strict_parameters": True})
        server = {"max_bodies_bytes": 10 * 2**20}
        with (
            in_process(tmp_path_factory.mktemp("images"), {"models": models, "server": server}) as gateway,
            openai.OpenAI(
                base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, _strict_response_validation=True
            ) as client,
        ):
            yield Setting(gateway, google, bedrock, client)


def generate(setting: Setting, model: str, prompt: str = "猫 🐈", **more: Any) -> Any:
    return setting.gateway.post("/v1/images/generations", json={"model": model, "prompt": prompt, **more})


def edit(setting: Setting, model: str, *images: bytes, prompt: str = "a hat", mask: bytes = b"", **more: Any) -> Any:
    files = [("image[]", (f"{number}.png", image, "image/png")) for number, image in enumerate(images)]
    files += [("mask", ("mask.png", mask, "image/png"))] if mask else []
    return setting.gateway.post("/v1/images/edits", data={"model": model, "prompt": prompt, **more}, files=files)


@pytest.mark.parametrize("model", GOOGLES)
def test_gemini_draws(setting: Setting, model: str) -> None:
    setting.google.seen.clear()
    raw = setting.client.images.with_raw_response.generate(model=model, prompt="猫 🐈", size="1536x1024", user="taro")
    found = raw.parse()
    assert found.data
    assert [base64.b64decode(each.b64_json or "") for each in found.data] == [PICTURE]
    assert found.output_format == "png"
    assert found.usage
    assert (found.usage.input_tokens, found.usage.input_tokens_details.image_tokens) == (270, 258)
    assert found.usage.output_tokens == 1120
    (seen,) = setting.google.seen
    assert seen.body == {
        "contents": [{"role": "user", "parts": [{"text": "猫 🐈"}]}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "3:2", "imageSize": "1K"},
        },
    }
    assert seen.path.endswith("/models/gemini-3-pro-image:generateContent")
    assert "taro" not in seen.raw.decode()
    record = setting.gateway.record(raw.http_response)
    assert (record.images, record.input_tokens, record.output_tokens, record.task) == (1, 270, 1120, "image")
    assert record.cost_nano_usd == 12 * 2000 + 258 * 1000 + 1120 * 120_000 + 100_000_000
    assert record.price_id
    assert record.price_id.endswith("@1536x1024/1K")


def test_several_images_are_several_calls(setting: Setting) -> None:
    setting.google.seen.clear()
    raw = setting.client.images.with_raw_response.generate(
        model="on-gemini", prompt="a cat", n=3, extra_body={"seed": 5}
    )
    found = raw.parse()
    assert found.data
    assert len(found.data) == 3
    assert found.usage
    assert (found.usage.output_tokens, found.usage.total_tokens) == (3 * 1120, 3 * 1390)
    assert sorted(each.body["generationConfig"]["seed"] for each in setting.google.seen) == [5, 6, 7]
    record = setting.gateway.record(raw.http_response)
    assert (record.images, record.output_tokens, record.attempts) == (3, 3360, 1)
    assert record.cost_nano_usd == 3 * (12 * 2000 + 258 * 1000 + 1120 * 120_000 + 100_000_000)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("model", GOOGLES)
def test_gemini_edits(setting: Setting, model: str, count: int) -> None:
    setting.google.seen.clear()
    large = PNG + bytes(range(256)) * 8192  # 2 MiB: on the disk
    pictures = [("a.png", large), ("b.bin", b"\xff\xd8\xff\xe0jpeg"), ("c.webp", b"RIFF0000WEBPVP8 ")]
    raw = setting.client.images.with_raw_response.edit(model=model, image=pictures, prompt="帽子", n=count)
    found = raw.parse()
    assert found.data
    assert len(found.data) == count
    for seen in setting.google.seen:
        *images, text = seen.body["contents"][0]["parts"]
        assert text == {"text": "帽子"}
        assert [each["inlineData"]["mimeType"] for each in images] == ["image/png", "image/jpeg", "image/webp"]
        assert [base64.b64decode(each["inlineData"]["data"]) for each in images] == [data for _, data in pictures]
        assert int(seen.headers["content-length"]) == len(seen.raw)
    assert len(setting.google.seen) == count


def test_gemini_varies(setting: Setting) -> None:
    files = {"image": ("a.png", PNG, "image/png")}
    answer = setting.gateway.post("/v1/images/variations", data={"model": "on-gemini", "n": "1"}, files=files)
    assert base64.b64decode(answer.json()["data"][0]["b64_json"]) == PICTURE
    assert "variation" in setting.google.seen[-1].body["contents"][0]["parts"][1]["text"]


def test_one_image_is_varied_at_a_time(setting: Setting) -> None:
    files = [("image", (f"{number}.png", PNG, "image/png")) for number in range(2)]
    answer = setting.gateway.post("/v1/images/variations", data={"model": "on-gemini"}, files=files)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "image"), answer.text


def test_an_address_holds_the_image(setting: Setting) -> None:
    answer = generate(setting, "on-gemini", response_format="url")
    assert answer.json()["data"] == [{"url": f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"}]


@pytest.mark.parametrize(
    ("prompt", "status", "code", "words"),
    [
        (BLOCKED, 400, "content_policy_violation", "PROHIBITED_CONTENT"),
        ("unsafe", 400, "content_policy_violation", "IMAGE_SAFETY"),
        ("in words", 400, "no_image", "It says: What should I draw?"),
        ("nothing", 502, "upstream_error", "failed"),
    ],
)
def test_an_answer_without_an_image_says_why(setting: Setting, prompt: str, status: int, code: str, words: str) -> None:
    answer = generate(setting, "on-vertex", prompt)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], words in error["message"]) == (status, code, True), answer.text
    record = setting.gateway.record(answer)
    assert record.outcome == ("refused" if status == 400 else "error")
    assert (record.input_tokens is not None) == (status == 400), "what was used is paid"
    assert not record.images


@pytest.mark.parametrize(
    ("more", "dropped"),
    [
        ({"background": "transparent", "quality": "high", "style": "vivid"}, "background, quality, style"),
        ({"background": "auto", "quality": "auto", "moderation": "auto", "n": 1, "user": "x"}, None),
        ({"output_format": "webp", "output_compression": 50}, "output_compression, output_format"),
        ({"size": "256x256"}, "size"),
        ({"size": "auto"}, None),
    ],
)
def test_what_gemini_does_not_take_is_told(setting: Setting, more: dict[str, Any], dropped: str | None) -> None:
    answer = generate(setting, "on-gemini", **more)
    assert (answer.status_code, answer.headers.get("x-sekisho-dropped")) == (200, dropped), answer.text
    assert generate(setting, "strict", **more).status_code == (400 if dropped else 200)


@pytest.mark.parametrize("stream", [True, "true"])
def test_no_image_gets_clearer_where_none_does(setting: Setting, stream: object) -> None:
    answer = generate(setting, "on-gemini", stream=stream)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "stream"), answer.text


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ("on-gemini", {"size": "0x0"}, "does not make images of '0x0'. Ask for 'auto', 1024x1024"),
        ("on-gemini", {"size": "99999x99999"}, "up to about 4096x4096"),
        ("on-gemini", {"size": "1024x10"}, "of the ratios 1:1, 2:3"),
        ("on-gemini", {"size": "large" * 100}, "'largelargelargelarge'"),
        ("on-gemini", {"size": 1024}, "'size' must be a string"),
        ("first", {"size": "2048x2048"}, "up to about 1024x1024"),
        ("on-gemini", {"response_format": "png"}, "'response_format' must be one of 'b64_json', 'url'"),
        ("on-gemini", {"output_format": "bmp"}, "'output_format' must be one of"),
        ("on-gemini", {"seed": "x"}, "'seed' must be"),
        ("on-gemini", {"n": 10**9}, "'n' must be"),
        ("core", {"output_format": "webp"}, "makes: png, jpeg"),
        ("core", {"prompt": "x" * 10_001}, "at most 10,000 characters"),
        ("core", {"seed": 2**40}, "'seed' must be a whole number from 0"),
        ("core", {"seed": True}, "'seed' must be"),
        ("core", {"negative_prompt": [1]}, "'negative_prompt' must be a string"),
        ("inpaint", {}, "only changes images"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(
    setting: Setting, model: str, more: dict[str, Any], words: str
) -> None:
    answer = generate(setting, model, **{"prompt": "a", **more})
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("model", "images", "more", "words"),
    [
        ("on-gemini", [PNG], {"mask": PNG}, "takes no 'mask'"),
        ("on-gemini", [b"words"], {}, ""),
        ("on-gemini", [PNG, b""], {}, "'image[]' is empty"),
        ("core", [PNG], {}, "only makes images of words"),
        ("inpaint", [PNG, PNG], {}, "takes 1 image(s)"),
        ("inpaint", [PNG], {"mask": TRANSPARENT}, "black and white"),
        ("inpaint", [PNG], {"grow_mask": "1.5"}, "'grow_mask' must be a whole number"),
        ("replace", [PNG], {}, "needs the field 'search_prompt'"),
        ("style", [PNG], {}, "takes 2 image(s)"),
        ("sd", [PNG], {"strength": "nan"}, "'strength' must be a number"),
        ("sd", [PNG], {"mask": PNG}, "takes no mask"),
    ],
)
def test_edits_that_cannot_be_made(
    setting: Setting, model: str, images: list[bytes], more: dict[str, Any], words: str
) -> None:
    answer = edit(setting, model, *images, **more)
    if not words:  # named as a PNG: Google looks inside
        assert answer.status_code == 200
        return
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text


def test_a_file_that_is_no_image_is_refused_by_kind(setting: Setting) -> None:
    files = {"image": ("a.txt", b"words", "text/plain")}
    answer = setting.gateway.post("/v1/images/edits", data={"model": "on-gemini", "prompt": "a"}, files=files)
    assert "must be one of: png, jpeg, webp, heic, heif" in answer.json()["error"]["message"]


def test_images_that_are_too_large_together_are_refused(setting: Setting) -> None:
    answer = edit(setting, "on-gemini", PNG + bytes(9 * 2**20), PNG + bytes(9 * 2**20))
    assert (answer.status_code, "at most 15 MiB" in answer.json()["error"]["message"]) == (400, True), answer.text


def test_images_in_memory_are_bounded(setting: Setting) -> None:
    large = PNG + bytes(2 * 2**20)
    answer = edit(setting, "sd", large, n="3")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_long_requests"), answer.text
    assert edit(setting, "sd", large).status_code == 200, "what was held is given back"


def test_stability_makes_images(setting: Setting) -> None:
    setting.bedrock.seen.clear()
    raw = setting.client.images.with_raw_response.generate(
        model="core", prompt="猫", n=2, size="1792x1024", extra_body={"negative_prompt": "dogs", "seed": 3}
    )
    found = raw.parse()
    assert found.data
    assert [base64.b64decode(each.b64_json or "") for each in found.data] == [stability.PNG] * 2
    bodies = sorted((each.body for each in setting.bedrock.seen), key=lambda body: body["seed"])
    asked = {"prompt": "猫", "negative_prompt": "dogs", "aspect_ratio": "16:9", "output_format": "png"}
    assert bodies == [{**asked, "seed": 3}, {**asked, "seed": 4}]
    assert setting.bedrock.seen[0].path == "/model/stability.stable-image-core-v1%3A1/invoke"
    record = setting.gateway.record(raw.http_response)
    assert (record.images, record.cost_nano_usd) == (2, 2 * 300_000_000)


_FILES = ("image", "mask", "init_image", "style_image")


@pytest.mark.parametrize(
    ("model", "images", "more", "expected"),
    [
        ("sd", 1, {}, {"prompt": "a hat", "image": PNG, "mode": "image-to-image", "strength": 0.6}),
        ("sd", 1, {"strength": "0.9"}, {"prompt": "a hat", "image": PNG, "mode": "image-to-image", "strength": 0.9}),
        ("inpaint", 1, {"mask": PNG, "grow_mask": "4"}, {"prompt": "a hat", "image": PNG, "mask": PNG, "grow_mask": 4}),
        ("replace", 1, {"search_prompt": "cap"}, {"prompt": "a hat", "image": PNG, "search_prompt": "cap"}),
        ("cut-out", 1, {}, {"image": PNG}),
        (
            "style",
            2,
            {"style_strength": "1"},
            {"prompt": "a hat", "init_image": PNG, "style_image": PNG, "style_strength": 1.0},
        ),
    ],
)
def test_stability_changes_images(
    setting: Setting, model: str, images: int, more: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = edit(setting, model, *[PNG] * images, **more)
    assert answer.status_code == 200, answer.text
    sent = dict(setting.bedrock.seen[-1].body)
    assert sent.pop("output_format") == "png"
    files = {name: base64.b64decode(sent.pop(name)) for name in _FILES if name in sent}
    assert sent | files == expected
    assert "x-sekisho-dropped" not in answer.headers


@pytest.mark.parametrize("size", [100, 2 * 2**20])
def test_what_is_signed_is_what_is_sent(setting: Setting, size: int) -> None:
    answer = edit(setting, "signed", PNG + bytes(size))
    assert answer.status_code == 200, (answer.text, setting.bedrock.refused)
    assert "x-amz-date" in setting.bedrock.seen[-1].headers


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ("forbidden", 400, "content_policy_violation"),
        ("broken", 502, "upstream_error"),
        ("throttled", 429, "upstream_rate_limited"),
    ],
)
def test_what_stability_refuses(setting: Setting, prompt: str, status: int, code: str) -> None:
    answer = generate(setting, "core", prompt)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert json.dumps(answer.json()).count("Filter reason: prompt") == (status == 400)


def test_one_image_that_is_refused_refuses_all_and_is_paid(setting: Setting) -> None:
    answer = generate(setting, "on-gemini", BLOCKED, n=4)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_policy_violation")
