"""Bodies of bounded size."""

from typing import Any


async def read_within(stream: Any, limit: int) -> bytes:
    """Read an aiohttp stream to its end. Raises ValueError beyond `limit` bytes."""
    raw = bytearray()
    async for chunk in stream.iter_chunked(65_536):
        raw += chunk
        if len(raw) > limit:
            raise ValueError("too long")
    return bytes(raw)
