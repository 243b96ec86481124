"""The actor of a request that changes something, for the audit."""

from starlette.requests import Request
from starlette.types import Scope

from gateway.api.client import headers_of
from gateway.audit.actor import Actor
from gateway.identity.keys import Key
from gateway.identity.person import Person
from gateway.network import client_address
from gateway.runtime import Runtime
from gateway.sessions.session import SCOPE


def administrator(runtime: Runtime, request: Request) -> Actor:
    """Return who uses the admin routes: the person who is signed in, or the admin key."""
    session = request.scope.get(SCOPE)
    if session is not None:
        return Actor("person", _name(session.person), via="session", address=_address(runtime, request.scope))
    return Actor("admin_key", via="key", address=_address(runtime, request.scope))


def themselves(runtime: Runtime, key: Key, person: Person, scope: Scope) -> Actor:
    """Return the person who changes what is their own."""
    via = "session" if scope.get(SCOPE) is not None else f"key {key.alias}"
    return Actor("person", _name(person), via=via, address=_address(runtime, scope))


def _name(person: Person) -> str | None:
    return person.email or person.user_id


def _address(runtime: Runtime, scope: Scope) -> str | None:
    address = client_address(scope, headers_of(scope), runtime.current.config.server)
    return str(address) if address else None
