"""Azure on a socket: OpenAI's models in their three ways, Claude, and the two services that give tokens of Entra ID.

It refuses what Azure refuses: other keys and tokens, versions and deployments that it does not know, prompts that its
content filter finds. No recording stands behind its streams, filters and tokens: they are as Microsoft documents them.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Fields = dict[str, Any]

KEY, CLIENT, CLIENT_SECRET, TENANT = (
    "azure-key-canary",
    "11111111-2222-3333-4444-555555555555",
    "client-secret-canary",
    "99999999-8888-7777-6666-555555555555",
)
SCOPES = ("https://ai.azure.com/.default", "https://cognitiveservices.azure.com/.default")
DATED, FOUNDRY = ("2024-10-21", "2025-03-01-preview", "2025-04-01-preview"), ("2024-05-01-preview",)
DEPLOYMENTS = ("our gpt", "deep", "claude")
_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
_VIOLENT = {**_SAFE, "violence": {"filtered": True, "severity": "medium"}}
REFUSAL = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
        "Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _VIOLENT},
    }
}
"""As learn.microsoft.com/azure/foundry/openai/concepts/content-filter shows it."""


class Seen(NamedTuple):
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> Fields:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found


@dataclass
class Azure:
    """The ASGI application."""

    seen: list[Seen] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    """The scope of each token that was given."""
    refuses: bool = False
    """Gives no more tokens."""

    def __post_init__(self) -> None:
        paths = {
            "/openai/v1/{rest:path}": self._v1,
            "/openai/deployments/{deployment}/{rest:path}": self._dated,
            "/openai/responses": self._dated,
            "/models/{rest:path}": self._foundry,
            "/anthropic/v1/messages": self._claude,
            "/{tenant}/oauth2/v2.0/token": self._client_token,
        }
        routes = [Route(path, serve, methods=["POST"]) for path, serve in paths.items()]
        routes += [
            Route("/msi/token", self._machine_token),
            Route("/common/discovery/instance", _instances),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", _openid),
        ]
        self._app = Starlette(routes=routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _v1(self, request: Request) -> Response:
        seen = await self._note(request)
        path = request.path_params["rest"]
        wanted = "preview" if path.startswith(("audio/", "images/")) else seen.query.get("api-version", "")
        if seen.query.get("api-version", "") != wanted or wanted not in ("", "preview"):
            return _error(400, "BadRequest", "API version not supported")
        return self._refused(seen, SCOPES[0]) or _answer(path, seen, _model_of(seen))

    async def _dated(self, request: Request) -> Response:
        seen = await self._note(request)
        if seen.query.get("api-version") not in DATED:
            return _error(404, "404", "Resource not found")
        path = request.path_params.get("rest", "responses")
        if refused := self._refused(seen, SCOPES[1]):
            return refused
        return _answer(path, seen, request.path_params.get("deployment") or _model_of(seen))

    async def _foundry(self, request: Request) -> Response:
        seen = await self._note(request)
        if seen.query.get("api-version") not in FOUNDRY:
            return _error(400, "BadRequest", "API version not supported")
        extra = seen.fields.keys() - {"model", "messages", "input", "stream", "temperature", "max_tokens"}
        if extra and seen.headers.get("extra-parameters") != "pass-through":
            return _error(400, "Extra_forbidden", f"Extra inputs are not permitted: {min(extra)}")
        return self._refused(seen, SCOPES[0]) or _answer(request.path_params["rest"], seen, seen.fields["model"])

    async def _claude(self, request: Request) -> Response:
        seen = await self._note(request)
        if refused := self._refused(seen, SCOPES[0], "x-api-key"):
            return refused
        assert seen.headers["anthropic-version"]
        content = [{"type": "text", "text": "Bonjour"}]
        usage = {"input_tokens": 3, "output_tokens": 1}
        return JSONResponse(
            {"id": "msg_1", "type": "message", "role": "assistant", "model": seen.fields["model"], "content": content}
            | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
        )

    async def _note(self, request: Request) -> Seen:
        seen = Seen(request.url.path, dict(request.query_params), dict(request.headers), await request.body())
        self.seen.append(seen)
        return seen

    def _refused(self, seen: Seen, scope: str, key: str = "api-key") -> Response | None:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if seen.headers.get(key) == KEY or self.tokens.get(token) == scope:
            return None
        said = "Access denied due to invalid subscription key or wrong API endpoint."
        return _error(401, "401", f"{said} You sent {token}" if token else said)

    async def _client_token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        right = {"client_id": CLIENT, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials"}
        if self.refuses or request.path_params["tenant"] != TENANT or not right.items() <= form.items():
            said = f"AADSTS7000222: The provided client secret keys for app '{CLIENT}' are expired. {CLIENT_SECRET}"
            return JSONResponse({"error": "invalid_client", "error_description": said}, 401)
        return self._give(form["scope"].split()[0])

    async def _machine_token(self, request: Request) -> Response:
        """Give a token as App Service's identity endpoint does."""
        if self.refuses or request.headers.get("x-identity-header") != "identity-canary":
            return JSONResponse({"statusCode": 400, "message": "no identity"}, 400)
        return self._give(request.query_params["resource"] + "/.default")

    def _give(self, scope: str) -> Response:
        assert scope in SCOPES, scope
        token = f"entra-token-{len(self.tokens)}-canary"
        self.tokens[token] = scope
        until = int(time.time()) + 3600
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": 3600, "expires_on": until})


async def _instances(request: Request) -> Response:
    """Tell the names of this authority: MSAL asks when a sign-in failed."""
    host = "login.microsoftonline.com"
    names = {"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": [host]}
    where = f"https://{host}/common/.well-known/openid-configuration"
    return JSONResponse({"tenant_discovery_endpoint": where, "api-version": "1.1", "metadata": [names]})


async def _openid(request: Request) -> Response:
    base = f"https://login.microsoftonline.com/{request.path_params['tenant']}"
    found = {"authorization_endpoint": f"{base}/oauth2/v2.0/authorize", "issuer": f"{base}/v2.0"}
    return JSONResponse({**found, "token_endpoint": f"{base}/oauth2/v2.0/token", "tenant_region_scope": "EU"})


def _model_of(seen: Seen) -> str:
    if seen.headers["content-type"].startswith("multipart/"):
        return "our gpt" if b'name="model"\r\n\r\nour gpt\r\n' in seen.body else ""
    return str(seen.fields.get("model"))


def _answer(path: str, seen: Seen, deployment: str) -> Response:
    if deployment not in DEPLOYMENTS:
        return _error(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
    if b"violence" in seen.body:
        return JSONResponse(REFUSAL, 400)
    if path == "chat/completions":
        return _chat(seen.fields)
    if path == "audio/speech":
        return Response(b"ID3sound", media_type="audio/mpeg")
    return JSONResponse(_WHOLE[path])


def _chat(fields: Fields) -> Response:
    asked = json.dumps(fields["messages"])
    if "without words" in asked:  # as recorded: the answer is taken away with its message
        choice: Fields = {"index": 0, "finish_reason": "content_filter", "content_filter_results": _VIOLENT}
        return JSONResponse({**_BASE, "object": "chat.completion", "choices": [choice], "usage": _USAGE})
    if fields.get("stream"):
        return StreamingResponse(_each(_chunks("cut off" in asked)), media_type="text/event-stream")
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    choice["content_filter_results"] = _SAFE
    return JSONResponse({**_BASE, "object": "chat.completion", "choices": [choice], "usage": _USAGE, **_PROMPT})


_BASE = {"id": "chatcmpl-1", "created": 1759396891, "model": "gpt-5-nano-2025-08-07"}
_USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
_PROMPT = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _SAFE}]}
_WHOLE: dict[str, Fields] = {
    "embeddings": {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    },
    "responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-5-nano",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "content_filters": None,
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
            }
        ],
        "usage": {
            "input_tokens": 8,
            "output_tokens": 2,
            "total_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    },
    "completions": {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "gpt",
        "usage": _USAGE,
        "choices": [{"index": 0, "text": "Hello", "finish_reason": "stop", "logprobs": None}],
    },
    "images/generations": {"created": 1, "data": [{"b64_json": "aGk="}]},
    "images/edits": {"created": 1, "data": [{"b64_json": "aGk="}]},
    "audio/transcriptions": {"text": "hello"},
    "audio/translations": {"text": "hello"},
}


def _chunks(cut_off: bool) -> Iterable[Fields | str]:
    """Yield a stream with what Azure alone sends: the prompt's verdict in a first chunk without choices or kind."""
    base = {**_BASE, "object": "chat.completion.chunk"}
    yield {"id": "", "created": 0, "model": "", "object": "", "choices": [], **_PROMPT}
    delta = {"role": "assistant", "content": ""}
    yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    for word in ("Hel", "lo"):
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": None, "content_filter_results": _SAFE}
        yield {**base, "choices": [choice]}
    reason = "content_filter" if cut_off else "stop"
    verdict = _VIOLENT if cut_off else _SAFE
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reason, "content_filter_results": verdict}]}
    # The asynchronous filter tells where it has been, too.
    offsets = {"check_offset": 0, "start_offset": 0, "end_offset": 5}
    choice = {"index": 0, "finish_reason": None, "content_filter_results": _SAFE, "content_filter_offsets": offsets}
    yield {"id": "", "created": 0, "model": "", "object": "", "choices": [choice]}
    yield {**base, "choices": [], "usage": _USAGE}
    yield "[DONE]"


async def _each(chunks: Iterable[Fields | str]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield b"data: " + (chunk if isinstance(chunk, str) else json.dumps(chunk)).encode() + b"\n\n"


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
