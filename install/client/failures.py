"""What was wrong with a call of the gateway, and the remedy: address, certificate, proxy, key, model, wire, limit."""

from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from install.open_webui.proxies import proxy_of, through_proxy
from install.wording import say

Part = Literal["address", "certificate", "proxy", "key", "model", "request", "limit", "gateway"]
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Failure:
    """The part that failed, one sentence that says what, one that says the remedy."""

    part: Part
    problem: str
    remedy: str


def failure_of(root: str, error: Exception) -> Failure:
    """Return what a call that got no answer, or one that is no JSON, failed at."""
    why = (str(error) or type(error).__name__)[:_LONGEST]
    if isinstance(error, httpx2.ProxyError):
        return _proxy(root, why)
    if isinstance(error, httpx2.TimeoutException) and not isinstance(error, httpx2.ConnectTimeout):
        return Failure(
            "gateway",
            say("The gateway at {url} gave no answer in time.", url=root),
            say("Try again in a minute; if it stays so, tell an administrator."),
        )
    if not isinstance(error, httpx2.HTTPError | httpx2.InvalidURL):
        return _no_gateway(root, why)
    if "SSL" in why or "certificate" in why.lower():
        return Failure(
            "certificate",
            say("There is no secure connection to {url} ({why}).", url=root, why=why),
            say(
                "If a company's own authority signed the certificate, set SSL_CERT_FILE to its certificate "
                "(and NODE_EXTRA_CA_CERTS for tools of Node)."
            ),
        )
    return Failure(
        "address",
        say("Nothing answers at {url} ({why}).", url=root, why=why),
        say("Correct the address (--gateway), or start the gateway.{through_proxy}", through_proxy=through_proxy(root)),
    )


def refusal_of(root: str, answer: httpx2.Response) -> Failure:
    """Return what an answer with an error status, or with another content than JSON of the gateway, says."""
    code, message = _said(answer)
    if answer.status_code == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED:
        return _proxy(root, str(answer.status_code))
    if message is None:
        return _no_gateway(root, str(answer.status_code))
    part = _part(answer.status_code, code)
    return Failure(part, message, _remedy(part))


def _part(status: int, code: str) -> Part:
    if status == httpx2.codes.UNAUTHORIZED:
        return "key"
    if "model" in code or status == httpx2.codes.NOT_FOUND:
        return "model"
    if status == httpx2.codes.FORBIDDEN:
        return "key"
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return "limit"
    return "gateway" if status >= httpx2.codes.INTERNAL_SERVER_ERROR else "request"


def _remedy(part: Part) -> str:
    remedies = {
        "key": say("Sign in again with `sekisho login`, pass another key with --key, or ask an administrator."),
        "model": say("Choose another with --model."),
        "limit": say("The key works; wait, or ask an administrator for more."),
        "request": say("Ask an administrator: the gateway did not accept a request such as the tool sends."),
    }
    return remedies.get(part) or say("Try again in a minute; if it stays so, tell an administrator.")


def _said(answer: httpx2.Response) -> tuple[str, str | None]:
    """Return code and message of an error in any of the gateway's dialects; no message where it is none of them."""
    try:
        content: Any = answer.json()
    except (ValueError, RecursionError):
        return "", None
    content = content[0] if isinstance(content, list) and content else content
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return "", None
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return str(code or ""), error["message"][:_LONGEST]


def _no_gateway(root: str, why: str) -> Failure:
    return Failure(
        "address",
        say("{url} answers, but not as a gateway ({why}).", url=root, why=why),
        say("Correct the address (--gateway): it has no path.{through_proxy}", through_proxy=through_proxy(root)),
    )


def _proxy(root: str, why: str) -> Failure:
    return Failure(
        "proxy",
        say(
            "The proxy {proxy} does not let a request to {url} pass ({why}).",
            proxy=proxy_of(root) or "",
            url=root,
            why=why,
        ),
        say("Put the gateway's name into NO_PROXY, or correct HTTPS_PROXY."),
    )
