"""What changes at the servers, told to the clients whom it concerns."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from gateway.mcp.front.sessions import Sessions
from gateway.mcp.protocol import Params

Kind = Literal["tools", "prompts", "resources"]
KINDS: tuple[Kind, ...] = ("tools", "prompts", "resources")

_MOST_WAITING = 1024
"""Events of a stream whose client does not read; then the stream ends, and the client asks anew."""


_MOST_SENDING = 10_000
"""Notifications that older clients have not taken yet, of all sessions."""


class Changed(msgspec.Struct, frozen=True):
    """A list of a server has changed."""

    server: str
    kind: Kind


class Updated(msgspec.Struct, frozen=True):
    """A resource that a client follows has changed; `uri` is as the client knows it."""

    uri: str


Event = Changed | Updated


class Stream:
    """The events of one `subscriptions/listen`; `None` ends it."""

    def __init__(self, servers: frozenset[str], kinds: frozenset[Kind]) -> None:
        self.servers = servers
        self.kinds = kinds
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event) -> None:
        if self.queue.qsize() < _MOST_WAITING:
            self.queue.put_nowait(event)
        elif self.queue.qsize() == _MOST_WAITING:
            self.queue.put_nowait(None)


class Events:
    """Sends changes to the sessions of older clients and to the open streams of newer ones."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._streams: set[Stream] = set()
        self._sending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._streams)

    def open(self, stream: Stream) -> Callable[[], None]:
        """Add a stream and return what removes it."""
        self._streams.add(stream)
        return lambda: self._streams.discard(stream)

    def close(self) -> None:
        """End every open stream in good order."""
        for stream in self._streams:
            stream.queue.put_nowait(None)

    def changed(self, server: str, kinds: tuple[Kind, ...] = KINDS) -> None:
        """Tell everybody whose view holds a server that lists of it changed."""
        for kind in kinds:
            for stream in list(self._streams):
                if kind in stream.kinds and server in stream.servers:
                    stream.put(Changed(server, kind))
        for session in self._sessions:
            if server in session.view.servers:
                for kind in kinds:
                    self.send(session.notify, f"notifications/{kind}/list_changed", None)

    def send(self, notify: Callable[..., object], method: str, params: Params | None) -> None:
        """Notify a session without waiting for it; where very many do not take theirs, it is dropped."""
        if len(self._sending) >= _MOST_SENDING:
            return
        task = asyncio.ensure_future(notify(method, params))  # type: ignore[call-overload]
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


def kind_of(method: str) -> Kind | None:
    """Return which list a notification of a server is about."""
    return next((kind for kind in KINDS if method == f"notifications/{kind}/list_changed"), None)


def honored(requested: Params) -> Iterator[Kind]:
    """Yield the kinds of changes that a client asks for."""
    yield from (kind for kind in KINDS if requested.get(f"{kind}ListChanged") is True)
