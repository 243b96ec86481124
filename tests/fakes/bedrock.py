"""Amazon Bedrock on a socket: checks what the real one checks, and replays what the real one once answered."""

import base64
import hashlib
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

Fields = dict[str, Any]

KEY_ID, SECRET, TOKEN, BEARER = (
    "AKIDEXAMPLE",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "session-token",
    "bedrock-key",
)
RERANK = "/rerank"
"""Of the agents' runtime."""
STREAMED = ("converse-stream", "invoke-with-response-stream")


@dataclass
class Seen:
    """One request, as it came."""

    model: str
    operation: str
    path: str
    headers: dict[str, str]
    body: Fields


@dataclass
class Bedrock:
    """The ASGI application. `answer` gives the status and the body of the answer to a request."""

    answer: Callable[[Seen], tuple[int, bytes]]
    region: str
    check: Callable[[Seen], None] = lambda seen: None
    told: Callable[[Seen], dict[str, str]] = lambda seen: {}
    """Gives the headers of an answer."""
    service: str = "bedrock"
    """For which requests are signed."""
    others: dict[str, Callable[[Seen], tuple[int, bytes, str]]] = field(default_factory=dict)
    """What the addresses of OpenAI's and Anthropic's own APIs answer: status, body, media type."""
    seen: list[Seen] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = Starlette(routes=[Route("/{path:path}", self._asked, methods=["POST"])])
        await app(scope, receive, send)

    async def _asked(self, request: Request) -> Response:
        body, path = await request.body(), request.scope["raw_path"].decode()
        headers = dict(request.headers)
        if problem := self._unsigned(path, request.url.query, headers, body):
            self.refused.append(problem)
            return _error(403, "UnrecognizedClientException", problem)
        if path == RERANK and "x-amz-date" not in headers:
            return _error(403, "AccessDeniedException", "The agents' runtime takes no keys")
        if path in self.others:
            seen = Seen(json.loads(body)["model"], "", path, headers, json.loads(body))
            self.seen.append(seen)
            status, answer, media_type = self.others[path](seen)
            return Response(answer, status, media_type=media_type)
        parts = ["", "model", "", "rerank"] if path == RERANK else path.split("/")
        if len(parts) != 4 or parts[1] != "model" or request.url.query:
            return _error(404, "UnknownOperationException", path)
        seen = Seen(unquote(parts[2]), parts[3], path, headers, json.loads(body))
        self.seen.append(seen)
        try:
            self.check(seen)
        except AssertionError as error:
            return _error(400, "ValidationException", str(error))
        status, answer = self.answer(seen)
        if status != 200:
            return _error(
                status, "ServiceQuotaExceededException" if status == 400 else "ThrottlingException", answer.decode()
            )
        if seen.operation not in STREAMED:
            return Response(answer, media_type="application/json", headers=self.told(seen))
        return StreamingResponse(_pieces(answer), media_type="application/vnd.amazon.eventstream")

    def _unsigned(self, path: str, query: str, headers: Fields, body: bytes) -> str | None:
        """Return what is wrong with a signature, which botocore makes again from what arrived."""
        said = headers.get("authorization", "")
        if said == f"Bearer {BEARER}":
            return "signed beside a key" if "x-amz-date" in headers else None
        if not said.startswith("AWS4-HMAC-SHA256 "):
            return "Missing Authentication Token"
        if headers.get("x-amz-security-token") != TOKEN:
            return "The security token included in the request is invalid."
        names = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names) or {"connection", "user-agent"} & set(
            names
        ):
            return f"signed headers: {names}"
        again = AWSRequest(
            "POST",
            f"http://{headers['host']}{path}{'?' if query else ''}{query}",
            data=body,
            headers={name: headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token")},
        )
        signer = SigV4Auth(Credentials(KEY_ID, SECRET, TOKEN), self.service, self.region)
        again.context["timestamp"] = headers["x-amz-date"]
        again.headers["X-Amz-Date"], again.headers["X-Amz-Security-Token"] = headers["x-amz-date"], TOKEN
        canonical = signer.canonical_request(again)
        assert hashlib.sha256(body).hexdigest() in canonical
        signature = signer.signature(signer.string_to_sign(again, canonical), again)
        scope = f"Credential={KEY_ID}/{headers['x-amz-date'][:8]}/{self.region}/{self.service}/aws4_request"
        if scope not in said:
            return f"Credential should be scoped: {said}"
        return None if said.endswith(f"Signature={signature}") else "The request signature we calculated does not match"


def _error(status: int, name: str, message: str) -> JSONResponse:
    headers = {"X-Amzn-Errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return JSONResponse({"message": message}, status, headers)


async def _pieces(stream: bytes) -> AsyncIterator[bytes]:
    pieces = random.Random(len(stream))
    while stream:
        size = pieces.randint(1, 3000)
        yield stream[:size]
        stream = stream[size:]


def invoked(events: list[Fields], frame: Callable[[str, str, bytes], bytes]) -> bytes:
    """Return the stream in which Claude's own events are invoked."""
    chunks = [json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abc"}) for event in events]  # fmt: skip  # noqa: E501
    return b"".join(frame("event", "chunk", chunk.encode()) for chunk in chunks)
