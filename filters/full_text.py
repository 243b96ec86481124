"""
title: Full text
author: Sekisho
version: 0.1.0
license: MIT
description: Gives the model the whole text of the files you attached, not just search results.
required_open_webui_version: 0.12.4
id: full_text
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from open_webui.models.chats import Chats
from open_webui.models.config import Config
from open_webui.models.files import Files
from open_webui.models.folders import Folders
from open_webui.models.users import Users
from open_webui.utils.access_control.files import has_access_to_file
from open_webui.utils.chat_id import is_saved_chat_id
from pydantic import BaseModel, Field

log = logging.getLogger(__name__)

I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Full text",
        "description": "Gives the model the whole text of the files you attached, not just search results.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first.",
        "valves.wait_seconds.title": "Wait for files (seconds)",
        "valves.wait_seconds.description": "How long a message waits for files that Open WebUI is still reading.",
        "valves.max_tokens.title": "Most tokens for files",
        "valves.max_tokens.description": "Beyond this many tokens the largest files stay with search. 0: no limit.",
        "valves.status.title": "Show a status line",
        "valves.status.description": "Tell above each answer which files went in whole.",
        "user_valves.mode.title": "Attached files",
        "user_valves.mode.description": "What happens to the files you attach while Full text is on. "
        "Default: The whole text if the model has room for it.",
        "user_valves.mode.enum.whole": "Always the whole text",
        "user_valves.mode.enum.if_it_fits": "The whole text if the model has room for it",
        "user_valves.mode.enum.search": "Search only",
    },
    "ja-JP": {
        "name": "全文",
        "description": "添付したファイルを、検索結果の抜粋ではなく全文でモデルに渡します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.wait_seconds.title": "ファイルを待つ時間（秒）",
        "valves.wait_seconds.description": "読み取り中のファイルがあるとき、メッセージの送信を待つ最長の時間です。",
        "valves.max_tokens.title": "ファイルの最大トークン数",
        "valves.max_tokens.description": "この数を超えると、大きいファイルから検索のままになります。0は無制限です。",
        "valves.status.title": "状況を表示する",
        "valves.status.description": "どのファイルが全文で渡されたかを回答の上に表示します。",
        "user_valves.mode.title": "添付ファイルの扱い",
        "user_valves.mode.description": "「全文」がオンのとき、添付したファイルをどう渡すかを選びます。"
        "デフォルトは「モデルに収まるときは全文」です。",
        "user_valves.mode.enum.whole": "常に全文",
        "user_valves.mode.enum.if_it_fits": "モデルに収まるときは全文",
        "user_valves.mode.enum.search": "検索のみ",
    },
}

TEXT = {
    "en": {
        "separator": ", ",
        "part": " · ",
        "whole": "Full text: {names}",
        "nothing": "none",
        "total": "about {tokens} tokens",
        "left": "left to search: {names}",
        "because": "{name} ({reason})",
        "reading": "Reading {name} …",
        "waited": "Waited for {names}",
        "broken": "Full text could not be prepared; the files are left to search",
        "setting": "your setting",
        "no_access": "no access",
        "no_text": "no text layer",
        "no_text_no_ocr": "no text layer; OCR is off",
        "failed": "could not be read",
        "still_reading": "still being read; ask again in a moment",
        "too_large": "about {tokens} tokens, room for {room}",
        "model": "this model takes no file text",
        "no_prompt": "the message is empty",
    },
    "ja": {
        "separator": "、",
        "part": "・",
        "whole": "全文: {names}",
        "nothing": "なし",
        "total": "約{tokens}トークン",
        "left": "検索のまま: {names}",
        "because": "{name}（{reason}）",
        "reading": "{name} を読み取っています…",
        "waited": "{names} の読み取りを待ちました",
        "broken": "全文を準備できませんでした。ファイルは検索で参照されます",
        "setting": "ユーザー設定",
        "no_access": "アクセス権がありません",
        "no_text": "文字情報がありません",
        "no_text_no_ocr": "文字情報がありません。OCRはオフです",
        "failed": "読み取れませんでした",
        "still_reading": "まだ読み取り中です。少し待ってからもう一度お試しください",
        "too_large": "約{tokens}トークン、空きは{room}",
        "model": "このモデルはファイルの本文を受け取りません",
        "no_prompt": "メッセージが空です",
    },
}

POLL_SECONDS = 0.5
PROMPT_AROUND_FILES = 600  # tokens of Open WebUI's own instructions around the sources
WINDOW_KEYS = ("context_window", "context_length", "max_model_len")
LINE = "sekisho_full_text_line"  # in __metadata__, from `inlet` to `request`

Emitter = Callable[[dict[str, Any]], Awaitable[None]]


# >>> shared:valve
def valve(default: Any, key: str, **rules: Any) -> Any:
    """A pydantic field whose English title and description are those of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)


# <<< shared:valve


# >>> shared:language
def user_language(metadata: dict[str, Any] | None, request: Any) -> Literal["en", "ja"]:
    """What the browser's Open WebUI is set to, else what an API client asks for in Accept-Language."""
    variables = (metadata or {}).get("variables")
    chosen = variables.get("{{USER_LANGUAGE}}") if isinstance(variables, dict) else None
    chosen = chosen or getattr(request, "headers", {}).get("accept-language")
    return "ja" if str(chosen or "").lower().startswith("ja") else "en"


# <<< shared:language


# >>> shared:tokens
# Tokens per match. Fitted to o200k_base over 110 Japanese, English, code, CSV and JSON documents: 3 % mean error,
# where characters / 4 misses Japanese by more than half. Chinese comes out 50 % too high. tiktoken is not used: it
# would fetch its vocabulary from the network, and models differ from each other by more than this estimate does.
TOKEN_WEIGHTS = [
    (re.compile(r"[A-Za-z\u00c0-\u024f]{1,7}"), 0.87),
    (re.compile(r"[\u3000-\u30ff\uff00-\uffef]"), 0.58),  # kana and Japanese punctuation
    (re.compile(r"[\u3400-\u9fff\uf900-\ufaff]"), 1.04),  # kanji
    (re.compile(r"[\uac00-\ud7af]"), 0.7),  # hangul
    (re.compile(r"[0-9]{1,3}"), 1.12),
    (re.compile(r"\n+"), 1.19),
    (re.compile(r"[!-/:-@\[-`{-~]+"), 0.96),
    (re.compile(r"[^\x00-\u024f\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"), 0.6),
]


def estimate_tokens(text: str) -> int:
    return round(sum(weight * len(pattern.findall(text)) for pattern, weight in TOKEN_WEIGHTS))


# <<< shared:tokens


@dataclass
class Document:
    """A file the user attached, and what became of it."""

    item: dict[str, Any]
    name: str
    tokens: int = 0
    room: int = 0  # tokens left when its turn came
    reason: str = ""  # a key of TEXT; empty: the whole text goes in

    @property
    def switched_by_user(self) -> bool:
        """Open WebUI's own switch on this file is set; not ours to take back."""
        return bool(self.item.get("context") == "full")


class Filter:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        wait_seconds: int = valve(60, "valves.wait_seconds", ge=0, le=600)
        max_tokens: int = valve(0, "valves.max_tokens", ge=0)
        status: bool = valve(True, "valves.status")

    class UserValves(BaseModel):
        mode: Literal["whole", "if_it_fits", "search"] = valve("if_it_fits", "user_valves.mode")

    toggle = True
    icon = (  # a sheet of paper with lines
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPSdibGFjaycgc3Ryb2tlLXdpZHRoPScyJyBzdHJva2UtbGluZWNhcD0ncm91bmQnIHN0cm9rZS1saW5lam9pbj0ncm91bmQn"
        "PjxwYXRoIGQ9J001IDNoMTBsNCA0djE0SDV6TTkgMTBoNk05IDE0aDZNOSAxOGg2Jy8+PC9zdmc+"
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        valves = self.valves
        # A turn resumed after a tool approval passes here again, under the line it already has.
        told = valves.status and not __metadata__.get("tool_approval_resume")
        emitter = __event_emitter__ if told else None
        mode = getattr(__user__.get("valves"), "mode", "if_it_fits")
        text = TEXT[user_language(__metadata__, __request__)]
        line = text["broken"]
        waited: list[str] = []

        async def reading(document: Document) -> None:
            waited.append(document.name)
            await show(emitter, text["reading"].format(name=document.name), done=False)

        try:
            documents = await attached_documents(body.get("files") or [], __metadata__, __model__, __user__["id"])
            obstacle = why_files_are_ignored(body, __model__)
            if mode == "search":
                documents = refused("setting", [one for one in documents if not one.switched_by_user])
            elif obstacle:
                documents = refused(obstacle, documents)
            elif documents:
                await examine(documents, __user__["id"], time.monotonic() + valves.wait_seconds, reading)
                window = context_window(__model__, __request__) if mode == "if_it_fits" else 0
                keep_within(await token_limit(valves.max_tokens, window, body), documents)
                body["files"] = with_full_context(body["files"], documents)
            line = summary(documents, text)
        except Exception:
            log.exception("full_text: the files are left to search")
        finally:  # `request` may never run: somebody pressed stop, another filter refused
            if waited:
                await show(emitter, text["waited"].format(names=text["separator"].join(waited)), done=True)
        if told:
            __metadata__[LINE] = line
        return body

    async def request(
        self, body: dict[str, Any], __metadata__: dict[str, Any], __event_emitter__: Emitter | None = None
    ) -> dict[str, Any]:
        """Shows the line of `inlet`, once: only the latest status is seen, and Open WebUI's own about files are out."""
        if line := __metadata__.pop(LINE, ""):
            await show(__event_emitter__, line, done=True)
        return body


async def show(emitter: Emitter | None, description: str, done: bool) -> None:
    if emitter:
        await emitter({"type": "status", "data": {"description": description, "done": done}})


async def attached_documents(
    files: list[Any], metadata: dict[str, Any], model: dict[str, Any], user_id: str
) -> list[Document]:
    """What the user attached in this chat; knowledge of the model and of the project is left alone."""
    items = [item for item in files if isinstance(item, dict) and item.get("type") == "file"]
    if not items:
        return []
    own = await attached_ids(items, metadata) - knowledge_ids(model) - await project_ids(metadata, user_id)
    return [Document(item, short(item.get("name") or item["id"])) for item in items if item.get("id") in own]


async def attached_ids(items: list[dict[str, Any]], metadata: dict[str, Any]) -> set[str]:
    chat_id = metadata.get("chat_id")
    if not is_saved_chat_id(chat_id):
        # Temporary chats and API callers: the request is all there is. The caller listed the files, asked for this
        # filter, and could have set context "full" as well; `examine` still refuses what the caller may not read.
        return file_ids(items)
    # Other models of the same turn share `files`, so that their knowledge can be among them: the messages decide.
    messages = (await Chats.get_messages_map_by_chat_id(chat_id) or {}).values()
    attached = [item for message in messages if message.get("role") == "user" for item in message.get("files") or []]
    return file_ids([*attached, *((metadata.get("user_message") or {}).get("files") or [])])


def knowledge_ids(model: dict[str, Any]) -> set[str]:
    knowledge = ((model.get("info") or {}).get("meta") or {}).get("knowledge") or []
    return {str(item.get(key)) for item in knowledge for key in ("id", "collection_name") if item.get(key)}


async def project_ids(metadata: dict[str, Any], user_id: str) -> set[str]:
    chat_id, folder_id = metadata.get("chat_id"), metadata.get("folder_id")
    if is_saved_chat_id(chat_id):
        folder_id = await Chats.get_chat_folder_id(chat_id, user_id) or folder_id
    folder = await Folders.get_folder_by_id(folder_id) if folder_id else None
    return file_ids((folder.data or {}).get("files") or []) if folder else set()


def file_ids(items: Iterable[Any]) -> set[str]:
    return {item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def why_files_are_ignored(body: dict[str, Any], model: dict[str, Any]) -> str:
    """A key of TEXT where Open WebUI would drop the text of all files without a word, else empty."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True):
        return "model"
    prompts = [message_text(message) for message in body.get("messages") or [] if message.get("role") == "user"]
    return "" if prompts and prompts[-1] else "no_prompt"


def message_text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


def refused(reason: str, documents: list[Document]) -> list[Document]:
    return [replace(document, reason=reason) for document in documents]


async def examine(
    documents: list[Document], user_id: str, deadline: float, reading: Callable[[Document], Awaitable[None]]
) -> None:
    """Fill in tokens, or the reason why there is no text; `deadline` in time.monotonic seconds for all together."""
    user = await Users.get_user_by_id(user_id)
    for document in documents:
        file = await Files.get_file_by_id(document.item["id"])
        if not (user and file and await may_read(file, user)):
            document.reason = "no_access"
            continue
        if is_being_read(file) and time.monotonic() < deadline:
            await reading(document)
        while is_being_read(file) and (left := deadline - time.monotonic()) > 0:
            await asyncio.sleep(min(POLL_SECONDS, left))
            file = await Files.get_file_by_id(file.id) or file
        if text := text_of(document.item, file):
            document.tokens = await asyncio.to_thread(estimate_tokens, text)
        else:
            document.reason = await why_no_text(file)


async def may_read(file: Any, user: Any) -> bool:
    return bool(file.user_id == user.id or user.role == "admin" or await has_access_to_file(file.id, "read", user))


def is_being_read(file: Any) -> bool:
    """The text is stored before it is embedded: what is only missing from search need not be waited for."""
    data = file.data or {}
    return data.get("status") in ("pending", "processing") and not data.get("content")


def text_of(item: dict[str, Any], file: Any) -> str:
    """What Open WebUI will inject: a text that the item carries comes before the stored one."""
    carried = ((item.get("file") or {}).get("data") or {}).get("content")
    text = str(carried or (file.data or {}).get("content") or "")
    return text if text.strip() else ""


async def why_no_text(file: Any) -> str:
    data = file.data or {}
    if is_being_read(file):
        return "still_reading"
    if data.get("status") == "failed" and "content" not in data:
        return "failed"
    engines = await Config.get_many("rag.content_extraction_engine", "rag.pdf_extract_images")
    return "no_text" if any(engines.values()) else "no_text_no_ocr"


def context_window(model: dict[str, Any], request: Any) -> int:
    """Tokens the model takes, as its upstream lists them; 0 if it does not say."""
    base_id = (model.get("info") or {}).get("base_model_id")
    base = getattr(request.app.state, "MODELS", {}).get(base_id) or {}
    places = [model, model.get("openai") or {}, base, base.get("openai") or {}]
    return next((int(place[key]) for place in places for key in WINDOW_KEYS if place.get(key)), 0)


async def token_limit(max_tokens: int, window: int, body: dict[str, Any]) -> int | None:
    """Room for files in tokens: the administrator's limit, and what conversation and answer leave of the window."""
    limits = [max_tokens] if max_tokens else []
    if window:
        conversation = "\n".join(message_text(message) for message in body.get("messages") or [])
        answer = body.get("max_tokens") or body.get("max_completion_tokens") or window // 8
        taken = PROMPT_AROUND_FILES + int(answer) + await asyncio.to_thread(estimate_tokens, conversation)
        limits.append(max(0, window - taken))
    return min(limits, default=None)


def keep_within(limit: int | None, documents: list[Document]) -> None:
    """Smallest first, so that it is the largest that stay with search."""
    whole = [document for document in documents if not document.reason]
    total = sum(document.tokens for document in whole if document.switched_by_user)
    for document in sorted(whole, key=lambda document: document.tokens):
        if document.switched_by_user:
            continue
        if limit is not None and total + document.tokens > limit:
            document.reason, document.room = "too_large", max(0, limit - total)
        else:
            total += document.tokens


def with_full_context(files: list[Any], documents: list[Document]) -> list[Any]:
    """Copies: the models of a multi-model turn share the list and its items."""
    whole = [id(document.item) for document in documents if not document.reason]
    return [{**item, "context": "full"} if id(item) in whole else item for item in files]


def summary(documents: list[Document], text: dict[str, str]) -> str:
    """Full text: a.pdf, b.docx · about 4,120 tokens · left to search: c.pdf (no access)"""
    if not documents:
        return ""
    whole = [document for document in documents if not document.reason]
    left = [explained(document, text) for document in documents if document.reason]
    names = text["separator"].join(document.name for document in whole)
    parts = [text["whole"].format(names=names or text["nothing"])]
    if whole:
        parts.append(text["total"].format(tokens=rounded(sum(document.tokens for document in whole))))
    if left:
        parts.append(text["left"].format(names=text["separator"].join(left)))
    return text["part"].join(parts)


def explained(document: Document, text: dict[str, str]) -> str:
    reason = text[document.reason].format(tokens=rounded(document.tokens), room=rounded(document.room))
    return text["because"].format(name=document.name, reason=reason)


def rounded(tokens: int) -> str:
    """Three significant digits: 41234 -> 41,200. More would claim to be exact."""
    return f"{int(float(f'{tokens:.3g}')):,}"


def short(name: str) -> str:
    name = " ".join(str(name).split())
    return name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"
