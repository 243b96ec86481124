"""
title: Tool progress
author: Sekisho
version: 0.1.0
license: MIT
description: Shows how far a tool is, what it links to and why one does not answer.
required_open_webui_version: 0.12.4
id: mcp_bridge
"""

# Built by `python -m plugins.build` out of plugins/mcp_bridge: change it there, not here.

import base64
import binascii
import io
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal
from urllib.parse import unquote

from open_webui.models.files import Files
from open_webui.models.users import Users
from open_webui.routers.files import upload_file_handler
from pydantic import BaseModel, Field
from starlette.datastructures import Headers, UploadFile

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Tool progress",
        "description": "Shows how far a tool is, what it links to and why one does not answer.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first.",
        "valves.logs.title": "Show what tools report",
        "valves.logs.description": "Lines that a tool writes while it works, as status lines of the answer.",
        "valves.pages.title": "Show pages of tools",
        "valves.pages.description": "HTML that a tool returns is shown in a frame below the answer.",
    },
    "ja-JP": {
        "name": "ツールの進み具合",
        "description": "ツールの進み具合と参照先、応答しない理由を表示します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.logs.title": "ツールの報告を表示",
        "valves.logs.description": "ツールが作業中に書き出す行を、回答の状態として表示します。",
        "valves.pages.title": "ツールのページを表示",
        "valves.pages.description": "ツールが返すHTMLを、回答の下の枠に表示します。",
    },
}


# What people read while a tool works.


TEXT = {
    "en": {
        "working": "{tool}: working",
        "working_word": "working",
        "progress": "{tool}: {message}",
        "percent": "{tool}: {message} ({percent}%)",
        "log": "{tool}: {message}",
        "done": "{tool}: done",
        "stopped": "{tool}: stopped",
        "failed": "{tool} reported an error; the answer says what is known",
        "mcp_server_down": "{tool} does not answer at the moment. Try again later, or tell an administrator.",
        "mcp_timeout": "{tool} took too long and was given up. Ask for less, or try again later.",
        "mcp_sign_in_needed": "{tool} needs you to sign in first.",
        "sign_in": "Sign in to {tool}",
        "away": "Not reachable at the moment: {servers}. The answer comes without them.",
        "between": ", ",
        "not_connected": "The tools “{server}” cannot be reached at the moment; the answer comes without them.",
        "attached": "[The file {name}, which the person can open above the answer.]",
        "shown": "The page “{name}” is shown to the person below the answer.",
    },
    "ja": {
        "working": "{tool}：実行中",
        "working_word": "実行中",
        "progress": "{tool}：{message}",
        "percent": "{tool}：{message}（{percent}%）",
        "log": "{tool}：{message}",
        "done": "{tool}：完了",
        "stopped": "{tool}：停止しました",
        "failed": "{tool} がエラーを返しました。わかる範囲で回答します",
        "mcp_server_down": "{tool} は現在応答していません。後でもう一度試すか、管理者に知らせてください。",
        "mcp_timeout": "{tool} は時間がかかりすぎたため中止しました。範囲を絞るか、後でもう一度試してください。",
        "mcp_sign_in_needed": "{tool} を使うには、先にサインインが必要です。",
        "sign_in": "{tool} にサインイン",
        "away": "現在接続できません：{servers}。これらを使わずに回答します。",
        "between": "、",
        "not_connected": "ツール「{server}」に現在接続できません。ツールなしで回答します。",
        "attached": "［ファイル {name} は、回答の上に表示されています。］",
        "shown": "ページ「{name}」は、回答の下に表示されています。",
    },
}


# Logging.


log = logging.getLogger(__name__)


# Types that most plugins use.


Json = dict[str, Any]
Emitter = Callable[[Json], Awaitable[None]]
"""Open WebUI's `__event_emitter__`: sends an event to the person's page."""
Caller = Callable[[Json], Awaitable[Any]]
"""Open WebUI's `__event_call__`: sends an event and returns what the page answers."""


# Settings.


def valve(default: Any, key: str, **rules: Any) -> Any:
    """Return a pydantic field whose English title and description are those of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)


# The person's language.


LONGEST_VARIABLE = 64  # characters


def user_language(metadata: dict[str, Any] | None, request: Any) -> Literal["en", "ja"]:
    """Return the language of the person's Open WebUI, or for an API client that of Accept-Language."""
    variables = (metadata or {}).get("variables")
    chosen = variables.get("{{USER_LANGUAGE}}") if isinstance(variables, dict) else None
    chosen = chosen or getattr(request, "headers", {}).get("accept-language")
    return "ja" if str(chosen or "").lower().startswith("ja") else "en"


def variable(metadata: dict[str, Any] | None, name: str) -> str:
    """Return what the person's page tells under a name such as USER_LANGUAGE; empty where no page asks."""
    variables = (metadata or {}).get("variables")
    told = variables.get(f"{{{{{name}}}}}") if isinstance(variables, dict) else None
    return told[:LONGEST_VARIABLE] if isinstance(told, str) else ""


# Careful readers of JSON that others wrote.


LONGEST_LABEL = 500


def dict_of(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def dicts(value: Any) -> list[Json]:
    return [item for item in items(value) if isinstance(item, dict)]


def words(value: Any) -> str:
    """Return the text of a string, of a part {"text": …}, or of a list of those."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return words(value.get("text"))
    return "".join(words(item) for item in items(value) if isinstance(item, str | dict))


def label(value: Any) -> str:
    """Return a string as one short line, empty if it is none."""
    return " ".join(value.split())[:LONGEST_LABEL] if isinstance(value, str) else ""


# Text without what a person does not see and a model reads.


# Unicode's default-ignorable characters and others of no width, variation selectors and tags (in which whole sentences
# can be hidden), controls, and halves of surrogate pairs.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85]")


def visible(text: str) -> str:
    """Return the text without invisible characters; line and page breaks of every kind become newlines."""
    return INVISIBLE.sub("", LINE_BREAK.sub("\n", text))


# The status line of a turn, which all filters of the pack share.


LINES = "sekisho_lines"  # in __metadata__: what was told about this turn, by all filters of the pack
TOLD_FILES = "sekisho_told_files"  # in __metadata__: ids of files whose fate is in one of those lines

FULL_TEXT = "full_text"  # id of that filter, and action of its line in saved chats
ABOUT_A_FILE = "full_text_file"  # action of the lines about single files, which a click opens


async def show(emitter: Emitter | None, description: str, done: bool, action: str = "") -> None:
    if emitter:
        more = {"action": action} if action else {}
        await emitter({"type": "status", "data": {"description": description, "done": done, **more}})


async def tell(metadata: Json, emitter: Emitter | None, line: str, part: str, action: str = "") -> None:
    """Show the line behind those of this turn, once: people see only the latest status.

    An `action` stays with the status in the saved chat, for later turns to know who spoke.
    """
    lines = metadata.setdefault(LINES, [])
    if line and line not in lines:
        lines.append(line)
        await show(emitter, part.join(lines), done=True, action=action)


# Names and addresses of tool servers' things as people read them, and how one of them is cited.


LANGUAGE = "sekisho/language"
"""In `_meta` of a request to the hub: the language of who asks, which Open WebUI's connection does not tell."""
LONGEST_LINE = 200  # characters
LONGEST_PASSAGE = 20_000  # characters of a source


def one_line(text: Any, longest: int = LONGEST_LINE) -> str:
    """Return a text of a tool as one short line."""
    return " ".join(visible(text).split())[:longest] if isinstance(text, str) else ""


def shown_name(name: str) -> str:
    """Return the name of a tool as people read it: git__log becomes git: log."""
    return one_line(name.replace("__", ": ", 1))


def server_of(name: str) -> str:
    """Return the tool server in the name of a tool of several servers, empty for one server's own."""
    server, between, _ = name.partition("__")
    return one_line(server) if between else ""


def original(uri: str) -> str:
    """Return an address as its server gave it; the hub's, of several servers, are `sekisho+SERVER:ADDRESS`."""
    return uri.partition(":")[2] if uri.startswith("sekisho+") else uri


def source_event(name: str, uri: str, passage: str) -> Json:
    """Return the event that cites a passage below the answer; only web addresses become links."""
    url = {"url": uri} if uri.lower().startswith(("https://", "http://")) else {}
    about = {"source": uri or name, "name": name, **url}
    document = [passage[:LONGEST_PASSAGE]]
    return {"type": "source", "data": {"source": {"name": name, **url}, "document": document, "metadata": [about]}}


# Files as tools give them and as answers show them.


LARGEST_FILE = 20_000_000  # bytes


def decoded(data: Any) -> bytes | None:
    """Return the bytes of base64, None where it is none."""
    try:
        return base64.b64decode(data, validate=True) if isinstance(data, str) and data else None
    except (binascii.Error, ValueError):
        return None


def file_name(uri: str) -> str:
    """Return the last part of an address as the name of a file."""
    last = original(uri).partition("?")[0].rstrip("/").rpartition("/")[2]
    return one_line(unquote(last)).replace("/", "_")[-80:] or "document"


def file_item(id: str, kind: str, name: str, size: int) -> Json:
    """Return a stored file as an answer shows it. `size`: bytes."""
    return {"type": "file", "id": id, "url": id, "name": name, "content_type": kind, "size": size}


# Files that tools give, kept for the person as Open WebUI keeps what people attach.


SEEN_OR_HEARD = ("audio/", "video/", "image/")
OF_THE_CHAT = ("chat_id", "message_id", "session_id")


async def stored(raw: bytes, kind: str, name: str, user_id: str, request: Any, metadata: Json) -> tuple[str, str]:
    """Store a file of the person's, and return its id and the text in it, both empty if it was refused."""
    person = await Users.get_user_by_id(user_id)
    about = {key: metadata.get(key) for key in OF_THE_CHAT}
    for read in (False,) if kind.startswith(SEEN_OR_HEARD) else (True, False):
        file = UploadFile(file=io.BytesIO(raw), filename=name, headers=Headers({"content-type": kind}))
        try:
            row = await upload_file_handler(
                request, file=file, metadata=about, process=read, process_in_background=False, user=person
            )
        except Exception as error:
            log.warning("sekisho: a tool's file is not %s (%s)", "read" if read else "stored", type(error).__name__)
            continue
        id = str(row["id"] if isinstance(row, dict) else row.id)
        known = await Files.get_file_by_id(id)
        return id, str(dict_of(getattr(known, "data", None)).get("content") or "")
    return "", ""


# Which tool servers the hub says are away.


def away(page: Json) -> tuple[list[str], list[str]]:
    """Return the servers that do not answer, and those that want a sign-in, of a list as the hub gives it."""
    meta = dict_of(page.get("_meta"))
    signing = [name for name in (one_line(each) for each in items(meta.get("sekisho/sign_in"))) if name]
    missing = [name for name in map(one_line, dict_of(meta.get("sekisho/unavailable"))) if name]
    return sorted(set(missing) - set(signing)), sorted(signing)


# Status lines of one call: how far it is, what it reports, how it ended.


ACTION = "mcp"
SECONDS_BETWEEN = 0.5  # each line is stored with the chat
MOST_LINES = 100  # of one call
QUIET = ("done", "failed")  # ends that Open WebUI shows itself


def percent_of(progress: Any, total: Any) -> int | None:
    """Return whole percent, None where a tool does not know how much there is."""
    numbers = (progress, total)
    if any(isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each) for each in numbers):
        return None
    return int(max(0, min(100, progress / total * 100))) if total > 0 else None


class Lines:
    """The lines of one call; what comes too fast is left out, the last one always comes."""

    def __init__(self, emitter: Emitter, tool: str, text: dict[str, str]) -> None:
        self._emitter, self._tool, self._text = emitter, tool, text
        self._count, self._last, self._shown = 0, "", -math.inf

    async def progress(self, progress: Any, total: Any, message: Any) -> None:
        percent = percent_of(progress, total)
        words = one_line(message) or ("" if percent is None else self._text["working_word"])
        if words:
            await self._some("progress" if percent is None else "percent", message=words, percent=percent)
        else:
            await self._some("working")

    async def log(self, data: Any) -> None:
        if words := one_line(data if isinstance(data, str) else ""):
            await self._some("log", message=words)

    async def end(self, key: str, who: str = "", *, done: bool) -> None:
        """Close the lines, which would spin for ever; a call without any ends quietly, unless people must know."""
        if self._count or key not in QUIET:
            await self._show(self._text[key].format(tool=who or self._tool), done=done)

    async def _some(self, key: str, **said: Any) -> None:
        line = self._text[key].format(tool=self._tool, **said)
        now = time.monotonic()
        if line == self._last or now - self._shown < SECONDS_BETWEEN or self._count >= MOST_LINES:
            return
        self._count, self._last, self._shown = self._count + 1, line, now
        await self._show(line, done=False)

    async def _show(self, line: str, done: bool) -> None:
        await show(self._emitter, line, done, ACTION)


# What Open WebUI leaves out of a tool's answer: links, resources to cite, pages.


MOST_SOURCES = 20  # of one call
LONGEST_PAGE = 1_000_000
DOCTYPE = re.compile(r"\s*<!doctype[^>]{0,200}>", re.IGNORECASE)
PAPER = "<style>html{background:#fff;color:#000}</style>"
"""First, so that whatever the page says goes before it."""
HEIGHT = (
    "<script>(()=>{const tell=()=>parent.postMessage({type:'iframe:height',"
    "height:Math.ceil(document.body.getBoundingClientRect().bottom)+16},'*');"
    "addEventListener('load',tell);new ResizeObserver(tell).observe(document.body)})()</script>"
)
"""Open WebUI gives a frame the height that its page asks for."""


def complete(content: Any, text: dict[str, str], pages: bool) -> tuple[Any, list[Json]]:
    """Return the answer for Open WebUI to go on with, and the events that show what it would leave out."""
    events: list[Json] = []
    blocks = [_block(block, text, pages, events) for block in items(content)]
    return blocks if isinstance(content, list) else content, events[:MOST_SOURCES]


def _block(block: Any, text: dict[str, str], pages: bool, events: list[Json]) -> Any:
    kind = dict_of(block).get("type")
    if kind == "resource_link":
        return _link(block, events)
    if kind == "resource":
        return _resource(block, text, pages, events)
    return block


def _link(block: Json, events: list[Json]) -> Json:
    """Cite a link, and let the model read it as a line of text."""
    uri, description = one_line(block.get("uri")), one_line(block.get("description"))
    name = one_line(block.get("title")) or one_line(block.get("name")) or uri
    events.append(source_event(name, original(uri), description or name))
    parts = [name, *([uri] if uri != name else []), *([description] if description else [])]
    return {"type": "text", "text": " – ".join(parts)}


def _resource(block: Json, text: dict[str, str], pages: bool, events: list[Json]) -> Json:
    resource = dict_of(block.get("resource"))
    content, uri = resource.get("text"), one_line(resource.get("uri"))
    if not isinstance(content, str) or not content:
        return block  # pictures and files are Open WebUI's own
    html = str(resource.get("mimeType") or "").lower().startswith("text/html")
    if html and pages and len(content) <= LONGEST_PAGE:
        events.append({"type": "embeds", "data": {"embeds": [framed(content)]}})
        return {"type": "text", "text": text["shown"].format(name=original(uri))}
    events.append(source_event(original(uri) or "?", original(uri), content))
    return block


def framed(page: str) -> str:
    """Return a page that is readable in a frame without a background of its own, and as high as what it shows."""
    doctype = DOCTYPE.match(page)
    at = doctype.end() if doctype else 0
    return f"{page[:at]}{PAPER}{page[at:]}{HEIGHT}"


def error_of(result: Any) -> Json:
    """Return `{code, server}` that the gateway's hub says about a call that failed, empty if it says nothing."""
    return dict_of(dict_of(getattr(result, "meta", None)).get("sekisho/error"))


# Files in a tool's answer that Open WebUI does not keep: no pictures, sounds, pictures of rarer kinds.


Keep = Callable[[bytes, str, str], Awaitable[tuple[str, str]]]
"""Stores bytes of a kind under a name; returns the id and the text in them."""
KEPT_NATIVELY = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "audio/wav")
MOST_FILES = 8  # of one call
LONGEST_TEXT = 60_000  # characters for the model


async def attached(content: list[Any], keep: Keep, words: str) -> tuple[list[Any], list[Json]]:
    """Return the answer with its files as text, and the files to show. `words`: what the model reads of a file."""
    blocks: list[Any] = []
    files: list[Json] = []
    for block in content:
        found = _file_in(block) if len(files) < MOST_FILES else None
        id, text = await keep(*found) if found else ("", "")
        if not found or not id:
            blocks.append(block)
            continue
        raw, kind, name = found
        files.append(file_item(id, kind, name, len(raw)))
        told = words.format(name=name) + (f"\n\n{text[:LONGEST_TEXT]}" if text else "")
        blocks.append({"type": "text", "text": told})
    return blocks, files


def _file_in(block: Any) -> tuple[bytes, str, str] | None:
    """Return the bytes, kind and name of a file in a block, None where there is none to keep."""
    kind = dict_of(block).get("type")
    inner = dict_of(block.get("resource")) if kind == "resource" else dict_of(block)
    mime = one_line(inner.get("mimeType")).lower() or "application/octet-stream"
    native = mime.startswith("image/") if kind == "resource" else mime in KEPT_NATIVELY
    if kind not in ("resource", "image", "audio") or native:
        return None
    raw = decoded(inner.get("blob") if kind == "resource" else inner.get("data"))
    if raw is None or len(raw) > LARGEST_FILE:
        return None
    suffix = mime.partition("/")[2].partition("+")[0].partition(";")[0]
    return raw, mime, file_name(one_line(inner.get("uri"))) if kind == "resource" else f"{kind}.{suffix}"


# The client of a tool server as Open WebUI holds it, with ears for progress and reports.


Hear = Callable[..., Awaitable[None]]
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
HEARING = "_sekisho_hearing"
NEWER = "2026-07-28"
"""From this revision on, each request says which reports it wants."""


class Listening:
    """Stands for the SDK's client during one call; keeps the whole result."""

    def __init__(self, client: Any, progress: Hear, report: Hear | None, language: str) -> None:
        self._client, self._progress, self._report, self._language = client, progress, report, language
        self.result: Any = None

    async def call_tool(self, name: str, arguments: dict[str, Any], **options: Any) -> Any:
        wanted = self._report is not None and str(getattr(self._client, "protocol_version", "")) >= NEWER
        meta = {LANGUAGE: self._language, **({LOG_LEVEL: "info"} if wanted else {})}
        with reports(self._client, self._report):
            self.result = await self._client.call_tool(
                name, arguments, progress_callback=self._progress, meta=meta, **options
            )
        return self.result


@contextmanager
def reports(client: Any, report: Hear | None) -> Iterator[None]:
    """Show what the server reports within the block; the SDK takes such a listener only when it connects.

    Of several calls at once the latest hears: a report does not say to which of them it belongs.
    """
    session = getattr(client, "session", None)
    if report is None or getattr(session, "_logging_callback", None) is None:
        yield
        return
    hearing = _hearing(session)
    hearing.append(report)
    try:
        yield
    finally:
        hearing.remove(report)


def _hearing(session: Any) -> list[Hear]:
    """Return who hears a session's reports, at first nobody but who did before."""
    known: list[Hear] | None = getattr(session, HEARING, None)
    if known is not None:
        return known
    hearing: list[Hear] = []
    former = session._logging_callback

    async def heard(params: Any) -> None:
        await (hearing[-1](params.data) if hearing else former(params))

    session._logging_callback = heard
    setattr(session, HEARING, hearing)
    return hearing


# A call of a tool, with all that Open WebUI leaves out of it.


LONGEST_LINK = 2000
HUB_ERRORS = ("mcp_server_down", "mcp_timeout", "mcp_sign_in_needed")


@dataclass
class Bridge:
    """Takes the place of `MCPClient.call_tool` for one turn; the client's own treatment of answers stays."""

    native: Any
    emitter: Emitter
    text: dict[str, str]
    logs: bool
    pages: bool
    language: str = "en"
    keep: Keep | None = None
    """Stores files for the person."""

    async def call_tool(self, function_name: str, function_args: Json) -> Any:
        """Call a tool as Open WebUI does, and show how far it is. Raises what Open WebUI's own call raises."""
        lines = Lines(self.emitter, shown_name(function_name), self.text)
        listening = Listening(self.native.client, lines.progress, lines.log if self.logs else None, self.language)
        native_call = type(self.native).call_tool
        self.native.server_name = server_of(function_name) or self.native.server_name
        ending, who = "stopped", ""
        try:
            content = await native_call(
                SimpleNamespace(client=self.native.client and listening), function_name, function_args
            )
            ending = "done"
        except Exception:
            ending, who = why(listening.result)
            await self.show_sign_in(listening.result)
            raise
        finally:
            await lines.end(ending, who, done=True)
        return await self._completed(content)

    async def _completed(self, content: Any) -> Any:
        if isinstance(content, list) and self.keep:
            content, files = await attached(content, self.keep, self.text["attached"])
            if files:
                await self.emitter({"type": "files", "data": {"files": files}})
        content, events = complete(content, self.text, self.pages)
        for event in events:
            await self.emitter(event)
        return content

    async def show_sign_in(self, result: Any) -> None:
        """Show where a person signs in who did not do so when asked, or could not be asked."""
        error = error_of(result)
        if (link := one_line(error.get("sign_in"), LONGEST_LINK)).startswith(("https://", "http://")):
            name = self.text["sign_in"].format(tool=one_line(error.get("server")))
            await self.emitter(source_event(name, link, name))


def why(result: Any) -> tuple[str, str]:
    """Return how a call ended and whose fault it is: what the hub says to the model, else that it failed."""
    error = error_of(result)
    code = error.get("code")
    return (str(code), one_line(error.get("server"))) if code in HUB_ERRORS else ("failed", "")


def bridge(native: Any, **given: Any) -> None:
    """Let a turn's client of a tool server call through a bridge, once. `given`: what `Bridge` has."""
    if native is None or "call_tool" in vars(native):
        return
    if not hasattr(type(native), "call_tool") or not hasattr(native, "client"):
        log.warning("mcp_bridge: this Open WebUI calls tools in another way; they work, without progress")
        return
    native.call_tool = Bridge(native, **given).call_tool


# The filter: what Open WebUI leaves out of tools that speak MCP.


SERVER = "server:mcp:"  # before the id of a tool server that a chat uses
HUB_NAME = "sekisho"
MOST_CHATS = 10_000  # that are remembered
TOLD = "sekisho_tools_told"  # in __metadata__: tool servers that were said to be away


class Filter:
    class Valves(BaseModel):
        priority: int = valve(90, "valves.priority")
        logs: bool = valve(True, "valves.logs")
        pages: bool = valve(True, "valves.pages")

    def __init__(self) -> None:
        self.valves = self.Valves()
        self._chats: set[str] = set()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __request__: Any,
        __user__: dict[str, Any],
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Bridge the tools of this turn, before each call of the model; change nothing of the request."""
        valves = self.valves
        if __event_emitter__:
            language = user_language(__metadata__, __request__)
            text = TEXT[language]

            async def keep(raw: bytes, kind: str, name: str) -> tuple[str, str]:
                return await stored(raw, kind, name, __user__["id"], __request__, __metadata__)

            for entry in dict_of(__metadata__.get("tools")).values():
                if dict_of(entry).get("type") == "mcp":
                    given = {
                        "text": text,
                        "logs": valves.logs,
                        "pages": valves.pages,
                        "keep": keep,
                        "language": language,
                    }
                    bridge(entry.get("client"), emitter=__event_emitter__, **given)
            await self._tell_away(__metadata__, __event_emitter__, text)
        return body

    async def _tell_away(self, metadata: dict[str, Any], emitter: Emitter, text: dict[str, str]) -> None:
        """Say once a turn which tool servers did not answer when it began."""
        told = metadata.setdefault(TOLD, [])
        chosen = [id.removeprefix(SERVER) for id in items(metadata.get("tool_ids")) if str(id).startswith(SERVER)]
        for server in chosen:
            if server not in told and server not in dict_of(metadata.get("mcp_clients")):
                told.append(server)
                await show(emitter, text["not_connected"].format(server=server), True, ACTION)
        await self._tell_missing(metadata, emitter, text)

    async def _tell_missing(self, metadata: dict[str, Any], emitter: Emitter, text: dict[str, str]) -> None:
        """Say once a chat which servers behind the hub do not answer, so that their tools are not there."""
        chat = str(metadata.get("chat_id") or "")
        if not self._is_new(chat):
            return
        missing = {name for each in dict_of(metadata.get("mcp_clients")).values() for name in await missing_of(each)}
        if missing:
            names = text["between"].join(sorted(missing))
            await show(emitter, text["away"].format(servers=names), True, ACTION)

    def _is_new(self, chat: str) -> bool:
        """Return whether nothing was told to this chat, and note that now it is."""
        if not chat or chat in self._chats:
            return False
        if len(self._chats) >= MOST_CHATS:
            self._chats.clear()
        self._chats.add(chat)
        return True


async def missing_of(native: Any) -> list[str]:
    """Return the servers that do not answer behind the hub, empty for a connection to something else."""
    client: Any = getattr(native, "client", None)
    if getattr(getattr(client, "server_info", None), "name", "") != HUB_NAME:
        return []
    try:
        page = (await client.list_prompts()).model_dump(mode="json", by_alias=True)  # the shortest of its lists
    except Exception as error:
        log.info("mcp_bridge: what is missing is not known (%s)", type(error).__name__)
        return []
    return away(page)[0]
