"""Create the store of continuations that a configuration asks for."""

from gateway.config.schema import Config
from gateway.continuations.memory import MemoryContinuations
from gateway.continuations.store import Continuations


def continuations_of(config: Config) -> Continuations:
    """Return the store. Raises `ConfigError` for a `shared_state` that is no address."""
    if config.shared_state is None:
        return MemoryContinuations()
    # As for limits: most gateways need no client of Redis, which takes long to import.
    from gateway.continuations.shared import SharedContinuations

    return SharedContinuations(config.shared_state.reveal(), config.server.custom_ca)
