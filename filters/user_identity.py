"""
title: User identity
author: Sekisho
version: 0.1.0
license: MIT
description: Signs who is asking, so that the Sekisho gateway can attribute each request and nobody can pose as another.
required_open_webui_version: 0.12.4
id: user_identity
"""

# Built by `python -m plugins.build` out of plugins/user_identity: change it there, not here.

import logging
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Literal

import jwt
from open_webui.models.config import Config
from open_webui.models.groups import Groups
from pydantic import BaseModel, Field

# Texts of the settings.


I18N: dict[str, dict[str, str]] = {
    "en-US": {
        "name": "User identity",
        "description": "Signs who is asking, so that the Sekisho gateway can attribute each request.",
        "valves.priority.title": "Order",
        "valves.priority.description": "Filters with a lower number run first; this one should be the last.",
        "valves.secret.title": "Secret",
        "valves.secret.description": "The gateway's identity secret, 32 characters or more. Empty: nothing is signed.",
        "valves.lifetime_seconds.title": "Lifetime (seconds)",
        "valves.lifetime_seconds.description": "How long a signature is valid. It is renewed while an answer runs.",
        "valves.share.title": "What the gateway learns",
        "valves.share.description": "The user's id is always sent, and so are role and groups.",
        "valves.share.enum.id": "Id only",
        "valves.share.enum.id_and_email": "Id and e-mail address",
        "valves.share.enum.all": "Id, e-mail address and name",
        "valves.gateway_url.title": "Address of the gateway",
        "valves.gateway_url.description": "Only models of this connection get the signature. Empty: every model does.",
    },
    "ja-JP": {
        "name": "利用者の識別",
        "description": "誰の質問かを署名し、Sekishoゲートウェイが利用者ごとに記録できるようにします。",
        "valves.priority.title": "順序",
        "valves.priority.description": "数字の小さいフィルターから実行されます。このフィルターは最後にしてください。",
        "valves.secret.title": "共有シークレット",
        "valves.secret.description": "ゲートウェイと同じ値（32文字以上）。空の場合は署名しません。",
        "valves.lifetime_seconds.title": "有効期間（秒）",
        "valves.lifetime_seconds.description": "署名の有効期間です。回答の生成中は自動で更新されます。",
        "valves.share.title": "ゲートウェイに渡す情報",
        "valves.share.description": "利用者ID、ロール、グループは常に渡されます。",
        "valves.share.enum.id": "IDのみ",
        "valves.share.enum.id_and_email": "IDとメールアドレス",
        "valves.share.enum.all": "ID、メールアドレス、氏名",
        "valves.gateway_url.title": "ゲートウェイのアドレス",
        "valves.gateway_url.description": "この接続のモデルにだけ署名を付けます。空の場合はすべてのモデルに付けます。",
    },
}


# Logging.


log = logging.getLogger(__name__)


# Settings.


def valve(default: Any, key: str, **rules: Any) -> Any:
    """Return a pydantic field whose English title and description are those of I18N."""
    english = I18N["en-US"]
    return Field(default, title=english[f"{key}.title"], description=english[f"{key}.description"], **rules)


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


# What is remembered for a minute, and signatures that can be used again.


REMEMBER_SECONDS = 60
REMEMBER_ENTRIES = 2000
memory: dict[str, tuple[float, list[str]]] = {}


async def remembered(key: str, load: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """Return what `load` said within the last minute, so that a call costs no query."""
    until, value = memory.get(key, (0.0, []))
    if time.monotonic() < until:
        return value
    value = await load()
    if len(memory) >= REMEMBER_ENTRIES:
        memory.clear()
    memory[key] = (time.monotonic() + REMEMBER_SECONDS, value)
    return value


def is_fresh(token: Any, claims: dict[str, Any], secret: str) -> bool:
    """Return whether `token` is ours, says just this, and has more than half of its life before it."""
    if not isinstance(token, str):
        return False
    try:
        said = jwt.decode(token, secret, algorithms=["HS256"], issuer=ISSUER, options={"require": ["iat", "exp"]})
    except jwt.InvalidTokenError:
        return False
    issued, expires = said.pop("iat"), said.pop("exp")
    return bool(said == claims and time.time() - issued < (expires - issued) / 2)


@cache
def warn_no_secret() -> None:
    log.warning("user_identity: no secret is set, so that requests go unsigned")


# Which requests go to the gateway, and the person's groups.


async def goes_to_gateway(gateway_url: str, model: dict[str, Any], metadata: dict[str, Any], request: Any) -> bool:
    """Return whether the request goes to the gateway; a direct connection goes through the browser, so never there."""
    if metadata.get("direct"):
        return False
    if not gateway_url:
        return True
    base_id = (model.get("info") or {}).get("base_model_id") or model.get("id")
    index = (getattr(request.app.state, "OPENAI_MODELS", {}).get(base_id) or {}).get("urlIdx")
    urls = await remembered("urls", connection_urls)
    return index is not None and index < len(urls) and urls[index].rstrip("/") == gateway_url.rstrip("/")


async def connection_urls() -> list[str]:
    return list(await Config.get("openai.api_base_urls") or [])


async def remembered_groups(user_id: str) -> list[str]:
    async def load() -> list[str]:
        return await group_names(user_id)

    try:
        return await remembered(f"groups of {user_id}", load)
    except Exception:
        log.exception("user_identity: signing without groups")
        return []


# The filter: each request to the gateway carries who asks, signed.


TOKEN_KEY = "sekisho_identity"
CLAIMED_BY_CLIENT = (TOKEN_KEY, "user", "safety_identifier")


class Filter:
    class Valves(BaseModel):
        priority: int = valve(100, "valves.priority")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        lifetime_seconds: int = valve(300, "valves.lifetime_seconds", ge=10, le=3600)
        share: Literal["id", "id_and_email", "all"] = valve("all", "valves.share")
        gateway_url: str = valve("", "valves.gateway_url")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
    ) -> dict[str, Any]:
        for key in CLAIMED_BY_CLIENT:
            body.pop(key, None)
        return await self.request(body, __user__, __metadata__, __model__, __request__)

    async def request(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
    ) -> dict[str, Any]:
        """Sign before every call of the model, so that a long tool loop never outlives its signature."""
        valves = self.valves
        token = body.pop(TOKEN_KEY, None)
        if not valves.secret:
            warn_no_secret()
        elif await goes_to_gateway(valves.gateway_url, __model__, __metadata__, __request__):
            claims = identity(__user__, __metadata__, await remembered_groups(__user__["id"]), valves.share)
            fresh = is_fresh(token, claims, valves.secret)
            body[TOKEN_KEY] = token if fresh else sign(claims, valves.secret, valves.lifetime_seconds)
        return body
