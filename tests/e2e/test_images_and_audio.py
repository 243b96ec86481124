"""The real Open WebUI draws, speaks and listens with Gemini behind the gateway, as its pages ask it to."""

import base64
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.fakes.google import KEY, Google
from tests.fakes.google_media import PICTURE
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process
from tests.fixtures.open_webui import OpenWebUIServer

MODELS = {
    "pictures": ("image", "gemini-3-pro-image"),
    "voice": ("speech", "gemini-2.5-flash-tts"),
    "ears": ("transcription", "gemini-3.5-flash"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(Google(lambda results: [])) as address:
        models: list[dict[str, Any]] = [
            {
                "name": name,
                "mode": mode,
                "deployments": [{"provider": "gemini", "base_url": address, "api_key": KEY, "model": model}],
            }
            for name, (mode, model) in MODELS.items()
        ]
        with in_process(tmp_path_factory.mktemp("media"), {"models": models}) as gateway:
            yield gateway


@pytest.fixture(scope="module")
def configured(open_webui: OpenWebUIServer, gateway: InProcess) -> Iterator[OpenWebUIServer]:
    """Open WebUI with the gateway for images and audio, set as the installer sets it; as before afterwards."""
    places = ("image_generation.openai", "images.edit.openai", "audio.tts.openai", "audio.stt.openai")
    addresses = {f"{place}.api_base_url": f"{gateway.url}/v1" for place in places}
    keys = {f"{place}.api_key": gateway.key for place in places}
    parts = ("image_generation", "images.edit", "audio.tts", "audio.stt")
    engines = {f"{part}.engine": "openai" for part in parts}
    models = dict(zip((f"{part}.model" for part in parts), ("pictures", "pictures", "voice", "ears"), strict=True))
    switches = {"image_generation.enable": True, "images.edit.enable": True, "audio.tts.voice": "alloy"}
    changed = {**addresses, **keys, **engines, **models, **switches}
    before = open_webui.request("GET", "/api/v1/configs/export")
    open_webui.request("POST", "/api/v1/configs/import", {"config": changed})
    yield open_webui
    put_back = {name: before.get(name) for name in changed}
    open_webui.request("POST", "/api/v1/configs/import", {"config": put_back})


def _file(server: OpenWebUIServer, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    return httpx2.get(f"{server.url}{path}", headers=headers, timeout=60).content


def test_it_draws(configured: OpenWebUIServer) -> None:
    (image,) = configured.request("POST", "/api/v1/images/generations", {"prompt": "猫", "n": 1})
    assert _file(configured, image["url"]) == PICTURE


@pytest.mark.parametrize("count", [1, 2])
def test_it_edits(configured: OpenWebUIServer, count: int) -> None:
    images = [f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"] * count
    body = {"prompt": "a hat", "image": images if count > 1 else images[0]}
    (image,) = configured.request("POST", "/api/v1/images/edit", body)
    assert _file(configured, image["url"]) == PICTURE


def test_it_speaks(configured: OpenWebUIServer) -> None:
    headers = {"Authorization": f"Bearer {configured.admin_token}"}
    url = f"{configured.url}/api/v1/audio/speech"
    answer = httpx2.post(url, json={"input": "関所へようこそ"}, headers=headers, timeout=60)
    assert (answer.status_code, len(answer.content) > 100) == (200, True), answer.text
    assert answer.headers["content-type"].startswith("audio/")


def test_it_listens(configured: OpenWebUIServer) -> None:
    recording = io.BytesIO()
    with wave.open(recording, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(32_000))
    headers = {"Authorization": f"Bearer {configured.admin_token}"}
    files = {"file": ("talk.wav", recording.getvalue(), "audio/wav")}
    url = f"{configured.url}/api/v1/audio/transcriptions"
    answer = httpx2.post(url, files=files, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["text"].endswith("heard")


def test_it_offers_the_voices_of_the_gateway(configured: OpenWebUIServer) -> None:
    voices = configured.request("GET", "/api/v1/audio/voices")["voices"]
    assert {"id": "Kore", "name": "Kore"} in voices
