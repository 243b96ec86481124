"""`python -m tests.bench.ledger_storage`: what writing a record costs, and how a month is shipped."""

import itertools
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.config.schema import Config, Ledger
from gateway.ledger.destination import open_store
from gateway.ledger.writer import SegmentWriter
from gateway.maintenance.shipping import ship
from tests.bench.figures import Figure, Rule, judge
from tests.bench.measure import cpu_model
from tests.bench.month import Month, records, write_segments
from tests.ledger.s3 import BUCKET, S3Server

FIGURES = (
    Figure("write_cpu", "writing a record, CPU", "µs", (Rule("at most", 15),)),
    Figure("ship_seconds", "shipping the month", "s", (Rule("at most", 10),)),
    Figure("ship_cpu", "shipping the month, CPU", "s"),
    Figure("ship_memory", "shipping the month, memory", "MiB", (Rule("at most", 1024),)),
    Figure("row_bytes", "Parquet, a row", "bytes", (Rule("at most", 60),)),
    Figure("ship_growth", "shipping twice the rows", "× of once", (Rule("at most", 2.2),)),
    Figure("objects_seconds", "a summary over 2,000 small objects on S3", "s", (Rule("at most", 10),)),
)


def writing(folder: Path, count: int) -> float:
    """Microseconds of CPU for a record, in the worker's thread."""
    made = list(itertools.islice(records(), count))
    writer = SegmentWriter(folder, Ledger())
    writer.start()
    began = time.thread_time()
    for record in made:
        writer.write(record)
    took = time.thread_time() - began
    writer.stop()
    assert writer.records_lost == 0
    return took / count * 1e6


def shipping(folder: Path, month: Month) -> dict[str, float]:
    """Ship a month by the command, in a process of its own."""
    config = Config(data_dir=folder)
    write_segments(folder, records(month))
    file = folder / "sekisho.yaml"
    file.write_text(f"data_dir: {folder}\n")
    os.sync()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    call = [sys.executable, "-m", "gateway", "ledger", "ship", "--json", "--config", str(file)]
    done = json.loads(subprocess.run(call, check=True, capture_output=True).stdout)
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done["records"] == month.requests
    size = sum(item.size for item in open_store(config).list("dt=2025-04-01/"))
    assert 0 < size < done["bytes"]
    return {
        "ship_seconds": seconds,
        "ship_cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "ship_memory": after.ru_maxrss / 1024,
        "row_bytes": done["bytes"] / month.requests,
    }


def small_objects(folder: Path, count: int) -> float:
    """Seconds for a month of many small objects, by the command; most of it is the S3 server of the tests."""
    server = S3Server()
    server.start()
    try:
        ledger = {"destination": f"s3://{BUCKET}/many", "store_options": server.options()}
        config = Config.model_validate({"data_dir": folder, "ledger": ledger})
        write_segments(folder, itertools.islice(records(), 50))
        ship(config)
        store = open_store(config)
        item = next(item for item in store.list() if item.path.startswith("dt="))
        segment, source, _, end = item.path.rsplit("/", 1)[1].split(".")
        content = store.get(item.path)
        assert content is not None
        for number in range(count):
            place = f"dt=2025-04-{number % 27 + 1:02}/hour={number // 27 % 24:02}"
            store.put(f"{place}/{segment}x{number}.{source}.{number:016x}.{end}", content)
        file = folder / "sekisho.yaml"
        file.write_text(json.dumps({"data_dir": str(folder), "ledger": ledger, "models": []}))
        span = ("--from", "2025-03-31", "--to", "2025-04-30")
        call = [sys.executable, "-m", "gateway", "usage", "summary", "--json", *span, "--config", str(file)]
        began = time.monotonic()
        told = json.loads(subprocess.run(call, check=True, capture_output=True).stdout)
        seconds = time.monotonic() - began
        assert told["total"]["requests"] >= count - 100
        return seconds
    finally:
        server.stop()


def measured(scale: float, progress: Console) -> dict[str, float]:
    """Every figure by its name."""
    with TemporaryDirectory(prefix="sekisho-bench-") as place:
        folder = Path(place)
        progress.print("Writing records …")
        values = {"write_cpu": min(writing(folder / f"write{run}", 50_000) for run in range(3))}
        progress.print("Shipping a month …")
        values |= shipping(folder / "month", Month().scaled(scale))
        progress.print("Shipping twice as many …")
        twice = shipping(folder / "twice", Month().scaled(2 * scale))
        progress.print("Asking many small objects …")
        values["objects_seconds"] = small_objects(folder / "objects", round(2000 * min(1, scale)))
        return values | {"ship_growth": twice["ship_seconds"] / values["ship_seconds"]}


def main(
    scale: Annotated[float, typer.Option(help="Part of the month's 385,000 requests.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Measure the ledger's storage on this machine, which should have nothing else to do."""
    values = measured(scale, Console(stderr=True, highlight=False))
    if as_json:
        typer.echo(json.dumps({"machine": cpu_model(), "scale": scale, "values": values}))
        return
    table = Table("figure", "value", "to reach", "reached", title=cpu_model())
    for figure in FIGURES:
        value = values[figure.name]
        wanted = ", ".join(rule.text(figure.unit) for rule in figure.rules)
        reached = all(judge(figure, rule, value, None).reached for rule in figure.rules)
        table.add_row(figure.title, f"{value:,.1f} {figure.unit}", wanted, "yes" if reached else "no")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
