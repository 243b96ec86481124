"""Recorded prompts and answers: only where asked for, never readable on the disk, gone when they should be."""

import base64
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.ledger.contents import Contents, content_of, expire_contents, folder, forget_contents
from gateway.ledger.record import Record
from tests.ledger.ask import configured

KEY = base64.b64encode(bytes(range(32))).decode()
PROMPT, ANSWER = b'{"messages":"canary-prompt"}', "答え canary-answer".encode()
NOW = int(datetime.now(UTC).timestamp() * 1e6)


def _config(tmp_path: Path, **content: Any) -> Config:
    return configured(tmp_path, content={"keys": ["research"], "encryption_key": KEY, **content})


async def _write(config: Config, request_id: str, at: int = NOW, who: str = "alice@example.com") -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    contents = Contents(config.data_dir, config.ledger.content)
    capture = contents.capture(PROMPT, send)
    await capture({"type": "http.response.start", "status": 200, "headers": []})
    for part in (ANSWER[:5], ANSWER[5:]):
        await capture({"type": "http.response.body", "body": part, "more_body": True})
    await capture({"type": "http.response.body", "body": b""})
    assert len(sent) == 4, "everything is passed on"
    contents.write(Record(request_id=request_id, started_at=at, api="chat", user_email=who), capture)
    contents.stop()


def test_only_the_keys_that_are_named(tmp_path: Path) -> None:
    contents = Contents(tmp_path, _config(tmp_path).ledger.content)
    assert contents.wants("research")
    assert not contents.wants("other")
    assert not contents.wants(None)
    off = Contents(tmp_path, configured(tmp_path).ledger.content)
    assert not off.wants("research")


def test_recording_needs_a_key() -> None:
    with pytest.raises(ValidationError, match="openssl"):
        Config.model_validate({"ledger": {"content": {"keys": ["a"]}}})


async def test_content_comes_back_and_is_not_readable_on_the_disk(tmp_path: Path) -> None:
    config = _config(tmp_path)
    await _write(config, "r1")
    found = content_of(config, "r1")
    assert found
    assert (found.prompt, found.answer) == (PROMPT, ANSWER)
    assert content_of(config, "r2") is None
    everything = b"".join(path.read_bytes() for path in folder(config.data_dir).rglob("*") if path.is_file())
    assert b"canary" not in everything
    assert base64.b64encode(b"canary")[:6] not in everything
    assert b"alice" not in everything
    assert {path.stat().st_mode & 0o077 for path in folder(config.data_dir).rglob("*") if path.is_file()} == {0}


async def test_another_key_opens_nothing(tmp_path: Path) -> None:
    await _write(_config(tmp_path), "r1")
    other = _config(tmp_path, encryption_key=base64.b64encode(bytes(32)).decode())
    assert content_of(other, "r1") is None


@pytest.mark.parametrize("bad", ["short", base64.b64encode(bytes(16)).decode(), "ü" * 44])
async def test_a_bad_key_is_told(tmp_path: Path, bad: str) -> None:
    await _write(_config(tmp_path), "r1")
    with pytest.raises(ConfigError, match="32 bytes"):
        content_of(_config(tmp_path, encryption_key=bad), "r1")


async def test_what_was_tampered_with_does_not_come_back(tmp_path: Path) -> None:
    config = _config(tmp_path)
    await _write(config, "r1")
    (path,) = folder(config.data_dir).glob("*-*-*/*.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"r1"', b'"r2"'))
    assert content_of(config, "r2") is None


async def test_long_content_is_cut(tmp_path: Path) -> None:
    config = _config(tmp_path, max_bytes=1024)
    capture = Contents(config.data_dir, config.ledger.content).capture(b"x" * 5000, _nowhere)
    for _ in range(3):
        await capture({"type": "http.response.body", "body": b"y" * 900})
    assert (len(capture.prompt), len(capture.answer)) == (1024, 1024)


async def test_it_has_a_retention_of_its_own(tmp_path: Path) -> None:
    config = _config(tmp_path, retention_days=7)
    day = 86400 * 10**6
    await _write(config, "old", NOW - 9 * day)
    await _write(config, "young", NOW - 5 * day)
    assert len(expire_contents(config)) == 1
    assert content_of(config, "old") is None
    assert content_of(config, "young")
    assert expire_contents(config, date(2020, 1, 1)) == []


async def test_a_forgotten_person_is_unreadable_and_others_are_not(tmp_path: Path) -> None:
    config = _config(tmp_path)
    await _write(config, "r1", who="Alice@example.com")
    await _write(config, "r2", who="bob@example.com")
    backup = {path: path.read_bytes() for path in folder(config.data_dir).glob("*-*-*/*.jsonl")}
    assert forget_contents(config, ["alice@example.com"]) == 1
    assert content_of(config, "r1") is None
    assert content_of(config, "r2")
    for path, content in backup.items():
        path.write_bytes(content)
    assert content_of(config, "r1") is None, "a backup of the files brings nothing back"
    await _write(config, "r3", who="alice@example.com")
    assert content_of(config, "r3")
    assert content_of(config, "r1") is None


async def _nowhere(message: Any) -> None:
    return None
