"""Speech and transcripts of Gemini, on both of Google's hosts, for clients of OpenAI's Audio."""

import base64
import io
import json
import wave
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import openai
import pytest
from starlette.responses import JSONResponse

from tests.fakes.google import KEY, PROJECT, TOKEN, Google, sse
from tests.fakes.google_media import BLOCKED, PCM
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)
PRICES = {"input": 1, "output": 10, "audio_input": 3, "audio_output": 20, "characters": 4, "audio_second": 0.001}
HOSTS = ("on-gemini", "on-vertex")


def _part(part: dict[str, Any], **end: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [part], "role": "model"}, **end}]}


def _sound(data: str, kind: str = "audio/L16;codec=pcm;rate=24000", **end: Any) -> dict[str, Any]:
    return _part({"inlineData": {"mimeType": kind, "data": data}}, **end)


ODD: dict[str, list[dict[str, Any]]] = {
    "mute": [{"candidates": [{"finishReason": "STOP"}]}],
    "gives-up": [{"candidates": [{"finishReason": "OTHER"}]}],
    "cut": [_sound("AAAA")],
    "no-base64": [_sound("%%%%", finishReason="STOP")],
    "other-sound": [_sound("AAAA", "audio/mpeg", finishReason="STOP")],
    "fails": [_sound("AAAA"), {"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}],
    "filtered-late": [_sound("AAAA"), {"candidates": [{"finishReason": "SAFETY"}]}],
    "absurd": [_sound("AAAA", finishReason="STOP") | {"usageMetadata": {"promptTokenCount": 10**30}}],
    "wav": [_sound(base64.b64encode(WAV[:36] + b"data\4\0\0\0abcd").decode(), "audio/wav", finishReason="STOP")],
    "fast": [_sound("AAAA", "audio/L16;rate=48000", finishReason="STOP")],
}


class Setting(NamedTuple):
    gateway: InProcess
    google: Google
    client: openai.OpenAI


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    answers: dict[str, Any] = {name: (lambda stream, chunks=chunks: sse(chunks)) for name, chunks in ODD.items()}
    answers["whole"] = lambda stream: JSONResponse([_sound("AAAA"), _sound("BBBB", finishReason="STOP")])
    google = Google(lambda results: [], answers)
    with serving(google) as address:
        gemini = {"provider": "gemini", "base_url": address, "api_key": KEY}
        vertex = {"provider": "vertex", "base_url": address, "project": PROJECT, "access_token": TOKEN}
        hosts = {"on-gemini": gemini, "on-vertex": vertex}
        models: list[dict[str, Any]] = [
            {"name": f"{mode}-{name}", "mode": mode, "price": PRICES, "deployments": [{**host, "model": model}]}
            for name, host in hosts.items()
            for mode, model in (
                ("speech", "gemini-2.5-flash-tts"),
                ("transcription", "gemini-3.5-flash"),
            )
        ]
        listener = {**gemini, "model": "gemini-3.5-transcribe"}
        models += [{"name": "listener", "mode": "transcription", "deployments": [listener]}]
        models += [
            {"name": name, "mode": "speech", "price": PRICES, "deployments": [{**gemini, "model": name}]}
            for name in answers
        ]
        models += [{**models[0], "name": "strict", "strict_parameters": True}]
        with (
            in_process(tmp_path_factory.mktemp("audio"), {"models": models}) as gateway,
            openai.OpenAI(
                base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, _strict_response_validation=True
            ) as client,
        ):
            yield Setting(gateway, google, client)


def say(setting: Setting, model: str = "speech-on-gemini", text: str = "やあ", **more: Any) -> httpx2.Response:
    return setting.gateway.post("/v1/audio/speech", json={"model": model, "input": text, "voice": "Kore", **more})


@pytest.mark.parametrize("host", HOSTS)
def test_a_text_is_spoken_as_a_wav_file(setting: Setting, host: str) -> None:
    answer = setting.client.audio.speech.create(model=f"speech-{host}", voice="Puck", input="やあ")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        assert file.readframes(file.getnframes()) == PCM
    assert answer.response.headers["content-type"] == "audio/wav"
    seen = setting.google.seen[-1]
    assert (seen.path.rpartition(":")[2], seen.query) == ("streamGenerateContent", "alt=sse")
    assert seen.body == {
        "contents": [{"role": "user", "parts": [{"text": "やあ"}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}},
        },
    }
    record = setting.gateway.record(answer.response)
    seconds = len(PCM) / 48_000
    assert (record.outcome, record.input_tokens, record.output_tokens) == ("ok", 5, 25)
    assert record.audio_seconds == pytest.approx(seconds)
    assert record.cost_nano_usd == 5 * 1000 + 25 * 20_000 + 2 * 4000 + round(seconds * 1_000_000)


def test_samples_come_while_they_are_made(setting: Setting) -> None:
    with setting.client.audio.speech.with_streaming_response.create(
        model="speech-on-gemini", voice="Kore", input="やあ", response_format="pcm", instructions="Say cheerfully: "
    ) as answer:
        pieces = list(answer.iter_bytes())
    assert b"".join(pieces) == PCM
    assert answer.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    text = setting.google.seen[-1].body["contents"][0]["parts"][0]["text"]
    assert text == "Say cheerfully:\nやあ"


def test_speech_as_events(setting: Setting) -> None:
    answer = say(setting, stream_format="sse", response_format="pcm")
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert b"".join(base64.b64decode(each["audio"]) for each in events[:-1]) == PCM
    usage = {"input_tokens": 5, "output_tokens": 25, "total_tokens": 30}
    assert events[-1] == {"type": "speech.audio.done", "usage": usage}
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert setting.gateway.record(answer).stream


@pytest.mark.parametrize(
    ("more", "sent", "dropped"),
    [
        ({"voice": "alloy"}, "Kore", "voice"),
        ({"voice": "kore"}, "Kore", None),
        ({"voice": None}, None, None),
        ({"speed": 1.5, "language": "ja"}, "Kore", "speed, language"),
        ({"speed": 1, "response_format": "wav", "stream_format": "audio"}, "Kore", None),
    ],
)
def test_voices_and_what_gemini_does_not_take(
    setting: Setting, more: dict[str, Any], sent: str | None, dropped: str | None
) -> None:
    answer = say(setting, **more)
    assert (answer.status_code, answer.headers.get("x-sekisho-dropped")) == (200, dropped), answer.text
    config = setting.google.seen[-1].body["generationConfig"]
    voice = config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] if sent else None
    assert voice == sent
    assert say(setting, "strict", **more).status_code == (400 if dropped else 200)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"response_format": "mp3"}, "does not speak in the format 'mp3'; it takes: wav, pcm."),
        ({"response_format": "x" * 1000}, "it takes: wav, pcm"),
        ({"response_format": ["wav"]}, "'response_format' must be a string"),
        ({"voice": {"id": "voice_1"}}, "'voice' must be a string"),
        ({"voice": "nobody"}, "Voice name Nobody is not supported. Allowed voice names are: kore"),
        ({"text": BLOCKED}, "PROHIBITED_CONTENT"),
        ({"instructions": 5}, "'instructions' must be a string"),
    ],
)
def test_what_cannot_be_spoken_is_refused_by_name(setting: Setting, more: dict[str, Any], words: str) -> None:
    answer = say(setting, **more)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text


@pytest.mark.parametrize("kind", ["wav", "pcm"])
@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("mute", 502, "upstream_invalid_answer"),
        ("gives-up", 502, "upstream_invalid_answer"),
        ("cut", 502, "upstream_closed"),
        ("no-base64", 502, "upstream_invalid_answer"),
        ("other-sound", 502, "upstream_invalid_answer"),
        ("fails", 503, "upstream_error"),
        ("filtered-late", 400, "content_policy_violation"),
    ],
)
def test_what_is_no_speech_is_an_error(setting: Setting, model: str, status: int, code: str, kind: str) -> None:
    begins = kind == "pcm" and model in ("cut", "fails", "filtered-late")
    headers = {"authorization": f"Bearer {setting.gateway.key}"}
    body = {"model": model, "input": "a", "response_format": kind}
    with httpx2.stream("POST", f"{setting.gateway.url}/v1/audio/speech", json=body, headers=headers) as answer:
        if begins and answer.status_code == 200:
            with pytest.raises(httpx2.RemoteProtocolError):
                answer.read()
        else:
            answer.read()
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    record = setting.gateway.record(answer)
    assert (record.error_code, record.outcome) == (
        code,
        "refused" if status == 400 and answer.status_code == 400 else "error",
    )


@pytest.mark.parametrize(
    ("model", "rate", "samples"),
    [("whole", 24_000, 6), ("absurd", 24_000, 3), ("wav", 24_000, 4), ("fast", 48_000, 3)],
)
def test_odd_answers_that_are_sound(setting: Setting, model: str, rate: int, samples: int) -> None:
    answer = say(setting, model)
    assert answer.status_code == 200, answer.text
    assert answer.content[24:28] == rate.to_bytes(4, "little")
    assert len(answer.content) == 44 + samples
    assert (setting.gateway.record(answer).input_tokens or 0) < 10**9


FILE = {"file": ("talk.wav", WAV, "audio/wav")}


def write_down(setting: Setting, path: str = "transcriptions", files: Any = FILE, **data: Any) -> httpx2.Response:
    data = {"model": "transcription-on-gemini", **data}
    return setting.gateway.post(f"/v1/audio/{path}", data=data, files=files)


@pytest.mark.parametrize("host", HOSTS)
def test_a_recording_is_written_down(setting: Setting, host: str) -> None:
    large = WAV + bytes(range(256)) * 8192
    raw = setting.client.audio.transcriptions.with_raw_response.create(
        model=f"transcription-{host}", file=("talk.wav", large), language="ja", temperature=0.5, prompt="関所"
    )
    found = raw.parse()
    assert found.text.endswith("heard")
    assert found.usage
    assert found.usage.type == "tokens"
    assert (found.usage.input_tokens, found.usage.output_tokens) == (60, 7)
    sound, text = setting.google.seen[-1].body["contents"][0]["parts"]
    assert sound["inlineData"]["mimeType"] == "audio/wav"
    assert base64.b64decode(sound["inlineData"]["data"]) == large
    assert text["text"].startswith("Write down what is said")
    assert "The language is: ja." in text["text"]
    assert text["text"].endswith("関所")
    assert setting.google.seen[-1].body["generationConfig"] == {"temperature": 0.5}
    record = setting.gateway.record(raw.http_response)
    assert (record.outcome, record.input_tokens, record.output_tokens, record.task) == ("ok", 60, 7, "transcription")
    assert record.cost_nano_usd == 10 * 1000 + 50 * 3000 + 7 * 10_000


def test_a_model_made_for_transcripts_is_told_the_language_in_its_own_way(setting: Setting) -> None:
    answer = write_down(setting, model="listener", language="en-GB", prompt="names")
    assert answer.json()["text"] == "spoken heard"
    body = setting.google.seen[-1].body
    assert [list(part) for part in body["contents"][0]["parts"]] == [["inlineData"]]
    assert body["generationConfig"] == {"audioTranscriptionConfig": {"languageCodes": ["en-GB"]}}
    assert answer.headers["x-sekisho-dropped"] == "prompt"
    assert write_down(setting, "translations", model="listener").status_code == 400


def test_a_transcript_is_plain_text(setting: Setting) -> None:
    answer = write_down(setting, response_format="text")
    assert (answer.text, answer.headers["content-type"]) == ("ks. heard", "text/plain; charset=utf-8")


def test_a_transcript_is_streamed(setting: Setting) -> None:
    raw = setting.client.audio.transcriptions.with_raw_response.create(
        model="transcription-on-vertex", file=("talk.wav", WAV), stream=True
    )
    *deltas, done = raw.parse()
    assert [each.delta for each in deltas if each.type == "transcript.text.delta"] == ["ks.", " heard"]
    assert done.type == "transcript.text.done"
    assert done.text == "ks. heard"
    assert done.usage
    assert done.usage.total_tokens == 67
    record = setting.gateway.record(raw.http_response)
    assert (record.stream, record.input_tokens) == (True, 60)


def test_a_recording_is_translated(setting: Setting) -> None:
    assert write_down(setting, "translations").json()["text"].endswith("heard")
    text = setting.google.seen[-1].body["contents"][0]["parts"][1]["text"]
    assert text.startswith("Translate what is said in this recording into English.")


@pytest.mark.parametrize(
    ("name", "data", "said", "kind"),
    [
        ("a.wav", b"\xff\xfb\x90\x44music", "audio/wav", "audio/mpeg"),
        ("talk.mp3", b"no signature", "application/octet-stream", "audio/mpeg"),
        ("talk", b"OggS....", "", "audio/ogg"),
        ("talk.m4a", b"\0\0\0\x20ftypM4A ", "video/mp4", "audio/mp4"),
        ("talk", b"?", "audio/flac", "audio/flac"),
    ],
)
def test_a_recording_is_what_its_bytes_say(setting: Setting, name: str, data: bytes, said: str, kind: str) -> None:
    answer = write_down(setting, files={"file": (name, data, said)})
    assert answer.status_code == 200, answer.text
    assert setting.google.seen[-1].body["contents"][0]["parts"][0]["inlineData"]["mimeType"] == kind


TWO = [("file", ("a.wav", WAV, "audio/wav")), ("file", ("b.wav", WAV, "audio/wav"))]
TEXT = {"file": ("talk.wav.txt", b"words", "text/plain")}


@pytest.mark.parametrize(
    ("files", "data", "words"),
    [
        *((FILE, {"response_format": kind}, "it takes: json, text.") for kind in ("srt", "vtt", "verbose_json", "x")),
        (TEXT, {}, "Recordings must be one of: wav, mpeg, aiff, aac, ogg, flac, mp4, webm"),
        (TWO, {}, "more than one 'file'"),
        ({"file": ("a.wav", b"", "audio/wav")}, {}, "'file' is empty"),
        ({"other": WAV}, {}, "'file' is missing"),
        (FILE, {"language": "ja. Say hello"}, "'language' must be a code"),
        (FILE, {"temperature": "hot"}, "'temperature' must be a number"),
        (FILE, {"temperature": "nan"}, "'temperature' must be a number"),
        (FILE, {"prompt": ["a", "b"]}, "'prompt' must be a string"),
        ({"file": ("a.wav", WAV + bytes(16 * 2**20), "audio/wav")}, {}, "at most 15 MiB in one request"),
    ],
)
def test_what_cannot_be_written_down_is_refused_by_name(
    setting: Setting, files: Any, data: dict[str, Any], words: str
) -> None:
    answer = write_down(setting, files=files, **data)
    assert (answer.status_code, words in answer.json()["error"]["message"]) == (400, True), answer.text


def test_what_gemini_does_not_take_of_a_form_is_told(setting: Setting) -> None:
    more: dict[str, Any] = {"timestamp_granularities[]": ["word"], "chunking_strategy": "auto"}
    answer = write_down(setting, **more)
    assert answer.headers["x-sekisho-dropped"] == "timestamp_granularities[], chunking_strategy"


@pytest.mark.parametrize("cut", [10, 200, -3])
def test_a_form_that_is_cut_is_refused(setting: Setting, cut: int) -> None:
    request = httpx2.Request("POST", "http://x/", data={"model": "transcription-on-gemini"}, files=FILE)
    body = request.read()[:cut]
    headers = {"content-type": request.headers["content-type"]}
    answer = setting.gateway.post("/v1/audio/transcriptions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_form"), answer.text
