"""
title: Agents
author: Sekisho
version: 0.1.0
license: MIT
description: Agents with an OpenAI-compatible API as models, with their thinking, tools, sources and files.
required_open_webui_version: 0.12.4
id: agents
"""

# Built by `python -m plugins.build` out of plugins/agents: change it there, not here.

import asyncio
import base64
import hashlib
import json
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import jwt
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL
from open_webui.models.config import Config
from open_webui.models.files import Files
from open_webui.models.groups import Groups
from open_webui.models.users import UserModel
from open_webui.storage.provider import Storage
from open_webui.utils.access_control.files import has_access_to_file
from pydantic import BaseModel, Field, PrivateAttr, ValidationError

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Agents",
        "description": "Puts agents with an OpenAI-compatible API into the model menu.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Not used; every function of the pack has it.",
        "valves.agents.title": "Agents",
        "valves.agents.description": "A JSON list: id, name, url (up to /v1), model, dialect (chat or responses), "
        "icon, description, groups, files (none, text or bytes), timeout (seconds of silence).",
        "valves.keys.title": "Keys of the agents",
        "valves.keys.description": "One a line: id=key. Or a JSON object.",
        "valves.gateway_url.title": "Gateway",
        "valves.gateway_url.description": "Address up to /v1. Its models with mode: agent stand in the menu too, "
        "and its ledger counts what they cost. Empty: only the list above.",
        "valves.identity_secret.title": "Identity secret",
        "valves.identity_secret.description": "32 characters or more. The agent learns from a signature who asks. "
        "Empty: it learns nothing.",
        "valves.share.title": "What the agents learn",
        "valves.share.description": "The user's id is always sent, and so are role and groups.",
        "valves.share.enum.id": "Id only",
        "valves.share.enum.id_and_email": "Id and e-mail address",
        "valves.share.enum.all": "Id, e-mail address and name",
        "valves.lifetime_seconds.title": "Lifetime of a signature (seconds)",
        "valves.lifetime_seconds.description": "How long an agent may use it, for instance to call a model in turn.",
        "valves.public_only.title": "Public addresses only",
        "valves.public_only.description": "Refuse agents whose address lies within the company's network. "
        "Proxies are not used then.",
        "valves.longest_question.title": "Longest question (characters)",
        "valves.longest_question.description": "A longer one is refused with a sentence.",
        "valves.file_megabytes.title": "Files (megabytes)",
        "valves.file_megabytes.description": "As much of the attached files goes to an agent in one turn.",
        "valves.heartbeat_seconds.title": "Sign of life (seconds)",
        "valves.heartbeat_seconds.description": "After this much silence a line says that the agent is still working.",
    },
    "ja-JP": {
        "name": "エージェント",
        "description": "OpenAI互換APIのエージェントをモデルの一覧に加えます。",
        "valves.priority.title": "順序",
        "valves.priority.description": "使用しません。パックのすべての関数に共通の項目です。",
        "valves.agents.title": "エージェント",
        "valves.agents.description": "JSONの配列です。id、name、url（/v1まで）、model、"
        "dialect（chatまたはresponses）、icon、description、groups、files（none、text、bytes）、timeout（無応答を待つ秒数）を書きます。",
        "valves.keys.title": "エージェントのキー",
        "valves.keys.description": "1行に1つ「id=キー」と書きます。JSONオブジェクトでも構いません。",
        "valves.gateway_url.title": "ゲートウェイ",
        "valves.gateway_url.description": "/v1までのアドレスです。mode: agentのモデルも一覧に加わり、"
        "利用額がゲートウェイの台帳に記録されます。空の場合は上の一覧だけを使います。",
        "valves.identity_secret.title": "利用者を署名する共有シークレット",
        "valves.identity_secret.description": "32文字以上です。エージェントは署名によって質問者を知ります。"
        "空の場合は何も伝えません。",
        "valves.share.title": "エージェントに渡す情報",
        "valves.share.description": "利用者ID、ロール、グループは常に渡されます。",
        "valves.share.enum.id": "IDのみ",
        "valves.share.enum.id_and_email": "IDとメールアドレス",
        "valves.share.enum.all": "ID、メールアドレス、氏名",
        "valves.lifetime_seconds.title": "署名の有効期間（秒）",
        "valves.lifetime_seconds.description": "エージェントがモデルの呼び出しなどに署名を使える時間です。",
        "valves.public_only.title": "公開アドレスのみ",
        "valves.public_only.description": "社内ネットワークのアドレスを持つエージェントを拒否します。"
        "このときプロキシは使いません。",
        "valves.longest_question.title": "質問の最大文字数",
        "valves.longest_question.description": "これより長い質問は、説明を表示して受け付けません。",
        "valves.file_megabytes.title": "ファイル（MB）",
        "valves.file_megabytes.description": "1回の質問でエージェントに渡す添付ファイルの上限です。",
        "valves.heartbeat_seconds.title": "作業中の表示（秒）",
        "valves.heartbeat_seconds.description": "この時間応答がないと、作業中であることを表示します。",
    },
}


# Texts that the person reads.


TEXT = {
    "en": {
        "working": "{name} is working · {seconds} s",
        "tool": "{name} uses {tool} · {seconds} s",
        "step": "{step} · {seconds} s",
        "worked": "{name} worked for {seconds} s",
        "mistake": "The settings of the agents have a mistake, so this entry answers nothing. "
        "An administrator corrects it in the settings of the function Agents: {detail}",
        "unknown": "There is no agent {name} any more. Please choose another model; "
        "your administrator knows what became of it.",
        "not_allowed": "{name} is not open to your group. Ask your administrator if you need it.",
        "too_long": "This question has {length} characters; {name} takes {limit}. "
        "Shorten it, or attach the text as a file.",
        "private": "{name} was not asked: its address lies within a private network, which the settings forbid. "
        "Please tell your administrator.",
        "unreachable": "{name} cannot be reached at the moment. Try again in a few minutes; "
        "if this stays, tell your administrator.",
        "silent": "{name} said nothing for {seconds} seconds, so the connection was closed. "
        "Try again, perhaps with a smaller question.",
        "cut": "The connection to {name} broke before the answer was complete. "
        "What came until then is kept; ask again for the rest.",
        "key": "{name} does not accept the key in the settings. Please tell your administrator.",
        "missing": "{name} was not found at its address (404). Please tell your administrator.",
        "quota": "{name} was not asked: your budget, or that of your team, is used up. "
        "Your administrator can raise it.",
        "busy": "{name} has too much to do at the moment. Please try again in a minute.",
        "too_large": "The question with its files is too large for {name}. Attach less.",
        "redirect": "{name} sends its callers to another address, which is not followed. "
        "Please tell your administrator.",
        "failed": "{name} failed ({status}). Try again later; if this stays, tell your administrator.",
        "said": "{name} could not answer: {detail}",
        "garbage": "{name} answered in a form that cannot be read. Please tell your administrator.",
        "empty": "{name} ended without an answer. Please ask again, perhaps in other words.",
        "too_much": "{name} sent more than a chat can hold, so the rest was cut off.",
        "file_large": "{file} was not given to the agent: too large",
        "file_unreadable": "{file} was not given to the agent: it cannot be read",
        "joined": "Answer",
    },
    "ja": {
        "working": "{name} が作業しています · {seconds}秒",
        "tool": "{name} が {tool} を使っています · {seconds}秒",
        "step": "{step} · {seconds}秒",
        "worked": "{name} の作業時間 {seconds}秒",
        "mistake": "エージェントの設定に誤りがあるため、この項目は回答できません。"
        "管理者が関数「エージェント」の設定を直してください: {detail}",
        "unknown": "エージェント {name} は現在ありません。別のモデルを選ぶか、管理者にお尋ねください。",
        "not_allowed": "{name} はあなたのグループには公開されていません。必要な場合は管理者に依頼してください。",
        "too_long": "質問が{length}文字あります。{name} が受け付けるのは{limit}文字までです。"
        "短くするか、文章をファイルとして添付してください。",
        "private": "{name} には送信しませんでした。アドレスが社内ネットワークにあり、設定で禁止されています。"
        "管理者にお知らせください。",
        "unreachable": "現在 {name} に接続できません。数分後にもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
        "silent": "{name} から{seconds}秒間応答がないため、接続を終了しました。"
        "質問を小さくするなどして、もう一度お試しください。",
        "cut": "回答の途中で {name} との接続が切れました。届いた部分は残っています。続きはもう一度質問してください。",
        "key": "{name} が設定のキーを受け付けません。管理者にお知らせください。",
        "missing": "{name} が設定のアドレスに見つかりません（404）。管理者にお知らせください。",
        "quota": "{name} には送信しませんでした。あなたまたはチームの予算を使い切っています。"
        "引き上げは管理者に依頼してください。",
        "busy": "{name} は現在混み合っています。1分ほど待ってからもう一度お試しください。",
        "too_large": "質問と添付ファイルが {name} には大きすぎます。添付を減らしてください。",
        "redirect": "{name} が別のアドレスへ転送しようとしましたが、転送には従いません。管理者にお知らせください。",
        "failed": "{name} でエラーが起きました（{status}）。しばらくしてからもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
        "said": "{name} は回答できませんでした: {detail}",
        "garbage": "{name} の回答を読み取れませんでした。管理者にお知らせください。",
        "empty": "{name} から回答がありませんでした。言い換えるなどして、もう一度質問してください。",
        "too_much": "{name} の回答が長すぎるため、残りを省略しました。",
        "file_large": "{file} は大きすぎるため、エージェントに渡していません",
        "file_unreadable": "{file} は読み取れないため、エージェントに渡していません",
        "joined": "回答",
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


# Tasks: what Open WebUI asks a model by itself, such as a chat's title.


def task_answer(task: str, task_body: Json, body: Json) -> str:
    """Return the answer to a task without asking any model; empty, which Open WebUI takes as nothing, for others."""
    messages = items(task_body.get("messages")) or items(body.get("messages"))
    questions = [words(message.get("content")) for message in messages if dict_of(message).get("role") == "user"]
    answers: dict[str, Any] = {
        "title_generation": lambda: as_json(title=title_of(questions[0] if questions else "")),
        "tags_generation": lambda: as_json(tags=[]),
        "follow_up_generation": lambda: as_json(follow_ups=[]),
        "query_generation": lambda: as_json(queries=[questions[-1][:LONGEST_LABEL]] if questions else []),
        "autocomplete_generation": lambda: as_json(text=""),
        "emoji_generation": lambda: "💬",
        "image_prompt_generation": lambda: as_json(prompt=questions[-1] if questions else ""),
        "function_calling": lambda: as_json(tool_calls=[]),
        "moa_response_generation": lambda: "\n\n---\n\n".join(map(words, items(task_body.get("responses")))),
    }
    return str(answers.get(task, str)())


def as_json(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)


def title_of(question: str) -> str:
    """Return the first line, cut at the end of a word: 40 columns, of which a Japanese letter takes two."""
    line = " ".join(next(iter(question.strip().splitlines()), "").split())
    width, end = 0, 0
    for end, letter in enumerate(line, 1):  # noqa: B007
        width += 1 if ord(letter) < 0x1100 else 2
        if width > 40:
            break
    else:
        return line
    kept = line[: end - 1]
    return f"{kept.rsplit(' ', 1)[0] if ' ' in kept[10:] else kept}…"


# Trouble that a person is told about.


class Trouble(Exception):
    """Reason why there is no answer, or not all of it: a key of TEXT and what is in its braces."""

    def __init__(self, key: str, **said: Any) -> None:
        super().__init__(key)
        self.key, self.said = key, said


# A turn of a chat, as Open WebUI hands it to a pipe, and the objects of OpenAI's chat API.


@dataclass
class ChatTurn:
    """What Open WebUI passes to `Pipe.pipe`."""

    body: Json
    user: Json
    metadata: Json
    request: Any
    emitter: Emitter | None

    @property
    def in_chat(self) -> bool:
        """True if Open WebUI reads the answer, not a program that knows only OpenAI's chunks."""
        return bool(self.emitter and self.metadata.get("chat_id") and self.metadata.get("message_id"))

    @property
    def text(self) -> dict[str, str]:
        return TEXT[user_language(self.metadata, self.request)]

    @property
    def person(self) -> UserModel:
        return UserModel(**{key: value for key, value in self.user.items() if key != "valves"})

    async def emit(self, kind: str, data: Json) -> None:
        if self.in_chat and self.emitter:
            await self.emitter({"type": kind, "data": data})

    def questions(self) -> list[str]:
        """Return what the person said in this chat, the latest first."""
        messages = dicts(self.body.get("messages"))
        return [words(message.get("content")) for message in messages if message.get("role") == "user"][::-1]

    def typed_question(self) -> str:
        """Return the question as it was typed, without the documents that Open WebUI put before it."""
        return words(dict_of(self.metadata.get("user_message")).get("content")) or next(iter(self.questions()), "")


def envelope(turn: ChatTurn, kind: str) -> Json:
    about = {"id": f"chatcmpl-{uuid.uuid4()}", "object": kind}
    return {**about, "created": int(time.time()), "model": turn.body.get("model")}


def chunk_of(turn: ChatTurn, delta: Json) -> Json:
    choices = [{"index": 0, "delta": delta, "finish_reason": None}]
    return {**envelope(turn, "chat.completion.chunk"), "choices": choices}


def completion_of(turn: ChatTurn, message: Json, **more: Any) -> Json:
    """Return the answer in one piece; `more` are other top-level fields."""
    choices = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    return {**envelope(turn, "chat.completion"), "choices": choices, **more}


# Open WebUI's connection to the gateway.


async def connection_key(gateway_url: str) -> str | None:
    """Return the key of the connection with this address, None if there is none."""
    wanted = gateway_url.strip().rstrip("/")
    stored = await Config.get_many("openai.api_base_urls", "openai.api_keys")
    pairs = zip(stored.get("openai.api_base_urls") or [], stored.get("openai.api_keys") or [], strict=False)
    return next((str(key) for url, key in pairs if wanted and str(url).rstrip("/") == wanted), None)


async def connection_prefix(gateway_url: str) -> str:
    """Return the prefix that stands before the names of this connection's models; empty where there is none."""
    wanted = gateway_url.strip().rstrip("/")
    stored = await Config.get_many("openai.api_base_urls", "openai.api_configs")
    urls = [str(url).rstrip("/") for url in stored.get("openai.api_base_urls") or []]
    configs: Any = stored.get("openai.api_configs") or {}
    if wanted not in urls or not isinstance(configs, dict):
        return ""
    settings = configs.get(str(urls.index(wanted)))
    return str(settings.get("prefix_id") or "") if isinstance(settings, dict) else ""


# Signatures, which the gateway checks with the same secret.


ISSUER = "sekisho"


def sign(claims: dict[str, Any], secret: str, lifetime: int) -> str:
    """Return the claims as a signed token that is valid for `lifetime` seconds."""
    now = int(time.time())
    return jwt.encode({**claims, "iat": now, "exp": now + lifetime}, secret, algorithm="HS256")


# Claims about a person, of which a signature is made.


def identity(user: dict[str, Any], metadata: dict[str, Any], groups: list[str], share: str) -> dict[str, Any]:
    """Return the claims about a person. `share`: id, id_and_email or all."""
    claims = {
        "iss": ISSUER,
        "sub": user.get("id", ""),
        "role": user.get("role") or "",
        "groups": groups,
        "chat_id": metadata.get("chat_id") or "",
        "message_id": metadata.get("message_id") or "",
        "task": metadata.get("task") or "",
        "language": variable(metadata, "USER_LANGUAGE"),
        "timezone": variable(metadata, "CURRENT_TIMEZONE"),
    }
    if share in ("id_and_email", "all"):
        claims["email"] = user.get("email") or ""
    if share == "all":
        claims["name"] = user.get("name") or ""
    return claims


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


# Addresses within private networks, which a plugin may be forbidden to call.


def refuse_private(host: str) -> None:
    """Raise Trouble if `host` is an address that is not public; names are left to PublicResolver."""
    with suppress(ValueError):
        address = ip_address(host.strip("[]"))
        mapped = getattr(address, "ipv4_mapped", None) or address
        if not mapped.is_global or mapped.is_multicast:
            raise Trouble("private")


class PublicResolver:
    """Resolver for aiohttp that looks up names when connecting and refuses those within private networks."""

    def __init__(self) -> None:
        self.inner = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:
        found = await self.inner.resolve(host, port, family)
        for entry in found:
            refuse_private(entry["host"])
        return found

    async def close(self) -> None:
        await self.inner.close()


# Bodies of bounded size.


async def read_within(stream: Any, limit: int) -> bytes:
    """Read an aiohttp stream to its end. Raises ValueError beyond `limit` bytes."""
    raw = bytearray()
    async for chunk in stream.iter_chunked(65_536):
        raw += chunk
        if len(raw) > limit:
            raise ValueError("too long")
    return bytes(raw)


# Asking the gateway for small documents.


async def fetch(
    url: str, headers: dict[str, str], seconds: float, limit: int, method: str = "GET", body: Any = None
) -> bytes:
    """Return the body of an answer of at most `limit` bytes. Raises aiohttp.ClientError, TimeoutError, ValueError."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True, raise_for_status=True) as session,
        session.request(
            method, url, json=body, headers=headers, ssl=AIOHTTP_CLIENT_SESSION_SSL, allow_redirects=False
        ) as response,
    ):
        return await read_within(response.content, limit)


# Pieces of an answer, and readers of JSON that make them.


class Piece(NamedTuple):
    """Something an agent said. kind: text, last_text (for a stream without text), thinking, tool, result, source,
    status, files, embeds, usage, trouble."""

    kind: str
    value: Any


LONGEST_PASSAGE = 20_000  # characters of a source, of a tool's arguments, of its result
MOST_SHOWN = {"source": 200, "status": 300, "files": 30, "embeds": 10, "tool": 200}


def compact(value: Any) -> str:
    """Return arguments or a result as they are shown."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text[:LONGEST_PASSAGE]


def at(value: Any, *path: str | int) -> Any:
    for step in path:
        if isinstance(step, int):
            value = items(value)[step] if len(items(value)) > step else None
        else:
            value = dict_of(value).get(step)
    return value


def web(url: Any) -> str:
    return url if isinstance(url, str) and re.match(r"https?://", url) and len(url) <= 4096 else ""


def delta_of(chunk: Json) -> Json:
    """Return the delta of OpenAI's chat API or, where the agent does not stream, the whole message."""
    choice = dict_of(at(chunk, "choices", 0))
    return dict_of(choice.get("delta")) or dict_of(choice.get("message"))


def step(description: str, ends: bool) -> Piece:
    return Piece("status", {"description": description, "done": ends})


def said_no(detail: Any) -> Piece:
    return Piece("trouble", Trouble("said", detail=label(detail if isinstance(detail, str) else "") or "?"))


def usage_of(chunk: Json) -> Iterator[Piece]:
    counted = dict_of(chunk.get("usage"))
    if counted and len(json.dumps(counted, default=str)) < 10_000:
        yield Piece("usage", counted)


def trouble_said(chunk: Json) -> Iterator[Piece]:
    if error := chunk.get("error"):
        yield said_no(at(error, "message") or at(error, "detail") or error)
    elif chunk.keys() == {"detail"} and isinstance(chunk["detail"], str):  # FastAPI
        yield said_no(chunk["detail"])


# Agents of the valve `agents`.


MISTAKE_ID = "settings"
MISTAKE_NAME = "⚠ エージェントの設定に誤りがあります / The settings of the agents have a mistake"
MOST_AGENTS = 200
LONGEST_MANIFEST = 500_000  # characters


class Agent(BaseModel, extra="forbid"):
    """One agent of the manifest. `url` is what stands before /chat/completions or /responses; it may have a query."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str = Field(min_length=1, max_length=100)
    url: str = Field(pattern=r"^https?://[^\s/?#@]+[^\s#]*$")
    model: str = ""
    dialect: Literal["chat", "responses"] = "chat"
    icon: str = Field("", max_length=8)
    description: str = ""
    groups: list[str] = []
    files: Literal["none", "text", "bytes"] = "none"
    timeout: float = Field(600.0, ge=1, le=86_400)
    _of_gateway: bool = PrivateAttr(default=False)


class Menu(NamedTuple):
    agents: dict[str, Agent]
    mistakes: tuple[str, ...]


def mistake(number: int, row: Any, problem: Any) -> str:
    """Format an error: agent 2 (finder), dialect: Input should be 'chat' or 'responses'"""
    known = f" ({str(row.get('id'))[:64]})" if isinstance(row, dict) and row.get("id") else ""
    where = "".join(f", {part}" for part in problem["loc"])
    return f"agent {number}{known}{where}: {problem['msg']}"


def rows_of(manifest: str) -> tuple[list[Any], list[str]]:
    if len(manifest) > LONGEST_MANIFEST:
        return [], [f"it is longer than {LONGEST_MANIFEST:,} characters"]
    try:
        rows = json.loads(manifest.strip() or "[]")
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        return [], [f"{where}this is not JSON ({getattr(error, 'msg', error)})"]
    if not isinstance(rows, list):
        return [], ["it is not a list: [ {…}, {…} ]"]
    if len(rows) > MOST_AGENTS:
        return rows[:MOST_AGENTS], [f"it has more than {MOST_AGENTS} agents; the rest is left out"]
    return rows, []


@lru_cache(maxsize=8)
def menu_of(manifest: str) -> Menu:
    """Parse the valve, once for each of its texts; mistakes go to the log and do not hide the other agents."""
    rows, mistakes = rows_of(manifest)
    agents: dict[str, Agent] = {}
    for number, row in enumerate(rows, 1):
        try:
            agent = Agent.model_validate(row)
        except ValidationError as error:
            mistakes += [mistake(number, row, problem) for problem in error.errors()]
            continue
        if agent.id in agents or agent.id == MISTAKE_ID:
            mistakes.append(f"agent {number}: the id {agent.id} is taken")
        agents.setdefault(agent.id, agent)
    for line in mistakes:
        log.error("agents: the valve `agents` has a mistake: %s", line)
    agents.pop(MISTAKE_ID, None)
    return Menu(agents, tuple(mistakes))


@lru_cache(maxsize=8)
def keys_of(keys: str) -> dict[str, str]:
    """Parse `id=key` lines or a JSON object."""
    with suppress(ValueError, RecursionError):
        read = json.loads(keys)
        return {str(id): str(key) for id, key in read.items()} if isinstance(read, dict) else {}
    pairs = (line.partition("=") for line in keys.splitlines())
    return {id.strip(): key.strip() for id, equals, key in pairs if equals and id.strip()}


# Agents of the gateway's list of models.


LIST_SECONDS = 60
LIST_TIMEOUT = 3  # seconds; people wait for the menu
LONGEST_LIST = 5_000_000  # bytes
MOST_LISTED = 5_000


async def listed_by(url: str) -> Any:
    """Return the body of GET /v1/models. Raises aiohttp.ClientError, TimeoutError, ValueError."""
    headers = {"Authorization": f"Bearer {await connection_key(url) or ''}"}
    return json.loads(await fetch(f"{url}/models", headers, LIST_TIMEOUT, LONGEST_LIST))


def agents_of(url: str, response: Any) -> list[Agent]:
    """Return the models of OpenAI's model list whose mode is agent. In ids only A-Z 0-9 _ - stay."""
    agents = []
    for row in dicts(dict_of(response).get("data"))[:MOST_LISTED]:
        name = row.get("id")
        if row.get("mode") == "agent" and isinstance(name, str) and name:
            id, about = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64], words(row.get("description"))
            agent = Agent(
                id=id, name=label(row.get("name"))[:100] or name[:100], url=url, model=name, description=about
            )
            agent._of_gateway = True
            agents.append(agent)
    return agents[:MOST_AGENTS]


class GatewayList:
    """Cache of the gateway's agents: asked at most once a minute, and kept while the gateway does not answer."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[float, list[Agent]]] = {}
        self.asking = asyncio.Lock()

    async def agents(self, url: str) -> list[Agent]:
        async with self.asking:
            asked, agents = self.known.get(url, (-LIST_SECONDS, []))
            if time.monotonic() - asked < LIST_SECONDS:
                return agents
            try:
                agents = agents_of(url, await listed_by(url))
            except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
                log.warning("agents: the gateway does not list its agents (%s)", type(error).__name__)
            self.known = {url: (time.monotonic(), agents)}
            return agents


gateway_list = GatewayList()


async def whole_menu(valves: Any) -> Menu:
    """Return the agents of the valve and, behind them, those of the gateway."""
    menu = menu_of(valves.agents)
    if not valves.gateway_url.strip():
        return menu
    listed = await gateway_list.agents(valves.gateway_url.strip().rstrip("/"))
    others = {agent.id: agent for agent in listed if agent.id not in (MISTAKE_ID, *menu.agents)}
    return menu._replace(agents=menu.agents | others)


# The turn, and the agent that answers it.


@dataclass
class Turn(ChatTurn):
    files: list[Json]
    valves: Any
    status: str = ""
    """The last status, while it says that something goes on."""

    @property
    def agent_id(self) -> str:
        return str(self.body.get("model") or "").partition(".")[2]

    async def say(self, description: str, done: bool) -> None:
        """Show a status line."""
        self.status = "" if done else description
        await self.emit("status", {"description": description, "done": done})


async def chosen(turn: Turn) -> Agent:
    """Return the agent that was chosen. Raises Trouble if this person or question may not go on."""
    menu = await whole_menu(turn.valves)
    if turn.agent_id == MISTAKE_ID:
        raise Trouble("mistake", detail="; ".join(menu.mistakes) if turn.user.get("role") == "admin" else "…")
    agent = menu.agents.get(turn.agent_id)
    if agent is None:
        raise Trouble("unknown")
    if agent.groups and turn.user.get("role") != "admin":
        mine = await groups_of(turn.user.get("id", ""))
        if not mine.keys() & set(agent.groups) and not set(mine.values()) & set(agent.groups):
            raise Trouble("not_allowed", name=agent.name)
    length, limit = len(turn.typed_question()), turn.valves.longest_question
    if length > limit:
        raise Trouble("too_long", name=agent.name, length=f"{length:,}", limit=f"{limit:,}")
    return agent


# Reading files, pictures and embedded pages.


def file_shown(url: Any, kind: Any, name: Any = None) -> Iterator[Piece]:
    picture = isinstance(url, str) and re.match(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$", url)
    if picture or web(url):
        shown = {"type": "image" if picture or kind == "image" else "file", "url": url}
        yield Piece("files", {"files": [{**shown, **({"name": label(name)} if label(name) else {})}]})


def files(chunk: Json) -> Iterator[Piece]:
    for item in items(chunk.get("files")):
        yield from file_shown(item.get("url") if isinstance(item, dict) else item, at(item, "type"), at(item, "name"))


def images(chunk: Json) -> Iterator[Piece]:
    for item in dicts(delta_of(chunk).get("images")):
        yield from file_shown(at(item, "image_url", "url") or item.get("url"), "image")


def embeds(chunk: Json) -> Iterator[Piece]:
    """Read pages that Open WebUI shows in a frame of their own; new ones take the place of earlier ones."""
    shown = [page for page in items(chunk.get("embeds")) if isinstance(page, str) and page]
    if shown:
        yield Piece("embeds", {"embeds": shown[:10], "replace": chunk.get("replace") is True})


# Reading sources: citations, retrieved documents, search results.


SOURCE_LISTS: tuple[tuple[str | int, ...], ...] = (
    ("search_results",),  # Perplexity: titles; before its `citations`, which are the same addresses
    ("citations",),
    ("sources",),
    ("documents",),
    ("source_documents",),
    ("context",),
    ("context", "citations"),  # Azure, and so below
    ("retriever_resources",),
    ("metadata", "retriever_resources"),  # Dify
    *(
        ("choices", 0, kind, *path)
        for kind in ("delta", "message")
        for path in (("context", "citations"), ("citations",))
    ),
)
NAME_KEYS = ("title", "document_name", "filename", "file_name", "name", "filepath", "source", "file_id", "path")
URL_KEYS = ("url", "link", "uri", "href", "source_url", "source")
PASSAGE_KEYS = (
    "content",
    "page_content",
    "pageContent",
    "snippet",
    "quote",
    "cited_text",
    "text",
    "document",
    "excerpt",
)


def cited(name: str, url: str, passage: str, score: float | None = None) -> Piece:
    about = {"source": url or name, "name": name, **({"url": url} if url else {})}
    return Piece(
        "source",
        {
            "source": {"name": name, **({"url": url} if url else {})},
            "document": [passage[:LONGEST_PASSAGE] or name],
            "metadata": [about],
            **({"distances": [score]} if score is not None else {}),
        },
    )


def own_source(item: Json) -> Iterator[Piece]:
    """Read a source in Open WebUI's form: one citation for each of its passages."""
    about = dict_of(item["source"])
    notes = [dict_of(note) for note in items(item.get("metadata"))]
    for number, passage in enumerate(items(item["document"])):
        note = notes[number] if number < len(notes) else {}
        url = web(note.get("url")) or web(note.get("source")) or web(about.get("url"))
        name = label(about.get("name")) or label(note.get("name")) or label(note.get("source")) or url
        yield cited(name or "?", url, words(passage))


def source(item: Any) -> Iterator[Piece]:
    """Read a citation in any form: an address, a document with metadata, a search result."""
    if isinstance(item, str):
        item = {"url": item} if web(item) else {"title": item}
    if not isinstance(item, dict):
        return
    if isinstance(item.get("document"), list) and isinstance(item.get("source"), dict):
        yield from own_source(item)
        return
    about = dict_of(item.get("metadata"))
    url = next((web(place.get(key)) for place in (item, about) for key in URL_KEYS if web(place.get(key))), "")
    name = next((label(place.get(key)) for place in (item, about) for key in NAME_KEYS if label(place.get(key))), url)
    passage = next((words(item.get(key)) for key in PASSAGE_KEYS if words(item.get(key))), "")
    if name or passage:
        score = item.get("score", item.get("relevance_score"))
        yield cited(name or passage[:60], url, passage, score if isinstance(score, int | float) else None)


def listed(found: Any) -> Iterator[Piece]:
    for item in items(found):
        yield from source(item)


def sources(chunk: Json) -> Iterator[Piece]:
    for path in SOURCE_LISTS:
        yield from listed(at(chunk, *path))


def annotation(note: Json) -> Iterator[Piece]:
    """Read url_citation, file_citation and their like, flat or under a key of their own name."""
    kind = note.get("type")
    if isinstance(kind, str) and "citation" in kind:
        inner = dict_of(note.get(kind))
        yield from source({**note, **inner})


def annotations(chunk: Json) -> Iterator[Piece]:
    for note in dicts(delta_of(chunk).get("annotations")):
        yield from annotation(note)


# Reading Open WebUI's own events.


def status(chunk: Json) -> Iterator[Piece]:
    if chunk.get("type") == "status" and label(chunk.get("description")):
        yield step(label(chunk["description"]), chunk.get("done") is True)


def own_events(chunk: Json) -> Iterator[Piece]:
    """Read Open WebUI's own events: those that show something, none that runs code in a browser."""
    event = dict_of(chunk.get("event"))
    kind, data = event.get("type"), dict_of(event.get("data"))
    if kind == "status" and label(data.get("description")):
        yield step(label(data["description"]), data.get("done") is not False)
    elif kind in ("message", "chat:message:delta"):
        yield Piece("text", words(data.get("content")))
    elif kind in ("source", "citation"):
        yield from source(data)
    elif kind in ("files", "chat:message:files"):
        yield from files(data)
    elif kind in ("embeds", "chat:message:embeds"):
        yield from embeds(data)


# Reading OpenAI's chat API and Responses API.


def chat_text(chunk: Json) -> Iterator[Piece]:
    delta = delta_of(chunk)
    if delta.get("role") == "tool":
        yield Piece("result", {"id": delta.get("tool_call_id"), "text": compact(words(delta.get("content")))})
    else:
        yield Piece("text", words(delta.get("content")) or words(delta.get("refusal")))


def chat_thinking(chunk: Json) -> Iterator[Piece]:
    delta = delta_of(chunk)
    for key in ("reasoning_content", "reasoning", "thinking"):
        if said := words(delta.get(key)):
            yield Piece("thinking", said)
            return


def tool(id: Any, name: Any, arguments: Any, index: Any = None, whole: bool = False) -> Piece:
    """Return a tool call or, where agents send it bit by bit, a bit of one; `whole` replaces the arguments so far."""
    known = {"id": id if isinstance(id, str) else "", "index": index if isinstance(index, int) else None}
    return Piece("tool", {**known, "name": label(name), "arguments": compact(arguments), "whole": whole})


def chat_tools(chunk: Json) -> Iterator[Piece]:
    for call in dicts(delta_of(chunk).get("tool_calls")):
        function = dict_of(call.get("function"))
        yield tool(call.get("id"), function.get("name"), function.get("arguments"), call.get("index"))


CALLS = {
    "function_call": ("name", "arguments", ""),
    "custom_tool_call": ("name", "input", ""),
    "mcp_call": ("name", "arguments", "output"),
    "web_search_call": ("", "action", ""),
    "file_search_call": ("", "queries", ""),
    "code_interpreter_call": ("", "code", "outputs"),
    "computer_call": ("", "action", ""),
}


def response_item(item: Json) -> Iterator[Piece]:
    kind = item.get("type")
    if isinstance(kind, str) and kind in CALLS:
        name, arguments, result = CALLS[kind]
        id = item.get("call_id") or item.get("id")
        yield tool(id, item.get(name) or kind.removesuffix("_call"), item.get(arguments), whole=True)
        if item.get("status") in ("completed", "failed") and kind not in ("function_call", "custom_tool_call"):
            yield Piece("result", {"id": id, "text": compact(item.get(result) or item.get("error"))})
        yield from listed(at(item, "action", "sources"))
        yield from listed(item.get("results"))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        output = item.get("output")
        yield Piece("result", {"id": item.get("call_id"), "text": compact(words(output) or output)})
    elif kind == "image_generation_call" and isinstance(item.get("result"), str):
        yield from file_shown(f"data:image/png;base64,{item['result']}", "image")
    elif kind == "message":
        for part in dicts(item.get("content")):
            for note in dicts(part.get("annotations")):
                yield from annotation(note)


def response_whole(response: Json) -> Iterator[Piece]:
    for item in dicts(response.get("output")):
        yield from response_item(item)
        if item.get("type") == "message":
            yield Piece("last_text", words(item.get("content")))
    yield from usage_of(response)


def responses(chunk: Json) -> Iterator[Piece]:
    """Read OpenAI's Responses API, streamed."""
    kind, delta = chunk.get("type"), chunk.get("delta")
    if kind == "response.output_text.delta":
        yield Piece("text", words(delta))
    elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
        yield Piece("thinking", words(delta))
    elif kind == "response.output_text.annotation.added":
        yield from annotation(dict_of(chunk.get("annotation")))
    elif kind in ("response.output_item.added", "response.output_item.done"):
        yield from response_item(dict_of(chunk.get("item")))
    elif kind in ("response.completed", "response.incomplete"):
        yield from response_whole(dict_of(chunk.get("response")))
    elif kind == "response.failed":
        yield from trouble_said(dict_of(chunk.get("response")))


def unstreamed_response(chunk: Json) -> Iterator[Piece]:
    if chunk.get("object") == "response":
        yield from response_whole(chunk)


# Reading Dify, LangChain, LangGraph and n8n.


def dify(chunk: Json) -> Iterator[Piece]:
    """Read Dify's events, which have a name in `event`; Open WebUI's have an object there."""
    event = chunk.get("event")
    if event in ("message", "agent_message", "text_chunk"):
        yield Piece("text", words(chunk.get("answer")) or words(at(chunk, "data", "text")))
    elif event == "agent_thought":
        yield Piece("thinking", words(chunk.get("thought")))
        if chunk.get("tool"):
            yield tool(chunk.get("id"), chunk.get("tool"), chunk.get("tool_input"), whole=True)
        if chunk.get("tool") and chunk.get("observation"):
            yield Piece("result", {"id": chunk.get("id"), "text": compact(chunk.get("observation"))})
    elif event == "node_started" and label(at(chunk, "data", "title")):
        yield step(label(at(chunk, "data", "title")), False)
    elif event == "message_end":
        yield from usage_of(dict_of(chunk.get("metadata")))
    elif event == "message_file":
        yield from file_shown(chunk.get("url"), chunk.get("type"))
    elif event == "error":
        yield said_no(chunk.get("message"))
    elif event is None and isinstance(chunk.get("answer"), str):  # not streamed
        yield Piece("last_text", chunk["answer"])


def langchain(chunk: Json) -> Iterator[Piece]:
    """Read a message of LangChain, by itself or below the name of a LangGraph node."""
    kind = chunk.get("type")
    if kind == "AIMessageChunk":
        yield Piece("text", words(chunk.get("content")))
        for call in dicts(chunk.get("tool_call_chunks")):
            yield tool(call.get("id"), call.get("name"), call.get("args"), call.get("index"))
    elif kind == "ai":
        yield Piece("last_text", words(chunk.get("content")))
        for call in dicts(chunk.get("tool_calls")):
            yield tool(call.get("id"), call.get("name"), call.get("args"), whole=True)
    elif kind == "tool":
        yield Piece("result", {"id": chunk.get("tool_call_id"), "text": compact(words(chunk.get("content")))})


def langgraph(chunk: Json) -> Iterator[Piece]:
    """Read {"node": {"documents": […], "messages": […]}}, or the state itself."""
    for state in (chunk, *chunk.values()):
        for message in dicts(dict_of(state).get("messages")):
            yield from langchain(message)
    for state in filter(None, map(dict_of, chunk.values())):
        if {"documents", "messages"} & state.keys():
            for key in ("documents", "context", "source_documents"):
                yield from listed(state.get(key))


def n8n(chunk: Json) -> Iterator[Piece]:
    kind = chunk.get("type")
    if kind == "item":
        yield Piece("text", words(chunk.get("content")))
    elif kind == "error" and not chunk.get("error"):
        yield said_no(chunk.get("content") or chunk.get("message"))
    elif kind is None and isinstance(chunk.get("output"), str):  # a webhook that does not stream
        yield Piece("last_text", chunk["output"])
    if "pageContent" in chunk or "page_content" in chunk:
        yield from source(chunk)


# Reading what agents say: one small function for each thing that a chunk may hold.


EXTRACTORS: tuple[Callable[[Json], Iterable[Piece]], ...] = (
    chat_thinking,
    chat_tools,
    chat_text,
    annotations,
    responses,
    unstreamed_response,
    dify,
    langchain,
    langgraph,
    n8n,
    own_events,
    status,
    sources,
    images,
    files,
    embeds,
    usage_of,
    trouble_said,
)


def pieces_of(chunk: Any) -> Iterator[Piece]:
    """Yield what a JSON value from an agent says, skipping what is unknown. Pure, and raises nothing."""
    if isinstance(chunk, list):
        for part in chunk[:1000]:
            yield from pieces_of(part) if isinstance(part, dict) else ()
        return
    for extract in EXTRACTORS:
        for piece in extract(dict_of(chunk)):
            if piece.value:
                yield piece


# Attached files, as parts of a message.


def within(content: bytes, limit: int) -> bytes:
    if len(content) > limit:
        raise Trouble("file_large")
    return content


async def content_of(item: Json, user: UserModel, whole: bool, limit: int) -> bytes:
    """Return the file's extracted text or, if `whole`, its bytes. Access is checked: the id came from the browser."""
    if item.get("type") == "text":  # the text itself came with the question
        return within(words(item.get("content")).encode(), limit)
    file = await Files.get_file_by_id(str(item.get("id") or ""))
    if file is None or not await may_read(file, user):
        raise Trouble("file_unreadable")
    if not whole:
        if not (text := words((file.data or {}).get("content"))):
            raise Trouble("file_unreadable")
        return within(text.encode(), limit)
    if ((file.meta or {}).get("size") or 0) > limit:
        raise Trouble("file_large")
    try:
        path = Path(await asyncio.to_thread(Storage.get_file, file.path))
        if await asyncio.to_thread(lambda: path.stat().st_size) > limit:
            raise Trouble("file_large")
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise Trouble("file_unreadable") from error


def file_part(name: str, content: bytes, kind: Any, whole: bool) -> Json:
    if not whole:
        quoted = name.replace('"', "'")
        return {"type": "text", "text": f'<file name="{quoted}">\n{content.decode("utf-8", "replace")}\n</file>\n'}
    encoded = base64.b64encode(content).decode()
    data = f"data:{kind if isinstance(kind, str) and kind else 'application/octet-stream'};base64,{encoded}"
    return {"type": "file", "file": {"filename": name, "file_data": data}}


async def file_parts(turn: Turn, agent: Agent) -> tuple[list[Json], list[Piece]]:
    """Return the attached files that this person may read, each content once, as parts of a message."""
    parts: list[Json] = []
    notes: list[Piece] = []
    limit = left = int(turn.valves.file_megabytes * 1_000_000)
    sent: set[bytes] = set()
    attached = [item for item in map(dict_of, turn.files) if item.get("type") in ("file", "text")]
    for item in attached if agent.files != "none" else []:
        name = label(item.get("name")) or "file"
        try:
            content = await content_of(item, turn.person, agent.files == "bytes", limit)
            if (identity := hashlib.sha256(content).digest()) in sent:
                continue
            left -= len(within(content, left))
            sent.add(identity)
            parts.append(file_part(name, content, dict_of(item).get("content_type"), agent.files == "bytes"))
        except Trouble as trouble:
            notes.append(step(turn.text[trouble.key].format(file=name), True))
    return parts, notes


# The request to the agent.


PASSED_ON = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "stop", "seed", "presence_penalty"),
    *("frequency_penalty", "reasoning_effort", "response_format"),
)
USAGE_TOO = {"stream_options": {"include_usage": True}}


def conversation(messages: list[Any]) -> list[Json]:
    """Return who said what: without tool calls, which only show the agent's own earlier steps; an answer's halves
    join."""
    kept: list[Json] = []
    for message in map(dict_of, messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "developer", "user", "assistant") or not content:
            continue
        if role == "assistant" and kept and kept[-1]["role"] == role:
            kept[-1] = {"role": role, "content": f"{words(kept[-1]['content'])}\n{words(content)}"}
        else:
            kept.append({"role": role, "content": content})
    return kept


def with_parts(messages: list[Json], parts: list[Json]) -> list[Json]:
    """Put the files before the last question."""
    last = next((at for at in reversed(range(len(messages))) if messages[at]["role"] == "user"), None)
    if not parts or last is None:
        return messages
    content = messages[last]["content"]
    asked = content if isinstance(content, list) else [{"type": "text", "text": content}]
    return [*messages[:last], {"role": "user", "content": [*parts, *asked]}, *messages[last + 1 :]]


def response_parts(role: str, content: Any) -> list[Json]:
    if role == "assistant":
        return [{"type": "output_text", "text": words(content)}]
    if isinstance(content, str):
        return [{"type": "input_text", "text": content}]
    translated: dict[str, Callable[[Json], Json]] = {
        "text": lambda part: {"type": "input_text", "text": words(part)},
        "image_url": lambda part: {"type": "input_image", "image_url": dict_of(part.get("image_url")).get("url")},
        "file": lambda part: {"type": "input_file", **dict_of(part.get("file"))},
    }
    return [translated[part["type"]](part) for part in dicts(content) if part.get("type") in translated]


def as_responses(messages: list[Json]) -> Json:
    instructions = [words(message["content"]) for message in messages if message["role"] in ("system", "developer")]
    spoken = [message for message in messages if message["role"] in ("user", "assistant")]
    inputs = [{"role": one["role"], "content": response_parts(one["role"], one["content"])} for one in spoken]
    return {"input": inputs, **({"instructions": "\n\n".join(instructions)} if instructions else {})}


async def request_of(turn: Turn, agent: Agent) -> tuple[str, Json, list[Piece]]:
    """Return the path, the body, and what is to be said about files."""
    parts, notes = await file_parts(turn, agent)
    messages = with_parts(conversation(items(turn.body.get("messages"))), parts)
    settings = {key: turn.body[key] for key in PASSED_ON if turn.body.get(key) is not None}
    common = {"model": agent.model or agent.id, "stream": True}
    if agent.dialect == "chat":
        return "/chat/completions", {**common, **settings, "messages": messages, **USAGE_TOO}, notes
    limit = settings.get("max_completion_tokens") or settings.get("max_tokens")
    settings = {key: value for key, value in settings.items() if key in ("temperature", "top_p")}
    bounded = {"max_output_tokens": limit} if limit else {}
    return "/responses", {**common, **settings, **bounded, **as_responses(messages)}, notes


# Headers of the request: the key, and who asks.


async def key_of(turn: Turn, agent: Agent) -> str | None:
    return await connection_key(agent.url) if agent._of_gateway else keys_of(turn.valves.keys).get(agent.id)


async def introduction(turn: Turn) -> str:
    """Return a signed token with the claims of the user_identity filter."""
    groups = await group_names(turn.user.get("id", ""))
    claims = identity(turn.user, turn.metadata, groups, turn.valves.share)
    return sign(claims, turn.valves.identity_secret, turn.valves.lifetime_seconds)


async def headers_of(turn: Turn, agent: Agent) -> dict[str, str]:
    headers = {"Accept": "text/event-stream, application/json"}
    if key := await key_of(turn, agent):
        headers["Authorization"] = f"Bearer {key}"
    ids = {"X-OpenWebUI-Chat-Id": "chat_id", "X-OpenWebUI-Message-Id": "message_id"}
    if agent._of_gateway:
        ids["X-Sekisho-Message-Id"] = "message_id"
    headers |= {name: str(turn.metadata[key]) for name, key in ids.items() if turn.metadata.get(key)}
    if turn.valves.identity_secret:
        headers["X-OpenWebUI-User-Jwt"] = await introduction(turn)
    elif agent._of_gateway:  # which believes the connection's key
        headers["X-OpenWebUI-User-Id"] = str(turn.user.get("id") or "")
    return headers


# JSON values from a stream of bytes.


LONGEST_LINE = 12_000_000  # bytes; a picture comes in one line
LONGEST_STREAM = 60_000_000  # bytes
BAD_LINES = 50
NOTHING = object()
OPENING, CLOSING = (b"{", b"["), (b"}", b"]")


def payload(line: bytes) -> tuple[bool, bytes]:
    """Return whether a line belongs to an event, and its data: empty for a comment or an event's name."""
    if line.startswith(b"data:"):
        return True, line[5:].strip()
    return (True, b"") if re.match(rb":|(event|id|retry):", line) else (False, line.strip())


def parsed(text: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict | list) else NOTHING
    return NOTHING


async def lines_of(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Split a stream into lines. Raises Trouble if a line or the whole is too long."""
    pending, total = bytearray(), 0
    async for part in stream:
        total += len(part)
        pending += part
        if b"\n" in part or b"\r" in part:
            *lines, rest = re.split(rb"\r\n|\n|\r", bytes(pending))
            for line in lines:
                yield line
            pending = bytearray(rest)
        if len(pending) > LONGEST_LINE or total > LONGEST_STREAM:
            raise Trouble("too_much")
    if pending:
        yield bytes(pending)


async def values_of(lines: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """Yield JSON values from server-sent events, from JSON lines, or from one JSON text over many lines.

    Raises Trouble if the stream is none of these.
    """
    any_value, bad, size = False, 0, 0
    pending: list[bytes] = []  # lines of a value that is not complete
    async for line in lines:
        event, data = payload(line)
        if data == b"[DONE]":
            return
        if not data:
            pending = pending if line else []
            continue
        value, closing = parsed(data), event or line[:1] in CLOSING
        if value is NOTHING and pending and closing:
            value = parsed(b"\n".join([*pending, data]))
        if value is not NOTHING:
            any_value, bad, size, pending = True, 0, 0, []
            yield value
            continue
        if event or pending or line[:1] in OPENING:
            pending.append(data)
        bad += closing or not pending
        size += len(data)
        if bad > BAD_LINES or size > LONGEST_LINE:
            raise Trouble("garbage")
    if not any_value and (bad or pending):
        raise Trouble("garbage")


# The connection to the agent.


CONNECT_SECONDS = 10


def below(url: str, path: str) -> str:
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + path).geturl()


REFUSALS = {401: "key", 403: "key", 404: "missing", 413: "too_large", 429: "busy"}


async def refusal(response: Any) -> Trouble:
    """Map a status to a sentence; the agent's own words where it has some."""
    status, body = int(response.status), {}
    with suppress(ValueError, RecursionError, aiohttp.ClientError, TimeoutError):
        body = dict_of(json.loads(await response.content.read(65_536)))
    if at(body, "error", "code") == "insufficient_quota":
        return Trouble("quota")
    if key := REFUSALS.get(status) or ("redirect" if 300 <= status < 400 else None):
        return Trouble(key)
    for piece in trouble_said(body):
        return Trouble(piece.value.key, **piece.value.said)
    return Trouble("failed", status=status)


async def chunks_of(turn: Turn, agent: Agent, path: str, body: Json) -> AsyncIterator[Any]:
    """Yield each JSON value that the agent sends. Raises Trouble, aiohttp.ClientError, TimeoutError."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=agent.timeout)
    guarded = turn.valves.public_only and not agent._of_gateway
    connector = aiohttp.TCPConnector(resolver=PublicResolver()) if guarded else None
    if guarded:
        refuse_private(urlsplit(agent.url).hostname or "")
    async with (
        aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=not connector) as session,
        session.post(
            below(agent.url, path),
            json=body,
            headers=await headers_of(turn, agent),
            ssl=AIOHTTP_CLIENT_SESSION_SSL,
            allow_redirects=False,
        ) as response,
    ):
        if response.status != 200:
            raise await refusal(response)
        if "html" in response.content_type:
            raise Trouble("garbage")
        async for value in values_of(lines_of(response.content.iter_any())):
            yield value


async def pump(turn: Turn, agent: Agent, queue: "asyncio.Queue[Piece | None]") -> None:
    """Put everything the agent says into the queue, which waits while it is full; then None."""
    response_started = False
    try:
        path, body, notes = await request_of(turn, agent)
        for note in notes:
            await queue.put(note)
        async for chunk in chunks_of(turn, agent, path, body):
            for piece in pieces_of(chunk):
                response_started = True
                await queue.put(piece)
    except Trouble as trouble:
        await queue.put(Piece("trouble", trouble))
    except aiohttp.ConnectionTimeoutError:
        await queue.put(Piece("trouble", Trouble("unreachable")))
    except TimeoutError:  # also aiohttp's own, which is a ClientError too
        await queue.put(Piece("trouble", Trouble("silent", seconds=f"{agent.timeout:g}")))
    except (aiohttp.ClientError, OSError) as error:
        log.warning("agents: %s: %s", agent.id, type(error).__name__)
        await queue.put(Piece("trouble", Trouble("cut" if response_started else "unreachable")))
    except Exception:
        log.exception("agents: %s", agent.id)
        await queue.put(Piece("trouble", Trouble("garbage")))
    await queue.put(None)


# Citation marks in text.


MARK = re.compile(r"\[doc(\d{1,4})\]|【(\d{1,6}:\d{1,6})†([^】\n]{0,200})】")
HALF_A_MARK = re.compile(r"(\[(d(o(c\d{0,4})?)?)?|【[^】\n]{0,220})$")
LONGEST_MARK = 240


@dataclass
class Marks:
    """Replace Azure's [doc1] and the 【4:0†rules.pdf】 of OpenAI's assistants by [1], which opens the first source."""

    held: str = ""
    """The end of the text so far, which may be the beginning of a mark."""
    numbers: dict[str, int] = field(default_factory=dict)

    def feed(self, text: str) -> str:
        text = self.held + text
        half = HALF_A_MARK.search(text, max(0, len(text) - LONGEST_MARK))
        end = half.start() if half else len(text)
        self.held = text[end:]
        return MARK.sub(self.numbered, text[:end])

    def flush(self) -> str:
        rest, self.held = self.held, ""
        return rest

    def numbered(self, mark: re.Match[str]) -> str:
        if mark[1]:
            return f"[{int(mark[1])}]"
        named = mark[3] if mark[3] not in ("", "source") else mark[2]
        return f"[{self.numbers.setdefault(named, len(self.numbers) + 1)}]"


# Tool calls as Open WebUI shows them.


AT_THE_END = 1_000_000


@dataclass
class Call:
    """A tool the agent used. Open WebUI would run a call without a result, so each gets one, if an empty one."""

    name: str
    arguments: str = ""
    result: str | None = None
    id: str = field(default_factory=lambda: f"call_{uuid.uuid4().hex}")


def item_line(item: Json) -> Json:
    """Return a line of the stream that shows an item; Open WebUI replaces an item with a known id."""
    return {"type": "response.output_item.added", "output_index": AT_THE_END, "item": item}


def call_item(call: Call, status: str) -> Json:
    item = {"type": "function_call", "id": call.id, "call_id": call.id, "name": call.name}
    return {**item, "arguments": call.arguments, "status": status}


# The answer, as chunks and events of Open WebUI.


Shown = Iterator[tuple[str, Json]]


@dataclass
class Answer:
    """Turn pieces into ("chunk", a delta), ("line", a line of the stream) and (an event's type, its data)."""

    in_chat: bool
    usage: Json = field(default_factory=dict)
    made: list[Call] = field(default_factory=list)
    calls: dict[str | int, Call] = field(default_factory=dict)
    """By the agent's own id, and the latest by its index."""
    known: set[tuple[str, str]] = field(default_factory=set)
    pages: list[str] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    spoke: bool = False

    def take(self, piece: Piece) -> Shown:
        for kind, value in getattr(self, f"take_{piece.kind}")(piece.value):
            if self.in_chat or kind == "chunk" or "error" in value:
                yield kind, value

    def rest(self) -> Iterator[Json]:
        if self.in_chat:
            yield from (line for _, line in self.close_calls())
        if self.usage:
            yield {"choices": [], "usage": self.usage}

    def tail(self) -> Shown:
        if text := self.marks.flush():
            yield "chunk", {"content": text}

    def take_text(self, text: str) -> Shown:
        yield from self.close_calls()
        self.spoke = True
        if text := self.marks.feed(text):
            yield "chunk", {"content": text}

    def take_last_text(self, text: str) -> Shown:
        if not self.spoke:
            yield from self.take_text(text)

    def take_thinking(self, text: str) -> Shown:
        yield "chunk", {"reasoning_content": text}

    def take_usage(self, usage: Json) -> Shown:
        self.usage = usage
        yield from ()

    def take_trouble(self, sentence: str) -> Shown:
        yield from self.tail()
        yield from self.close_calls()
        yield "line", {"error": {"message": sentence}}

    def take_files(self, data: Json) -> Shown:
        """Put a picture that came as data into the stream, from where Open WebUI stores it as a file."""
        [file] = data["files"]
        if self.room("files") and file["url"].startswith("data:"):
            yield "chunk", {"images": [{"type": "image_url", "image_url": {"url": file["url"]}}]}
        elif self.shown["files"] <= MOST_SHOWN["files"]:
            yield "files", data

    def take_embeds(self, data: Json) -> Shown:
        """Send all pages each time: Open WebUI would stack them up."""
        if self.room("embeds"):
            self.pages = ([] if data["replace"] else self.pages) + data["embeds"]
            yield "embeds", {"embeds": self.pages[-10:], "replace": True}

    def take_source(self, data: Json) -> Shown:
        """Cite a source once: agents repeat theirs with each chunk, and an address beside a document that has it."""
        name, url, passage = data["source"]["name"], data["source"].get("url", ""), data["document"][0]
        key = url or name
        if (key, passage) in self.known or ((key, "") in self.known and passage == name) or not self.room("source"):
            return
        self.known |= {(key, passage), (key, "")}
        if self.in_chat:
            yield "source", data
        elif url:
            about = {"url": url, "title": name, "start_index": 0, "end_index": 0}
            yield "chunk", {"annotations": [{"type": "url_citation", "url_citation": about}]}

    def take_tool(self, bit: Json) -> Shown:
        call = self.calls.get(bit["id"]) if bit["id"] else self.calls.get(bit["index"], self.latest())
        another = call and not bit["id"] and bit["name"] and (call.name != bit["name"] or call.result is not None)
        if call is None or another:
            if not bit["name"] or not self.room("tool"):
                return
            call = Call(bit["name"])
            self.made.append(call)
            yield "line", item_line(call_item(call, "in_progress"))
        self.calls |= {key: call for key in (bit["id"], bit["index"]) if key not in ("", None)}
        call.arguments = (("" if bit["whole"] else call.arguments) + bit["arguments"])[:LONGEST_PASSAGE]

    def take_result(self, result: Json) -> Shown:
        call = self.calls.get(result["id"]) if isinstance(result["id"], str) else self.latest()
        if call and (call.result is None or result["text"] != call.result):
            call.result = result["text"]
            yield from self.ended(call)

    def close_calls(self) -> Shown:
        for call in self.made:
            if call.result is None:
                call.result = ""
                yield from self.ended(call)

    def latest(self) -> Call | None:
        return self.made[-1] if self.made else None

    def ended(self, call: Call) -> Shown:
        yield "line", item_line(call_item(call, "completed"))
        output = {"type": "function_call_output", "id": f"{call.id}_result", "call_id": call.id}
        yield (
            "line",
            item_line({**output, "status": "completed", "output": [{"type": "input_text", "text": call.result}]}),
        )

    def room(self, kind: str) -> bool:
        self.shown[kind] = self.shown.get(kind, 0) + 1
        return self.shown[kind] <= MOST_SHOWN[kind]


# What is known about an answer while it comes.


LONGEST_ANSWER = 4_000_000  # characters of text and thinking


@dataclass
class Said:
    """State of an answer while it comes."""

    name: str
    length: int = 0
    statuses: int = 0
    spoke: bool = False
    tool: str = ""
    """At work now."""
    step: str = ""
    """As the agent itself calls what it does."""

    def note(self, piece: Piece) -> bool:
        """Return whether the piece is a status to show. Raises the trouble that a piece is or makes."""
        kind, value = piece
        if kind == "trouble":
            raise value
        if kind == "tool":
            self.tool = value["name"] or self.tool
        elif kind == "status":
            self.step = "" if value["done"] else value["description"]
        elif kind in ("result", "text"):
            self.tool = self.step = ""
        if kind in ("text", "thinking"):
            self.length += len(value)
        if self.length > LONGEST_ANSWER:
            raise Trouble("too_much")
        self.spoke |= kind in ("text", "last_text", "files", "embeds")
        self.statuses += kind == "status"
        return kind == "status" and self.statuses <= MOST_SHOWN["status"]

    def at_work(self, text: dict[str, str], started: float) -> str:
        """Return a status line for now; empty once there were too many."""
        self.statuses += 1
        if self.statuses > MOST_SHOWN["status"]:
            return ""
        seconds = round(time.monotonic() - started)
        key = "step" if self.step else "tool" if self.tool else "working"
        return text[key].format(name=self.name, tool=self.tool, step=self.step, seconds=seconds)

    def check(self) -> None:
        if not self.spoke:
            raise Trouble("empty")


# The agent's answer, in order, with signs of life.


WAITING_PIECES = 256  # read from the agent and not yet shown
SLOWEST_HEARTBEAT = 300  # seconds


async def relay(turn: Turn) -> AsyncGenerator[Piece, None]:
    """Yield what the agent says, in order; trouble comes last, as a sentence. Leaving early closes the connection."""
    text, started = turn.text, time.monotonic()
    said = Said(turn.agent_id)
    waits, reader = turn.valves.heartbeat_seconds, None
    try:
        agent = await chosen(turn)
        said.name = agent.name
        queue: asyncio.Queue[Piece | None] = asyncio.Queue(WAITING_PIECES)
        reader = asyncio.create_task(pump(turn, agent, queue))
        while True:
            try:
                async with asyncio.timeout(waits):
                    piece = await queue.get()
            except TimeoutError:
                waits = max(waits, min(waits * 1.5, SLOWEST_HEARTBEAT))
                if line := said.at_work(text, started):
                    await turn.say(line, done=False)
                continue
            if piece is None:
                break
            if piece.kind in ("status", "tool"):
                waits = turn.valves.heartbeat_seconds
            if said.note(piece):
                await turn.say(**piece.value)
            elif piece.kind != "status":
                yield piece
        said.check()
    except Trouble as trouble:
        yield Piece("trouble", text[trouble.key].format(**{"name": said.name, **trouble.said}))
    finally:
        if reader:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
        if turn.status:
            seconds = round(time.monotonic() - started)
            await turn.say(text["worked"].format(name=said.name, seconds=seconds), done=True)


# The pipe: the menu of agents, and their answers.


async def streamed(turn: Turn) -> AsyncGenerator[Json, None]:
    answer = Answer(turn.in_chat)
    async with aclosing(relay(turn)) as pieces:
        async for piece in pieces:
            for kind, value in answer.take(piece):
                if kind == "chunk":
                    yield chunk_of(turn, value)
                elif kind == "line":
                    yield value
                else:
                    await turn.emit(kind, value)
    for _, delta in answer.tail():
        yield chunk_of(turn, delta)
    for line in answer.rest():
        yield line


async def collected(turn: Turn) -> Json:
    """Return the answer in one piece, as chat.completion; only `error` where there is trouble and nothing else."""
    answer = Answer(turn.in_chat)
    said: dict[str, list[str]] = {"content": [], "reasoning_content": []}
    listed_too: dict[str, list[Json]] = {"annotations": [], "images": []}
    trouble = ""
    async with aclosing(relay(turn)) as pieces:
        async for piece in pieces:
            trouble = piece.value if piece.kind == "trouble" else trouble
            for kind, value in answer.take(piece):
                if kind == "chunk":
                    for key in said.keys() & value.keys():
                        said[key].append(value[key])
                    for key in listed_too.keys() & value.keys():
                        listed_too[key] += value[key]
                elif kind != "line":
                    await turn.emit(kind, value)
    said["content"].append(answer.marks.flush())
    content, thought = ("".join(said[key]) for key in ("content", "reasoning_content"))
    if trouble and not content:
        return {"error": {"message": trouble}}
    optional = {"reasoning_content": thought, **listed_too}
    message = {
        "role": "assistant",
        "content": f"{content}\n\n{trouble}" if trouble else content,
        **{key: value for key, value in optional.items() if value},
    }
    return completion_of(turn, message, **({"usage": answer.usage} if answer.usage else {}))


class Pipe:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        agents: str = valve("[]", "valves.agents", json_schema_extra={"input": {"type": "textarea"}})
        keys: str = valve("", "valves.keys", json_schema_extra={"input": {"type": "password"}})
        gateway_url: str = valve("", "valves.gateway_url")
        identity_secret: str = valve("", "valves.identity_secret", json_schema_extra={"input": {"type": "password"}})
        share: Literal["id", "id_and_email", "all"] = valve("all", "valves.share")
        lifetime_seconds: int = valve(300, "valves.lifetime_seconds", ge=10, le=3600)
        public_only: bool = valve(False, "valves.public_only")
        longest_question: int = valve(100_000, "valves.longest_question", ge=1)
        file_megabytes: float = valve(20.0, "valves.file_megabytes", gt=0, le=200)
        heartbeat_seconds: float = valve(10.0, "valves.heartbeat_seconds", ge=0.1, le=3600)

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def pipes(self) -> list[dict[str, str]]:
        menu = await whole_menu(self.valves)
        agents = [{"id": agent.id, "name": f"{agent.icon} {agent.name}".strip()} for agent in menu.agents.values()]
        return agents + ([{"id": MISTAKE_ID, "name": MISTAKE_NAME}] if menu.mistakes else [])

    async def pipe(
        self,
        body: Json,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __files__: list[Json] | None = None,
        __event_emitter__: Emitter | None = None,
        __task__: str | None = None,
        __task_body__: Json | None = None,
    ) -> Any:
        """Return text for a task; else chunks of OpenAI's chat API, or one object if no stream was asked for."""
        valves = self.valves
        if __task__:
            return task_answer(str(__task__), __task_body__ or {}, body)
        turn = Turn(body, __user__, __metadata__, __request__, __event_emitter__, __files__ or [], valves)
        return streamed(turn) if body.get("stream") else await collected(turn)
