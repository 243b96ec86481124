"""
title: Full text
author: Sekisho
version: 0.3.0
license: MIT
description: Gives the model the whole text of the files you attached, not just search results.
required_open_webui_version: 0.12.4
id: full_text
"""

# Built by `python -m plugins.build` out of plugins/full_text: change it there, not here.

import ast
import asyncio
import codecs
import datetime
import email.policy
import fnmatch
import hashlib
import importlib
import io
import json
import logging
import math
import os
import re
import struct
import sys
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
        "and": "; ",
        "not_whole": "{count} of {of} files not whole",
        "in_part": "{name} in part: {reason} (its text, {tokens} tokens, was sent)",
        "whole_file": "{name} whole ({tokens} tokens)",
        "copies": "the same content as {names}, sent once",
        "which": " ({names})",
        "note_scan_pages_one": "{of} pages, {count} of them a scan without text{which}",
        "note_garbled_pages_one": "{of} pages, {count} of them with text in an unknown encoding{which}",
        "note_picture_slides_one": "{of} slides, {count} of them only a picture{which}",
        "note_embedded_one": "{count} embedded object not read",
        "note_attachments_one": "{count} attachment not read{which}",
        "note_attachments_in_part_one": "{count} attachment read in part{which}",
        "note_pictures_one": "{count} picture not looked at{which}",
        "note_charts_one": "{count} chart not read",
        "note_formulas_one": "{count} formula without a stored value, shown as a formula{which}",
        "note_scan_pages": "{of} pages, {count} of them scans without text{which}",
        "note_garbled_pages": "{of} pages, {count} of them with text in an unknown encoding{which}",
        "note_picture_slides": "{of} slides, {count} of them only pictures{which}",
        "note_embedded": "{count} embedded objects not read",
        "note_attachments": "{count} attachments not read{which}",
        "note_attachments_in_part": "{count} attachments read in part{which}",
        "note_pictures": "{count} pictures not looked at{which}",
        "note_charts": "{count} charts not read",
        "note_formulas": "{count} formulas without a stored value, shown as formulas{which}",
        "note_old_parts_one": "{count} comment or text box not read (save it as .xlsx)",
        "note_old_parts": "{count} comments or text boxes not read (save it as .xlsx)",
        "note_unchecked": "as Open WebUI read it; not checked for completeness",
        "aside_unchecked": "as Open WebUI read it, unchecked",
        "aside_pictures": "pictures not looked at",
        "aside_charts": "charts not read",
        "aside_formulas": "formulas without values",
        "reading": "Reading {name} …",
        "waited": "Waited for {names}",
        "broken": "Full text could not be prepared; the files are left to search",
        "setting": "your setting",
        "too_large": "too large",
        "over_limit": "over the limit of {limit}",
        "no_access": "no access (deleted, or not shared with you); attach it again",
        "no_text": "no text layer",
        "no_text_no_ocr": "no text layer; OCR is off",
        "no_text_inline": "a temporary chat found no text in it; attach it in an ordinary chat",
        "empty": "the file is empty",
        "failed": "Open WebUI could not read it",
        "protected": "it has a password",
        "damaged": "the file is damaged",
        "bomb": "it unpacks to an unreasonable size",
        "old_document": "the old .doc format is not read; save it as .docx",
        "old_slides": "the old .ppt format is not read; save it as .pptx",
        "empty_sheets": "its sheets are empty",
        "only_drawings": "it holds no text, only pictures or charts",
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
        "and": "、",
        "not_whole": "{of}件中{count}件は全文ではありません",
        "in_part": "{name} は一部のみ: {reason}（読めた文字{tokens}トークンを送信）",
        "whole_file": "{name} は全文（{tokens}トークン）",
        "copies": "{names} と同じ内容のため1回だけ送信",
        "which": "（{names}）",
        "note_scan_pages_one": "{of}ページ中{count}ページは文字のないスキャン{which}",
        "note_scan_pages": "{of}ページ中{count}ページは文字のないスキャン{which}",
        "note_garbled_pages_one": "{of}ページ中{count}ページは文字コードが不明{which}",
        "note_garbled_pages": "{of}ページ中{count}ページは文字コードが不明{which}",
        "note_picture_slides_one": "{of}枚中{count}枚のスライドは画像のみ{which}",
        "note_picture_slides": "{of}枚中{count}枚のスライドは画像のみ{which}",
        "note_embedded_one": "埋め込みオブジェクト{count}件は未読",
        "note_embedded": "埋め込みオブジェクト{count}件は未読",
        "note_attachments_one": "添付{count}件は未読{which}",
        "note_attachments": "添付{count}件は未読{which}",
        "note_attachments_in_part_one": "添付{count}件は一部のみ{which}",
        "note_attachments_in_part": "添付{count}件は一部のみ{which}",
        "note_pictures_one": "画像{count}件は見ていません{which}",
        "note_pictures": "画像{count}件は見ていません{which}",
        "note_charts_one": "グラフ{count}件は未読",
        "note_charts": "グラフ{count}件は未読",
        "note_formulas_one": "計算結果のない数式{count}件は数式のまま{which}",
        "note_formulas": "計算結果のない数式{count}件は数式のまま{which}",
        "note_old_parts_one": "コメントかテキストボックス{count}件は未読（.xlsx で保存し直してください）",
        "note_old_parts": "コメントかテキストボックス{count}件は未読（.xlsx で保存し直してください）",
        "note_unchecked": "Open WebUIが読み取ったままで、欠落の有無は未確認",
        "aside_unchecked": "Open WebUIが読み取ったまま（未確認）",
        "aside_pictures": "画像は見ていません",
        "aside_charts": "グラフは未読",
        "aside_formulas": "計算結果のない数式あり",
        "reading": "{name} を読み取っています…",
        "waited": "{names} の読み取りを待ちました",
        "broken": "全文を準備できませんでした。ファイルは検索で参照されます",
        "setting": "ユーザー設定",
        "too_large": "大きすぎます",
        "over_limit": "上限{limit}を超えます",
        "no_access": "アクセスできません（削除されたか、共有されていません）。もう一度添付してください",
        "no_text": "文字情報がありません",
        "no_text_no_ocr": "文字情報がありません（OCRはオフ）",
        "no_text_inline": "一時チャットでは文字を読み取れません。通常のチャットで添付してください",
        "empty": "ファイルが空です",
        "failed": "Open WebUIが読み取りに失敗しました",
        "protected": "パスワードで保護されています",
        "damaged": "ファイルが壊れています",
        "bomb": "展開すると異常な大きさになります",
        "old_document": "旧形式の .doc は読めません。.docx で保存し直してください",
        "old_slides": "旧形式の .ppt は読めません。.pptx で保存し直してください",
        "empty_sheets": "シートが空です",
        "only_drawings": "文字がなく、画像かグラフだけです",
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


MOST_NAMES = 100
LONGEST_NAMES = 2_000  # characters of all names in a signature: Japanese ones take eight bytes a character there


async def groups_of(user_id: str) -> dict[str, str]:
    """Return the names of the person's groups by their ids, parents of a group included."""
    groups = await Groups.get_groups_by_member_id(user_id, include_inherited=True)
    return {group.id: group.name for group in groups}


async def group_names(user_id: str) -> list[str]:
    """Return the names that a signature carries: in alphabetical order, as many as a request has room for."""
    names, length = list[str](), 0
    for name in sorted(set((await groups_of(user_id)).values())):
        length += len(name)
        if len(names) < MOST_NAMES and length <= LONGEST_NAMES:
            names.append(name)
    return names


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
MISSING = frozenset(
    {"scan_pages", "garbled_pages", "picture_slides", "embedded", "attachments", "attachments_in_part", "old_parts"}
)
"""Notes of the reader that tell of text which is in the file and was not read."""


@dataclass
class Document:
    """A file the user attached, and what became of it."""

    item: dict[str, Any]
    name: str
    place: int = 0  # which of the user's messages brought it, the oldest is 0
    on_branch: bool = True  # brought by a message of this branch of the chat
    tokens: int = 0
    reason: str = ""  # a key of TEXT; empty: the whole text goes in
    text: str = ""  # read by this filter itself; empty: Open WebUI's own is used
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was not read: see `Outcome.notes` of the reader."""
    content: str = ""  # identity of what is in the file; empty: not known
    copies: list[str] = field(default_factory=list)
    """Other names under which the same content is attached."""

    @property
    def id(self) -> str:
        return str(self.item.get("id") or "")

    @property
    def is_inline(self) -> bool:
        """True if the page read the file and sent its text along, as in a temporary chat."""
        return self.item.get("type") == "text"

    @property
    def switched_by_user(self) -> bool:
        """True if Open WebUI sends this text whole by itself; not ours to take back."""
        return bool(self.item.get("context") == "full") or self.is_inline

    @property
    def fate(self) -> str:
        return FATES.get(self.reason, "not_read")

    @property
    def in_part(self) -> bool:
        return not self.reason and bool(MISSING & self.notes.keys())


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


async def attached_places(
    items: list[dict[str, Any]], metadata: dict[str, Any], asked: int
) -> dict[str, tuple[int, bool]]:
    """Return the ids of attached files, each with the number of the question that brought it among the `asked` ones,
    and whether that question is on this branch of the chat.
    """
    chat_id = metadata.get("chat_id")
    newest = metadata.get("user_message") or {}
    if is_saved_chat_id(chat_id):
        # Other models of the same turn share `files`, so that their knowledge can be among them: the messages decide.
        messages = await Chats.get_messages_map_by_chat_id(chat_id) or {}
    else:
        # Temporary chats and API callers: the request is all there is. The caller listed the files, asked for this
        # filter, and could have set context "full" as well; `examine` still refuses what the caller may not read.
        messages = {"": {"role": "user", "files": items}}
    asking = [one for one in messages.values() if one.get("role") == "user"]
    places = {id: (0, False) for one in asking for id in file_ids(one.get("files") or [])}
    chain = [newest, *ancestors(messages, newest.get("parentId") or newest.get("parent_id"))]
    for age, message in enumerate(chain):  # from the newest to the oldest, so that the first mention wins
        places |= dict.fromkeys(file_ids(message.get("files") or []), (max(0, asked - 1 - age), True))
    return places


async def attached_documents(
    body: dict[str, Any], metadata: dict[str, Any], model: dict[str, Any], user_id: str, with_knowledge: bool
) -> list[Document]:
    """Return what the user attached in this chat; knowledge of model and project only if the administrator wants it."""
    files = [item for item in body.get("files") or [] if isinstance(item, dict)]
    items = [item for item in files if item.get("type") == "file" and isinstance(item.get("id"), str)]
    inline = [] if is_saved_chat_id(metadata.get("chat_id")) else [item for item in files if is_inline_file(item)]
    if not items and not inline:
        return []
    places = await attached_places([*items, *inline], metadata, len(questions(body)))
    shared = knowledge_ids(model) | await project_ids(metadata, user_id)
    own = file_ids(items) if with_knowledge else set(places) - shared
    kept = [*(item for item in items if item["id"] in own), *inline]
    found = [(item, places.get(str(item.get("id")), (0, False))) for item in kept]
    return [Document(item, short(item.get("name") or item.get("id")), place, on) for item, (place, on) in found]


def is_inline_file(item: dict[str, Any]) -> bool:
    """Return whether the page of a temporary chat read this file itself; web pages have a collection, and no file."""
    return item.get("type") == "text" and not item.get("collection_name") and not item.get("url")


def why_files_are_ignored(body: dict[str, Any], model: dict[str, Any]) -> str:
    """Return a key of TEXT if Open WebUI would drop the text of all files without a word, else an empty text."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True):
        return "model"
    prompts = [message_text(message) for message in questions(body)]
    return "" if prompts and prompts[-1] else "no_prompt"


# What the reader found in a file. It runs as a program of its own; between its two marks nothing else is used.


# >>> reader
NAMED = 12  # pages or names in a note; more are counted


class Unreadable(Exception):
    """Reason why a file has no text for us: a key of TEXT, or "unsupported"."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass
class Outcome:
    """Text in parts, and what was not read; `room` is the number of characters that may still come."""

    room: int
    kind: str = ""
    parts: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By a key of TEXT without its "note_": `count`, `of` how many, and which ones in `named`."""

    def add(self, part: str) -> None:
        """Append a part. Raises Unreadable when the text grows beyond all reason."""
        self.room -= len(part)
        if self.room < 0:
            raise Unreadable("bomb")
        if part.strip():
            self.parts.append(part.rstrip())

    def note(self, key: str, named: Any = "", of: int = 0) -> None:
        """Count something that was not read."""
        known = self.notes.setdefault(key, {"count": 0, "of": of, "named": []})
        known["count"] += 1
        if named and len(known["named"]) < NAMED:
            known["named"].append(str(named)[:80])

    @property
    def text(self) -> str:
        return "\n\n".join(self.parts)


# Tables as Markdown.


RULE = frozenset("|- ")


def cell_text(text: str) -> str:
    """Return the text as it may stand in a cell: on one line, its own lines kept apart."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    shown = (line for line in lines if not set(line) <= RULE)  # a table inside needs no rule under its head
    return "<br>".join(shown).replace("|", "\\|")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return the rows under the first of them, the head, all of the same width."""
    width = max((len(row) for row in rows), default=0)
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:]]) if lines else ""


# Bytes as text, in the encodings that people's files have.


MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DETECTED = 100_000  # bytes
CONFIDENT = 0.2
KANA_SHARE = 0.1  # of the signs: such a text is Japanese
CHINESE_OR_KOREAN = {
    "gb18030": "gb18030",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cp949": "cp949",
    "euc-kr": "cp949",
    "johab": "johab",
}
OTHER_SCRIPTS = (
    "windows-1251",
    "koi8-r",
    "iso-8859-5",
    "windows-1253",
    "iso-8859-7",
    "windows-1255",
    "iso-8859-8",
    "windows-1256",
    "iso-8859-6",
    "tis-620",
    "cp874",
)
SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$(D", b"\x1b(I")  # how ISO-2022-JP changes its character set
# What senders call an encoding, and the larger one that they mean.
LARGER = {
    "iso-2022-jp": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "euc-jp": "euc_jis_2004",
    "us-ascii": "utf-8",
    "gb2312": "gb18030",
    "iso-8859-1": "cp1252",
}


def decoded_as(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(LARGER.get(encoding.lower(), encoding))
    except (UnicodeError, LookupError):
        return None


def wide_encoding(raw: bytes) -> str:
    """Return the byte order of UTF-16 without a mark; an empty text if it is not UTF-16."""
    head = raw[:4000]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 5 < len(head[::2]):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def oddness(text: str) -> int:
    """Return how much of the text is in characters that a wrong encoding makes of Japanese."""
    odd = sum("\uff61" <= char <= "\uff9f" or "\x80" <= char <= "\x9f" or "\ue000" <= char <= "\uf8ff" for char in text)
    kana = sum("\u3041" <= char <= "\u30fe" for char in text)
    return odd * 2 - kana


def told_apart(raw: bytes) -> str | None:
    """Return the text as a detector reads it, if it is in one of the encodings that are easily taken for others."""
    sample = raw[:DETECTED]
    try:
        found = importlib.import_module("chardet").detect(sample)
    except ImportError:  # Open WebUI brings it
        return None
    encoding = str(found.get("encoding") or "").lower()
    certain = encoding in CHINESE_OR_KOREAN or (
        (found.get("confidence") or 0) >= CONFIDENT and encoding in OTHER_SCRIPTS
    )
    japanese = [guess for each in ("cp932", "euc_jis_2004") if (guess := decoded_as(raw, each)) is not None]
    if not certain or any(oddness(guess[:100_000]) < -len(guess[:100_000]) * KANA_SHARE for guess in japanese):
        return None
    return decoded_as(raw, CHINESE_OR_KOREAN.get(encoding, encoding))


def decoded(raw: bytes) -> str:
    """Return the text of the bytes; what no encoding explains becomes a replacement character."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    if any(shift in raw for shift in SHIFTS) and (text := decoded_as(raw, "iso-2022-jp")) is not None:
        return text
    if b"\x00" in raw[:4000] and (wide := wide_encoding(raw)):
        return raw.decode(wide, "replace")
    if (text := decoded_as(raw, "utf-8")) is not None:
        return text
    if (text := told_apart(raw)) is not None:
        return text
    guesses = [decoded_as(raw, encoding) for encoding in ("cp932", "euc_jis_2004")]
    likely = [guess for guess in guesses if guess is not None and any("\u3041" <= char <= "\u9fff" for char in guess)]
    if likely:
        return min(likely, key=lambda guess: oddness(guess[:100_000]))
    return raw.decode("utf-8", "replace") if raw.count(b"\x00") else decoded_as(raw, "cp1252") or raw.decode("latin-1")


# Packages of Office files: parts, and what they are related to.


UNPACKED = 300_000_000  # bytes that an Office file may unpack to
PACKED = 200  # times smaller than unpacked: real ones stay below 60
PARTS = 20_000
ALTERNATIVES = ("Choice", "Fallback")


def archive_names(raw: bytes) -> list[str]:
    """Return what the archive holds. Raises Unreadable if it is cut, or unpacks beyond all reason."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        # zipfile raises NotImplementedError for versions and compressions that it does not know.
        raise Unreadable("damaged") from error
    sizes = [(entry.file_size, entry.compress_size) for entry in entries]
    dense = any(size > 10_000_000 and size > PACKED * packed for size, packed in sizes)
    if dense or sum(size for size, _ in sizes) > UNPACKED or len(entries) > PARTS:
        raise Unreadable("bomb")
    return [entry.filename for entry in entries]


def parsed_xml(raw: bytes) -> Any:
    """Return the root element; entities are left alone, and nothing is loaded from elsewhere."""
    etree = importlib.import_module("lxml.etree")
    return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def local_name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Any, name: str, default: str = "") -> str:
    """Return an attribute by its name without namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), default)


def child(element: Any, *path: str) -> Any:
    """Return the first descendant along the path of names; None if there is none, or no element."""
    for name in path:
        if element is not None:
            element = next((each for each in element if local_name(each) == name), None)
    return element


def children(element: Any, *path: str) -> list[Any]:
    """Return what is in the first descendant along the path of names."""
    found = child(element, *path)
    return [] if found is None else list(found)


def descendants(element: Any, name: str) -> Iterator[Any]:
    return (each for each in element.iter() if local_name(each) == name)


def alternative(element: Any) -> list[Any]:
    """Return what stands in an alternative: its first choice with words, so that nothing is read twice."""
    choices = [each for name in ALTERNATIVES for each in element if local_name(each) == name]
    wordy = [each for each in choices if any((each_text.text or "").strip() for each_text in descendants(each, "t"))]
    return list((wordy or choices or [[]])[0])


def package_main(raw: bytes) -> Any:
    """Return the main part of an Office package, with macros or a template too. Raises Unreadable."""
    opc = importlib.import_module("docx.opc.package").OpcPackage
    package = opc.open(io.BytesIO(raw))
    for relation in package.rels.values():
        if relation.reltype.endswith("/officeDocument") and not relation.is_external:
            return relation.target_part
    raise Unreadable("damaged")


def related(part: Any, kind: str) -> list[Any]:
    """Return the parts of this kind that a part is related to, such as "footnotes"."""
    relations = getattr(part, "rels", {}).values()
    return [one.target_part for one in relations if one.reltype.endswith(f"/{kind}") and not one.is_external]


# Automatic numbers of paragraphs in Word files, as they are printed: "Article 3", "4.2", "(イ)".


ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
ROMAN_SMALL = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
DIGITS = "〇一二三四五六七八九"
KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def roman(number: int) -> str:
    found = ""
    for value, sign in (*ROMAN, *ROMAN_SMALL):
        count, number = divmod(number, value)
        found += sign * min(count, 20)
    return found


def kanji_number(number: int) -> str:
    if not 0 < number < 1000:
        return "".join(DIGITS[int(digit)] for digit in str(number))
    found = ""
    for value, sign in ((100, "百"), (10, "十"), (1, "")):
        count, number = divmod(number, value)
        found += ("" if count == 1 and sign else DIGITS[count]) + sign if count else ""
    return found


def cycled(signs: str, number: int) -> str:
    return signs[(number - 1) % len(signs)] * min((number - 1) // len(signs) + 1, 20)


def printed_number(number: int, style: str) -> str:
    """Return the number in a format of Word's; in digits where it is a rare one."""
    if number < 1 or style in ("decimal", ""):
        return str(number)
    named = {
        "lowerRoman": roman(min(number, 9999)),
        "upperRoman": roman(min(number, 9999)).upper(),
        "lowerLetter": cycled(LETTERS, number),
        "upperLetter": cycled(LETTERS, number).upper(),
        "decimalZero": f"{number:02}",
        "decimalFullWidth": "".join(chr(ord(digit) + 0xFEE0) for digit in str(number)),
        "decimalEnclosedCircle": chr(0x2460 + number - 1) if number <= 20 else str(number),
        "aiueo": cycled(KANA, number),
        "aiueoFullWidth": cycled(KANA, number),
        "iroha": cycled(IROHA, number),
        "irohaFullWidth": cycled(IROHA, number),
        "none": "",
    }
    if style.startswith(("japanese", "ideograph", "chinese", "taiwanese")):
        return kanji_number(number)
    return named.get(style, str(number))


def whole_number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"-?\d{1,6}", text, re.ASCII) else default


class Numbering:
    """The lists of a Word file, and how far each has counted."""

    def __init__(self, root: Any) -> None:
        self.levels: dict[str, dict[int, Any]] = {}
        self.lists: dict[str, str] = {}
        self.counts: dict[str, dict[int, int]] = {}
        for one in [] if root is None else root:
            if local_name(one) == "abstractNum":
                levels = {whole_number(attribute(each, "ilvl"), 0): each for each in one if local_name(each) == "lvl"}
                self.levels[attribute(one, "abstractNumId")] = levels
            elif local_name(one) == "num" and (abstract := child(one, "abstractNumId")) is not None:
                self.lists[attribute(one, "numId")] = attribute(abstract, "val")

    def value_of(self, level: Any, name: str) -> str:
        found = child(level, name) if level is not None else None
        return "" if found is None else attribute(found, "val")

    def label(self, list_id: str, depth: int) -> str:
        """Count a paragraph; return its number, or "-" for a bullet, or nothing if the list is not known."""
        abstract = self.lists.get(list_id)
        levels = self.levels.get(abstract or "") or {}
        if abstract is None or depth not in levels:
            return ""
        counts = self.counts.setdefault(abstract, {})
        start = whole_number(self.value_of(levels[depth], "start"), 1)
        counts[depth] = counts.get(depth, start - 1) + 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        if self.value_of(levels[depth], "numFmt") == "bullet":
            return "-"

        def number(match: "re.Match[str]") -> str:
            level = levels.get(int(match[1]) - 1)
            first = whole_number(self.value_of(level, "start"), 1)
            return printed_number(counts.get(int(match[1]) - 1, first), self.value_of(level, "numFmt"))

        return re.sub(r"%([1-9])", number, self.value_of(levels[depth], "lvlText")[:200]).strip()


# Words in drawings: shapes, charts, diagrams.


RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MOST_POINTS = 500  # of a row in a chart


def shape_text(body: Any) -> str:
    """Return the paragraphs of a shape or a cell."""
    signs = {"br": "\n", "tab": "\t"}
    lines = []
    for paragraph in descendants(body, "p"):
        depth = attribute(element, "lvl", "0") if (element := child(paragraph, "pPr")) is not None else "0"
        text = "".join(
            each.text or "" if local_name(each) == "t" else signs.get(local_name(each), "") for each in paragraph.iter()
        )
        lines.append("  " * min(int(depth) if depth.isdigit() else 0, 8) + text)
    return "\n".join(lines).rstrip()


def points(values: Any) -> list[str]:
    """Return the cached values of a row of a chart."""
    found = descendants(values, "v") if values is not None else iter(())
    return [(each.text or "") for each, _ in zip(found, range(MOST_POINTS), strict=False)]


def chart_text(chart: Any) -> str:
    """Return the title of a chart, and its numbers as a table: a column for each series."""
    title = next(descendants(chart, "title"), None)
    series = [*descendants(chart, "ser")]
    heads = ["", *(" ".join(points(child(one, "tx"))) for one in series)]
    names = next((found for one in series if (found := points(child(one, "cat")) or points(child(one, "xVal")))), [])
    columns = [points(child(one, "val")) or points(child(one, "yVal")) for one in series]
    height = max((len(column) for column in [names, *columns]), default=0)
    rows = [[column[at] if at < len(column) else "" for column in [names, *columns]] for at in range(height)]
    said = "" if title is None else " ".join(shape_text(title).split())
    return "\n\n".join(filter(None, [f"[Chart] {said}".strip(), markdown_table([heads, *rows]) if rows else ""]))


def drawn_elsewhere(part: Any, element: Any) -> str:
    """Return the words of a chart or a diagram that an element of the part refers to."""
    name = local_name(element)
    relation = part.rels.get(element.get(f"{{{RELATION}}}{'dm' if name == 'relIds' else 'id'}"))
    if relation is None or relation.is_external:
        return ""
    root = parsed_xml(relation.target_part.blob)
    return shape_text(root) if name == "relIds" else chart_text(root)


# Word files: headings, lists and tables as Markdown, notes and comments in place, in the order of the document.


# Elements whose text is not there for a reader: deleted, or an instruction.
SILENT = frozenset(
    {
        *("del", "moveFrom", "delText", "delInstrText", "instrText", "rt", "fldData", "numPr"),
        *("rPr", "pPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr", "rubyPr"),
        *("annotationRef", "footnoteRef", "endnoteRef", "customXmlPr", "smartTagPr"),
    }
)
CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes", "commentReference": "comments"}
NOTE_NAMES = {"footnotes": "Footnote", "endnotes": "Endnote", "comments": "Comment"}
PICTURES = ("blip", "imagedata")
MOST_COLUMNS = 200


def read_word(raw: bytes, outcome: Outcome) -> None:
    """Read the whole file. Raises Unreadable, and whatever a damaged package raises."""
    main = package_main(raw)
    body = child(parsed_xml(main.blob), "body")
    if body is None:
        raise Unreadable("damaged")
    reader = WordReader(main, outcome)
    seen: set[str] = set()
    margins = {kind: reader.margins(main, kind, seen) for kind in ("header", "footer")}
    for part in [*margins["header"], *reader.blocks(body), *margins["footer"]]:
        outcome.add(part)


class Styles:
    """Styles of paragraphs by their ids; what a style does not say, the one it is based on does."""

    def __init__(self, root: Any) -> None:
        styles = [] if root is None else [each for each in root if local_name(each) == "style"]
        self.known = {attribute(each, "styleId"): each for each in styles}

    def chain(self, id: str) -> Iterator[Any]:
        for _ in range(20):
            if (style := self.known.get(id)) is None:
                return
            yield style
            based = child(style, "basedOn")
            id = "" if based is None else attribute(based, "val")

    def name(self, id: str) -> str:
        style = self.known.get(id)
        name = child(style, "name") if style is not None else None
        return "" if name is None else attribute(name, "val").lower()

    def first(self, paragraph: Any, id: str, name: str) -> Any:
        """Return a property of the paragraph, its own or its style's; None if neither has it."""
        places = [child(paragraph, "pPr", name), *(child(style, "pPr", name) for style in self.chain(id))]
        return next((each for each in places if each is not None), None)


class WordReader:
    """Reads the parts of one Word file."""

    def __init__(self, main: Any, outcome: Outcome) -> None:
        self.main, self.outcome = main, outcome
        roots = {kind: [parsed_xml(part.blob) for part in related(main, kind)] for kind in ("styles", "numbering")}
        self.styles = Styles(next(iter(roots["styles"]), None))
        self.numbering = Numbering(next(iter(roots["numbering"]), None))
        self.notes = {
            kind: {attribute(each, "id"): each for part in related(main, kind) for each in parsed_xml(part.blob)}
            for kind in NOTE_NAMES
        }
        self.boxes: list[Any] = []
        self.inside: set[tuple[str, str]] = set()

    def margins(self, main: Any, kind: str, seen: set[str]) -> list[str]:
        """Return headers or footers, each once."""
        found = []
        for part in related(main, kind):
            text = "\n".join(self.blocks(parsed_xml(part.blob))).strip()
            if text and f"{kind} {text}" not in seen:
                seen.add(f"{kind} {text}")
                found.append(f"[{kind.capitalize()}] {text}")
        return found

    def blocks(self, element: Any) -> Iterator[str]:
        """Yield paragraphs and tables in an element, whatever wraps them."""
        for each in element:
            name = local_name(each)
            if name == "p":
                yield from self.paragraph(each)
            elif name == "tbl":
                yield from self.table(each)
            elif name == "altChunk":
                self.outcome.note("embedded")
            elif name == "AlternateContent":
                yield from self.blocks(alternative(each))
            elif name not in SILENT:
                yield from self.blocks(each)

    def paragraph(self, paragraph: Any) -> Iterator[str]:
        """Yield the text, and then that of the boxes which hang on the paragraph."""
        outer, self.boxes = self.boxes, []
        text = "".join(self.inline(paragraph)).rstrip()
        boxes, self.boxes = self.boxes, outer
        style = child(paragraph, "pPr", "pStyle")
        yield self.marked(paragraph, text, "" if style is None else attribute(style, "val")) if text.strip() else ""
        for box in boxes:
            yield from self.blocks(box)

    def marked(self, paragraph: Any, text: str, style: str) -> str:
        """Return the text with its number, and as a heading or a list item of Markdown."""
        name, numbers = self.styles.name(style), self.styles.first(paragraph, style, "numPr")
        label, depth = "", 0
        if numbers is not None:
            at, of = child(numbers, "ilvl"), child(numbers, "numId")
            depth = whole_number("" if at is None else attribute(at, "val"), 0)
            label = self.numbering.label("" if of is None else attribute(of, "val"), depth)
        level = self.heading_level(paragraph, style, name)
        if level:
            return f"{'#' * level} {label.removeprefix('-')} {text}".replace("  ", " ", 1)
        if not label and name.startswith("list "):
            label = "-"
        return f"{'  ' * min(depth, 8)}{label} {text}" if label else text

    def heading_level(self, paragraph: Any, style: str, name: str) -> int:
        """Return 1 to 6 for a heading, 0 for other paragraphs."""
        if name == "title":
            return 1
        kind, _, level = name.rpartition(" ")
        if kind == "heading" and level.isdigit():
            return min(max(int(level), 1), 6)
        outline = self.styles.first(paragraph, style, "outlineLvl")
        found = 9 if outline is None else whole_number(attribute(outline, "val"), 9)
        return min(found + 1, 6) if 0 <= found < 9 else 0

    def inline(self, element: Any) -> Iterator[str]:
        for each in element:
            name = local_name(each)
            if name == "t":
                yield each.text or ""
            elif name in CHARACTERS:
                yield CHARACTERS[name]
            elif name in NOTES:
                yield self.noted(NOTES[name], attribute(each, "id"))
            elif name == "ruby":
                yield self.ruby(each)
            elif name == "txbxContent":
                self.boxes.append(each)
            elif name == "AlternateContent":
                yield from self.inline(alternative(each))
            elif name not in SILENT and name:
                yield self.drawn(each, name)
                yield from self.inline(each)

    def drawn(self, element: Any, name: str) -> str:
        """Return the sign of a symbol or a box to tick; count what holds no text."""
        if name in PICTURES:
            self.outcome.note("pictures")
        elif name in ("chart", "relIds"):
            return f"\n{drawn_elsewhere(self.main, element)}\n"
        elif name == "OLEObject":
            self.outcome.note("embedded")
        elif name == "sym":
            code = attribute(element, "char")
            sign = int(code, 16) if code and all(digit in "0123456789abcdefABCDEF" for digit in code[:9]) else 0
            return chr(sign) if 0x20 < sign < 0xD800 else ""
        elif name == "checkBox":
            state = next((each for each in element if local_name(each) == "checked"), child(element, "default"))
            return "☒" if state is not None and attribute(state, "val", "1") in ("1", "true", "on") else "☐"
        return ""

    def ruby(self, element: Any) -> str:
        base, above = child(element, "rubyBase"), child(element, "rt")
        text = "" if base is None else "".join(self.inline(base))
        reading = "" if above is None else "".join(self.inline(above))
        return f"{text}（{reading}）" if reading.strip() else text

    def noted(self, kind: str, id: str) -> str:
        """Return a note where the text refers to it."""
        note = self.notes[kind].get(id)
        if note is None or (kind, id) in self.inside:
            return ""
        self.inside.add((kind, id))  # a note that refers to itself
        text = " ".join(" ".join(self.blocks(note)).split())
        self.inside.discard((kind, id))
        author = attribute(note, "author") if kind == "comments" else ""
        return f" [{NOTE_NAMES[kind]}{f' ({author})' if author else ''}: {text}]" if text else ""

    def table(self, table: Any) -> Iterator[str]:
        rows = [self.row(row) for row in self.within(table, "tr") if child(row, "trPr", "del") is None]
        if len(rows) == 1 and len(rows[0]) == 1:  # a frame, no table
            yield rows[0][0][0].strip()
            return
        above: list[str] = []
        shown = []
        for row in rows:
            texts = [above[at] if goes_on and at < len(above) else text for at, (text, goes_on) in enumerate(row)]
            shown.append([cell_text(text) for text in texts])
            above = texts
        yield markdown_table(shown)

    def within(self, element: Any, wanted: str) -> Iterator[Any]:
        """Yield rows or cells, whatever wraps them; not those of tables inside."""
        for each in element:
            name = local_name(each)
            if name == wanted:
                yield each
            elif name not in SILENT and name not in ("tbl", "tc", "p"):
                yield from self.within(each, wanted)

    def row(self, row: Any) -> list[tuple[str, bool]]:
        """Return the cells, each with whether it goes on with the one above; a wide one stands in all its columns."""
        before = child(row, "trPr", "gridBefore")
        cells = [("", False)] * min(whole_number("" if before is None else attribute(before, "val"), 0), MOST_COLUMNS)
        found = [*self.within(row, "tc")]
        for cell in found:
            span, merge = child(cell, "tcPr", "gridSpan"), child(cell, "tcPr", "vMerge")
            width = 1 if span is None or len(found) == 1 else whole_number(attribute(span, "val"), 1)
            goes_on = merge is not None and attribute(merge, "val", "continue") == "continue"
            text = "\n".join(self.blocks(cell))
            cells += [(text, goes_on)] * min(max(width, 1), MOST_COLUMNS)
        return cells


# Presentations: slide by slide, with tables, groups, diagrams, charts, notes and comments.


def read_slides(raw: bytes, outcome: Outcome) -> None:
    """Read all slides in their order. Raises whatever a damaged package raises."""
    main = package_main(raw)
    listed = child(parsed_xml(main.blob), "sldIdLst")
    ids = [each.get(f"{{{RELATION}}}id") for each in ([] if listed is None else listed)]
    for number, id in enumerate(ids, 1):
        SlideReader(main.rels[id].target_part, outcome).read(number, len(ids))


def is_title(shape: Any) -> bool:
    place = child(shape, "nvSpPr", "nvPr", "ph")
    return place is not None and attribute(place, "type") in ("title", "ctrTitle")


class SlideReader:
    """Reads one slide."""

    def __init__(self, part: Any, outcome: Outcome) -> None:
        self.part, self.outcome = part, outcome
        self.pictures = 0

    def read(self, number: int, of: int) -> None:
        root = parsed_xml(self.part.blob)
        texts = [text for text in self.shapes(child(root, "cSld", "spTree")) if text.strip()]
        hidden = " (hidden)" if attribute(root, "show", "1") in ("0", "false") else ""
        if self.pictures and not texts:
            self.outcome.note("picture_slides", number, of)
        elif self.pictures:
            self.outcome.note("pictures", number)
        notes = [text for part in related(self.part, "notesSlide") for text in self.notes(part)]
        comments = [text for kind in ("comments", "threadedComments") for text in self.comments(kind)]
        self.outcome.add("\n\n".join([f"[Slide {number}{hidden}]", *texts, *notes, *comments]))

    def shapes(self, tree: Any) -> Iterator[str]:
        for shape in [] if tree is None else tree:
            name = local_name(shape)
            if name in ("sp", "cxnSp"):
                text = shape_text(child(shape, "txBody")) if child(shape, "txBody") is not None else ""
                yield f"# {' '.join(text.split())}" if is_title(shape) and text.strip() else text
                self.pictures += any(True for _ in descendants(shape, "blip"))
            elif name == "grpSp":
                yield from self.shapes(shape)
            elif name == "AlternateContent":
                yield from self.shapes(alternative(shape))
            elif name == "pic":
                self.pictures += 1
            elif name == "graphicFrame":
                yield from self.frame(shape)

    def frame(self, frame: Any) -> Iterator[str]:
        """Yield what is in a frame: a table, a chart, a diagram; count what holds no text."""
        for table in descendants(frame, "tbl"):
            yield markdown_table([[*self.cells(row)] for row in table if local_name(row) == "tr"])
        for element in (*descendants(frame, "chart"), *descendants(frame, "relIds")):
            yield drawn_elsewhere(self.part, element)
        for _ in descendants(frame, "oleObj"):
            self.outcome.note("embedded")

    def cells(self, row: Any) -> Iterator[str]:
        """Yield the cells; one that is as wide as several stands in each of them."""
        text = ""
        for cell in row:
            if local_name(cell) == "tc":
                goes_on = attribute(cell, "hMerge") in ("1", "true")
                text = text if goes_on else cell_text(shape_text(cell))
                yield text

    def notes(self, part: Any) -> Iterator[str]:
        for shape in descendants(parsed_xml(part.blob), "sp"):
            place = child(shape, "nvSpPr", "nvPr", "ph")
            if place is None or attribute(place, "type") in ("body", ""):
                text = shape_text(shape)
                yield f"[Notes] {text}" if text.strip() else ""

    def comments(self, kind: str) -> Iterator[str]:
        for part in related(self.part, kind):
            for comment in parsed_xml(part.blob).iter():
                if local_name(comment) in ("cm", "comment", "reply"):
                    plain = child(comment, "text")
                    text = (plain.text or "") if plain is not None else shape_text(child(comment, "txBody") or comment)
                    yield f"[Comment: {text.strip()}]" if text.strip() else ""


# Dates and times of sheets as text.


def shown_moment(moment: Any) -> str:
    """Return a date in ISO 8601, with the time of day if there is one; a time or a duration by itself."""
    if not isinstance(moment, datetime.datetime):
        return str(moment)
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(" ", "seconds")


# Cells of a workbook's sheets, read in one pass: what each shows, and which formulas nobody computed.


Row = tuple[int, dict[int, str]]
COLUMN = re.compile(r"[A-Z]+")
WIDEST_SHEET = 16_384


class Looks(NamedTuple):
    """What a workbook's sheets share."""

    strings: list[str]
    forms: list[str]
    """The number format of each style."""
    dates: list[bool]
    """Whether a style shows a date."""
    epoch: Any
    """The first day of its calendar."""


def looks_of(main: Any) -> Looks:
    """Return the strings and styles that the main part of a workbook is related to."""
    strings = importlib.import_module("openpyxl.reader.strings").read_string_table
    numbers = importlib.import_module("openpyxl.styles.numbers")
    calendar = importlib.import_module("openpyxl.utils.datetime")
    table = [text for part in related(main, "sharedStrings") for text in strings(io.BytesIO(part.blob))]
    forms = [form for part in related(main, "styles") for form in forms_of(parsed_xml(part.blob), numbers)]
    properties = child(parsed_xml(main.blob), "workbookPr")
    since_1904 = properties is not None and attribute(properties, "date1904") in ("1", "true")
    epoch = calendar.CALENDAR_MAC_1904 if since_1904 else calendar.CALENDAR_WINDOWS_1900
    return Looks(table, forms, [numbers.is_date_format(form) for form in forms], epoch)


def forms_of(styles: Any, numbers: Any) -> list[str]:
    """Return the number format of each style of cells."""
    own = {attribute(each, "numFmtId"): attribute(each, "formatCode") for each in children(styles, "numFmts")}
    built_in = {str(key): form for key, form in numbers.BUILTIN_FORMATS.items()}
    known = built_in | own
    return [known.get(attribute(each, "numFmtId"), "General") for each in children(styles, "cellXfs")]


def rows_of(sheet: bytes, looks: Looks, outcome: Outcome) -> Iterator[Row]:
    """Yield the rows that hold something, by number, as texts by column; a formula nobody computed as itself."""
    etree = importlib.import_module("lxml.etree")
    reader = CellReader(looks, outcome)
    number = 0
    for _, row in etree.iterparse(io.BytesIO(sheet), tag="{*}row", resolve_entities=False, load_dtd=False):
        number = int(row.get("r") or number + 1)
        texts = reader.texts(row, number)
        row.clear()
        while row.getprevious() is not None:
            del row.getparent()[0]
        outcome.room -= sum(map(len, texts.values()))  # so that a bomb ends early; given back by `add_sheet`
        if texts:
            yield number, texts
        outcome.add("")


class CellReader:
    """Reads the rows of one sheet."""

    def __init__(self, looks: Looks, outcome: Outcome) -> None:
        self.looks, self.outcome = looks, outcome
        self.columns: dict[str, int] = {}
        self.shared: dict[str, tuple[str, str]] = {}
        """Formulas that several cells share, by their number: the cell that has it, and its text."""

    def texts(self, row: Any, number: int) -> dict[int, str]:
        texts: dict[int, str] = {}
        column = 0
        for cell in row:
            name = cell.get("r") or ""
            column = self.column(name) or column + 1
            if len(cell) and column <= WIDEST_SHEET and (text := self.text(cell, name or f"row {number}")) is not None:
                texts[column] = text
        return texts

    def column(self, name: str) -> int:
        found = COLUMN.match(name)
        letters = found.group() if found else ""
        if letters and letters not in self.columns:
            at = 0
            for letter in letters[:4]:
                at = at * 26 + ord(letter) - 64
            self.columns[letters] = at
        return self.columns.get(letters, 0)

    def text(self, cell: Any, name: str) -> str | None:
        """Return what a cell shows; None if it is empty."""
        value, formula = None, None
        for part in cell:
            kind = local_name(part)
            if kind == "v":
                value = part.text
            elif kind == "f":
                formula = part
                self.remember(part, name)
            elif kind == "is":
                value = inline_text(part)
        if value:
            return shown_cell(cell, value, self.looks)
        if formula is None:
            return None
        if cell.get("t") == "str":  # it was computed, and shows nothing
            return None
        self.outcome.note("formulas", name)
        return self.formula(formula, name)

    def remember(self, formula: Any, name: str) -> None:
        if formula.get("t") == "shared" and formula.text:
            self.shared[formula.get("si") or ""] = (name, formula.text)

    def formula(self, formula: Any, name: str) -> str:
        """Return a formula as Excel shows it, also one that is written down at another cell alone."""
        at, text = self.shared.get(formula.get("si") or "", ("", formula.text or ""))
        if formula.text or not at:
            return f"={formula.text or text}"
        translator = importlib.import_module("openpyxl.formula.translate").Translator
        return str(translator(f"={text}", at).translate_formula(name))


def inline_text(element: Any) -> str:
    """Return a text that stands in the cell itself, without readings."""
    texts = [each for each in element.iter() if local_name(each) == "t"]
    return "".join(each.text or "" for each in texts if local_name(each.getparent()) != "rPh")


def shown_cell(cell: Any, value: str, looks: Looks) -> str:
    """Return a value without its looks: dates as in ISO 8601, percent as percent."""
    kind = cell.get("t") or "n"
    if kind == "s":
        return looks.strings[int(value)]
    if kind == "b":
        return "TRUE" if value.strip() in ("1", "true") else "FALSE"
    if kind != "n":
        return value.replace("T00:00:00", "") if kind == "d" else value
    style = int(cell.get("s") or 0)
    form = looks.forms[style] if style < len(looks.forms) else "General"
    return shown_number(value, form, style < len(looks.dates) and looks.dates[style], looks.epoch)


def shown_number(value: str, form: str, is_date: bool, epoch: Any) -> str:
    number = float(value)
    if is_date:
        calendar = importlib.import_module("openpyxl.utils.datetime")
        try:
            return shown_moment(calendar.from_excel(number, epoch, calendar_duration(form)))
        except (ValueError, OverflowError):
            return value
    if "%" in form:
        return f"{number * 100:.12g}%"
    return value if value.lstrip("-").isdigit() else f"{number:.15g}"


def calendar_duration(form: str) -> bool:
    return bool(importlib.import_module("openpyxl.styles.numbers").is_timedelta_format(form))


# Workbooks: each sheet as tables of Markdown, with the values that Excel computed last.


SPARSE = 30  # times more places than values: such a sheet is a list of cells, no table
MERGED_CELLS = 20_000


def read_workbook(raw: bytes, outcome: Outcome) -> None:
    """Read all sheets. Raises whatever a damaged workbook raises."""
    main = package_main(raw)
    looks = looks_of(main)
    found = False
    for listed in child(parsed_xml(main.blob), "sheets"):
        part = main.rels[attribute(listed, "id")].target_part
        is_sheet = part.partname.startswith("/xl/worksheets/") or b"sheetData" in part.blob[:5000]
        rows = [*rows_of(part.blob, looks, outcome)] if is_sheet else []
        found = found or bool(rows)
        merged = merged_ranges(part.blob) if b"mergeCell" in part.blob else []
        add_sheet(outcome, attribute(listed, "name"), attribute(listed, "state", "visible"), filled(rows, merged))
    before = len(outcome.parts)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        beside(archive, outcome)
    if not found and len(outcome.parts) == before:
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets")


def merged_ranges(sheet: bytes) -> list[tuple[int, int, int, int]]:
    """Return first column, first row, last column and last row of merged cells."""
    bounds = importlib.import_module("openpyxl.utils").range_boundaries
    etree = importlib.import_module("lxml.etree")
    found: list[tuple[int, int, int, int]] = []
    for _, element in etree.iterparse(io.BytesIO(sheet), tag=("{*}mergeCell", "{*}row"), resolve_entities=False):
        if local_name(element) == "row":
            element.clear()
        elif len(found) < MERGED_CELLS:
            with suppress(ValueError, TypeError):
                found.append(bounds(attribute(element, "ref")))
    return found


def filled(rows: list[Row], merged: list[tuple[int, int, int, int]]) -> list[Row]:
    """Write the value of merged cells into each row they reach, and each column of a head that is wide."""
    known = dict(rows)
    for left, top, right, bottom in merged:
        text = known.get(top, {}).get(left)
        if text is None:
            continue
        for number in range(top, min(bottom, top + 2000) + 1):
            if len(known.get(number, {})) > (number == top):  # a title above a table stays one cell
                for column in range(left, min(right, left + 200) + 1):
                    known[number].setdefault(column, text)
    return [*known.items()]


def add_sheet(outcome: Outcome, title: str, state: str, rows: list[Row]) -> None:
    """Add the tables of a sheet, which empty rows part, under its name."""
    outcome.room += sum(len(text) for _, texts in rows for text in texts.values())
    outcome.add(f"## {title}{'' if state == 'visible' else ' (hidden)'}")
    used = sorted({column for _, texts in rows for column in texts})
    values = sum(len(texts) for _, texts in rows)
    if len(used) * len(rows) > SPARSE * values + 10_000:
        cells = (f"{at_letter(column)}{at}: {text}" for at, texts in rows for column, text in texts.items())
        outcome.add("\n".join(cells))
        return
    block: list[Row] = []
    for row in rows:
        if block and row[0] > block[-1][0] + 1:
            add_block(outcome, block)
            block = []
        block.append(row)
    add_block(outcome, block)


def at_letter(column: int) -> str:
    return str(importlib.import_module("openpyxl.utils").get_column_letter(column))


def add_block(outcome: Outcome, rows: list[Row]) -> None:
    """Add neighbouring rows: lines of one cell above as text, the rest as a table."""
    while rows and len(rows[0][1]) == 1 and (len(rows) == 1 or len(rows[1][1]) > 1):
        outcome.add(next(iter(rows.pop(0)[1].values())))
    used = sorted({column for _, texts in rows for column in texts})
    if rows:
        outcome.add(markdown_table([[cell_text(texts.get(column, "")) for column in used] for _, texts in rows]))


def beside(archive: zipfile.ZipFile, outcome: Outcome) -> None:
    """Add comments and text boxes; count pictures and charts."""
    for name in archive.namelist():
        folder, _, file = name.rpartition("/")
        if file.endswith(".xml") and (file.startswith("comment") or folder.endswith("threadedComments")):
            for comment in parsed_xml(archive.read(name)).iter():
                if local_name(comment) in ("comment", "threadedComment"):
                    text = "".join(each.text or "" for each in comment.iter() if local_name(each) in ("t", "text"))
                    outcome.add(f"[Comment {attribute(comment, 'ref')}: {' '.join(text.split())}]")
        elif folder.endswith("drawings") and file.endswith(".xml"):
            paragraphs = descendants(parsed_xml(archive.read(name)), "p")
            lines = ("".join(each.text or "" for each in descendants(one, "t")) for one in paragraphs)
            outcome.add("\n".join(line for line in lines if line.strip()))
        elif folder.endswith("media"):
            outcome.note("pictures")
        elif folder.endswith("charts") and file.startswith("chart"):
            outcome.note("charts")


def read_old_workbook(raw: bytes, outcome: Outcome) -> None:
    """Read a workbook from before 2007."""
    xlrd = importlib.import_module("xlrd")
    book = xlrd.open_workbook(file_contents=raw, logfile=io.StringIO())
    found = False
    for sheet in book.sheets():
        rows = []
        for number in range(sheet.nrows):
            cells = [(at, old_value(xlrd, book, cell)) for at, cell in enumerate(sheet.row(number), 1)]
            if texts := {at: text for at, text in cells if text}:
                rows.append((number + 1, texts))
        outcome.room -= sum(len(text) for _, texts in rows for text in texts.values())
        add_sheet(outcome, sheet.name, "visible" if sheet.visibility == 0 else "hidden", rows)
        found = found or bool(rows)
    old_drawings(raw, outcome)
    if not found:
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets")


COMMENT, TEXT_BOX, BEGIN, CHART = 0x1C, 0x1B6, 0x809, 0x20  # records of an old workbook, and a sort of the third


def old_drawings(raw: bytes, outcome: Outcome) -> None:
    """Count what an old workbook holds besides its cells, by its records."""
    file = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
    stream = file.openstream("Workbook" if file.exists("Workbook") else "Book").read()
    at = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind in (COMMENT, TEXT_BOX):
            outcome.note("old_parts")
        elif kind == BEGIN and length >= 4 and struct.unpack_from("<H", stream, at + 6)[0] == CHART:
            outcome.note("charts")
        at += 4 + length


def old_value(xlrd: Any, book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            found = xlrd.xldate_as_datetime(cell.value, book.datemode)
        except (ValueError, OverflowError):
            return f"{cell.value:g}"
        return shown_moment(found)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR!"))
    return f"{cell.value:.15g}" if isinstance(cell.value, float) else str(cell.value)


# Files of LibreOffice and others in OpenDocument: texts, sheets and slides.


MIMETYPE = b"application/vnd.oasis.opendocument."
OPEN_SIGNS = {"tab": "\t", "line-break": "\n"}
SKIPPED = ("tracked-changes", "sequence-decls", "forms", "shapes", "ruby-text", "annotation-end", "desc", "title")
OPEN_BLOCKS = ("p", "h", "list", "table", "section")
MOST_REPEATED = 1_000  # times that a cell or a row with text is written down


def is_opendocument(raw: bytes) -> bool:
    """Return whether the archive says so in its first entry, as the format demands."""
    return MIMETYPE in raw[:200]


def read_opendocument(raw: bytes, outcome: Outcome) -> None:
    """Read a text, a workbook or a presentation. Raises whatever a damaged one raises."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = archive.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Unreadable("protected")
        content = parsed_xml(archive.read("content.xml"))
        styles = parsed_xml(archive.read("styles.xml")) if "styles.xml" in names else None
    reader = OpenReader(outcome, hidden_styles(content))
    bodies = children(content, "body")
    for band in ("header", "footer") if any(local_name(each) == "text" for each in bodies) else ():
        if band == "footer":
            reader.bodies(bodies)
        for found in [] if styles is None else descendants(styles, band):
            text = " ".join(" ".join(reader.blocks(found)).split())
            outcome.add(f"[{band.title()}] {text}" if text else "")
    if not any(local_name(each) == "text" for each in bodies):
        reader.bodies(bodies)
    if not reader.found:
        sheets = any(local_name(each) == "spreadsheet" for each in bodies)
        raise Unreadable("only_drawings" if outcome.notes else "empty_sheets" if sheets else "empty")


def hidden_styles(content: Any) -> frozenset[str]:
    """Return the names of styles whose sheets or slides are hidden."""
    styles = children(content, "automatic-styles")
    return frozenset(
        attribute(style, "name")
        for style in styles
        for each in style
        if attribute(each, "display") == "false" or attribute(each, "visibility") == "hidden"
    )


class OpenReader:
    """Reads the body of a file."""

    def __init__(self, outcome: Outcome, hidden: frozenset[str]) -> None:
        self.outcome, self.hidden = outcome, hidden
        self.found = False

    @property
    def pictures(self) -> int:
        return int(self.outcome.notes.get("pictures", {"count": 0})["count"])

    def add(self, text: str) -> None:
        self.outcome.add(text)
        self.found = self.found or bool(text.strip())

    def bodies(self, bodies: list[Any]) -> None:
        for body in bodies:
            kind = local_name(body)
            if kind == "spreadsheet":
                for sheet in descendants(body, "table"):
                    self.sheet(sheet)
            elif kind == "presentation":
                pages = [each for each in body if local_name(each) == "page"]
                for number, page in enumerate(pages, 1):
                    self.slide(page, number, len(pages))
            else:
                for text in self.blocks(body):
                    self.add(text)

    def is_hidden(self, element: Any) -> str:
        return " (hidden)" if attribute(element, "style-name") in self.hidden else ""

    def sheet(self, sheet: Any) -> None:
        self.outcome.add(f"## {attribute(sheet, 'name')}{self.is_hidden(sheet)}")
        for block in tables_in([*self.rows(sheet)]):
            self.add(markdown_table(block))
        for each in children(sheet, "shapes"):
            self.add("\n".join(self.drawn(each)))

    def slide(self, page: Any, number: int, of: int) -> None:
        notes = [each for each in page if local_name(each) == "notes"]
        before = self.pictures
        texts = [text for each in page if each not in notes for text in self.drawn(each)]
        drawn = self.pictures > before
        said = [text for each in notes for text in self.drawn_in(each)]
        if drawn and not any(map(str.strip, texts)):
            self.outcome.note("picture_slides", number, of)
        elif any(map(str.strip, texts)):
            self.found = True
        noted = [f"[Notes] {text}" for text in said if text.strip()]
        self.outcome.add("\n\n".join([f"[Slide {number}{self.is_hidden(page)}]", *filter(None, texts), *noted]))

    def drawn_in(self, element: Any) -> list[str]:
        return [text for each in element for text in self.drawn(each)]

    def drawn(self, shape: Any) -> Iterator[str]:
        """Yield the words of a shape, a frame or a group; count what holds no text."""
        kind = local_name(shape)
        if kind == "image":
            self.outcome.note("pictures")
        elif kind in ("object", "object-ole"):
            self.outcome.note("embedded")
        elif kind in OPEN_BLOCKS:
            yield from self.blocks([shape])
        elif kind not in SKIPPED:
            inner = [*shape]
            if kind == "frame" and any(local_name(each) in ("object", "text-box", "table") for each in inner):
                inner = [each for each in inner if local_name(each) != "image"]  # how it looks where it cannot be drawn
            for each in inner:
                yield from self.drawn(each)

    def blocks(self, element: Any, depth: int = 0) -> Iterator[str]:
        """Yield paragraphs, headings, lists and tables."""
        for each in element:
            kind = local_name(each)
            if kind == "h":
                level = attribute(each, "outline-level", "1")
                yield f"{'#' * min(6, int(level) if level.isdigit() else 1)} {self.line(each)}"
            elif kind == "p":
                yield self.line(each)
            elif kind == "list":
                yield "\n".join(self.items(each, depth))
            elif kind == "table":
                yield markdown_table([*self.rows(each)])
            elif kind in ("frame", "g", "custom-shape", "rect", "text-box"):
                yield from self.drawn(each)
            elif kind and kind not in SKIPPED:
                yield from self.blocks(each, depth)

    def items(self, element: Any, depth: int) -> Iterator[str]:
        for item in element:
            first = True
            for text in self.blocks(item, depth + 1) if depth < 20 else ():
                nested = text.lstrip().startswith("- ")
                yield text if nested else f"{'  ' * depth}{'- ' if first else '  '}{text}"
                first = first and nested

    def line(self, element: Any) -> str:
        """Return the words of a paragraph, with its notes and comments in place."""
        return "".join(self.pieces(element)).strip("\n")

    def pieces(self, element: Any) -> Iterator[str]:
        yield element.text or ""
        for each in element:
            yield from self.piece(each)
            yield each.tail or ""

    def piece(self, each: Any) -> Iterator[str]:
        kind = local_name(each)
        if kind == "s":
            count = attribute(each, "c", "1")
            yield " " * min(int(count) if count.isdigit() else 1, 200)
        elif kind in OPEN_SIGNS:
            yield OPEN_SIGNS[kind]
        elif kind == "note":
            body = " ".join(self.blocks(child(each, "note-body")))
            yield f" [{attribute(each, 'note-class', 'footnote').title()}: {body.strip()}]"
        elif kind == "annotation":
            said = " ".join(self.line(one) for one in each if local_name(one) in ("p", "list"))
            yield f" [Comment: {said}]"
        elif kind == "ruby":
            base, over = (self.line(found) if (found := child(each, f"ruby-{part}")) is not None else ""
                          for part in ("base", "text"))  # fmt: skip
            yield f"{base}（{over}）"
        elif kind in ("frame", "g", "custom-shape", "rect"):
            yield " ".join(self.drawn(each))
        elif kind and kind not in SKIPPED:
            yield from self.pieces(each)

    def rows(self, table: Any) -> Iterator[list[str]]:
        """Yield the rows of a table, empty ones as []; what is repeated without text is written once."""
        for each in table:
            kind = local_name(each)
            if kind in ("table-header-rows", "table-rows", "table-row-group"):
                yield from self.rows(each)
            elif kind == "table-row":
                cells = self.cells(each)
                for _ in range(repeated(each, "number-rows-repeated") if cells else 1):
                    yield cells

    def cells(self, row: Any) -> list[str]:
        """Return the cells of a row; one that is as wide as several stands in each of them."""
        cells: list[str] = []
        for cell in row:
            if local_name(cell) not in ("table-cell", "covered-table-cell"):
                continue
            texts = [*self.blocks(cell)]
            said = [self.line(one) for one in cell if local_name(one) == "annotation"]
            text = cell_text("\n".join([*texts, *(f"[Comment: {one}]" for one in said)])) or value_of(cell)
            if not text and local_name(cell) == "covered-table-cell" and cells:
                text = cells[-1]
            cells += [text] * (repeated(cell, "number-columns-repeated") if text or len(cells) < 200 else 1)
        while cells and not cells[-1]:
            cells.pop()
        return cells


def repeated(element: Any, name: str) -> int:
    count = attribute(element, name, "1")
    return min(int(count), MOST_REPEATED) if re.fullmatch(r"\d{1,9}", count) else 1


def value_of(cell: Any) -> str:
    """Return the value of a cell that shows no text."""
    return next((text for name in ("date-value", "value", "string-value") if (text := attribute(cell, name))), "")


def tables_in(rows: list[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the tables of a sheet, which empty rows part, without columns that are empty in all of it."""
    block: list[list[str]] = []
    for row in [*rows, []]:
        if row:
            block.append(row)
        elif block:
            width = max(map(len, block))
            full = [[*each, *[""] * (width - len(each))] for each in block]
            used = [at for at in range(width) if any(each[at] for each in full)]
            yield [[each[at] for at in used] for each in full]
            block = []


# Rich text (RTF): the words of it, in the encodings that its fonts have.


RICH_TOKEN = re.compile(
    rb"\\(?:'([0-9a-fA-F]{2})|([a-zA-Z]{1,32})(-?\d{1,10})? ?|(.))|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
HIDDEN = frozenset(
    b"fonttbl colortbl stylesheet listtable listoverridetable rsidtbl info generator themedata colorschememapping "
    b"datastore latentstyles pict objdata filetbl revtbl xmlnstbl fldinst bkmkstart bkmkend pnseclvl mmathPr "
    b"wgrffmtfilter nonshppict sp xe tc".split()
)
"""Groups without words of the text."""
WRITTEN = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"row": " |\n", b"cell": " | ",
    b"nestcell": " | ", b"nestrow": " |\n", b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘",
    b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
OPENS = {b"footnote": " [Footnote: ", b"annotation": " [Comment: ", b"header": "\n[Header] ", b"footer": "\n[Footer] "}
ESCAPES = {b"~": "\u00a0", b"_": "-", b"-": ""}
CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5hkscs", 204: "cp1251", 161: "cp1253", 238: "cp1250"}
DEEPEST_GROUP = 500  # groups within each other


def read_rich_text(raw: bytes, outcome: Outcome) -> None:
    reader = RichReader(outcome)
    reader.read(raw)
    outcome.add(re.sub(r"\n{3,}", "\n\n", "".join(reader.said)).strip())


class RichReader:
    """Reads the tokens of a file. A group has a state of its own."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.said: list[str] = []
        self.room = outcome.room
        self.waiting = bytearray()  # bytes of a text whose encoding is the font's
        self.fonts: dict[int, str] = {}
        self.page = "cp1252"
        self.state: dict[str, Any] = {"hidden": False, "fonts": False, "font": -1, "skip": 1, "close": ""}
        self.stack: list[dict[str, Any]] = []
        self.left = 0  # signs to leave out behind a \u, which stand for it in old programs
        self.starred = False

    def read(self, raw: bytes) -> None:
        at = 0
        while at < len(raw) and (found := RICH_TOKEN.match(raw, at)):
            at = found.end()
            hexadecimal, word, number, sign, brace, text = found.groups()
            if hexadecimal is not None:
                self.byte(bytes([int(hexadecimal, 16)]))
                continue
            if text is not None:
                self.byte(text)
            elif brace:
                self.flush()
                self.group(brace)
            elif word is not None:
                at = self.word(word, number, at)
            elif sign is not None:
                self.sign(sign)
        self.flush()

    def byte(self, content: bytes) -> None:
        shown, self.left = content[self.left :], max(0, self.left - len(content))
        if not self.state["hidden"]:
            self.waiting += shown

    def flush(self) -> None:
        """Say the bytes that wait, in the font's encoding, else in the file's."""
        if self.waiting:
            raw, encoding = bytes(self.waiting), self.fonts.get(self.state["font"]) or self.page
            self.waiting.clear()
            text = decoded_as(raw, encoding)
            self.say(decoded_as(raw, self.page) or raw.decode("cp1252", "replace") if text is None else text)

    def say(self, text: str) -> None:
        if not self.state["hidden"]:
            self.said.append(text)
            self.room -= len(text)
            if self.room < 0:
                self.outcome.add("." * (self.outcome.room + 1))  # raises

    def group(self, brace: bytes) -> None:
        self.left, self.starred = 0, False
        if brace == b"{" and len(self.stack) < DEEPEST_GROUP:
            self.stack.append(self.state)
            self.state = {**self.state, "close": ""}
        elif brace == b"}" and self.stack:
            self.say(self.state["close"])
            self.state = self.stack.pop()

    def sign(self, sign: bytes) -> None:
        if sign == b"*":
            self.starred = True
        elif sign in (b"\\", b"{", b"}"):
            self.byte(sign)
        else:
            self.flush()
            self.say(ESCAPES.get(sign, "\n" if sign in b"\r\n" else ""))

    def word(self, word: bytes, number: bytes | None, at: int) -> int:
        """Obey a control word; return where reading goes on."""
        value = int(number) if number else 0
        if word == b"bin":
            return at + max(0, value)
        self.flush()
        if word in OPENS and not self.state["hidden"]:
            self.say(OPENS[word])
            self.state["close"] = "]" if word in (b"footnote", b"annotation") else "\n"
        elif word in HIDDEN or self.starred:
            self.hide(word)
        elif word in WRITTEN:
            self.say(WRITTEN[word])
        elif word == b"u":
            self.say(chr(value % 65536))
            self.left = self.state["skip"]
        else:
            self.set(word, value)
        self.starred = False
        return at

    def hide(self, word: bytes) -> None:
        if word == b"pict" and not self.state["hidden"]:
            self.outcome.note("pictures")
        if word == b"objdata" and not self.state["hidden"]:
            self.outcome.note("embedded")
        self.state["fonts"] = word == b"fonttbl"
        self.state["hidden"] = word != b"shppict"

    def set(self, word: bytes, value: int) -> None:
        if word == b"ansicpg":
            self.page = f"cp{value}" if decoded_as(b"a", f"cp{value}") else self.page
        elif word == b"uc":
            self.state["skip"] = max(0, min(value, 10))
        elif word in (b"f", b"af"):
            self.state["font"] = value
        elif word == b"fcharset" and self.state["fonts"] and value in CHARSETS:
            self.fonts[self.state["font"]] = CHARSETS[value]
        elif word == b"deleted":
            self.state["hidden"] = True
        elif word == b"plain":
            self.state["font"] = -1


# PDF files: the text of each page, fields of forms and notes; pages without a text layer are counted.


FEW = 40  # characters: a picture with no more on its page is a scan with a stamp
PICTURE_SIDE = 300  # pixels from which a picture can be a page
WRITTEN_NOTES = ("/FreeText", "/Text", "/Highlight", "/Underline", "/StrikeOut", "/Square", "/Caret")
PAINTED = re.compile(rb"(?:^|\s)(?:f\*?|F|S|s|[Bb]\*?|sh|Do|EI)(?=\s|$)")
UNREADABLE_SIGNS = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]|/g\d+|\(cid:\d+\)")


def read_pdf(raw: bytes, outcome: Outcome, marks: bool, most_pages: int) -> None:
    """Read all pages. Raises Unreadable, and what pypdf raises for a damaged file."""
    pypdf = importlib.import_module("pypdf")
    reader = pypdf.PdfReader(io.BytesIO(raw))
    if reader.is_encrypted and reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED:
        raise Unreadable("protected")
    total = len(reader.pages)
    if total > most_pages:
        raise Unreadable("too_many_pages")
    words = False
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text().rstrip()
        beside = "\n".join(written_beside(page))
        judge_page(outcome, page, text, number, total)
        words = words or bool(text.strip() or beside)
        outcome.add("\n".join(filter(None, [f"[Page {number}]" if marks else "", text, beside])))
    for name in attached_names(reader):
        outcome.note("attachments", name)
    if not words:
        raise Unreadable("scan" if outcome.notes else "empty")


def judge_page(outcome: Outcome, page: Any, text: str, number: int, total: int) -> None:
    """Note a page whose text is in a picture, drawn, or not to be understood."""
    letters = re.sub(r"\s", "", text)
    if len(letters) < FEW and (has_large_picture(page) or (not letters and is_painted(page))):
        outcome.note("scan_pages", number, total)
    elif sum(map(len, UNREADABLE_SIGNS.findall(text))) * 4 > len(letters) > 0:
        outcome.note("garbled_pages", number, total)


def pictures_of(resources: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the pictures of a page, also those in forms on it."""
    resources = resources.get_object() if resources is not None else {}
    found = resources.get("/XObject") if hasattr(resources, "get") else None
    for each in (found.get_object() if found is not None else {}).values():
        each = each.get_object()
        if each.get("/Subtype") == "/Image":
            yield each
        elif each.get("/Subtype") == "/Form" and depth < 3:
            yield from pictures_of(each.get("/Resources"), depth + 1)


def has_large_picture(page: Any) -> bool:
    try:
        sizes = [
            (int(each.get("/Width", 0)), int(each.get("/Height", 0))) for each in pictures_of(page.get("/Resources"))
        ]
    except (AttributeError, TypeError, ValueError):
        return True
    return any(min(size) >= PICTURE_SIDE or size[0] * size[1] >= PICTURE_SIDE**2 for size in sizes)


def is_painted(page: Any) -> bool:
    """Return whether anything is drawn on the page; one with nothing on it is blank."""
    contents = page.get_contents()
    return contents is not None and bool(PAINTED.search(contents.get_data()))


def written_beside(page: Any) -> Iterator[str]:
    """Yield what stands in fields of forms, and notes on the page."""
    for each in page.get("/Annots") or []:
        annotation = each.get_object()
        kind = annotation.get("/Subtype") if hasattr(annotation, "get") else None
        if kind == "/Widget":
            named = annotation if "/T" in annotation else annotation.get("/Parent", annotation).get_object()
            value = annotation.get("/V") or named.get("/V")
            if isinstance(value, str) and value.strip() and value != "/Off":
                yield f"[Field {named.get('/TU') or named.get('/T') or ''}: {value.removeprefix('/')}]"
        elif kind in WRITTEN_NOTES and str(annotation.get("/Contents") or "").strip():
            yield f"[Note: {annotation['/Contents']}]"


def attached_names(reader: Any) -> list[str]:
    try:
        return [str(name) for name in reader.attachments]
    except Exception:  # what hangs on the file must not cost its text
        return []


# Mail: who wrote what to whom, and what is attached, which is read too where it can be.


HEADERS = ("From", "To", "Cc", "Bcc", "Reply-To", "Date", "Subject")
STARTS = ("from", "to", "subject", "date", "mime-version", "received", "message-id", "content-type", "return-path")
SURE = ("mime-version", "received", "message-id", "return-path")
MOST_ATTACHED = 100
DEEPEST = 4
BLOCKS = ["p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "section"]
ReadsAttached = Callable[[bytes, str, Outcome, int], None]
"""Reads an attached file into the outcome; the number is how deep it lies."""


def is_mail(raw: bytes, name: str) -> bool:
    """Return whether the file begins as a mail does."""
    head = raw[:8000].lstrip().partition(b"\n\n")[0].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    lines = [line.partition(b":") for line in head.split(b"\n") if not line.startswith((b" ", b"\t"))]
    named = {before.decode("ascii", "replace").strip().lower() for before, colon, _ in lines if colon}
    known = named & set(STARTS)
    return (len(known) >= 3 and bool(known & set(SURE))) or bool(known and name.lower().endswith(".eml"))


def read_mail(raw: bytes, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    read_message(message, outcome, depth, reads)


def read_message(message: Any, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read headers, text and what is attached."""
    outcome.add("\n".join(f"{name}: {value}" for name in HEADERS if (value := header(message, name))))
    body, attached = parted(message)
    if body is not None:
        text = part_text(body)
        outcome.add(html_text(text) if body.get_content_type() == "text/html" else text)
    for part in attached[:MOST_ATTACHED]:
        read_attached(part, outcome, depth, reads)
    for part in attached[MOST_ATTACHED:]:
        outcome.note("attachments", part_name(part))


def header(message: Any, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, TypeError, AttributeError, IndexError, LookupError):  # a header that is against all rules
        return ""


def parted(message: Any) -> tuple[Any, list[Any]]:
    """Return the part with the text, plain before HTML, and all others."""
    leaves = [*leaves_of(message)]
    shown = [one for one in leaves if one.get_content_maintype() == "text" and not is_attachment(one)]
    bodies = [one for kind in ("text/plain", "text/html") for one in shown if one.get_content_type() == kind]
    body = next((one for one in bodies if part_text(one).strip()), None)
    alternatives = {id(one) for one in bodies if body is not None and in_alternative(message, body, one)}
    return body, [one for one in leaves if one is not body and id(one) not in alternatives]


def leaves_of(message: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the parts that are no containers; a mail within the mail is one of them."""
    if message.get_content_maintype() == "multipart" and message.is_multipart() and depth < 30:
        for part in message.get_payload():
            yield from leaves_of(part, depth + 1)
    else:
        yield message


def in_alternative(message: Any, body: Any, other: Any) -> bool:
    """Return whether the other part says the same as the body."""
    groups = [one for one in message.walk() if one.get_content_type() == "multipart/alternative"]
    return any({id(body), id(other)} <= {id(leaf) for leaf in leaves_of(group)} for group in groups)


def is_attachment(part: Any) -> bool:
    return bool(str(part.get("Content-Disposition") or "").lower().startswith("attachment"))


def part_name(part: Any) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, AttributeError, LookupError):
        name = ""
    return " ".join(str(name or part.get_content_type()).split())


def part_text(part: Any) -> str:
    raw = part.get_payload(decode=True) or b""
    encoding = part.get_content_charset() or ""
    text = decoded_as(raw, encoding) if encoding else None
    return (decoded(raw) if text is None else text).replace("\r\n", "\n")


def read_attached(part: Any, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read an attached file under its name, or note that it was not read."""
    name = part_name(part)
    if depth >= DEEPEST:
        outcome.note("attachments", name)
    elif part.get_content_type() == "message/rfc822" and isinstance(part.get_payload(), list):
        outcome.add(f"[Attached mail: {name}]")
        for inner in part.get_payload()[:1]:
            read_message(inner, outcome, depth + 1, reads)
    elif part.get_content_maintype() == "image":
        outcome.note("pictures", name)
    else:
        read_named(part.get_payload(decode=True) or b"", name, outcome, depth, reads)


def read_named(raw: bytes, name: str, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read an attached file into an outcome of its own, so that half of one is not taken for all of it."""
    inner = Outcome(outcome.room)
    try:
        reads(raw, name, inner, depth + 1)
    except Unreadable as why:
        if why.problem == "bomb":
            raise
        outcome.note("attachments", name)
        return
    outcome.add(f"[Attached: {name}]")
    for text in inner.parts:
        outcome.add(text)
    for key in inner.notes:
        outcome.note("attachments_in_part" if key not in ("pictures", "charts") else key, name)


def html_text(html: str) -> str:
    """Return the words of HTML, a paragraph a line, tables with several columns as Markdown."""
    soup = importlib.import_module("bs4").BeautifulSoup(html, "html.parser")
    for each in soup(["script", "style", "head", "template"]):
        each.decompose()
    for table in soup("table"):
        rows = [[cell_text(cell.get_text(" ")) for cell in row(["td", "th"])] for row in table("tr")]
        if not table("table") and max(map(len, rows), default=0) > 1:
            table.replace_with(f"\n\n{markdown_table(rows)}\n\n")
    for each in soup("br"):
        each.replace_with("\n")
    for each in soup(BLOCKS):
        each.insert_before("\n")
        each.insert_after("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().splitlines())
    return "\n".join(line for line in lines if line)


def read_outlook(raw: bytes, outcome: Outcome, depth: int, reads: ReadsAttached) -> None:
    """Read a mail as Outlook saves it."""
    ole = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
    heads = (("From", "0C1A"), ("To", "0E04"), ("Cc", "0E03"), ("Subject", "0037"))
    told = [f"{name}: {value}" for name, code in heads if (value := outlook_text(ole, "", code))]
    outcome.add("\n".join(told))
    body = outlook_text(ole, "", "1000") or html_text(decoded(outlook_bytes(ole, "__substg1.0_10130102")))
    outcome.add(body.replace("\r\n", "\n"))
    folders = sorted({path[0] for path in ole.listdir() if path[0].startswith("__attach_")})
    for folder in folders[:MOST_ATTACHED]:
        name = outlook_text(ole, folder, "3707") or outlook_text(ole, folder, "3704") or "?"
        content = outlook_bytes(ole, f"{folder}/__substg1.0_37010102")
        if content and depth < DEEPEST:
            read_named(content, name, outcome, depth, reads)
        else:
            outcome.note("attachments", name)


def outlook_bytes(ole: Any, path: str) -> bytes:
    return bytes(ole.openstream(path).read()) if ole.exists(path) else b""


def outlook_text(ole: Any, folder: str, code: str) -> str:
    """Return a property of an Outlook mail that is a text: in Unicode, or in an encoding of before."""
    path = f"{folder}/__substg1.0_{code}" if folder else f"__substg1.0_{code}"
    wide = outlook_bytes(ole, f"{path}001F")
    return (wide.decode("utf-16-le", "replace") if wide else decoded(outlook_bytes(ole, f"{path}001E"))).strip("\x00 ")


# The reader as a program: what kind a file is, by its first bytes, and what it says.


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE = {"word/": "word", "ppt/": "slides", "xl/": "workbook"}
STREAMS = {
    "EncryptedPackage": "protected",
    "__properties_version1.0": "outlook",
    "Workbook": "old_workbook",
    "Book": "old_workbook",
    "WordDocument": "old_document",
    "PowerPoint Document": "old_slides",
}
"""What a compound file is, by the first of these streams that it has."""
PROBLEMS = ("protected", "old_document", "old_slides", "unsupported")
# First bytes of what holds no text that we could read, or that a text would hardly begin with.
OTHER = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"\x7fELF")
MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<svg")


def kind_of(raw: bytes, name: str) -> str:
    """Return what the first bytes say, never the name alone. Raises Unreadable."""
    if not raw.strip(b"\x00 \t\r\n"):
        raise Unreadable("empty")
    if b"%PDF-" in raw[:1024]:
        return "pdf"
    if raw.startswith(OLE):
        found = compound_kind(raw)
        if found in PROBLEMS:
            raise Unreadable(found)
        return found
    if raw.startswith(b"{\\rtf"):
        return "rich_text"
    if raw.startswith(b"PK\x03\x04"):
        names = archive_names(raw)
        if is_opendocument(raw):
            return "opendocument"
        return next((kind for folder, kind in OFFICE.items() if any(one.startswith(folder) for one in names)), "other")
    if raw.startswith(OTHER):
        return "other"
    if raw.lstrip()[:16].lower().startswith(MARKUP):
        return "page" if b"<html" in raw[:1024].lower() else "other"
    return "mail" if is_mail(raw, name) else "text"


def compound_kind(raw: bytes) -> str:
    """Return what a compound file of before 2007 is. Raises Unreadable."""
    try:
        file = importlib.import_module("olefile").OleFileIO(io.BytesIO(raw))
        return next((kind for stream, kind in STREAMS.items() if file.exists(stream)), "unsupported")
    except Exception as error:  # olefile has its own, and those of struct, for damaged files
        raise Unreadable("damaged") from error


def read_bytes(raw: bytes, name: str, outcome: Outcome, depth: int, limits: dict[str, Any]) -> None:
    """Read a file of any kind into the outcome. Raises Unreadable."""

    def reads(inner: bytes, inner_name: str, inner_outcome: Outcome, inner_depth: int) -> None:
        read_bytes(inner, inner_name, inner_outcome, inner_depth, limits)

    kind = outcome.kind = kind_of(raw, name)
    readers: dict[str, Any] = {
        "pdf": lambda: read_pdf(raw, outcome, limits["marks"], limits["pages"]),
        "word": lambda: read_word(raw, outcome),
        "slides": lambda: read_slides(raw, outcome),
        "workbook": lambda: read_workbook(raw, outcome),
        "old_workbook": lambda: read_old_workbook(raw, outcome),
        "opendocument": lambda: read_opendocument(raw, outcome),
        "rich_text": lambda: read_rich_text(raw, outcome),
        "page": lambda: outcome.add(html_text(decoded(raw))),
        "mail": lambda: read_mail(raw, outcome, depth, reads),
        "outlook": lambda: read_outlook(raw, outcome, depth, reads),
        "text": lambda: read_plain(raw, outcome),
    }
    if kind not in readers:
        raise Unreadable("unsupported")
    try:
        readers[kind]()
    except (Unreadable, MemoryError):
        raise
    except Exception as error:  # each library has dozens of its own for damaged files
        protected = type(error).__name__ in ("FileNotDecryptedError", "DependencyError")
        raise Unreadable("protected" if protected else "damaged") from error
    if not outcome.parts:
        raise Unreadable("empty")


def read_plain(raw: bytes, outcome: Outcome) -> None:
    text = decoded(raw).removeprefix("\ufeff")
    odd = sum((char < " " and char not in "\t\n\r\f\v\x1b") or char == "\ufffd" for char in text[:100_000])
    if odd * 50 > len(text[:100_000]):
        raise Unreadable("unsupported")
    outcome.add(text)


def read_file(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Return {"text", "notes", "kind", "digest"}, or {"problem", "kind", "digest"}."""
    with open(path, "rb") as file:
        raw = file.read()
    outcome = Outcome(limits["characters"])
    digest = hashlib.sha256(raw).hexdigest()
    try:
        read_bytes(raw, str(limits.get("name") or ""), outcome, 0, limits)
    except Unreadable as why:
        return {"problem": why.problem, "kind": outcome.kind, "digest": digest}
    except MemoryError:
        return {"problem": "bomb", "kind": outcome.kind, "digest": digest}
    return {"text": outcome.text, "notes": outcome.notes, "kind": outcome.kind, "digest": digest}


def read_and_tell(path: str, options: str) -> None:
    """Run the process: limit it, read the file, print the result."""
    limits = json.loads(options)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"] + 1, limits["seconds"] + 1))
    except (ImportError, ValueError, OSError):
        pass
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no part of the answer
    told.write(json.dumps(read_file(path, limits)))
    told.flush()
    sys.stdout.flush()


# <<< reader


# Reading a raw file in a process of its own, which a hostile file may exhaust or crash.


def needed_imports(source: str, block: str) -> list[str]:
    """Return the imports of the standard library that the reader uses."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
            origin = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            standard = origin.partition(".")[0] in sys.stdlib_module_names
            if standard and any(re.search(rf"\b{name}\b", block) for name in names):
                found.append(ast.unparse(node))
    return found


def reader_source() -> str:
    """Return the reader as a program. Open WebUI loads this file by a copy that is gone afterwards."""
    try:
        source = Path(__file__).read_text(encoding="utf-8")
        block = source.split("# >>> reader\n")[1].split("# <<< reader\n")[0]
        return "\n".join([*needed_imports(source, block), block, "read_and_tell(*sys.argv[1:])\n"])
    except (NameError, OSError, IndexError, SyntaxError):
        return ""  # loaded in another way: Open WebUI's own text is used alone


READER = reader_source()
READERS = asyncio.Semaphore(2)
READ_MEMORY = 1_500_000_000  # bytes of address space
READ_CHARACTERS = 20_000_000  # of one file; also of all that are remembered
REMEMBER_FILES = 50
SLOW_SECONDS = 600  # for which a file that took too long is not tried again
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
    """Return what `read_file` returns; its "problem" may be "unreachable", too. Raises nothing."""
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
        "name": file.filename,
    }
    if not READER:
        return {"problem": "unreachable"}
    async with READERS:
        return await run_reader([path, json.dumps(limits)], valves.read_seconds)


async def remembered_reading(file: Any, task: Reading) -> dict[str, Any]:
    """Read the file in a process, once: every turn asks again."""
    key = (file.id, file.updated_at, file.hash, task.page_marks)
    if key not in memory or memory[key].get("until", math.inf) < time.monotonic():
        found = await read_in_a_process(file, task)
        if found.get("problem") == "unreachable":  # may go better next time
            return found
        if found.get("problem") == "slow":
            found["until"] = time.monotonic() + SLOW_SECONDS
        memory[key] = found
        while len(memory) > REMEMBER_FILES or sum(len(one.get("text") or "") for one in memory.values()) > (
            READ_CHARACTERS
        ):
            memory.pop(next(iter(memory)))
        return found
    memory[key] = memory.pop(key)  # the latest used stays the longest
    return memory[key]


# Which text is the better one: what this filter read, or what Open WebUI stored.


COMPARED = 1_000_000  # characters
SHINGLE = 5  # characters that follow each other
SHAPED = (
    "mail",
    "outlook",
    "workbook",
    "old_workbook",
    "opendocument",
    "rich_text",
)  # Open WebUI stores them raw, or with "NaN"
BROKEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd\ue000-\uf8ff]")
KANA_LETTERS = re.compile("[\u3041-\u30fe]")
PAGE_MARK = re.compile(r"^\[(?:Page|Slide) \d+(?: \(hidden\))?\]$", re.MULTILINE)


def shingles(text: str) -> set[str]:
    words = re.sub(r"[\W_]+", "", PAGE_MARK.sub("", text[:COMPARED])).lower()
    return {words[at : at + SHINGLE] for at in range(max(1, len(words) - SHINGLE + 1))}


def lost(text: str, other: str) -> float:
    """Return the share of the other text that is not in this one."""
    wanted = shingles(other)
    return len(wanted - shingles(text)) / len(wanted)


def was_misread(stored: str, text: str) -> bool:
    """Return whether most signs of other scripts in a plain text are not in the stored one: a wrong encoding."""
    stored, text = stored[:COMPARED], text[:COMPARED]
    if BROKEN.search(stored):
        return not BROKEN.search(text)
    foreign = {char for char in text if ord(char) > 0x7F and char.isalnum()}
    is_other = len(foreign - set(stored)) * 2 > len(foreign)
    # Open WebUI's guess may be the right one, such as Chinese: ours is better where it has kana.
    return is_other and len(KANA_LETTERS.findall(text)) * 20 > len(text) and not KANA_LETTERS.search(stored)


def is_garbled(text: str) -> bool:
    """Return whether a text is the bytes of a program's own format, read as if they were one."""
    return len(BROKEN.findall(text[:COMPARED])) * 50 > len(text[:COMPARED])


def stored_is_better(found: dict[str, Any], stored: str, has_engine: bool) -> bool:
    """Return whether the stored text is to be sent. It is where a configured engine read pictures or was corrected."""
    text = str(found.get("text") or "")
    if not (stored and text):
        return bool(stored)
    if found.get("kind") == "text":
        return not was_misread(stored, text)
    if found.get("kind") in SHAPED and not has_engine:
        return False
    of_ours, of_theirs = lost(stored, text), lost(text, stored)
    return of_ours <= of_theirs + 0.02 if has_engine else of_theirs > max(0.01, 2 * of_ours)


# Text: Open WebUI's, or the raw file's.


POLL_SECONDS = 0.5
ENGINES = ("rag.content_extraction_engine", "rag.pdf_extract_images")
OLD = ("old_document", "old_slides")
UNCHECKED = ("slow", "too_big", "too_many_pages", "damaged", "protected", "bomb", "unsupported", *OLD)


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


def carried_text(item: dict[str, Any]) -> str:
    """Return the text that the item carries; Open WebUI takes it before the stored one."""
    data = (item.get("file") or {}).get("data") or {}
    text = str(data.get("content") or (item.get("content") if item.get("type") == "text" else "") or "")
    return text if text.strip() else ""


def stored_text(file: Any) -> str:
    text = str((file.data or {}).get("content") or "")
    return text if text.strip() else ""


def identity(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()


async def why_no_text(file: Any, problem: str) -> str:
    data, about = file.data or {}, file.meta or {}
    if about.get("size") == 0:
        return "empty"
    if data.get("status") == "failed" and "content" not in data and problem != "scan":
        return "failed"
    kind = str(about.get("content_type") or "")
    if problem != "scan" and not (kind.startswith("image/") or file.filename.lower().endswith(".pdf")):
        return "empty"
    engines = await Config.get_many(*ENGINES)
    return "no_text" if any(engines.values()) else "no_text_no_ocr"


async def read_raw(document: Document, file: Any, task: Reading, stored: str) -> None:
    """Take the text from the file itself where it is the better one; or the reason why there is none at all."""
    found = await remembered_reading(file, task)
    problem = str(found.get("problem") or "")
    engines = await Config.get_many(*ENGINES)
    has_engine = bool(engines.get(ENGINES[0])) or bool(engines.get(ENGINES[1]) and found.get("kind") == "pdf")
    if not await asyncio.to_thread(stored_is_better, found, stored, has_engine):
        document.text = str(found.get("text") or "")
        document.notes = dict(found.get("notes") or {})
    elif problem in UNCHECKED or (problem == "scan" and not has_engine):
        document.notes = {"unchecked": {"count": 1, "of": 0, "named": []}}
    document.content = str(found.get("digest") or "")
    if document.text or (stored and not (problem and is_garbled(stored))):
        return
    document.reason = problem
    if problem in ("scan", "unsupported", "unreachable"):
        document.reason = await why_no_text(file, problem)


async def obtained(document: Document, user: Any, task: Reading, reading: Callable[[Document], Awaitable[None]]) -> Any:
    """Return the stored file, once Open WebUI has read it or the time is over; None if it is not for this person."""
    file = None if document.is_inline else await Files.get_file_by_id(document.id)
    if document.is_inline or (user and file and await may_read(file, user)):
        return await awaited(file, document, task, reading) if file else None
    document.reason = "no_access"
    return None


async def text_of(document: Document, file: Any, task: Reading) -> str:
    """Return the text as it will go in; fill in what was not read, or the reason why there is none."""
    carried = carried_text(document.item)
    if file is None:
        document.reason = "" if carried else "no_text_inline"
        return carried
    stored = carried or stored_text(file)
    if is_being_read(file) and not stored:
        document.reason = "still_reading"
    elif not carried and not is_being_read(file):
        await read_raw(document, file, task, stored)
    return document.text or stored


async def examine(
    documents: list[Document], task: Reading, factor: float, reading: Callable[[Document], Awaitable[None]]
) -> None:
    """Fill in the tokens, what was not read, or the reason why there is no text."""
    user = await Users.get_user_by_id(task.user_id)
    files = [await obtained(document, user, task, reading) for document in documents]

    async def one(document: Document, file: Any) -> None:
        text = await text_of(document, file, task)
        if text:
            document.content = await asyncio.to_thread(identity, text)
        if not document.reason:
            document.tokens = round(await asyncio.to_thread(count_tokens, text) * factor)

    pairs = zip(documents, files, strict=True)
    await asyncio.gather(*(one(document, file) for document, file in pairs if not document.reason))


async def identify(documents: list[Document], user_id: str) -> None:
    """Fill in which content the files have, of those that the person may read; nothing is waited for."""
    user = await Users.get_user_by_id(user_id)
    for document in documents:
        file = await Files.get_file_by_id(document.id)
        if user and file and await may_read(file, user) and (text := stored_text(file)):
            document.content = await asyncio.to_thread(identity, text)


# The same content attached more than once: sent once, counted once, named once.


def merged(copies: list[Document]) -> Document:
    """Return the one that stays: where the text stood first, and whole if one of them is."""
    kept = min(copies, key=lambda one: (bool(one.reason), not one.on_branch, one.place))
    if any(one.item.get("context") == "full" for one in copies) and not kept.is_inline:
        kept.item = {**kept.item, "context": "full"}
    names = dict.fromkeys(one.name for one in copies if one.name != kept.name)
    kept.copies = [*names]
    return kept


def without_copies(files: list[Any], documents: list[Document]) -> tuple[list[Any], list[Document]]:
    """Return the request's files and the documents, each content once. The list and its items stay as they are."""
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document.content or document.id or str(id(document)), []).append(document)
    stays: dict[int, Any] = {}
    kept = []
    for copies in groups.values():
        items = [id(one.item) for one in copies]
        one = merged(copies)
        stays |= dict.fromkeys(items)
        stays[items[copies.index(one)]] = one.item
        kept.append(one)
    order = {id(document): at for at, document in enumerate(documents)}
    shown = [stays.get(id(item), item) for item in files]
    return [item for item in shown if item is not None], sorted(kept, key=lambda one: order[id(one)])


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
    if document.is_inline:
        return item
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
    whole = sorted((one for one in documents if not one.reason), key=lambda one: (one.tokens, one.id))
    return [{"id": one.id, "name": one.name, "place": one.place} for one in whole]


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


# What the person is told: a line with what matters first, and a line for each file where a click opens them.


NAMED_FILES = 6  # in the line; more are counted
DETAILED_FILES = 20
NAME = 32  # characters of a name in the line


def note_text(key: str, note: dict[str, Any], text: dict[str, str]) -> str:
    named = [str(one) for one in note.get("named") or []]
    more = [text["more"].format(count=note["count"] - len(named))] if named and note["count"] > len(named) else []
    which = text["which"].format(names=text["separator"].join([*named, *more])) if named else ""
    said = text[f"note_{key}"] if note["count"] > 1 else text.get(f"note_{key}_one", text[f"note_{key}"])
    return said.format(count=note["count"], of=note["of"], which=which)


def noted(document: Document, keys: set[str], text: dict[str, str]) -> str:
    return text["and"].join(note_text(key, document.notes[key], text) for key in document.notes if key in keys)


def brief(name: str) -> str:
    """Return a name that leaves room for what became of the file, on a phone."""
    return name if len(name) <= NAME else f"{name[: NAME - 12]}…{name[-11:]}"


def explained(document: Document, room: Room, valves: Any, text: dict[str, str], name: str) -> str:
    """Return what became of a file that did not go in whole."""
    if document.in_part:
        reason = noted(document, set(MISSING), text)
        return text["in_part"].format(name=name, tokens=rounded(document.tokens), reason=reason)
    limits = {"limit": f"{room.tokens or 0:,}", "pages": valves.max_pages, "megabytes": valves.max_megabytes}
    reason = text[document.reason].format(**limits)
    key = "search_sized" if document.fate == "search" and document.tokens else document.fate
    return text[key].format(name=name, tokens=rounded(document.tokens), reason=reason)


def asides(document: Document, text: dict[str, str]) -> list[str]:
    """Return what there is to say about a file besides what became of it."""
    copies = text["copies"].format(names=text["separator"].join(document.copies[:NAMED_FILES]))
    notes = noted(document, set(document.notes) - MISSING, text)
    return [*([copies] if document.copies else []), *([notes] if notes and not document.reason else [])]


def detail(document: Document, room: Room, valves: Any, text: dict[str, str]) -> str:
    whole = text["whole_file"].format(name=document.name, tokens=rounded(document.tokens))
    told = explained(document, room, valves, text, document.name) if document.reason or document.in_part else whole
    return text["and"].join([told, *asides(document, text)])


def detailed(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> list[str]:
    """Return a line for each file, those with trouble first; none where the one line says it all."""
    if len(documents) < 2 and not any(asides(one, text) or brief(one.name) != one.name for one in documents):
        return []
    ordered = sorted(documents, key=lambda one: not (one.reason or one.in_part))
    lines = [detail(one, room, valves, text) for one in ordered[:DETAILED_FILES]]
    left = len(ordered) - DETAILED_FILES
    return [*lines, *([text["more"].format(count=left)] if left > 0 else [])]


def whole_part(whole: list[Document], window: int, text: dict[str, str]) -> str:
    tokens = sum(document.tokens for document in whole)
    files = text["one_file" if len(whole) == 1 else "files"].format(count=len(whole))
    if not window:
        return text["whole_without_window"].format(files=files, tokens=rounded(tokens))
    percent = str(round(tokens * 100 / window) or "<1")
    return text["whole"].format(files=files, tokens=rounded(tokens), window=f"{window:,}", percent=percent)


def summary(documents: list[Document], room: Room, valves: Any, text: dict[str, str]) -> str:
    """Format: 2 of 3 files not whole · report.pdf (310,000) by search: too large · … · 1 file, 1,200 tokens, whole"""
    others = [document for document in documents if document.reason or document.in_part]
    whole = [document for document in documents if not (document.reason or document.in_part)]
    parts = [text["not_whole"].format(count=len(others), of=len(documents))] if len(others) > 1 else []
    parts += [explained(document, room, valves, text, brief(document.name)) for document in others[:NAMED_FILES]]
    if len(others) > NAMED_FILES:
        parts.append(text["more"].format(count=len(others) - NAMED_FILES))
    if whole:
        parts.append(whole_part(whole, room.window or room.tokens or 0, text))
        known = {key for one in whole for key in one.notes}
        parts += [text[f"aside_{key}"] for key in ("unchecked", "pictures", "charts", "formulas") if key in known]
    return text["part"].join(parts)


# The filter: whole files instead of search results, as far as they fit.


LINE = "sekisho_full_text_line"  # likewise: what to tell
DETAILS = "sekisho_full_text_details"  # likewise: a line for each file


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
        line, details = text["broken"], list[str]()
        waited: list[str] = []
        __metadata__.setdefault(TOLD_FILES, [])  # the context guard knows by it that this filter runs

        async def reading(document: Document) -> None:
            waited.append(document.name)
            await show(emitter, text["reading"].format(name=document.name), done=False)

        try:
            documents = await attached_documents(body, __metadata__, __model__, __user__["id"], valves.knowledge)
            obstacle = why_files_are_ignored(body, __model__)
            room = Room(window=context_window(__model__, __request__))
            if own.mode == "search" or obstacle:
                await identify(documents, __user__["id"])
                body["files"], documents = without_copies(body.get("files") or [], documents)
                documents = [document for document in documents if obstacle or not document.switched_by_user]
                refuse(obstacle or "setting", documents)
            elif documents:
                task = Reading(valves, own.page_marks, __user__["id"], time.monotonic() + valves.wait_seconds)
                await examine(documents, task, correction(__request__, base_model(__model__)), reading)
                body["files"], documents = without_copies(body["files"], documents)
                tools = tools_of(__request__, __model__, __metadata__)
                room = await room_for_files(room, valves, own, __user__["id"], __model__, body, tools)
                keep_within(room, documents)
                body["files"] = with_full_context(body["files"], documents)
                __metadata__[PLAN] = placement(documents)
            line, details = summary(documents, room, valves, text), detailed(documents, room, valves, text)
            __metadata__[TOLD_FILES] = [document.id for document in documents if document.fate != "search"]
        except Exception:
            log.exception("full_text: the files are left to search")
        finally:  # `request` may never run: somebody pressed stop, another filter refused
            if waited:
                await show(emitter, text["waited"].format(names=text["separator"].join(waited)), done=True)
        if shows_line:
            __metadata__[LINE], __metadata__[DETAILS] = line, details
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
        details = __metadata__.pop(DETAILS, [])
        if line := __metadata__.pop(LINE, ""):
            for detail in details:  # seen when the line is opened
                await show(__event_emitter__, detail, done=True, action=ABOUT_A_FILE)
            await tell(__metadata__, __event_emitter__, line, text["part"], FULL_TEXT)
        return body
