"""Create the limiter that a configuration asks for."""

from pathlib import Path

from gateway.config.schema import Config
from gateway.limits.limit import Limiter, OnFailure
from gateway.limits.memory import MemoryLimiter


def limiter_of(config: Config, on_failure: OnFailure = "open", config_file: Path | None = None) -> Limiter:
    """Return the limiter of a configuration, which `config_file` holds.

    Raises `ConfigError` for a `shared_state` that is no address.
    """
    if config.shared_state is None:
        return MemoryLimiter(config.data_dir)
    # Its client takes a third of a second to import, and most gateways need none.
    from gateway.limits.shared import RedisLimiter

    return RedisLimiter(
        config.shared_state.reveal(),
        config.data_dir,
        on_failure=on_failure,
        custom_ca=config.server.custom_ca,
        config_file=config_file if config.ledger.destination else None,
    )
