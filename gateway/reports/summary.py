"""`summary`: what was used, by any of the dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.reports.dimensions import COMPOSED, DETAILS, DIMENSIONS, MEASURES, TIMES
from gateway.reports.rows import Row, row, rows
from gateway.reports.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Question:
    """`by` are names of dimensions; `only` keeps records whose dimension has one of the values."""

    span: Span
    by: tuple[str, ...] = ()
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = MOST_ROWS
    details: bool = False
    """Whether the measures of `DETAILS` are told, too."""

    @property
    def measures(self) -> dict[str, str]:
        """Return the measures by name, as SQL over records."""
        return {**MEASURES, **DETAILS} if self.details else MEASURES


@dataclass(frozen=True, slots=True)
class Source:
    """SQL of the rows that are summed: records, or sums of records (`gateway.reports.rollup`)."""

    rows: str = "ledger"
    summed: bool = False

    def measure(self, name: str, sql: str) -> str:
        return f"coalesce(sum({name}), 0)" if self.summed else sql


def summary(connection: "DuckDBPyConnection", question: Question, source: Source = Source()) -> dict[str, Any]:
    """Return `{from, to, timezone, currency, by, total, rows, more}`: counts, tokens, USD; `more` = rows left out."""
    span = question.span
    connection.execute(_grouped(question, source), [value for values in question.only.values() for value in values])
    sums = ", ".join(f"coalesce(sum({name}), 0)::HUGEINT AS {name}" for name in question.measures)
    total = _public(row(connection, f"SELECT {sums}, count(*) AS groups FROM grouped"))
    columns = ", ".join((*question.by, *question.measures))
    ordered = f"SELECT {columns} FROM grouped ORDER BY {_order(question.by)} LIMIT {question.limit:d}"
    groups = [_public(each) for each in rows(connection, ordered)]
    header = {"from": str(span.first), "to": str(span.last), "timezone": span.zone, "currency": "USD"}
    more = total.pop("groups") - len(groups)
    return {**header, "by": list(question.by), "total": total, "rows": groups if question.by else [], "more": more}


def _grouped(question: Question, source: Source) -> str:
    """Group by columns first and by what is made of them then: half the time over many records."""
    span = question.span
    columns = list(dict.fromkeys(column for name in question.by for column in _parts(name, span)))
    measures = [f"{source.measure(name, sql)} AS {name}" for name, sql in question.measures.items()]
    filters = [span.where, *(_filter(name, values, span) for name, values in question.only.items())]
    where = f"WHERE {' AND '.join(filters)} {_by(len(columns))}"
    inner = f"SELECT {', '.join((*columns, *measures))} FROM {source.rows} {where}"
    named = [f"{DIMENSIONS[name]} AS {name}" if name in COMPOSED else f'"{name}"' for name in question.by]
    sums = [f"sum({name})::BIGINT AS {name}" for name in question.measures]
    outer = f"SELECT {', '.join((*named, *sums))} FROM ({inner}) {_by(len(named))}"
    return f"CREATE OR REPLACE TEMP TABLE grouped AS {outer}"


def _parts(name: str, span: Span) -> tuple[str, ...]:
    """Return the expressions by which records are grouped."""
    return COMPOSED.get(name) or (f"{DIMENSIONS[name].replace('local', span.local)} AS {name}",)


def _by(count: int) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(count))}" if count else ""


def _filter(name: str, values: Sequence[str], span: Span) -> str:
    places = ", ".join("lower(?)" if name == "user" else "?" for _ in values) or "NULL"
    return f"CAST({DIMENSIONS[name].replace('local', span.local)} AS VARCHAR) IN ({places})"


def _order(by: tuple[str, ...]) -> str:
    """Times in their order, then the dearest, then the busiest; names last, so that the order is always the same."""
    times = [name for name in by if name in TIMES]
    names = [f"{name} NULLS LAST" for name in by if name not in TIMES]
    return ", ".join((*times, "cost_nano_usd DESC", "requests DESC", *names))


def _public(row: Row) -> Row:
    values = {name: value for name, value in row.items() if name != "cost_nano_usd"}
    return {**values, "cost_usd": row["cost_nano_usd"] / 1e9}
