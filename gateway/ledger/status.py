"""Status of the ledger: records that came in, are in Parquet, and wait."""

from dataclasses import dataclass

from gateway.config.schema import Config
from gateway.ledger.disk_quota import DiskQuota
from gateway.ledger.progress import count_waiting, load_progress
from gateway.ledger.segments import folder


@dataclass(frozen=True)
class Status:
    """Number of records; `records_in` = `records_out` + `waiting`, unless lines were damaged."""

    records_in: int
    records_out: int
    waiting: int
    waiting_bytes: int
    lag_seconds: float | None
    """Age of the oldest segment that is not in Parquet, in seconds."""
    damaged: int
    shipped_at: float | None
    problem: str | None
    destination: str

    @property
    def agrees(self) -> bool:
        return self.records_in == self.records_out + self.waiting


def status_of(config: Config) -> Status:
    """Return the status; reads every waiting segment once."""
    segments = folder(config.data_dir)
    segments.mkdir(parents=True, exist_ok=True)
    quota = DiskQuota(segments, config.ledger)
    quota.measure()
    quota.close()
    progress = load_progress(config.data_dir)
    waiting = count_waiting(config.data_dir, progress.counted)
    return Status(
        records_in=progress.records_in + waiting,
        records_out=progress.records_out,
        waiting=waiting,
        waiting_bytes=quota.waiting_bytes,
        lag_seconds=quota.lag if quota.oldest else None,
        damaged=progress.damaged,
        shipped_at=progress.shipped_at,
        problem=progress.problem,
        destination=config.ledger.destination or str(config.data_dir / "ledger" / "parquet"),
    )
