"""
title: Usage line
author: Sekisho
version: 0.1.0
license: MIT
description: Shows under each answer what it cost, and what this month has cost so far, as the gateway counts it.
required_open_webui_version: 0.12.4
id: usage_line
"""

# Built by `python -m plugins.build` out of plugins/usage_line: change it there, not here.

import json
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import jwt
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL
from open_webui.models.config import Config
from open_webui.models.groups import Groups
from pydantic import BaseModel, Field

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "Usage line",
        "description": "Shows at each answer what it cost, and what this month has cost so far.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first.",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "As in the connection, whose key is used. Empty: the month is not shown.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more. Empty: no month is shown.",
        "valves.email.title": "Tell the e-mail address",
        "valves.email.description": "Lets the gateway add up what the person used elsewhere with keys of their own.",
        "valves.currency.title": "Currency",
        "valves.currency.description": "Three letters, such as USD, JPY or EUR.",
        "valves.rate.title": "Rate",
        "valves.rate.description": "What one US dollar is in this currency; the gateway counts in US dollars.",
    },
    "ja-JP": {
        "name": "利用料金の表示",
        "description": "回答ごとの料金と、今月の料金の合計を表示します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "接続のアドレスです。そのキーを使います。空の場合、今月の合計は出ません。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）。空の場合、今月の合計は出ません。",
        "valves.email.title": "メールアドレスを渡す",
        "valves.email.description": "本人が自分のキーで使った分も合計に含められるようになります。",
        "valves.currency.title": "通貨",
        "valves.currency.description": "USD、JPY、EURなどの3文字です。",
        "valves.rate.title": "レート",
        "valves.rate.description": "1米ドルがこの通貨でいくらかを入力します。ゲートウェイは米ドルで数えます。",
    },
}


# Texts of the line.


TEXT = {
    "en": {
        "part": " · ",
        "tokens": "{tokens} tokens",
        "month": "this month {used}",
        "budget": "this month {used} of {budget}",
        "team": "charged to {team}",
    },
    "ja": {
        "part": " · ",
        "tokens": "{tokens}トークン",
        "month": "今月 {used}",
        "budget": "今月 {used} / {budget}",
        "team": "{team} に計上",
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


# Amounts of money.


SYMBOLS = {"USD": "$", "JPY": "¥", "EUR": "€", "GBP": "£", "KRW": "₩"}


def money(amount: float, currency: str) -> str:
    """Format an amount as a person writes it: ¥312, ¥1.8, $12.34, $0.0031, CHF 12.34"""
    code = currency.strip().upper()[:8]
    symbol = SYMBOLS.get(code) or f"{code} "
    if 0 < amount < 0.0001:
        return f"<{symbol}0.0001"
    if 0 < amount < 0.995:
        return f"{symbol}{amount:.{leading_zeros(amount) + 2}f}"
    whole = code in ("JPY", "KRW")
    if amount >= 100 or amount == 0:
        return f"{symbol}{amount:,.0f}" if whole or amount >= 10_000 else f"{symbol}{amount:,.2f}"
    return f"{symbol}{amount:.1f}".removesuffix(".0") if whole else f"{symbol}{amount:.2f}"


def leading_zeros(amount: float) -> int:
    """Return the number of zeros between the point and the first other digit of an amount below 1."""
    return -math.floor(math.log10(amount)) - 1


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


# The person's usage, as the gateway tells it.


GATEWAY_SECONDS = 4
LARGEST_USAGE = 2_000_000  # bytes


def known_zone(name: str) -> str:
    """Return an IANA time zone as it is, UTC for anything else."""
    try:
        return name if name and ZoneInfo(name) else "UTC"
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


async def month_usage(valves: Any, user: dict[str, Any], zone: str) -> dict[str, Any] | None:
    """Return usage of this month in a time zone as GET /v1/me/usage tells it; None if the gateway does not answer."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return None
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/usage?by=model,day&timezone={quote(known_zone(zone))}"
    try:
        usage = json.loads(await fetch(url, headers, GATEWAY_SECONDS, LARGEST_USAGE))
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway does not tell a person's usage (%s)", type(error).__name__)
        return None
    return usage if isinstance(usage, dict) and isinstance(usage.get("total"), dict) else None


# The context window of a model.


WINDOW_KEYS = ("context_window", "context_length", "max_model_len")


def base_model(model: dict[str, Any]) -> str:
    return str((model.get("info") or {}).get("base_model_id") or model.get("id") or "")


def context_window(model: dict[str, Any], request: Any) -> int:
    """Return the tokens the model takes, as its upstream lists them; 0 if it does not say."""
    base = getattr(request.app.state, "MODELS", {}).get(base_model(model)) or {}
    places = [model, model.get("openai") or {}, base, base.get("openai") or {}]
    return next((int(place[key]) for place in places for key in WINDOW_KEYS if place.get(key)), 0)


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


# The parts of the line.


LONGEST_TEAM = 60  # characters


def tokens_of(usage: dict[str, Any]) -> int:
    """Return the tokens of all rounds of a tool loop, which Open WebUI adds up."""
    counted = [usage.get(key) for key in ("input_tokens", "output_tokens")]
    if all(isinstance(count, int) for count in counted):
        return sum(int(count or 0) for count in counted)
    total = usage.get("total_tokens")
    return total if isinstance(total, int) else 0


def parts_of(
    usage: dict[str, Any], cost: float, month: dict[str, Any] | None, valves: Any, text: dict[str, str]
) -> list[str]:
    """Format: ¥1.8, 1,240 tokens, this month ¥312 of ¥3,000; of a person in several teams, which one pays"""

    def local(usd: Any) -> str:
        return money(float(usd) * valves.rate, valves.currency)

    parts = [local(cost)]
    if tokens := tokens_of(usage):
        parts.append(text["tokens"].format(tokens=f"{tokens:,}"))
    if month and isinstance(used := month["total"].get("cost_usd"), int | float):
        budget = (month.get("budget") or {}) if (month.get("budget") or {}).get("window") == "month" else {}
        known = isinstance(budget.get("usd"), int | float)
        if known and isinstance(budget.get("used_usd"), int | float):
            used = budget["used_usd"]  # what a refusal counts: its month is the gateway's
        said = {"used": local(used), "budget": local(budget["usd"]) if known else ""}
        parts.append(text["budget" if known else "month"].format(**said))
    if month and isinstance(month.get("teams"), list) and len(month["teams"]) > 1 and month.get("team"):
        parts.append(text["team"].format(team=str(month["team"])[:LONGEST_TEAM]))
    return parts


# The filter: what the answer cost, and this month.


class Filter:
    class Valves(BaseModel):
        priority: int = valve(50, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        currency: str = valve("USD", "valves.currency", max_length=8)
        rate: float = valve(1.0, "valves.rate", gt=0)

    toggle = True  # off until somebody switches it on
    icon = (  # a coin
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPSdibGFjaycgc3Ryb2tlLXdpZHRoPScyJyBzdHJva2UtbGluZWNhcD0ncm91bmQnIHN0cm9rZS1saW5lam9pbj0ncm91bmQn"
        "PjxjaXJjbGUgY3g9JzEyJyBjeT0nMTInIHI9JzknLz48cGF0aCBkPSdNOSA4bDMgNCAzLTRNMTIgMTJ2NU05LjUgMTMuNWg1Jy8+"
        "PC9zdmc+"
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def outlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Show the line, if the gateway gave a cost for this answer; change nothing."""
        valves = self.valves
        usage = (body.get("messages") or [{}])[-1].get("usage") or {}
        cost = usage.get("cost")
        if __event_emitter__ and isinstance(cost, int | float):
            text = TEXT[user_language(__metadata__, __request__)]
            month = await month_usage(valves, __user__, variable(__metadata__, "CURRENT_TIMEZONE"))
            line = text["part"].join(parts_of(usage, float(cost), month, valves, text))
            for each in (line, *await notices(valves, __user__, __metadata__, __model__)):
                await tell(__metadata__, __event_emitter__, each, text["part"])
        return body
