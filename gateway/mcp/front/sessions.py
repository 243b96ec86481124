"""Sessions of older clients: what is remembered of each, and the way to tell it of changes."""

from collections.abc import Awaitable, Callable, Iterator

from gateway.identity.caller import Caller
from gateway.mcp.protocol import LOG_LEVELS, Params
from gateway.mcp.views import View

Notify = Callable[[str, Params | None], Awaitable[None]]

MOST_SUBSCRIPTIONS = 256
"""Resources that one session may follow."""


class SessionState:
    """One session. `notify` sends on its standing stream, or drops where the client has opened none."""

    def __init__(self, caller: Caller, view: View, notify: Notify) -> None:
        self.caller = caller
        self.view = view
        self.notify = notify
        self.log_level: str | None = LOG_LEVELS[0]
        self.subscriptions: dict[tuple[str, str], Callable[[], None]] = {}
        """By server and the server's own address, how to end each."""

    def end(self) -> None:
        """Forget what the session followed."""
        for end in list(self.subscriptions.values()):
            end()
        self.subscriptions.clear()


class Sessions:
    """All sessions of this gateway process."""

    def __init__(self) -> None:
        self._all: set[SessionState] = set()

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[SessionState]:
        return iter(list(self._all))

    def add(self, session: SessionState) -> Callable[[], Awaitable[None]]:
        """Add a session and return what ends it."""
        self._all.add(session)

        async def end() -> None:
            self._all.discard(session)
            session.end()

        return end
