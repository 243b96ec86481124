"""The gateway among Open WebUI's OpenAI connections. Other connections keep their place and every byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Any

from httpx2 import URL

from gateway.secret import Secret
from install.open_webui import OpenWebUI
from install.open_webui.admin import Json
from install.pack.change import Action, Change
from install.pack.desired import Connection

TAG = {"name": "sekisho"}

FIXED: Mapping[str, Any] = {"enable": True, "connection_type": "external", "auth_type": "bearer"}

# Open WebUI fills the templates in on every call, also on titles, tags and follow-ups, which filters never see.
IDENTITY_HEADERS = {
    "X-OpenWebUI-User-Id": "{{USER_ID}}",
    "X-OpenWebUI-User-Email": "{{USER_EMAIL}}",
    "X-OpenWebUI-User-Name": "{{USER_NAME}}",
    "X-OpenWebUI-User-Role": "{{USER_ROLE}}",
    "X-OpenWebUI-Chat-Id": "{{CHAT_ID}}",
    "X-Sekisho-Task": "{{TASK}}",
    "X-Sekisho-Groups": "{{USER_GROUPS}}",
    "X-Sekisho-Message-Id": "{{MESSAGE_ID}}",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One connection out of Open WebUI's three parallel collections."""

    url: str
    key: Secret
    settings: Json


def entries(config: Json) -> list[Entry]:
    urls, keys = config["OPENAI_API_BASE_URLS"], config["OPENAI_API_KEYS"]
    settings = config["OPENAI_API_CONFIGS"]
    # Old installations keep settings under the URL; saving would drop those, so they move to their index.
    return [
        Entry(url, Secret(key), settings.get(str(index), settings.get(url, {})))
        for index, (url, key) in enumerate(zip_longest(urls, keys[: len(urls)], fillvalue=""))
    ]


def find(config: Json, url: str) -> Entry | None:
    """Our entry: the one with the gateway's address, however it is spelled."""
    return next((entry for entry in entries(config) if _same(entry.url, url)), None)


def _same(one: str, other: str) -> bool:
    return URL(one.rstrip("/")) == URL(other.rstrip("/"))


def diff(wanted: Connection, config: Json) -> Iterator[Change]:
    current = find(config, wanted.url)
    merged = _merged(current, wanted)
    details = tuple(_details(current, merged))
    if not config["ENABLE_OPENAI_API"]:
        details += ("OpenAI connections: on",)
    action = Action.UNCHANGED if not details else Action.UPDATE if current else Action.CREATE
    apply = partial(_apply, wanted) if details else None
    yield Change("connection", wanted.url, action, details, apply)


def _apply(wanted: Connection, client: OpenWebUI) -> None:
    client.set_connections(with_gateway(wanted, client.connections()))


def with_gateway(wanted: Connection, config: Json) -> Json:
    """The whole configuration with our entry in its place, or at the end."""
    merged = _merged(find(config, wanted.url), wanted)
    found = entries(config)
    ours = [_same(entry.url, wanted.url) for entry in found]
    position = ours.index(True) if True in ours else len(found)
    found[position : position + 1] = [merged]
    return {
        **config,
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": [entry.url for entry in found],
        "OPENAI_API_KEYS": [entry.key.reveal() for entry in found],
        "OPENAI_API_CONFIGS": {str(index): entry.settings for index, entry in enumerate(found) if entry.settings},
    }


def _merged(current: Entry | None, wanted: Connection) -> Entry:
    settings = current.settings if current else {}
    headers = {**IDENTITY_HEADERS, **wanted.headers}
    ours = {name.lower() for name in headers}
    others = {name: value for name, value in (settings.get("headers") or {}).items() if name.lower() not in ours}
    tags = settings.get("tags") or []
    return Entry(
        wanted.url.rstrip("/"),
        wanted.key,
        {
            **settings,
            **FIXED,
            "tags": tags if TAG in tags else [*tags, TAG],
            "headers": {**others, **headers},
        },
    )


def _details(current: Entry | None, merged: Entry) -> Iterator[str]:
    before = current.settings if current else {}
    if current is None or current.key != merged.key:
        yield "key: ***"
    if current and current.url != merged.url:
        yield f"url: {current.url} → {merged.url}"
    for name in FIXED:
        if before.get(name) != merged.settings[name]:
            yield f"{name}: {merged.settings[name]}"
    if TAG not in (before.get("tags") or []):
        yield f"tag: {TAG['name']}"
    headers = before.get("headers") or {}
    for name, value in merged.settings["headers"].items():
        if headers.get(name) != value:
            yield f"header {name}: {value}"
