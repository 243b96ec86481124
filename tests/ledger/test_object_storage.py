"""The ledger on S3: credentials, encryption, parts, proxy, role; refusing, slow, gone, back."""

import time
from pathlib import Path
from random import Random

import pytest

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.errors import StoreError
from gateway.ledger.record import Record
from gateway.ledger.segments import folder
from gateway.ledger.status import status_of
from gateway.maintenance.shipping import ship
from tests.bench.month import CODER, GEMMA, Month, records, write_segments
from tests.fakes.serving import serving
from tests.ledger.ask import ask, configured, count
from tests.ledger.s3 import BUCKET, S3Server, answering, instance_metadata, web_proxy

SMALL = Month(90, 10, {CODER: 60_000, GEMMA: 50_000}, days=2)


def _on_s3(folder_: Path, s3: S3Server, prefix: str, **options: str) -> Config:
    made = configured(folder_, destination=f"s3://{BUCKET}/{prefix}", store_options=s3.options(**options))
    write_segments(made.data_dir, records(SMALL), segment_seconds=86400)
    return made


def _objects(s3: S3Server, prefix: str) -> list[str]:
    found = s3.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", ())]


def test_ships_to_s3_and_asks_there(tmp_path: Path, s3: S3Server) -> None:
    config = _on_s3(tmp_path, s3, "a/ledger", aws_server_side_encryption="aws:kms", aws_sse_kms_key_id="key-7")
    done = ship(config)
    keys = _objects(s3, "a/ledger/dt=")
    assert len(keys) == done.files
    assert all(key.startswith("a/ledger/dt=2025-04-") and "/hour=" in key for key in keys)
    head = s3.client().head_object(Bucket=BUCKET, Key=keys[0])
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key-7")
    assert count(config) == (SMALL.requests, SMALL.requests)
    tokens = dict(ask(config, "SELECT model, sum(input_tokens + output_tokens) FROM ledger GROUP BY 1"))
    assert tokens == SMALL.tokens


def test_large_files_go_up_in_parts(tmp_path: Path, s3: S3Server) -> None:
    config = configured(tmp_path, destination=f"s3://{BUCKET}/parts", store_options=s3.options())
    many = [
        Record(request_id=f"{number}", started_at=number, api="chat", user_name=Random(number).randbytes(30_000).hex())
        for number in range(300)
    ]
    write_segments(config.data_dir, many)
    ship(config)
    (key,) = _objects(s3, "parts/dt=")
    head = s3.client().head_object(Bucket=BUCKET, Key=key)
    assert head["ContentLength"] > 5 * 1024 * 1024
    assert "-" in head["ETag"], "uploaded in parts"
    assert sorted(ask(config, "SELECT request_id, user_name FROM ledger")) == sorted(
        (record.request_id, record.user_name) for record in many
    )


def test_goes_through_the_companys_proxy(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    config = _on_s3(tmp_path, s3, "proxied")
    with web_proxy() as (address, asked):
        through = config.model_copy(update={"server": config.server.model_copy(update={"outbound_proxy": address})})
        ship(through)
        assert count(through) == (SMALL.requests, SMALL.requests)
    assert set(asked) == {s3.url.removeprefix("http://")}


def test_the_machines_role_gives_the_credentials(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with serving(instance_metadata(s3)) as metadata:
        options = {"aws_endpoint": s3.url, "aws_region": "us-east-1", "aws_metadata_endpoint": metadata}
        config = configured(tmp_path, destination=f"s3://{BUCKET}/role", store_options=options)
        write_segments(config.data_dir, records(SMALL), segment_seconds=86400)
        ship(config)
        assert count(config) == (SMALL.requests, SMALL.requests)


def test_the_environment_gives_the_credentials(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"AWS_ENDPOINT_URL": s3.url, "AWS_REGION": "us-east-1"}
    names |= {"AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    store = open_store(configured(tmp_path, destination=f"s3://{BUCKET}/environment"))
    store.put("x", b"1")
    assert store.get("x") == b"1"


def test_wrong_credentials_are_told_and_lose_nothing(tmp_path: Path, s3: S3Server) -> None:
    config = _on_s3(tmp_path, s3, "refused", aws_secret_access_key="wrong-canary")
    with pytest.raises(StoreError, match="credentials") as told:
        ship(config)
    assert "wrong-canary" not in str(told.value)
    assert status_of(config).waiting == SMALL.requests
    assert "refused" in (status_of(config).problem or "")


@pytest.mark.parametrize(("status", "seconds"), [(503, 0.0), (403, 0.0), (200, 30.0)], ids=["busy", "refusing", "slow"])
def test_a_bad_day_of_the_store(tmp_path: Path, s3: S3Server, status: int, seconds: float) -> None:
    good = _on_s3(tmp_path, s3, f"bad-day-{status}-{seconds}")
    with serving(answering(status, seconds)) as bad:
        options = {**good.ledger.model_dump(), "store_options": s3.options(aws_endpoint=bad)}
        config = configured(tmp_path, **{**options, "store_timeout_seconds": 0.3})
        began = time.monotonic()
        with pytest.raises(StoreError):
            ship(config)
        assert time.monotonic() - began < 30, "a shipper never waits for good"
    waiting = status_of(good)
    assert (waiting.waiting, waiting.records_out) == (SMALL.requests, 0)
    assert waiting.problem
    ship(good)
    assert status_of(good).problem is None
    assert count(good) == (SMALL.requests, SMALL.requests)


def test_gone_and_back(tmp_path: Path) -> None:
    server = S3Server()
    server.start()
    config = configured(
        tmp_path, destination=f"s3://{BUCKET}", store_options=server.options(), store_timeout_seconds=0.3
    )
    write_segments(config.data_dir, records(SMALL), segment_seconds=86400)
    server.stop()
    for _ in range(3):
        with pytest.raises(StoreError):
            ship(config)
        assert len(list(folder(config.data_dir).glob("*.jsonl"))) > 0
    try:
        server.start()
        back = configured(tmp_path, destination=f"s3://{BUCKET}", store_options=server.options())
        ship(back)
        assert count(back) == (SMALL.requests, SMALL.requests)
        assert status_of(back).agrees
    finally:
        server.stop()
