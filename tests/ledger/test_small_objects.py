"""Many small objects: listed once, each asked for once; and questions while they are joined or rewritten."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.errors import StoreError
from gateway.ledger.record import Record
from gateway.maintenance.compaction import compact
from gateway.maintenance.shipping import ship
from gateway.reports.connection import ask
from gateway.reports.span import Span
from gateway.reports.sql import run
from gateway.reports.summary import Question, summary
from tests.bench.month import write_segments
from tests.fakes.serving import serving
from tests.ledger.ask import configured
from tests.ledger.s3 import BUCKET, S3Server
from tests.limits.tcp_proxy import tcp_proxy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOURS = 120
FIRST = datetime(2026, 4, 1, tzinfo=UTC)
SPAN = Span(date(2026, 4, 1), date(2026, 4, 30))


class CountingProxy:
    """Stands before the S3 server and counts requests by method and whether they are for an object."""

    def __init__(self, server: S3Server) -> None:
        self._url = server.url
        self.asked: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path, query = scope["raw_path"].decode(), scope["query_string"].decode()
        self.asked[f"{scope['method']} {'object' if '.parquet' in path else 'other'}"] += 1
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"content-length", b"connection")]
        async with httpx2.AsyncClient(trust_env=False) as client:
            url = f"{self._url}{path}{'?' if query else ''}{query}"
            answer = await client.request(scope["method"], url, headers=headers, content=body)
        await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})
        await send({"type": "http.response.body", "body": answer.content})


def _hourly(config: Config, hours: int = HOURS, name: str = "r") -> None:
    """A small object for every hour."""
    records = [
        Record(
            request_id=f"{name}{number}",
            started_at=round((FIRST + timedelta(hours=number)).timestamp() * 10**6),
            api="chat",
            model="m",
            user_email=f"u{number % 7}@example.com",
            cost_nano_usd=1,
        )
        for number in range(hours)
    ]
    write_segments(config.data_dir, records, segment_seconds=86400 * 40)
    ship(config)


@pytest.fixture
def counting(s3: S3Server) -> Iterator[tuple[CountingProxy, str]]:
    proxy = CountingProxy(s3)
    with serving(proxy) as address:
        yield proxy, address


def test_each_object_is_asked_for_once(tmp_path: Path, s3: S3Server, counting: tuple[CountingProxy, str]) -> None:
    proxy, address = counting
    place = f"s3://{BUCKET}/many"
    _hourly(configured(tmp_path, destination=place, store_options=s3.options()))
    # The signature covers the host, which the counting proxy passes on as it came.
    config = configured(tmp_path, destination=place, store_options=s3.options(aws_endpoint=address))
    told = ask(config, SPAN, lambda connection: summary(connection, Question(SPAN, ("user", "day"))))
    assert told["total"]["requests"] == HOURS
    assert proxy.asked["GET object"] == HOURS
    assert proxy.asked["HEAD object"] == 0
    assert sum(proxy.asked.values()) <= HOURS + 40, "a listing a day, journals, repriced ones"
    proxy.asked.clear()

    def several(connection: "DuckDBPyConnection") -> int:
        return sum(len(run(connection, f"SELECT * FROM ledger WHERE cost_nano_usd = {each}").rows) for each in range(3))

    assert ask(config, SPAN, several) == HOURS
    assert proxy.asked["GET object"] + proxy.asked["HEAD object"] == HOURS, "however many questions"


def test_questions_while_objects_are_joined(tmp_path: Path, s3: S3Server) -> None:
    """Over a slow way, so that files vanish between the listing and their turn."""
    place = f"s3://{BUCKET}/joined"
    writer = configured(tmp_path / "writer", destination=place, store_options=s3.options())
    for number in range(4):
        _hourly(writer, 6, f"s{number}-")
    with tcp_proxy(s3.port) as proxy:
        options = s3.options(aws_endpoint=f"http://127.0.0.1:{proxy.port}")
        reader = configured(tmp_path / "reader", destination=place, store_options=options)
        proxy.delay = 0.03
        joining = threading.Timer(0.4, compact, (writer,))
        joining.start()
        counted: list[int] = []
        while joining.is_alive() or len(counted) < 5:
            table = ask(reader, None, lambda connection: run(connection, "SELECT count(*) FROM ledger"))
            counted.append(table.rows[0][0])
        joining.join()
    assert set(counted) == {24}


@pytest.mark.parametrize("size", [100, 5 * 1024 * 1024])
def test_an_object_that_is_no_parquet_is_told_in_words(tmp_path: Path, s3: S3Server, size: int) -> None:
    config = configured(tmp_path, destination=f"s3://{BUCKET}/garbage-{size}", store_options=s3.options())
    _hourly(config, 1)
    (item,) = (item for item in open_store(config).list() if item.path.endswith(".parquet"))
    open_store(config).put(item.path.replace("hour=00", "hour=01"), b"x" * size)
    with pytest.raises(StoreError) as told:
        ask(config, None, lambda connection: run(connection, "SELECT * FROM ledger"))
    assert "Traceback" not in str(told.value)
