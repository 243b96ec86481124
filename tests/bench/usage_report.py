"""How long the report of the published month takes: `python -m tests.bench.usage_report`.

The 385,000 records of `tests.bench.month` are shipped first; then the report is written by a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.child import measured
from tests.bench.month import Month, records, write_segments

MOST_SECONDS = 5.0
"""On two cores that have nothing else to do."""
_OPTIONS = (
    *("--from", "2025-04-01", "--to", "2025-04-30", "--timezone", "Asia/Tokyo", "--mark", "2025-04-18=training"),
    *("--gpu-hours", "2880", "--gpu-hour-usd", "1.2"),
)


def prepare(folder: Path, month: Month) -> Path:
    """A ledger whose records are all in Parquet; gives the configuration's file."""
    config = folder / "sekisho.yaml"
    config.write_text("data_dir: data\nmodels: []\n")
    write_segments(folder / "data", records(month))
    command = [sys.executable, "-m", "gateway", "ledger", "ship", "--config", str(config)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return config


def report(config: Path) -> dict[str, Any]:
    """`seconds`, `cpu_seconds`, largest memory in `bytes`, `page_bytes`, `requests`."""
    target = config.parent / "report.html"
    options = ["usage", "report", *_OPTIONS, "-o", str(target), "--json", "--config", str(config)]
    began = time.monotonic()
    done = measured([sys.executable, "-m", "gateway", *options])
    return {
        "requests": json.loads(done.printed)["totals"]["requests"],
        "seconds": time.monotonic() - began,
        "cpu_seconds": done.cpu_seconds,
        "bytes": done.bytes,
        "page_bytes": target.stat().st_size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the month")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sekisho-report-") as folder:
        took = report(prepare(Path(folder), Month().scaled(given.scale)))
    print(
        f"{took['requests']:,} requests: {took['seconds']:.2f} s, {took['cpu_seconds']:.2f} s CPU, "
        f"{took['bytes'] / 1e6:.0f} MB, a page of {took['page_bytes'] / 1e3:.0f} kB"
    )
    print(json.dumps({**took, "good": took["seconds"] <= MOST_SECONDS}))


if __name__ == "__main__":
    main()
