"""Spending of other ledgers at the destination, read from Parquet for a shared store that lost its data.

`python -m gateway.spending.other_ledgers FILE` prints it as JSON, in a process of its own, so that no worker grows by
DuckDB. A machine that lives publishes its sums itself; this is for those that are gone for good.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from gateway.config.load import load
from gateway.config.schema import Config
from gateway.errors import SekishoError
from gateway.identity.scopes import scopes
from gateway.ledger.destination import open_store
from gateway.ledger.files import names, originals, segment_of
from gateway.ledger.source import source_of
from gateway.ledger.store import Item
from gateway.spending.days import DAYS_KEPT, LARGEST_SUM

Sum = tuple[str, int, str, int]
"""Ledger, day since 1970, scope, nano-USD."""

_SECONDS = 600.0
_SPENT = (
    "SELECT epoch_us(started_at) // 86400000000, key_id, team, user_email, user_id, sum(cost_nano_usd) FROM ({}) "
    "WHERE cost_nano_usd > 0 GROUP BY ALL"
)


class Unreadable(Exception):
    """The destination cannot be read now; `str` is the reason."""


async def spending_of_other_ledgers(config_file: Path) -> list[Sum]:
    """Return the sums, read in a process of its own. Raises `Unreadable`."""
    pipe = asyncio.subprocess.PIPE
    call = (sys.executable, "-m", "gateway.spending.other_ledgers", str(config_file))
    process = await asyncio.create_subprocess_exec(*call, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(_SECONDS):
            answer, problem = await process.communicate()
    except TimeoutError as error:
        raise Unreadable(f"it takes longer than {_SECONDS:g} s") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        raise Unreadable(problem.decode(errors="replace").strip()[-500:])
    return msgspec.json.decode(answer, type=list[Sum])


def sums(config: Config, now: float | None = None) -> list[Sum]:
    """Read the last month of all ledgers but this machine's own. Raises `StoreError`."""
    from gateway.ledger.duck import connect, mount, rows_of_parquet

    store, own = open_store(config), source_of(config.data_dir)
    last = datetime.fromtimestamp(time.time() if now is None else now, UTC).date() + timedelta(days=1)
    by_ledger: dict[str, list[Item]] = defaultdict(list)
    for item in originals(store, last - timedelta(days=DAYS_KEPT + 1), last):
        by_ledger[segment_of(item.path).rpartition(".")[2]].append(item)
    by_ledger.pop(own, None)
    totals: dict[tuple[str, int, str], int] = defaultdict(int)
    with tempfile.TemporaryDirectory(prefix="sekisho-spent-") as scratch, connect(Path(scratch)) as connection:
        mount(connection, store, [item for items in by_ledger.values() for item in items])
        for ledger, items in by_ledger.items():
            rows = connection.execute(_SPENT.format(rows_of_parquet(names(items, store)))).fetchall()
            for day, *who, nano_usd in rows:
                for scope in scopes(*who):
                    totals[ledger, int(day), scope] += int(nano_usd)
    return [(*place, min(nano_usd, LARGEST_SUM)) for place, nano_usd in totals.items()]


def main() -> None:
    try:
        rows = sums(load(Path(sys.argv[1])).config)
    except SekishoError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
