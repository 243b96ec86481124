"""Forget a person everywhere in the ledger and prove it; requests, tokens and costs stay.

Files are rewritten under their own names, one at a time, so that every record is there once at any moment. What
another machine has not shipped yet it ships without the person (`gateway.maintenance.tombstones`); what it recorded of
prompts and answers is its own to forget: run it there too. The second copy (`ledger.litellm`) is rewritten object by
object; what others made of it is theirs. Keys and budgets lose the person, too (`gateway.identity.forgetting`).
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gateway.audit.forgetting import forget_in_audit, named_in_audit
from gateway.casing import lower
from gateway.config.schema import Config
from gateway.identity.forgetting import forget_in_keys, named_in_keys
from gateway.identity.keys import audit_of
from gateway.ledger.contents import forget_contents
from gateway.ledger.destination import open_store
from gateway.ledger.duck import COLUMNS, PARQUET_OPTIONS, SORTED, connect, is_of_files, mount, quoted, rows_of_parquet
from gateway.ledger.errors import NotForgotten, RowsDiffer
from gateway.ledger.files import PARQUET, names
from gateway.ledger.lease import store_lease
from gateway.ledger.process_lock import process_lock, workspace
from gateway.ledger.store import Item, Store
from gateway.ledger.sums import drop_sums
from gateway.maintenance.anonymize import anonymized, blank_segments, is_one_of, listed
from gateway.maintenance.audit_copies import copy_audit, forget_in_copies
from gateway.maintenance.closing import close_running
from gateway.maintenance.second_copy import forget_copies
from gateway.maintenance.shipping import ship
from gateway.maintenance.tombstones import Tombstones
from gateway.spending.checkpoint import forget_spending

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_ROUNDS = 3
_TRIES, _PAUSE_SECONDS = 5, 0.5
T = TypeVar("T")

_AT_ONCE = 500
"""Number of files in one query."""


@dataclass
class Forgotten:
    """What was rewritten, and the proof: all files were read again and none names the person."""

    user: str
    identities: int = 0
    """Number of ids and addresses under which the person was found."""
    records: int = 0
    files: int = 0
    keys: int = 0
    """Number of keys that lost their owner; the person's own are revoked."""
    budgets: int = 0
    """Number of budgets of the person that were deleted."""
    contents: int = 0
    """Number of recorded contents that were deleted."""
    copies: int = 0
    """Number of objects of the second copy (`ledger.litellm`) that were rewritten."""
    audited: int = 0
    """Number of rows of the audit of which parts were taken out."""
    files_checked: int = 0
    records_checked: int = 0
    found_after: int = 0
    totals_kept: bool = True
    """True if the sums of requests, tokens and costs are unchanged."""
    unconfirmed: list[str] = field(default_factory=list)
    """Names of machines that may still have records of the person; they ship them without the person."""


def forget(config: Config, user: str) -> Forgotten:
    """Forget the person with this id or e-mail address, with all ids and addresses that the ledger links to it.

    Raises `ShippingBusy`, `StoreError`, `NotForgotten`, `RowsDiffer`.
    """
    close_running(config)
    ship(config)
    store = open_store(config)
    result = Forgotten(user)
    with process_lock(config.data_dir), store_lease(store), workspace(config.data_dir) as working:
        connection = connect(working)
        persons = _retried(lambda: _identities(connection, store, {lower(user)}))
        result.identities = len(persons)
        result.keys, result.budgets = forget_in_keys(config, persons)
        there = {item.path for item in _all(store)}
        before = _retried(lambda: _totals(connection, store, there))
        # Before anything is looked at: what another machine writes from now on, it checks after writing.
        tombstones = Tombstones(store, config.data_dir)
        number = tombstones.leave(persons)
        for _ in range(_ROUNDS):
            for item in _retried(lambda: _files_naming(connection, store, persons)):
                result.records += _retried(partial(_rewrite, connection, store, item, persons, working / "new.parquet"))
                result.files += 1
            store.settle()
            left = _retried(lambda: _files_naming(connection, store, persons))
            if not left:
                break
        result.contents = forget_contents(config, persons)
        blank_segments(config.data_dir, persons)
        forget_spending(config.data_dir, persons)
        result.copies = forget_copies(config, persons)
        result.audited = _forget_audit(config, store, persons)
        after = _retried(lambda: _totals(connection, store, there))
        checked = {item.path for item in _all(store)}
        result.files_checked = len(checked)
        result.records_checked = _retried(lambda: _totals(connection, store, checked))[0]
        chain = audit_of(config).chain
        result.found_after = len(left) + named_in_keys(config, persons) + named_in_audit(chain, persons)
        result.totals_kept = before == after
        result.unconfirmed = [machine.name for machine in tombstones.waiting_for(number)]
        connection.close()
    drop_sums(config.data_dir)
    if result.found_after:
        raise NotForgotten(result.found_after)
    return result


def _forget_audit(config: Config, store: Store, persons: Collection[str]) -> int:
    """Take the persons out of this machine's audit and its copy; return the number of rows."""
    chain = audit_of(config).chain
    taken = forget_in_audit(chain, persons)
    if config.ledger.destination is not None:
        copy_audit(chain, store)
        forget_in_copies(chain, store, [n for n, _ in taken])
    return len(taken)


def _retried(question: Callable[[], T]) -> T:
    """Run a query, again where another machine wrote one of the files while it was read."""
    import duckdb

    for left in reversed(range(_TRIES)):
        try:
            return question()
        except duckdb.Error as error:
            if not left or not is_of_files(error):
                raise
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError


def _identities(connection: "DuckDBPyConnection", store: Store, persons: set[str]) -> set[str]:
    """Return all ids and addresses that share a record with a known one, transitively."""
    while True:
        linked = set(persons)
        for files in _batches(_mounted(connection, store), store):
            rows = f"({rows_of_parquet(files)}) WHERE {is_one_of(persons)}"
            known = connection.execute(f"SELECT DISTINCT lower(user_id), lower(user_email) FROM {rows}").fetchall()
            linked.update(each for row in known for each in row if each)
        if linked == persons:
            return persons
        persons = linked


def _files_naming(connection: "DuckDBPyConnection", store: Store, persons: set[str]) -> list[Item]:
    """Return the files that still name the person in any column."""
    texts = [name for name, kind in COLUMNS.items() if kind == "VARCHAR" and name != "request_id"]
    anywhere = " OR ".join(f"lower({name}) IN {listed(persons)}" for name in texts)
    anywhere += f" OR list_has_any(list_transform(user_groups, lambda each: lower(each)), {listed(persons, '[]')})"
    columns = ", ".join(texts)
    naming: list[Item] = []
    for item in _mounted(connection, store):
        rows = f"read_parquet({quoted(names([item], store)[0])}, hive_partitioning=false)"
        if connection.execute(f"SELECT {columns} FROM {rows} WHERE {anywhere} LIMIT 1").fetchall():
            naming.append(item)
    return naming


def _rewrite(connection: "DuckDBPyConnection", store: Store, item: Item, persons: set[str], file: Path) -> int:
    """Rewrite a file without the person; return the number of records that changed."""
    rows = rows_of_parquet(names([item], store))
    ((records, theirs),) = connection.execute(
        f"SELECT count(*), count(*) FILTER ({is_one_of(persons)}) FROM ({rows})"
    ).fetchall()
    columns = ", ".join(f"{anonymized(name, persons)} AS {name}" for name in COLUMNS)
    query = f"SELECT * FROM (SELECT {columns} FROM ({rows})) ORDER BY {SORTED}"
    ((written,),) = connection.execute(f"COPY ({query}) TO {quoted(str(file))} {PARQUET_OPTIONS}").fetchall()
    if written != records:
        raise RowsDiffer(item.path, records, written)
    store.put(item.path, file)
    return int(theirs)


def _totals(connection: "DuckDBPyConnection", store: Store, paths: Collection[str]) -> tuple[int, ...]:
    """Return requests, tokens and costs of the files that existed at the beginning; others may be shipped meanwhile."""
    sums = [0, 0, 0, 0]
    items = [item for item in _mounted(connection, store) if item.path in paths]
    for files in _batches(items, store):
        ((*counts,),) = connection.execute(
            "SELECT count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), "
            f"coalesce(sum(cost_nano_usd), 0) FROM ({rows_of_parquet(files)})"
        ).fetchall()
        sums = [total + int(each) for total, each in zip(sums, counts, strict=True)]
    return tuple(sums)


def _mounted(connection: "DuckDBPyConnection", store: Store) -> list[Item]:
    """Mount the store anew; return all files as they are now."""
    items = _all(store)
    mount(connection, store, items)
    return items


def _all(store: Store) -> list[Item]:
    """Return all files, repriced ones and those that they replaced included."""
    return sorted((item for item in store.list() if item.path.endswith(PARQUET)), key=lambda item: item.path)


def _batches(items: Sequence[Item], store: Store) -> Iterable[list[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield names(items[start : start + _AT_ONCE], store)
