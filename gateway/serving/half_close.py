"""Half-closed connections: whether the client still waits is seen only after something was sent."""

import asyncio
import socket

PROBE_AFTER_SECONDS = (0.05, 0.2, 0.8)
"""Seconds after a harmless write until the connection is checked for a reset."""
_TCP_CLOSED = 7
"""First byte of Linux's TCP_INFO for a connection that was reset."""


def was_reset(transport: asyncio.Transport) -> bool:
    """Return whether the other side has reset a connection; False where the system does not tell."""
    sock, option = transport.get_extra_info("socket"), getattr(socket, "TCP_INFO", None)
    if sock is None or option is None:
        return False
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, option, 1)[0] == _TCP_CLOSED)
    except OSError:
        return True
