"""Send a second copy of every record, laid out as LiteLLM (1.106) lays out its S3 logs: an object a request."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from gateway.config.schema import Config, LiteLLM
from gateway.ledger.destination import open_store
from gateway.ledger.lines import from_line
from gateway.ledger.record import Record
from gateway.ledger.store import Store
from gateway.maintenance.litellm_payload import payload

log = logging.getLogger("sekisho.ledger")

_AT_ONCE = 16
_KEY_BYTES, _KEY_HEAD = 1024, 64


def folder(data_dir: Path) -> Path:
    """Return the folder of segments whose second copy is still to be sent."""
    return data_dir / "ledger" / "litellm"


def hand_over(config: Config, segment: Path) -> None:
    """Queue a segment for the second copy, whose destination may be away without delaying the first."""
    if config.ledger.litellm is None:
        return
    waiting = folder(config.data_dir)
    waiting.mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.link(segment, waiting / segment.name)


def send_all(config: Config) -> int:
    """Send queued segments; return the number of records. Sending twice changes nothing. Raises `StoreError`."""
    settings = config.ledger.litellm
    if settings is None:
        return 0
    paths = _bounded(sorted(folder(config.data_dir).glob("*")), config.ledger.max_bytes)
    if not paths:
        return 0
    store = open_store(config, settings.destination)
    return sum(_send(path, store, settings) for path in paths)


def _send(path: Path, store: Store, settings: LiteLLM) -> int:
    def put(record: Record) -> int:
        store.put(key_of(record, settings), msgspec.json.encode(payload(record)), _attributes(record))
        return 1

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        sent = sum(threads.map(put, _records(path)))
    store.settle()
    path.unlink()
    return sent


def _records(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            if record := from_line(line):
                yield record


def _bounded(paths: list[Path], most: int) -> list[Path]:
    """Return the newest paths within the quota; delete older ones, as the destination stays away."""
    total = sum(path.stat().st_size for path in paths)
    while paths and total > most:
        total -= paths[0].stat().st_size
        log.critical("the second copy of %s is given up: more than ledger.max_bytes wait", paths[0].name)
        paths.pop(0).unlink()
    return paths


def key_of(record: Record, settings: LiteLLM) -> str:
    """Return the object's path: `[team/][key/]YYYY-MM-DD/[HH/]time-HH-MM-SS-ffffff_ID.json`, in UTC."""
    at = datetime.fromtimestamp(record.started_at / 1e6, UTC)
    name = re.sub("[/:]", "_", f"time-{at:%H-%M-%S-%f}_{record.request_id}")
    prefixes = (record.team if settings.team_prefix else None, record.key_alias if settings.key_prefix else None)
    parts = [*(each for each in prefixes if each), f"{at:%Y-%m-%d}"]
    if settings.granularity == "hour":
        parts.append(f"{at:%H}")
    key = "/".join([*parts, f"{name}.json"])
    if len(key.encode()) <= _KEY_BYTES:
        return key
    return key.encode()[:_KEY_HEAD].decode(errors="ignore") + sha256(key.encode()).hexdigest()


def _attributes(record: Record) -> dict[str, str]:
    at = datetime.fromtimestamp(record.started_at / 1e6, UTC)
    name = f"time-{at:%Y-%m-%dT%H-%M-%S-%f}_{record.request_id}.json"
    return {
        "Content-Type": "application/json",
        "Content-Disposition": f'inline; filename="{name}"',
        "Cache-Control": "private, immutable, max-age=31536000, s-maxage=0",
        "Content-Language": "en",
    }
