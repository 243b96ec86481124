"""Compute the costs of past days again after a price was corrected, into new files; the old ones stay."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.config.models import Price
from gateway.config.schema import Config
from gateway.ledger.destination import open_store
from gateway.ledger.duck import COLUMNS, PARQUET_OPTIONS, connect, mount, quoted, rows_of_parquet
from gateway.ledger.errors import RowsDiffer
from gateway.ledger.files import REPRICED, current, names
from gateway.ledger.lease import store_lease
from gateway.ledger.process_lock import process_lock, workspace
from gateway.ledger.record import LARGEST_COST
from gateway.ledger.store import Item, Store
from gateway.ledger.sums import note_rewritten
from gateway.pricing import Priced, listed, priced
from gateway.routing.routes import build_routes
from gateway.routing.target import Target

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Place = tuple[str | None, str | None, str | None]
_WHERE = ("deployment", "provider", "upstream_model")


@dataclass
class Repriced:
    """What changed over all records of the days. Money in nano-USD."""

    records: int = 0
    changed: int = 0
    before_nano_usd: int = 0
    after_nano_usd: int = 0
    files: int = 0
    folder: str = ""
    """Folder of the new files; deleting it restores the old costs."""


def reprice(config: Config, first: date, last: date, now: datetime | None = None) -> Repriced:
    """Compute the costs of the UTC days `first` to `last` in Parquet again, by the prices of `config`.

    Public prices are those of the record's own time. What has no price keeps its cost; budgets keep what they counted.
    Raises `ShippingBusy`, `StoreError`, `RowsDiffer`.
    """
    store, folder = open_store(config), f"{REPRICED}{now or datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    done = Repriced(folder=folder)
    targets = {target.id: target for target in build_routes(config, {}).all_targets()}
    with process_lock(config.data_dir), store_lease(store), workspace(config.data_dir) as working:
        connection = connect(working)
        mount(connection, store)
        for item in current(store, (), first, last):
            _reprice(connection, store, item, targets, working / "new.parquet", done)
        store.settle()
        connection.close()
    note_rewritten(config.data_dir)
    return done


def _reprice(
    connection: "DuckDBPyConnection", store: Store, item: Item, targets: dict[str, Target], file: Path, done: Repriced
) -> None:
    rows = rows_of_parquet(names([item], store))
    origin = item.path[item.path.index("dt=") :]
    at = datetime.strptime(origin[:21], "dt=%Y-%m-%d/hour=%H").replace(tzinfo=UTC)
    places = connection.execute(
        f"SELECT DISTINCT {', '.join(_WHERE)} FROM ({rows}) WHERE provider IS NOT NULL"
    ).fetchall()
    prices: dict[_Place, Priced] = {}
    for deployment, provider, upstream_model in places:
        if found := _price_of(targets, deployment, provider, upstream_model, at):
            prices[deployment, provider, upstream_model] = found
    new = f"SELECT *, {_choice(prices, _cost)} AS new_cost, {_choice(prices, _id)} AS new_id FROM ({rows})"
    ((records, changed, before, after),) = connection.execute(
        "SELECT count(*), count(*) FILTER (new_cost IS DISTINCT FROM cost_nano_usd), "
        f"coalesce(sum(cost_nano_usd), 0), coalesce(sum(coalesce(new_cost, cost_nano_usd)), 0) FROM (SELECT * REPLACE "
        f"(coalesce(new_cost, cost_nano_usd) AS new_cost) FROM ({new}))"
    ).fetchall()
    done.records += records
    done.before_nano_usd += int(before)
    done.after_nano_usd += int(after)
    if not changed:
        return
    cost = "coalesce(new_cost, cost_nano_usd)"
    cost = f"CASE WHEN {cost} IS NOT NULL THEN least({cost}, {LARGEST_COST})::BIGINT END"
    replaced = {"cost_nano_usd": cost, "price_id": "coalesce(new_id, price_id)"}
    columns = ", ".join(f"{replaced[name]} AS {name}" if name in replaced else name for name in COLUMNS)
    ((written,),) = connection.execute(
        f"COPY (SELECT {columns} FROM ({new})) TO {quoted(str(file))} {PARQUET_OPTIONS}"
    ).fetchall()
    if written != records:
        raise RowsDiffer(item.path, records, written)
    store.put(f"{done.folder}/{origin}", file)
    done.changed += changed
    done.files += 1


def _price_of(
    targets: dict[str, Target], deployment: str | None, provider: str | None, upstream_model: str | None, at: datetime
) -> Priced | None:
    """Return the price of the deployment as it is configured now; if it is gone, the listed price of its model."""
    if target := targets.get(deployment or ""):
        return priced(target.model, target.deployment, at)
    return listed(provider, upstream_model or "", None, at)


def _choice(prices: dict[_Place, Priced], value: Callable[[Priced], str]) -> str:
    """Return an SQL expression of each place's value where something was used there, else NULL."""
    used = "coalesce(input_tokens, output_tokens, images, search_units) IS NOT NULL OR audio_seconds IS NOT NULL"
    whens = [f"WHEN {_matches(place)}{_told(price)} THEN {value(price)}" for place, price in prices.items()]
    return f"CASE WHEN NOT ({used}) THEN NULL {' '.join(whens)} END"


def _told(price: Priced) -> str:
    """Return a test that keeps the costs of records which do not tell what the price turns on."""
    return f" AND api NOT IN ({', '.join(map(quoted, _OF_MEDIA))})" if price.turns_on_media else ""


_KIND = "@[0-9a-zA-Z]*/[0-9a-zA-Z]*$"
"""The kind of a record's images, as `Priced.id_of` writes it."""
_OF_MEDIA = ("images", "transcriptions", "speech")
"""APIs of which records do not tell tokens of media from those of text."""


def _matches(place: _Place) -> str:
    tests = (
        f"{name} IS NULL" if value is None else f"{name} = {quoted(value)}"
        for name, value in zip(_WHERE, place, strict=True)
    )
    return " AND ".join(tests)


def _id(price: Priced) -> str:
    return f"{quoted(price.id)} || regexp_extract(coalesce(price_id, ''), {quoted(_KIND)})"


def _cost(price: Priced) -> str:
    """Return `Priced.cost` as SQL, exact to the nano-USD."""
    whens = [f"WHEN coalesce(input_tokens, 0) > {tokens} THEN {_at(longer)}" for tokens, longer in price.longer]
    return f"CASE {' '.join(whens)} ELSE {_at(price.price)} END" if whens else _at(price.price)


def _at(price: Price) -> str:
    rates = price.rates
    cached, written, reasoning = (
        f"coalesce({name}, 0)" for name in ("cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
    )
    parts = {
        f"greatest(coalesce(input_tokens, 0) - {cached} - {written}, 0)": rates.input,
        cached: rates.cached_input,
        written: rates.cache_write,
        f"greatest(coalesce(output_tokens, 0) - {reasoning}, 0)": rates.output,
        reasoning: rates.reasoning,
    }
    tokens = " + ".join(f"{count}::HUGEINT * {rate}" for count, rate in parts.items())
    return (
        f"(({tokens} + 500000) // 1000000 + coalesce(images, 0)::HUGEINT * {_image(price)} + coalesce(search_units, 0)"
        f"::HUGEINT * {rates.search_unit} + round_even(coalesce(audio_seconds, 0) * {rates.audio_second}, 0)::HUGEINT)"
    )


def _image(price: Price) -> str:
    """Return `image_rate` as SQL."""
    if not price.image_rates:
        return str(price.rates.image)
    kind = f"regexp_extract(coalesce(price_id, ''), {quoted(_KIND)})[2:]"
    keys = (kind, f"split_part({kind}, '/', 1)", f"split_part({kind}, '/', 2)")
    whens = [f"WHEN {key} = {quoted(name)} THEN {rate}" for key in keys for name, rate in price.image_rates.items()]
    return f"(CASE {' '.join(whens)} ELSE {price.rates.image} END)"
