"""HTTP/1.1 for one client, within limits on size, count and time. llhttp reads, ASGI answers.

Instead of uvicorn's own protocol, which knows no such limits; it keeps the rest of uvicorn (sockets, workers, signals).
"""

import asyncio
from collections import deque
from enum import Enum
from typing import Any, cast

import httptools

from gateway.config.schema import Server
from gateway.serving.connections import Connections
from gateway.serving.cycle import HIGH_WATER_BYTES, Cycle
from gateway.serving.half_close import PROBE_AFTER_SECONDS, was_reset
from gateway.serving.head import Head, Target
from gateway.serving.refusal import Refusal

_MOST_PIPELINED = 16
_MOST_DISCARDED_BYTES = 256 * 1024 * 1024
_COMING_SECONDS = 0.5
"""Seconds after a connection was opened in which its first request may still arrive."""


class Phase(Enum):
    """Phase of a connection; the value names what it waits for."""

    IDLE = "a request"
    HEAD = "the rest of a head"
    BODY = "the rest of a body"
    ANSWER = "the application"


class HttpProtocol(asyncio.Protocol):
    """HTTP/1.1 protocol of one connection, created by uvicorn (`http=` of its configuration)."""

    def __init__(
        self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._app = config.loaded_app
        self._registry: Connections = self._app.connections
        self._uvicorn = server_state
        self._app_state = app_state
        self.loop = _loop or asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._phase = Phase.IDLE
        self._since = self.loop.time()
        """Loop time when the phase began."""
        self._served = 0
        self._cycle: Cycle | None = None
        self._reading: Cycle | None = None
        """Cycle whose body is arriving; with pipelining not the one that is being answered."""
        self._queue: deque[Cycle] = deque()
        self._refusal: Refusal | None = None
        self._read_paused = self._eof = self._closing = False
        self.write_paused: asyncio.Future[None] | None = None
        self._write_since = 0.0
        self._limits = self._registry.limits
        self._head: Head | None = None
        """Head that is arriving; None before its first byte and after its last."""
        self._head_bytes = self._body_bytes = 0
        self._closed_at = 0.0
        self.address: str | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none of asyncio's classes
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
        self._server = (str(here[0]), int(here[1])) if isinstance(here, tuple) else None
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.address = self._client[0] if self._client else None
        self._uvicorn.connections.add(self)
        if not self._registry.add(self):
            self._closing = True
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._closing = True
        self._registry.remove(self)
        self._uvicorn.connections.discard(self)
        self.resume_writing()
        for cycle in (self._cycle, self._reading, *self._queue):
            if cycle and not cycle.answered:
                cycle.leave()
        self._queue.clear()

    def data_received(self, data: bytes) -> None:
        if self._closing or self._refusal:
            return
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        if self._phase is Phase.HEAD:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # answered as HTTP; what follows the request is not read
            self._end_after_answers()
        except httptools.HttpParserError:
            self._refusal = self._refusal or Refusal.MALFORMED
        if self._phase is Phase.HEAD and self._head_bytes > self._limits.max_head_bytes:
            self._refusal = self._refusal or Refusal.HEAD_TOO_LARGE
        if self._refusal:
            self._refuse()

    def eof_received(self) -> bool:
        """Keep a half-closed connection, and probe whether the client is still there."""
        cycle = self._cycle
        self._eof = True
        if cycle is None or cycle.answered or not cycle.body_complete:
            return False
        if cycle.scope["http_version"] != "1.1" and not cycle.is_event_stream:
            return False  # an interim answer, the only way to find out, is not in HTTP/1.0
        self._end_after_answers()
        self._probe(PROBE_AFTER_SECONDS)
        return True

    def pause_writing(self) -> None:
        if self.write_paused is None:
            self.write_paused, self._write_since = self.loop.create_future(), self.loop.time()

    def resume_writing(self) -> None:
        waiting, self.write_paused = self.write_paused, None
        if waiting and not waiting.done():
            waiting.set_result(None)

    # llhttp's side

    def on_message_begin(self) -> None:
        self._enter(Phase.HEAD)
        self._limits = self._registry.limits
        self._head = Head()
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        if self._head:
            self._head.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head:  # else it is a trailer of a chunked body, which is no header of the request
            self._head.add(name, value)

    def on_headers_complete(self) -> None:
        head, self._head = self._head, None
        assert head is not None
        version, upgrades = self._parser.get_http_version(), self._parser.should_upgrade()
        fault = head.fault(version, self._head_bytes, self._limits, upgrades=upgrades)
        target = head.target()
        self._head_bytes = 0
        if target is None or len(self._queue) >= _MOST_PIPELINED:
            fault = fault or Refusal.MALFORMED
        self._refusal = self._refusal or fault
        if target and self._refusal is None:
            self._begin(version, head, target)

    def on_body(self, body: bytes) -> None:
        cycle = self._reading
        self._body_bytes += len(body)
        if cycle is None:
            return
        if cycle.answered:  # taken without being kept, so that the client gets to reading why it was refused
            if self._body_bytes > max(self._limits.max_body_bytes, _MOST_DISCARDED_BYTES):
                self._close()
            return
        cycle.feed(body)
        if cycle.size > HIGH_WATER_BYTES:
            self._pause_reading()

    def on_message_complete(self) -> None:
        cycle, self._reading = self._reading, None
        if cycle is None:
            return
        cycle.body_complete = True
        cycle.wake()
        self._enter(Phase.ANSWER)
        if cycle.answered:
            self._next()

    # the answers' side

    @property
    def ending(self) -> bool:
        return self._registry.stopping

    def write(self, *parts: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"".join(parts))

    async def writable(self) -> None:
        if self.write_paused:
            await asyncio.shield(self.write_paused)

    def resume_reading(self) -> None:
        if self._read_paused and not self._closing:
            self._read_paused = False
            self._since = self.loop.time()  # what we did not read, the client could not send
            self._transport.resume_reading()

    def finished(self, cycle: Cycle) -> None:
        self._served += 1
        self._uvicorn.total_requests += 1
        if not cycle.keep_alive or (cycle.body_complete is False and cycle.gone):
            self._close()
        elif cycle.body_complete:
            self._next()
        else:
            self.resume_reading()

    # life

    @property
    def idle(self) -> bool:
        between = self._phase is Phase.IDLE or self._phase is Phase.HEAD
        return between and (self._cycle is None or self._cycle.answered)

    def close_idle(self) -> None:
        self._closing, self._closed_at = True, self.loop.time()
        self._transport.abort()

    def check(self, now: float, limits: Server) -> None:
        """Close the connection if a phase took too long; `now` is loop time."""
        unread = self._closed_at if self._closing else self._write_since if self.write_paused else now
        if now - unread > limits.write_seconds:
            self.close_idle()
        elif now - self._since > self._allowed(limits) and not self._closing and not self._read_paused:
            self._give_up()

    def _give_up(self) -> None:
        """End a connection that timed out; answer 408 if a request has begun."""
        if self._phase is Phase.BODY or self._head:
            self._refusal = Refusal.TOO_SLOW
            self._refuse()
        else:
            self._close()

    def shutdown(self) -> None:
        """End the connection after the current response: uvicorn calls this when it stops.

        One that has just been opened, or is sending, has a request on its way.
        """
        if self._phase is Phase.IDLE and (self._served or self.loop.time() - self._since > _COMING_SECONDS):
            self._close()
        elif self.idle:
            self.loop.call_later(_COMING_SECONDS, self._close_if_idle)
        else:
            self._end_after_answers()

    def _close_if_idle(self) -> None:
        if self.idle and not self._closing:
            self._close()

    def _allowed(self, limits: Server) -> float:
        """Return the seconds that the current phase may take."""
        if self._phase is Phase.ANSWER:
            return float("inf")
        if self._phase is Phase.IDLE and self._served:
            return limits.idle_seconds
        return limits.body_seconds if self._phase is Phase.BODY else limits.head_seconds

    def _enter(self, phase: Phase) -> None:
        self._phase, self._since = phase, self.loop.time()

    def _begin(self, version: str, head: Head, target: Target) -> None:
        path, raw_path, query = target
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": self._parser.get_method().decode("ascii"),
            "scheme": self._scheme,
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "root_path": "",
            "headers": head.fields,
            "client": self._client,
            "server": self._server,
            "state": self._app_state.copy(),
        }
        modern = version == "1.1"
        keep_alive = modern and self._parser.should_keep_alive()
        cycle = self._reading = Cycle(
            self, scope, keep_alive=keep_alive, expects_continue=modern and head.expects_continue
        )
        self._enter(Phase.BODY)
        if self._cycle is None:
            self._start(cycle)
        else:
            self._queue.append(cycle)
            self._pause_reading()

    def _start(self, cycle: Cycle) -> None:
        self._cycle = cycle
        task = self.loop.create_task(cycle.run(self._app))
        self._uvicorn.tasks.add(task)
        task.add_done_callback(self._uvicorn.tasks.discard)

    def _next(self) -> None:
        """Continue with the next pipelined request, or wait for one."""
        self._cycle = None
        self.resume_reading()
        if self._queue:
            self._start(self._queue.popleft())
        elif self._refusal:
            self._refuse()
        elif self._eof:
            self._close()
        else:
            self._enter(Phase.IDLE)

    def _refuse(self) -> None:
        """Refuse an unreadable request, once the requests before it are answered."""
        assert self._refusal is not None
        reading, cycle = self._reading, self._cycle
        if reading is not None and not reading.answered:
            reading.leave()
        if cycle is not None and cycle is not reading and not cycle.answered:
            return
        if cycle is None or not cycle.started:
            self.write(self._refusal.answer)
        self._close()

    def _end_after_answers(self) -> None:
        """Close the connection after the responses that are under way."""
        last = self._queue[-1] if self._queue else self._cycle
        if last:
            last.keep_alive = False

    def _probe(self, delays: tuple[float, ...]) -> None:
        """Write to a half-closed connection; a client that is gone answers with a reset."""
        cycle = self._cycle
        if cycle is None or cycle.answered or self._closing:
            return
        if was_reset(self._transport):
            self._transport.abort()
            return
        if delays == PROBE_AFTER_SECONDS:
            cycle.probe()
        if delays:
            self.loop.call_later(delays[0], self._probe, delays[1:])

    def _pause_reading(self) -> None:
        if not self._read_paused and not self._closing:
            self._read_paused = True
            self._transport.pause_reading()

    def _close(self) -> None:
        """Flush what is written, then close the connection."""
        self._closing, self._closed_at = True, self.loop.time()
        self._transport.close()
