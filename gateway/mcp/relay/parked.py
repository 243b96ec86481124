"""Calls of older servers that wait for an answer of a newer client: the call stays open, the client comes again."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from gateway.errors import Overloaded
from gateway.mcp.front.client import Client
from gateway.mcp.ids import named
from gateway.mcp.protocol import Params, Result

LIFETIME_SECONDS = 300.0
MOST_A_PRINCIPAL = 16


class ParkedCall:
    """One call. Its task runs on between the requests of the client."""

    def __init__(self, id_: str, owner: str, on_end: Callable[["ParkedCall"], None]) -> None:
        self.id = id_
        self.owner = owner
        self.task: asyncio.Task[Result]
        self._on_end = on_end
        self._questions: dict[str, tuple[Params, asyncio.Future[Result]]] = {}
        self._number = 0
        self._news = asyncio.Event()
        self.attend: Callable[[Client], None] = lambda client: None
        """Tells the call to which request of the client its progress belongs."""
        self.attended = True
        """True while a request of the client waits for it."""
        self._expiry: asyncio.TimerHandle | None = None

    def run(self, work: Coroutine[Any, Any, Result]) -> None:
        self.task = asyncio.create_task(work, name="call of a tool")
        self.task.add_done_callback(self._done)

    async def ask(self, method: str, params: Params) -> Result:
        """Put a question to the client and wait for the answer. Raises `MCPError`."""
        self._number += 1
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        kept = {name: value for name, value in params.items() if name != "elicitationId"}
        key = f"q{self._number}"
        self._questions[key] = {"method": method, "params": kept}, future
        self._news.set()
        try:
            return await future
        finally:
            self._questions.pop(key, None)

    def answer(self, responses: Params) -> None:
        """Give the client's answers to the questions that they are for."""
        for key, (_, future) in list(self._questions.items()):
            response = responses.get(key)
            if isinstance(response, dict) and not future.done():
                future.set_result(response)

    async def outcome(self) -> Result | None:
        """Wait for the result, and return it; None where there are questions first. Raises what the call raised."""
        self.attended = True
        if self._expiry:
            self._expiry.cancel()
        try:
            while not self.task.done() and not self._open_questions():
                self._news.clear()
                news = asyncio.ensure_future(self._news.wait())
                await asyncio.wait({self.task, news}, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
        except asyncio.CancelledError:
            self.task.cancel()
            raise
        finally:
            self.attended = False
        if self.task.done():
            if self.task.cancelled():
                raise MCPError(INTERNAL_ERROR, "The call was given up.")
            return self.task.result()
        self._expiry = asyncio.get_running_loop().call_later(LIFETIME_SECONDS, self.task.cancel)
        return None

    def questions(self) -> Params:
        """Return the questions that wait for an answer, as a client is asked them."""
        return {key: question for key, (question, _) in self._open_questions().items()}

    def _open_questions(self) -> dict[str, tuple[Params, asyncio.Future[Result]]]:
        return {key: pair for key, pair in self._questions.items() if not pair[1].done()}

    def _done(self, task: asyncio.Task[Result]) -> None:
        self._news.set()
        if self._expiry:
            self._expiry.cancel()
        if not task.cancelled():
            task.exception()
        self._on_end(self)


class Parked:
    """All calls that wait, by id."""

    def __init__(self, most: int, hub: str = "") -> None:
        """Take `hub`, what ids tell of the machine; empty where there is only one."""
        self.most = most
        self._hub = hub
        self._all: dict[str, ParkedCall] = {}

    def __len__(self) -> int:
        return len(self._all)

    def begin(self, owner: str) -> ParkedCall:
        """Begin a call that may have to wait for its client. Raises `Overloaded` where too many do."""
        own = sum(each.owner == owner for each in self._all.values())
        if len(self._all) >= self.most or own >= MOST_A_PRINCIPAL:
            raise Overloaded(
                "Too many calls wait for an answer. Answer one of them, or try again later.", retry_after=30
            )
        return ParkedCall(named(self._hub, secrets.token_urlsafe(16)), owner, self._forget)

    def keep(self, call: ParkedCall) -> None:
        """Keep a call until its client comes again."""
        self._all[call.id] = call

    def find(self, id_: str, owner: str) -> ParkedCall:
        """Return a call that waits for this client. Raises `MCPError` where there is none."""
        call = self._all.get(id_)
        if call is None or call.owner != owner or call.attended:
            raise expired()
        return call

    async def stop(self) -> None:
        tasks = [each.task for each in self._all.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, call: ParkedCall) -> None:
        self._all.pop(call.id, None)


def expired() -> MCPError:
    return MCPError(INVALID_PARAMS, "This call does not wait any more: its state is unknown or expired. Call it again.")
