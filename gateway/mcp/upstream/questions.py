"""Requests of a server over a stream, each answered by a task of its own."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, METHOD_NOT_FOUND, JSONRPCError, JSONRPCMessage, JSONRPCRequest, JSONRPCResponse

from gateway.mcp.protocol import Result
from gateway.mcp.upstream.channel import Listener, Sink

log = logging.getLogger("sekisho.mcp")

_VERSION: Any = "2.0"
_MOST = 16
"""Requests of a server that are being answered at the same time."""

Send = Callable[[JSONRPCMessage], Awaitable[None]]


class Questions:
    """All that a server waits for."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def ask(self, question: JSONRPCRequest, target: Sink | Listener | None) -> None:
        """Let `target` answer a question. One whose id is still in use, or beyond the bound, is refused."""
        own = str(question.id)
        refused = own in self._tasks or len(self._tasks) >= _MOST
        work = self._answer(question, target, refused)
        task = asyncio.create_task(work, name="question of a tool server")
        key = f"refused {id(task)}" if refused else own
        if not refused or len(self._tasks) < 4 * _MOST:
            self._tasks[key] = task
            task.add_done_callback(lambda _: self._tasks.pop(key, None))
        else:
            task.cancel()

    def cancel(self, id_: Any) -> None:
        """Give up a question that the server no longer asks."""
        if task := self._tasks.get(str(id_)):
            task.cancel()

    def close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()

    async def _answer(self, question: JSONRPCRequest, target: Sink | Listener | None, refused: bool) -> None:
        try:
            message: JSONRPCMessage = JSONRPCResponse.model_construct(
                jsonrpc=_VERSION, id=question.id, result=await self._found(question, target, refused)
            )
        except MCPError as error:
            message = JSONRPCError.model_construct(jsonrpc=_VERSION, id=question.id, error=error.error)
        except Exception:
            log.exception("a question of a tool server failed")
            failed = MCPError(INTERNAL_ERROR, "The question could not be put.")
            message = JSONRPCError.model_construct(jsonrpc=_VERSION, id=question.id, error=failed.error)
        with contextlib.suppress(MCPError):
            await self._send(message)

    async def _found(self, question: JSONRPCRequest, target: Sink | Listener | None, refused: bool) -> Result:
        if question.method == "ping":
            return {}
        if refused:
            raise MCPError(INTERNAL_ERROR, f"At most {_MOST} questions wait at the same time, each with its own id.")
        if target is None:
            raise MCPError(METHOD_NOT_FOUND, "Method not found", data=question.method)
        return await target.asked(question.method, question.params or {})
