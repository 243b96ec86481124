"""A new provider and a new endpoint are rows and pure functions: nothing else of the gateway knows of them."""

import hashlib
import hmac
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway import wire
from gateway.dialects.chat import CLIENT, UPSTREAM
from gateway.dialects.chat_stream import ChatRelay, as_stream
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint
from gateway.dialects.endpoints import ENDPOINTS
from gateway.dialects.framing import FrameReader, Framing
from gateway.dialects.relay import Step
from gateway.dialects.usage import Usage
from gateway.payload import Encoded
from gateway.providers.authorizing import Authorizer
from gateway.providers.contract import Deployment, Provider
from gateway.providers.rows import PROVIDERS
from gateway.translation.contract import Asked, Translated
from gateway.translation.rows import TRANSLATIONS
from gateway.upstream.outbound import Outbound
from gateway.upstream.request import UpstreamRequest
from gateway.wire import Members
from tests.fakes.serving import serving
from tests.fixtures.gateway import InProcess, in_process

# A provider with lines instead of JSON, a signature over the body, and frames that begin with their length.


class Sign(Authorizer):
    async def __call__(self, request: UpstreamRequest, deployment: Deployment, outbound: Outbound) -> None:
        assert isinstance(request.body, bytes)
        request.headers["x-signature"] = hmac.new(b"secret", request.body, hashlib.sha256).hexdigest()


class Frames:
    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        size, colon, rest = (self.rest + data).partition(b":")
        if not colon or len(rest) < int(size):
            self.rest += data
            return []
        self.rest = b""
        return [rest[: int(size)], *self.feed(rest[int(size) :])]

    def end(self) -> list[bytes]:
        return []


class WordsToChunks(ChatRelay):
    def __init__(self, model: str, frames: FrameReader) -> None:
        super().__init__(model, hide_usage=True)
        self.frames = frames

    def feed(self, data: bytes) -> Step:
        words = [{"delta": {"content": frame.decode()}, "finish_reason": None} for frame in self.frames.feed(data)]
        return super().feed(b"".join(b"data: " + wire.encode({"choices": [word]}) + b"\n\n" for word in words))

    def end(self) -> Step:
        return super().feed(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')

    def whole(self, answer: Members) -> Step:
        return super().feed(as_stream(answer) or b"")


class LinesAndChat:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.dropped: tuple[str, ...] = ()
        self.kept: dict[str, bytes] = {}

    def wanted(self, found: Mapping[str, bytes]) -> tuple[str, ...]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        fields, stream = self._asked.fields, self._asked.stream
        said = wire.value(fields, "messages")[-1]["content"]
        return Encoded("text/x-lines", f"model {wire.value(fields, 'model')}\nstream {stream}\nsay {said}".encode())

    def answer(self, answer: Members) -> Members:
        message = {"role": "assistant", "content": wire.value(answer, "said")}
        return wire.members(wire.encode({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))

    def relay(self) -> WordsToChunks:
        return WordsToChunks(self._asked.model, self._asked.framing.reader())


class LinesToChat:
    def begin(self, asked: Asked) -> LinesAndChat:
        return LinesAndChat(asked)


def read_lines(body: bytes) -> Members:
    return {name: msgspec.Raw(wire.encode(text)) for name, _, text in (line.partition(" ") for line in body.decode().split("\n"))}  # fmt: skip  # noqa: E501


def count_words(answer: Members) -> Usage:
    return Usage(input=3, output=int(wire.value(answer, "words")))


LINES = UpstreamDialect(
    lambda body: False, lambda answer: "said" not in answer, count_words, UPSTREAM.relay, read_lines
)
SAY = Endpoint("lines", "/say", ("chat",), lambda fields: None, CLIENT, LINES, prompt=("say",))
PROVIDER = Provider("lines", dialects=("lines",), authorize=Sign(), framing=Framing("text/x-frames", Frames))


# The server of that provider, and what it makes of requests.


async def say(request: Request) -> Response:
    body = await request.body()
    if request.headers["x-signature"] != hmac.new(b"secret", body, hashlib.sha256).hexdigest():
        return Response("no", 403)
    fields = dict(line.split(" ", 1) for line in body.decode().split("\n"))
    words = fields["say"].split()
    if fields["stream"] == "False":
        return Response(f"said {fields['model']} heard {fields['say']}\nwords {len(words)}", media_type="text/x-lines")

    async def frames() -> AsyncIterator[bytes]:
        for word in words:
            for piece in (b"%d:" % len(word), word.encode()):
                yield piece

    return StreamingResponse(frames(), media_type="text/x-frames")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    PROVIDERS["lines"] = PROVIDER
    TRANSLATIONS["/chat/completions", "lines"] = Translated(SAY, LinesToChat())
    with serving(Starlette(routes=[Route("/say", say, methods=["POST"])])) as address:
        deployments = [{"provider": "lines", "base_url": address, "model": "theirs"}]
        models = [{"name": "m", "price": {"input": 1, "output": 1}, "deployments": deployments}]
        with in_process(tmp_path_factory.mktemp("lines"), {"models": models}) as gateway:
            yield gateway
    del PROVIDERS["lines"], TRANSLATIONS["/chat/completions", "lines"]


QUESTION = {"model": "m", "messages": [{"role": "user", "content": "one two three"}]}


def test_a_provider_of_another_kind_answers_whole(lines: InProcess) -> None:
    answer = lines.post("/v1/chat/completions", json=QUESTION)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["choices"][0]["message"]["content"] == "theirs heard one two three"
    assert told["model"] == "m"
    record = lines.record(answer)
    assert (record.provider, record.input_tokens, record.output_tokens) == ("lines", 3, 3)
    assert record.cost_nano_usd == 6 * 1000


def test_a_provider_of_another_kind_streams(lines: InProcess) -> None:
    answer = lines.post("/v1/chat/completions", json={**QUESTION, "stream": True})
    assert answer.status_code == 200, answer.text
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    words = [event["choices"][0]["delta"].get("content") for event in events]
    assert [word for word in words if word] == ["one", "two", "three"]
    assert answer.text.endswith("data: [DONE]\n\n")
    record = lines.record(answer)
    assert (record.outcome, record.stream, record.output_tokens) == ("ok", True, 3)


# A provider that takes members and headers of its own beside a known dialect.


def wrap(deployment: Deployment, path: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    headers["x-about"] = f"{deployment.model} {path}"
    return {"inside": {name: value for name, value in fields.items() if name != "model"}}


async def unwrap(request: Request) -> JSONResponse:
    sent = await request.json()
    heard = {"names": list(sent), "about": request.headers["x-about"], "said": sent["inside"]["messages"][-1]}
    message = {"role": "assistant", "content": json.dumps(heard)}
    return JSONResponse({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "model": "theirs"})


@pytest.fixture(scope="module")
def wrapping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    PROVIDERS["wrapping"] = Provider("wrapping", dialects=("chat",), shape=wrap)
    with serving(Starlette(routes=[Route("/chat/completions", unwrap, methods=["POST"])])) as address:
        deployments = [{"provider": "wrapping", "base_url": address, "model": "theirs"}]
        with in_process(
            tmp_path_factory.mktemp("wrapping"), {"models": [{"name": "m", "deployments": deployments}]}
        ) as gateway:
            yield gateway
    del PROVIDERS["wrapping"]


@pytest.mark.parametrize("long", ["", "x" * 2_000_000])
def test_a_request_is_shaped_once_before_it_is_encoded(wrapping: InProcess, long: str) -> None:
    """Untouched and translated alike, on the loop and beside it."""
    question = {**QUESTION, "messages": [{"role": "user", "content": "one" + long}]}
    same = wrapping.post("/v1/chat/completions", json=question)
    other = wrapping.post("/v1/messages", json={**question, "max_tokens": 9})
    for text in (same.json()["choices"][0]["message"]["content"], other.json()["content"][0]["text"]):
        heard = json.loads(text)
        assert (heard["names"], heard["about"]) == (["inside"], "theirs /chat/completions")
        assert heard["said"] == {"role": "user", "content": "one" + long}


# An endpoint whose body is a form with a file.


def check_form(fields: Members) -> None:
    wire.require(fields, "model", str)


HEARD = UpstreamDialect(UPSTREAM.is_error, UPSTREAM.failure, lambda answer: Usage(input=1, output=1), UPSTREAM.relay)
LISTEN = Endpoint("listen", "/listen", ("chat",), check_form, CLIENT, HEARD, prompt=(), body="multipart", streams=False)


async def listen(request: Request) -> Response:
    """Count what arrives without keeping it."""
    found = hashlib.sha256()
    async for piece in request.stream():
        found.update(piece)
    return JSONResponse({"data": [found.hexdigest()], "length": request.headers["content-length"]})


async def listen_closely(request: Request) -> Response:
    async with request.form() as form:
        file = form["file"]
        assert not isinstance(file, str)
        texts = [[name, value] for name, value in form.multi_items() if isinstance(value, str)]
        told = [file.filename, file.content_type, hashlib.sha256(await file.read()).hexdigest()]
        return JSONResponse({"data": texts, "file": told})


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    PROVIDERS["forms"] = Provider("forms", dialects=("listen",))
    routes = [Route("/listen", listen, methods=["POST"]), Route("/close/listen", listen_closely, methods=["POST"])]
    with serving(Starlette(routes=routes)) as address:
        models = [
            {"name": name, "deployments": [{"provider": "forms", "base_url": f"{address}{path}", "model": "theirs"}]}
            for name, path in (("m", "/close"), ("large", ""))
        ]
        with in_process(tmp_path_factory.mktemp("forms"), {"models": models}, (*ENDPOINTS, LISTEN)) as gateway:
            yield gateway
    del PROVIDERS["forms"]


def test_a_form_reaches_the_upstream_under_its_model(forms: InProcess) -> None:
    content = bytes(range(256)) * 4096
    texts = {"model": "m", "user": "taro@example.com", "language": ["ja", "en"], 'odd"name': "日本\r\n語"}
    answer = forms.post("/v1/listen", data=texts, files={"file": ('a "quoted" 音声.wav', content, "audio/wav")})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["data"] == [["model", "theirs"], ["language", "ja"], ["language", "en"], ["odd%22name", "日本\r\n語"]]
    assert told["file"] == ["a %22quoted%22 音声.wav", "audio/wav", hashlib.sha256(content).hexdigest()]
    record = forms.record(answer)
    assert (record.model, record.upstream_model, record.outcome) == ("m", "theirs", "ok")


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"json": {"model": "m"}}, 400, "multipart/form-data"),
        ({"content": b"--x\r\n", "headers": {"content-type": "multipart/form-data"}}, 400, "form cannot be read"),
        ({"content": b"hello", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400, "cannot be read"),
        ({"data": {"x": "1"}, "files": {"file": b"x"}}, 400, "'model' is missing"),
        ({"data": {"model": "m", "x": "y" * 2_000_000}, "files": {"file": b"x"}}, 400, "form cannot be read"),
        ({"data": {"model": "m"}, "files": [("f", b"x")] * 50}, 400, "form cannot be read"),
    ],
)
def test_a_form_that_cannot_be_used_is_told(forms: InProcess, sent: dict[str, object], status: int, words: str) -> None:
    answer = forms.post("/v1/listen", **sent)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert forms.record(answer).outcome == "refused"


def _part(disposition: bytes, content: bytes, media_type: bytes = b"audio/wav") -> bytes:
    head = b"--x\r\ncontent-disposition: form-data; " + disposition
    return head + b"\r\ncontent-type: " + media_type + b"\r\n\r\n" + content + b"\r\n"


MODEL, FILE, END = _part(b'name="model"', b"m"), _part(b'name="file"; filename="a.wav"', b"sound"), b"--x--\r\n"


@pytest.mark.parametrize("cut", [len(END) + 12, len(END) + 2, len(END), 4])
def test_a_form_that_is_cut_is_refused_as_a_whole(forms: InProcess, cut: int) -> None:
    """Else its last file would be missing upstream, and its last text be shorter than it was."""
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = forms.post("/v1/listen", content=(MODEL + FILE + END)[:-cut], headers=headers)
    assert (answer.status_code, "before its last boundary" in answer.text) == (400, True), answer.text


def test_the_texts_of_a_form_are_small_together(forms: InProcess) -> None:
    """They stand in memory, two hundred of them might be much."""
    texts = {f"text-{number}": "y" * 50_000 for number in range(4)}
    answer = forms.post("/v1/listen", data={"model": "m", **texts}, files={"file": b"x"})
    assert (answer.status_code, "its texts have more than" in answer.text) == (400, True), answer.text
    assert forms.record(answer).outcome == "refused"


@pytest.mark.parametrize(
    "options", ["boundary=x; charset=punycode", "boundary=x; charset=utf-16", "boundary=x; charset=undefined"]
)
def test_a_form_is_read_as_utf_8_whatever_it_says(forms: InProcess, options: str) -> None:
    """Some of Python's charsets take minutes for a megabyte."""
    content = MODEL + _part(b'name="prompt"', "日本語".encode()) + FILE + END
    headers = {"content-type": f"multipart/form-data; {options}"}
    answer = forms.post("/v1/listen", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == [["model", "theirs"], ["prompt", "日本語"]]


def test_a_boundary_cannot_carry_a_charset(forms: InProcess) -> None:
    headers = {"content-type": 'multipart/form-data; boundary="x\\"; charset=\\"punycode"'}
    answer = forms.post("/v1/listen", content=MODEL + FILE + END, headers=headers)
    assert (answer.status_code, "form cannot be read" in answer.text) == (400, True), answer.text


def test_the_type_of_a_file_keeps_its_quotes_and_its_name_loses_zeros(forms: InProcess) -> None:
    part = _part(b'name="file"; filename="a\0b.ogg"', b"sound", b'audio/ogg; codecs="opus"\0')
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = forms.post("/v1/listen", content=MODEL + part + END, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["file"][:2] == ["a%00b.ogg", 'audio/ogg; codecs="opus"']


def test_an_upload_without_room_on_the_disk_is_told(forms: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of temporary files is a device that is always full."""
    monkeypatch.setattr("tempfile.tempdir", "/dev/full")
    answer = forms.post("/v1/listen", data={"model": "m"}, files={"file": b"x" * 3_000_000})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30"), answer.text
    assert "disk is full" in answer.text
    monkeypatch.undo()
    assert forms.post("/v1/listen", data={"model": "m"}, files={"file": b"x"}).status_code == 200


def test_a_large_upload_stays_out_of_memory(forms: InProcess) -> None:
    """25 MB go up with at most 5 MB of Python's memory."""
    content = b"x" * 25_000_000
    request = httpx2.Request("POST", "http://x", data={"model": "large"}, files={"file": ("a.wav", content)})
    body = request.read()
    tracemalloc.start()
    try:
        answer = forms.post("/v1/listen", content=body, headers={"content-type": request.headers["content-type"]})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 200, answer.text
    assert int(answer.json()["length"]) > 25_000_000
    assert peak < 5_000_000
