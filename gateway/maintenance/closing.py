"""Ask running gateways to close their open segments, so that everything can be shipped."""

import time

from gateway.config.schema import Config
from gateway.ledger.segments import OPEN, ask_to_close, folder, recover

_LONGEST_SECONDS = 10.0


def close_running(config: Config) -> None:
    """Wait until every segment with records is closed; close those of dead processes."""
    segments = folder(config.data_dir)
    segments.mkdir(parents=True, exist_ok=True)
    recover(segments)
    before = {path for path in segments.glob(f"*{OPEN}") if path.stat().st_size}
    ask_to_close(config.data_dir)
    deadline = time.monotonic() + 3 * config.ledger.fsync_seconds + _LONGEST_SECONDS
    while any(path.exists() for path in before) and time.monotonic() < deadline:
        time.sleep(0.05)
