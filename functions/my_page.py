"""
title: My page
author: Sekisho
version: 0.1.0
license: MIT
description: Opens a person's own page at the gateway: use and budget, keys, set-up of tools; without a password.
required_open_webui_version: 0.12.4
id: my_page
"""

# Built by `python -m plugins.build` out of plugins/my_page: change it there, not here.

import asyncio
import json
import logging
import re
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
        "name": "My page",
        "description": "Opens your page at the gateway: use and budget, keys, set-up of tools.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Buttons with a lower number come first.",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "As in the connection, whose key is used.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more.",
        "valves.email.title": "Tell the e-mail address",
        "valves.email.description": "Lets the gateway know whose keys, budget and rights these are.",
    },
    "ja-JP": {
        "name": "マイページ",
        "description": "ゲートウェイの自分のページを開きます（利用状況と予算、APIキー、ツール設定）。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいボタンから並びます。",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "接続のアドレスです。そのキーを使います。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）です。",
        "valves.email.title": "メールアドレスを渡す",
        "valves.email.description": "ゲートウェイが本人のキー・予算・権限を見分けられるようになります。",
    },
}


# What the person reads.


TEXT = {
    "en": {
        "title": "My page",
        "message": "Your page opens in a new tab, without a password. "
        "If it does not, use this link within {seconds} seconds: [open my page]({url})",
        "silent": "The gateway does not open your page at the moment. Please try again later; "
        "if this stays, tell your administrator.",
    },
    "ja": {
        "title": "マイページ",
        "message": "新しいタブでマイページが開きます（パスワードは不要です）。"
        "開かない場合は、{seconds}秒以内に次のリンクを押してください: [マイページを開く]({url})",
        "silent": "現在、マイページを開けません。しばらくしてからもう一度お試しください。"
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


# The one-time link, as the gateway makes it.


GATEWAY_SECONDS = 6
LARGEST_LINK = 20_000  # bytes
LINK = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+/[A-Za-z0-9/_-]+")
LONGEST_CLAIM = 200  # characters


async def one_time_link(valves: Any, user: dict[str, Any], language: str, zone: str) -> tuple[str, int] | None:
    """Return a link that signs the person in once, and for how many seconds; None if the gateway makes none."""
    if not (valves.secret and (key := await connection_key(valves.gateway_url))):
        return None
    claims = {"name": user.get("name"), "role": user.get("role"), "language": language, "timezone": zone}
    told = {name: value[:LONGEST_CLAIM] for name, value in claims.items() if isinstance(value, str) and value}
    headers = {
        "Authorization": f"Bearer {key}",
        "X-OpenWebUI-User-Jwt": await signed(user, valves.secret, valves.email, **told),
    }
    url = f"{valves.gateway_url.strip().rstrip('/')}/me/console-link"
    try:
        made = json.loads(await fetch(url, headers, GATEWAY_SECONDS, LARGEST_LINK, "POST"))
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("sekisho: the gateway makes no link to a person's page (%s)", type(error).__name__)
        return None
    link, seconds = (made.get("url"), made.get("expires_in")) if isinstance(made, dict) else (None, None)
    if not isinstance(link, str) or not LINK.fullmatch(link) or not isinstance(seconds, int):
        return None
    return link, seconds


# The action: a link to the person's own page.


BROWSER_SECONDS = 3
ABOUT_THE_PAGE = (
    "return [localStorage.getItem('locale') || '', Intl.DateTimeFormat().resolvedOptions().timeZone || ''].join(' ')"
)
OPEN = "const made = window.open({url}, '_blank'); if (made) {{ made.opener = null }} else {{ location.assign({url}) }}"


class Action:
    class Valves(BaseModel):
        priority: int = valve(1, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")

    icon_url = (  # a person
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPScjNjY2JyBzdHJva2Utd2lkdGg9JzEuNycgc3Ryb2tlLWxpbmVjYXA9J3JvdW5kJz48Y2lyY2xlIGN4PScxMicgY3k9Jzgn"
        "IHI9JzMuNScvPjxwYXRoIGQ9J001IDIwYzAtNCAzLTYgNy02czcgMiA3IDYnLz48L3N2Zz4="
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
        """Show a dialog with a link that signs the person in at the gateway, and open it when they agree."""
        language, zone = await about_the_page(__event_call__, __request__)
        text = TEXT[language]
        link = await one_time_link(self.valves, __user__, language, zone)
        if link is None or __event_call__ is None:
            await notify(__event_emitter__, text["silent"])
            return None
        url, seconds = link
        message = text["message"].format(url=url, seconds=seconds)
        agreed = await answer_of(__event_call__, "confirmation", title=text["title"], message=message)
        if agreed:
            await answer_of(__event_call__, "execute", code=OPEN.format(url=json.dumps(url)))
        return None


async def about_the_page(call: Caller | None, request: Any) -> tuple[Any, str]:
    """Return language and time zone of the person's page; the language of the request's headers if none answers."""
    said = await answer_of(call, "execute", BROWSER_SECONDS, code=ABOUT_THE_PAGE) if call else None
    locale, zone = [*(said.split(" ") if isinstance(said, str) else ()), "", ""][:2]
    return user_language({"variables": {"{{USER_LANGUAGE}}": locale}}, request), zone


async def answer_of(call: Caller, kind: str, seconds: float | None = None, **data: Any) -> Any:
    """Return what the person's page answers to an event; None if it does not."""
    try:
        return await asyncio.wait_for(call({"type": kind, "data": data}), timeout=seconds)
    except Exception as error:
        log.info("my_page: the page does not answer (%s)", type(error).__name__)
        return None


async def notify(emit: Emitter | None, content: str) -> None:
    if emit:
        await emit({"type": "notification", "data": {"type": "warning", "content": content}})
