"""LiteLLM's `mcp_servers` as ours."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from gateway.config.addresses import secrets_in
from gateway.config.document import Key
from gateway.importing.findings import Findings, Kind
from gateway.importing.source import Source
from gateway.importing.tool_server_auth import authorize, bearer
from gateway.importing.tool_server_tables import KEPT, LEFT
from gateway.importing.values import Values, is_secret, number

_SECTION = "mcp_servers"
_TAKEN = "view"
_LONGEST_NAME = 32
_HEADER = re.compile(r"(?!mcp-|cookie$|host$|content-|accept$)[a-z0-9!#$%&'*+.^_`|~-]{1,64}")


class ToolServers:
    """Our `mcp:` section; `config` is empty where there is nothing for it."""

    def __init__(self, source: Source, findings: Findings, values: Values) -> None:
        self.findings, self.values = findings, values
        self.servers: dict[str, dict[str, Any]] = {}
        for name, entry in source.section(_SECTION).items():
            key: Key = (_SECTION, name)
            if isinstance(entry, dict):
                self._take(key, str(name), entry)
            else:
                findings.add("manual", key, "is no tool server that could be read; it is left out")

    @property
    def config(self) -> dict[str, Any]:
        return {"mcp": {"servers": self.servers}} if self.servers else {}

    def _take(self, key: Key, name: str, entry: Mapping[str, Any]) -> None:
        ours = server_name(name)
        if not ours or ours in self.servers:
            self.findings.add("manual", key, "another server has this name here, or it has none: rename it")
            return
        server = Server(self.findings, self.values, key, entry).made()
        if server is None:
            self.findings.add("manual", key, "names neither an address nor a program; it is left out")
            return
        self.servers[ours] = server


def server_name(name: str) -> str:
    """Return a name as ours may be; "" where nothing of it is left."""
    plain = re.sub("[^A-Za-z0-9_-]+", "-", name)[:_LONGEST_NAME].strip("-_")
    return f"{plain}-1" if plain == _TAKEN else plain


class Server:
    """One entry."""

    def __init__(self, findings: Findings, values: Values, key: Key, entry: Mapping[str, Any]) -> None:
        self.findings, self.values, self.key, self.entry = findings, values, key, entry
        self.server: dict[str, Any] = {}

    def made(self) -> dict[str, Any] | None:
        """Return the server, None where it is none."""
        if self.entry.get("spec_path"):
            return None
        if not self._placed():
            return None
        self._headers()
        authorize(self)
        for name, (ours, kind) in KEPT.items():
            if name in self.entry and (value := self._kept(name)) is not None:
                _put(self.server, ours, value)
                self.tell(name, kind, ".".join(ours))
        self._info()
        for name in self.entry:
            if name in LEFT:
                self.tell(name, *LEFT[name])
        return self.server

    def _placed(self) -> bool:
        """Put the address or the program."""
        url = self.text("url", secret=_holds_secret(self.entry.get("url")))
        command = self.text("command")
        if url:
            self.server["url"] = url
            self.tell("url", "exact", "url")
        elif command:
            given = self.entry.get("args")
            arguments = given if isinstance(given, list) else []
            texts = [self._argument(arguments, at) for at in range(len(arguments))]
            self.server["command"] = [command, *(each for each in texts if each)]
            self.tell("command", "exact", "command")
            self.tell("args", "exact", "command: the program's arguments")
            self._mapping("env", "env", "exact", "env: nothing else of the gateway's environment is passed on")
        transport = self.entry.get("transport")
        if url and transport in ("http", "sse"):
            self.server["transport"] = transport
        self.tell("transport", "exact", "transport; a 'command' is spoken with over its standard streams")
        return bool(url or command)

    def _argument(self, arguments: list[Any], at: int) -> str | None:
        """Return an argument; the value of an option for a secret becomes a variable."""
        before = str(arguments[at - 1]) if at else ""
        secret = before.startswith("-") and is_secret(before)
        return self.values.text(arguments[at], (*self.key, "args", at), secret=secret)

    def _headers(self) -> None:
        """Put fixed headers; a bearer token among them is 'auth: token'."""
        for name in ("static_headers", "headers"):
            found = self.entry.get(name)
            if "url" in self.server and isinstance(found, dict):
                for header, value in found.items():
                    self._header(header, value, (*self.key, name, header))

    def _header(self, header: Any, value: Any, key: Key) -> None:
        lowered = str(header).lower()
        if lowered == "authorization":
            bearer(self, value, key)
        elif _HEADER.fullmatch(lowered) and (found := self.values.text(value, key, secret=True)):
            self.server.setdefault("headers", {})[lowered] = found
            self.findings.add("exact", key, "headers of the server")

    def _kept(self, name: str) -> Any:
        value = self.entry[name]
        if name in ("allowed_tools", "disallowed_tools"):
            return list(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else None
        if name == "timeout":
            return number(value)
        if name == "allow_all_keys":
            return ("all" if value else "listed") if isinstance(value, bool) else None
        text = self.values.text(value, (*self.key, name))
        return text[:2000] if text else None

    def _info(self) -> None:
        info = self.entry.get("mcp_info")
        if not isinstance(info, dict):
            return
        for name, ours in (("server_name", "title"), ("description", "description")):
            if isinstance(info.get(name), str) and info[name]:
                self.server.setdefault(ours, info[name][: 200 if ours == "title" else 2000])
                self.findings.add("exact", (*self.key, "mcp_info", name), ours)
        costs = info.get("mcp_server_cost_info")
        if isinstance(costs, dict) and (price := number(costs.get("default_cost_per_query"))):
            self.server["price_per_call"] = float(Decimal(str(price)))
            where = (*self.key, "mcp_info", "mcp_server_cost_info", "default_cost_per_query")
            self.findings.add("exact", where, "price_per_call")
        self.tell("mcp_info", "unsupported", "a server has a title, a description and one price a call")

    def _mapping(self, name: str, ours: str, kind: Kind, words: str) -> None:
        found = self.entry.get(name)
        if isinstance(found, dict):
            made = {
                str(each): text
                for each, value in found.items()
                if (text := self.values.text(value, (*self.key, name, each), secret=True))
                and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", str(each))
            }
            if made:
                self.server[ours] = made
            self.tell(name, kind, words)

    def text(self, name: str, *, secret: bool = False) -> str | None:
        return self.values.text(self.entry.get(name), (*self.key, name), secret=secret)

    def kind(self, name: str) -> Kind:
        return "manual" if self.values.is_literal(self.entry.get(name)) else "exact"

    def tell(self, name: str, kind: Kind, words: str) -> None:
        if name in self.entry:
            self.findings.add(kind, (*self.key, name), words)


def _put(server: dict[str, Any], ours: tuple[str, ...], value: Any) -> None:
    for part in ours[:-1]:
        server = server.setdefault(part, {})
    server[ours[-1]] = value


def _holds_secret(url: Any) -> bool:
    return isinstance(url, str) and ("@" in url or bool(secrets_in(url)))
