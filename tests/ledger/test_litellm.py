"""The second copy, as pipelines that read LiteLLM's S3 logs expect it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config.schema import LiteLLM
from gateway.ledger.errors import StoreError
from gateway.ledger.record import Outcome, Record
from gateway.maintenance.litellm import folder, key_of
from gateway.maintenance.litellm_payload import payload
from gateway.maintenance.shipping import ship
from tests.bench.month import write_segments
from tests.ledger.ask import configured, count
from tests.ledger.s3 import BUCKET, S3Server

AT = int(datetime(2026, 4, 1, 9, 8, 7, 654321, tzinfo=UTC).timestamp() * 10**6)
RECORD = Record(
    request_id="a/b:c",
    started_at=AT,
    api="chat",
    model="gpt-5",
    provider="vllm",
    upstream_model="gpt-5-2026",
    deployment="gpt-5/openai",
    status=200,
    outcome="ok",
    key_alias="laptop",
    team="research",
    user_id="u1",
    input_tokens=100,
    output_tokens=20,
    cached_input_tokens=40,
    cost_nano_usd=1_500_000,
    first_token_ms=300,
    duration_ms=2500,
)
LITELLM = json.loads((Path(__file__).parent / "litellm-1.106.0.json").read_text())
"""What its proxy wrote to S3 for an answer and for a refusal: every field, and the type of its value."""


def _settings(**more: object) -> LiteLLM:
    return LiteLLM.model_validate({"destination": "/tmp/x", **more})


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "2026-04-01/time-09-08-07-654321_a_b_c.json"),
        ({"granularity": "hour"}, "2026-04-01/09/time-09-08-07-654321_a_b_c.json"),
        ({"team_prefix": True}, "research/2026-04-01/time-09-08-07-654321_a_b_c.json"),
        ({"team_prefix": True, "key_prefix": True}, "research/laptop/2026-04-01/time-09-08-07-654321_a_b_c.json"),
    ],
)
def test_names_are_litellms(settings: dict[str, object], key: str) -> None:
    assert key_of(RECORD, _settings(**settings)) == key


def test_a_long_name_is_cut() -> None:
    long = Record(request_id="x" * 2000, started_at=AT, api="chat")
    key = key_of(long, _settings())
    assert key.startswith("2026-04-01/time-09-08-07-654321_xxx")
    assert len(key) == 64 + 64


def differing(theirs: Any, ours: Any, at: str = "") -> Iterator[str]:
    """Fields that ours lacks, and those whose values are of another type. Nothing is known of either."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, value in theirs.items():
            where = f"{at}.{name}" if at else name
            yield from differing(value, ours[name], where) if name in ours else [f"{where} is missing"]
    elif ours is not None and theirs != "NoneType" and theirs != (kind := type(ours).__name__):
        yield f"{at} is {kind}, not {theirs}"


@pytest.mark.parametrize(("outcome", "shape"), [("ok", "success"), ("refused", "failure")])
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "full"])
def test_every_field_of_litellms_own_objects_is_there_and_of_its_type(outcome: Outcome, shape: str, bare: bool) -> None:
    record = Record(request_id="r", started_at=AT, api="chat") if bare else RECORD
    made = json.loads(json.dumps(payload(msgspec.structs.replace(record, outcome=outcome, status=200))))
    assert list(differing(LITELLM[shape], made)) == []
    assert made.keys() == LITELLM[shape].keys()


def test_values_are_where_litellm_has_them() -> None:
    made = payload(RECORD)
    assert (made["status"], made["call_type"], made["custom_llm_provider"]) == ("success", "acompletion", "hosted_vllm")
    assert (made["prompt_tokens"], made["completion_tokens"], made["total_tokens"]) == (100, 20, 120)
    assert (made["startTime"], made["endTime"] - made["startTime"]) == (AT / 1e6, 2.5)
    assert made["completionStartTime"] - made["startTime"] == pytest.approx(0.3)
    assert (made["response_cost"], made["end_user"], made["model_group"]) == (0.0015, "u1", "gpt-5")
    assert made["metadata"]["user_api_key_alias"] == "laptop"
    assert made["messages"] is made["response"] is None
    json.dumps(made)


def test_a_failure_says_what_failed() -> None:
    made = payload(Record(request_id="r", started_at=AT, api="messages", status=502, error_code="upstream_timeout"))
    assert (made["status"], made["error_str"], made["call_type"]) == (
        "failure",
        "upstream_timeout",
        "anthropic_messages",
    )
    assert made["error_information"]["error_code"] == "502"


def test_every_record_becomes_an_object(tmp_path: Path, s3: S3Server) -> None:
    many = [Record(request_id=f"r{number}", started_at=AT + number, api="chat") for number in range(40)]
    config = configured(
        tmp_path,
        destination=f"s3://{BUCKET}/with-copy/parquet",
        store_options=s3.options(),
        litellm={"destination": f"s3://{BUCKET}/with-copy/litellm", "granularity": "hour"},
    )
    write_segments(config.data_dir, many)
    ship(config)
    found = s3.client().list_objects_v2(Bucket=BUCKET, Prefix="with-copy/litellm/2026-04-01/09/")["Contents"]
    assert len(found) == len(many)
    answer = s3.client().get_object(Bucket=BUCKET, Key=found[3]["Key"])
    assert answer["ContentType"] == "application/json"
    assert answer["ContentDisposition"].startswith('inline; filename="time-2026-04-01T09-08-07-')
    assert json.loads(answer["Body"].read())["id"] == "r3"
    assert not list(folder(config.data_dir).iterdir())
    assert count(config) == (40, 40)


def test_a_copy_that_fails_holds_nothing_up(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    config = configured(tmp_path, litellm={"destination": f"{blocked}/litellm"})
    write_segments(config.data_dir, [RECORD])
    with pytest.raises(StoreError):
        ship(config)
    assert count(config) == (1, 1)
    assert len(list(folder(config.data_dir).iterdir())) == 1
    blocked.unlink()
    ship(config)
    (written,) = (blocked / "litellm").rglob("*.json")
    assert json.loads(written.read_bytes())["model"] == "gpt-5-2026"
    assert not list(folder(config.data_dir).iterdir())


def test_without_it_nothing_is_kept(tmp_path: Path) -> None:
    config = configured(tmp_path)
    write_segments(config.data_dir, [RECORD])
    ship(config)
    assert not folder(config.data_dir).exists()
