"""
title: Context guard
author: Sekisho
version: 0.2.0
license: MIT
description: Measures what really goes to the model, warns when it is nearly full, and stops what it could not read.
required_open_webui_version: 0.12.4
id: context_guard
"""

# Built by `python -m plugins.build` out of plugins/context_guard: change it there, not here.

import asyncio
import hashlib
import importlib
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from open_webui.models.chats import Chats
from open_webui.models.functions import Functions
from open_webui.utils.chat_id import is_saved_chat_id
from pydantic import BaseModel, Field

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Context guard",
        "description": "Measures what really goes to the model, warns when it is nearly full, "
        "and stops what the model could not read.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first; this one belongs after Full text.",
        "valves.warn_percent.title": "Warn at (percent)",
        "valves.warn_percent.description": "Share of the model's window from which a line warns. 0: never.",
        "valves.stop_percent.title": "Stop at (percent)",
        "valves.stop_percent.description": "Share of the window beyond which a message is not sent. 0: never.",
        "valves.window.title": "Window if unknown (tokens)",
        "valves.window.description": "For models whose upstream does not tell how much they read. 0: not measured.",
    },
    "ja-JP": {
        "name": "コンテキストの見張り",
        "description": "モデルに実際に送る量を測り、上限に近づくと知らせ、読み切れないものは送る前に止めます。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。「全文」より後にしてください。",
        "valves.warn_percent.title": "警告する割合（％）",
        "valves.warn_percent.description": "モデルが読める量のこの割合を超えると警告を表示します。0は警告なしです。",
        "valves.stop_percent.title": "止める割合（％）",
        "valves.stop_percent.description": "この割合を超えるメッセージは送りません。0は止めません。",
        "valves.window.title": "上限が不明なとき（トークン）",
        "valves.window.description": "読める量を公開していないモデルに使う値です。0は測りません。",
    },
}


# Texts that the person reads.


TEXT = {
    "en": {
        "part": " · ",
        "separator": ", ",
        "warn": "{tokens} of {window} tokens ({percent} %): nearly all that {model} can read",
        "stop": "Not sent: this conversation is about {tokens} tokens long, and {model} reads at most {window}. "
        "Remove a file, switch Full text to search, or start a new chat.",
        "unread": "Nothing was read from {names}; the answer does not know what is in there "
        "(empty, still being read, or deleted). Attach it again",
        "no_full_text": "{names} only searched, not whole: {model} has no Full text. "
        "Choose another model, or click the file and use the entire document",
        "full_text_off": "{names} only searched, not whole: Full text is off. Switch it on below the message",
    },
    "ja": {
        "part": " · ",
        "separator": "、",
        "warn": "{window}トークン中{tokens}（{percent}%）: {model} が読める量の上限に近づいています",
        "stop": "送信しませんでした。この会話は約{tokens}トークンで、{model} が読めるのは{window}トークンまでです。"
        "ファイルを減らすか、「全文」を検索に切り替えるか、新しいチャットを始めてください。",
        "unread": "{names} からは何も読み取れませんでした（空、読み取り中、または削除済み）。"
        "回答にはその内容が含まれません。もう一度添付してください",
        "no_full_text": "{names} は全文ではなく検索のみ: {model} では「全文」を使えません。"
        "別のモデルを選ぶか、ファイルを開いて全体を使う設定に切り替えてください",
        "full_text_off": "{names} は全文ではなく検索のみ: 「全文」がオフです。入力欄でオンにできます",
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


# How much of a request a model reads.


IMAGE_TOKENS = 1000  # what the large vendors charge for a picture of usual size
MESSAGE_TOKENS = 4  # roles and separators


def share(tokens: int, room: int) -> int:
    """Return the percentage of the room, rounded up; a room of nothing is always over-full."""
    return -(-tokens * 100 // room) if room > 0 else 1000


def pictures_in(message: dict[str, Any]) -> int:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return sum(part.get("type") == "image_url" for part in parts if isinstance(part, dict))


def written(message: dict[str, Any]) -> Iterator[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    yield from (str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text"))
    yield from (str(message[key]) for key in ("reasoning_content", "name") if message.get(key))
    for call in message.get("tool_calls") or []:
        yield json.dumps(call.get("function") or {}, ensure_ascii=False)


def measured(body: dict[str, Any]) -> tuple[int, int]:
    """Return the tokens of everything written in the request, and the number of its pictures."""
    messages = [message for message in body.get("messages") or [] if isinstance(message, dict)]
    texts = [text for message in messages for text in written(message)]
    if body.get("tools"):
        texts.append(json.dumps(body["tools"], ensure_ascii=False))
    return sum(map(count_tokens, texts)) + MESSAGE_TOKENS * len(messages), sum(map(pictures_in, messages))


# What the gateway's usage teaches about the estimate.


CORRECTED_MODELS = 500


def learn(request: Any, model_id: str, estimated: int, real: Any) -> None:
    """Correct the estimate for a model.

    Short prompts teach nothing: what a model adds by itself would weigh too much. Nor do counts that cannot be true.
    """
    state = request.app.state
    if not hasattr(state, "sekisho_corrections"):
        state.sekisho_corrections = {}
    known = state.sekisho_corrections
    if estimated < 1000 or not isinstance(real, int) or not estimated / 2 <= real <= estimated * 2:
        return
    if model_id not in known and len(known) >= CORRECTED_MODELS:
        return
    seen = real / estimated
    known[model_id] = round(known[model_id] * 0.7 + seen * 0.3, 4) if model_id in known else seen


# Attached files of which nothing was read.


def has_words(document: Any) -> bool:
    return bool(str(document or "").strip())


def is_inline(item: dict[str, Any]) -> bool:
    """Return whether the page of a temporary chat read this file itself, and sent its text along."""
    return bool(item.get("type") == "text" and item.get("id") and not (item.get("collection_name") or item.get("url")))


def unread_files(metadata: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Return the names of attached files of which not a word reached the model; Open WebUI swallows the reason."""
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if not capabilities.get("file_context", True) or metadata.get("tool_approval_resume"):
        return []
    read = [source for source in metadata.get("sources") or [] if any(map(has_words, source.get("document") or []))]
    read_ids = {(source.get("source") or {}).get("id") for source in read}
    told_files = metadata.get(TOLD_FILES) or []
    names = [
        short(item.get("name") or item.get("id"))
        for item in metadata.get("files") or []
        if isinstance(item, dict)
        and (item.get("type") == "file" or is_inline(item))
        and item.get("id") not in told_files
        # Search may rightly find nothing in one of several files; a whole file, or all of them, is another matter.
        and item.get("id") not in read_ids
        and (item.get("context") == "full" or is_inline(item) or not read)
    ]
    return [*dict.fromkeys(names)]


# Chats in which Full text was on and does not run any more: only another filter can say so.


def searched_files(metadata: dict[str, Any]) -> list[str]:
    """Return the names of attached files that Open WebUI only searches, each once."""
    files = [item for item in metadata.get("files") or [] if isinstance(item, dict)]
    names = [item.get("name") for item in files if item.get("type") == "file" and item.get("context") != "full"]
    return [*dict.fromkeys(short(name) for name in names if name)]


def answers_above(messages: dict[str, Any], id: Any) -> Iterator[dict[str, Any]]:
    """Yield the answers on this branch of the chat, the nearest first."""
    seen = set()
    while id in messages and id not in seen:
        seen.add(id)
        if messages[id].get("role") == "assistant":
            yield messages[id]
        id = messages[id].get("parentId")


def was_told(answer: dict[str, Any]) -> bool:
    history = answer.get("statusHistory") or []
    return any(isinstance(status, dict) and status.get("action") == FULL_TEXT for status in history)


async def is_offered(model: dict[str, Any]) -> bool:
    """Return whether the person could switch Full text on for this model."""
    function = await Functions.get_function_by_id(FULL_TEXT)
    ids = ((model.get("info") or {}).get("meta") or {}).get("filterIds") or []
    return bool(function and function.is_active and (function.is_global or FULL_TEXT in ids))


async def why_switched_off(metadata: dict[str, Any], model: dict[str, Any]) -> str:
    """Return a key of TEXT if files that went in whole before are only searched now; else an empty text.

    A model without Full text is named in every turn; a switch that the person turned off, in the first one.
    """
    capabilities = ((model.get("info") or {}).get("meta") or {}).get("capabilities") or {}
    if TOLD_FILES in metadata or metadata.get("tool_approval_resume") or not capabilities.get("file_context", True):
        return ""
    if not searched_files(metadata):
        return ""
    if FULL_TEXT in (metadata.get("filter_ids") or []):
        return "no_full_text"
    if not is_saved_chat_id(metadata.get("chat_id")):
        return ""
    asked = metadata.get("user_message") or {}
    messages = await Chats.get_messages_map_by_chat_id(metadata["chat_id"]) or {}
    answers = [*answers_above(messages, asked.get("parentId") or asked.get("parent_id"))]
    if not any(map(was_told, answers)):
        return ""
    if not await is_offered(model):
        return "no_full_text"
    return "full_text_off" if was_told(answers[0]) else ""


# The filter: warns before the window is full, and stops what does not fit.


MEASURED = "sekisho_measured"  # in __metadata__: the estimate of the last call, for `outlet` to compare
NAMED_FILES = 4
WARNED = "sekisho_guard_told"  # in __metadata__: this turn has its line


class TooLong(Exception):
    """Refusal of a request; Open WebUI shows its text in place of an answer."""


class Filter:
    class Valves(BaseModel):
        priority: int = valve(90, "valves.priority")
        warn_percent: int = valve(80, "valves.warn_percent", ge=0, le=100)
        stop_percent: int = valve(100, "valves.stop_percent", ge=0, le=200)
        window: int = valve(0, "valves.window", ge=0)

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Measure each call of the model, in tool loops too; change nothing, and warn once a turn."""
        valves = self.valves
        text = TEXT[user_language(__metadata__, __request__)]
        window = context_window(__model__, __request__) or valves.window
        try:
            raw, pictures = await asyncio.to_thread(measured, body)
            __metadata__[MEASURED] = 0 if pictures else raw
            tokens = round(raw * correction(__request__, base_model(__model__))) + pictures * IMAGE_TOKENS
            percent = share(tokens, window - int(body.get("max_tokens") or body.get("max_completion_tokens") or 0))
        except Exception:
            log.exception("context_guard: this call goes out unmeasured")
            return body
        values = {
            "tokens": rounded(tokens),
            "window": f"{window:,}",
            "model": __model__.get("name") or body.get("model"),
        }
        if window and valves.stop_percent and percent > valves.stop_percent:
            raise TooLong(text["stop"].format(**values))
        lines = []
        if unread := unread_files(__metadata__, __model__):
            lines.append(text["unread"].format(names=text["separator"].join(unread)))
        lines += await self.full_text_missing(text, __metadata__, __model__)
        if window and valves.warn_percent and percent >= valves.warn_percent:
            lines.append(text["warn"].format(percent=percent, **values))
        if lines and not __metadata__.get(WARNED):
            __metadata__[WARNED] = True
            await tell(__metadata__, __event_emitter__, text["part"].join(lines), text["part"])
        return body

    async def full_text_missing(
        self, text: dict[str, str], metadata: dict[str, Any], model: dict[str, Any]
    ) -> list[str]:
        """Return the line about files that are only searched because Full text does not run; none if there are none."""
        if metadata.get(WARNED):
            return []
        try:
            key = await why_switched_off(metadata, model)
        except Exception:
            log.exception("context_guard: whether Full text is missing is not known")
            return []
        names = text["separator"].join(searched_files(metadata)[:NAMED_FILES])
        return [text[key].format(names=names, model=model.get("name") or model.get("id"))] if key else []

    async def outlet(
        self, body: dict[str, Any], __metadata__: dict[str, Any], __model__: dict[str, Any], __request__: Any
    ) -> dict[str, Any]:
        """Learn from the real count of the call that was measured last."""
        usage = (body.get("messages") or [{}])[-1].get("usage") or {}
        learn(__request__, base_model(__model__), __metadata__.pop(MEASURED, 0), usage.get("prompt_tokens"))
        return body
