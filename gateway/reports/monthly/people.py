"""Distribution of use over people, and cost of teams and people."""

from typing import TYPE_CHECKING, Any

from gateway.reports.rows import Row, row, rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BINS = 20
_MOST_KINDS = 3
_MOST_PEOPLE = 25
_NICE = (1, 2, 5)
_SUMS = (
    "count(*) AS requests, sum(input_tokens + output_tokens)::BIGINT AS tokens, "
    "coalesce(sum(cost_nano_usd), 0)::BIGINT / 1e9 AS cost_usd"
)


def distribution(connection: "DuckDBPyConnection") -> list[Row]:
    """Requests a person, for the kinds that people make most requests of; `histogram` counts people."""
    kinds = rows(
        connection,
        "SELECT kind FROM month WHERE person IS NOT NULL AND kind NOT IN ('task', 'embedding', 'other') "
        f"GROUP BY kind ORDER BY count(*) DESC, kind LIMIT {_MOST_KINDS}",
    )
    return [_distribution(connection, each["kind"]) for each in kinds]


def _distribution(connection: "DuckDBPyConnection", kind: str) -> Row:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE persons AS SELECT person, count(*) AS requests FROM month "
        "WHERE kind = ? AND person IS NOT NULL GROUP BY person",
        [kind],
    )
    told = row(
        connection,
        "SELECT count(*) AS people, avg(requests) AS mean, median(requests) AS median, max(requests) AS most, "
        "sum(requests) FILTER (rank <= ceil(people / 10)) / sum(requests) AS share_of_busiest_tenth FROM "
        "(SELECT requests, row_number() OVER (ORDER BY requests DESC) AS rank, count(*) OVER () AS people "
        "FROM persons)",
    )
    width = bin_width(told["most"])
    histogram = rows(
        connection,
        f"SELECT (requests // {width}) * {width} AS first, first + {width} - 1 AS last, count(*) AS people "
        "FROM persons GROUP BY ALL ORDER BY ALL",
    )
    return {"kind": kind, **told, "bin_width": width, "histogram": histogram}


def bin_width(most: int) -> int:
    """Return the first of 1, 2, 5, 10, 20, 50 … that needs no more than so many bins."""
    power = 1
    while True:
        for nice in _NICE:
            if most // (nice * power) < _BINS:
                return nice * power
        power *= 10


def teams(connection: "DuckDBPyConnection") -> list[Row]:
    """Return teams, the dearest first; None stands for people without a team."""
    return rows(
        connection,
        f"SELECT team, count(DISTINCT person) AS people, {_SUMS} FROM month "
        "GROUP BY team ORDER BY cost_usd DESC, requests DESC, team",
    )


def people(connection: "DuckDBPyConnection", *, hide_names: bool) -> dict[str, Any]:
    """Return the dearest people, each with the latest team, and the sum of all others.

    Hidden ones are numbered from the dearest, without their team.
    """
    found = rows(
        connection,
        f"SELECT person, arg_max(team, (started_at, team)) AS team, {_SUMS} FROM month WHERE person IS NOT NULL "
        "GROUP BY person ORDER BY cost_usd DESC, requests DESC, person",
    )
    shown = [{**each, **(_hidden(number) if hide_names else {})} for number, each in enumerate(found[:_MOST_PEOPLE], 1)]
    rest = found[_MOST_PEOPLE:]
    sums = {name: sum(each[name] for each in rest) for name in ("requests", "tokens", "cost_usd")}
    return {"hidden": hide_names, "rows": shown, "others": {"people": len(rest), **sums}}


def _hidden(number: int) -> Row:
    return {"person": f"#{number}", "team": None}
