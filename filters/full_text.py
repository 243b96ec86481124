"""
title: Full text
author: Sekisho
version: 0.2.0
license: MIT
description: Gives the model the whole text of the files you attached, not just search results.
required_open_webui_version: 0.12.4
id: full_text
"""

# Built by `python -m plugins.build` out of plugins/full_text: change it there, not here.

import asyncio
import fnmatch
import hashlib
import importlib
import json
import logging
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from open_webui.models.chats import Chats
from open_webui.models.config import Config
from open_webui.models.files import Files
from open_webui.models.folders import Folders
from open_webui.models.groups import Groups
from open_webui.models.users import Users
from open_webui.storage.provider import Storage
from open_webui.utils.access_control.files import has_access_to_file
from open_webui.utils.chat_id import is_saved_chat_id
from pydantic import BaseModel, Field

# Texts of the settings.


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
        "valves.group_caps.title": "Most tokens by group",
        "valves.group_caps.description": "A line each, such as “Sales: 50000”; counts in place of the limit above. "
        "Who is in several groups has the largest.",
        "valves.model_caps.title": "Most tokens by model",
        "valves.model_caps.description": "A line each, such as “gpt-*: 100000”; counts besides the limits above.",
        "valves.knowledge.title": "Knowledge too",
        "valves.knowledge.description": "Also files of the model's knowledge and of the project go in whole.",
        "valves.read_seconds.title": "Time to read a file (seconds)",
        "valves.read_seconds.description": "For files that this filter reads itself: page marks, or no stored text.",
        "valves.max_pages.title": "Most pages",
        "valves.max_pages.description": "Files with more pages are not read by this filter itself.",
        "valves.max_megabytes.title": "Largest file (MB)",
        "valves.max_megabytes.description": "Larger files are not read by this filter itself.",
        "valves.status.title": "Show a status line",
        "valves.status.description": "Tell above each answer which files went in whole.",
        "user_valves.mode.title": "Attached files",
        "user_valves.mode.description": "What happens to the files you attach while Full text is on. "
        "Default: The whole text if the model has room for it.",
        "user_valves.mode.enum.whole": "Always the whole text",
        "user_valves.mode.enum.if_it_fits": "The whole text if the model has room for it",
        "user_valves.mode.enum.search": "Search only",
        "user_valves.max_tokens.title": "Budget (tokens)",
        "user_valves.max_tokens.description": "Your own limit for all files together. 0: as much as fits.",
        "user_valves.page_marks.title": "Page marks",
        "user_valves.page_marks.description": "Marks where each page of a PDF begins, so that answers can name pages.",
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
        "valves.group_caps.title": "グループ別の最大トークン数",
        "valves.group_caps.description": "「営業部: 50000」のように1行に1つ書きます。上の値の代わりに使われます。"
        "複数のグループに属する人には最大の値が使われます。",
        "valves.model_caps.title": "モデル別の最大トークン数",
        "valves.model_caps.description": "「gpt-*: 100000」のように1行に1つ書きます。上の制限と併せて使われます。",
        "valves.knowledge.title": "ナレッジも対象にする",
        "valves.knowledge.description": "モデルのナレッジとプロジェクトのファイルも全文で渡します。",
        "valves.read_seconds.title": "読み取りの制限時間（秒）",
        "valves.read_seconds.description": "このフィルターが自分で読むファイル（ページ番号、文字が未保存）の制限です。",
        "valves.max_pages.title": "最大ページ数",
        "valves.max_pages.description": "これより長いファイルは、このフィルターが自分では読みません。",
        "valves.max_megabytes.title": "最大ファイルサイズ（MB）",
        "valves.max_megabytes.description": "これより大きいファイルは、このフィルターが自分では読みません。",
        "valves.status.title": "状況を表示する",
        "valves.status.description": "どのファイルが全文で渡されたかを回答の上に表示します。",
        "user_valves.mode.title": "添付ファイルの扱い",
        "user_valves.mode.description": "「全文」がオンのとき、添付したファイルをどう渡すかを選びます。"
        "デフォルトは「モデルに収まるときは全文」です。",
        "user_valves.mode.enum.whole": "常に全文",
        "user_valves.mode.enum.if_it_fits": "モデルに収まるときは全文",
        "user_valves.mode.enum.search": "検索のみ",
        "user_valves.max_tokens.title": "上限（トークン）",
        "user_valves.max_tokens.description": "ファイル全体に使う自分の上限です。0は入るだけ使います。",
        "user_valves.page_marks.title": "ページ番号",
        "user_valves.page_marks.description": "PDFの各ページの始まりに印を付け、回答でページを示せるようにします。",
    },
}


# Texts that the person reads.


TEXT = {
    "en": {
        "separator": ", ",
        "part": " · ",
        "whole": "{files}, {tokens} of {window} tokens ({percent} %), whole",
        "whole_without_window": "{files}, {tokens} tokens, whole",
        "one_file": "{count} file",
        "files": "{count} files",
        "search": "{name} by search: {reason}",
        "search_sized": "{name} ({tokens}) by search: {reason}",
        "not_read": "{name} not read: {reason}",
        "left_out": "{name} left out: {reason}",
        "more": "and {count} more",
        "reading": "Reading {name} …",
        "waited": "Waited for {names}",
        "broken": "Full text could not be prepared; the files are left to search",
        "setting": "your setting",
        "too_large": "too large",
        "over_limit": "over the limit of {limit}",
        "no_access": "no access",
        "no_text": "no text layer",
        "no_text_no_ocr": "no text layer; OCR is off",
        "empty": "the file is empty",
        "failed": "Open WebUI could not read it",
        "protected": "it has a password",
        "damaged": "the file is damaged",
        "bomb": "it unpacks to an unreasonable size",
        "slow": "reading took too long",
        "too_many_pages": "more than {pages} pages",
        "too_big": "larger than {megabytes} MB",
        "still_reading": "Open WebUI is still reading it; ask again in a moment",
        "model": "this model takes no file text",
        "no_prompt": "the message is empty",
    },
    "ja": {
        "separator": "、",
        "part": " · ",
        "whole": "全文: {files}、{window}トークン中{tokens}（{percent}%）",
        "whole_without_window": "全文: {files}、{tokens}トークン",
        "one_file": "{count}件",
        "files": "{count}件",
        "search": "{name} は検索: {reason}",
        "search_sized": "{name}（{tokens}）は検索: {reason}",
        "not_read": "{name} は読み取れません: {reason}",
        "left_out": "{name} は対象外: {reason}",
        "more": "ほか{count}件",
        "reading": "{name} を読み取っています…",
        "waited": "{names} の読み取りを待ちました",
        "broken": "全文を準備できませんでした。ファイルは検索で参照されます",
        "setting": "ユーザー設定",
        "too_large": "大きすぎます",
        "over_limit": "上限{limit}を超えます",
        "no_access": "アクセス権がありません",
        "no_text": "文字情報がありません",
        "no_text_no_ocr": "文字情報がありません（OCRはオフ）",
        "empty": "ファイルが空です",
        "failed": "Open WebUIが読み取りに失敗しました",
        "protected": "パスワードで保護されています",
        "damaged": "ファイルが壊れています",
        "bomb": "展開すると異常な大きさになります",
        "slow": "読み取りに時間がかかりすぎました",
        "too_many_pages": "{pages}ページを超えています",
        "too_big": "{megabytes}MBを超えています",
        "still_reading": "まだ読み取り中です。少し待ってからもう一度お試しください",
        "model": "このモデルはファイルの本文を受け取りません",
        "no_prompt": "メッセージが空です",
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


def user_language(metadata: dict[str, Any] | None, request: Any) -> Literal["en", "ja"]:
    """Return the language of the person's Open WebUI, or for an API client that of Accept-Language."""
    variables = (metadata or {}).get("variables")
    chosen = variables.get("{{USER_LANGUAGE}}") if isinstance(variables, dict) else None
    chosen = chosen or getattr(request, "headers", {}).get("accept-language")
    return "ja" if str(chosen or "").lower().startswith("ja") else "en"


# The status line of a turn, which all filters of the pack share.


LINES = "sekisho_lines"  # in __metadata__: what was told about this turn, by all filters of the pack
TOLD_FILES = "sekisho_told_files"  # in __metadata__: ids of files whose fate is in one of those lines


async def show(emitter: Emitter | None, description: str, done: bool) -> None:
    if emitter:
        await emitter({"type": "status", "data": {"description": description, "done": done}})


async def tell(metadata: Json, emitter: Emitter | None, line: str, part: str) -> None:
    """Show the line behind those of this turn, once: people see only the latest status."""
    lines = metadata.setdefault(LINES, [])
    if line and line not in lines:
        lines.append(line)
        await show(emitter, part.join(lines), done=True)


# Number of tokens of a text: an estimate, or tiktoken's count where its vocabulary lies on this machine.


# Tokens per match, fitted to o200k_base. Mean error (tests/bench/tokens.py): Japanese 4.4 %, English 4.1 %, code 3.0 %,
# CSV and JSON 2.7 %, mixed 3.4 %; characters / 4 misses Japanese by 69 %. Chinese comes out 50 % too high.
TOKEN_WEIGHTS = [
    (re.compile(r"[A-Za-z\u00c0-\u024f]{1,7}"), 0.92),
    (re.compile(r"[\u3040-\u309f]"), 0.52),  # hiragana
    (re.compile(r"[\u30a0-\u30ff]"), 0.62),  # katakana
    (re.compile(r"[\u3000-\u303f\uff00-\uffef]"), 1.2),  # Japanese punctuation, full-width letters
    (re.compile(r"[\u3400-\u9fff\uf900-\ufaff]"), 1.06),  # kanji
    (re.compile(r"[\uac00-\ud7af]"), 0.7),  # hangul
    (re.compile(r"[0-9]{1,3}"), 1.14),
    (re.compile(r"\n+"), 1.4),
    (re.compile(r"[!-/:-@\[-`{-~]+"), 0.8),
    (re.compile(r"[^\x00-\u024f\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]"), 0.6),
]
PIECE = 50_000  # characters counted at once: bounds memory, and lets other threads run in between
# What tiktoken calls o200k_base in its cache. Only a whole file is used: anything else would make it ask the network.
ENCODING = (
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
)


@cache
def encoding() -> Any:
    """Return tiktoken's o200k_base if its vocabulary lies on this machine, else None."""
    file = Path(os.environ.get("TIKTOKEN_CACHE_DIR", ""), ENCODING[0])
    try:
        if hashlib.sha256(file.read_bytes()).hexdigest() == ENCODING[1]:
            return importlib.import_module("tiktoken").get_encoding("o200k_base")
    except (OSError, ImportError, ValueError):
        pass
    return None


def estimate_tokens(text: str) -> int:
    return round(sum(weight * len(pattern.findall(text)) for pattern, weight in TOKEN_WEIGHTS))


def count_tokens(text: str) -> int:
    """Return the number of tokens. Takes 0.2 to 1 s a million characters: call it in a thread."""
    count = (lambda piece: len(encoding().encode_ordinary(piece))) if encoding() else estimate_tokens
    return sum(count(text[start : start + PIECE]) for start in range(0, len(text), PIECE))


# The context window of a model.


WINDOW_KEYS = ("context_window", "context_length", "max_model_len")


def base_model(model: dict[str, Any]) -> str:
    return str((model.get("info") or {}).get("base_model_id") or model.get("id") or "")


def context_window(model: dict[str, Any], request: Any) -> int:
    """Return the tokens the model takes, as its upstream lists them; 0 if it does not say."""
    base = getattr(request.app.state, "MODELS", {}).get(base_model(model)) or {}
    places = [model, model.get("openai") or {}, base, base.get("openai") or {}]
    return next((int(place[key]) for place in places for key in WINDOW_KEYS if place.get(key)), 0)


# Correction of the token estimate by model.
#
# Each model counts differently: context_guard compares with the usage that the gateway returned, in this process.


def correction(request: Any, model_id: str) -> float:
    """Return the factor by which the estimate is multiplied for this model."""
    return float(getattr(request.app.state, "sekisho_corrections", {}).get(model_id, 1.0))


# Numbers and names as they stand in a line.


def rounded(tokens: int) -> str:
    """Return three significant digits: 41234 -> 41,200. More would claim to be exact."""
    return f"{int(float(f'{tokens:.3g}')):,}"


def short(name: Any) -> str:
    """Return a name of at most 60 characters on one line."""
    name = " ".join(str(name).split())
    return name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"


# Groups of a person.


async def groups_of(user_id: str) -> dict[str, str]:
    """Return the names of the person's groups by their ids, parents of a group included."""
    groups = await Groups.get_groups_by_member_id(user_id, include_inherited=True)
    return {group.id: group.name for group in groups}


# Access to files.


async def may_read(file: Any, user: Any) -> bool:
    """Return whether the user, Open WebUI's UserModel, may read the file."""
    return bool(file.user_id == user.id or user.role == "admin" or await has_access_to_file(file.id, "read", user))


# Attached files, and what became of them.


# What became of a file that did not go in whole, by the reason: a key of TEXT. Everything else was not read.
FATES = {
    **dict.fromkeys(("setting", "too_large", "over_limit"), "search"),
    **dict.fromkeys(("no_access", "model", "no_prompt"), "left_out"),
}


@dataclass
class Document:
    """A file the user attached, and what became of it."""

    item: dict[str, Any]
    name: str
    place: int = 0  # which of the user's messages brought it, the oldest is 0
    tokens: int = 0
    reason: str = ""  # a key of TEXT; empty: the whole text goes in
    text: str = ""  # read by this filter itself; empty: Open WebUI's own is used

    @property
    def switched_by_user(self) -> bool:
        """True if Open WebUI's own switch on this file is set; not ours to take back."""
        return bool(self.item.get("context") == "full")

    @property
    def fate(self) -> str:
        return FATES.get(self.reason, "not_read")


@dataclass
class Room:
    """Tokens for files, and what limits them. `tokens` None: no limit."""

    tokens: int | None = None
    reason: str = "too_large"
    window: int = 0


def refuse(reason: str, documents: list[Document]) -> None:
    for document in documents:
        document.reason = reason


# Messages of a request.


def questions(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in body.get("messages") or [] if isinstance(one, dict) and one.get("role") == "user"]


def message_text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")


# Which files are the user's own, and which message brought them.


def file_ids(items: Iterable[Any]) -> set[str]:
    return {item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def ancestors(messages: dict[str, Any], id: Any) -> list[dict[str, Any]]:
    """Return the user's messages above, the nearest first."""
    found, seen = [], set()
    while id in messages and id not in seen:
        seen.add(id)
        if messages[id].get("role") == "user":
            found.append(messages[id])
        id = messages[id].get("parentId")
    return found


def knowledge_ids(model: dict[str, Any]) -> set[str]:
    knowledge = ((model.get("info") or {}).get("meta") or {}).get("knowledge") or []
    return {str(item.get(key)) for item in knowledge for key in ("id", "collection_name") if item.get(key)}


async def project_ids(metadata: dict[str, Any], user_id: str) -> set[str]:
    chat_id, folder_id = metadata.get("chat_id"), metadata.get("folder_id")
    if is_saved_chat_id(chat_id):
        folder_id = await Chats.get_chat_folder_id(chat_id, user_id) or folder_id
    folder = await Folders.get_folder_by_id(folder_id) if folder_id else None
    return file_ids((folder.data or {}).get("files") or []) if folder else set()


async def attached_places(items: list[dict[str, Any]], metadata: dict[str, Any], asked: int) -> dict[str, int]:
    """Return the ids of attached files, each with the number of the question that brought it among the `asked` ones."""
    chat_id = metadata.get("chat_id")
    newest = metadata.get("user_message") or {}
    if is_saved_chat_id(chat_id):
        # Other models of the same turn share `files`, so that their knowledge can be among them: the messages decide.
        messages = await Chats.get_messages_map_by_chat_id(chat_id) or {}
    else:
        # Temporary chats and API callers: the request is all there is. The caller listed the files, asked for this
        # filter, and could have set context "full" as well; `examine` still refuses what the caller may not read.
        messages = {"": {"role": "user", "files": items}}
    places = {
        id: 0 for one in messages.values() if one.get("role") == "user" for id in file_ids(one.get("files") or [])
    }
    chain = [newest, *ancestors(messages, newest.get("parentId") or newest.get("parent_id"))]
    for age, message in enumerate(chain):  # from the newest to the oldest, so that the first mention wins
        places |= dict.fromkeys(file_ids(message.get("files") or []), max(0, asked - 1 - age))
    return places


async def attached_documents(
    body: dict[str, Any], metadata: dict[str, Any], model: dict[str, Any], user_id: str, with_knowledge: bool
) -> list[Document]:
    """Return what the user attached in this chat; knowledge of model and project only if the administrator wants it."""
    files = body.get("files") or []
    items = [item for item in files if isinstance(item, dict) and item.get("type") == "file"]
    items = [item for item in items if isinstance(item.get("id"), str)]
    if not items:
        return []
    places = await attached_places(items, metadata, len(questions(body)))
    shared = knowledge_ids(model) | await project_ids(metadata, user_id)
    own = file_ids(items) if with_knowledge else set(places) - shared
    kept = [item for item in items if item["id"] in own]
    return [Document(item, short(item.get("name") or item["id"]), places.get(item["id"], 0)) for item in kept]


def why_files_are_ignored(body: dict[str, Any], model: dict[str, Any]) -> str:
    """Return a key of TEXT if Open WebUI would drop the text of all files without a word, else an empty text."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True):
        return "model"
    prompts = [message_text(message) for message in questions(body)]
    return "" if prompts and prompts[-1] else "no_prompt"


# The reader of raw files. It runs as a program of its own; between its two marks nothing else is used.


# >>> reader
UNPACKED = 300_000_000  # bytes that a Word file may unpack to
PACKED = 200  # times smaller than unpacked: real ones stay below 60


def read_file(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return {"text": …} or {"problem": …}; the kind is what the first bytes say, never the name."""
    import zipfile

    with open(path, "rb") as file:
        head = file.read(1024)
    if b"%PDF-" in head:
        return read_pdf(path, limits)
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # an encrypted Word file, or one from before 2007
        return {"problem": "protected" if old_office_is_encrypted(path) else "unsupported"}
    if not head.startswith(b"PK\x03\x04"):
        return {"problem": "unsupported"}
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(entry.file_size, entry.compress_size) for entry in archive.infolist()]
            is_word = "word/document.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return {"problem": "damaged"}
    total = sum(size for size, _ in sizes)
    if total > UNPACKED or any(size > 10_000_000 and size > PACKED * packed for size, packed in sizes):
        return {"problem": "bomb"}
    return read_docx(path, limits) if is_word else {"problem": "unsupported"}


def old_office_is_encrypted(path: str) -> bool:
    with open(path, "rb") as file:
        return "EncryptedPackage".encode("utf-16-le") in file.read(2_000_000)


def read_pdf(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    pypdf, errors = importlib.import_module("pypdf"), importlib.import_module("pypdf.errors")
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED:
            return {"problem": "protected"}
        if len(reader.pages) > limits["pages"]:
            return {"problem": "too_many_pages"}
        pages, room = [], limits["characters"]
        for number, page in enumerate(reader.pages, 1):
            text = page.extract_text().rstrip()
            pages.append(f"[Page {number}]\n{text}" if limits["marks"] else text)
            room -= len(text)
            if room < 0:
                return {"problem": "bomb"}
    except errors.FileNotDecryptedError:
        return {"problem": "protected"}
    except (errors.PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, RecursionError):
        return {"problem": "damaged"}
    return {"text": "\n\n".join(pages)} if room < limits["characters"] else {"problem": "scan"}


def read_docx(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return headings and tables as Markdown, in the order of the document."""
    from docx import Document as open_docx
    from docx.opc.exceptions import OpcError
    from docx.table import Table

    try:
        parts = [
            table_as_markdown(block) if isinstance(block, Table) else paragraph_as_markdown(block)
            for block in open_docx(path).iter_inner_content()
        ]
    except (OpcError, ValueError, TypeError, KeyError, AttributeError, SyntaxError, OSError, RecursionError):
        return {"problem": "damaged"}
    text = "\n\n".join(part for part in parts if part.strip())
    if len(text) > limits["characters"]:
        return {"problem": "bomb"}
    return {"text": text} if text else {"problem": "empty"}


def paragraph_as_markdown(paragraph: Any) -> str:
    style = str(getattr(paragraph.style, "name", "") or "")
    text = str(paragraph.text).rstrip()
    kind, _, level = style.rpartition(" ")
    if text and style == "Title":
        return f"# {text}"
    if text and kind == "Heading" and level.isdigit():
        return f"{'#' * min(int(level), 6)} {text}"
    return f"- {text}" if text and style.startswith("List ") else text


def table_as_markdown(table: Any) -> str:
    rows = []
    for row in table.rows:
        cells = [" ".join(str(cell.text).split()).replace("|", "\\|") for cell in row.cells]
        rows.append(f"| {' | '.join(cells)} |")
    if rows:
        rows.insert(1, "|" + " --- |" * max(1, len(table.columns)))
    return "\n".join(rows)


def read_and_tell(path: str, options: str) -> None:
    """Run the process: limit it, read the file, print the result."""
    limits = json.loads(options)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"] + 1, limits["seconds"] + 1))
    except (ImportError, ValueError, OSError):
        pass
    sys.stdout.write(json.dumps(read_file(path, limits)))


# <<< reader


# Reading a raw file in a process of its own, which a hostile file may exhaust or crash.


def reader_source() -> str:
    """Return the reader as a program. Open WebUI loads this file by a copy that is gone afterwards."""
    try:
        source = Path(__file__).read_text(encoding="utf-8")
        block = source.split("# >>> reader\n")[1].split("# <<< reader\n")[0]
    except (NameError, OSError, IndexError):
        return ""  # loaded in another way: Open WebUI's own text is used alone
    return f"import importlib, json, sys\nfrom typing import Any\n{block}\nread_and_tell(*sys.argv[1:])\n"


READER = reader_source()
READERS = asyncio.Semaphore(2)
READ_MEMORY = 1_500_000_000  # bytes of address space
READ_CHARACTERS = 20_000_000  # of one file; also of all that are remembered
REMEMBER_FILES = 50
memory: dict[tuple[Any, ...], dict[str, Any]] = {}


@dataclass
class Reading:
    """How files are read in this turn. `deadline` in time.monotonic seconds, for all waiting together."""

    valves: Any
    page_marks: bool
    user_id: str
    deadline: float


async def run_reader(arguments: list[str], seconds: float) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", READER, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LANG": "C.UTF-8"},
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds)
        found = json.loads(said)
        return found if isinstance(found, dict) else {"problem": "damaged"}
    except TimeoutError:
        return {"problem": "slow"}
    except ValueError:  # it died: out of memory, out of its processor time, crashed
        return {"problem": "damaged"}
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def read_in_a_process(file: Any, task: Reading) -> dict[str, Any]:
    """Return {"text": …} or {"problem": a key of TEXT, "scan", "unsupported" or "unreachable"}. Raises nothing."""
    valves = task.valves
    try:
        path = await asyncio.to_thread(Storage.get_file, file.path)
        if (await asyncio.to_thread(os.path.getsize, path)) > valves.max_megabytes * 1_000_000:
            return {"problem": "too_big"}
    except Exception:
        return {"problem": "unreachable"}
    limits = {
        "pages": valves.max_pages,
        "characters": READ_CHARACTERS,
        "memory": READ_MEMORY,
        "seconds": valves.read_seconds,
        "marks": task.page_marks,
    }
    if not READER:
        return {"problem": "unreachable"}
    async with READERS:
        return await run_reader([path, json.dumps(limits)], valves.read_seconds)


async def remembered_reading(file: Any, task: Reading) -> dict[str, Any]:
    """Read the file in a process, once: every turn asks again."""
    key = (file.id, file.updated_at, file.hash, task.page_marks)
    if key not in memory:
        found = await read_in_a_process(file, task)
        if found.get("problem") in ("slow", "unreachable"):  # may go better next time
            return found
        memory[key] = found
        while len(memory) > REMEMBER_FILES or sum(len(one.get("text") or "") for one in memory.values()) > (
            READ_CHARACTERS
        ):
            memory.pop(next(iter(memory)))
        return found
    memory[key] = memory.pop(key)  # the latest used stays the longest
    return memory[key]


# Text: Open WebUI's, or the raw file's.


POLL_SECONDS = 0.5


def is_being_read(file: Any) -> bool:
    """Return whether the text is still missing; it is stored before it is embedded, which need not be waited for."""
    data = file.data or {}
    return data.get("status") in ("pending", "processing") and not data.get("content")


async def awaited(file: Any, document: Document, task: Reading, reading: Callable[[Document], Awaitable[None]]) -> Any:
    if is_being_read(file) and time.monotonic() < task.deadline:
        await reading(document)
    while is_being_read(file) and (left := task.deadline - time.monotonic()) > 0:
        await asyncio.sleep(min(POLL_SECONDS, left))
        file = await Files.get_file_by_id(file.id) or file
    return file


def text_of(item: dict[str, Any], file: Any) -> str:
    """Return what Open WebUI will inject: a text that the item carries comes before the stored one."""
    carried = ((item.get("file") or {}).get("data") or {}).get("content")
    text = str(carried or (file.data or {}).get("content") or "")
    return text if text.strip() else ""


async def why_no_text(file: Any, problem: str) -> str:
    data = file.data or {}
    if data.get("status") == "failed" and "content" not in data and problem != "scan":
        return "failed"
    kind = str((file.meta or {}).get("content_type") or "")
    if problem != "scan" and not (kind.startswith("image/") or file.filename.lower().endswith(".pdf")):
        return "empty"
    engines = await Config.get_many("rag.content_extraction_engine", "rag.pdf_extract_images")
    return "no_text" if any(engines.values()) else "no_text_no_ocr"


async def read_raw(document: Document, file: Any, task: Reading, stored: str) -> None:
    """Read the text from the file itself; else leave Open WebUI's text, or the reason why there is none."""
    found = await remembered_reading(file, task)
    document.text = str(found.get("text") or "")
    if document.text or stored:
        return
    document.reason = str(found.get("problem") or "")
    if document.reason in ("scan", "unsupported", "unreachable"):
        document.reason = await why_no_text(file, document.reason)


async def examine(
    documents: list[Document],
    task: Reading,
    factor: float,
    reading: Callable[[Document], Awaitable[None]],
) -> None:
    """Fill in the tokens, or the reason why there is no text."""
    user = await Users.get_user_by_id(task.user_id)
    for document in documents:
        file = await Files.get_file_by_id(document.item["id"])
        if not (user and file and await may_read(file, user)):
            document.reason = "no_access"
            continue
        file = await awaited(file, document, task, reading)
        stored = text_of(document.item, file)
        if not is_being_read(file) and (task.page_marks or not stored):
            await read_raw(document, file, task, stored)
        elif not stored:
            document.reason = "still_reading"
        if not document.reason:
            document.tokens = round(await asyncio.to_thread(count_tokens, document.text or stored) * factor)


# How much goes in.


PROMPT_AROUND_FILES = 600  # tokens of Open WebUI's own instructions around the sources
TOOLS = 4500  # tokens of the descriptions of its tools, which only `request` sees, until one turn has shown them
REMEMBER_MODELS = 500


def parsed_caps(lines: str) -> dict[str, int]:
    """Parse lines like "Sales: 50,000"; others are skipped and logged. A cap of 0 is no cap."""
    found = {}
    for line in lines.splitlines():
        name, _, number = line.strip().replace("：", ":").rpartition(":")
        digits = re.sub(r"[,_\s]", "", number)
        if name.strip() and digits.isdecimal():
            found[name.strip()] = int(digits)
        elif line.strip():
            log.warning("full_text: a cap is written as “name: tokens”, not %r", line[:80])
    return found


async def caps(valves: Any, user_id: str, base_id: str, model: dict[str, Any]) -> list[int]:
    general = valves.max_tokens
    if by_group := parsed_caps(valves.group_caps):
        names = (await groups_of(user_id)).values()
        general = max((by_group[name] for name in names if name in by_group), default=general)
    ids = {base_id, str(model.get("id") or "")}
    by_model = [
        cap
        for pattern, cap in parsed_caps(valves.model_caps).items()
        if any(fnmatch.fnmatchcase(id, pattern) for id in ids)
    ]
    return [cap for cap in (general, *by_model) if cap > 0]


async def left_by_the_conversation(tokens: int, body: dict[str, Any], usual_answer: int) -> int:
    conversation = "\n".join(message_text(one) for one in body.get("messages") or [] if isinstance(one, dict))
    answer = body.get("max_tokens") or body.get("max_completion_tokens") or usual_answer
    return max(0, tokens - PROMPT_AROUND_FILES - int(answer) - await asyncio.to_thread(count_tokens, conversation))


async def room_for_files(
    room: Room, valves: Any, own: Any, user_id: str, model: dict[str, Any], body: dict[str, Any], tools: int
) -> Room:
    """Return the least of what administrator, person and window allow. Mode "whole" does not ask the window."""
    limits = [(limit, "over_limit") for limit in await caps(valves, user_id, base_model(model), model)]
    if own.max_tokens:
        limits.append((own.max_tokens, "over_limit"))
    if room.window and own.mode == "if_it_fits":
        limits.append((await left_by_the_conversation(room.window - tools, body, room.window // 8), "too_large"))
    if not limits:
        return room
    tokens, reason = min(limits)
    return Room(tokens, reason, room.window)


def tools_of(request: Any, model: dict[str, Any], metadata: dict[str, Any]) -> int:
    """Return the tokens of the tools' descriptions in this model's last turn; a usual number before the first."""
    native = metadata.get("session_id") and (metadata.get("params") or {}).get("function_calling") != "legacy"
    known: dict[str, int] = getattr(request.app.state, "sekisho_tools", {})
    return known.get(base_model(model), TOOLS if native else 0)


async def remember_tools(request: Any, model: dict[str, Any], body: dict[str, Any]) -> None:
    known: dict[str, int] = getattr(request.app.state, "sekisho_tools", {})
    described = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
    if len(known) >= REMEMBER_MODELS:
        known.clear()
    known[base_model(model)] = await asyncio.to_thread(count_tokens, described)
    request.app.state.sekisho_tools = known


def keep_within(room: Room, documents: list[Document]) -> None:
    """Mark the files that do not fit, the largest first."""
    whole = [document for document in documents if not document.reason]
    total = sum(document.tokens for document in whole if document.switched_by_user)
    for document in sorted(whole, key=lambda document: document.tokens):
        if document.switched_by_user:
            continue
        if room.tokens is not None and total + document.tokens > room.tokens:
            document.reason = room.reason
        else:
            total += document.tokens


def whole_item(item: dict[str, Any], document: Document) -> dict[str, Any]:
    if not document.text:
        return {**item, "context": "full"}
    file = item.get("file") or {}
    return {**item, "context": "full", "file": {**file, "data": {**(file.get("data") or {}), "content": document.text}}}


def with_full_context(files: list[Any], documents: list[Document]) -> list[Any]:
    """Return copies: the models of a multi-model turn share the list and its items."""
    whole = {id(document.item): document for document in documents if not document.reason}
    return [whole_item(item, whole[id(item)]) if id(item) in whole else item for item in files]


# Where the texts stand: with the message that brought the file, in every turn, so that prompt caches hit.


PLAN = "sekisho_full_text_plan"  # in __metadata__, from `inlet` to `request`: which text belongs to which message


def placement(documents: list[Document]) -> list[dict[str, Any]]:
    """Order the texts, smallest first: if the largest no longer fits, what stands before it is still the same."""
    whole = sorted((one for one in documents if not one.reason), key=lambda one: (one.tokens, one.item["id"]))
    return [{"id": one.item["id"], "name": one.name, "place": one.place} for one in whole]


def quoted(name: str) -> str:
    return name.replace('"', "'").replace("<", "(").replace(">", ")")


def whole_texts(metadata: dict[str, Any]) -> dict[str, str]:
    """Return the texts of whole files by id: sources of exactly one text."""
    found = {}
    for source in metadata.get("sources") or []:
        documents = source.get("document") or []
        if len(documents) == 1 and str(documents[0] or "").strip():
            found[str((source.get("source") or {}).get("id"))] = str(documents[0])
    return found


def part_with(part: Any, change: Callable[[str], str]) -> Any:
    has_text = isinstance(part, dict) and isinstance(part.get("text"), str)
    return {**part, "text": change(part["text"])} if has_text else part


def replaced(message: Any, old: str, new: str) -> Any:
    """Return a copy with the text replaced; only in what the user said."""
    if not isinstance(message, dict) or message.get("role") != "user" or old not in message_text(message):
        return message
    content = message["content"]
    if isinstance(content, list):
        return {**message, "content": [part_with(part, lambda text: text.replace(old, new)) for part in content]}
    return {**message, "content": content.replace(old, new)}


def with_block(messages: list[Any], place: int, block: str) -> list[Any]:
    asked = [index for index, one in enumerate(messages) if isinstance(one, dict) and one.get("role") == "user"]
    index = asked[min(place, len(asked) - 1)]
    message = messages[index]
    if message_text(message).startswith(block):
        return messages
    content = message.get("content")
    part = {"type": "text", "text": block}
    content = [part, *content] if isinstance(content, list) else block + str(content or "")
    return [*messages[:index], {**message, "content": content}, *messages[index + 1 :]]


def placed(messages: list[Any], metadata: dict[str, Any]) -> list[Any]:
    """Move each text out of Open WebUI's sources to the question that brought it; the source points there.

    Where Open WebUI put no such source (another template, sources in the system message) nothing moves.
    May be called again: in a tool loop the messages are as they were left, or have their sources anew.
    """
    texts = whole_texts(metadata)
    blocks: dict[int, list[str]] = {}
    for planned in metadata.get(PLAN) or []:
        text, name = texts.get(planned["id"]), quoted(planned["name"])
        if text is None:
            continue
        block = f'<document name="{name}">\n{text}\n</document>\n\n'
        pointer = f'>The whole text is in <document name="{name}">.</source>'
        moved = [replaced(message, f">{text}</source>", pointer) for message in messages]
        was_there = any(pointer in message_text(one) for one in moved if isinstance(one, dict))
        if was_there:
            messages = moved
            blocks.setdefault(planned["place"], []).append(block)
    for place, texts_there in blocks.items():
        messages = with_block(messages, place, "".join(texts_there))
    return messages


# What the person is told.


NAMED_FILES = 6  # in the line; more are counted


def explained(document: Document, room: Room, valves: Any, text: dict[str, str]) -> str:
    limits = {"limit": f"{room.tokens or 0:,}", "pages": valves.max_pages, "megabytes": valves.max_megabytes}
    reason = text[document.reason].format(**limits)
    key = "search_sized" if document.fate == "search" and document.tokens else document.fate
    return text[key].format(name=document.name, tokens=rounded(document.tokens), reason=reason)


def whole_part(whole: list[Document], window: int, text: dict[str, str]) -> str:
    tokens = sum(document.tokens for document in whole)
    files = text["one_file" if len(whole) == 1 else "files"].format(count=len(whole))
    if not window:
        return text["whole_without_window"].format(files=files, tokens=rounded(tokens))
    percent = str(round(tokens * 100 / window) or "<1")
    return text["whole"].format(files=files, tokens=rounded(tokens), window=f"{window:,}", percent=percent)


def summary(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> str:
    """Format: 3 files, 41,200 of 128,000 tokens (32 %), whole · report.pdf (310,000) by search: too large"""
    whole = [document for document in documents if not document.reason]
    others = [document for document in documents if document.reason]
    parts = [whole_part(whole, room.window or room.tokens or 0, text)] if whole else []
    parts += [explained(document, room, valves, text) for document in others[:NAMED_FILES]]
    if len(others) > NAMED_FILES:
        parts.append(text["more"].format(count=len(others) - NAMED_FILES))
    return text["part"].join(parts)


# The filter: whole files instead of search results, as far as they fit.


LINE = "sekisho_full_text_line"  # likewise: what to tell


def own_valves(user: dict[str, Any], kind: Any) -> Any:
    """Return what the person set. `__user__` is shared: a filter without UserValves may find another's there."""
    found = user.get("valves")
    return found if hasattr(found, "page_marks") and hasattr(found, "mode") else kind()


class Filter:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        wait_seconds: int = valve(60, "valves.wait_seconds", ge=0, le=600)
        max_tokens: int = valve(0, "valves.max_tokens", ge=0)
        group_caps: str = valve("", "valves.group_caps", json_schema_extra={"input": {"type": "textarea"}})
        model_caps: str = valve("", "valves.model_caps", json_schema_extra={"input": {"type": "textarea"}})
        knowledge: bool = valve(False, "valves.knowledge")
        read_seconds: int = valve(20, "valves.read_seconds", ge=1, le=300)
        max_pages: int = valve(2000, "valves.max_pages", ge=1)
        max_megabytes: int = valve(50, "valves.max_megabytes", ge=1)
        status: bool = valve(True, "valves.status")

    class UserValves(BaseModel):
        mode: Literal["whole", "if_it_fits", "search"] = valve("if_it_fits", "user_valves.mode")
        max_tokens: int = valve(0, "user_valves.max_tokens", ge=0)
        page_marks: bool = valve(False, "user_valves.page_marks")

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
        """Decide which files go in whole and mark them; their text follows in `request`."""
        valves = self.valves
        # A turn resumed after a tool approval passes here again, under the line it already has.
        shows_line = valves.status and not __metadata__.get("tool_approval_resume")
        emitter = __event_emitter__ if shows_line else None
        own = own_valves(__user__, self.UserValves)
        text = TEXT[user_language(__metadata__, __request__)]
        line = text["broken"]
        waited: list[str] = []

        async def reading(document: Document) -> None:
            waited.append(document.name)
            await show(emitter, text["reading"].format(name=document.name), done=False)

        try:
            documents = await attached_documents(body, __metadata__, __model__, __user__["id"], valves.knowledge)
            obstacle = why_files_are_ignored(body, __model__)
            room = Room(window=context_window(__model__, __request__))
            if own.mode == "search":
                documents = [document for document in documents if not document.switched_by_user]
                refuse("setting", documents)
            elif obstacle:
                refuse(obstacle, documents)
            elif documents:
                task = Reading(valves, own.page_marks, __user__["id"], time.monotonic() + valves.wait_seconds)
                await examine(documents, task, correction(__request__, base_model(__model__)), reading)
                tools = tools_of(__request__, __model__, __metadata__)
                room = await room_for_files(room, valves, own, __user__["id"], __model__, body, tools)
                keep_within(room, documents)
                body["files"] = with_full_context(body["files"], documents)
                __metadata__[PLAN] = placement(documents)
            line = summary(documents, room, valves, text)
            __metadata__[TOLD_FILES] = [document.item["id"] for document in documents if document.fate != "search"]
        except Exception:
            log.exception("full_text: the files are left to search")
        finally:  # `request` may never run: somebody pressed stop, another filter refused
            if waited:
                await show(emitter, text["waited"].format(names=text["separator"].join(waited)), done=True)
        if shows_line:
            __metadata__[LINE] = line
        return body

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Move the texts to their places before every call of the model; then show the line of `inlet`, once.

        Only the latest status is seen, and Open WebUI's own about files are out by now.
        """
        text = TEXT[user_language(__metadata__, __request__)]
        try:
            body["messages"] = placed(body.get("messages") or [], __metadata__)
            if PLAN in __metadata__:
                await remember_tools(__request__, __model__, body)
        except Exception:
            log.exception("full_text: the texts stay where Open WebUI put them")
        if line := __metadata__.pop(LINE, ""):
            await tell(__metadata__, __event_emitter__, line, text["part"])
        return body
