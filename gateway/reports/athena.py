"""`usage ddl --for athena`: the table over the shipped Parquet files, and queries that companies ask first.

The queries are written in what Athena and DuckDB have in common; `usage sql` answers them too.
"""

from datetime import date

from gateway.ledger.duck import COLUMNS

_TYPES = {"VARCHAR": "string", "VARCHAR[]": "array<string>"}

_PROJECTION = {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": "{first},NOW",
    "projection.dt.interval": "1",
    "projection.dt.interval.unit": "DAYS",
    "projection.hour.type": "integer",
    "projection.hour.range": "0,23",
    "projection.hour.digits": "2",
    "storage.location.template": "{location}dt=${{dt}}/hour=${{hour}}/",
}
"""Partitions are computed from their names: new ones need no crawler and no ALTER TABLE."""

_COST = (
    "count(*) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, "
    "sum(cost_nano_usd) / 1e9 AS cost_usd"
)
_BY = {
    "person": "lower(coalesce(user_email, user_id))",
    "team": "team",
    "key": "key_alias",
    "model": "model",
    "task": "task",
    "day": "dt",
}

QUERIES: dict[str, str] = {
    f"cost by {name}": (
        f"SELECT {column} AS {name}, {_COST}\nFROM {{table}}\nWHERE dt BETWEEN '{{first}}' AND '{{last}}'\n"
        f"GROUP BY {column}\nORDER BY {'1' if name == 'day' else 'cost_usd DESC'}"
    )
    for name, column in _BY.items()
}


def ddl(location: str, table: str = "ledger", first: date = date(2026, 1, 1)) -> str:
    """Return CREATE EXTERNAL TABLE with partition projection, from the day of the first record."""
    columns = ",\n".join(f"  `{name}` {_TYPES.get(kind, kind.lower())}" for name, kind in COLUMNS.items())
    location = location.rstrip("/") + "/"
    values = {name: value.format(first=first, location=location) for name, value in _PROJECTION.items()}
    properties = ",\n".join(f"  '{name}' = '{value}'" for name, value in values.items())
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS `{table}` (\n{columns}\n)\n"
        "PARTITIONED BY (`dt` string, `hour` string)\n"
        f"STORED AS PARQUET\nLOCATION '{location}'\nTBLPROPERTIES (\n{properties}\n);\n"
    )


def queries(first: date, last: date, table: str = "ledger") -> dict[str, str]:
    """Return queries by what they answer."""
    return {name: text.format(table=table, first=first, last=last) for name, text in QUERIES.items()}
