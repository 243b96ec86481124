"""Headers of every page, and what a form must show before anything is done."""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Scope

from gateway.api.client import headers_of
from gateway.config.schema import Config
from gateway.sessions.cookies import public_url

_LONGEST_NEXT = 4096
_OWN_PREFIXES = ("/console", "/oauth/authorize", "/mcp-sign-in/")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}


def secure(response: Response, form_action: Iterable[str] = ()) -> None:
    """Set the headers of a page. `form_action`: origins, besides ours, to which its forms may lead."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["content-security-policy"] = policy(form_action)


def policy(form_action: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy of a page: nothing from elsewhere, no inline script or style."""
    forms = " ".join(("'self'", *form_action))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


def is_from_here(config: Config, scope: Scope) -> bool:
    """Return whether a form was sent from a page of ours, as far as the browser tells."""
    headers = headers_of(scope)
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin)[:2] in _origins(config, scope, headers.get("host", ""))
    except ValueError:
        return False


def _origins(config: Config, scope: Scope, host: str) -> set[tuple[str, str]]:
    """Return scheme and host of our pages: the configured address, and the one that was asked for."""
    scheme, _, rest = public_url(config).partition("://")
    return {(scheme, rest), (scope.get("scheme", "http"), host.lower()), (scheme, host.lower())}


def same(given: str, expected: str) -> bool:
    """Return whether two tokens are the same, in constant time; an empty one never is."""
    return bool(expected) and hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))


def own_path(given: str | None) -> str:
    """Return where to go after signing in: a path of ours; the first page for everything else."""
    if not given or len(given) > _LONGEST_NEXT or not given.isprintable() or "\\" in given or " " in given:
        return "/console"
    path = given.partition("?")[0].partition("#")[0]
    inside = any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in _OWN_PREFIXES)
    return given if inside and "/../" not in f"{path}/" and "//" not in path else "/console"
