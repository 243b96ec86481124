"""`sekisho usage summary`, `sql`, `export`, `ddl`: as people and as programs use them."""

import csv
import io
import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
import sqlglot

from gateway.ledger.record import Record
from gateway.reports import athena
from gateway.reports.dimensions import DIMENSIONS
from tests.bench.month import Month, records
from tests.reports import truth
from tests.reports.ledgers import Ledger

APRIL = ("--from", "2025-04-01", "--to", "2025-04-30")


@dataclass
class Known:
    ledger: Ledger
    records: list[Record]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A small month: the first half in Parquet, the rest in segments."""
    ledger = Ledger(tmp_path_factory.mktemp("commands"))
    every = list(records(Month().scaled(0.005)))
    middle = truth.moment(2025, 4, 16)
    ledger.write(record for record in every if record.started_at < middle)
    ledger.ship()
    ledger.write(record for record in every if record.started_at >= middle)
    return Known(ledger, [record for record in every if record.started_at >= truth.moment(2025, 4, 1)])


def test_summary_counts_every_record_once(known: Known) -> None:
    told = known.ledger.json("usage", "summary", *APRIL, "--by", "team,model")
    groups = truth.grouped(known.records, lambda record: record.team, lambda record: record.model)
    assert told["total"]["requests"] == len(known.records)
    assert len(told["rows"]) == len(groups)
    for row in told["rows"]:
        those = groups[(row["team"], row["model"])]
        assert row["requests"] == len(those)
        assert row["input_tokens"] == sum(record.input_tokens or 0 for record in those)
        assert row["output_tokens"] == sum(record.output_tokens or 0 for record in those)
        assert row["errors"] == sum(record.outcome == "error" for record in those)
        assert row["cost_usd"] == pytest.approx(truth.usd(those), rel=1e-12)
    costs = [row["cost_usd"] for row in told["rows"]]
    assert costs == sorted(costs, reverse=True), "the dearest first"


def test_days_are_the_askers_days(known: Known) -> None:
    told = known.ledger.json("usage", "summary", *APRIL, "--by", "day", "--timezone", "Asia/Tokyo")
    true = Counter(truth.day(record) for record in records(Month().scaled(0.005)))
    assert {row["day"]: row["requests"] for row in told["rows"]} == true
    assert [row["day"] for row in told["rows"]] == sorted(true), "days in their order"


def test_every_dimension_can_be_asked(known: Known) -> None:
    """The sums over any of them are the same."""
    names = [*DIMENSIONS]
    for start in range(0, len(names), 7):
        told = known.ledger.json(
            "usage", "summary", *APRIL, "--by", ",".join(names[start : start + 7]), "--limit", "100000"
        )
        assert sum(row["requests"] for row in told["rows"]) == len(known.records)


def test_only_some(known: Known) -> None:
    told = known.ledger.json(
        "usage", "summary", *APRIL, "--by", "kind", "--only", "team=sales", "--only", "team=support"
    )
    assert told["total"]["requests"] == sum(record.team in ("sales", "support") for record in known.records)
    some = known.ledger.json(
        "usage", "summary", *APRIL, "--only", "user=user007@example.com", "--only", "kind=completion"
    )
    wanted = [
        record for record in known.records if record.user_email == "user007@example.com" and record.api == "completions"
    ]
    assert some["total"]["requests"] == len(wanted)


def test_where_nothing_is_found_no_row_stands_for_it(known: Known) -> None:
    only = ("--only", "team=nobody", "--by", "user,day")
    assert known.ledger.run("usage", "summary", *only, "--csv").count("\n") == 1, "the heads alone"
    heads, *total = known.ledger.run("usage", "summary", *only).splitlines()
    assert heads.split()[:2] == ["user", "day"]
    assert [line.split() for line in total] == [["0"] * 7 + ["0.0000"]]


def test_a_table_for_people_and_csv_for_spreadsheets(known: Known) -> None:
    table = known.ledger.run("usage", "summary", *APRIL, "--by", "team")
    assert "cost_usd" in table
    assert f"{len(known.records):,}" in table, "the sum stands below"
    rows = list(csv.DictReader(io.StringIO(known.ledger.run("usage", "summary", *APRIL, "--by", "team", "--csv"))))
    assert sum(int(row["requests"]) for row in rows) == len(known.records)
    limited = known.ledger.run("usage", "summary", *APRIL, "--by", "user", "--limit", "3")
    assert "more rows were left out" in limited


@pytest.mark.parametrize(
    "by",
    [
        "user; DROP VIEW ledger",
        "user) FROM ledger; --",
        "user_email",
        "1",
        "*",
        "'x'",
        '"model"',
        "count(*)",
        "(SELECT 1)",
        "model UNION SELECT",
        "read_text('/etc/passwd')",
        "model\x1b[2J",
    ],
)
def test_no_sql_gets_in_by_by(known: Known, by: str) -> None:
    done = known.ledger.call("usage", "summary", *APRIL, "--by", by)
    assert (done.returncode, done.stdout) == (2, "")
    assert "by: there is no " in done.stderr
    assert "allowed: user, " in done.stderr
    assert "\x1b" not in done.stderr


def test_nor_by_a_value(known: Known) -> None:
    for value in ("' OR '1'='1", "sales'; DROP VIEW ledger; --", "sales\\' OR 1=1"):
        told = known.ledger.json("usage", "summary", *APRIL, "--only", f"team={value}")
        assert told["total"]["requests"] == 0


def test_sql_sees_the_whole_ledger(known: Known) -> None:
    query = (
        "SELECT model, count(*) AS n, sum(input_tokens + output_tokens) AS t FROM ledger GROUP BY model ORDER BY model"
    )
    told = known.ledger.json("usage", "sql", query)
    month = Month().scaled(0.005)
    assert {row["model"]: row["t"] for row in told} == month.tokens
    assert sum(row["n"] for row in told) == month.requests
    columns = known.ledger.json("usage", "sql", "DESCRIBE ledger")
    assert [row["column_name"] for row in columns] == [*Record.__struct_fields__, "dt", "hour"]
    assert known.ledger.call("usage", "sql", "-", "--json", stdin="SELECT 1 AS one").stdout == '[{"one": 1}]\n'


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{target}'",
        "COPY ledger TO '{target}' (FORMAT parquet)",
        "ATTACH '{target}' AS more",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW ledger",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT 1; SELECT 2",
        "PRAGMA database_list",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{target}'",
        "EXPORT DATABASE '{target}'",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_parquet('{folder}/data/**/*.parquet')",
        "SELECT * FROM sniff_csv('{secret}')",
        "FROM query('COPY (SELECT 1) TO ''{target}''')",
        "SELECT * FROM read_text('http://127.0.0.1:9/x')",
        "SELECT * FROM known",
        "WITH x AS (INSERT INTO ledger SELECT * FROM ledger RETURNING *) SELECT * FROM x",
        "SELECT getenv('HOME')",
        "",
    ],
)
def test_sql_only_reads_and_only_the_ledger(known: Known, query: str) -> None:
    secret, target = known.ledger.folder / "secret.csv", known.ledger.folder / "written"
    secret.write_text("canary,5f2d\n")
    done = known.ledger.call("usage", "sql", query.format(secret=secret, target=target, folder=known.ledger.folder))
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error: sql: ")
    assert "canary" not in done.stdout + done.stderr
    assert not target.exists()


@pytest.mark.parametrize(
    "query",
    ["SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))", "SELECT len(list_sort(range(300000000)))"],
)
def test_sql_ends_inside_one_function(known: Known, query: str, tmp_path: Path) -> None:
    """DuckDB does not look for an interruption there: either takes a minute."""
    began = time.monotonic()
    done = known.ledger.call("usage", "sql", query, "--timeout", "1")
    assert (done.returncode, "not answered within 1 seconds" in done.stderr) == (2, True)
    assert time.monotonic() - began < 30
    assert not list((known.ledger.folder / "data" / "ledger" / "reading").glob("*")), "no links are left"


def test_sql_is_bounded_in_time_and_rows(known: Known) -> None:
    endless = (
        "SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b WHERE hash(a.range) = hash(b.range)"
    )
    done = known.ledger.call("usage", "sql", endless, "--timeout", "1")
    assert done.returncode == 2
    assert "not answered within 1 seconds" in done.stderr
    told = known.ledger.json("usage", "sql", "SELECT request_id FROM ledger", "--limit", "5")
    assert len(told) == 5


def test_spreadsheets_run_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    formula = '=HYPERLINK("http://x","y")'
    ledger.write([Record(request_id="r", started_at=truth.moment(2025, 4, 2), api="chat", team=formula, model="+1")])
    printed = ledger.run("usage", "summary", *APRIL, "--by", "team,model", "--csv")
    (row,) = csv.DictReader(io.StringIO(printed))
    assert (row["team"], row["model"]) == (f"'{formula}", "'+1")
    ledger.run("usage", "export", *APRIL, "-o", "april.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "april.csv").read_text()))
    assert (row["team"], row["model"]) == (f"'{formula}", "'+1")
    table = ledger.run("usage", "summary", *APRIL, "--by", "team")
    assert formula in table


def test_names_in_brackets_are_no_markup(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write([Record(request_id="r", started_at=truth.moment(2025, 4, 2), api="chat", team="[bold]x[/bold]")])
    assert "[bold]x[/bold]" in ledger.run("usage", "summary", *APRIL, "--by", "team")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_exports_are_the_records(known: Known, ending: str) -> None:
    told = known.ledger.run("usage", "export", *APRIL, "-o", f"april.{ending}")
    assert f"{len(known.records)} records" in told
    target = known.ledger.folder / f"april.{ending}"
    ids = [row["request_id"] for row in _exported(target)]
    true = sorted(known.records, key=lambda record: (record.started_at, record.request_id))
    assert ids == [record.request_id for record in true], "all of them, oldest first"
    assert not list(known.ledger.folder.glob(".april*"))


def _exported(file: Path) -> list[dict[str, Any]]:
    text = file.read_text(errors="replace")
    if file.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text)))
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM '{file}'")
        columns = [column[0] for column in found.description or ()]
        assert columns == list(Record.__struct_fields__)
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def test_an_exported_line_holds_every_field(known: Known) -> None:
    known.ledger.run("usage", "export", *APRIL, "-o", "all.jsonl")
    line = json.loads((known.ledger.folder / "all.jsonl").read_text().splitlines()[0])
    record = min(known.records, key=lambda record: (record.started_at, record.request_id))
    true = {**msgspec.to_builtins(record), "user_groups": list(record.user_groups)}
    moment = (truth.clock(record) - truth.JAPAN).isoformat(sep=" ").rstrip("0")
    assert {**line, "started_at": line["started_at"].rstrip("0")} == {**true, "started_at": moment}


def test_export_wants_to_know_the_format(known: Known) -> None:
    done = known.ledger.call("usage", "export", *APRIL, "-o", "april.xlsx")
    assert (done.returncode, "name it .csv, .jsonl, .parquet" in done.stderr) == (2, True)
    known.ledger.run("usage", "export", *APRIL, "-o", "april.txt", "--format", "csv")


def test_the_table_for_athena(known: Known) -> None:
    printed = known.ledger.run(
        "usage", "ddl", "--for", "athena", "--location", "s3://company-logs/sekisho", "--queries"
    )
    statements = sqlglot.parse(printed, read="athena")
    create, *queries = [statement for statement in statements if statement]
    columns = {
        column.name: column.kind.sql("athena") for column in create.find_all(sqlglot.exp.ColumnDef) if column.kind
    }
    assert [*columns][: len(Record.__struct_fields__)] == list(Record.__struct_fields__)
    assert (columns["started_at"], columns["cost_nano_usd"], columns["stream"]) == ("TIMESTAMP", "BIGINT", "BOOLEAN")
    assert columns["user_groups"] == "ARRAY(VARCHAR)"
    for told in (
        "LOCATION 's3://company-logs/sekisho/'",
        "'projection.enabled' = 'true'",
        "'projection.dt.range' = '2026-01-01,NOW'",
        "'storage.location.template' = 's3://company-logs/sekisho/dt=${dt}/hour=${hour}/'",
        "PARTITIONED BY (`dt` string, `hour` string)",
    ):
        assert told in printed
    assert len(queries) == 6


def test_athenas_queries_give_the_same_here(known: Known) -> None:
    """Written for Athena, they are answered by DuckDB over the same files, and their sums are the summary's."""
    asked = athena.queries(date(2025, 4, 1), date(2025, 4, 30))
    assert asked.keys() == {f"cost by {name}" for name in ("person", "team", "key", "model", "task", "day")}
    for name, query in asked.items():
        assert sqlglot.parse_one(query, read="athena")
        column = name.removeprefix("cost by ")
        told = {row[column]: row for row in known.ledger.json("usage", "sql", query)}
        dimension = {"person": "user"}.get(column, column)
        summary = known.ledger.json("usage", "summary", *APRIL, "--by", dimension)
        assert told.keys() == {row[dimension] for row in summary["rows"]}
        for row in summary["rows"]:
            other = told[row[dimension]]
            assert [other[key] for key in ("requests", "input_tokens", "output_tokens")] == [
                row[key] for key in ("requests", "input_tokens", "output_tokens")
            ]
            assert other["cost_usd"] == pytest.approx(row["cost_usd"], rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [(), ("--location", "/srv/ledger"), ("--location", "s3://b'; DROP"), ("--location", "s3://logs", "--table", "a b")],
)
def test_athena_reads_only_s3(known: Known, options: tuple[str, ...]) -> None:
    assert known.ledger.call("usage", "ddl", *options).returncode == 2
