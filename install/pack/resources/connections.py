"""OpenAI connections by address. Other connections keep their place and every byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from httpx2 import URL, InvalidURL

from gateway.secret import Secret
from install.open_webui import OpenWebUI
from install.pack.inputs import PlanInputs, need
from install.pack.resources.kind import Kind, Wanted
from install.pack.tree import ABSENT, Json, Leaf, Path, get
from install.pack.tree import Path as LeafPath
from install.wording import say, term

TAG = "sekisho"

LABELS = {"settings.headers.": "header ", "settings.tags.": "tag ", "settings.": ""}


@dataclass(frozen=True, slots=True)
class Entry:
    """One connection out of Open WebUI's three parallel collections."""

    url: str
    key: Secret
    settings: Json | None
    """None = Open WebUI keeps none for this connection."""


def entries(config: Json) -> list[Entry]:
    urls, keys = config["OPENAI_API_BASE_URLS"], config["OPENAI_API_KEYS"]
    settings = config["OPENAI_API_CONFIGS"]
    # Old installations keep settings under the URL; saving would drop those, so they move to their index.
    return [
        Entry(url, Secret(key), settings.get(str(index), settings.get(url)))
        for index, (url, key) in enumerate(zip_longest(urls, keys[: len(urls)], fillvalue=""))
    ]


def same_address(one: str, other: str) -> bool:
    return address(one) == address(other)


def address(url: str) -> str:
    """Normalize an address; a text that is none is returned as it is."""
    try:
        return str(URL(url.rstrip("/")))
    except InvalidURL:
        return url


def as_config(config: Json, found: list[Entry]) -> Json:
    settings = {str(index): entry.settings for index, entry in enumerate(found) if entry.settings is not None}
    return {
        **config,
        "OPENAI_API_BASE_URLS": [entry.url for entry in found],
        "OPENAI_API_KEYS": [entry.key.reveal() for entry in found],
        "OPENAI_API_CONFIGS": settings,
    }


def to_record(entry: Entry) -> Json:
    """Return an entry as a record, with tags by name, so that one of them is a leaf."""
    record: Json = {"url": entry.url, "key": entry.key.reveal()}
    if entry.settings is not None:
        settings = dict(entry.settings)
        if isinstance(settings.get("tags"), list) and all("name" in tag for tag in settings["tags"]):
            settings["tags"] = {tag["name"]: {key: tag[key] for key in tag} for tag in settings["tags"]}
        record["settings"] = settings
    return record


def from_record(record: Json) -> Entry:
    settings = record.get("settings")
    if settings is not None:
        settings = dict(settings)
        if isinstance(settings.get("tags"), dict):
            settings["tags"] = list(settings["tags"].values())
    return Entry(record["url"], Secret(record["key"]), settings)


class Connections(Kind):
    name = "connection"
    overwrites = True

    def read(self, client: OpenWebUI) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for entry in entries(client.connections()):
            found.setdefault(address(entry.url), to_record(entry))
        return found

    def write(self, client: OpenWebUI, id: str, current: Json | None, target: Json | None) -> None:
        config = client.connections()
        found = entries(config)
        position = next((index for index, entry in enumerate(found) if address(entry.url) == id), len(found))
        found[position : position + 1] = [] if target is None else [from_record(target)]
        after = as_config(config, found)
        if after != config:
            client.set_connections(after)

    def created(self, current: Json) -> bool:
        return get(current, ("settings", "tags", TAG, "name")) is not ABSENT

    def label(self, path: Path) -> str:
        text = ".".join(path[:3] if path[:2] == ("settings", "tags") else path)
        for start, shown in LABELS.items():
            if text.startswith(start):
                return term(shown) + text.removeprefix(start)
        return text

    def describe(self, current: Json | None, touched: Mapping[Path, tuple[Leaf, Leaf]]) -> list[str]:
        return [
            say("tag: {name}", name=path[2])
            for path, (_, after) in touched.items()
            if self.is_described(path) and after is not ABSENT
        ]

    def is_described(self, path: Path) -> bool:
        return path[:2] == ("settings", "tags")


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


def wanted_connections(inputs: PlanInputs) -> Iterator[Wanted]:
    yield Wanted("setting", "connections", {("openai.enable",): True})
    stored = inputs.there("connection", address(inputs.url))
    own = {
        name: need(inputs, value, "connection", "headers", name, stored=get(stored, ("settings", "headers", name)))
        for name, value in inputs.manifest.connection.headers.items()
    }
    settings: dict[LeafPath, object] = {
        ("settings", "enable"): True,
        ("settings", "connection_type"): "external",
        ("settings", "auth_type"): "bearer",
        ("settings", "tags", TAG, "name"): TAG,
    }
    yield _connection(inputs, inputs.url, inputs.key, {**IDENTITY_HEADERS, **own}, settings)
    for index, other in enumerate(inputs.manifest.connections):
        url = str(need(inputs, other.url, "connections", index, "url"))
        stored = inputs.there("connection", address(url))
        key = need(inputs, other.key, "connections", index, "key", stored=get(stored, ("key",)))
        headers = {
            name: need(
                inputs, value, "connections", index, "headers", name, stored=get(stored, ("settings", "headers", name))
            )
            for name, value in other.headers.items()
        }
        settings = {("settings", "enable"): other.enabled}
        if other.prefix:
            settings[("settings", "prefix_id")] = other.prefix
        if other.model_ids:
            settings[("settings", "model_ids")] = list(other.model_ids)
        yield _connection(inputs, url.rstrip("/"), key, headers, settings)


def _connection(
    inputs: PlanInputs, url: str, key: object, headers: Mapping[str, object], settings: Mapping[LeafPath, object]
) -> Wanted:
    id = address(url)
    spelled = other_spellings(inputs.there("connection", id), headers)
    named: dict[LeafPath, object] = {("settings", "headers", name): value for name, value in headers.items()}
    return Wanted("connection", id, {("url",): url, ("key",): key, **settings, **named, **spelled})


def other_spellings(
    current: Json | None, headers: Mapping[str, object], at: LeafPath = ("settings", "headers")
) -> dict[LeafPath, object]:
    """Return leaves that delete headers in other spellings, which would be sent twice."""
    found = get(current, at)
    lower = {name.lower(): name for name in headers}
    there = found if isinstance(found, dict) else {}
    wrong = [name for name in there if lower.get(name.lower(), name) != name]
    return {(*at, name): ABSENT for name in wrong}
