"""`GET /admin/records`: the newest records of this machine, as the doctor asks for them."""

import os
import time
from pathlib import Path

import httpx2
import pytest

from gateway.ledger.lines import to_line
from gateway.ledger.record import Record
from gateway.reports.recent import latest
from tests.fixtures.gateway import ADMIN_KEY, GatewayProcess

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}


def _ask(gateway: GatewayProcess, **query: str | float) -> httpx2.Response:
    return httpx2.get(f"{gateway.url}/admin/records", params=query, headers=ADMIN, timeout=20, trust_env=False)


def _chat(gateway: GatewayProcess, key: str) -> str:
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx2.post(
        f"{gateway.url}/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {key}"},
        timeout=20,
        trust_env=False,
    )
    return str(answer.headers["x-sekisho-request-id"])


def test_the_newest_records_newest_first(gateway: GatewayProcess, key: str) -> None:
    asked = [_chat(gateway, key) for _ in range(3)]
    told = _ask(gateway, limit=3).json()["records"]
    assert [record["request_id"] for record in told] == asked[::-1]
    assert set(told[0]) == set(Record.__struct_fields__)
    assert (told[0]["user_email"], told[0]["cost_nano_usd"]) == ("alice@example.com", 127_200)


def test_of_one_person_and_since_a_moment(gateway: GatewayProcess, key: str) -> None:
    other = gateway.key("of-bob", "--owner", "records-of-bob@example.com")
    _chat(gateway, key)
    bobs = _chat(gateway, other)
    moment = time.time()
    alices = _chat(gateway, key)
    by_person = _ask(gateway, user="records-of-bob@example.com", limit=1000).json()["records"]
    assert [record["request_id"] for record in by_person] == [bobs]
    lately = _ask(gateway, since=moment).json()["records"]
    assert [record["request_id"] for record in lately] == [alices]
    assert _ask(gateway, since=moment, user="records-of-bob@example.com").json() == {"records": []}


def test_the_request_of_which_a_person_was_told(gateway: GatewayProcess, key: str) -> None:
    asked = [_chat(gateway, key) for _ in range(2)]
    for told in (asked[0], asked[0][:12]):
        assert [record["request_id"] for record in _ask(gateway, request=told).json()["records"]] == [asked[0]]
    for nobody in ("f" * 33, asked[0][1:], "%", '"'):
        assert _ask(gateway, request=nobody).json() == {"records": []}


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"since": "soon"}, {"by": "user"}])
def test_a_wrong_question_is_refused_with_what_is_allowed(
    gateway: GatewayProcess, query: dict[str, str | float]
) -> None:
    answer = _ask(gateway, **query)
    assert answer.status_code == 400
    assert "limit (1 to 1000)" in answer.json()["error"]["message"]


def test_only_for_the_admin_key(gateway: GatewayProcess, key: str) -> None:
    answer = httpx2.get(
        f"{gateway.url}/admin/records", headers={"authorization": f"Bearer {key}"}, timeout=20, trust_env=False
    )
    assert answer.status_code == 401


def _segment(path: Path, records: list[Record], changed: float) -> None:
    path.write_bytes(b"".join(map(to_line, records)))
    os.utime(path, (changed, changed))


def _record(number: int, duration_ms: int | None = 100) -> Record:
    return Record(request_id=str(number), started_at=number * 10**6, api="chat", duration_ms=duration_ms)


def test_reads_backwards_over_files_of_several_workers(tmp_path: Path) -> None:
    """Lines stand in the order of their ends, workers write at the same time, blocks cut lines."""
    _segment(tmp_path / "a-1-x.jsonl", [_record(number) for number in range(0, 6000, 2)], 6000)
    _segment(tmp_path / "b-2-x.open", [_record(number) for number in range(1, 6000, 2)], 6001)
    _segment(tmp_path / "c-3-x.jsonl", [_record(number, None) for number in (7, 5999)], 6002)
    (tmp_path / "d-4-x.open").write_bytes(to_line(_record(9000))[:-30])
    told = [int(record.request_id) for record in latest(tmp_path, limit=5000)]
    assert told == sorted([*range(1002, 6000), 5999, 1001], reverse=True)
    assert [record.request_id for record in latest(tmp_path, since=5998)] == ["5999", "5999", "5998"]


def test_no_segments_no_records(tmp_path: Path) -> None:
    assert latest(tmp_path / "nothing") == []
