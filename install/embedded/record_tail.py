"""The short log of `sekisho up`: a line a request, from the ledger."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from gateway.ledger.lines import from_line
from gateway.ledger.record import Record
from gateway.ledger.segments import folder


class RecordTail:
    """Gives the records that came since it was last asked."""

    def __init__(self, gateway_data: Path) -> None:
        self._folder = folder(gateway_data)
        self._read: dict[str, int] = {}
        for _ in self.new():
            pass

    def new(self) -> Iterator[Record]:
        for path in sorted(self._folder.glob("*")):
            yield from self._after(path)

    def _after(self, path: Path) -> Iterator[Record]:
        """Return the whole lines after a position; a closed segment keeps its name but for the ending."""
        start = self._read.get(path.stem, 0)
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._read[path.stem] = self._read.get(path.stem, 0) + len(line)
                if record := from_line(line):
                    yield record


def as_line(record: Record) -> str:
    """Return time, person, model, tokens and duration of a record as one line."""
    moment = datetime.fromtimestamp(record.started_at / 1e6).strftime("%H:%M:%S")
    who = record.user_email or record.user_id or record.key_alias or "?"
    tokens = f"{record.input_tokens or 0}+{record.output_tokens or 0} tokens"
    outcome = "" if record.outcome == "ok" else f"  {record.outcome} {record.error_code or ''}"
    return f"{moment}  {who}  {record.model or '?'}  {record.task}  {tokens}  {record.duration_ms} ms{outcome}"
