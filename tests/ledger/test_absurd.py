"""A ledger that holds numbers which no request can have still starts, answers, ships and sums, everywhere the same."""

from datetime import UTC, date, datetime
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from gateway.config.schema import Config
from gateway.ledger.duck import COLUMNS
from gateway.ledger.lines import from_line, to_line
from gateway.ledger.record import LARGEST_COST, LARGEST_COUNT, Record
from gateway.ledger.segments import folder, read
from gateway.ledger.status import status_of
from gateway.limits.limit import UNREACHABLE
from gateway.maintenance.compaction import compact
from gateway.maintenance.forget import forget
from gateway.maintenance.reprice import reprice
from gateway.maintenance.shipping import ship
from gateway.spending.checkpoint import load_checkpoint
from gateway.spending.reader import SpendingReader
from tests.ledger.ask import ask, configured
from tests.reports.ledgers import Ledger

NOW = int(datetime.now(UTC).timestamp()) * 10**6
ABSURD = ("-1", "1000000000001", f"{10**18}", f"{2**63}", f"{10**21}", f"{10**400}", f"-{10**21}", "1e30", "[1]", '"x"')
NUMBERS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "duration_ms", "images")


def _line(number: int, **values: str) -> bytes:
    """A line with a right sum, whatever its values are: they are JSON."""
    fields = {"request_id": f'"r{number}"', "started_at": f"{NOW}", "api": '"chat"', "key_id": '"k"', **values}
    body = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items())
    return body.encode() + b',"crc":"%08x"}\n' % crc32(body.encode())


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Absurd values of every kind in a closed segment, and among them one record as it should be."""
    made = configured(tmp_path)
    folder(made.data_dir).mkdir(parents=True)
    lines = [_line(number, **dict.fromkeys(NUMBERS, value)) for number, value in enumerate(ABSURD)]
    lines += [_line(100 + number, cost_nano_usd=value, input_tokens="3") for number, value in enumerate(ABSURD[3:])]
    lines += [_line(200 + number, started_at=value, cost_nano_usd="5") for number, value in enumerate(ABSURD[2:])]
    lines += [_line(300, input_tokens="7", output_tokens=f"{LARGEST_COUNT}", cost_nano_usd=f"{LARGEST_COST}")]
    lines += [_line(301, status="-5", attempts=f"{10**18}", audio_seconds="1e300", user_groups='"x"')]
    (folder(made.data_dir) / "20261101T000000-1-aa.jsonl").write_bytes(b"".join(lines))
    return made


def _rows(config: Config) -> list[tuple[object, ...]]:
    return ask(config, f"SELECT * FROM ledger WHERE {COUNTED} ORDER BY request_id")


COUNTED = "request_id NOT IN ('r301')"
"""What is wrong in that one are no numbers; SQL gives its texts as they stand."""


def test_records_sql_and_parquet_agree(config: Config) -> None:
    records = {record.request_id: record for record in read(folder(config.data_dir))}
    before = _rows(config)
    assert len(records) == len(before) + 1 == len(ABSURD) + len(ABSURD[3:]) + len(ABSURD[2:]) + 2
    for row in before:
        told = dict(zip(COLUMNS, row, strict=True))
        record = records[str(told["request_id"])]
        for name in (*NUMBERS, "cost_nano_usd", "status", "attempts", "audio_seconds"):
            assert told[name] == getattr(record, name), (told["request_id"], name)
        moment = told["started_at"]
        assert isinstance(moment, datetime)
        assert round(moment.replace(tzinfo=UTC).timestamp() * 1e6) == record.started_at
    ship(config)
    assert status_of(config).agrees
    assert status_of(config).damaged == 0
    assert _rows(config) == before
    assert ask(config, "SELECT sum(input_tokens), max(output_tokens), max(cost_nano_usd) FROM ledger") == [
        (3 * len(ABSURD[3:]) + 7, LARGEST_COUNT, LARGEST_COST)
    ]


def test_everything_that_rewrites_works(config: Config) -> None:
    ship(config)
    before = ask(config, "SELECT count(*), sum(cost_nano_usd) FROM ledger")
    compact(config, datetime.now(UTC).timestamp() + 10 * 86400)
    reprice(config, date(1970, 1, 1), date(1970, 1, 2))
    assert forget(config, "nobody@example.com").totals_kept
    assert ask(config, "SELECT count(*), sum(cost_nano_usd) FROM ledger") == before


@pytest.mark.parametrize("shipped", [False, True])
def test_questions_are_answered(tmp_path: Path, config: Config, shipped: bool) -> None:
    ledger = Ledger(tmp_path)
    if shipped:
        ledger.ship()
    today = datetime.now(UTC).date()
    told = ledger.json("usage", "summary", "--by", "model,day", "--from", f"{today}", "--to", f"{today}")
    assert told["total"]["requests"] == len(ABSURD) + len(ABSURD[3:]) + 2
    assert told["total"]["cost_usd"] == LARGEST_COST / 1e9
    assert ledger.json("usage", "sql", "SELECT count(*) AS n FROM ledger")
    ledger.run("usage", "report", "--from", f"{today}", "--to", f"{today}", "-o", str(tmp_path / "r.html"))
    ledger.run("usage", "export", "--from", f"{today}", "--to", f"{today}", "-o", str(tmp_path / "e.csv"))


def test_spending_is_restored(config: Config) -> None:
    spent = SpendingReader(config.data_dir).restore()
    assert list(spent["key:k"].values()) == [LARGEST_COST], "1970 is in no budget"


def test_sums_stay_within_what_the_shared_store_holds(tmp_path: Path) -> None:
    """Sums of many such records, and those that an older version has already saved."""
    config = configured(tmp_path)
    folder(config.data_dir).mkdir(parents=True)
    lines = [_line(number, cost_nano_usd=f"{LARGEST_COST}") for number in range(20)]
    (folder(config.data_dir) / "20261101T000000-1-aa.jsonl").write_bytes(b"".join(lines))
    spending = SpendingReader(config.data_dir)
    assert list(spending.restore()["key:k"].values()) == [UNREACHABLE]
    spending.save()
    saved = config.data_dir / "ledger" / "spending.json"
    saved.write_bytes(saved.read_bytes().replace(f"{UNREACHABLE}".encode(), f"{10**30}".encode()))
    assert load_checkpoint(config.data_dir).days[NOW // (86400 * 10**6)] == {"key:k": UNREACHABLE}


def test_a_line_that_is_no_record_is_none() -> None:
    for body in (b"[1]", b"1", b'{"request_id":7', b'{"request_id":"a","api":1', b'{"api":"chat"', b"{" * 100_000):
        assert from_line(body + b',"crc":"%08x"}\n' % crc32(body)) is None
    whole = from_line(_line(1))
    assert whole is not None
    assert msgspec.structs.asdict(whole)["request_id"] == "r1"


def test_half_a_surrogate_pair_is_written_as_a_question_mark() -> None:
    record = Record(
        request_id="r1", started_at=NOW, api="chat", task="chat", client="x\ud800", user_name="花子", user_groups=("a",)
    )
    written = from_line(to_line(record))
    assert written
    assert (written.client, written.user_name, written.user_groups) == ("x?", "花子", ("a",))
