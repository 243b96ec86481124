"""`/admin/…`: keys and budgets over HTTP, under the admin key; `/metrics`."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway import wire
from gateway.api.acting import administrator
from gateway.api.audit import admin_audit
from gateway.api.authenticate import presented_key
from gateway.api.client import ClientGone, headers_of, read_body
from gateway.api.endings import ending
from gateway.api.exchange import CLIENT_CLOSED
from gateway.api.explain import explain
from gateway.api.live import admin_live
from gateway.api.overview import admin_overview
from gateway.api.state import admin_configuration, admin_ledger
from gateway.api.usage import admin_records, admin_usage
from gateway.audit.actor import acting
from gateway.dialects.chat import error_body
from gateway.errors import ApiError, ConfigError, Forbidden, InvalidRequest, NotFound, Overloaded, Unauthenticated
from gateway.identity import key_admin
from gateway.identity.keys import Budget, Key, KeyStore
from gateway.network import client_address
from gateway.runtime import Runtime
from gateway.secret import Secret
from gateway.sessions.session import SCOPE, Role, Session

Handler = Callable[[KeyStore, Request], Awaitable[Any]]

_LARGEST_BODY = 64 * 1024


def admin_routes() -> list[Route]:
    """Return every admin route; the table below is the API."""
    return [
        Route(f"/admin{path}", _guarded(handler, _role(path)), methods=[method]) for method, path, handler in _TABLE
    ]


def _role(path: str) -> Role:
    """Return the least role that a route is for; what it tells a team lead it limits to the teams led itself."""
    return "lead" if path in _LEADS else "administrator"


def _guarded(handler: Handler, role: Role = "administrator") -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        runtime: Runtime = request.app.state.runtime
        try:
            _check_admin(runtime, request, role)
            with acting(administrator(runtime, request)):
                return _json(await handler(runtime.keys, request))
        except ConfigError as error:
            missing = "there is no" in str(error)
            return _refusal((NotFound if missing else InvalidRequest)(f"{error}"))
        except ApiError as error:
            return _refusal(error)
        except msgspec.DecodeError as error:
            return _refusal(InvalidRequest(f"The request body cannot be read: {error}.", code="invalid_json"))
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED)
        except (SQLAlchemyError, OSError) as error:
            return _refusal(Overloaded(f"The database does not answer ({type(error).__name__}); check 'database:'."))

    return serve


def _check_admin(runtime: Runtime, request: Request, role: Role = "administrator") -> None:
    session: Session | None = request.scope.get(SCOPE)
    if session is not None:
        if not session.may(role):
            raise Forbidden("Only administrators see this; 'console.administrators' in the configuration names them.")
        return
    expected = runtime.current.config.admin_key
    if expected is None:
        raise Forbidden("The admin routes are closed. Set 'admin_key' in the configuration to open them.")
    if not expected.matches(presented_key(headers_of(request.scope))):
        raise Unauthenticated("This is not the admin key ('admin_key' in the configuration).")


async def _list_keys(store: KeyStore, _: Request) -> Any:
    return {"data": [_shown(key) for key in store.all()]}


async def _create_key(store: KeyStore, request: Request) -> Any:
    given = await _object(request)
    alias = given.pop("alias", None)
    if not isinstance(alias, str) or not alias:
        raise InvalidRequest("The field 'alias' is missing; it must be a string.", param="alias")
    known = {name: given.pop(name, None) for name in ("owner", "team", "identity", "purpose")}
    key, secret = await key_admin.create(store, alias, **known, **given)
    return _shown(key, secret)


async def _show_key(store: KeyStore, request: Request) -> Any:
    return _shown(await key_admin.get(store, _named(request)))


async def _change_key(store: KeyStore, request: Request) -> Any:
    return _shown(await key_admin.change(store, _named(request), **await _object(request)))


async def _rotate_key(store: KeyStore, request: Request) -> Any:
    grace = (await _object(request)).get("grace_seconds", key_admin.DEFAULT_GRACE_SECONDS)
    if not isinstance(grace, int) or isinstance(grace, bool) or grace < 0:
        raise InvalidRequest("The field 'grace_seconds' must be a whole number of seconds.", param="grace_seconds")
    if (await key_admin.get(store, _named(request))).revoked_at:
        raise InvalidRequest("This key was revoked; make a new one.", code="key_ended")
    return _shown(*await key_admin.rotate(store, _named(request), grace))


async def _revoke_key(store: KeyStore, request: Request) -> Any:
    return _shown(await key_admin.revoke(store, _named(request)))


async def _list_budgets(store: KeyStore, _: Request) -> Any:
    return {"data": [msgspec.to_builtins(budget) for budget in store.budgets.values()]}


async def _set_budget(store: KeyStore, request: Request) -> Any:
    given = await _object(request)
    try:
        wanted = msgspec.convert({"hard": True, **given, "scope": _named(request)}, Budget)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{error}. A budget has nano_usd, window (day, week, month) and hard.") from error
    return msgspec.to_builtins(await key_admin.set_budget(store, wanted))


async def _remove_budget(store: KeyStore, request: Request) -> Any:
    await key_admin.remove_budget(store, _named(request))
    return {"removed": _named(request)}


_TABLE: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/keys", _list_keys),
    ("POST", "/keys", _create_key),
    ("GET", "/keys/{name:path}", _show_key),
    ("PATCH", "/keys/{name:path}", _change_key),
    ("DELETE", "/keys/{name:path}", _revoke_key),
    ("POST", "/keys/{name:path}/rotate", _rotate_key),
    ("POST", "/explain", explain),
    ("GET", "/budgets", _list_budgets),
    ("PUT", "/budgets/{name:path}", _set_budget),
    ("DELETE", "/budgets/{name:path}", _remove_budget),
    ("GET", "/models/ending", ending),
    ("GET", "/records", admin_records),
    ("GET", "/usage", admin_usage),
    ("GET", "/overview", admin_overview),
    ("GET", "/live", admin_live),
    ("GET", "/configuration", admin_configuration),
    ("GET", "/ledger", admin_ledger),
    ("GET", "/audit", admin_audit),
)


_LEADS = ("/usage",)


async def metrics(request: Request) -> Response:
    """Serve Prometheus' text format to the admin key and to `server.metrics_networks`."""
    runtime: Runtime = request.app.state.runtime
    server = runtime.current.config.server
    address = client_address(request.scope, headers_of(request.scope), server)
    if address is None or not any(address in network for network in server.metrics_networks):
        try:
            _check_admin(runtime, request)
        except ApiError as error:
            return _refusal(error)
    return PlainTextResponse(await runtime.metrics.exposition(), media_type="text/plain; version=0.0.4")


async def _object(request: Request) -> dict[str, Any]:
    body = await read_body(request.scope, request.receive, _LARGEST_BODY)
    try:
        return msgspec.json.decode(body or b"{}", type=dict[str, Any])
    except RecursionError:
        raise InvalidRequest("The request body is nested too deeply.", code="invalid_json") from None
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"The request body must be a JSON object: {error}.", code="invalid_json") from error


def _named(request: Request) -> str:
    return str(request.path_params["name"])


def _shown(key: Key, secret: Secret | None = None) -> dict[str, Any]:
    """Return a key for people: never its hash; its secret only where it was just made."""
    shown: dict[str, Any] = msgspec.to_builtins(key)
    return {**shown, "key": secret.reveal()} if secret else shown


def _json(content: Any) -> Response:
    return Response(wire.encode(content), media_type="application/json")


def _refusal(error: ApiError) -> Response:
    return Response(error_body(error), error.status, media_type="application/json")
