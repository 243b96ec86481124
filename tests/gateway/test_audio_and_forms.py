"""Transcription, translation, speech and the forms of images: files go up, words, subtitles and sound come back."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from gateway.dialects.usage import Usage, from_transcription
from tests.fakes.exchanges import FormExchange, form_exchanges
from tests.fakes.fixed import Answer, Fixed
from tests.fakes.serving import serving
from tests.fixtures.gateway import PROVIDER_KEY, InProcess, in_process

PRICES = {
    "input": 1,
    "output": 2,
    "image_input": 5,
    "audio_input": 6,
    "characters": 15,
    "image": 0.04,
    "images": {"high": 0.05},
    "audio_second": 0.0001,
}
NAMES = {
    "gpt-4o-mini-transcribe": "transcription",
    "whisper-1": "transcription",
    "painter": "image",
    "voice": "speech",
    "talker": "chat",
}
RECORDED = [pytest.param(each, id=each.name) for each in form_exchanges()]


@pytest.fixture(scope="module")
def fixed() -> Fixed:
    return Fixed()


@pytest.fixture(scope="module")
def gateway(fixed: Fixed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with serving(fixed) as address:
        place = {"provider": "openai-compatible", "base_url": f"{address}/v1", "api_key": "${PROVIDER_KEY}"}
        models: list[dict[str, Any]] = [
            {"name": name, "mode": mode, "price": PRICES, "deployments": [{**place, "model": "theirs"}]}
            for name, mode in NAMES.items()
        ]
        with in_process(tmp_path_factory.mktemp("audio"), {"models": models}) as gateway:
            yield gateway


@pytest.fixture(scope="module")
def client(gateway: InProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.mark.skipif(not RECORDED, reason="../shared/recordings is not here")
@pytest.mark.parametrize("exchange", RECORDED)
def test_a_recorded_form_goes_up_and_its_answer_comes_back(
    gateway: InProcess, fixed: Fixed, exchange: FormExchange
) -> None:
    fixed.answers[f"/v1{exchange.path}"] = Answer(exchange.answer)
    boundary = exchange.form.partition(b"\r\n")[0]
    form = exchange.form
    if b'name="model"' not in form:
        form = boundary + b'\r\ncontent-disposition: form-data; name="model"\r\n\r\npainter\r\n' + form
    answer = gateway.post(f"/v1{exchange.path}", content=form, headers={"content-type": exchange.media_type})
    assert answer.status_code == 200, answer.text
    assert answer.json() == json.loads(exchange.answer)
    file = form.partition(b"filename=")[2].partition(b"\r\n\r\n")[2].partition(b"\r\n" + boundary)[0]
    _, headers, sent = fixed.asked[-1]
    assert headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert file in sent
    assert b'name="model"\r\n\r\ntheirs\r\n' in sent
    record = gateway.record(answer)
    told = answer.json().get("usage", {})
    assert (record.upstream_model, record.outcome, record.input_tokens, record.output_tokens) == (
        "theirs",
        "ok",
        told.get("input_tokens"),
        told.get("output_tokens"),
    )
    assert record.images == (1 if "/images/" in exchange.path else None)


SUBTITLES = "1\n00:00:00,000 --> 00:00:02,000\nこんにちは。\n\n".encode()


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (SUBTITLES, "text/plain; charset=utf-8"),
        (b"WEBVTT\n\n", "text/vtt; charset=utf-8"),
        (b"", "text/plain; charset=utf-8"),
        (b'{"text": "said in braces"}', "text/plain; charset=utf-8"),
        (SUBTITLES, "application/x-subrip"),
    ],
)
def test_an_answer_that_is_no_json_passes_untouched(
    gateway: InProcess, fixed: Fixed, body: bytes, media_type: str
) -> None:
    fixed.answers["/v1/audio/transcriptions"] = Answer(body, media_type)
    sent = {"model": "whisper-1", "response_format": "srt", "stream": "false", "user": "taro@example.com"}
    answer = gateway.post("/v1/audio/transcriptions", data=sent, files={"file": ("音.wav", b"RIFF", "audio/wav")})
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, body, media_type)
    _, headers, form = fixed.asked[-1]
    assert headers["accept"] == "*/*"
    assert ('filename="音.wav"'.encode() in form, b"taro@example.com" in form) == (True, False)
    record = gateway.record(answer)
    assert (record.outcome, record.task, record.api) == ("ok", "transcription", "transcriptions")


def test_seconds_are_counted_and_priced(client: openai.OpenAI, gateway: InProcess, fixed: Fixed) -> None:
    told = {"task": "transcribe", "language": "ja", "duration": 12.5, "text": "はい", "segments": [], "model": "theirs"}
    fixed.answers["/v1/audio/transcriptions"] = Answer(json.dumps(told).encode())
    answer = client.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=("a.wav", io.BytesIO(b"RIFF")), response_format="verbose_json",
        timestamp_granularities=["word", "segment"], stream=False,
    )  # fmt: skip
    assert answer.http_response.json() == {**told, "model": "whisper-1"}
    sent = fixed.asked[-1][2]
    assert sent.count(b'name="timestamp_granularities[]"') == 2
    record = gateway.record(answer.http_response)
    assert (record.audio_seconds, record.cost_nano_usd) == (12.5, 1_250_000)


def test_speech_is_sound(client: openai.OpenAI, gateway: InProcess, fixed: Fixed) -> None:
    sound = bytes(range(256)) * 4096
    fixed.answers["/v1/audio/speech"] = Answer(sound, "audio/mpeg")
    with client.audio.speech.with_streaming_response.create(model="voice", voice="alloy", input="やあ") as answer:
        assert b"".join(answer.iter_bytes()) == sound
        assert answer.headers["content-type"] == "audio/mpeg"
    assert json.loads(fixed.asked[-1][2]) == {"model": "theirs", "voice": "alloy", "input": "やあ"}
    record = gateway.record(answer.http_response)
    assert (record.outcome, record.task, record.usage_source) == ("ok", "speech", "estimated")
    assert record.input_tokens
    assert record.output_tokens == round(2 / 6 * 21), "about as long as it takes to say it"


def test_sound_that_breaks_is_cut_for_the_client_too(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/audio/speech"] = Answer(b"half of it", "audio/mpeg", cut=True)
    headers = {"authorization": f"Bearer {gateway.key}"}
    sent = {"model": "voice", "input": "a"}
    with (
        httpx2.stream("POST", f"{gateway.url}/v1/audio/speech", json=sent, headers=headers) as answer,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        answer.read()
    record = gateway.record(answer)
    assert (record.outcome, record.error_code) == ("error", "upstream_closed")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(b"<html>no</html>", "text/html"), 502),
        (Answer(b"", "audio/mpeg"), 502),
        (Answer(b'{"error":{"message":"no"}}'), 502),
        (Answer(b"{}"), 502),
        (Answer(b"[1]"), 502),
        (Answer(b"busy", "text/plain", status=503), 503),
        (Answer(json.dumps({"error": {"message": f"bad {PROVIDER_KEY}"}}).encode(), status=400), 400),
        (Answer(b"no", "text/plain", status=401), 502),
    ],
)
def test_what_is_no_sound_is_an_error(gateway: InProcess, fixed: Fixed, answer: Answer, status: int) -> None:
    fixed.answers["/v1/audio/speech"] = answer
    got = gateway.post("/v1/audio/speech", json={"model": "voice", "input": "a"})
    assert (got.status_code, PROVIDER_KEY in got.text) == (status, False), got.text
    assert got.json()["error"]["message"]
    assert gateway.record(got).outcome == "error"


def test_an_odd_media_type_is_never_repeated_at_length(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/audio/speech"] = Answer(b"sound", "audio/" + "x" * 5000)
    got = gateway.post("/v1/audio/speech", json={"model": "voice", "input": "a"})
    assert (got.content, got.headers["content-type"]) == (b"sound", "application/octet-stream")


FILE = {"file": ("a.wav", b"RIFF", "audio/wav")}


@pytest.mark.parametrize(
    ("path", "sent", "words"),
    [
        ("audio/transcriptions", {"data": {"model": "whisper-1"}, "files": {"other": b"x"}}, "'file' is missing"),
        ("audio/transcriptions", {"data": {"model": "whisper-1"}, "files": {"file": b""}}, "'file' is empty"),
        ("audio/transcriptions", {"data": {"file": "text", "model": "whisper-1"}, "files": {"x": b"x"}}, "'file' is"),
        ("audio/translations", {"data": {"model": "whisper-1", "stream": "true"}, "files": FILE}, "'stream' must be"),
        ("images/variations", {"data": {"model": "painter", "stream": "1"}, "files": {"image": b"x"}}, "'stream' must"),
        ("audio/transcriptions", {"data": {"model": "whisper-1", "stream": "maybe"}, "files": FILE}, "'stream' must"),
        ("audio/transcriptions", {"data": {"model": ["whisper-1", "b"]}, "files": FILE}, "'model' must be a string"),
        ("audio/transcriptions", {"data": {"model": "talker"}, "files": FILE}, "is for chat"),
        ("audio/transcriptions", {"json": {"model": "whisper-1"}}, "multipart/form-data"),
        ("audio/translations", {"data": {"model": "whisper-1"}, "files": {"other": b"x"}}, "'file' is missing"),
        ("images/edits", {"data": {"model": "painter", "prompt": "a"}, "files": FILE}, "'image' is missing"),
        ("images/edits", {"data": {"model": "painter"}, "files": {"image": b"x"}}, "'prompt' is missing"),
        ("images/variations", {"data": {"model": "painter", "n": "999"}, "files": {"image": b"x"}}, "'n' must be"),
        ("images/variations", {"data": {"model": "painter", "n": "¹"}, "files": {"image": b"x"}}, "'n' must be"),
        ("images/variations", {"data": {"model": "painter", "n": ["1", "2"]}, "files": {"image": b"x"}}, "'n' must be"),
        ("audio/speech", {"json": {"model": "voice"}}, "'input' is missing"),
        ("audio/speech", {"json": {"model": "voice", "input": ""}}, "'input' is empty"),
        ("audio/speech", {"json": {"model": "voice", "input": "a", "stream": True}}, "'stream' must be"),
        ("audio/speech", {"json": {"model": "voice", "input": "a", "stream": "yes"}}, "'stream' must be"),
    ],
)
def test_what_cannot_be_served_is_told(gateway: InProcess, path: str, sent: dict[str, Any], words: str) -> None:
    answer = gateway.post(f"/v1/{path}", **sent)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text
    assert gateway.record(answer).outcome == "refused"


def test_several_images_are_edited(client: openai.OpenAI, gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/images/edits"] = Answer(b'{"created":1,"data":[{"b64_json":"YQ=="}]}')
    pictures = [("a.png", b"\x89PNG1", "image/png"), ("b.png", b"\x89PNG2", "image/png")]
    answer = client.images.with_raw_response.edit(model="painter", image=pictures, prompt="猫", n=2)
    sent = fixed.asked[-1][2]
    assert (sent.count(b'name="image[]"'), b"PNG1" in sent, b"PNG2" in sent) == (2, True, True)
    assert gateway.record(answer.http_response).images == 1


WAV = b"RIFF\0\0\0\0WAVEfmt " + bytes(12) + (32_000).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("answer", "file", "seconds", "source"),
    [
        (Answer(SUBTITLES, "text/plain"), WAV + bytes(64_000 - len(WAV)), 2.0, "estimated"),
        (Answer(SUBTITLES, "text/plain"), b"ID3" + bytes(31_997), 2.0, "estimated"),
        (Answer(SUBTITLES, "text/plain"), WAV[:28] + bytes(15_972), 1.0, "estimated"),
        (Answer(b'{"text":"a"}'), bytes(32_000), 2.0, "estimated"),
        (Answer(b'{"text":"a","usage":{"type":"duration","seconds":3}}'), bytes(32_000), 3, "provider"),
        (Answer(b'{"text":"a","usage":{"type":"duration","seconds":99999}}'), bytes(32_000), 2.0, "estimated"),
        (Answer(b'{"text":"a","usage":{"type":"tokens","input_tokens":5}}'), bytes(32_000), None, "provider"),
    ],
)
def test_the_seconds_of_a_recording_are_estimated_where_nobody_tells_them(
    gateway: InProcess, fixed: Fixed, answer: Answer, file: bytes, seconds: float | None, source: str
) -> None:
    fixed.answers["/v1/audio/transcriptions"] = answer
    files = {"file": ("a.wav", file, "audio/wav")}
    record = gateway.record(gateway.post("/v1/audio/transcriptions", data={"model": "whisper-1"}, files=files))
    assert (record.audio_seconds, record.usage_source) == (seconds, source)


def _sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


def _event(kind: str, **more: Any) -> dict[str, Any]:
    about = {"background": "auto", "created_at": 1, "output_format": "png", "quality": "high", "size": "1024x1024"}
    return {**about, "type": kind, "b64_json": "YQ==", **more}


IMAGE_USAGE = {
    "input_tokens": 40,
    "input_tokens_details": {"image_tokens": 30, "text_tokens": 10},
    "output_tokens": 1056,
    "total_tokens": 1096,
}


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
def test_images_that_get_clearer_are_streamed(gateway: InProcess, fixed: Fixed, kind: str) -> None:
    path = "/v1/images/generations" if kind == "image_generation" else "/v1/images/edits"
    partial = _event(f"{kind}.partial_image", partial_image_index=0)
    fixed.answers[path] = Answer(_sse(partial, _event(f"{kind}.completed", usage=IMAGE_USAGE)), "text/event-stream")
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        asked: dict[str, Any] = {"model": "painter", "prompt": "猫", "partial_images": 1, "stream": True}
        images = client.images.with_raw_response
        raw = images.generate(**asked) if "generation" in kind else images.edit(**asked, image=("a.png", b"P"))
        types = [event.type for event in raw.parse()]
    assert types == [f"{kind}.partial_image", f"{kind}.completed"]
    record = gateway.record(raw.http_response)
    assert (record.stream, record.images, record.input_tokens, record.output_tokens) == (True, 1, 40, 1056)
    assert record.price_id
    assert record.price_id.endswith("@1024x1024/high")
    assert record.cost_nano_usd == 10 * 1000 + 30 * 5000 + 1056 * 2000 + 50_000_000


def test_a_server_that_does_not_stream_images_is_streamed(gateway: InProcess, fixed: Fixed) -> None:
    image = "A" * (3 * 2**20)
    fixed.answers["/v1/images/generations"] = Answer(json.dumps({"data": [{"b64_json": image}] * 2}).encode())
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        raw = client.images.with_raw_response.generate(model="painter", prompt="猫", n=2, stream=True)
        assert [(event.type, event.b64_json == image) for event in raw.parse()] == [
            ("image_generation.completed", True)
        ] * 2
    assert gateway.record(raw.http_response).images == 2


def test_images_that_fail_in_the_stream_are_an_error(gateway: InProcess, fixed: Fixed) -> None:
    error = {"type": "error", "error": {"code": "moderation_blocked", "message": "no", "type": "image_generation"}}
    fixed.answers["/v1/images/generations"] = Answer(_sse(error), "text/event-stream")
    answer = gateway.post("/v1/images/generations", json={"model": "painter", "prompt": "a", "stream": True})
    assert (answer.status_code, gateway.record(answer).outcome) == (502, "error")
    fixed.answers["/v1/images/generations"] = Answer(
        _sse(_event("image_generation.partial_image", partial_image_index=0)), "text/event-stream"
    )
    answer = gateway.post("/v1/images/generations", json={"model": "painter", "prompt": "a", "stream": True})
    assert "upstream_closed" in answer.text, "a picture that was never finished is not one"


TOLD: dict[str, Any] = {"type": "tokens", "input_tokens": 20, "output_tokens": 4, "total_tokens": 24}
TRANSCRIPT: list[dict[str, Any]] = [
    {"type": "transcript.text.delta", "delta": "は"},
    {"type": "transcript.text.done", "text": "はい", "usage": {**TOLD, "input_token_details": {"audio_tokens": 15}}},
]


def test_a_transcript_is_streamed(client: openai.OpenAI, gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/audio/transcriptions"] = Answer(_sse(*TRANSCRIPT), "text/event-stream")
    raw = client.audio.transcriptions.with_raw_response.create(
        model="gpt-4o-mini-transcribe", file=("a.wav", b"RIFF"), stream=True
    )
    assert [event.type for event in raw.parse()] == [each["type"] for each in TRANSCRIPT]
    assert (b'name="stream"\r\n\r\ntrue' in fixed.asked[-1][2], fixed.asked[-1][1]["accept"]) == (
        True,
        "text/event-stream",
    )
    record = gateway.record(raw.http_response)
    assert (record.stream, record.input_tokens, record.output_tokens) == (True, 20, 4)
    assert record.cost_nano_usd == 5 * 1000 + 15 * 6000 + 4 * 2000


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        (Answer(b'{"text":"\xe3\x81\xaf","usage":{"type":"duration","seconds":3}}'), ["delta", "done"]),
        (
            Answer(
                b'data: {"object":"transcription.chunk","model":"theirs","choices":[{"delta":{"content":"a"}}]}\n\n'
                b'data: {"object":"transcription.chunk","model":"theirs",'
                b'"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
                "text/event-stream",
            ),
            ["chunk", "chunk"],
        ),
    ],
    ids=["one that answers whole", "vllm"],
)
def test_servers_that_stream_transcripts_otherwise(
    gateway: InProcess, fixed: Fixed, body: Answer, kinds: list[str]
) -> None:
    fixed.answers["/v1/audio/transcriptions"] = body
    answer = gateway.post("/v1/audio/transcriptions", data={"model": "whisper-1", "stream": "true"}, files=FILE)
    assert answer.status_code == 200, answer.text
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ") and "[DONE]" not in line]
    events = [json.loads(line) for line in lines]
    assert [str(each.get("type") or each.get("object")).rpartition(".")[2] for each in events] == kinds
    assert all(each.get("model") in (None, "whisper-1") for each in events)
    assert gateway.record(answer).outcome == "ok"


def test_subtitles_have_no_events(gateway: InProcess, fixed: Fixed) -> None:
    fixed.answers["/v1/audio/transcriptions"] = Answer(SUBTITLES, "text/plain")
    data = {"model": "whisper-1", "stream": "true", "response_format": "srt"}
    answer = gateway.post("/v1/audio/transcriptions", data=data, files=FILE)
    assert (answer.status_code, answer.content) == (200, SUBTITLES)


def test_speech_as_events(client: openai.OpenAI, gateway: InProcess, fixed: Fixed) -> None:
    events: list[dict[str, Any]] = [
        {"type": "speech.audio.delta", "audio": "YQ=="},
        {"type": "speech.audio.done", "usage": TOLD},
    ]
    fixed.answers["/v1/audio/speech"] = Answer(_sse(*events), "text/event-stream")
    with client.audio.speech.with_streaming_response.create(
        model="voice", voice="alloy", input="やあ", stream_format="sse"
    ) as answer:
        assert answer.read().decode().count("speech.audio") == 2
    record = gateway.record(answer.http_response)
    assert (record.stream, record.input_tokens, record.output_tokens) == (True, 20, 4)
    assert record.cost_nano_usd == 20 * 1000 + 4 * 2000 + 2 * 15_000


def test_the_counts_of_transcriptions() -> None:
    assert from_transcription({"type": "duration", "seconds": 3}, None) == Usage(audio_seconds=3)
    assert from_transcription({"type": "tokens", "input_tokens": 2, "output_tokens": 1}, None) == Usage(2, 1)
    assert from_transcription(None, 1.5) == Usage(audio_seconds=1.5)
    assert from_transcription([], True) is None
    assert from_transcription({"seconds": -1}, "2") is None
