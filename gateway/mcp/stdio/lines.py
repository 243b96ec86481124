"""Lines of a byte stream, in linear time and bounded memory."""


class LineTooLong(Exception):
    """A line exceeds the limit."""


class LineSplitter:
    """Cuts a byte stream at newlines. Each byte is searched once; what follows the last newline waits for the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes | bytearray]:
        """Return the lines that `data` completes, without their newline; raise LineTooLong."""
        first, *more = data.split(b"\n")
        self._rest += first
        if len(self._rest) > self._limit:
            self._rest = bytearray()
            raise LineTooLong
        if not more:
            return []
        lines: list[bytes | bytearray] = [self._rest, *more[:-1]]
        self._rest = bytearray(more[-1])
        return lines
