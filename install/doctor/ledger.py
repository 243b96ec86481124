"""The gateway as seen from here: its ledger, its clock, whether it accepts a signature."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2

from gateway.secret import Secret
from install.errors import GatewayError
from install.open_webui.proxies import is_loopback
from install.wording import say

SIGN_IN = "sign_in"
"""The tool of the hub that stands for a server at which a person has to sign in first."""

Row = dict[str, Any]

PATIENCE = 15
LIMIT = 1000
MODERN: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
CLOCKS_APART = 900
"""Seconds by which the gateway's clock may be wrong and its records still be found."""


class Gateway:
    """`url` as the doctor reaches it, with or without `/v1`."""

    def __init__(self, url: str, admin_key: Secret | None, timeout: float = 20) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._admin = admin_key
        self._client = httpx2.Client(
            base_url=self.url, timeout=timeout, follow_redirects=False, trust_env=not is_loopback(self.url)
        )
        self.clock: float | None = None
        """Its time minus ours in seconds, told by the record of a request that we sent; None before the first."""

    def close(self) -> None:
        self._client.close()

    def healthy(self) -> str | None:
        """Return why the gateway is not reachable from here, None if it is."""
        try:
            answer = self._get("/healthz")
        except httpx2.HTTPError as error:
            return str(error) or type(error).__name__
        return None if answer.is_success else f"/healthz: {answer.status_code}"

    def records(self, since: float) -> list[Row]:
        """Return rows of the ledger from `since` (our clock, Unix seconds), newest first.

        Raises `GatewayError`.
        """
        query = {"since": str(since), "limit": str(LIMIT)}
        headers = {"Authorization": f"Bearer {self._admin.reveal()}"} if self._admin else {}
        try:
            answer = self._get("/admin/records", params=query, headers=headers)
        except httpx2.HTTPError as error:
            raise self._unreadable(str(error) or type(error).__name__) from error
        if answer.status_code in (401, 403):
            raise GatewayError(
                say("The gateway at {url} does not show its ledger.", url=self.url),
                say("Set admin_key in its configuration and pass the same with --admin-key or SEKISHO_ADMIN_KEY."),
            )
        if answer.is_error:
            raise self._unreadable(f"/admin/records: {answer.status_code}")
        found: list[Row] = answer.json()["records"]
        return found

    def _unreadable(self, why: str) -> GatewayError:
        return GatewayError(
            say("The ledger of the gateway at {url} cannot be read ({why}).", url=self.url, why=why),
            say("Start the gateway, or pass --gateway-from-here with the address under which this machine reaches it."),
        )

    def ids(self) -> set[str]:
        """Return the requests of the last minutes, by whatever clock."""
        return {row["request_id"] for row in self.records(time.time() - CLOCKS_APART)}

    def wait(self, wanted: Callable[[Row], bool], count: int = 1) -> list[Row]:
        """Return rows that are `wanted` as soon as there are `count`, or those found when the time is up."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = [row for row in self.records(time.time() - CLOCKS_APART) if wanted(row)]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.3)

    def tell_clock(self, row: Row, began: float, ended: float) -> None:
        """Estimate the gateway's clock from a record of a request between two moments of ours."""
        at = row["started_at"] / 1e6
        self.clock = min(at - began, 0.0) if at < began else max(at - ended, 0.0)

    def accepts(self, key: Secret, identity_secret: str, user: Row) -> tuple[int, str]:
        """Return status and error code for a person signed with this secret."""
        headers = {"Authorization": f"Bearer {key.reveal()}", "X-OpenWebUI-User-Jwt": signed(user, identity_secret)}
        answer = self._get("/v1/me/usage", headers=headers)
        try:
            code = (answer.json().get("error") or {}).get("code") or ""
        except (ValueError, AttributeError):
            code = ""
        return answer.status_code, str(code)

    def harmless_tools(self, path: str, key: Secret) -> list[str]:
        """Return names of tools at `/mcp…` that say they only read, those without arguments first; empty if silent."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": MODERN}}
        headers = {
            "Authorization": f"Bearer {key.reveal()}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN["io.modelcontextprotocol/protocolVersion"],
            "Mcp-Method": "tools/list",
        }
        try:
            answer = self._client.post(path, json=asked, headers=headers)
            tools = answer.json()["result"]["tools"]
            return [tool["name"] for tool in sorted(filter(_is_harmless, tools), key=_needs_arguments)]
        except (httpx2.HTTPError, ValueError, LookupError, TypeError, AttributeError):
            return []

    def _get(self, path: str, **parts: Any) -> httpx2.Response:
        answer = self._client.get(path, **parts)
        return answer


def _is_harmless(tool: Row) -> bool:
    reads = (tool.get("annotations") or {}).get("readOnlyHint") is True
    signs_in = tool["name"].rpartition("__")[2] == SIGN_IN  # it asks a person, whom nobody has here
    return reads and not signs_in


def _needs_arguments(tool: Row) -> bool:
    return bool(tool["inputSchema"].get("required"))


def signed(user: Row, secret: str) -> str:
    """Return the token that Open WebUI itself would send (HS256)."""
    now = int(time.time())
    claims = {"sub": user["id"], "email": user.get("email", ""), "iss": "open-webui", "iat": now, "exp": now + 60}
    body = ".".join(_part(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{body}.{_part(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())}"


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
