"""Delete shipped segments that the budgets' checkpoint has read; budgets are restored from it and from the rest."""

import contextlib
import time
from pathlib import Path

from gateway.ledger.segments import SHIPPED, folder
from gateway.spending.checkpoint import load_checkpoint
from gateway.spending.days import DAY_SECONDS, DAYS_KEPT


def prune(data_dir: Path) -> int:
    """Delete shipped segments that no budget needs any more; return their number."""
    read = load_checkpoint(data_dir).read
    deleted = 0
    for path in folder(data_dir).glob(f"*{SHIPPED}"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            outdated = stat.st_mtime < time.time() - (DAYS_KEPT + 1) * DAY_SECONDS
            if outdated or read.get(path.stem, 0) >= stat.st_size:
                path.unlink()
                deleted += 1
    return deleted
