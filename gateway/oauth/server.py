"""What the routes share: the grants over the runtime's store, and answers as OAuth has them."""

import logging
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from gateway import wire
from gateway.api.client import ClientGone, headers_of
from gateway.errors import ApiError, ConfigError, Forbidden, InvalidRequest, Overloaded
from gateway.identity.key_making import check_open
from gateway.network import client_address
from gateway.oauth.codes import CodeGrant
from gateway.oauth.device import DeviceGrant
from gateway.oauth.errors import OAuthError, denied
from gateway.oauth.tokens import Tokens
from gateway.runtime import Runtime
from gateway.sessions.cookies import public_url
from gateway.wording.languages import languages
from gateway.wording.sentences import SENTENCES, sentence

log = logging.getLogger("sekisho.oauth")

PAGE = "/console/approve"
"""Path of the page on which a person says yes or no."""
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_CLIENT_CLOSED = 499


class AuthorizationServer:
    """The grants of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.tokens = Tokens(runtime)

    @cached_property
    def devices(self) -> DeviceGrant:
        return DeviceGrant(self.runtime.expiring)

    @cached_property
    def codes(self) -> CodeGrant:
        return CodeGrant(self.runtime.expiring)

    def root(self, request: Request) -> str:
        """Return the address under which browsers and programs know the gateway."""
        return public_url(self.runtime.current.config, request.scope)

    def address(self, request: Request) -> str:
        """Return the client's address as it is shown and counted."""
        config, headers = self.runtime.current.config, headers_of(request.scope)
        return str(client_address(request.scope, headers, config.server) or "unknown")

    def check_open(self) -> None:
        """Raise `OAuthError` where nobody can sign a program in, with the remedy."""
        config = self.runtime.current.config
        if config.console is False:
            raise OAuthError(
                "access_denied", "Signing in is off here ('console: false'). Ask an administrator for a key."
            )
        try:
            check_open(config.own_keys)
        except Forbidden as error:
            raise denied(error) from error


Handler = Callable[[AuthorizationServer, Request], Awaitable[Any]]


def answering(server: AuthorizationServer, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers JSON where its handler has no response, and errors as OAuth words them."""

    async def serve(request: Request) -> Response:
        try:
            content = await handler(server, request)
            return content if isinstance(content, Response) else as_json(content)
        except ClientGone:
            return Response(status_code=_CLIENT_CLOSED)
        except (SQLAlchemyError, OSError) as error:
            log.error("the database does not answer: %s", type(error).__name__)
            return error_response(_no_database(), request)
        except ApiError as error:
            return error_response(error, request)

    return serve


def as_json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    head = {**_NO_STORE, **(headers or {})}
    return Response(wire.encode(content), status, headers=head, media_type="application/json")


def error_response(error: ApiError, request: Request) -> Response:
    """Return an error of OAuth; what is none of its words becomes the nearest."""
    code = error.code if isinstance(error, OAuthError) else _nearest(error)
    wait = {"retry-after": str(max(1, round(error.retry_after)))} if error.retry_after else {}
    log.info("%s: %s", code, error.message)
    return as_json({"error": code, "error_description": error.message, **_in_words(error, request)}, error.status, wait)


def _in_words(error: ApiError, request: Request) -> dict[str, str]:
    """Return the sentence of a refusal in the person's language, for programs that show it; OAuth's own is English."""
    reason = error.reason if isinstance(error, OAuthError) else error.code
    language = languages(None, request.headers.get("accept-language"))[0]
    return {"message": sentence(reason, language, None, error.retry_after, None)} if reason in SENTENCES else {}


def _nearest(error: ApiError) -> str:
    if isinstance(error, Overloaded):
        return "temporarily_unavailable"
    return (
        "invalid_request" if isinstance(error, InvalidRequest | ConfigError) or error.status < 500 else "server_error"
    )


def _no_database() -> OAuthError:
    message = "The database does not answer. Try again in a few seconds, or tell an administrator."
    return OAuthError("temporarily_unavailable", message, status=503, retry_after=2)
