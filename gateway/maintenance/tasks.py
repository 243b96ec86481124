"""All regular maintenance of a ledger, in its order."""

import time

from gateway.config.schema import Config
from gateway.identity.keys import audit_of
from gateway.ledger.contents import expire_contents
from gateway.ledger.destination import open_store
from gateway.maintenance.audit_copies import copy_audit
from gateway.maintenance.compaction import compact, expire
from gateway.maintenance.shipping import ship

_COMPACT_SECONDS = 24 * 3600


def maintain(config: Config) -> None:
    """Ship closed segments; once a day compact small files and drop old partitions. Raises what those raise."""
    ship(config, patience=0)
    if config.ledger.destination is not None:
        copy_audit(audit_of(config).chain, open_store(config))
    stamp = config.data_dir / "ledger" / "joined"
    if not stamp.exists() or stamp.stat().st_mtime < time.time() - _COMPACT_SECONDS:
        stamp.touch()
        compact(config)
        expire(config)
        expire_contents(config)
