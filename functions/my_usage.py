"""
title: My usage
author: Sekisho
version: 0.1.0
license: MIT
description: Shows a person what they used this month, by model and day, as the gateway counts it.
required_open_webui_version: 0.12.4
id: my_usage
"""

# Built by `python -m plugins.build` out of plugins/my_usage: change it there, not here.

import asyncio
import json
import logging
import math
import re
import time
from calendar import monthrange
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from html import escape
from typing import Any, Literal, NamedTuple
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import jwt
from open_webui.env import AIOHTTP_CLIENT_SESSION_SSL
from open_webui.models.config import Config
from open_webui.models.groups import Groups
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "My usage",
        "description": "Shows what you used this month, by model and day.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Buttons with a lower number come first.",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "As in the connection, whose key is used.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more.",
        "valves.email.title": "Tell the e-mail address",
        "valves.email.description": "Lets the gateway add up what the person used elsewhere with keys of their own.",
        "valves.currency.title": "Currency",
        "valves.currency.description": "Three letters, such as USD, JPY or EUR.",
        "valves.rate.title": "Rate",
        "valves.rate.description": "What one US dollar is in this currency; the gateway counts in US dollars.",
    },
    "ja-JP": {
        "name": "自分の利用状況",
        "description": "今月の利用状況をモデル別・日別に表示します。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいボタンから並びます。",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "接続のアドレスです。そのキーを使います。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）です。",
        "valves.email.title": "メールアドレスを渡す",
        "valves.email.description": "本人が自分のキーで使った分も合計に含められるようになります。",
        "valves.currency.title": "通貨",
        "valves.currency.description": "USD、JPY、EURなどの3文字です。",
        "valves.rate.title": "レート",
        "valves.rate.description": "1米ドルがこの通貨でいくらかを入力します。ゲートウェイは米ドルで数えます。",
    },
}


# Texts of the page.


TEXT = {
    "en": {
        "title": "My usage",
        "period": "{start} to {end} ({zone})",
        "requests": "Requests",
        "input": "Tokens read",
        "output": "Tokens written",
        "cost": "Cost",
        "model": "Model",
        "total": "Total",
        "others": "others",
        "budget": "{used} of {budget}",
        "left": "{left} left",
        "of.team": "Team {name}: ",
        "of.key": "Everybody together: ",
        "anew": "Starts anew on {when} ({zone}).",
        "free": "When a budget is used up, models that cost nothing go on: {models}. ",
        "between": ", ",
        "ask": "If you need more, ask {contact}.",
        "administrator": "your administrator",
        "windows.day": "Today's budget",
        "windows.week": "This week's budget",
        "windows.month": "This month's budget",
        "per_day": "Cost by day",
        "per_day_tokens": "Tokens by day",
        "none": "Nothing was used yet in this period.",
        "note": "Titles, tags and searches that Open WebUI makes by itself are counted too.",
        "silent": "The gateway does not tell your usage at the moment. Please try again later; "
        "if this stays, tell your administrator.",
    },
    "ja": {
        "title": "自分の利用状況",
        "period": "{start} ～ {end}（{zone}）",
        "requests": "回数",
        "input": "入力トークン",
        "output": "出力トークン",
        "cost": "料金",
        "model": "モデル",
        "total": "合計",
        "others": "その他",
        "budget": "{budget} のうち {used}",
        "left": "残り {left}",
        "of.team": "チーム {name}: ",
        "of.key": "全員の合計: ",
        "anew": "{when}（{zone}）に新しくなります。",
        "free": "予算を使い切っても、料金のかからないモデルは使えます: {models}。",
        "between": "、",
        "ask": "増やす必要がある場合は{contact}にご相談ください。",
        "administrator": "管理者",
        "windows.day": "本日の予算",
        "windows.week": "今週の予算",
        "windows.month": "今月の予算",
        "per_day": "日別の料金",
        "per_day_tokens": "日別のトークン数",
        "none": "この期間の利用はまだありません。",
        "note": "Open WebUIが自動で行う題名・タグ付け・検索の分も含みます。",
        "silent": "現在、利用状況を取得できません。しばらくしてからもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
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


# Rows of the gateway's answer.


Row = dict[str, Any]
MODELS_IN_COLOUR = 6


def number(row: Row, key: str) -> float:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def tokens_of(row: Row) -> float:
    return number(row, "input_tokens") + number(row, "output_tokens")


def cost_of(row: Row) -> float:
    return number(row, "cost_usd")


def grouped(rows: list[Row]) -> dict[str, Row]:
    """Sum by model, the dearest first; beyond MODELS_IN_COLOUR they become one, under an empty name."""
    sums: dict[str, Row] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        for key in ("requests", "input_tokens", "output_tokens", "cost_usd"):
            sums[str(row.get("model") or "?")][key] += number(row, key)
    order = sorted(sums, key=lambda name: (-sums[name]["cost_usd"], -tokens_of(sums[name]), name))
    kept = {name: sums[name] for name in order[:MODELS_IN_COLOUR]}
    for name in order[MODELS_IN_COLOUR:]:
        rest = kept.setdefault("", defaultdict(float))
        for key, value in sums[name].items():
            rest[key] += value
    return kept


# How the person sees the page.


class Shown(NamedTuple):
    """How the person sees it. `theme`: light, dark, or empty for what the device prefers."""

    language: Literal["en", "ja"]
    theme: str
    currency: str
    rate: float
    zone: str = "UTC"

    @property
    def text(self) -> dict[str, str]:
        return TEXT[self.language]

    def moment(self, told: Any) -> str:
        """Return a UTC time such as 2026-12-01T00:00:00Z in the person's time zone; empty if it is none."""
        try:
            at = datetime.fromisoformat(told).astimezone(ZoneInfo(self.zone))
        except (TypeError, ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
            return ""
        return f"{at:%Y-%m-%d %H:%M}"

    def money(self, usd: float) -> str:
        return money(usd * self.rate, self.currency)


BROWSER_SECONDS = 3
IN_THE_BROWSER = (
    "const system = (localStorage.getItem('theme') || 'system') === 'system';"
    "const dark = document.documentElement.classList.contains('dark');"
    # The chart stands above the answer whose button was pressed: the page goes there.
    "const known = new Set(document.querySelectorAll('iframe'));"
    "const look = setInterval(() => {"
    "const made = [...document.querySelectorAll('iframe')].find((frame) => !known.has(frame));"
    "if (made) { clearInterval(look); setTimeout(() => made.scrollIntoView({block: 'center'}), 300) } }, 200);"
    "setTimeout(() => clearInterval(look), 15000);"
    "const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || '';"
    "return [localStorage.getItem('locale') || '', system ? '' : dark ? 'dark' : 'light', zone].join(' ')"
)


async def seen_by(call: Caller | None, request: Any) -> tuple[Literal["en", "ja"], str, str]:
    """Return language, theme and time zone of the person's page; from the request's headers if no page answers."""
    said: Any = None
    if call:
        try:
            said = await asyncio.wait_for(
                call({"type": "execute", "data": {"code": IN_THE_BROWSER}}), timeout=BROWSER_SECONDS
            )
        except Exception as error:
            log.info("my_usage: the page does not tell its language (%s)", type(error).__name__)
    locale, theme, zone = [*(said.split(" ") if isinstance(said, str) else ()), "", "", ""][:3]
    language = user_language({"variables": {"{{USER_LANGUAGE}}": locale}}, request)
    return language, theme if theme in ("light", "dark") else "", known_zone(zone)


# The chart: stacked bars, one a day.


COLOURS = ("#4269d0", "#e08e0b", "#3ca951", "#d1495b", "#8661c1", "#2aa5a0", "#8a8f98")  # the last: all others
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 170, 84, 26  # of the chart, in pixels
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def colour(name: str, index: int) -> str:
    return COLOURS[index] if name else COLOURS[-1]


def compact(tokens: float) -> str:
    size = next((size for size in ((1e6, "M"), (1e3, "k")) if tokens >= size[0]), (1, ""))
    return f"{tokens / size[0]:.3g}{size[1]}"


def days_of(usage: dict[str, Any], rows: list[Row]) -> list[str]:
    """Return all days of the month that the usage begins in; those of the rows if it does not say."""
    start = str(usage.get("from"))
    if DAY.fullmatch(start) and 1 <= int(start[5:7]) <= 12 and start[:4] != "0000":
        days = monthrange(int(start[:4]), int(start[5:7]))[1]
        return [f"{start[:8]}{day:02}" for day in range(1, days + 1)]
    return sorted({day for row in rows if DAY.fullmatch(day := str(row.get("day"))[:10])})[:31]


def grid(highest: float, label: Callable[[float], str]) -> str:
    lines = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - share * (HEIGHT - 10)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label(highest * share))}</text>')
    return "".join(lines)


def bar(
    day: str,
    place: int,
    slot: float,
    amounts: dict[tuple[str, str], float],
    names: list[str],
    highest: float,
    label: Callable[[float], str],
) -> str:
    x, y, parts = LEFT + place * slot, float(HEIGHT), []
    for index, name in enumerate(names):
        height = amounts[day, name] / highest * (HEIGHT - 10)
        y -= height
        if height > 0:
            parts.append(
                f'<rect x="{x + slot * 0.15:.1f}" y="{y:.1f}" width="{slot * 0.7:.1f}" height="{height:.1f}" '
                f'fill="{colour(name, index)}"><title>{escape(day)} {escape(name)}: '
                f"{escape(label(amounts[day, name]))}</title></rect>"
            )
    if place % 5 == 0:
        parts.append(f'<text x="{x + slot / 2:.1f}" y="{HEIGHT + 20}" text-anchor="middle">{int(day[8:10])}</text>')
    return "".join(parts)


def chart(usage: dict[str, Any], rows: list[Row], models: dict[str, Row], shown: Shown) -> str:
    """Draw stacked bars, one a day; by cost, or by tokens if nothing has a price."""
    measure = cost_of if any(number(row, "cost_usd") for row in rows) else tokens_of
    days = days_of(usage, rows)
    amounts: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        name = str(row.get("model") or "?")
        amounts[str(row.get("day"))[:10], name if name in models else ""] += measure(row)
    highest = max((sum(amounts[day, name] for name in models) for day in days), default=0) or 1
    label = shown.money if measure is cost_of else compact
    slot = (WIDTH - LEFT) / max(1, len(days))
    bars = "".join(bar(day, place, slot, amounts, list(models), highest, label) for place, day in enumerate(days))
    title = shown.text["per_day" if measure is cost_of else "per_day_tokens"]
    return (
        f"<h2>{title}</h2>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + BOTTOM}" role="img" aria-label="{title}">'
        f"{grid(highest, label)}{bars}</svg>"
    )


# The page.


STYLE = """
:root{--ink:#1f2328;--dim:#667085;--line:#e4e7ec;--paper:#fff;--bar:#4269d0}
@media (prefers-color-scheme:dark){:root:not(.light){--ink:#ececf1;--dim:#a0a4ae;--line:#3a3a40;--paper:#1c1c1f}}
:root.dark{--ink:#ececf1;--dim:#a0a4ae;--line:#3a3a40;--paper:#1c1c1f}
*{box-sizing:border-box}
body{margin:0;background:transparent;color:var(--ink);
font:14px/1.5 system-ui,-apple-system,"Segoe UI","Hiragino Sans","Noto Sans CJK JP","Noto Sans JP",sans-serif}
main{background:var(--paper);border:1px solid var(--line);border-radius:14px;padding:16px 18px;max-width:720px}
h1{font-size:16px;margin:0}h2{font-size:13px;font-weight:600;margin:16px 0 4px;color:var(--dim)}
p{margin:2px 0}.dim{color:var(--dim);font-size:12px}
.budget{display:flex;gap:10px;justify-content:space-between;margin:14px 0 4px;font-size:13px;flex-wrap:wrap}
.bar{height:8px;border-radius:4px;background:var(--line);overflow:hidden}
.bar i{display:block;height:100%;background:var(--bar);border-radius:4px}.bar.full i{background:#d1495b}
svg{width:100%;height:auto;display:block;overflow:visible}svg line{stroke:var(--line)}
svg text{fill:var(--dim);font-size:11px}
table{width:100%;border-collapse:collapse;margin:12px 0 8px;font-size:13px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--dim);text-align:right;padding:4px 0 4px 10px}
td{text-align:right;padding:4px 0 4px 10px;border-top:1px solid var(--line)}
th:first-child,td:first-child{text-align:left;padding-left:0;overflow-wrap:anywhere}tfoot td{font-weight:600}
@media (max-width:520px){main{padding:14px 12px}svg text{font-size:19px}
thead tr,tbody tr,tfoot tr{display:grid;grid-template-columns:1fr 1.5fr 1.5fr 1.3fr;column-gap:6px}
th,td{padding:3px 0;border:0}th{font-size:11px}tbody tr,tfoot tr{border-top:1px solid var(--line)}
th:first-child{display:none}td:first-child{grid-column:1/-1;font-weight:600;padding-top:6px}td{padding-bottom:6px}}
td i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:8px}
"""


# Open WebUI shows the page in a frame of the height that the page asks for.
SCRIPT = """
const main=document.querySelector('main');
const tell=()=>parent.postMessage({type:'iframe:height',height:main.offsetHeight+2},'*');
addEventListener('load',tell);new ResizeObserver(tell).observe(main);
"""


def line(name: str, row: Row, shown: Shown) -> str:
    counts = "".join(f"<td>{number(row, key):,.0f}</td>" for key in ("requests", "input_tokens", "output_tokens"))
    return f"<tr><td>{name}</td>{counts}<td>{escape(shown.money(number(row, 'cost_usd')))}</td></tr>"


def table(models: dict[str, Row], total: Row, shown: Shown) -> str:
    text = shown.text
    head = "".join(f"<th>{text[key]}</th>" for key in ("model", "requests", "input", "output", "cost"))
    body = "".join(
        line(f'<i style="background:{colour(name, index)}"></i>{escape(name) or text["others"]}', row, shown)
        for index, (name, row) in enumerate(models.items())
    )
    foot = line(text["total"], total, shown)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"


def budget_bar(budget: Any, shown: Shown) -> str:
    if not (isinstance(budget, dict) and number(budget, "usd") > 0):
        return ""
    text, whole, used = shown.text, number(budget, "usd"), number(budget, "used_usd")
    share = min(100.0, used / whole * 100)
    label = whose(budget, text) + text.get(f"windows.{budget.get('window')}", "")
    anew = shown.moment(budget.get("resets_at"))
    anew = f"<p class=dim>{text['anew'].format(when=anew, zone=escape(shown.zone))}</p>" if anew else ""
    said = text["budget"].format(used=shown.money(used), budget=shown.money(whole))
    left = text["left"].format(left=shown.money(max(0.0, number(budget, "left_usd"))))
    return (
        f"<p class=budget><span>{label}</span><b>{said}</b><span>{left}</span></p>"
        f'<div class="bar{" full" if share >= 90 else ""}"><i style="width:{share:.1f}%"></i></div>' + anew
    )


def whose(budget: dict[str, Any], text: dict[str, str]) -> str:
    scope = budget.get("scope")
    return text[f"of.{scope}"].format(name=escape(str(budget.get("name"))[:100])) if scope in ("team", "key") else ""


def budget_bars(usage: dict[str, Any], shown: Shown) -> str:
    """Show each budget that counts, and what goes on when one is used up."""
    told = usage.get("budgets")
    bars = "".join(budget_bar(each, shown) for each in (told if isinstance(told, list) else [usage.get("budget")])[:5])
    listed = usage.get("free_models")
    listed = listed if isinstance(listed, list) else []
    free = [escape(str(name)) for name in listed][:3]
    more = shown.text["free"].format(models=shown.text["between"].join(free)) if free else ""
    contact = usage.get("contact")
    named = escape(contact[:200]) if isinstance(contact, str) and contact else shown.text["administrator"]
    return bars and f"{bars}<p class=dim>{more}{shown.text['ask'].format(contact=named)}</p>"


def document(usage: dict[str, Any], shown: Shown) -> str:
    """Return one HTML page that loads nothing."""
    rows = [row for row in usage.get("rows") or [] if isinstance(row, dict)]
    models = grouped(rows)
    text = shown.text
    period = text["period"].format(
        start=escape(str(usage.get("from"))), end=escape(str(usage.get("to"))), zone=escape(shown.zone)
    )
    inner = (
        f"<h1>{text['title']}</h1><p class=dim>{period}</p>"
        + budget_bars(usage, shown)
        + (
            chart(usage, rows, models, shown) + table(models, usage["total"], shown)
            if rows
            else f"<p>{text['none']}</p>"
        )
        + f"<p class=dim>{text['note']}</p>"
    )
    return (
        f'<!doctype html><html lang="{shown.language}" class="{shown.theme}"><meta charset="utf-8">'
        # No color-scheme: with one that differs from Open WebUI's page the frame would not be transparent.
        f"<title>{text['title']}</title>"
        f"<style>{STYLE}</style><main>{inner}</main><script>{SCRIPT}</script></html>"
    )


# The action: a chart of the person's usage.


class Action:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        currency: str = valve("USD", "valves.currency", max_length=8)
        rate: float = valve(1.0, "valves.rate", gt=0)

    icon_url = (  # bars
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPScjNjY2JyBzdHJva2Utd2lkdGg9JzEuNycgc3Ryb2tlLWxpbmVjYXA9J3JvdW5kJyBzdHJva2UtbGluZWpvaW49J3JvdW5k"
        "Jz48cGF0aCBkPSdNNCAyMGgxNk03LjUgMTZ2LTRNMTIgMTZWOE0xNi41IDE2VjUnLz48L3N2Zz4="
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def action(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
    ) -> Any:
        """Show a chart at the answer whose button was pressed; a notification if the gateway does not answer."""
        valves = self.valves
        language, theme, zone = await seen_by(__event_call__, __request__)
        text = TEXT[language]
        usage = await month_usage(valves, __user__, zone)
        if usage is None:
            if __event_emitter__:
                await __event_emitter__(
                    {"type": "notification", "data": {"type": "warning", "content": text["silent"]}}
                )
            return None
        page = document(usage, Shown(language, theme, valves.currency, valves.rate, zone))
        return HTMLResponse(page, headers={"Content-Disposition": "inline"})
