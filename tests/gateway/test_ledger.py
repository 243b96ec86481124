"""Records as lines, torn tails, rotation, and what a record says."""

import json
from pathlib import Path

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.models import Price
from gateway.config.schema import Ledger
from gateway.dialects.estimates import estimate
from gateway.dialects.usage import Usage, from_chat
from gateway.ledger.lines import from_line, to_line
from gateway.ledger.record import Record
from gateway.ledger.segments import folder, read, recover
from gateway.ledger.writer import SegmentWriter
from gateway.pricing import cost_nano_usd
from tests.fixtures.gateway import GatewayProcess

DESIGN = (
    "request_id, started_at, api, task, stream, model, provider, upstream_model, deployment, status, outcome, "
    "error_code, key_id, key_alias, team, user_id, user_email, user_name, user_role, user_groups, identity_source, "
    "chat_id, message_id, client, client_ip, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, "
    "reasoning_tokens, images, audio_seconds, search_units, usage_source, cost_nano_usd, price_id, queue_ms, "
    "first_token_ms, duration_ms, attempts, fallback_from"
)


def test_fields_stand_in_the_agreed_order() -> None:
    assert Record.__struct_fields__ == tuple(DESIGN.split(", "))


@given(st.text(), st.integers(0, 4_102_444_800_000_000))
def test_a_line_gives_its_record_back(name: str, moment: int) -> None:
    record = Record(request_id="r", started_at=moment, api="chat", user_name=name)
    line = to_line(record)
    assert from_line(line) == record
    assert json.loads(line)["user_name"] == name, "any JSON reader reads a line"
    assert line.count(b"\n") == 1


@given(st.data())
def test_a_damaged_line_is_known(data: st.DataObject) -> None:
    line = to_line(Record(request_id="r", started_at=1, api="chat"))
    place = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != line[place]))
    assert from_line(line[:place] + bytes([byte]) + line[place + 1 :]) is None


def _write(tmp_path: Path, count: int, settings: Ledger) -> None:
    writer = SegmentWriter(tmp_path, settings)
    writer.start()
    for number in range(count):
        writer.write(Record(request_id=str(number), started_at=number, api="chat"))
    writer.stop()
    assert (writer.records_in, writer.records_lost) == (count, 0)


def test_segments_rotate_and_read_back(tmp_path: Path) -> None:
    _write(tmp_path, 100, Ledger(segment_max_bytes=8192))
    assert len(list(folder(tmp_path).glob("*.jsonl"))) > 3
    assert {record.request_id for record in read(folder(tmp_path))} == {str(number) for number in range(100)}
    assert not list(folder(tmp_path).glob("*.open"))


def test_a_torn_tail_is_cut_at_start(tmp_path: Path) -> None:
    where = folder(tmp_path)
    where.mkdir(parents=True)
    line = to_line(Record(request_id="whole", started_at=1, api="chat"))
    (where / "20260101T000000-999999999-aa.open").write_bytes(line + line[:40])
    recover(where)
    (closed,) = where.glob("*.jsonl")
    assert closed.read_bytes() == line


def test_a_chat_leaves_one_full_record(http: httpx2.Client, gateway: GatewayProcess) -> None:
    body = {"model": "mine", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    answer = http.post("/v1/chat/completions", json=body, headers={"user-agent": "claude-cli/2.0 (external)"})
    record = gateway.record(answer.headers["x-sekisho-request-id"])
    assert (record.api, record.task, record.stream, record.model) == ("chat", "chat", True, "mine")
    assert (record.status, record.outcome, record.provider) == (200, "ok", "openai-compatible")
    assert (record.user_id, record.team, record.identity_source) == ("alice@example.com", "research", "key")
    assert (record.client, record.client_ip) == ("claude-code", "127.0.0.1")
    assert (record.input_tokens, record.output_tokens, record.cached_input_tokens) == (11, 7, 4)
    assert (record.reasoning_tokens, record.usage_source) == (2, "provider")
    assert record.cost_nano_usd == 7 * 3000 + 4 * 300 + 7 * 15000
    assert record.first_token_ms is not None
    assert record.duration_ms is not None
    assert record.first_token_ms <= record.duration_ms


def test_cost_is_whole_nano_usd() -> None:
    price = Price.model_validate({"input": 0.0375, "output": "0.15", "cached_input": 0.01})
    assert cost_nano_usd(price, Usage(input=1000, output=10, cached_input=200)) == round(800 * 37.5 + 200 * 10 + 1500)
    assert cost_nano_usd(price, Usage()) == 0


def test_usage_is_never_trusted_blindly() -> None:
    odd = {"prompt_tokens": 10, "completion_tokens": True, "prompt_tokens_details": {"cached_tokens": 161}}
    assert from_chat(odd) == Usage(input=10, output=None, cached_input=10)
    assert from_chat({"prompt_tokens": -5}) == Usage()
    assert from_chat(None) is None
    assert from_chat({}) is None


def test_the_estimate_knows_japanese() -> None:
    assert estimate("吾輩は猫である。") == 8
    assert estimate("abcdefgh") == 2
