"""The gateway among Open WebUI's connections, and further ones that the manifest names."""

from collections.abc import Iterator, Mapping

from install.pack.desired import Given, need
from install.pack.kinds.connections import TAG, address
from install.pack.threeway import Wanted
from install.pack.tree import ABSENT, Json, get
from install.pack.tree import Path as LeafPath

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


def wanted_connections(given: Given) -> Iterator[Wanted]:
    yield Wanted("setting", "connections", {("openai.enable",): True})
    stored = given.there("connection", address(given.url))
    own = {
        name: need(given, value, "connection", "headers", name, stored=get(stored, ("settings", "headers", name)))
        for name, value in given.manifest.connection.headers.items()
    }
    settings: dict[LeafPath, object] = {
        ("settings", "enable"): True,
        ("settings", "connection_type"): "external",
        ("settings", "auth_type"): "bearer",
        ("settings", "tags", TAG, "name"): TAG,
    }
    yield _connection(given, given.url, given.key, {**IDENTITY_HEADERS, **own}, settings)
    for index, other in enumerate(given.manifest.connections):
        url = str(need(given, other.url, "connections", index, "url"))
        stored = given.there("connection", address(url))
        key = need(given, other.key, "connections", index, "key", stored=get(stored, ("key",)))
        headers = {
            name: need(
                given, value, "connections", index, "headers", name, stored=get(stored, ("settings", "headers", name))
            )
            for name, value in other.headers.items()
        }
        settings = {("settings", "enable"): other.enabled}
        if other.prefix:
            settings[("settings", "prefix_id")] = other.prefix
        if other.model_ids:
            settings[("settings", "model_ids")] = list(other.model_ids)
        yield _connection(given, url.rstrip("/"), key, headers, settings)


def _connection(
    given: Given, url: str, key: object, headers: Mapping[str, object], settings: Mapping[LeafPath, object]
) -> Wanted:
    id = address(url)
    spelled = _other_spellings(given.there("connection", id), headers)
    named: dict[LeafPath, object] = {("settings", "headers", name): value for name, value in headers.items()}
    return Wanted("connection", id, {("url",): url, ("key",): key, **settings, **named, **spelled})


def _other_spellings(current: Json | None, headers: Mapping[str, object]) -> dict[LeafPath, object]:
    """A header in other letters is the same header, and would be sent twice."""
    found = get(current, ("settings", "headers"))
    lower = {name.lower(): name for name in headers}
    there = found if isinstance(found, dict) else {}
    wrong = [name for name in there if lower.get(name.lower(), name) != name]
    return {("settings", "headers", name): ABSENT for name in wrong}
