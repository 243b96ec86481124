"""Google's Gemini as a server: the developer API, Vertex AI and the service that gives tokens to service accounts.

It acts after a script, and refuses what Google refuses: other keys and tokens, unknown members, results that do not
answer the calls before them, and calls of Gemini 3 without their signature. It knows nothing of the gateway.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes import discovery, google_media, vectors
from tests.fakes.acting import Call, Say, Script, Step, Think, _messages

Fields = dict[str, Any]

KEY, TOKEN = "AIza-canary-of-the-tests", "ya29.canary-of-the-tests"
PROJECT, ACCOUNT = "our-project", "gateway@our-project.iam.gserviceaccount.com"
USAGE = {
    "promptTokenCount": 1200,
    "cachedContentTokenCount": 1000,
    "candidatesTokenCount": 30,
    "thoughtsTokenCount": 10,
    "totalTokenCount": 1240,
}
_MEMBERS = frozenset(
    ("systemInstruction", "contents", "tools", "toolConfig", "generationConfig", "safetySettings", "labels")
)


class Seen(NamedTuple):
    path: str
    query: str
    headers: dict[str, str]
    body: Fields
    raw: bytes


class Google:
    """The ASGI application. `answers` has what other model names than Gemini's and Claude's answer with."""

    def __init__(self, script: Script, answers: Mapping[str, Callable[[bool], Response]] | None = None) -> None:
        self.script, self.answers = script, answers or {}
        self.seen: list[Seen] = []
        self.tokens: list[str] = []
        self.lives = 3600
        self.signing_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        vertex = "/v1/projects/{project}/locations/{location}"
        paths = {
            "/v1beta/models/{model}:{method}": self._gemini,
            vertex + "/publishers/google/models/{model}:{method}": self._vertex,
            vertex + "/publishers/anthropic/models/{model}:{method}": self._claude,
            vertex + "/endpoints/openapi/chat/completions": self._openapi,
            "/token": self._token,
        }
        self._app = Starlette(routes=[Route(path, serve, methods=["POST"]) for path, serve in paths.items()])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def service_account(self, address: str) -> Fields:
        """Return the JSON file of a service account whose tokens this server gives."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = self.signing_key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem,
            "client_email": ACCOUNT,
            "client_id": "1",
            "token_uri": f"{address}/token",
        }

    async def _note(self, request: Request) -> Seen:
        raw = await request.body()
        seen = Seen(request.url.path, request.url.query, dict(request.headers), json.loads(raw), raw)
        self.seen.append(seen)
        return seen

    async def _gemini(self, request: Request) -> Response:
        seen = await self._note(request)
        if seen.headers.get("x-goog-api-key") != KEY:
            reason = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
            return error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", reason)
        return self._generate(request, seen)

    async def _vertex(self, request: Request) -> Response:
        seen = await self._note(request)
        return self._generate(request, seen) if self._allowed(seen, request) else _unauthenticated()

    async def _claude(self, request: Request) -> Response:
        seen = await self._note(request)
        if not self._allowed(seen, request):
            return _unauthenticated()
        stream, body = request.path_params["method"] == "streamRawPredict", seen.body
        if body.get("anthropic_version") not in ("vertex-2023-10-16", "2026-10-21") or "model" in body or seen.query:
            return error(400, "anthropic_version: Field required", "INVALID_ARGUMENT")
        assert bool(body.get("stream")) is stream
        whole, events = _messages(body, [Say("Bonjour")], 3)
        return StreamingResponse(_each(events), media_type="text/event-stream") if stream else JSONResponse(whole)

    async def _openapi(self, request: Request) -> Response:
        seen = await self._note(request)
        if not self._allowed(seen, request):
            return _unauthenticated()
        message = {"role": "assistant", "content": "Hola"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})

    def _allowed(self, seen: Seen, request: Request) -> bool:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        return token in (TOKEN, *self.tokens) and request.path_params["project"] == PROJECT

    async def _token(self, request: Request) -> Response:
        if self.lives < 0:
            return JSONResponse({"error": "invalid_grant", "error_description": "account disabled"}, 400)
        form = parse_qs((await request.body()).decode())
        public = self.signing_key.public_key()
        claims = jwt.decode(form["assertion"][0], public, ["RS256"], options={"verify_aud": False})
        assert claims["iss"] == ACCOUNT
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        self.tokens.append(f"ya29.{len(self.tokens)}-{time.monotonic_ns()}")
        return JSONResponse({"access_token": self.tokens[-1], "expires_in": self.lives, "token_type": "Bearer"})

    def _generate(self, request: Request, seen: Seen) -> Response:
        if (method := request.path_params["method"]) in vectors.METHODS:
            try:
                return JSONResponse(vectors.google(method, request.path_params["model"], seen.body))
            except vectors.Refused as refused:
                return error(400, str(refused), "INVALID_ARGUMENT")
        if request.path_params["method"] == "countTokens":
            return _count(seen.body, of_vertex="/projects/" in seen.path)
        stream = request.path_params["method"] == "streamGenerateContent"
        assert seen.query == ("alt=sse" if stream else "")
        model = request.path_params["model"]
        if model in self.answers:
            return self.answers[model](stream)
        if google_media.is_media(model, seen.body):
            return _media(model, seen.body, stream=stream)
        if refusal := _refusal(model, seen.body):
            return error(400, refusal, "INVALID_ARGUMENT")
        untold: list[Step] = [Say("A conversation about files")]
        steps = self.script(results_of(seen.body)) if seen.body.get("tools") else untold
        chunks = list(chunks_of(model, steps))
        return sse(chunks) if stream else JSONResponse(_whole(chunks))


def _media(model: str, body: Fields, *, stream: bool) -> Response:
    if refusal := _unknown(body) or google_media.refusal(model, body):
        return error(400, refusal, "INVALID_ARGUMENT")
    chunks = google_media.answer(model, body)
    return sse(chunks) if stream else JSONResponse(_whole(chunks) if len(chunks) > 1 else chunks[0])


def _unknown(body: Fields) -> str:
    """Return what is wrong with a request's members, by Google's own description."""
    try:
        discovery.check("vertex", "GoogleCloudAiplatformV1GenerateContentRequest", body)
    except AssertionError as wrong:
        return f"Invalid JSON payload received. {wrong}"
    return ""


def _refusal(model: str, body: Fields) -> str:
    """Return why Google would refuse a request; empty where it would not."""
    if unknown := body.keys() - _MEMBERS:
        return f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.'
    calls = 0
    for content in body["contents"]:
        found = [part for part in content["parts"] if "functionCall" in part]
        results = [part for part in content["parts"] if "functionResponse" in part]
        if len(results) != calls:
            return "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."  # fmt: skip  # noqa: E501
        if found and model.startswith("gemini-3") and not found[0].get("thoughtSignature"):
            return "Function call is missing a thought_signature in functionCall parts."
        calls = len(found)
    return "" if body["contents"] and calls == 0 else "Please ensure that function call turn comes immediately after."


def _count(body: Fields, *, of_vertex: bool) -> Response:
    """Count a token for each content. The developer API takes a whole request only within a member."""
    inner = body.get("generateContentRequest", {"contents": ()})
    known = {"contents", "systemInstruction", "tools"} if of_vertex else {"contents", "generateContentRequest"}
    if body.keys() - known or (inner["contents"] and not str(inner.get("model")).startswith("models/")):
        return error(400, "Invalid JSON payload received. Unknown name.", "INVALID_ARGUMENT")
    return JSONResponse({"totalTokens": len(body.get("contents") or inner["contents"])})


def results_of(body: Fields) -> list[str]:
    parts = [part for content in body["contents"] for part in content["parts"]]
    found = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
    return [each["output"] if "output" in each else json.dumps(each) for each in found]


def chunks_of(model: str, steps: list[Step]) -> Iterator[Fields]:
    """Yield the chunks of an answer: a signature stands on the first call, or in a part at the end."""
    seal = next((step.seal for step in steps if isinstance(step, Think)), "")
    signed = {"thoughtSignature": seal} if seal else {}
    parts: list[Fields] = []
    for step in steps:
        if isinstance(step, Think):
            parts += [{"text": piece, "thought": True} for piece in (step.text[:4], step.text[4:])]
        elif isinstance(step, Call):
            call = {"name": step.name, "args": json.loads(step.arguments), "id": step.id}
            parts.append({"functionCall": call} | signed)
            signed = {}
        else:
            parts += [{"text": piece} for piece in (step.text[:3], step.text[3:])]
    if signed:
        parts.append({"text": "", **signed})
    base: Fields = {"modelVersion": model, "responseId": f"r{time.monotonic_ns()}"}
    for number, part in enumerate(parts):
        candidate: Fields = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if number == len(parts) - 1:
            candidate["finishReason"] = "STOP"
        yield {"candidates": [candidate], "usageMetadata": USAGE, **base}


def _whole(chunks: list[Fields]) -> Fields:
    parts = [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}
    return {**chunks[-1], "candidates": [candidate]}


def sse(chunks: list[Fields]) -> Response:
    return StreamingResponse(
        _each(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks), media_type="text/event-stream"
    )


async def _each(events: Iterator[bytes]) -> AsyncIterator[bytes]:
    for event in events:
        yield event


def error(status: int, message: str, name: str, details: list[Fields] | None = None) -> Response:
    """Return an error as Google sends it."""
    return JSONResponse(
        {"error": {"code": status, "message": message, "status": name, "details": details or []}}, status
    )


def _unauthenticated() -> Response:
    return error(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED")
