"""A client that stopped sending: it may wait for its answer or be gone. TCP tells only when something is sent."""

import asyncio
import socket

PROBE_AFTER_SECONDS = (0.05, 0.2, 0.8)
"""When to look, after something harmless was sent, whether the other side has answered it with a reset."""
_TCP_CLOSED = 7
"""Linux: the state of a connection that was reset, first byte of TCP_INFO."""


def was_reset(transport: asyncio.Transport) -> bool:
    """Return whether the other side has reset a connection; False where the system does not tell."""
    sock, option = transport.get_extra_info("socket"), getattr(socket, "TCP_INFO", None)
    if sock is None or option is None:
        return False
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0] == _TCP_CLOSED)
    except OSError:
        return True
