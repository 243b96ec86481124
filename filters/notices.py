"""
title: Notices
author: Sekisho
version: 0.1.0
license: MIT
description: Tells people once what they should know: a budget that is nearly used up, a model that ends, the rules.
required_open_webui_version: 0.12.4
id: notices
"""

# Built by `python -m plugins.build` out of plugins/notices: change it there, not here.

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import aiohttp
import jwt
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL
from open_webui.models.config import Config
from open_webui.models.groups import Groups
from pydantic import BaseModel, Field

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Notices",
        "description": "Tells people once what they should know: budgets, models that end, the company's rules.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first.",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "As in the connection, whose key is used. Empty: nothing is told.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more. Empty: nothing is told.",
        "valves.email.title": "Tell the e-mail address",
        "valves.email.description": "Lets the gateway find budgets and keys that are set for the address.",
        "valves.guide.title": "Show the notice",
        "valves.guide.description": "Before the first chat of each person; who confirms it is recorded in the audit.",
        "valves.guide_version.title": "Version of the notice",
        "valves.guide_version.description": "Another one is shown to everybody again.",
        "valves.guide_text_en.title": "Notice in English",
        "valves.guide_text_en.description": "Markdown. Empty: our text about mistakes and confidential data.",
        "valves.guide_text_ja.title": "Notice in Japanese",
        "valves.guide_text_ja.description": "Markdown. Empty: our text about mistakes and confidential data.",
        "valves.guide_link.title": "Link",
        "valves.guide_link.description": "The company's rules, named at the end of the notice.",
    },
    "ja-JP": {
        "name": "お知らせ",
        "description": "予算、終了するモデル、社内ルールなど、知っておくべきことを一度だけお知らせします。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "接続のアドレスです。そのキーを使います。空の場合は何も表示しません。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）。空の場合は何も表示しません。",
        "valves.email.title": "メールアドレスを渡す",
        "valves.email.description": "メールアドレスに対して設定された予算とキーを参照できるようになります。",
        "valves.guide.title": "注意事項を表示する",
        "valves.guide.description": "各自の最初のチャットの前に表示します。確認した人は監査ログに記録されます。",
        "valves.guide_version.title": "注意事項の版",
        "valves.guide_version.description": "変更すると、全員にもう一度表示されます。",
        "valves.guide_text_en.title": "注意事項（英語）",
        "valves.guide_text_en.description": "Markdown。空の場合、誤りと機密情報についての標準の文を使います。",
        "valves.guide_text_ja.title": "注意事項（日本語）",
        "valves.guide_text_ja.description": "Markdown。空の場合、誤りと機密情報についての標準の文を使います。",
        "valves.guide_link.title": "リンク",
        "valves.guide_link.description": "社内ルールのアドレスです。注意事項の最後に表示されます。",
    },
}


# Texts of the notice that is shown once a person.


TEXT = {
    "en": {
        "part": " · ",
        "title": "Before you begin",
        "guide": "- **Answers can be wrong**, even where they sound sure. Check facts, figures and sources "
        "before you use them.\n"
        "- **Enter no confidential data** that the company's rules do not allow here: no passwords, no personal data "
        "without need, nothing that customers gave in confidence.\n"
        "- **You answer for what you send on**, not the model.\n\n"
        "Confirm that you have read this.",
        "link": "The rules: {link}",
    },
    "ja": {
        "part": " · ",
        "title": "ご利用の前に",
        "guide": "- **回答には誤りが含まれることがあります**。もっともらしく見えても、事実・数値・出典を確認し、"
        "ご自身で判断してください。\n"
        "- **社内ルールで認められていない機密情報を入力しないでください**。パスワード、必要のない個人情報、"
        "お客様からお預かりした情報などです。\n"
        "- **送った内容や使った結果の責任は、モデルではなくご自身にあります**。\n\n"
        "お読みになったら「確認」を押してください。",
        "link": "社内ルール: {link}",
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


# The context window of a model.


WINDOW_KEYS = ("context_window", "context_length", "max_model_len")


def base_model(model: dict[str, Any]) -> str:
    return str((model.get("info") or {}).get("base_model_id") or model.get("id") or "")


def context_window(model: dict[str, Any], request: Any) -> int:
    """Return the tokens the model takes, as its upstream lists them; 0 if it does not say."""
    base = getattr(request.app.state, "MODELS", {}).get(base_model(model)) or {}
    places = [model, model.get("openai") or {}, base, base.get("openai") or {}]
    return next((int(place[key]) for place in places for key in WINDOW_KEYS if place.get(key)), 0)


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


# Signatures, which the gateway checks with the same secret.


ISSUER = "sekisho"


def sign(claims: dict[str, Any], secret: str, lifetime: int) -> str:
    """Return the claims as a signed token that is valid for `lifetime` seconds."""
    now = int(time.time())
    return jwt.encode({**claims, "iat": now, "exp": now + lifetime}, secret, algorithm="HS256")


# Who asks, for calls that the pack itself makes.


async def signed(user: dict[str, Any], secret: str, with_email: bool, **more: str) -> str:
    """Return a token for one minute that names the person, their groups and `more` claims."""
    claims = {"iss": ISSUER, "sub": user["id"], "groups": await group_names(user["id"]), **more}
    if with_email:
        claims["email"] = user.get("email") or ""
    return sign(claims, secret, 60)


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


# What the gateway has to tell a person: budgets that are nearly used up, models that end.


NOTICE_SECONDS = 4
ASK_AGAIN_SECONDS = 120
MOST_ASKERS = 5_000
LARGEST_NOTICES = 200_000  # bytes
LONGEST_NOTICE = 2_000  # characters
MOST_NOTICES = 5
asked_at: dict[tuple[str, str], float] = {}


async def ask_gateway(
    path: str, body: dict[str, Any] | None, valves: Any, user: dict[str, Any], metadata: dict[str, Any]
) -> dict[str, Any]:
    """Return the answer of a route below /v1/me, asked as the person; empty where the gateway does not give one."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return {}
    more = {
        name: variable(metadata, of) for name, of in (("language", "USER_LANGUAGE"), ("timezone", "CURRENT_TIMEZONE"))
    }
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email, **more),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/{path}"
    try:
        told = json.loads(
            await fetch(url, headers, NOTICE_SECONDS, LARGEST_NOTICES, "GET" if body is None else "POST", body)
        )
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway does not answer %s (%s)", path, type(error).__name__)
        return {}
    return told if isinstance(told, dict) else {}


async def notices(valves: Any, user: dict[str, Any], metadata: dict[str, Any], model: dict[str, Any]) -> list[str]:
    """Return what the person was not told yet; asked of the gateway once in some minutes for a person and model.

    The gateway remembers what it told: who asks has to show it.
    """
    prefix = await connection_prefix(valves.gateway_url)
    name = base_model(model).removeprefix(f"{prefix}." if prefix else "")
    if not is_due((str(user["id"]), name)):
        return []
    told = (await ask_gateway("notices", {"model": name}, valves, user, metadata)).get("notices")
    found = told[:MOST_NOTICES] if isinstance(told, list) else []
    texts = [str(each.get("text") or "")[:LONGEST_NOTICE] for each in found if isinstance(each, dict)]
    return [text for text in texts if text]


def is_due(asker: tuple[str, str]) -> bool:
    """Return whether it is time to ask again, and note that it is done now."""
    now = time.monotonic()
    if now - asked_at.get(asker, -ASK_AGAIN_SECONDS) < ASK_AGAIN_SECONDS:
        return False
    if len(asked_at) >= MOST_ASKERS:
        asked_at.clear()
    asked_at[asker] = now
    return True


# The notice that each person confirms once.


GUIDE = "guide"
DIALOG_SECONDS = 120
SHOW_AGAIN_SECONDS = 3600
MOST_REMEMBERED = 20_000
confirmed: set[tuple[str, str]] = set()
shown_at: dict[tuple[str, str], float] = {}


async def show_guide(
    valves: Any, user: dict[str, Any], metadata: dict[str, Any], language: str, call: Caller | None
) -> None:
    """Show the notice to who has not confirmed this version of it; the chat goes on, whatever they press."""
    who = (str(user["id"]), valves.guide_version)
    if not call or who in confirmed or not may_show(who):
        return
    told = await ask_gateway("acknowledgements", None, valves, user, metadata)
    found = told.get("data")
    if not isinstance(found, list) or is_among(found, valves.guide_version):
        remember(who, isinstance(found, list))
        return
    data = {"title": TEXT[language]["title"], "message": message(valves, language)}
    try:
        pressed = await asyncio.wait_for(call({"type": "confirmation", "data": data}), DIALOG_SECONDS)
    except Exception as error:
        log.info("notices: the page does not answer (%s)", type(error).__name__)
        return
    if pressed is True:
        given = {"notice": GUIDE, "version": valves.guide_version}
        remember(who, bool(await ask_gateway("acknowledgements", given, valves, user, metadata)))


def message(valves: Any, language: str) -> str:
    """Return the company's own text, or ours, with the link to the rules."""
    own = str(valves.guide_text_ja if language == "ja" else valves.guide_text_en).strip()
    link = valves.guide_link.strip()
    more = "\n\n" + TEXT[language]["link"].format(link=link) if link else ""
    return (own or TEXT[language]["guide"]) + more


def is_among(found: list[Any], version: str) -> bool:
    """Return whether the gateway knows that the person confirmed a version."""
    return any(
        isinstance(each, dict) and each.get("notice") == GUIDE and each.get("version") == version for each in found
    )


def may_show(who: tuple[str, str]) -> bool:
    """Return whether it is time to show it again to who did not confirm it, and note that it is done now."""
    now = time.monotonic()
    if now - shown_at.get(who, -SHOW_AGAIN_SECONDS) < SHOW_AGAIN_SECONDS:
        return False
    if len(shown_at) >= MOST_REMEMBERED:
        shown_at.clear()
    shown_at[who] = now
    return True


def remember(who: tuple[str, str], is_known: bool) -> None:
    """Remember that a person confirmed it, where the gateway knows."""
    if len(confirmed) >= MOST_REMEMBERED:
        confirmed.clear()
    if is_known:
        confirmed.add(who)


# The filter: what people should know, once.


class Filter:
    class Valves(BaseModel):
        priority: int = valve(60, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        guide: bool = valve(False, "valves.guide")
        guide_version: str = valve("1", "valves.guide_version", min_length=1, max_length=100)
        guide_text_en: str = valve("", "valves.guide_text_en", json_schema_extra={"input": {"type": "textarea"}})
        guide_text_ja: str = valve("", "valves.guide_text_ja", json_schema_extra={"input": {"type": "textarea"}})
        guide_link: str = valve("", "valves.guide_link")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __request__: Any,
        __event_call__: Caller | None = None,
    ) -> dict[str, Any]:
        """Show the notice before the first chat; change nothing."""
        valves = self.valves
        if valves.guide and __metadata__.get("session_id"):
            language = user_language(__metadata__, __request__)
            await show_guide(valves, __user__, __metadata__, language, __event_call__)
        return body

    async def outlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Tell below the answer what the person was not told yet; change nothing."""
        if __event_emitter__:
            part = TEXT[user_language(__metadata__, __request__)]["part"]
            for line in await notices(self.valves, __user__, __metadata__, __model__):
                await tell(__metadata__, __event_emitter__, line, part)
        return body
