"""A small web on a real socket: a search service that answers as SearXNG does, and pages, some of them bad.

Also a search service of the kind that Open WebUI calls `external`, and one that is down or never answers.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

HUGE = 50_000_000
"""Bytes of the page /huge, of which the fact stands at the beginning."""
HUGE_FACT = "巨大なページの冒頭には、関所の数が53か所と書かれています。"
PDF_FACT = "箱根関所は1619年に設置されました。"


@dataclass(frozen=True)
class WebPage:
    title: str
    text: str
    """Paragraphs, a line each."""
    snippet: str = ""
    kind: str = "text/html; charset=utf-8"
    head: str = ""

    @property
    def content(self) -> bytes:
        if "html" not in self.kind:
            return self.text.encode()
        paragraphs = "".join(f"<p>{line}</p>\n" for line in self.text.splitlines())
        page = f"<!doctype html><html><head><title>{self.title}</title>{self.head}<script>var x = 'no text';</script>"
        page += f"</head><body><nav><a href='/'>Home</a></nav><main>{paragraphs}</main></body></html>"
        return page.encode(self.kind.rpartition("charset=")[2] or "utf-8")


@dataclass
class LocalWeb:
    """The ASGI application. `offered` are the paths that every search finds, in this order."""

    pages: dict[str, WebPage] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    """Whole addresses that are found too."""
    mood: str = "well"
    """Of the search service: well, down, hangs."""
    pause: float = 0.01
    """Seconds that a search takes."""
    searches: list[str] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    waiting: threading.Event = field(default_factory=threading.Event)
    """Somebody asked for what never comes."""
    left: threading.Event = field(default_factory=threading.Event)
    """And went away."""

    def __post_init__(self) -> None:
        self._app = Starlette(
            routes=[
                Route("/search", self._search),
                Route("/external", self._external, methods=["POST"]),
                Route("/huge", self._huge),
                Route("/huge.pdf", self._huge_pdf),
                Route("/hang", self._hang),
                Route("/report.pdf", self._pdf),
                Route("/inward", self._inward),
                Route("/moved", self._moved),
                Route("/{path:path}", self._page),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.visits.append(scope["path"])
        await self._app(scope, receive, send)

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]

    def publish(self, pages: Mapping[str, WebPage]) -> None:
        self.pages |= pages
        self.offered += pages

    def read(self, path: str) -> bool:
        return path in self.visits

    async def _search(self, request: Request) -> Response:
        self.searches.append(request.query_params["q"])
        if self.mood == "down":
            return Response("no", 503)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await (self._never(request) if self.mood == "hangs" else asyncio.sleep(self.pause))
        self.at_once -= 1
        return JSONResponse({"results": list(self._found(str(request.base_url)))})

    async def _external(self, request: Request) -> Response:
        self.searches.append((await request.json())["query"])
        if self.mood == "down":
            return Response("no", 503)
        found = self._found(str(request.base_url))
        return JSONResponse([{"link": f["url"], "title": f["title"], "snippet": f["content"]} for f in found])

    def _found(self, base: str) -> "list[dict[str, Any]]":
        rows = [(f"{base}{path.removeprefix('/')}", self.pages.get(path)) for path in self.offered]
        rows += [(address, None) for address in self.outside]
        return [
            {"url": url, "title": page.title if page else url, "content": page.snippet if page else "", "score": -at}
            for at, (url, page) in enumerate(rows)
        ]

    async def _page(self, request: Request) -> Response:
        page = self.pages.get(request.url.path)
        return Response(page.content, headers={"content-type": page.kind}) if page else Response("gone", 404)

    async def _huge(self, request: Request) -> Response:
        return StreamingResponse(self._parts(), media_type="text/html")

    async def _parts(self) -> AsyncIterator[bytes]:
        yield f"<html><title>Huge</title><body><p>{HUGE_FACT}</p>".encode()
        for _ in range(HUGE // 1_000_000):
            yield b"<p>" + b"filler " * 142_857 + b"</p>"

    async def _huge_pdf(self, request: Request) -> Response:
        return StreamingResponse(self._parts(), media_type="application/pdf")

    async def _hang(self, request: Request) -> Response:
        await self._never(request)
        return Response("too late")

    async def _never(self, request: Request) -> None:
        self.waiting.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left.set()

    async def _pdf(self, request: Request) -> Response:
        return Response(pdf(PDF_FACT), media_type="application/pdf")

    async def _inward(self, request: Request) -> Response:
        return RedirectResponse("http://169.254.169.254/latest/meta-data/")

    async def _moved(self, request: Request) -> Response:
        return RedirectResponse("/there")


def pdf(text: str) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiKakuGo-W5"))
    file = BytesIO()
    canvas = Canvas(file)
    canvas.setFont("HeiseiKakuGo-W5", 14)
    canvas.drawString(72, 720, text)
    canvas.save()
    return file.getvalue()
