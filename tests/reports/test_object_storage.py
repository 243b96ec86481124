"""Questions where the Parquet files are on S3: the same answers, and nothing else can be reached there either."""

from datetime import date
from pathlib import Path

import pytest

from gateway.errors import InvalidRequest
from gateway.ledger.record import Record
from gateway.reports import sql
from gateway.reports.connection import ask
from tests.bench.month import Month, records
from tests.ledger.s3 import BUCKET, S3Server
from tests.reports import truth
from tests.reports.ledgers import Ledger

DAYS = ("--from", "2025-04-02", "--to", "2025-04-04")
SMALL = Month().scaled(0.002)


@pytest.fixture(scope="module")
def on_s3(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, list[Record]]:
    """The first days on S3, the last one still here."""
    settings = {"destination": f"s3://{BUCKET}/usage", "store_options": s3.options()}
    ledger = Ledger(tmp_path_factory.mktemp("s3"), ledger=settings)
    some = [record for record in records(SMALL) if truth.clock(record).date() <= date(2025, 4, 5)]
    ledger.write(record for record in some if record.started_at < truth.moment(2025, 4, 4))
    ledger.ship()
    assert not list(ledger.data_dir.rglob("*.parquet")), "nothing of it is here"
    ledger.write(record for record in some if record.started_at >= truth.moment(2025, 4, 4))
    return ledger, [r for r in some if truth.moment(2025, 4, 2) <= r.started_at < truth.moment(2025, 4, 5)]


def test_summary(on_s3: tuple[Ledger, list[Record]]) -> None:
    ledger, those = on_s3
    told = ledger.json("usage", "summary", *DAYS, "--by", "day,model")
    groups = truth.grouped(those, lambda record: str((truth.clock(record) - truth.JAPAN).date()), lambda r: r.model)
    assert {(row["day"], row["model"]): row["requests"] for row in told["rows"]} == {
        key: len(each) for key, each in groups.items()
    }
    assert told["total"]["cost_usd"] == pytest.approx(truth.usd(those), rel=1e-12)


def test_report(on_s3: tuple[Ledger, list[Record]]) -> None:
    ledger, those = on_s3
    told = ledger.json("usage", "report", *DAYS, "-o", "report.html")
    assert told["totals"]["requests"] == len(those)
    assert told["bursts"][0]["peak"] == truth.bursts(those, 6)["peak"]


def test_sql_reaches_nothing_else_there(on_s3: tuple[Ledger, list[Record]], s3: S3Server) -> None:
    ledger, _ = on_s3
    s3.client().put_object(Bucket=BUCKET, Key="usage/secret.csv", Body=b"canary")
    s3.client().put_object(Bucket=BUCKET, Key="salaries.csv", Body=b"canary")
    for address in ("sekisho://secret.csv", "sekisho://../salaries.csv", f"s3://{BUCKET}/salaries.csv"):
        query = f"SELECT * FROM read_text('{address}')"
        with pytest.raises(InvalidRequest) as refused:
            ask(ledger.config, None, lambda connection, query=query: sql.run(connection, query))  # type: ignore[misc]
        assert "canary" not in refused.value.message
    (row,) = ledger.json("usage", "sql", "SELECT count(*) AS n FROM ledger WHERE dt = '2025-04-02'")
    assert row["n"] > 0


def test_a_store_that_refuses_is_named(on_s3: tuple[Ledger, list[Record]], s3: S3Server, tmp_path: Path) -> None:
    options = s3.options() | {"aws_secret_access_key": "wrong-canary"}
    ledger = Ledger(tmp_path, ledger={"destination": f"s3://{BUCKET}/usage", "store_options": options})
    done = ledger.call("usage", "summary", *DAYS)
    assert done.returncode == 1
    assert f"s3://{BUCKET}/usage" in done.stderr
    assert "wrong-canary" not in done.stderr + done.stdout
