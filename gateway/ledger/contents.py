"""Prompts and answers of the keys in `ledger.content.keys`: encrypted, beside the ledger, with their own retention.

Below `data_dir/ledger/contents/`: `YYYY-MM-DD/<process>.jsonl` with a line a request, `persons/<tag>.key`.
"""

import base64
import contextlib
import logging
import os
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from starlette.types import Message, Send

from gateway.casing import lower
from gateway.config.schema import Config, Content
from gateway.ledger.record import Record

if TYPE_CHECKING:
    from gateway.ledger.encryption import Keys

log = logging.getLogger("sekisho.ledger")

_WAITING = 256
"""Requests whose content waits for its thread; beyond it content is not recorded, and that is logged."""


class Line(msgspec.Struct):
    """A line of a file: tag of the person, request id, encrypted prompt and answer."""

    person: str
    request_id: str
    at: int
    sealed: bytes


class Exchanged(msgspec.Struct):
    """The content that is encrypted: bytes as sent on the wire, cut at `ledger.content.max_bytes`."""

    prompt: bytes
    answer: bytes


class Capture:
    """Wraps an ASGI `send` and keeps the beginning of the response body."""

    def __init__(self, prompt: bytes, send: Send, most: int) -> None:
        self.prompt = prompt[:most]
        self.answer = bytearray()
        self._send = send
        self._most = most

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body" and len(self.answer) < self._most:
            self.answer += message.get("body", b"")[: self._most - len(self.answer)]
        await self._send(message)


class Contents:
    """Encrypts and writes contents in a thread of its own, which starts with the first content."""

    def __init__(self, data_dir: Path, settings: Content) -> None:
        self._folder = folder(data_dir)
        self._settings = settings
        self._names = frozenset(settings.keys)
        self._waiting: queue.Queue[tuple[Record, Capture] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._process = f"{os.getpid()}-{secrets.token_hex(4)}.jsonl"

    def start(self) -> None:
        """Start, if any key is recorded. Raises `ConfigError` for an invalid encryption key."""
        if self._names:
            keys_of(self._folder, self._settings)

    def wants(self, key_alias: str | None) -> bool:
        """Return whether the content of this key's requests is recorded."""
        return key_alias in self._names

    def capture(self, prompt: bytes, send: Send) -> Capture:
        return Capture(prompt, send, self._settings.max_bytes)

    def write(self, record: Record, capture: Capture) -> None:
        """Queue the content of a request for writing; never wait."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="contents", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait((record, capture))
        except queue.Full:
            log.error("the content of %s was not recorded: too much waits to be written", record.request_id)

    def stop(self) -> None:
        """Write what is queued, and end the thread."""
        if self._thread:
            self._waiting.put(None)
            self._thread.join()

    def _work(self) -> None:
        keys = keys_of(self._folder, self._settings)
        while item := self._waiting.get():
            record, capture = item
            try:
                self._append(keys, record, Exchanged(capture.prompt, bytes(capture.answer)))
            except Exception:
                log.exception("the content of %s was not recorded", record.request_id)

    def _append(self, keys: "Keys", record: Record, content: Exchanged) -> None:
        tag = keys.tag(person_of(record))
        sealed = keys.seal(tag, msgspec.msgpack.encode(content), record.request_id.encode())
        day = self._folder / f"{datetime.fromtimestamp(record.started_at / 1e6, UTC):%Y-%m-%d}"
        day.mkdir(parents=True, exist_ok=True)
        line = msgspec.json.encode(Line(tag, record.request_id, record.started_at, sealed)) + b"\n"
        file = os.open(day / self._process, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def folder(data_dir: Path) -> Path:
    return data_dir / "ledger" / "contents"


def keys_of(where: Path, settings: Content) -> "Keys":
    """Return the keys of persons below a folder. Raises `ConfigError`."""
    from gateway.ledger.encryption import Keys, master_key

    assert settings.encryption_key is not None, "the schema sees to that"
    return Keys(where / "persons", master_key(settings.encryption_key))


def person_of(record: Record) -> str:
    """Return the identity that a content is encrypted for: the person, in chat and with own keys, else the key."""
    return lower(record.user_email or record.user_id or f"key:{record.key_id}")


def content_of(config: Config, request_id: str) -> Exchanged | None:
    """Return the content of a request, or None if none was recorded or the person was forgotten."""
    settings = config.ledger.content
    if settings.encryption_key is None:
        return None
    keys = keys_of(folder(config.data_dir), settings)
    for line in _lines(folder(config.data_dir)):
        if line.request_id == request_id:
            plain = keys.unseal(line.person, line.sealed, request_id.encode())
            return msgspec.msgpack.decode(plain, type=Exchanged) if plain else None
    return None


def expire_contents(config: Config, today: date | None = None) -> list[str]:
    """Delete the days that `ledger.content.retention_days` no longer covers; return them."""
    last = (today or datetime.fromtimestamp(time.time(), UTC).date()) - timedelta(
        days=config.ledger.content.retention_days
    )
    old = [path for path in folder(config.data_dir).glob("????-??-??") if path.name < f"{last}"]
    for path in old:
        shutil.rmtree(path)
    return sorted(path.name for path in old)


def forget_contents(config: Config, persons: Iterable[str]) -> int:
    """Delete the persons' keys and blank their lines; return the number of lines."""
    settings, where = config.ledger.content, folder(config.data_dir)
    if settings.encryption_key is None or not where.exists():
        return 0
    keys = keys_of(where, settings)
    tags = {keys.tag(lower(person)) for person in persons}
    for tag in tags:
        keys.forget(tag)
    return sum(_without(path, tags) for path in where.glob("????-??-??/*.jsonl"))


def _without(path: Path, tags: set[str]) -> int:
    """Blank a file's lines of these persons where they stand, for its process may be appending to it."""
    blanked = place = 0
    with path.open("rb+") as file:
        for line in file.readlines():
            if line.strip() and msgspec.json.decode(line, type=Line).person in tags:
                os.pwrite(file.fileno(), b" " * (len(line) - 1), place)
                blanked += 1
            place += len(line)
        os.fsync(file.fileno())
    return blanked


def _lines(where: Path) -> Iterator[Line]:
    for path in sorted(where.glob("????-??-??/*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                with contextlib.suppress(msgspec.DecodeError):
                    yield msgspec.json.decode(line, type=Line)


def text_of(content: bytes) -> str:
    """Return content for display: as text, or in base64 where it is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
