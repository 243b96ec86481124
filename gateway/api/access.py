"""Who may read: the checks of a GET that needs a key but asks no model."""

from starlette.types import Scope

from gateway.api.ask import presented_key
from gateway.api.client import headers_of
from gateway.errors import Unauthenticated
from gateway.identity.keys import Key
from gateway.network import check_key, check_server, client_address
from gateway.runtime import Runtime


async def admitted(runtime: Runtime, scope: Scope) -> Key:
    """The caller's key. Raises `Unauthenticated`, `Forbidden`."""
    headers, server = headers_of(scope), runtime.current.config.server
    address = client_address(scope, headers, server)
    check_server(address, server)
    presented = presented_key(headers)
    key = await runtime.keys.find(presented) if presented else None
    if key is None:
        raise Unauthenticated(f"GET {scope['path']} needs an API key: 'Authorization: Bearer sk-…'.")
    check_key(address, key.policy)
    return key
