"""Images, speech and transcription as Open WebUI 0.12.4 asks for them, and what it reads of the answers.

The requests are those of its `routers/images.py` and `routers/audio`: members, files without a type, and all.
"""

import base64
import io
import wave
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.fakes.fixed import Answer, Fixed
from tests.fakes.google import KEY, Google
from tests.fakes.google_media import PCM, PICTURE
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(8) + b"\x08\x02\0\0\0"
WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)
OPENAI = {"provider": "openai", "api_key": "${PROVIDER_KEY}"}


class Setting(NamedTuple):
    gateway: InProcess
    google: Google
    fixed: Fixed


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    google, fixed = Google(lambda results: []), Fixed()
    with serving(google) as googles, serving(fixed) as address:
        gemini = {"provider": "gemini", "base_url": googles, "api_key": KEY}
        own = {**OPENAI, "base_url": f"{address}/v1"}
        models: list[dict[str, Any]] = [
            {"name": "pictures", "mode": "image", "deployments": [{**gemini, "model": "gemini-3-pro-image"}]},
            {"name": "gpt-pictures", "mode": "image", "deployments": [{**own, "model": "gpt-image-1"}]},
            {"name": "voice", "mode": "speech", "deployments": [{**gemini, "model": "gemini-2.5-flash-tts"}]},
            {"name": "ears", "mode": "transcription", "deployments": [{**gemini, "model": "gemini-3.5-flash"}]},
        ]
        with in_process(tmp_path_factory.mktemp("open-webui"), {"models": models}) as gateway:
            yield Setting(gateway, google, fixed)


def _bytes_of(image: dict[str, str]) -> bytes:
    """Return an image as Open WebUI reads it: `url` where there is one, else `b64_json`."""
    data = image.get("url") or image["b64_json"]
    return base64.b64decode(data.partition(",")[2] if "," in data else data)


@pytest.mark.parametrize("more", [{"response_format": "b64_json"}, {}, {"size": "512x512"}, {"size": "auto"}])
def test_an_image(setting: Setting, more: dict[str, Any]) -> None:
    sent = {"model": "pictures", "prompt": "猫", "n": 1, **more}
    answer = setting.gateway.post("/v1/images/generations", json=sent)
    assert [_bytes_of(each) for each in answer.json()["data"]] == [PICTURE], answer.text


def test_a_model_of_openai_is_not_asked_for_what_it_refuses(setting: Setting) -> None:
    setting.fixed.answers["/v1/images/generations"] = Answer(b'{"created":1,"data":[{"b64_json":"YQ=="}]}')
    sent = {"model": "gpt-pictures", "prompt": "a", "n": 1, "size": "1024x1024", "response_format": "b64_json"}
    answer = setting.gateway.post("/v1/images/generations", json=sent)
    assert answer.status_code == 200, answer.text
    assert b"response_format" not in setting.fixed.asked[-1][2]
    setting.fixed.answers["/v1/images/edits"] = setting.fixed.answers["/v1/images/generations"]
    files = {"image": ("a.png", PNG, "image/png")}
    answer = setting.gateway.post("/v1/images/edits", data={k: str(v) for k, v in sent.items()}, files=files)
    assert answer.status_code == 200, answer.text
    assert b"response_format" not in setting.fixed.asked[-1][2]


@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"]])
def test_an_edit(setting: Setting, names: list[str]) -> None:
    form = {
        "model": "pictures",
        "prompt": "a hat",
        "n": "1",
        "background": "transparent",
        "response_format": "b64_json",
    }
    files = [(name, (f"{number}.png", PNG, "image/png")) for number, name in enumerate(names)]
    answer = setting.gateway.post("/v1/images/edits", data=form, files=files)
    assert [_bytes_of(each) for each in answer.json()["data"]] == [PICTURE], answer.text
    assert len(setting.google.seen[-1].body["contents"][0]["parts"]) == len(names) + 1


@pytest.mark.parametrize("more", [{}, {"speed": 1.2}])
def test_speech(setting: Setting, more: dict[str, Any]) -> None:
    sent = {"input": "やあ", "model": "voice", "voice": "alloy", **more}
    answer = setting.gateway.post("/v1/audio/speech", json=sent)
    assert answer.headers["content-type"] == "audio/wav", answer.text
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.readframes(file.getnframes()) == PCM


@pytest.mark.parametrize("more", [{"language": "ja"}, {}])
@pytest.mark.parametrize("name", ["recording.wav", "blob"])
def test_a_transcript(setting: Setting, more: dict[str, str], name: str) -> None:
    files = {"file": (name, WAV, "application/octet-stream")}
    answer = setting.gateway.post("/v1/audio/transcriptions", data={"model": "ears", **more}, files=files)
    assert answer.json()["text"].endswith("heard"), answer.text


def test_the_voices_that_may_be_chosen(setting: Setting) -> None:
    """Open WebUI asks for them without its key."""
    voices = httpx2.get(f"{setting.gateway.url}/v1/audio/voices").json()["voices"]
    names = {each["id"]: each["name"] for each in voices}
    assert {"alloy", "verse", "Kore", "Zubenelgenubi"} <= names.keys()
    assert len(names) == len(voices) == 13 + 30
