"""Forms and queries of OAuth: each parameter once (RFC 6749, section 3.1), unknown ones left alone."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from gateway.api.client import read_body
from gateway.oauth.errors import invalid_request

Form = dict[str, str]

_LARGEST_BYTES = 16 * 1024
_MOST_FIELDS = 60


async def read_form(request: Request) -> Form:
    """Return the members of a form. Raises `OAuthError`, `TooLarge`, `ClientGone`."""
    return parsed(await read_body(request.scope, request.receive, _LARGEST_BYTES))


def parsed(text: bytes) -> Form:
    """Return the members of a form or query. Raises `OAuthError`."""
    if len(text) > _LARGEST_BYTES:
        raise invalid_request("The parameters are too long.")
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise invalid_request("The parameters cannot be read; send application/x-www-form-urlencoded.") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise invalid_request("A parameter is given twice.")
    return form


def required(form: Form, name: str) -> str:
    """Return a parameter. Raises `OAuthError` where it is missing."""
    if not (value := form.get(name)):
        raise invalid_request(f"The parameter '{name}' is missing.")
    return value
