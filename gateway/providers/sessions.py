"""Sessions of `requests` for libraries that fetch tokens with it: through the company's proxy, with its authorities."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter

from gateway.tls import tls_context
from gateway.upstream.outbound import Outbound

_SECONDS = 15.0
"""Longest wait for a connection, and for each part of an answer."""
_OF_THE_MACHINE = ("metadata.google.internal",)
"""Names that only the machine itself resolves; no proxy can."""


class _Adapter(HTTPAdapter):
    """Chooses the proxy of each request; `requests` would take those of the environment before a session's own."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._context = tls_context(outbound.custom_ca) if outbound.custom_ca else None
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more, ssl_context=self._context)

    def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
        return super().proxy_manager_for(proxy, **more, ssl_context=self._context)

    def send(self, request: Any, *arguments: Any, **more: Any) -> Any:
        if self._outbound.outbound_proxy:
            proxy = self._outbound.proxy_for(request.url)
            more["proxies"] = {"http": proxy, "https": proxy} if proxy else {}
        more["timeout"] = more.get("timeout") or _SECONDS
        return super().send(request, *arguments, **more)


@contextmanager
def asking(outbound: Outbound) -> Iterator[Session]:
    """Open a session for one fetch; an hour passes until the next one, so nothing is kept open."""
    session = session_of(outbound)
    try:
        yield session
    finally:
        session.close()


def session_of(outbound: Outbound) -> Session:
    """Return a new session. Where no proxy is configured, that of the environment is used. Raises `ConfigError`."""
    session = Session()
    if outbound.outbound_proxy or outbound.custom_ca:
        session.trust_env = not outbound.outbound_proxy
        direct = Outbound(outbound.outbound_proxy, (*outbound.no_proxy, *_OF_THE_MACHINE), outbound.custom_ca)
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(direct))
    return session
